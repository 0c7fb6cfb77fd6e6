"""Windows of a series, for forecasting or estimation.

There are two protocols, which are never mixed:

    chronological   At each position the network receives all columns; its targets lie `horizon` steps later. It is
             trained on the first part of the series, and the end of that part is the validation part. Columns are
             scaled by the training part. Only the last position of a window is evaluated, so each time of the test
             part is forecast once.
    paper    The task of the published table (DLL, ICML 2025, and BSD): estimate the last column from the others at
             the same step; windows of 32 at each step, every column scaled by the whole series, the first 80 % of
             the windows for training, the best epoch on the test part. Only to compare with that table.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from ..errors import ConfigurationError, DataError, unknown_name
from ..spaces import Quantities, Stimulus
from .option import Option, names_of, one_of, problems, share, text, whole_number
from .readers.missing_values import MISSING
from .readers.series_table import Series
from .schema.series_schema import TARGET_MODES, SeriesSchema
from .sequence_dataset import PROTOCOLS, SequenceDataset, Windows, chunks

WINDOW = 12
PAPER_WINDOW = 32
TEST_FRACTION = 0.2
LISTED = 400  # columns that a message names
LARGEST_VALUE = float(np.finfo(np.float32).max) / 16  # changes between steps, and their squares, must be finite
OPTIONS = (
    Option(
        "target", "columns to forecast, separated by commas; all (chronological) or the last one (paper)", check=text
    ),
    Option("horizon", "steps ahead, at least 1 (chronological only)", default=1, check=whole_number(1, "step ahead")),
    Option("window", "S, positions of a window; 12 (chronological) or 32 (paper)", check=whole_number(1, "position")),
    Option(
        "protocol",
        "chronological, or paper: as the published table was made",
        default="chronological",
        check=one_of(*PROTOCOLS),
    ),
    Option(
        "target_mode",
        "what a network forecasts: the change from the present value, or the value",
        default="change",
        check=one_of(*TARGET_MODES),
    ),
    Option("test_fraction", "share at the end that becomes the test part", default=TEST_FRACTION, check=share),
    Option("missing", "what to do where a value is missing", default="error", check=one_of(*MISSING)),
)
"""Options of every series."""


def windowed(
    series: Series,
    *,
    target: str | None = None,
    horizon: int = 1,
    window: int | None = None,
    protocol: str = "chronological",
    target_mode: str = "change",
    test_fraction: float = TEST_FRACTION,
    where: object = "series",
    like: SeriesSchema | None = None,
) -> SequenceDataset:
    """A data set of a series.

    Args:
        series: finite values in the order of time.
        target: name of the column to forecast, or several names, separated by commas; None: all columns
            (chronological), or the last one (paper).
        horizon: steps ahead, at least 1 (chronological only).
        window: S, positions of a window; 12 (chronological) or 32 (paper) if None.
        protocol: "chronological" or "paper" (see the module).
        target_mode: what a network forecasts: the "change" from the present value (chronological only), or the "value".
        test_fraction: share at the end that becomes the test part.
        where: the source, for messages.
        like: schema of a training, which decides all but the test fraction, also the scale of each column.

    Raises:
        ConfigurationError: options that do not fit.
        DataError: too few rows, or values that float32 cannot hold.
    """
    if like is not None:
        target, protocol, target_mode = None, like.protocol, like.target_mode
        horizon, window = max(like.horizon, 1), like.window
    paper = protocol == "paper"
    length = window if window is not None else (PAPER_WINDOW if paper else WINDOW)
    chosen = {
        "horizon": horizon,
        "window": window,
        "protocol": protocol,
        "target_mode": target_mode,
        "test_fraction": test_fraction,
    }
    wrong = problems(OPTIONS, chosen, of=where)
    wanted = _targets(series, target, paper=paper, problems=wrong)
    if like is not None:
        wanted = [series.columns.index(name) for name in like.targets]
    if paper and len(series.columns) < 2:
        wrong.append("protocol 'paper' estimates a column from the others: expected at least 2 columns, received 1.")
    if wrong:
        raise ConfigurationError(wrong)
    if len(series.values) and np.abs(series.values).max() > LARGEST_VALUE:
        raise DataError(f"{where}: expected values up to {LARGEST_VALUE:.2g}, received larger ones. Change their unit.")
    rows = len(series.values)
    reach = 0 if paper else horizon
    cut = _cut(rows, length, reach, test_fraction, where)
    given = [i for i in range(len(series.columns)) if not paper or i not in wanted]
    if like is not None:
        given = [series.columns.index(name) for name in like.inputs]
    change = target_mode == "change" and not paper
    schema = like or _schema(series, wanted, given, cut, length, reach, protocol, change=change)
    splits = _parts(series, wanted, given, cut, length, reach, test_fraction, paper=paper)
    notes = list(series.notes)
    still = np.ptp(series.values[:cut], axis=0) == 0
    if still.any() and like is None:
        names = ", ".join(repr(series.columns[i]) for i in np.flatnonzero(still)[:10].tolist())
        notes.append(f"columns that do not change in the training part, so that nothing is learned of them: {names}.")
    if paper:
        notes.append(
            "protocol 'paper': scaled by the whole series, and the test part chooses the epoch, so its numbers are too "
            "good; compare them with the published table and with nothing else."
        )
    return SequenceDataset(
        name=series.name,
        stimulus=_stimulus(schema),
        concept=_quantities(schema),
        train=splits[0],
        test=splits[1],
        task="series",
        notes=tuple(notes),
        schema=schema,
        protocol=protocol,
        horizon=reach,
        inputs=schema.inputs,
    )


def _cut(rows: int, length: int, reach: int, test_fraction: float, where: object) -> int:
    """The first row of the test part."""
    cut = int(rows * (1 - test_fraction))
    if cut - reach < 2 * length or rows - cut < reach + 1:
        raise DataError(
            f"{where}: {rows} rows are too few for windows of {length} that look {reach} ahead in a training and a "
            f"test part; expected at least {math.ceil((2 * length + reach + 1) / (1 - test_fraction))}. Choose a "
            "shorter window."
        )
    return cut


def _parts(
    series: Series,
    wanted: list[int],
    given: list[int],
    cut: int,
    length: int,
    reach: int,
    test_fraction: float,
    *,
    paper: bool,
) -> list[Windows]:
    """Training and test part."""
    rows = len(series.values)
    values = torch.from_numpy(series.values.astype(np.float32))
    source, ahead = values[: rows - reach, given], values[reach:, wanted]
    places = len(source)
    if paper:
        starts = chunks(0, places, length, stride=1)
        first = int(len(starts) * (1 - test_fraction))
        parts = [starts[:first], starts[first:]]
    else:
        parts = [
            chunks(0, cut - reach, length, stride=1),
            chunks(max(cut - reach - length + 1, 0), places, length, stride=1),
        ]
    return [
        Windows(source, ahead, starts=begins, length=length, reach=reach, scored="all" if paper else "last")
        for begins in parts
    ]


def _schema(
    series: Series,
    wanted: list[int],
    given: list[int],
    cut: int,
    length: int,
    reach: int,
    protocol: str,
    *,
    change: bool,
) -> SeriesSchema:
    """What a training keeps; the statistics are those of the training part (of the whole series under "paper")."""
    scaled_by = series.values if protocol == "paper" else series.values[:cut]
    mean, std = scaled_by.mean(0), scaled_by.std(0)
    std = np.where(std > 1e-7 * np.maximum(np.abs(mean), 1e-30), std, 1.0)
    centre, spread = np.zeros(0), np.zeros(0)
    if change:
        moved = series.values[reach:cut, wanted] - series.values[: cut - reach, wanted]
        centre, spread = moved.mean(0), moved.std(0)
        spread = np.where(spread > 1e-7 * std[wanted], spread, std[wanted])
    return SeriesSchema(
        columns=series.columns,
        inputs=tuple(series.columns[i] for i in given),
        targets=tuple(series.columns[i] for i in wanted),
        horizon=reach,
        window=length,
        protocol=protocol,
        target_mode="change" if change else "value",
        mean=tuple(mean.tolist()),
        std=tuple(std.tolist()),
        change_mean=tuple(centre.tolist()),
        change_std=tuple(spread.tolist()),
        time=series.time,
        frequency=series.frequency,
        policy=series.policy,
        dialect=series.dialect,
        ignored=series.ignored,
    )


def _stimulus(schema: SeriesSchema) -> Stimulus:
    places = [schema.columns.index(name) for name in schema.inputs]
    return Stimulus((len(places),), tuple(schema.mean[i] for i in places), tuple(schema.std[i] for i in places))


def _quantities(schema: SeriesSchema) -> Quantities:
    """The targets."""
    places = [schema.columns.index(name) for name in schema.targets]
    mean, std = (tuple(values[i] for i in places) for values in (schema.mean, schema.std))
    if not schema.change_mean:
        return Quantities(schema.targets, mean, std)
    present = tuple(schema.inputs.index(name) for name in schema.targets)
    return Quantities(schema.targets, schema.change_mean, schema.change_std, present=present, scale=std)


def _targets(series: Series, target: str | None, *, paper: bool, problems: list[str]) -> list[int]:
    if target is None:
        return [len(series.columns) - 1] if paper else list(range(len(series.columns)))
    found = []
    for name in [target] if target in series.columns else names_of(target):
        if name in series.columns:
            found.append(series.columns.index(name))
        else:
            problems.append(unknown_name("target: column", name, series.columns[:LISTED]))
    return found
