"""Results of an online learner: decisions on stimuli, and the accuracy over a stream."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..errors import ShapeError


@dataclass(frozen=True)
class Decision:
    """Decisions on B stimuli.

    Attributes:
        scores: `[B, C]`; the largest decides. −inf for an added class without a taught sample.
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
        """Class names of the B decisions."""
        return [self.classes[label] for label in self.labels.tolist()]

    @property
    def confidence(self) -> Tensor:
        """Softmax probability `[B]` of the decided class, from 1/C to 1; it ranks decisions and is not calibrated."""
        return self.scores.softmax(1).amax(1)

    @property
    def label(self) -> int:
        """The label of a single stimulus.

        Raises:
            ShapeError: there are several stimuli.
        """
        if len(self.scores) != 1:
            raise ShapeError(f"label: expected one stimulus, received {len(self.scores)}; use `labels`.")
        return int(self.labels)

    @property
    def name(self) -> str:
        """The class name of a single stimulus."""
        return self.classes[self.label]


@dataclass
class StreamAccuracy:
    """Accuracy over a stream in which each stimulus is decided first and taught afterwards (prequential evaluation).

    Attributes:
        samples, correct: number of stimuli, and of right decisions, so far.
    """

    samples: int = 0
    correct: int = 0

    @property
    def accuracy(self) -> float:
        """Share of right decisions, 0 to 1; 0 before the first decision."""
        return self.correct / self.samples if self.samples else 0.0
