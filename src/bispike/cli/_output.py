"""The answer of a verb, and how it reaches the user.

A verb returns an `Answer`: plain values for programs and a text for people. With `--json` standard output
is exactly one JSON object (the answer, or `{"error": {...}}`); progress, notes and the message of an error
always go to standard error. All text is made printable here: no name that a stranger chose reaches the terminal raw.
JSON is ASCII and keeps names exactly.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table

from ..escaping import printable, printable_message, shortened

NAME = 40  # characters of a name beside others in a line
CELL = 320  # characters of a cell: sentences fit, longer names are shortened; `--json` has them whole
TEXT = 2000  # characters of a value that has a line of its own
PIPE_WIDTH = 200  # columns when standard output is not a terminal: one line per row for any reader


@dataclass(frozen=True)
class Answer:
    """The result of a verb: `payload` for `--json`, `text` for people, and the exit status.

    The text is a line, what `table` or `pairs` make, or a `Group` of these.
    """

    payload: Mapping[str, Any]
    text: RenderableType
    status: int = 0


def show(answer: Answer, *, as_json: bool, stream: TextIO) -> None:
    """Write the answer to `stream`, as one JSON object or as text."""
    if as_json:
        stream.write(as_json_text(answer.payload) + "\n")
        return
    console = Console(file=stream, markup=False, highlight=False, soft_wrap=False, emoji=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    with console.capture() as captured:
        console.print(_printable(answer.text))
    stream.write("\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n")) + "\n")


def as_json_text(payload: Mapping[str, Any]) -> str:
    """JSON of plain values in ASCII; a value that is not finite becomes null, since JSON cannot express it."""
    return json.dumps(_plain(payload), indent=2, allow_nan=False, ensure_ascii=True)


def _printable(text: RenderableType) -> RenderableType:
    """A text in one line, or a group of them; `table` and `pairs` have made their cells printable."""
    if isinstance(text, str):
        return printable(text)
    return Group(*map(_printable, text.renderables)) if isinstance(text, Group) else text


def note(*lines: str) -> None:
    """A message for the person at the terminal; never part of the answer."""
    print(*map(printable_message, lines), sep="\n", file=sys.stderr, flush=True)


def transfer(name: str, received: int, expected: int | None) -> None:
    """One changing line on a terminal for a file that is being fetched; silent elsewhere."""
    if sys.stderr.isatty():
        of = f" of {expected / 1e6:.1f}" if expected else ""
        end = "\n" if received == expected else ""
        print(f"\r{printable(name)}: {received / 1e6:.1f}{of} MB", end=end, file=sys.stderr, flush=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> Table:
    """An aligned table; the columns named in `right` are numbers and end at the same place. A `Group` has lines."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in columns:
        made.add_column(printable(name), justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*("" if cell is None else _cell(cell) for cell in row))
    return made


def brief(name: object) -> str:
    """A name that stands beside others in one line."""
    return shortened(printable(name), NAME)


def pairs(values: Mapping[str, object]) -> Table:
    """Names and values, one line each, without a heading."""
    made = Table.grid(padding=(0, 2))
    made.add_column()
    made.add_column(overflow="fold")
    for name, value in values.items():
        if value is not None and value != "":
            made.add_row(printable(name), shortened(printable(value), TEXT))
    return made


def _cell(value: object) -> RenderableType:
    return _printable(value) if isinstance(value, Group) else shortened(printable(value), CELL)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, str | int | bool) or value is None:
        return value
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, Iterable):
        return [_plain(item) for item in value]
    return str(value)
