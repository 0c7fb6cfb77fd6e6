"""A network that decides at once and learns when the label comes, from a stream, in bounded memory.

    learner = Learner(network)                      # or of a trained one: run.network
    decision = learner.observe(x)                   # the bottom-up pass, as in inference
    learner.teach(y)                                # from what that pass left: no second one

A learner begins plastic: BSD changes the layers. After `consolidate` the layers stay as they are and templates of the
classes are collected; `add_class` then adds a class from a few samples, and nothing of the other classes changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import ConfigurationError, ShapeError, UserError, unknown_name
from ..models import add_concept
from ..nn import Network
from ..seeds import generator as fresh_generator
from . import storage
from .class_memory import ClassMemory
from .decision import Decision, Prequential
from .layer_learning import Plasticity
from .pass_record import RecordedPass

Label = int | str | Tensor


class Learner:
    """Online learner around one network, which it changes in place.

    Args:
        network: any network of `bispike.models`, trained or new.
        rule: learning rule of the layers; `"bsd"` is the one that can learn from a finished pass.
        rule_options: of the rule, see `BSDOptions`.
        optimizer, optimizer_options: name of a `torch.optim` class and what it takes.
        lr: learning rate of the bottom-up pathway; for single stimuli a fifth to a tenth of that of batches.
        top_down_lr: of the top-down pathway; as `lr` if None.
        shrink: a of the templates' metric, in (0, 1].
        lift: by how much a class that is known from few samples is raised, at least 0: more of it is recognised, and
            more of the old classes is taken for it.
        seed: of the codes of added classes (population and learned codes).

    Raises:
        ConfigurationError, UnknownNameError: a setting is wrong.
    """

    def __init__(
        self,
        network: Network,
        *,
        rule: str = "bsd",
        rule_options: Mapping[str, Any] | None = None,
        optimizer: str = "adam",
        optimizer_options: Mapping[str, Any] | None = None,
        lr: float = 2e-4,
        top_down_lr: float | None = None,
        shrink: float = 0.3,
        lift: float = 0.1,
        seed: int = 0,
    ) -> None:
        if not 0 < shrink <= 1 or not lift >= 0:
            raise ConfigurationError(f"shrink in (0, 1] and lift of at least 0: received {shrink} and {lift}.")
        self.network = network
        self.settings: dict[str, Any] = {
            "rule": rule,
            "rule_options": dict(rule_options or {}),
            "optimizer": optimizer,
            "optimizer_options": dict(optimizer_options or {}),
            "lr": lr,
            "top_down_lr": top_down_lr,
            "shrink": shrink,
            "lift": lift,
            "seed": seed,
        }
        names = ("rule", "rule_options", "optimizer", "optimizer_options", "lr", "top_down_lr")
        self.plasticity: Plasticity | None = Plasticity(network, **{name: self.settings[name] for name in names})
        self.memory: ClassMemory | None = None
        self.taught = 0
        self._layer_pass: RecordedPass | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their labels."""
        return self.network.concept.names

    # ------------------------------------------------------------------ a stimulus at a time

    def observe(self, stimulus: Tensor, *, generator: torch.Generator | None = None) -> Decision:
        """Decide, and remember what the pass left until the next `observe`. Changes nothing else.

        Args:
            stimulus: one `[*shape]` or several `[B, *shape]`, in the units of the data.
            generator: of stochastic stimulus codes.

        Returns:
            Decision on one or B stimuli.

        Raises:
            ShapeError: the stimulus does not fit the network.
        """
        net = self.network
        batch = stimulus[None] if tuple(stimulus.shape) == net.stimulus.shape else stimulus
        batch = batch.to(net.stimulus_mean)
        with net.inference():
            source = net.encode(batch, generator=generator)
            up = net.bottom_up_pass(source) if self.plasticity is None else self.plasticity.rule.bottom_up_pass(source)
            layer_pass = RecordedPass(batch, source, list(up))
            if self.memory is not None and self.memory.sealed:
                scores = self.memory.scores(layer_pass)
            else:
                scores = net.scores(layer_pass.spikes)
        self._layer_pass = layer_pass
        return Decision(scores, self.classes)

    def teach(self, label: Label) -> None:
        """Learn the label of what was observed last; at most one more product a layer, and products with C rows.

        Args:
            label: label or class name of one stimulus, or int64 labels `[B]` of a batch.

        Raises:
            UserError: nothing was observed since the last `teach`.
            ConfigurationError, ShapeError: no such class, or another number of labels than of stimuli.
            DivergenceError: the loss is not finite; the weights were left as they are.
        """
        if self._layer_pass is None:
            raise UserError("teach: expected an observation to learn from, received none: call `observe` first.")
        labels = self._labels(label, count=len(self._layer_pass.stimulus))
        layer_pass, self._layer_pass = self._layer_pass, None
        if self.memory is not None:
            with torch.no_grad():
                self.memory.learn(layer_pass, labels)
        elif self.plasticity is not None:
            self.plasticity.learn(layer_pass, labels)
        self.taught += len(labels)

    def run(self, stream: Iterable[tuple[Tensor, Label]]) -> Prequential:
        """Decide on each stimulus (or small batch) of a stream, then learn its label.

        Args:
            stream: pairs as `observe` and `teach` take them.

        Returns:
            Prequential: samples, right decisions, running accuracy at the end of the stream.
        """
        account = Prequential()
        for stimulus, label in stream:
            decision = self.observe(stimulus)
            labels = self._labels(label, count=len(decision.scores))
            account.samples += len(labels)
            account.correct += int((decision.labels == labels).sum())
            self.teach(labels)
        return account

    # ------------------------------------------------------------------ new classes

    def consolidate(self, stream: Iterable[tuple[Tensor, Label]] = ()) -> Prequential:
        """Freeze the layers and take in a stream of the known classes: means and scatter of features, no stimulus.

        From here on `teach` moves templates instead of weights. This cannot be undone: to train the layers again, make
        a new learner around `network`.

        Raises:
            ConfigurationError: called twice.
        """
        if self.memory is not None:
            raise ConfigurationError("consolidate: the layers are frozen already; go on with `run` or `teach`.")
        self.memory = ClassMemory(self.network, shrink=self.settings["shrink"], lift=self.settings["lift"])
        self.plasticity, self._layer_pass = None, None
        return self.run(stream)

    def add_class(self, name: str) -> int:
        """A new concept, from now on taught like any other; a few samples are enough.

        The first call fixes the metric, and templates decide from then on. What was known keeps its templates, its
        rows of the readout and its top-down columns; no stimulus is kept.

        Args:
            name: unlike every other class name.

        Returns:
            The label of the new class.

        Raises:
            ConfigurationError: the name is taken, or `consolidate` has not seen 2 samples of every known class.
        """
        if self.memory is None:
            raise ConfigurationError(
                "add_class: expected a consolidated learner, received a plastic one: call `consolidate` with a stream "
                "of the known classes first, so that they have templates to be protected by."
            )
        if name in self.classes:
            raise ConfigurationError(f"add_class: {name!r} is known already; its label is {self.classes.index(name)}.")
        self.memory.add_class()
        self._layer_pass = None
        draws = fresh_generator(self.settings["seed"], "concept", self.network.concept.classes)
        return add_concept(self.network, name, generator=draws)

    # ------------------------------------------------------------------ saving

    def save(self, folder: str | Path) -> None:
        """Write everything that is needed to go on bit for bit; a pending observation is not kept.

        Args:
            folder: made if missing; an earlier save in it is replaced atomically.
        """
        storage.save(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Learner:
        """The learner that `save` wrote, with a network of its own, on the CPU.

        Raises:
            CheckpointError: nothing was saved there, or it is damaged.
        """
        return storage.load(cls, Path(folder))

    # ------------------------------------------------------------------ labels

    def _labels(self, label: Label, *, count: int) -> Tensor:
        device = self.network.stimulus_mean.device
        if isinstance(label, str):
            if label not in self.classes:
                raise ConfigurationError(unknown_name("class", label, self.classes))
            label = self.classes.index(label)
        if isinstance(label, bool) or not isinstance(label, int | Tensor):
            raise ConfigurationError(f"label: expected a label, a class name or int64 labels, received {label!r}.")
        labels = torch.tensor([label]) if isinstance(label, int) else label.reshape(-1) if label.dim() == 0 else label
        labels = labels.to(device)
        self.network.check_labels(labels)
        if len(labels) != count:
            raise ShapeError(f"teach: expected {count} labels, one for each stimulus observed, received {len(labels)}.")
        return labels
