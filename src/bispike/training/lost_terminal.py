"""Progress that may be lost: a training goes on if the terminal or the pipe that shows it is gone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .progress import Progress


class Losable(Progress):
    """Shows a progress until writing it fails; from then on it shows nothing.

    Args:
        shown: what writes to a stream. Errors of the stream (closed terminal, closed pipe, full disk behind a
            redirection, closed file) end the display; every other error is raised.
    """

    def __init__(self, shown: Progress) -> None:
        self.shown = shown

    def begin(self, epochs: int, steps: int) -> None:
        with self._until_lost():
            self.shown.begin(epochs, steps)

    def start_epoch(self, epoch: int, done: int) -> None:
        with self._until_lost():
            self.shown.start_epoch(epoch, done)

    def step(self, loss: float) -> None:
        with self._until_lost():
            self.shown.step(loss)

    def end_epoch(self, metrics: Mapping[str, Any], measured: Sequence[str]) -> None:
        with self._until_lost():
            self.shown.end_epoch(metrics, measured)

    def note(self, message: str) -> None:
        with self._until_lost():
            self.shown.note(message)

    def end(self) -> None:
        with self._until_lost():
            self.shown.end()

    @contextlib.contextmanager
    def _until_lost(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            self._lose()
        except ValueError as error:
            if "closed file" not in str(error):
                raise
            self._lose()

    def _lose(self) -> None:
        lost, self.shown = self.shown, Progress()
        with contextlib.suppress(OSError, ValueError):
            lost.end()
