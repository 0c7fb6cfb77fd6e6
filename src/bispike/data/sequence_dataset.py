"""Sequences: one long text or series with the windows that a network receives, and recordings of events.

Nothing is copied for windows that overlap: a split holds the whole sequence and where its windows begin.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NoReturn, Self

import torch
from torch import Tensor

from ..errors import ConfigurationError, ShapeError
from . import sampling
from .dataset import Dataset, Index, Indices, Split, as_rows
from .schema.units import as_float

PROTOCOLS = ("chronological", "paper")
LEAST_STEP = 1e-12
"""Least mean step of a quantity, which errors are divided by."""


@dataclass(frozen=True, eq=False)
class Windows(Split):
    """Windows of one sequence.

    Args:
        stimuli: the sequence: symbols, int64 `[L]`, or values, float32 or uint8 (as in `Split`) `[L, D]`.
        labels: the target at each place: int64 `[L]`, or float32 `[L, K]`.
        starts: int64 `[N]`, where each window begins.
        length: S, positions of a window.
        reach: places after a window's last one that its targets come from.
        scored: positions of a window that count when a network is evaluated: "all", the "last" one, or by "vote",
            where the mean of the scores at all positions is one decision.
    """

    starts: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))
    length: int = 1
    reach: int = 0
    scored: str = "all"

    def __post_init__(self) -> None:
        known = (torch.int64, torch.float32)
        if self.stimuli.dtype not in (*known, torch.uint8) or self.labels.dtype not in known:
            raise ShapeError(
                "windows: expected int64, float32 or uint8 stimuli and int64 or float32 targets, received "
                f"{self.stimuli.dtype} and {self.labels.dtype}."
            )
        if len(self.stimuli) != len(self.labels):
            raise ShapeError(
                "windows: expected as many targets as places, received "
                f"{list(self.labels.shape)} for {list(self.stimuli.shape)}."
            )
        if self.starts.dtype != torch.int64 or self.length < 1:
            raise ShapeError(
                f"windows: expected int64 starts and a length of at least 1, received {self.starts.dtype} "
                f"and {self.length}."
            )
        if len(self.starts) and not 0 <= int(self.starts.min()) <= int(self.starts.max()) <= (
            len(self.stimuli) - self.length
        ):
            raise ShapeError(
                f"windows: expected starts in 0..{len(self.stimuli) - self.length}, received "
                f"{int(self.starts.min())}..{int(self.starts.max())}."
            )

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: Index) -> tuple[Tensor, Tensor]:
        """Stimuli `[B, S]` or `[B, S, D]` and targets `[B, S]` or `[B, S, K]` of some windows; of one without B."""
        starts = self.starts[as_rows(index)]
        places = starts[..., None] + torch.arange(self.length, device=starts.device)
        stimuli = self.stimuli[places]
        return as_float(stimuli) if stimuli.dtype == torch.uint8 else stimuli, self.labels[places]

    def subset(self, indices: Indices) -> Self:
        """The same sequence with some of the windows."""
        return replace(self, starts=self.starts[as_rows(indices)].clone())

    def to(self, device: torch.device | str) -> Self:
        """The same windows on a device."""
        moved = {name: getattr(self, name).to(device) for name in ("stimuli", "labels", "starts")}
        return replace(self, **moved)

    def counts(self, classes: int) -> list[int]:
        """Number of places of each class 0..classes-1 in the windows; for quantities the number of windows."""
        if self.labels.dtype != torch.int64:
            return [len(self)] * classes
        return torch.bincount(self[:][1].flatten(), minlength=classes).tolist()

    # ------------------------------------------------------------------ parts

    def spread_rows(self, count: int) -> Tensor:
        """Ascending numbers, int64, of at most `count` windows spread evenly over the sequence."""
        return torch.linspace(0, len(self) - 1, min(count, len(self))).long().unique()

    def limited(self, count: int) -> Self:
        """At most `count` windows to learn from: the first ones."""
        return self if count >= len(self) else self.subset(slice(0, count))

    def hold_out(self, fraction: float, seed: int) -> tuple[Self, Self]:
        """The windows without, and with only, the last share of them; no window of the first part reaches into it.

        Args:
            fraction: share to hold out, 0 (an empty second part) up to below 1.
            seed: not used: nothing is drawn.

        Raises:
            ConfigurationError: too few windows.
        """
        if fraction == 0 or len(self) < 2:
            return self, self.subset(slice(0, 0))
        cut = min(max(round(len(self) * (1 - fraction)), 1), len(self) - 1)
        edge = int(self.starts[cut])
        free = (self.starts[:cut] + self.length - 1 + self.reach < edge).nonzero().flatten()
        if not len(free):
            raise ConfigurationError(
                f"too short for a validation part of {fraction} beside windows of {self.length}; choose shorter "
                "windows or validation=0."
            )
        return self.subset(free), self.subset(slice(cut, None))

    def imbalanced(self, ratio: float, generator: torch.Generator) -> NoReturn:
        """Refused: a window has no class of its own.

        Raises:
            ConfigurationError: always.
        """
        raise _for_single_stimuli()

    def mislabelled(self, share: float, classes: int, generator: torch.Generator) -> NoReturn:
        """Refused: a window has no class of its own.

        Raises:
            ConfigurationError: always.
        """
        raise _for_single_stimuli()

    def mean_steps(self) -> Tensor | None:
        """`[K]` mean |y(t) - y(t-1)| over the windows' part of a series, float64; None where labels are classes."""
        if self.labels.dtype != torch.float32:
            return None
        first, last = int(self.starts.min()), int(self.starts.max()) + self.length
        return self.labels[first:last].double().diff(dim=0).abs().mean(0).clamp_min(LEAST_STEP)


