"""Published series by name, and the Mackey–Glass series, which is computed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError
from ..memory_limit import Room
from ..readers.dialect import Dialect
from ..readers.series_table import Policy, Series, read_series, read_table
from ..sequence_dataset import SequenceDataset
from ..series_windows import OPTIONS, windowed
from .entry import DatasetEntry, RemoteFile

LYAPUNOV_TIME = 197.0  # of the Mackey–Glass equation with τ = 17, in its unit of time
PER_LYAPUNOV_TIME = 75  # points
LYAPUNOV_TIMES = 20  # in all; the first half is the training part


def mackey_glass(points: int, *, delay: float = 17.0, every: float, begin: float = 1.2, inner: int = 40) -> np.ndarray:
    """x' = 0.2 x(t−τ)/(1 + x(t−τ)^10) − 0.1 x, by Runge–Kutta steps of `every`/`inner`, float64 `[points]`.

    For t <= 0 x is `begin`; past values between two steps are interpolated. Source: Mackey and Glass,
    Science 197:287 (1977).

    Args:
        points: number of values.
        delay: τ.
        every: time between two values.
        begin: x for t ≤ 0.
        inner: steps between two values.
    """
    step = every / inner
    lag = delay / step
    total = (points - 1) * inner + 1
    values = np.empty(total)
    values[0] = begin

    def past(place: float) -> float:
        low = math.floor(place)
        if low < 0:
            return begin
        share = place - low
        return float(values[low] if share < 1e-12 else (1 - share) * values[low] + share * values[low + 1])

    def slope(x: float, late: float) -> float:
        return 0.2 * late / (1 + late**10) - 0.1 * x

    for i in range(total - 1):
        x = float(values[i])
        first, middle, last = past(i - lag), past(i + 0.5 - lag), past(i + 1 - lag)
        k1 = slope(x, first)
        k2 = slope(x + step / 2 * k1, middle)
        k3 = slope(x + step / 2 * k2, middle)
        k4 = slope(x + step * k3, last)
        values[i + 1] = x + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return values[::inner].copy()


_MACKEY_GLASS_DEFAULTS = {"test_fraction": 0.5, "window": 32}
_MACKEY_GLASS_OPTIONS = tuple(
    replace(option, default=_MACKEY_GLASS_DEFAULTS.get(option.name, option.default))
    for option in OPTIONS
    if option.name != "missing"
)


def _mackey_glass(folder: Path, **options: Any) -> SequenceDataset:
    points = LYAPUNOV_TIMES * PER_LYAPUNOV_TIME
    values = mackey_glass(points, every=LYAPUNOV_TIME / PER_LYAPUNOV_TIME)[:, None]
    return windowed(Series("mackey-glass", ("x",), values), **{**_MACKEY_GLASS_DEFAULTS, **options})


def _published(
    folder: Path, *, name: str, file: str, shape: tuple[int, int], names: bool, **options: Any
) -> SequenceDataset:
    path = folder / file
    table = read_table(path, Dialect(header=names))
    policy = Policy(duplicates="keep", holes="keep", missing=options.pop("missing", "error"))
    found = read_series(table, Room.of(path), name=name, policy=policy)
    if found.values.shape != shape:
        raise DataError(
            f"{path}: not the published {name!r}: expected {shape[0]} rows of {shape[1]} columns, received "
            f"{found.values.shape[0]} of {found.values.shape[1]}. Give its path to use it as your own data."
        )
    return windowed(found, where=path, **options)


def _entry(
    name: str,
    summary: str,
    file: str,
    shape: tuple[int, int],
    source: str,
    licence: str,
    *,
    folder: str,
    names: bool = True,
    remote: tuple[str, str, int] | None = None,
    by_hand: str = "",
) -> DatasetEntry:
    def locate(place: Path) -> Path | None:
        return place if (place / file).is_file() else None

    read: Callable[..., SequenceDataset] = partial(_published, name=name, file=file, shape=shape, names=names)
    files = () if remote is None else (RemoteFile(file, (remote[0],), remote[1], remote[2]),)
    train = int(shape[0] * 0.8)
    return DatasetEntry(
        name=name,
        summary=f"series: {summary}",
        shape=(shape[1],),
        classes=shape[1],
        sizes=(train, shape[0] - train),
        source=source,
        licence=licence,
        read=read,
        locate=locate,
        folders=(folder, name),
        files=files,
        task="series",
        options=OPTIONS,
        by_hand=by_hand,
    )


_TRAFFIC = "Y. Li et al., Diffusion convolutional recurrent neural network, ICLR 2018"
_LSTNET = "G. Lai et al., Modeling long- and short-term temporal patterns, SIGIR 2018"
_DCRNN = "the folder that https://github.com/liyaguang/DCRNN links to"

ENTRIES = (
    DatasetEntry(
        name="mackey-glass",
        summary="series: chaotic, tau 17 (embedded)",
        shape=(1,),
        classes=1,
        sizes=(750, 750),
        source="Mackey and Glass, Science 1977; settings of NeuroBench's chaotic function prediction",
        licence="none needed",
        read=_mackey_glass,
        locate=lambda folder: folder,
        task="series",
        options=_MACKEY_GLASS_OPTIONS,
    ),
    _entry(
        "exchange-rate",
        "8 currencies, 7,588 days",
        "exchange_rate.txt.gz",
        (7588, 8),
        _LSTNET,
        "not stated",
        folder="exchange_rate",
        names=False,
        remote=(
            "https://raw.githubusercontent.com/laiguokun/multivariate-time-series-data/master/exchange_rate/"
            "exchange_rate.txt.gz",
            "sha256:6a4fbb561dcdee43f071a83badbeec9223a335552278348656738b556f1c2e9d",
            177142,
        ),
    ),
    _entry(
        "electricity",
        "321 clients, 26,304 hours",
        "electricity.txt.gz",
        (26304, 321),
        _LSTNET,
        "CC BY 4.0 (UCI)",
        folder="electricity",
        names=False,
        by_hand="https://github.com/laiguokun/multivariate-time-series-data/tree/master/electricity",
    ),
    _entry(
        "metr-la",
        "speeds at 207 sensors, 34,272 times 5 minutes",
        "metr-la.h5",
        (34272, 207),
        _TRAFFIC,
        "not stated",
        folder="metr_la",
        by_hand=_DCRNN,
    ),
    _entry(
        "metr-la-week",
        "one week of METR-LA, 2,016 times 5 minutes",
        "los_speed.csv",
        (2016, 207),
        "L. Zhao et al., T-GCN, IEEE TITS 2020, from METR-LA",
        "not stated",
        folder="metr_la_week",
        remote=(
            "https://raw.githubusercontent.com/lehaifeng/T-GCN/master/data/los_speed.csv",
            "sha256:7b732d86ae32b2930595becba28aff39dacbfb2197e250fc0332e1744ce2cbf4",
            3402125,
        ),
    ),
    _entry(
        "pems-bay",
        "speeds at 325 sensors, 52,116 times 5 minutes",
        "pems-bay.h5",
        (52116, 325),
        _TRAFFIC,
        "not stated",
        folder="pems_bay",
        by_hand=_DCRNN,
    ),
    _entry(
        "pjm-load",
        "electricity load of 10 zones, 45,329 hours",
        "pjm_load.csv.gz",
        (45329, 10),
        "PJM Interconnection, hourly metered load",
        "not stated",
        folder="pjm_load",
        by_hand="https://www.kaggle.com/datasets/robikscube/hourly-energy-consumption (columns joined by their time)",
    ),
)
