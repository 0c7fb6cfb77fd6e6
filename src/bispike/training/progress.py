"""The progress of a training for people: a bar on a terminal, one plain line per epoch otherwise, or nothing.

All of it goes to standard error, so that standard output stays free for results. A message may quote a name that a
stranger chose, so it is made printable here.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from ..errors import ConfigurationError, unknown_name
from ..escaping import printable_message

MODES = ("auto", "bar", "plain", "none")
WIDTH = 100  # columns


class Progress:
    """Prints nothing; subclasses override what they show."""

    def begin(self, epochs: int, steps: int) -> None:
        """A training of this many epochs, each of this many training steps, begins."""

    def start_epoch(self, epoch: int, done: int) -> None:
        """Epoch `epoch` (from 0) begins, or resumes after `done` training steps."""

    def step(self, loss: float) -> None:
        """One more training step is done."""

    def end_epoch(self, metrics: Mapping[str, Any], measured: Sequence[str]) -> None:
        """An epoch is finished.

        Args:
            metrics: its row of metrics.
            measured: its measured values as texts, such as "validation 93.1 %".
        """

    def note(self, message: str) -> None:
        """A message for people."""

    def end(self) -> None:
        """The training has ended, for whatever reason."""


class Plain(Progress):
    """One line per epoch."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.epochs = 0

    def begin(self, epochs: int, steps: int) -> None:
        self.epochs = epochs

    def end_epoch(self, metrics: Mapping[str, Any], measured: Sequence[str]) -> None:
        print(epoch_line(metrics, measured, self.epochs), file=self.stream, flush=True)

    def note(self, message: str) -> None:
        print(printable_message(message), file=self.stream, flush=True)


class Bar(Progress):
    """A bar for the epoch under way, below one line per finished epoch."""

    def __init__(self, stream: TextIO | None = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        console = Console(file=stream or sys.stderr, highlight=False, emoji=False)
        console.width = min(console.width, WIDTH)
        console.on_broken_pipe = _again  # type: ignore[method-assign]  # the default ends the program
        self.display = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.4f}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self.epochs = self.steps = 0
        self.task: Any = None

    def begin(self, epochs: int, steps: int) -> None:
        self.epochs, self.steps = epochs, steps
        self.task = self.display.add_task("", total=steps, loss=0.0)
        self.display.start()

    def start_epoch(self, epoch: int, done: int) -> None:
        described = f"epoch {epoch + 1}/{self.epochs}"
        self.display.reset(self.task, total=self.steps, completed=done, description=described)

    def step(self, loss: float) -> None:
        self.display.update(self.task, advance=1, loss=loss)

    def end_epoch(self, metrics: Mapping[str, Any], measured: Sequence[str]) -> None:
        self.display.console.print(epoch_line(metrics, measured, self.epochs), markup=False)

    def note(self, message: str) -> None:
        self.display.console.print(printable_message(message), markup=False)

    def end(self) -> None:
        self.display.stop()


def _again() -> None:
    """Raise again what is being handled."""
    raise


def create(mode: str | Progress | None) -> Progress:
    """Progress by mode: "auto" (a bar on a terminal, lines otherwise), "bar", "plain", "none" or None.

    Raises:
        ConfigurationError: no such mode.
    """
    if isinstance(mode, Progress):
        return mode
    if mode is None or mode == "none":
        return Progress()
    if mode not in MODES:
        raise ConfigurationError(unknown_name("progress", mode, MODES))
    if sys.stderr is None or sys.stderr.closed:  # started without a terminal
        return Progress()
    if mode == "bar" or (mode == "auto" and sys.stderr.isatty()):
        return Bar()
    return Plain()


def epoch_line(metrics: Mapping[str, Any], measured: Sequence[str], epochs: int) -> str:
    """One epoch in at most 100 columns.

    Args:
        metrics, measured: as in `Progress.end_epoch`.
        epochs: of the whole training.
    """
    parts = [
        f"epoch {metrics['epoch']:>{len(str(epochs))}}/{epochs}",
        f"loss {metrics['loss']:.4f}",
        *measured,
        f"{metrics['seconds']:.1f} s",
    ]
    line = "  ".join(parts)
    rates = [f"{rate:.2f}" for rate in metrics["spike_rate"]]
    tail = f"  rates {' '.join(rates)}" if rates else ""
    if len(line) + len(tail) > WIDTH:
        tail = f"  rates {min(rates)} to {max(rates)}"
    return (line + tail)[:WIDTH]
