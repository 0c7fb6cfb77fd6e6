"""A training and its folder: begun, resumed, saved, and saved when it is cut short.

`Checkpointer` holds what a checkpoint holds (weights, optimizer, rule, position) and what it must agree with (settings,
network, data). Where several processes train together, process 0 reads and writes for all of them; if another one is
lost, whoever is left saves the last complete step.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..config import optimizers
from ..config.train_config import CONFIG_FILE, TrainConfig, differences, read_config, write_config
from ..data import Dataset
from ..errors import CheckpointError
from ..files import remove_unfinished, write_atomic
from ..nn import Group, Network
from ..rules import Rule
from ..runs import checkpoint
from ..runs.checkpoint import load_weights
from ..runs.folder import CHECKPOINT, INITIAL, METRICS, locked, resume_command
from . import distributed, health
from .distributed import ProcessLost
from .interrupt import Interrupt, TrainingInterrupted
from .measures import peak_memory_mb
from .progress import Progress
from .state import State, pack, unpack
from .updates import Updates

RESCUE_SECONDS = 20.0  # that the survivor of a lost process waits for the run's folder


class Checkpointer:
    """The parts of a training that a checkpoint keeps.

    Args:
        config: sound settings.
        network: on the device of `config`; trained in place.
        rule: on that network.
        dataset: fits the network.
        folder: an existing folder that is held; None keeps the run in memory.
        progress: what is told on the way.
        group: processes that share each batch; process 0 holds the folder.
        steps: steps in an epoch.
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
        group: Group,
        steps: int,
    ) -> None:
        self.config, self.network, self.rule, self.dataset = config, network, rule, dataset
        self.group, self.target, self.progress, self.steps = group, folder, progress, steps
        self.folder = folder if group.rank == 0 else None  # where this process writes
        self.device = next(network.parameters()).device
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
        reduce = group.start_sum if isinstance(group, distributed.Processes) else None
        self.updates = Updates(self.optimizer, in_pass=config.update == "in-pass", reduce=reduce)
        self.watch = health.FiringWatch(network.layer_names, spiking=network.activity == "spikes")
        self.state = State()
        self.best_weights: dict[str, Tensor] | None = None
        self.rates: list[float] = []
        self.saved_at = time.monotonic()

    # ------------------------------------------------------------------ begin

    def _begin(self) -> None:
        """Process 0 opens the folder; the others take its weights and its position."""
        if self.group.size == 1:
            self._open()
            return
        saved = checkpoint.from_bytes(distributed.first(self.group, self._opened))
        problems = self._differences(saved.identity)
        if int(self.group.add_(torch.tensor([len(problems)], device=self.device))):
            raise CheckpointError(
                f"the processes were not given the same training; process 0 beside {self.group.rank} of "
                f"{self.group.size}: {'; '.join(problems) or 'the same'}. Start all with the same settings and data."
            )
        if self.group.rank > 0:
            self._take(saved)

    def _opened(self) -> bytes:
        self._open()
        return checkpoint.to_bytes(self._packed())

    def _take(self, saved: checkpoint.Checkpoint) -> None:
        self.state, self.best_weights = unpack(saved, self.network, self.rule, self.optimizer)
        self.watch.restore(self.state.health)

    def _open(self) -> None:
        if self.folder is None:
            return
        remove_unfinished(self.folder)
        saved = checkpoint.load(self.folder / CHECKPOINT, note=self.progress.note)
        if saved is None:
            if (self.folder / CONFIG_FILE).exists():
                self._refuse(differences(read_config(self.folder).to_dict(), self.config))
            initial = self.folder / INITIAL
            if initial.exists():  # killed before the first checkpoint: begin with the same weights again
                load_weights(self.network, checkpoint.read_tensors(initial), initial)
                self._begin_rule_again()
            else:
                write_atomic(initial, checkpoint.serialise(self.network.state_dict()))
            write_config(self.folder, self.config, network=self.network.spec, rule=self.rule.options)
        else:
            self._refuse(self._differences(saved.identity))
            self._take(saved)
            checkpoint.remove_leftovers(self.folder / CHECKPOINT)
            self.progress.note(f"resuming at {self._where()}")
        lines = [json.dumps(row) + "\n" for row in self.state.metrics]
        write_atomic(self.folder / METRICS, "".join(lines))

    def _begin_rule_again(self) -> None:
        """Bring the rule's own weights to where they begin on this network: a rule may derive them from its weights."""
        decision = self.network.decision
        fresh = type(self.rule)(self.network, **self.rule.options)
        self.network.decision = decision
        self.rule.load_state_dict(fresh.state_dict())

    # ------------------------------------------------------------------ save

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
        checkpoint.save(self.folder / CHECKPOINT, self._packed())
        self.saved_at = time.monotonic()

    def _packed(self) -> checkpoint.Checkpoint:
        self.state.health = self.watch.counts()
        self.state.peak_memory_mb = self._peak_memory()
        return pack(self.state, self.network, self.rule, self.optimizer, self.best_weights, self._identity())

    def _peak_memory(self) -> float:
        return max(self.state.peak_memory_mb, peak_memory_mb(self.device))

    # ------------------------------------------------------------------ cut short

    def _interrupted(self) -> TrainingInterrupted:
        if self.target is None:
            return TrainingInterrupted(
                f"interrupted at {self._where()}; the network in memory has the weights of that step. "
                "Nothing was saved: the training had no folder (out)."
            )
        distributed.first(self.group, self._saved)  # nobody leaves before process 0 has saved
        return TrainingInterrupted(f"interrupted at {self._where()}; {self._resumable()}")

    def _saved(self) -> bytes:
        self._save()
        return b""

    def _resumable(self) -> str:
        assert self.target is not None
        return f"saved in {self.target / CHECKPOINT}. Go on with:\n  {resume_command(self.target)}"

    @contextlib.contextmanager
    def _rescued(self) -> Iterator[None]:
        """Save the last complete step when another process is lost, whichever it is."""
        try:
            yield
        except ProcessLost as lost:
            with Interrupt():  # the launcher ends the processes that are left, but not within this
                raise ProcessLost(f"{lost} {self._rescue()}") from lost

    def _rescue(self) -> str:
        where = f"The last complete step was {self._where()}"
        if self.target is None:
            return f"{where}; the network in memory has its weights. Nothing was saved: there was no folder (out)."
        if self.updates.in_pass:
            return (
                f"Weights were moving in the pass (update in-pass), so this step cannot be saved.{self._saved_text()}"
            )
        if self.group.rank == 0:
            self._save()
            return f"{where}; {self._resumable()}"
        try:
            with locked(self.target, patience=RESCUE_SECONDS) as self.folder:
                saved = checkpoint.load(self.target / CHECKPOINT)
                if saved is None or saved.updates < self.state.updates:
                    self._save()
        except CheckpointError as error:
            return f"{where}; not saved by this process: {error}"
        return f"{where}; {self._resumable()}"

    def _saved_text(self) -> str:
        moved = " The weights in memory were moved by that step (update in-pass)." if self.updates.in_pass else ""
        if self.target is None or not (self.target / CHECKPOINT / checkpoint.LATEST).exists():
            return moved
        return f"{moved} The last checkpoint before that is in {self.target / CHECKPOINT}."

    def _where(self) -> str:
        return f"epoch {self.state.epoch + 1}, step {self.state.step} of {self.steps}"

    # ------------------------------------------------------------------ the same training?

    def _identity(self) -> dict[str, Any]:
        return {
            "settings": self.config.to_dict(),
            "network": self.network.spec,
            "rule": self.rule.options,
            "data": self.dataset.fingerprint,
        }

    def _differences(self, saved: dict[str, Any]) -> list[str]:
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
        return problems

    def _refuse(self, problems: list[str]) -> None:
        if problems:
            raise CheckpointError(
                f"{self.folder}: holds a training with other settings: {'; '.join(problems)}. "
                "Resume with the old ones, or choose another folder."
            )
