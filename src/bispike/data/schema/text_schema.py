"""How texts were read: their encoding and their vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from ...json_values import Check, is_text, list_of, record
from ..readers.characters import read_characters
from .schema import Schema

_CHECK: Check = record({"encoding": is_text, "symbols": list_of(is_text)}, others=False)


@dataclass(frozen=True)
class TextSchema(Schema):
    """How texts were read.

    Args:
        encoding: of the file, such as "utf-8".
        classes: the vocabulary, in the order of its numbers.
    """

    kind: ClassVar[str] = "text"
    what: ClassVar[str] = "a text"

    encoding: str
    classes: tuple[str, ...]

    def read_text(self, path: Path, *, memory_limit: float | None = None) -> str:
        """The characters of a text file, read as in training.

        Raises:
            DataError: as `read_characters`.
        """
        return read_characters(path, encoding=self.encoding, memory_limit=memory_limit)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"encoding": self.encoding, "symbols": list(self.classes)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], place: str) -> Self:
        """The schema of plain values from a file, which are not trusted; a DamagedError says what is wrong."""
        _CHECK(values, place)
        return cls(values["encoding"], tuple(values["symbols"]))