@dataclass(frozen=True, eq=False)
class Recordings(Windows):
    """Recordings of events, each a window of its own with one class; there is no order among them."""

    @property
    def classes(self) -> Tensor:
        """int64 `[N]` class of each recording."""
        return self.labels[self.starts]

    def limited(self, count: int) -> Self:
        """At most `count` recordings: the first ones, with the class proportions of all."""
        return self if count >= len(self) else self.subset(sampling.first_in_proportion(self.classes, count))

    def hold_out(self, fraction: float, seed: int) -> tuple[Self, Self]:
        """The recordings without, and with only, a stratified share of them (see `Split.hold_out`)."""
        rest, chosen = sampling.stratified(self.classes, fraction, seed=seed)
        return self.subset(rest), self.subset(chosen)


@dataclass(frozen=True, eq=False)
class SequenceDataset(Dataset):
    """A text or a series, cut chronologically: training, then test; or recordings of events.

    Args:
        protocol: "chronological": scaled by the training part, chosen by a validation part at its end, tested once;
            "paper": as the published table was made (scaled by the whole series, the best epoch on the test part), only
            to compare with that table.
        horizon: steps ahead that a series is forecast; 0: the same step, from other columns.
        inputs: names of the columns of a series that the network receives.
    """

    sequential: ClassVar[bool] = True

    train: Windows
    test: Windows
    validation: Windows | None = None
    protocol: str = "chronological"
    horizon: int = 1
    inputs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise ConfigurationError(f"protocol: expected one of {', '.join(PROTOCOLS)}, received {self.protocol!r}.")

    def split_validation(self, fraction: float, seed: int) -> tuple[Windows, Windows]:
        """Training windows, and a share of them for validation (see `Windows.hold_out`).

        Under the protocol "paper" the test part takes the place of validation. A source with a validation part of its
        own gives both as they are, unless the share is 0.
        """
        if self.validation is not None and fraction > 0:
            return self.train, self.validation
        if self.protocol == "paper" and fraction > 0 and len(self.train) > 1:
            return self.train, self.test
        try:
            return self.train.hold_out(fraction, seed)
        except ConfigurationError as error:
            raise ConfigurationError(f"data set {self.name!r}: {error}") from error

    def protocol_summary(self) -> dict[str, Any]:
        """Protocol, task, horizon and input columns, as a run's summary holds them."""
        return {
            "protocol": self.protocol,
            "task": self.task,
            "horizon": self.horizon,
            "inputs": list(self.inputs),
        }

    def suspicions(self) -> list[str]:
        """Empty: symbols of a text occur unevenly, and windows overlap."""
        return []


def chunks(first: int, last: int, length: int, *, stride: int) -> Tensor:
    """Starts of windows of `length` places within first..last-1."""
    return torch.arange(first, last - length + 1, stride)


def _for_single_stimuli() -> ConfigurationError:
    return ConfigurationError(
        "imbalance, label_noise: expected single stimuli with classes, received sequences. Leave both settings out."
    )
