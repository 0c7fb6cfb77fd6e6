"""The training loop.

    batch -> augment -> rule.step (writes .grad) -> clip -> look at the loss -> optimizer.step

A step is a function of the weights, the optimizer's and the rule's memory, and the position; a checkpoint between
two steps therefore continues bit for bit. The test part of the data is looked at once, at the end.
"""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .. import data as datasets
from ..data import Dataset, Split
from ..errors import CheckpointError, DivergenceError
from ..nn import Network
from ..rules import Rule
from . import checkpoint, health, optimizers, order
from .config import CONFIG_FILE, TrainConfig, differences, read_config, write_config
from .environment import memory_named, settled
from .files import append_line, sweep_unfinished, write_atomic, write_json
from .folder import CHECKPOINT, INITIAL, METRICS, MODEL, SUMMARY, resume_command
from .interrupt import Interrupt, TrainingInterrupted
from .measures import evaluate, pathway_angles, peak_memory_mb
from .progress import Progress
from .runs import Run
from .state import EpochSums, State, load_weights, pack, unpack
from .updates import Updates

RESIDENT_BYTES = 4 * 2**30  # training data up to this size move to a GPU as a whole


class Training:
    """One training from its beginning, or from its checkpoint, to its end.

    Args:
        config: sound settings.
        network: on the device of `config`; trained in place.
        rule: on that network.
        dataset: fits the network.
        folder: an existing folder that is held; None keeps the run in memory.
        progress: what is told on the way.
    """

    def __init__(
        self,
        config: TrainConfig,
        network: Network,
        rule: Rule,
        dataset: Dataset,
        *,
        folder: Path | None,
        progress: Progress,
    ) -> None:
        self.config, self.network, self.rule, self.dataset = config, network, rule, dataset
        self.folder, self.progress = folder, progress
        self.device = next(network.parameters()).device
        train, validation = dataset.split_validation(config.validation, config.seed)
        if config.limit is not None and config.limit < len(train):
            train = train.subset(order.first_stratified(train.labels, config.limit))
        self.train, self.validation = self._resident(train), self._resident(validation)
        self.steps = order.steps_per_epoch(len(train), config.batch_size)
        self.augment = datasets.augment.create(config.augment)
        self.trained = rule.parameters()
        groups = optimizers.parameter_groups(
            self.trained,
            network.bottom_up_parameters(),
            network.top_down_parameters(),
            lr=config.lr,
            top_down_lr=config.top_down_lr,
        )
        self.optimizer = optimizers.build(
            config.optimizer, groups, weight_decay=config.weight_decay, options=config.optimizer_options
        )
        self.updates = Updates(rule, self.optimizer, in_sweep=config.update == "in-sweep")
        self.watch = health.FiringWatch(network.stage_names, spiking=network.activity == "spikes")
        self.state = State()
        self.best_weights: dict[str, Tensor] | None = None
        self.rates: list[float] = []
        self.saved_at = time.monotonic()

    # ------------------------------------------------------------------ whole

    def run(self) -> Run:
        """Train to the end and test.

        Raises:
            DivergenceError: a value is not finite, or no stage fires.
            TrainingInterrupted: Ctrl-C; a checkpoint was written.
        """
        config, state = self.config, self.state
        with settled(self.device, threads=config.threads), memory_named(config.batch_size):
            self._begin()
            state = self.state
            self.progress.begin(config.epochs, self.steps)
            try:
                with Interrupt() as interrupt:
                    while state.epoch < config.epochs and state.ended is None:
                        self._epoch(interrupt)
                return self._finish()
            except DivergenceError as error:
                raise DivergenceError(f"{error}{self._saved_text()}") from error
            finally:
                self.updates.release()
                self.progress.end()

    def _begin(self) -> None:
        if self.folder is None:
            return
        sweep_unfinished(self.folder)
        saved = checkpoint.load(self.folder / CHECKPOINT, note=self.progress.note)
        if saved is None:
            if (self.folder / CONFIG_FILE).exists():
                self._refuse(differences(read_config(self.folder).to_dict(), self.config))
            initial = self.folder / INITIAL
            if initial.exists():  # killed before the first checkpoint: begin with the same weights again
                load_weights(self.network, checkpoint.read_tensors(initial), initial)
            else:
                write_atomic(initial, checkpoint.serialise(self.network.state_dict()))
            write_config(self.folder, self.config, network=self.network.spec, rule=self.rule.options)
        else:
            self._expect_same(saved.identity)
            self.state, self.best_weights = unpack(saved, self.network, self.rule, self.optimizer)
            self.watch.restore(self.state.health)
            checkpoint.sweep(self.folder / CHECKPOINT)
            self.progress.note(f"resuming at {self._where()}")
        lines = [json.dumps(row) + "\n" for row in self.state.metrics]
        write_atomic(self.folder / METRICS, "".join(lines))

    def _finish(self) -> Run:
        if self.folder is not None and self.state.metrics:
            self._save()
        if self.config.keep == "best" and self.best_weights is not None:
            self.network.load_state_dict(self.best_weights)
        self.network.eval()
        test = evaluate(self.network, self._resident(self.dataset.test), seed=self.config.seed)
        summary = self._summary(test)
        if self.folder is not None:
            write_atomic(self.folder / MODEL, checkpoint.serialise(self.network.state_dict()))
            write_json(self.folder / SUMMARY, summary)
        return Run(self.folder, self.config, self.network, self.rule, summary, self.state.metrics)

    # ------------------------------------------------------------------ epochs and steps

    def _epoch(self, interrupt: Interrupt) -> None:
        state, config = self.state, self.config
        samples = order.epoch_order(len(self.train), config.seed, state.epoch)
        self.network.train()
        self.progress.start_epoch(state.epoch, state.step)
        while state.step < self.steps:
            started = time.perf_counter()
            loss = self._step(order.batch_indices(samples, state.step, config.batch_size))
            elapsed = time.perf_counter() - started
            state.sums.seconds += elapsed
            state.sums.step_ms.append(round(1e3 * elapsed, 3))
            state.step += 1
            state.updates += 1
            self.progress.step(loss)
            if interrupt.requested:
                raise self._interrupted()
            if self._is_due():
                self._save()
        self._end_epoch()

    def _step(self, indices: Tensor) -> float:
        state, config = self.state, self.config
        stimuli, labels = self.train.batch(indices)
        stimuli, labels = stimuli.to(self.device), labels.to(self.device)
        position = (state.epoch, state.step)
        stimuli = self.augment(stimuli, order.generator(config.seed, "augment", *position))
        draws = order.generator(config.seed, "rule", *position, device=self.device)
        optimizers.set_learning_rate(self.optimizer, self._factor(state.updates))
        report = self.rule.step(stimuli, labels, generator=draws)
        self.updates.gather()
        if config.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.trained, config.clip_norm)
        # One look at the device a step, for everything that is counted.
        found = [report.loss, report.correct, *report.stage_losses.values(), *report.spike_rate]
        loss, correct, *rest = torch.stack([value.detach().double().reshape(()) for value in found]).tolist()
        stages = dict(zip(report.stage_losses, rest, strict=False))
        self.rates = rest[len(stages) :]
        health.check_values(loss, stages, self.network.stage_names, self.rates, self._where())
        self.updates.apply()
        if state.updates % health.WEIGHTS_EVERY == 0:
            health.check_weights(self.network, self.trained, self.rates, self._where())
        self.watch.see(self.rates)
        state.sums.add(len(labels), loss, correct, stages, self.rates)
        return loss

    def _factor(self, update: int) -> float:
        config = self.config
        total = config.epochs * self.steps
        return optimizers.schedule_factor(config.schedule, update, total, warmup_steps=config.warmup_steps)

    def _end_epoch(self) -> None:
        config, state, sums = self.config, self.state, self.state.sums
        started = time.perf_counter()
        health.check_weights(self.network, self.trained, self.rates, self._where())
        findings = self.watch.findings(self.steps)
        validation = None
        if len(self.validation):
            validation = evaluate(self.network, self.validation, seed=config.seed)["accuracy"]
        before = state.metrics[-1]["health"] if state.metrics else {}
        for stage, finding in findings.items():
            if before.get(stage) != finding:
                self.progress.note(f"warning: {health.finding_text(stage, finding)}")
        row = {
            "epoch": state.epoch + 1,
            "loss": sums.loss / sums.steps,
            "train_accuracy": sums.correct / sums.samples,
            "validation": validation,
            "spike_rate": [rate / sums.steps for rate in sums.spike_rate],
            "stage_losses": {name: value / sums.steps for name, value in sums.stage_losses.items()},
            "angle": pathway_angles(self.network),
            "lr": config.lr * self._factor(state.updates - 1),
            "seconds": sums.seconds + time.perf_counter() - started,
            "step_ms": statistics.median(sums.step_ms),
            "health": findings,
        }
        state.metrics.append(row)
        self._judge(validation)
        state.epoch, state.step, state.sums = state.epoch + 1, 0, EpochSums()
        if self.folder is not None:
            append_line(self.folder / METRICS, json.dumps(row, allow_nan=False))
        self.progress.end_epoch(row)
        if self._is_due(steps=False):
            self._save()

    def _judge(self, validation: float | None) -> None:
        """Remember the best validation; end the training if it has not improved for too long."""
        state, config = self.state, self.config
        if validation is None:
            return
        if state.best is None or validation > state.best:
            state.best, state.best_epoch = validation, state.epoch + 1
            if config.keep == "best":
                weights = self.network.state_dict()
                self.best_weights = {name: value.detach().clone() for name, value in weights.items()}
        elif config.patience is not None and state.epoch + 1 - state.best_epoch >= config.patience:
            state.ended = f"validation has not improved for {config.patience} epochs"
            self.progress.note(f"ended after epoch {state.epoch + 1}: {state.ended}.")

    # ------------------------------------------------------------------ checkpoints

    def _is_due(self, *, steps: bool = True) -> bool:
        config = self.config
        if self.folder is None:
            return False
        by_steps = steps and config.checkpoint_steps and self.state.updates % config.checkpoint_steps == 0
        seconds = time.monotonic() - self.saved_at
        return bool(by_steps) or 0 < config.checkpoint_seconds <= seconds

    def _save(self) -> None:
        assert self.folder is not None
        health.check_weights(self.network, self.trained, self.rates, self._where())
        self.state.health = self.watch.counts()
        self.state.peak_memory_mb = self._peak_memory()
        saved = pack(self.state, self.network, self.rule, self.optimizer, self.best_weights, self._identity())
        checkpoint.save(self.folder / CHECKPOINT, saved)
        self.saved_at = time.monotonic()

    def _interrupted(self) -> TrainingInterrupted:
        if self.folder is None:
            return TrainingInterrupted(
                f"interrupted at {self._where()}; the network in memory has the weights of that step. "
                "Nothing was saved: the training had no folder (out)."
            )
        self._save()
        return TrainingInterrupted(
            f"interrupted at {self._where()}; saved in {self.folder / CHECKPOINT}. Go on with:\n"
            f"  {resume_command(self.folder)}"
        )

    def _saved_text(self) -> str:
        moved = " The weights in memory were moved by that step (update in-sweep)." if self.updates.in_sweep else ""
        if self.folder is None or not (self.folder / CHECKPOINT / checkpoint.LATEST).exists():
            return moved
        return f"{moved} The last checkpoint before that is in {self.folder / CHECKPOINT}."

    def _identity(self) -> dict[str, Any]:
        return {
            "settings": self.config.to_dict(),
            "network": self.network.spec,
            "rule": self.rule.options,
            "data": self.dataset.fingerprint,
        }

    def _expect_same(self, saved: dict[str, Any]) -> None:
        now = json.loads(json.dumps(self._identity()))
        problems = differences(saved["settings"], self.config)
        if not problems:
            problems += [
                f"{part}: {saved[part].get(key)!r} -> {now[part].get(key)!r}"
                for part in ("network", "rule")
                for key in sorted(saved[part].keys() | now[part].keys())
                if saved[part].get(key) != now[part].get(key)
            ]
        if saved["data"] != now["data"]:
            problems.append(f"content of the data set: {saved['data']} -> {now['data']}")
        self._refuse(problems)

    def _refuse(self, problems: list[str]) -> None:
        if problems:
            raise CheckpointError(
                f"{self.folder}: holds a training with other settings: {'; '.join(problems)}. "
                "Resume with the old ones, or choose another folder."
            )

    # ------------------------------------------------------------------ small things

    def _where(self) -> str:
        return f"epoch {self.state.epoch + 1}, step {self.state.step} of {self.steps}"

    def _resident(self, split: Split) -> Split:
        size = split.stimuli.numel() * split.stimuli.element_size()
        return split.to(self.device) if self.device.type == "cuda" and size <= RESIDENT_BYTES else split

    def _peak_memory(self) -> float:
        return max(self.state.peak_memory_mb, peak_memory_mb(self.device))

    def _summary(self, test: dict[str, Any]) -> dict[str, Any]:
        config, state = self.config, self.state
        rows = state.metrics
        kept = rows[state.best_epoch - 1] if config.keep == "best" and state.best_epoch else rows[-1]
        return {
            "run": None if self.folder is None else str(self.folder),
            "dataset": config.dataset,
            "model": config.model,
            "rule": config.rule,
            "seed": config.seed,
            "epochs": len(rows),
            "steps": self.network.steps,
            "batch_size": config.batch_size,
            "parameters": sum(parameter.numel() for parameter in self.network.parameters()),
            "metric": "accuracy",
            "test": test["accuracy"],
            "validation": kept["validation"],
            "train_seconds": sum(row["seconds"] for row in rows),
            "step_ms": statistics.median(row["step_ms"] for row in rows),
            "peak_memory_mb": self._peak_memory(),
            "spike_rate": kept["spike_rate"],
            "device": str(self.device),
            "versions": checkpoint.versions(),
            "parameters_trained": sum(parameter.numel() for parameter in self.trained),
            "train_samples": len(self.train),
            "validation_samples": len(self.validation),
            "test_samples": test["samples"],
            "updates": state.updates,
            "kept_epoch": kept["epoch"],
            "best_validation": state.best,
            "ended": state.ended,
            "confusion": test["confusion"],
            "data_fingerprint": self.dataset.fingerprint,
        }
