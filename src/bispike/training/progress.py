"""What a training tells while it runs: a bar on a terminal, a plain line an epoch otherwise, or nothing.

All of it goes to standard error, so that standard output stays free for results.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, TextIO

from ..errors import ConfigurationError, unknown_name

MODES = ("auto", "bar", "plain", "none")
WIDTH = 100  # columns


class Progress:
    """Tells nothing; the others override what they tell."""

    def begin(self, epochs: int, steps: int) -> None:
        """A training of this many epochs, each of this many training steps."""

    def start_epoch(self, epoch: int, done: int) -> None:
        """Epoch `epoch` (from 0) begins, or goes on after `done` training steps."""

    def step(self, loss: float) -> None:
        """One more training step is done."""

    def end_epoch(self, metrics: Mapping[str, Any]) -> None:
        """An epoch is done and measured."""

    def note(self, message: str) -> None:
        """Something that a person should know."""

    def end(self) -> None:
        """The training is over, for whatever reason."""


class Plain(Progress):
    """A line an epoch."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.epochs = 0

    def begin(self, epochs: int, steps: int) -> None:
        self.epochs = epochs

    def end_epoch(self, metrics: Mapping[str, Any]) -> None:
        print(epoch_line(metrics, self.epochs), file=self.stream, flush=True)

    def note(self, message: str) -> None:
        print(message, file=self.stream, flush=True)


class Bar(Progress):
    """A bar for the epoch under way, with a line above it for each that is done."""

    def __init__(self, stream: TextIO | None = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        console = Console(file=stream or sys.stderr, highlight=False)
        console.width = min(console.width, WIDTH)
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

    def end_epoch(self, metrics: Mapping[str, Any]) -> None:
        self.display.console.print(epoch_line(metrics, self.epochs), markup=False)

    def note(self, message: str) -> None:
        self.display.console.print(message, markup=False)

    def end(self) -> None:
        self.display.stop()


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
    if mode == "bar" or (mode == "auto" and sys.stderr.isatty()):
        return Bar()
    return Plain()


def epoch_line(metrics: Mapping[str, Any], epochs: int) -> str:
    """One epoch in at most 100 columns."""
    parts = [
        f"epoch {metrics['epoch']:>{len(str(epochs))}}/{epochs}",
        f"loss {metrics['loss']:.4f}",
    ]
    if "mse" in metrics:
        parts.append(f"validation MSE {metrics['mse']:.5f}  MASE {metrics.get('mase', float('nan')):.3f}")
    elif metrics["train_accuracy"] is not None:
        parts.append(f"train {100 * metrics['train_accuracy']:.1f} %")
        if metrics["validation"] is not None:
            parts.append(f"validation {100 * metrics['validation']:.1f} %")
    if "bits" in metrics:
        parts.append(f"{metrics['bits']:.3f} bits")
    if "reconstruction" in metrics:
        parts.append(f"MSE {metrics['reconstruction']:.5f}")
    parts.append(f"{metrics['seconds']:.1f} s")
    line = "  ".join(parts)
    rates = [f"{rate:.2f}" for rate in metrics["spike_rate"]]
    tail = f"  rates {' '.join(rates)}" if rates else ""
    if len(line) + len(tail) > WIDTH:
        tail = f"  rates {min(rates)} to {max(rates)}"
    return (line + tail)[:WIDTH]
