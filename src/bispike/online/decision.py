"""What a learner says about the stimuli that it observes."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..errors import ShapeError


@dataclass(frozen=True)
class Decision:
    """Decisions on B stimuli.

    Attributes:
        scores: `[B, C]`; the largest one decides. −inf for a class that was added and not taught yet.
        classes: names of the C classes.
    """

    scores: Tensor
    classes: tuple[str, ...]

    @property
    def labels(self) -> Tensor:
        """Labels `[B]`."""
        return self.scores.argmax(1)

    @property
    def names(self) -> list[str]:
        """Class names, B of them."""
        return [self.classes[label] for label in self.labels.tolist()]

    @property
    def confidence(self) -> Tensor:
        """Softmax share `[B]` of the class decided for, from 1/C to 1; comparable, not calibrated."""
        return self.scores.softmax(1).amax(1)

    @property
    def label(self) -> int:
        """The label of a single stimulus.

        Raises:
            ShapeError: there are several.
        """
        if len(self.scores) != 1:
            raise ShapeError(f"label: expected one stimulus, received {len(self.scores)}; use `labels`.")
        return int(self.labels)

    @property
    def name(self) -> str:
        """The class name of a single stimulus."""
        return self.classes[self.label]


@dataclass
class Prequential:
    """Running account of a stream in which each stimulus is decided first and taught afterwards.

    Attributes:
        samples, correct: counts so far.
    """

    samples: int = 0
    correct: int = 0

    @property
    def accuracy(self) -> float:
        """Share of right decisions, 0 to 1; 0 before the first."""
        return self.correct / self.samples if self.samples else 0.0
