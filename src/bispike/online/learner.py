"""A network that learns from a stream: it decides on each stimulus and learns when the label arrives.

    learner = Learner(run.network, schema=run.schema)  # or a new network, without a schema
    decision = learner.observe(x)                   # the bottom-up pass of inference
    learner.teach(y)                                # learns from that same pass

At first BSD trains the layers. `consolidate` freezes them and collects templates of the classes instead; `add_class`
then adds a class from a few samples and changes nothing about the other classes. Memory does not grow with the stream.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..arguments import checked, pair, plain, shown, whole
from ..data.schema import Inputs, Schema
from ..data.user_files import read_inputs
from ..errors import ConfigurationError, ShapeError, UserError, unknown_name
from ..models import add_concept
from ..nn import Classifier
from ..nn.inference import learning, without_inference_mode
from ..nn.label_input import labels_of
from ..nn.network import check_dense
from ..nn.stimulus_input import Array, tensor_of
from ..seeds import generator as fresh_generator
from . import storage
from .class_memory import ClassMemory
from .decision import Decision, StreamAccuracy
from .layer_trainer import LayerTrainer
from .observed_pass import ObservedPass

Stimuli = Any
"""A tensor or an array of numpy, one stimulus or several; or `Inputs`."""
Label = int | str | Array
LARGEST_SEED = 2**62


class Learner:
    """Online learner of one network, which it changes in place.

    Args:
        network: any classifier of `bispike.models`, trained or new.
        rule: learning rule of the layers; only `"bsd"` can learn from a finished pass.
        rule_options: options of the rule, see `BSDOptions`.
        optimizer, optimizer_options: name of a `torch.optim` class and its keyword arguments.
        lr: learning rate of the bottom-up pathway; for single stimuli a fifth to a tenth of the rate for batches.
        top_down_lr: learning rate of the top-down pathway; `lr` if None.
        shrink: shrinkage a of the templates' metric, in (0, 1].
        lift: bonus, at least 0, of a class with few samples: a larger one recognises more stimuli of the new class
            and assigns more stimuli of the old classes to it.
        seed: seed of the concept codes of added classes (population and learned codes).
        schema: how the data of the training were read, such as `run.schema`; the learner keeps and saves it, and `read`
            applies it to files. None: the learner takes no files.

    Raises:
        ConfigurationError, UnknownNameError: a setting is out of range or unknown, or the rule that trained the network
            does not decide by the readout, or trained rates.
    """

    @checked
    def __init__(
        self,
        network: Classifier,
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
        schema: Schema | None = None,
    ) -> None:
        if not 0 < shrink <= 1 or not 0 <= lift < math.inf:
            raise ConfigurationError(f"shrink in (0, 1] and lift of at least 0: received {shrink} and {lift}.")
        whole("seed", seed, 0, LARGEST_SEED)
        if getattr(network, "decision", None) is not None:  # the weights of that decision would not be used
            name = getattr(network.attached_rule(), "name", "")
            raise ConfigurationError(
                f"network: expected one that decides by its readout, received one whose rule {name!r} "
                "decides in a way of its own, which a learner does not use. Train it by another rule, such as bsd."
            )
        if not network.signals.spiking:
            raise ConfigurationError(
                "network: expected one that decides by spikes, received one whose rule trained its rates; a learner "
                "would decide in another way. Train it by a rule of spikes, such as bsd."
            )
        self.network, self.schema = network, schema
        self.settings: dict[str, Any] = {
            "rule": rule,
            "rule_options": plain(dict(rule_options or {})),
            "optimizer": optimizer,
            "optimizer_options": plain(dict(optimizer_options or {})),
            "lr": lr,
            "top_down_lr": top_down_lr,
            "shrink": shrink,
            "lift": lift,
            "seed": seed,
        }
        names = ("rule", "rule_options", "optimizer", "optimizer_options", "lr", "top_down_lr")
        given = {name: self.settings[name] for name in names}
        with learning(network):
            self.layer_trainer: LayerTrainer | None = LayerTrainer(network, **given)
        self.memory: ClassMemory | None = None
        self.taught = 0
        self._observed: ObservedPass | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their labels."""
        return self.network.concept.names

    # ------------------------------------------------------------------ deciding and learning

    @checked
    def observe(self, stimulus: Stimuli, *, generator: torch.Generator | None = None) -> Decision:
        """Decide on stimuli, and keep their bottom-up pass until `teach` or the next `observe`; no weight changes.

        Args:
            stimulus: one `[*shape]` or several `[B, *shape]`, a tensor or an array of numpy of any real type as
                `Network.take` takes them; or what `read` returned.
            generator: random generator of stochastic stimulus codes.

        Returns:
            Decision: scores, labels and names for one or B stimuli.

        Raises:
            ShapeError: the stimulus does not fit the network.
            ConfigurationError: no real numbers, a value that is not finite, also in the precision of the network, or an
                image in another unit than that of the training. Nothing is observed then.
        """
        given = stimulus.stimuli if isinstance(stimulus, Inputs) else stimulus
        if not isinstance(given, Tensor | np.ndarray):
            given = tensor_of("stimulus", given)  # most of what is no array is refused here
        self._observed = None  # a refused stimulus is not learned, and the one before it has had its turn
        net = self.network
        with torch.inference_mode(mode=False), net.inference():  # what is observed is learned from later
            given = given[None] if tuple(given.shape) == net.stimulus.shape else given
            if isinstance(given, Tensor):
                given = given.detach().to(net.stimulus_mean.device)
            batch = without_inference_mode(net.take(given))
            if not len(batch):
                raise ShapeError(f"stimulus: expected at least one stimulus, received shape {list(batch.shape)}.")
            source = net.encode(batch, generator=generator)
            unrolled = self.layer_trainer is not None and self.layer_trainer.rule.feature.unrolled
            up = net.bottom_up_pass(source, unrolled=unrolled)
            observed = ObservedPass(batch, source, list(up))
            if self.memory is not None and self.memory.metric_fixed:
                scores = self.memory.scores(observed)
            else:
                scores = net.scores(observed.spikes)
        self._observed = observed
        return Decision(scores, self.classes)

    def teach(self, label: Label) -> None:
        """Learn the label of the stimuli observed last; per layer at most one more product, and products with C rows.

        Args:
            label: label or class name of one stimulus, or int64 labels `[B]` of B stimuli.

        Raises:
            UserError: nothing was observed since the last `teach`.
            ConfigurationError: there is no such class.
            ShapeError: the number of labels is not the number of stimuli.
            DivergenceError: a value is not finite; weights, norm statistics and templates did not change.
        """
        labels = self._labels(label, count=None if self._observed is None else len(self._observed.stimulus))
        if self._observed is None:
            raise UserError("teach: expected an observation to learn from, received none: call `observe` first.")
        observed, self._observed = self._observed, None
        with learning(self.network):
            if self.memory is not None:
                with torch.no_grad():
                    self.memory.learn(observed, labels)
            elif self.layer_trainer is not None:
                self.layer_trainer.learn(observed, labels)
        self.taught += len(labels)

    @checked
    def read(self, path: str | Path, *, memory_limit: float | None = None) -> Inputs:
        """The stimuli in a file, read by the schema of the training; `observe` takes what is returned.

        Args:
            path: of a file whose format reads stimuli, such as an image, .npy, .npz or .csv.
            memory_limit: GiB that reading may take (see `data.memory_limit`); None: as `data.load`.

        Raises:
            ConfigurationError: the learner has no schema.
            DataError: the file is damaged, or its content cannot be brought to the schema.
        """
        if self.schema is None:
            raise ConfigurationError(
                "read: expected a learner with a schema, which says how files were read in training, received one that "
                "has none. Make it with Learner(run.network, schema=run.schema)."
            )
        return read_inputs([Path(path)], self.schema, memory_limit=memory_limit)

    @checked
    def run(self, stream: Iterable[tuple[Stimuli, Label]]) -> StreamAccuracy:
        """Decide on each stimulus (or small batch) of a stream, then learn its label.

        Args:
            stream: pairs of stimuli and labels, as `observe` and `teach` take them.

        Returns:
            StreamAccuracy: number of stimuli and of right decisions, each made before its label was taught.
        """
        accuracy = StreamAccuracy()
        for item in stream:
            stimulus, label = pair("stream", item)
            decision = self.observe(stimulus)
            labels = self._labels(label, count=len(decision.scores))
            accuracy.samples += len(labels)
            accuracy.correct += int((decision.labels == labels).sum())
            self.teach(labels)
        return accuracy

    # ------------------------------------------------------------------ new classes

    @checked
    def consolidate(self, stream: Iterable[tuple[Stimuli, Label]] = ()) -> StreamAccuracy:
        """Freeze the layers, then learn templates of the known classes from a stream.

        From here on `teach` updates templates instead of the weights of the layers. Templates consist of means and
        scatter of features; no stimulus is stored. This cannot be undone: to train the layers again, make a new
        learner of `network`.

        Args:
            stream: pairs of stimuli and labels of the known classes.

        Returns:
            StreamAccuracy: as `run`.

        Raises:
            ConfigurationError: the learner is consolidated already.
        """
        if self.memory is not None:
            raise ConfigurationError("consolidate: the layers are frozen already; go on with `run` or `teach`.")
        with learning(self.network):
            self.memory = ClassMemory(self.network, shrink=self.settings["shrink"], lift=self.settings["lift"])
        self.layer_trainer, self._observed = None, None
        return self.run(stream)

    @checked
    def add_class(self, name: str) -> int:
        """Add a class, which is then taught like any other; a few samples are enough.

        The first call fixes the metric of the templates, which decide from then on. The other classes keep their
        templates, their readout rows and their top-down columns bit for bit.

        Args:
            name: name of the class; no other class may have it.

        Returns:
            The label of the new class.

        Raises:
            ConfigurationError: the name is taken, the learner is not consolidated, or a known class has fewer than 2
                samples since `consolidate`.
        """
        if self.memory is None:
            raise ConfigurationError(
                "add_class: expected a consolidated learner, received one whose layers still learn: call "
                "`consolidate` with a stream of the known classes first, so that they get templates."
            )
        if not name or name != name.strip():
            raise ConfigurationError(f"add_class: expected a name, received {name!r}.")
        if name in self.classes:
            raise ConfigurationError(f"add_class: {name!r} is known already; its label is {self.classes.index(name)}.")
        with learning(self.network), torch.no_grad():
            self.memory.add_class()
            self._observed = None
            generator = fresh_generator(self.settings["seed"], "concept", self.network.concept.classes)
            return add_concept(self.network, name, generator=generator)

    # ------------------------------------------------------------------ saving

    @checked
    def save(self, folder: str | Path) -> None:
        """Write the whole state, from which `load` continues bit for bit; the stimulus observed last is not saved.

        Args:
            folder: created if missing; an earlier learner in it is replaced atomically.
        """
        storage.save(self, Path(folder))

    @classmethod
    @checked
    def load(cls, folder: str | Path) -> Learner:
        """Read the learner that `save` wrote, with its own network, on the CPU.

        Raises:
            CheckpointError: there is no saved learner, or it is damaged.
        """
        return storage.load(cls, Path(folder))

    # ------------------------------------------------------------------ labels

    def _labels(self, label: Label, *, count: int | None) -> Tensor:
        device = self.network.stimulus_mean.device
        if isinstance(label, str):
            if label not in self.classes:
                raise ConfigurationError(unknown_name("class", label, self.classes))
            label = self.classes.index(label)
        if isinstance(label, Integral) and not isinstance(label, bool):
            label = min(max(int(label), -1), len(self.classes))  # what is out of range stays so, and fits a tensor
        if not isinstance(label, int | Tensor | np.ndarray) or isinstance(label, bool):
            hint = " .to_numpy() makes an array." if type(label).__name__ == "Series" else ""
            raise ConfigurationError(
                f"label: expected a label, a class name or labels of whole numbers, received {shown(label)}.{hint}"
            )
        given = torch.tensor([label]) if isinstance(label, int) else label
        if isinstance(given, Tensor):
            check_dense("label", given)
            given = given.to(device)
        labels = labels_of(given, device)
        labels = labels.reshape(-1) if labels.dim() == 0 else labels
        self.network.check_labels(labels)
        if count is not None and len(labels) != count:
            raise ShapeError(f"teach: expected {count} labels, one for each stimulus observed, received {len(labels)}.")
        return labels
