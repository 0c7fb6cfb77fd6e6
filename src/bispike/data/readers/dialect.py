"""How a table is written: its delimiter, its decimal mark, its heading; given by the user or recognised."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from ...json_values import Check, expect, is_switch, is_text, list_of, optional, record

_CHECK: Check = record(
    {
        "delimiter": optional(is_text),
        "decimal": optional(is_text),
        "encoding": optional(is_text),
        "comment": optional(is_text),
        "quote": optional(is_text),
        "header": optional(is_switch),
        "names": optional(list_of(is_text)),
        "missing_marks": list_of(is_text),
        "not_missing": list_of(is_text),
    },
    others=False,
)


@dataclass(frozen=True)
class Dialect:
    """How a table is written; None: not given, or not needed.

    Args:
        delimiter: character between cells; "": any white space.
        decimal: "." or ",".
        encoding: of the file.
        comment: what lines that are left out begin with.
        quote: character around cells that hold delimiters; "": none.
        header: whether the first row names the columns.
        names: of the columns, in place of those in the file.
        missing_marks: texts that mean a missing value, besides the usual ones (`cells.GAPS`).
        not_missing: texts among the usual ones that are values here, such as "none".
    """

    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    comment: str | None = None
    quote: str | None = None
    header: bool | None = None
    names: tuple[str, ...] | None = None
    missing_marks: tuple[str, ...] = ()
    not_missing: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        lists = {name: list(getattr(self, name)) for name in ("missing_marks", "not_missing")}
        return {**asdict(self), "names": self.names and list(self.names), **lists}

    @classmethod
    def from_dict(cls, values: Any, place: str) -> Self:
        """The dialect of plain values from a file, which are not trusted; a DamagedError says what is wrong."""
        _CHECK(values, place)
        expect(values["decimal"] in (None, ".", ","), f"{place}: decimal", "'.' or ','", values["decimal"])
        for name in ("delimiter", "quote"):
            value = values[name]
            fits = not value or (len(value) == 1 and value not in "\r\n" and (name == "quote" or value != '"'))
            expect(fits, f"{place}: {name}", "one character", value)
        names = values["names"]
        marks = {name: tuple(values[name]) for name in ("missing_marks", "not_missing")}
        return cls(**{**values, "names": names and tuple(names), **marks})
