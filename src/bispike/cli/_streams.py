"""Standard streams that may be missing or lost: closed at the start, a terminal or a pipe that is gone."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast


@contextlib.contextmanager
def lasting_streams() -> Iterator[None]:
    """While entered, all standard streams are open, and standard error may be lost without an error."""
    open_missing()
    before = sys.stderr
    sys.stderr = cast(TextIO, Losable(before))
    try:
        yield
    finally:
        sys.stderr = before


def open_missing() -> None:
    """Open the standard streams that the process was started without.

    Otherwise the next file that is opened, perhaps a checkpoint, gets the number of a standard stream and receives
    whatever a library prints there.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)  # noqa: FBT003
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)


@contextlib.contextmanager
def quiet_when_lost(stream: TextIO) -> Iterator[None]:
    """While entered, the process ends with status 1 and no message if whoever reads the stream has closed it."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.EIO):
            raise
        silence(stream)
        sys.exit(1)


def silence(stream: TextIO) -> None:
    """Send what a lost stream still holds, and all that follows, to nowhere."""
    with contextlib.suppress(OSError, ValueError):
        number, nowhere = stream.fileno(), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)


class Losable:
    """A text stream that shows nothing more once writing to it has failed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, or nothing if the stream is lost."""
        try:
            return self._stream.write(text)
        except (OSError, ValueError) as error:
            self._lose(error)
            return len(text)

    def flush(self) -> None:
        """Flush, or nothing if the stream is lost."""
        try:
            self._stream.flush()
        except (OSError, ValueError) as error:
            self._lose(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _lose(self, error: OSError | ValueError) -> None:
        if isinstance(error, ValueError) and not self._stream.closed:
            raise error
        silence(self._stream)
