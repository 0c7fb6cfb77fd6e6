"""What every schema is: how stored content of any form becomes stimuli, by the decisions of the training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from torch import Tensor

from ...errors import DataError
from ..labels import encode_known

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class Inputs:
    """Stimuli of a user with the name of the file and row that each came from.

    Args:
        names: file name, with the row where a file holds several (`digits.npy[3]`), counted from 0.
        stimuli: float32 `[N, *stimulus.shape]` in the units of training.
        notes: what was converted, one sentence each.
        labels: int64 `[N]` class of each where the source names it, so that decisions are judged; None: it does not.
    """

    names: tuple[str, ...]
    stimuli: Tensor
    notes: tuple[str, ...] = ()
    labels: Tensor | None = None

    def judged(self, labels: np.ndarray, schema: Schema, what: str) -> Inputs:
        """The same stimuli with labels, by which decisions are judged.

        Args:
            labels: names or numbers of classes, `[N]`.
            schema: of the training, which names the classes.
            what: the labels, for messages.

        Raises:
            DataError: a label that is no class of the training, or not one for each stimulus.
        """
        known = encode_known(labels, schema.classes, what)
        if len(known) != len(self.stimuli):
            raise DataError(f"{what}: expected a label for each of {len(self.stimuli)} stimuli, received {len(known)}.")
        return replace(self, labels=known)


class Schema(ABC):
    """How the data of a training were read.

    A format reads the content of a file and gives it to the method for its form; what a schema has no method for, it
    refuses. `source` is the file or object in messages.
    """

    kind: ClassVar[str]
    """Name in JSON."""
    what: ClassVar[str]
    """What a run of this kind was trained on, for messages ("arrays")."""
    classes: tuple[str, ...] = ()
    """Names of the classes in the order of their labels; empty for data without classes."""

    @property
    def divisor(self) -> float | None:
        """What a network divides whole numbers by (see `Stimulus`); None: it refuses them."""
        return None

    @property
    def limits(self) -> tuple[float, float] | None:
        """Least and largest value of the training part in the units of the data; None: not known."""
        return None

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""

    @classmethod
    @abstractmethod
    def from_dict(cls, values: Mapping[str, Any], place: str) -> Self:
        """The schema of plain values from a file, which are not trusted; a DamagedError says what is wrong."""

    def of_array(self, array: np.ndarray, source: object) -> Inputs:
        """Stimuli in an array: one, or N on the first axis.

        Raises:
            DataError: another shape or unit, or no array is expected at all.
        """
        raise self.refusal(source, "an array")

    def of_image(self, image: Image.Image, source: object) -> Inputs:
        """The stimulus in a decoded image.

        Raises:
            DataError: no image is expected.
        """
        raise self.refusal(source, "an image")

    def of_table(self, table: Any, source: object) -> Inputs:
        """The stimuli in the rows of a table (`readers.table.Table`).

        Raises:
            DataError: columns are missing, values have another type, or no table is expected at all.
        """
        raise self.refusal(source, "a table")

    def of_events(self, events: Any, source: object) -> Inputs:
        """The stimuli in recordings of events (`readers.event_files.Events`).

        Raises:
            DataError: another sensor or unit, or no events are expected at all.
        """
        raise self.refusal(source, "events")

    def refusal(self, source: object, received: str) -> DataError:
        """The error for content that has no meaning for this training."""
        return DataError(
            f"{source}: expected {self.what}, which the run was trained on, received {received}. Give it data of the "
            "form of the training data."
        )
