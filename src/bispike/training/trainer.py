"""The training loop: epochs, and the steps of an epoch.

    batch -> gradients of the rule -> clip -> check the values -> move the weights

A step is a function of the weights, the state of the optimizer and of the rule, and the position; a training that
resumes from a checkpoint between two steps therefore continues bit for bit. Several processes may share each batch
(`distributed`): all of them run this loop alike, and process 0 alone writes. The test part of the data is measured
once, at the end, or never.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from .. import tasks
from ..config import optimizers
from ..config.train_config import AFTER_UPDATE, TrainConfig
from ..data import Dataset, Split
from ..errors import DivergenceError, WorkError
from ..files import write_atomic, write_json
from ..functional.backends import native
from ..nn import ALONE, Group, Network
from ..rules import Rule
from ..runs import checkpoint
from ..runs.folder import MODEL, SUMMARY
from ..runs.run import Run
from ..runs.saved_model import load_model, model_tensors
from ..seeds import generator
from . import distributed, health, summary
from .batches import Batches, resident, training_parts
from .checkpointer import Checkpointer, Identity
from .environment import deterministic, explain_out_of_memory
from .history import History
from .interrupt import Interrupt
from .progress import Progress
from .rescue import Rescue
from .schedule import Schedule
from .shared_step import sum_report, undo_if_lost
from .state import Training
from .updates import Updates


class Trainer:
    """One training from its beginning, or from its checkpoint, to its end.

    Args:
        config: valid settings.
        network: on the device of `config`; trained in place.
        rule: on that network.
        dataset: fits the network.
        folder: an existing folder that process 0 has locked; None keeps the run in memory.
        progress: receives steps, epochs and notes.
        group: processes that share each batch; process 0 writes.
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
        self.config, self.dataset, self.progress, self.group = config, dataset, progress, group
        self.network, self.rule, self.device = network, rule, next(network.parameters()).device
        train, validation = training_parts(dataset, config)
        self.task = tasks.of(network, dataset.train)  # the whole training part, as in `evaluate` and the baselines
        self.batches = Batches(train, config, device=self.device, group=group)
        self.validation = resident(validation, self.device)
        self.optimizer = optimizer_of(config, network, rule)
        self.updates = Updates(self.optimizer, in_pass=config.update == "in-pass", reduce=distributed.reduce_of(group))
        self.schedule = Schedule(config, config.epochs * self.batches.steps)
        self.training = Training(network, rule, self.optimizer, steps=self.batches.steps)
        self.checkpointer = Checkpointer(
            folder,
            self.training,
            Identity(config, network, rule, dataset),
            config=config,
            group=group,
            progress=progress,
        )
        self.rescue = Rescue(self.checkpointer, in_pass=self.updates.in_pass)
        self.history = History(
            self.training, self.task, config=config, folder=self.checkpointer.own_folder, progress=progress
        )
        self.interrupt = Interrupt()
        self.stop_agreed = False  # whether any of the processes was asked to stop, as of the last step

    # ------------------------------------------------------------------ the whole training

    def run(self) -> Run:
        """Train to the end and test.

        Raises:
            DivergenceError: a value is not finite, or no layer fires.
            TrainingInterrupted: Ctrl-C; a checkpoint was written.
            ProcessLost: another process is gone; a checkpoint of the last complete step was written.
        """
        config = self.config
        with (
            deterministic(self.device, threads=config.threads),
            explain_out_of_memory(config.batch_size),
            self._joined(),
        ):
            self.checkpointer.begin()
            self._tell_of_missing_kernels()
            self.progress.begin(config.epochs, self.batches.steps)
            try:
                with self.interrupt, self.rescue.when_a_process_is_lost():
                    while self.training.state.epoch < config.epochs and self.training.state.ended is None:
                        self._epoch()
                    if self.group.size == 1 and self.interrupt.requested:  # as the last epoch was measured
                        raise self.rescue.interrupted()
                with self.rescue.when_a_process_is_lost():
                    return self._finish()
            except DivergenceError as error:
                raise DivergenceError(f"{error}{self.rescue.last_checkpoint()}") from error
            except WorkError as error:
                if type(error) is not WorkError:  # its message states what was saved already
                    raise
                raise WorkError(f"{error}{self.rescue.after_failure()}") from error
            finally:
                self.progress.end()

    def _tell_of_missing_kernels(self) -> None:
        """One line where torch does on the CPU what compiled kernels would do faster."""
        sentence = native.notice() if self.device.type == "cpu" else None
        if sentence is not None:
            self.progress.note(f"note: {sentence}")

    @contextlib.contextmanager
    def _joined(self) -> Iterator[None]:
        """Connect network and rule with this training while it runs."""
        self.network.join(self.group)
        try:
            with self.updates.attached(self.rule):
                yield
        finally:
            self.network.join(ALONE)

    def _finish(self) -> Run:
        folder, state = self.checkpointer.own_folder, self.training.state
        if folder is not None and state.metrics:
            self.checkpointer.save()
        if self.config.keep == "best" and state.best_weights is not None:
            load_model(self.network, self.rule, state.best_weights, "best weights")
        self.network.eval()
        result = summary.of_training(
            self.history,
            self._test(),
            config=self.config,
            dataset=self.dataset,
            folder=folder,
            samples={"train": len(self.batches.train), "validation": len(self.validation)},
            processes=self.group.size,
        )
        if folder is not None:
            self.checkpointer.check_lock()
            write_atomic(folder / MODEL, checkpoint.serialise(model_tensors(self.network, self.rule)))
            write_json(folder / SUMMARY, result)
        return Run(folder, self.config, self.network, self.rule, result, state.metrics, schema=self.dataset.schema)

    def _test(self) -> dict[str, Any]:
        if not self.config.test:
            return self.task.not_measured()
        return self._evaluate(resident(self.dataset.test, self.device))

    def _evaluate(self, split: Split) -> dict[str, Any]:
        return self.task.evaluate(split, seed=self.config.seed, group=self.group)

    # ------------------------------------------------------------------ epochs and steps

    def _epoch(self) -> None:
        state = self.training.state
        self.network.train()
        self.progress.start_epoch(state.epoch, state.step)
        while state.step < self.batches.steps:
            started = time.perf_counter()
            with undo_if_lost(self.group, self.network, self.rule):
                loss = self._step()
            state.sums.add_time(time.perf_counter() - started)
            state.step += 1
            state.updates += 1
            self.progress.step(loss)
            if self.stop_agreed or (self.group.size == 1 and self.interrupt.requested):
                raise self.rescue.interrupted()
            self.checkpointer.save_if_due()
        self._end_epoch()
        self.checkpointer.save_if_due(by_steps=False)

    def _step(self) -> float:
        """One training step; returns the loss."""
        training, state, config = self.training, self.training.state, self.config
        batch = self.batches.take(state.epoch, state.step)
        draws = generator(config.seed, "rule", state.epoch, state.step, device=self.device)
        self.schedule.apply(self.optimizer, state.updates)

        report = self.rule.compute_gradients(batch.stimuli, batch.labels, generator=draws)
        self.updates.gather()
        if config.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(training.parameters, config.clip_norm)

        totals = sum_report(self.group, report, rows=len(batch.labels), stop_requested=self.interrupt.requested)
        self.stop_agreed, training.rates = totals.stop_requested, totals.spike_rate
        health.check_values(
            totals.loss, totals.layer_losses, self.network.layer_names, totals.spike_rate, training.position
        )
        self.updates.apply()
        self._after_update()

        if state.updates % health.WEIGHTS_EVERY == 0:
            training.check_weights()
        training.watch.count(totals.spike_rate)
        state.sums.add(batch.samples, totals.loss, totals.correct, totals.layer_losses, totals.spike_rate)
        return totals.loss

    def _after_update(self) -> None:
        """The settings of other packages act on the weights."""
        with torch.no_grad():
            for name, value in self.config.extra.items():
                if name in AFTER_UPDATE:
                    AFTER_UPDATE[name](self.network, value)

    def _end_epoch(self) -> None:
        started = time.perf_counter()
        training, state = self.training, self.training.state
        training.check_weights()
        findings = training.watch.findings(self.batches.steps)
        measured = self._evaluate(self.validation) if len(self.validation) else self.task.not_measured()
        before = state.metrics[-1]["health"] if state.metrics else {}
        for layer, finding in findings.items():
            if before.get(layer) != finding:
                self.progress.note(f"warning: {health.finding_text(layer, finding)}")
        self.history.end_epoch(
            measured,
            findings=findings,
            learning_rate=self.schedule.learning_rate(state.updates - 1),
            seconds=time.perf_counter() - started,
        )


def optimizer_of(config: TrainConfig, network: Network, rule: Rule) -> torch.optim.Optimizer:
    """The optimizer of the settings, with the rule's parameters in groups by pathway.

    Raises:
        ConfigurationError: the optimizer does not take these settings, or the rule trains nothing.
    """
    groups = optimizers.parameter_groups(
        rule.parameters(),
        network.bottom_up_parameters(),
        network.top_down_parameters(),
        lr=config.lr,
        top_down_lr=config.top_down_lr,
    )
    return optimizers.build(
        config.optimizer, groups, weight_decay=config.weight_decay, options=config.optimizer_options
    )
