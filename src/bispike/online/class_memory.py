"""The classes that a learner with frozen layers knows: templates in every layer, which decide together.

A new class adds a template in each layer and takes nothing from the others. For networks with a one-hot concept code
its two ends are written too, so that the network alone perceives and recalls it: see `imprint`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ConfigurationError
from ..nn import Network
from .imprint import write_readout, write_template
from .pass_record import RecordedPass
from .templates import TemplateMemory


class ClassMemory:
    """Templates of all classes in all layers of one network.

    Args:
        network: its layers must stay as they are from now on.
        shrink, lift: see `TemplateMemory`.
    """

    def __init__(self, network: Network, *, shrink: float, lift: float) -> None:
        self.network = network
        self.known = classes = network.concept.classes
        like = network.stimulus_mean
        top = network.layers[-1]
        sizes = {layer.name: layer.feature_shape[0] for layer in network.layers}
        if self.imprints:
            sizes["readout"] = top.output_shape[0]
        self.places = {
            name: TemplateMemory(classes, size, like=like, shrink=shrink, lift=lift) for name, size in sizes.items()
        }
        self.new_drive = like.new_zeros(0, *top.feature_shape)

    @property
    def imprints(self) -> bool:
        """Whether a new class has rows of its own at the two ends of the network."""
        return self.network.code.kind == "one-hot" and len(self.network.layers[-1].output_shape) == 1

    @property
    def sealed(self) -> bool:
        """Whether classes can be added, and templates decide."""
        return all(place.sealed for place in self.places.values())

    def learn(self, layer_pass: RecordedPass, labels: Tensor) -> None:
        """Move the templates of the taught classes: one product a place."""
        features = dict(zip(self.network.layer_names, layer_pass.features(), strict=True))
        if self.imprints:
            features["readout"] = layer_pass.top_rate
        before = self.places[self.network.layer_names[0]].count.clone()
        for name, place in self.places.items():
            place.learn(features[name], labels)
        drive = layer_pass.layers[-1][2].drive
        for label in labels.unique().tolist():
            if label >= self.known:
                self._learn_new(label, drive[labels == label], float(before[label]))

    def _learn_new(self, label: int, drive: Tensor, before: float) -> None:
        mean = self.new_drive[label - self.known]
        mean.lerp_(drive.mean(0), len(drive) / (before + len(drive)))
        if self.imprints:
            write_readout(self.network, self.places["readout"], label, known=self.known)
            write_template(self.network, label, mean)

    def scores(self, layer_pass: RecordedPass) -> Tensor:
        """Mean of the layers' scores `[B, C]`; the memory must be sealed."""
        layers = zip(self.network.layer_names, layer_pass.features(), strict=True)
        return torch.stack([self.places[name].scores(feature) for name, feature in layers]).mean(0)

    def add_class(self) -> None:
        """Make room for one more class; the first one fixes the metric.

        Raises:
            ConfigurationError: a known class has too few samples for a template.
        """
        if not self.sealed:
            counts = next(iter(self.places.values())).count.tolist()
            names = self.network.concept.names
            few = [name for name, count in zip(names, counts, strict=False) if count < 2]
            if few:
                raise ConfigurationError(
                    f"add_class: expected at least 2 taught samples of every known class since `consolidate`, "
                    f"received fewer of {', '.join(few)}. Give `consolidate` a stream of the known classes."
                )
            for place in self.places.values():
                place.seal()
        for place in self.places.values():
            place.add_class()
        self.new_drive = torch.cat([self.new_drive, self.new_drive.new_zeros(1, *self.new_drive.shape[1:])])

    def state_dict(self) -> dict[str, Tensor]:
        """Everything that it remembers, by "place/name"."""
        state = {f"{name}/{k}": value for name, place in self.places.items() for k, value in place.state_dict().items()}
        return {**state, "new_drive": self.new_drive}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take back what `state_dict` returned, into a memory of the grown network."""
        self.new_drive = state["new_drive"].to(self.new_drive)
        self.known = self.network.concept.classes - len(self.new_drive)
        for name, place in self.places.items():
            prefix = f"{name}/"
            place.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
