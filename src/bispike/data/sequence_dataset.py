"""Sequences: one long text or series, and the windows of it that a network sees.

Nothing is copied for windows that overlap: a split holds the whole sequence and where its windows begin.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..errors import ConfigurationError, ShapeError
from .dataset import Dataset, Index, Indices, Split, _rows, as_float

PROTOCOLS = ("chronological", "paper")


@dataclass(frozen=True, eq=False)
class Windows(Split):
    """Windows of one sequence.

    Args:
        stimuli: the sequence: symbols, int64 `[L]`, or values, float32 or uint8 (as in `Split`) `[L, D]`.
        labels: what is asked for at each place: int64 `[L]`, or float32 `[L, K]`.
        starts: int64 `[N]`, where each window begins.
        length: S, positions of a window.
        reach: places after a window's last one that its targets come from.
        scored: positions of a window that count when it is judged: "all", the "last" one, or by "vote", where the
            mean of what all say of one class is one decision.
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
        starts = self.starts[_rows(index)]
        places = starts[..., None] + torch.arange(self.length, device=starts.device)
        stimuli = self.stimuli[places]
        return as_float(stimuli) if stimuli.dtype == torch.uint8 else stimuli, self.labels[places]

    def subset(self, indices: Indices) -> Windows:
        """The same sequence with some of the windows."""
        return replace(self, starts=self.starts[_rows(indices)].clone())

    def to(self, device: torch.device | str) -> Windows:
        """The same windows on a device."""
        moved = {name: getattr(self, name).to(device) for name in ("stimuli", "labels", "starts")}
        return replace(self, **moved)

    def counts(self, classes: int) -> list[int]:
        """Number of places of each class 0..classes−1 in the windows; of quantities the number of windows."""
        if self.labels.dtype != torch.int64:
            return [len(self)] * classes
        return torch.bincount(self[:][1].flatten(), minlength=classes).tolist()


@dataclass(frozen=True, eq=False)
class SequenceDataset(Dataset):
    """A text or a series, cut chronologically: training, then test.

    Args:
        protocol: "chronological": scaled by the training part, chosen by a validation part at its end, tested once;
            "paper":
            as the published table was made (whole-series scaling, the best epoch on the test part): to compare with
            it, and for nothing else.
        horizon: steps ahead that a series is forecast; 0: the same step, from other columns.
        inputs: names of the columns of a series that go in.
    """

    protocol: str = "chronological"
    horizon: int = 1
    inputs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise ConfigurationError(f"protocol: expected one of {', '.join(PROTOCOLS)}, received {self.protocol!r}.")

    def split_validation(self, fraction: float, seed: int) -> tuple[Split, Split]:
        """Training windows, and the last share of them for validation; no training window reaches into it.

        Under the protocol "paper" the test part takes the place of validation.
        """
        train = self.train
        assert isinstance(train, Windows)
        if fraction == 0 or len(train) < 2:
            return train, train.subset(slice(0, 0))
        if self.protocol == "paper":
            return train, self.test
        cut = min(max(round(len(train) * (1 - fraction)), 1), len(train) - 1)
        held = train.subset(slice(cut, None))
        edge = int(train.starts[cut])
        free = (train.starts[:cut] + train.length - 1 + train.reach < edge).nonzero().flatten()
        if not len(free):
            raise ConfigurationError(
                f"data set {self.name!r}: too short for a validation part of {fraction} beside windows of "
                f"{train.length}; choose shorter windows or validation=0."
            )
        return train.subset(free), held


def chunks(first: int, last: int, length: int, *, stride: int) -> Tensor:
    """Starts of windows of `length` places within first..last−1."""
    return torch.arange(first, last - length + 1, stride)
