"""The suites of `bispike bench`, with the sizes of three published benchmarks (cards).

Card 1 is one layer (B = 16, T = 500), card 2 a small convolutional network on 3×64×64 (T = 16, B = 64), card 3 the
networks of the BSD paper (arXiv 2509.20284). The other suites vary one quantity of the dense network of card 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ConfigurationError, UnknownNameError
from .cases import Case

DENSE, SPARSE = 0.6, 0.06
"""Spike densities of the dense network without a norm: after training at the default strength of the alignment, and
after alignment on rates at its sparsest."""

_MLP = Case("card3-mlp", "mlp", (1024, 512, 256), (784,), time_steps=4, batch_size=128, density=DENSE)
_CNN = Case(
    "card3-cnn",
    "cnn",
    (128, 128, 256, 256, 512),
    (3, 32, 32),
    time_steps=4,
    batch_size=128,
    options={"pools": 2},
    warmup=2,
    repeats=10,
)
_CARD2 = Case(
    "card2",
    "cnn",
    (64, 128),
    (3, 64, 64),
    time_steps=16,
    batch_size=64,
    norm=True,
    options={"pools": 2, "dense": [1024]},
    warmup=1,
    repeats=5,
)


def _layer(width: int, *, warmup: int, repeats: int) -> Case:
    name = f"card1-n{width}"
    rules = ("bptt",)
    return Case(name, "layer", (width,), (width,), 500, 16, rules=rules, warmup=warmup, repeats=repeats)


def _over_time(time_steps: int) -> Case:
    return replace(_MLP, name=f"mlp-T{time_steps}", time_steps=time_steps, axis="time steps T", at=time_steps)


def _dense_or_sparse(time_steps: int, density: float) -> Case:
    return replace(_MLP, name=f"mlp-T{time_steps}-d{100 * density:02.0f}", time_steps=time_steps, density=density)


def _with_norm(time_steps: int) -> Case:
    return replace(_MLP, name=f"mlp-T{time_steps}-norm", time_steps=time_steps, norm=True, density=None)


def _deep(depth: int) -> Case:
    name = f"depth-{depth}"
    repeats = max(20, 400 // depth)
    return replace(_MLP, name=name, sizes=(256,) * depth, repeats=min(repeats, 100), axis="hidden layers", at=depth)


def _wide(width: int) -> Case:
    return replace(_MLP, name=f"width-{width}", sizes=(width, width), axis="width of two layers", at=width)


def _batched(batch_size: int) -> Case:
    return replace(_MLP, name=f"batch-{batch_size}", batch_size=batch_size, axis="batch size B", at=batch_size)


def _filled(density: float, time_steps: int = 16) -> Case:
    name = f"density-{100 * density:02.0f}"
    return replace(
        _MLP, name=name, time_steps=time_steps, density=density, axis="share of ones in the spikes", at=density
    )


@dataclass(frozen=True)
class Suite:
    """Cases that belong together, with a summary in one line."""

    name: str
    summary: str
    cases: tuple[Case, ...]


_ALL = (
    Suite(
        "quick",
        "card 3's dense network at T = 4 and 16: dense spikes, sparse spikes, with a norm",
        (
            *(_dense_or_sparse(time_steps, density) for density in (DENSE, SPARSE) for time_steps in (4, 16)),
            *(_with_norm(time_steps) for time_steps in (4, 16)),
        ),
    ),
    Suite(
        "card1",
        "Linear(n, n) and LIF, B = 16, T = 500, loss = sum: forward and backward",
        (_layer(512, warmup=20, repeats=100), _layer(4096, warmup=1, repeats=5)),
    ),
    Suite("card2", "conv 64-128 with norm and pooling, dense 1024, on 3x64x64, T = 16, B = 64", (_CARD2,)),
    Suite(
        "card3-mlp",
        "784-1024-512-256-10, B = 128: cost against T",
        tuple(_over_time(time_steps) for time_steps in (1, 2, 4, 8, 16, 32)),
    ),
    Suite("card3-cnn", "conv 128-128-256-256-512 with pooling on 3x32x32, T = 4, B = 128", (_CNN,)),
    Suite("depth", "4, 16 and 64 layers of 256 neurons", tuple(_deep(depth) for depth in (4, 16, 64))),
    Suite("batch", "card 3's dense network against the batch size", tuple(map(_batched, (1, 8, 32, 128, 512)))),
    Suite("width", "two layers of growing width", tuple(map(_wide, (256, 512, 1024, 2048)))),
    Suite(
        "density",
        "card 3's dense network at T = 16 against the density of its spikes",
        tuple(map(_filled, (0.03, 0.06, 0.1, 0.2, 0.4, 0.6))),
    ),
)
SUITES: dict[str, Suite] = {suite.name: suite for suite in _ALL}


def cases_of(
    suite: str,
    *,
    only: Sequence[str] = (),
    warmup: int | None = None,
    repeats: int | None = None,
    batch_size: int | None = None,
) -> list[Case]:
    """Cases of a suite, with other numbers of turns or another batch size on request.

    Args:
        suite: name of a suite.
        only: names of cases; empty: all.
        warmup, repeats: numbers of turns; None: those of the suite.
        batch_size: B; None: that of the suite. A given B becomes part of the names of the cases.

    Raises:
        UnknownNameError: there is no such suite or case.
        ConfigurationError: a number is out of range, or the suite varies the batch size.
    """
    if suite not in SUITES:
        raise UnknownNameError("suite", suite, SUITES)
    cases = {case.name: case for case in SUITES[suite].cases}
    for name in only:
        if name not in cases:
            raise UnknownNameError(f"case of suite {suite!r}:", name, cases)
    if batch_size is not None and any(case.axis.startswith("batch") for case in cases.values()):
        raise ConfigurationError(f"batch_size: suite {suite!r} varies it; choose cases of the suite instead.")
    changed = {"warmup": warmup, "repeats": repeats, "batch_size": batch_size}
    given: dict[str, Any] = {key: value for key, value in changed.items() if value is not None}
    suffix = "" if batch_size is None else f"-B{batch_size}"
    return [replace(case, name=case.name + suffix, **given) for name, case in cases.items() if not only or name in only]
