"""One family of errors. A message says what was expected, what was received, and the likely cause or fix.

`UserError` is a mistake in what was asked for (the command line exits with status 2); `WorkError` means that
the request was fine and the work failed (status 1; the message names what was saved). A message often quotes a name
that a stranger chose: it is made printable here, for every error.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from .escaping import printable_message, shortened


class BispikeError(Exception):
    """Base of every error that bispike raises on purpose.

    Args:
        lines: of the message; a name in one of them cannot begin a line of its own, see `printable_message`.
    """

    exit_status = 1

    def __init__(self, *lines: str) -> None:
        self.lines = tuple(map(printable_message, lines))
        super().__init__("\n".join(self.lines))


class UserError(BispikeError, ValueError):
    """Something that the caller asked for cannot be done as asked."""

    exit_status = 2


class ShapeError(UserError):
    """A tensor has the wrong shape."""


class ConfigurationError(UserError):
    """One or several settings are wrong; all of them are listed together."""

    def __init__(self, problems: str | Sequence[str]) -> None:
        super().__init__(*([problems] if isinstance(problems, str) else problems))
        self.problems = list(self.lines)


class UnknownNameError(UserError):
    """A name is not in a registry; the nearest valid ones are suggested."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(unknown_name(kind, name, known))


class DataError(UserError):
    """A data file is missing, damaged or not what it claims to be."""


class CheckpointError(UserError):
    """A checkpoint cannot be read, or does not belong to this run."""


class DamagedError(CheckpointError):
    """What was saved cannot be read, or does not fit what it is restored into; an earlier checkpoint may be sound."""


class WorkError(BispikeError, RuntimeError):
    """The work itself failed."""


class DivergenceError(WorkError):
    """Training met a value that is not finite, or a network that does not fire."""


class DownloadError(WorkError):
    """A file could not be fetched; nothing partial was left under its final name."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """The sentence for a name that is not known, with a suggestion where one is near."""
    names, name = sorted(known), shortened(str(name), 100)  # comparing with a name of a whole file would take minutes
    near = difflib.get_close_matches(name.lower().replace("_", "-"), names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"unknown {kind} {name!r}{hint} Known: {', '.join(names)}."


def expect_shape(what: str, expected: str, received: Sequence[int], hint: str = "") -> ShapeError:
    """A ShapeError that names the axes expected and the shape received."""
    tail = f" {hint}" if hint else ""
    return ShapeError(f"{what}: expected shape [{expected}], received {list(received)}.{tail}")
