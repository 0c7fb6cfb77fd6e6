"""The training loop.

    batch -> augment -> rule.step (writes .grad) -> clip -> look at the loss -> optimizer.step

A step is a function of the weights, the optimizer's and the rule's memory, and the position; a checkpoint between
two steps therefore continues bit for bit. Several processes may share each batch (`distributed`): all of them go
through this loop alike, process 0 alone writes. The test part of the data is looked at once, at the end, or never.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .. import data as datasets
from ..config import optimizers, schedules
from ..config.train_config import TrainConfig
from ..data import Dataset, Split
from ..data.sequence_dataset import SequenceDataset, Windows
from ..errors import DivergenceError
from ..files import append_line, write_atomic, write_json
from ..nn import ALONE, Group, Network
from ..rules import Rule
from ..runs import checkpoint
from ..runs.folder import METRICS, MODEL, SUMMARY
from ..runs.run import Run
from ..tasks import baselines
from ..tasks.judging import MEASURES, mean_steps
from . import distributed, health, order
from .checkpointer import Checkpointer
from .conditions import training_parts
from .environment import memory_named, settled
from .interrupt import Interrupt
from .measures import evaluate, metric_of, pathway_angles, score_of
from .progress import Progress
from .state import EpochSums

RESIDENT_BYTES = 4 * 2**30  # training data up to this size move to a GPU as a whole


class Training(Checkpointer):
    """One training from its beginning, or from its checkpoint, to its end.

    Args:
        As `Checkpointer`; the number of steps follows from the data.
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
        group: Group = ALONE,
    ) -> None:
        train, validation = training_parts(dataset, config)
        super().__init__(
            config,
            network,
            rule,
            dataset,
            folder=folder,
            progress=progress,
            group=group,
            steps=order.steps_per_epoch(len(train), config.batch_size),
        )
        self.train, self.validation = self._resident(train), self._resident(validation)
        self.augment = datasets.augment.create(config.augment)
        self.metric = metric_of(network)
        self.mean_steps = mean_steps(train) if isinstance(train, Windows) and self.metric == "mse" else None
        self.stops = False  # whether any process was asked to stop

    # ------------------------------------------------------------------ whole

    def run(self) -> Run:
        """Train to the end and test.

        Raises:
            DivergenceError: a value is not finite, or no layer fires.
            TrainingInterrupted: Ctrl-C; a checkpoint was written.
            ProcessLost: another process is gone; a checkpoint of the last complete step was written.
        """
        config = self.config
        with settled(self.device, threads=config.threads), memory_named(config.batch_size), self._joined():
            self._begin()
            self.progress.begin(config.epochs, self.steps)
            try:
                with Interrupt() as interrupt, self._rescued():
                    while self.state.epoch < config.epochs and self.state.ended is None:
                        self._epoch(interrupt)
                with self._rescued():
                    return self._finish()
            except DivergenceError as error:
                raise DivergenceError(f"{error}{self._saved_text()}") from error
            finally:
                self.progress.end()

    @contextlib.contextmanager
    def _joined(self) -> Iterator[None]:
        """Network and rule take part in this training, and are left free."""
        self.network.join(self.group)
        try:
            with self.updates.hearing(self.rule):
                yield
        finally:
            self.network.join(ALONE)

    def _finish(self) -> Run:
        if self.folder is not None and self.state.metrics:
            self._save()
        if self.config.keep == "best" and self.best_weights is not None:
            self.network.load_state_dict(self.best_weights)
        self.network.eval()
        summary = self._summary(self._test())
        if self.folder is not None:
            write_atomic(self.folder / MODEL, checkpoint.serialise(self.network.state_dict()))
            write_json(self.folder / SUMMARY, summary)
        return Run(self.folder, self.config, self.network, self.rule, summary, self.state.metrics)

    def _test(self) -> dict[str, Any]:
        """What the test part says; unknown where it is not to be looked at."""
        if not self.config.test:
            return {"accuracy": None, self.metric: None, "samples": None, "confusion": None}
        return self._evaluate(self._resident(self.dataset.test))

    def _evaluate(self, split: Split) -> dict[str, Any]:
        return evaluate(self.network, split, seed=self.config.seed, steps=self.mean_steps, group=self.group)

    # ------------------------------------------------------------------ epochs and steps

    def _epoch(self, interrupt: Interrupt) -> None:
        state, config = self.state, self.config
        samples = order.epoch_order(len(self.train), config.seed, state.epoch)
        self.network.train()
        self.progress.start_epoch(state.epoch, state.step)
        while state.step < self.steps:
            started = time.perf_counter()
            with distributed.undone_if_lost(self.group, self.network, self.rule):
                loss = self._step(order.batch_indices(samples, state.step, config.batch_size), interrupt)
            elapsed = time.perf_counter() - started
            state.sums.seconds += elapsed
            state.sums.step_ms.append(round(1e3 * elapsed, 3))
            state.step += 1
            state.updates += 1
            self.progress.step(loss)
            if self.stops or (self.group.size == 1 and interrupt.requested):
                raise self._interrupted()
            if self._is_due():
                self._save()
        self._end_epoch()

    def _batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """This process's share of a batch; what augmentation draws is drawn for the whole batch."""
        mine = self.group.share(len(indices))
        drawn = self.config.augment != "none"
        stimuli, labels = self.train.batch(indices if drawn else indices[mine])
        stimuli, labels = stimuli.to(self.device), labels.to(self.device)
        if not drawn:
            return stimuli, labels
        draws = order.generator(self.config.seed, "augment", self.state.epoch, self.state.step)
        return self.augment(stimuli, draws)[mine], labels[mine]

    def _step(self, indices: Tensor, interrupt: Interrupt) -> float:
        state, config = self.state, self.config
        position = (state.epoch, state.step)
        stimuli, labels = self._batch(indices)
        draws = order.generator(config.seed, "rule", *position, device=self.device)
        optimizers.set_learning_rate(self.optimizer, self._factor(state.updates))
        report = self.rule.step(stimuli, labels, generator=draws)
        self.updates.gather()
        if config.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.trained, config.clip_norm)
        # One look at the device a step, for everything that is counted.
        found = [report.loss, report.correct, *report.layer_losses.values(), *report.spike_rate]
        values = torch.stack([value.detach().double().reshape(()) for value in found])
        (loss, correct, *rest), self.stops = distributed.sum_report(
            self.group, values, means=len(report.spike_rate), rows=len(labels), stop=interrupt.requested
        )
        layers = dict(zip(report.layer_losses, rest, strict=False))
        self.rates = rest[len(layers) :]
        health.check_values(loss, layers, self.network.layer_names, self.rates, self._where())
        self.updates.apply()
        if state.updates % health.WEIGHTS_EVERY == 0:
            health.check_weights(self.network, self.trained, self.rates, self._where())
        self.watch.see(self.rates)
        state.sums.add(len(indices), loss, correct, layers, self.rates)
        return loss

    def _factor(self, update: int) -> float:
        config = self.config
        total = config.epochs * self.steps
        return schedules.schedule_factor(config.schedule, update, total, warmup_steps=config.warmup_steps)

    def _end_epoch(self) -> None:
        config, state, sums = self.config, self.state, self.state.sums
        started = time.perf_counter()
        health.check_weights(self.network, self.trained, self.rates, self._where())
        findings = self.watch.findings(self.steps)
        found: dict[str, Any] = {"accuracy": None, self.metric: None}
        if len(self.validation):
            found = self._evaluate(self.validation)
        validation = found[self.metric]
        before = state.metrics[-1]["health"] if state.metrics else {}
        for layer, finding in findings.items():
            if before.get(layer) != finding:
                self.progress.note(f"warning: {health.finding_text(layer, finding)}")
        row = {
            "epoch": state.epoch + 1,
            "loss": sums.loss / sums.steps,
            "train_accuracy": sums.correct / sums.samples,
            "validation": validation,
            "spike_rate": [rate / sums.steps for rate in sums.spike_rate],
            "layer_losses": {name: value / sums.steps for name, value in sums.layer_losses.items()},
            "angle": pathway_angles(self.network),
            "lr": config.lr * self._factor(state.updates - 1),
            "seconds": sums.seconds + time.perf_counter() - started,
            "step_ms": statistics.median(sums.step_ms),
            "health": findings,
        }
        row |= {name: found[name] for name in (*MEASURES, "reconstruction") if found.get(name) is not None}
        state.metrics.append(row)
        self._judge(None if validation is None else score_of(found))
        state.epoch, state.step, state.sums = state.epoch + 1, 0, EpochSums()
        if self.folder is not None:
            append_line(self.folder / METRICS, json.dumps(row, allow_nan=False))
        self.progress.end_epoch(row)
        if self._is_due(steps=False):
            self._save()

    def _judge(self, validation: float | None) -> None:
        """Remember the best validation, the larger the better; end the training if it has not improved for too long."""
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

    # ------------------------------------------------------------------ small things

    def _resident(self, split: Split) -> Split:
        size = split.stimuli.numel() * split.stimuli.element_size()
        return split.to(self.device) if self.device.type == "cuda" and size <= RESIDENT_BYTES else split

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
            "time_steps": self.network.time_steps,
            "steps": self.network.time_steps,
            "batch_size": config.batch_size,
            "parameters": sum(parameter.numel() for parameter in self.network.parameters()),
            "metric": self.metric,
            "test": test[self.metric],
            "validation": kept["validation"],
            "train_seconds": sum(row["seconds"] for row in rows),
            "step_ms": statistics.median(row["step_ms"] for row in rows),
            "peak_memory_mb": self._peak_memory(),
            "spike_rate": kept["spike_rate"],
            "device": str(self.device),
            "versions": checkpoint.versions(),
            "processes": self.group.size,
            "parameters_trained": sum(parameter.numel() for parameter in self.trained),
            "train_samples": len(self.train),
            "validation_samples": len(self.validation),
            "test_samples": test["samples"],
            "updates": state.updates,
            "kept_epoch": kept["epoch"],
            "best_validation": -state.best if state.best is not None and self._falling else state.best,
            "ended": state.ended,
            "confusion": test["confusion"],
            "data_fingerprint": self.dataset.fingerprint,
            **self._reconstruction(kept, test),
            **self._sequences(kept, test),
        }

    @property
    def _falling(self) -> bool:
        """Whether a better network has a smaller measure."""
        return self.network.latent or self.metric != "accuracy"

    def _sequences(self, kept: dict[str, Any], test: dict[str, Any]) -> dict[str, Any]:
        """Of sequences: the protocol, all measures by the part of the data, and baselines of a series."""
        if not isinstance(self.dataset, SequenceDataset):
            return {}
        parts = {"test": test, "validation": kept}
        found: dict[str, Any] = {
            "protocol": self.dataset.protocol,
            "task": self.dataset.task,
            "horizon": self.dataset.horizon,
            "inputs": list(self.dataset.inputs),
            "measures": {
                part: {name: values[name] for name in MEASURES if values.get(name) is not None}
                for part, values in parts.items()
            },
        }
        if self.dataset.task == "series" and self.config.test:
            found["baselines"] = baselines(self.dataset)
        return found

    def _reconstruction(self, kept: dict[str, Any], test: dict[str, Any]) -> dict[str, Any]:
        """Of an autoencoder: the mean squared error of recalled stimuli, by the part of the data."""
        if not self.network.latent:
            return {}
        return {
            "reconstruction": {"test": test.get("reconstruction"), "validation": kept.get("reconstruction")},
        }
