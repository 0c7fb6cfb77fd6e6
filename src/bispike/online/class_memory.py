"""Class templates in every layer of a network with frozen layers; together they give the decision.

A new class adds one template to each layer and leaves those of the other classes unchanged. Where the concept code is
one-hot, the new class also gets its own weights at both ends of the network (`new_class_weights`), so that the
network perceives and recalls it without the templates.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ConfigurationError, DivergenceError
from ..json_values import expect
from ..nn import Classifier
from ..restoring import fit_tensors
from .new_class_weights import write_readout_row, write_top_down_column
from .observed_pass import ObservedPass
from .templates import LEAST, TemplateMemory

READOUT = "readout"


class ClassMemory:
    """Templates of all classes in all layers of one network.

    Args:
        network: its layers must not change from now on.
        shrink, lift: see `TemplateMemory`.
    """

    def __init__(self, network: Classifier, *, shrink: float, lift: float) -> None:
        self.network = network
        self.trained_classes = classes = network.concept.classes
        like = network.stimulus_mean
        top = network.layers[-1]
        sizes = {layer.name: layer.feature_shape[0] for layer in network.layers}
        if self.writes_weights:
            sizes[READOUT] = top.output_shape[0]
        self.templates = {
            name: TemplateMemory(classes, size, like=like, shrink=shrink, lift=lift) for name, size in sizes.items()
        }
        self.new_drive = like.new_zeros(0, *top.feature_shape)

    @property
    def writes_weights(self) -> bool:
        """Whether a new class has its own weights at the two ends of the network."""
        return self.network.code.kind == "one-hot" and len(self.network.layers[-1].output_shape) == 1

    @property
    def metric_fixed(self) -> bool:
        """Whether the metric of every layer is fixed; from then on templates decide and classes can be added."""
        return all(templates.metric_fixed for templates in self.templates.values())

    def learn(self, observed: ObservedPass, labels: Tensor) -> None:
        """Update the templates of the classes in `labels` `[B]`: one matrix product per layer.

        Raises:
            DivergenceError: a feature or its square is not finite; nothing was learned.
        """
        features = dict(zip(self.network.layer_names, observed.features(), strict=True))
        if self.writes_weights:
            features[READOUT] = observed.top_rate
        drive = observed.layers[-1].activity.drive
        squares = torch.stack([value.square().sum() for value in (*features.values(), drive)])
        if not bool(torch.isfinite(squares).all()):
            raise DivergenceError(
                "teach: a feature of the stimulus is not finite, or too large to be squared; the templates were left "
                "as they are. Likely cause: a stimulus with very large values."
            )
        before = self.templates[self.network.layer_names[0]].count.clone()
        for name, templates in self.templates.items():
            templates.learn(features[name], labels)
        for label in labels.unique().tolist():
            if label >= self.trained_classes:
                self._learn_new_class(label, drive[labels == label], float(before[label]))

    def _learn_new_class(self, label: int, drive: Tensor, before: float) -> None:
        mean = self.new_drive[label - self.trained_classes]
        mean.lerp_(drive.mean(0), len(drive) / (before + len(drive)))
        if self.writes_weights:
            write_readout_row(self.network, self.templates[READOUT], label, trained_classes=self.trained_classes)
            write_top_down_column(self.network, label, mean)

    def scores(self, observed: ObservedPass) -> Tensor:
        """Scores `[B, C]`, the mean over layers; the metric must be fixed."""
        layers = zip(self.network.layer_names, observed.features(), strict=True)
        return torch.stack([self.templates[name].scores(feature) for name, feature in layers]).mean(0)

    def add_class(self) -> None:
        """Add an empty template to every layer; the first call fixes the metric.

        Raises:
            ConfigurationError: a known class has fewer than two samples.
        """
        if not self.metric_fixed:
            counts = next(iter(self.templates.values())).count.tolist()
            names = self.network.concept.names
            few = [name for name, count in zip(names, counts, strict=False) if count < 2]
            if few:
                raise ConfigurationError(
                    f"add_class: expected at least 2 taught samples of every known class since `consolidate`, "
                    f"received fewer of {', '.join(few)}. Give `consolidate` a stream of the known classes."
                )
            for templates in self.templates.values():
                templates.fix_metric()
        for templates in self.templates.values():
            templates.add_class()
        self.new_drive = torch.cat([self.new_drive, self.new_drive.new_zeros(1, *self.new_drive.shape[1:])])

    def state_dict(self) -> dict[str, Tensor]:
        """The whole state, by `"layer/name"`."""
        state = {
            f"{name}/{key}": value
            for name, templates in self.templates.items()
            for key, value in templates.state_dict().items()
        }
        return {**state, "new_drive": self.new_drive}

    def load_state_dict(self, state: dict[str, Tensor], *, source: str = "class memory") -> None:
        """Restore the state that `state_dict` returned; the network must have its added classes already.

        Raises:
            DamagedError: it does not fit the network; nothing was changed.
        """
        added = len(state["new_drive"]) if "new_drive" in state and state["new_drive"].dim() else 0
        trained = self.network.concept.classes - added
        metric_fixed = not any(key.endswith("/scatter") for key in state)
        expected = {
            f"{name}/{key}": value
            for name, templates in self.templates.items()
            for key, value in templates.state_like(metric_fixed=metric_fixed).items()
        }
        expected["new_drive"] = self.new_drive.new_empty(added, *self.new_drive.shape[1:])
        fit_tensors(state, expected, f"{source}: memory", least=LEAST)
        expect(trained >= 2 and (metric_fixed or not added), f"{source}: memory", "at least 2 trained classes", trained)
        self.new_drive, self.trained_classes = state["new_drive"].to(self.new_drive), trained
        for name, templates in self.templates.items():
            prefix = f"{name}/"
            templates.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
