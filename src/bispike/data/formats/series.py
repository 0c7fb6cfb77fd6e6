"""Time series: one row per time step, one column per quantity; cut into windows for forecasting or estimation.

There are two protocols, which are never mixed:

    chronological   At each position the network receives all columns; its targets lie `horizon` steps later. It is
             trained on the first part of the series, and the end of that part is the validation part. Columns are
             scaled by the training part. Only the last position of a window is evaluated, so each time of the test
             part is forecast once.
    paper    The task of the published table (DLL, ICML 2025, and BSD): estimate the last column from the others at
             the same step; windows of 32 at each step, every column scaled by the whole series, the first 80 % of
             the windows for training, the best epoch on the test part. Only to compare with that table.

Files are tables of numbers (`data.readers.series_table`).
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch

from ...errors import ConfigurationError, DataError, unknown_name
from ...spaces import Quantities, Stimulus
from ..option import DELIMITER, MEMORY_LIMIT, Option, one_of, problems, share, text, whole_number
from ..readers.series_table import MISSING, Series, read_table
from ..schema import Schema
from ..sequence_dataset import PROTOCOLS, SequenceDataset, Windows, chunks
from .format import Format

WINDOW = 12
PAPER_WINDOW = 32
TEST_FRACTION = 0.2
LISTED = 400  # columns that a message names
LARGEST_VALUE = float(np.finfo(np.float32).max) / 16  # changes between steps, and their squares, must be finite
TARGET_MODES = ("change", "value")
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
"""Options of every series; a file also has a delimiter."""


def read(
    path: Path,
    *,
    like: Schema | None = None,
    target: str | None = None,
    horizon: int = 1,
    window: int | None = None,
    protocol: str = "chronological",
    target_mode: str = "change",
    missing: str = "error",
    delimiter: str | None = None,
    test_fraction: float = TEST_FRACTION,
    memory_limit: float | None = None,
) -> SequenceDataset:
    """A series from a table, in windows.

    Args:
        path: the file.
        target: name of the column to forecast, or several names, separated by commas; None: all columns
            (chronological), or the last one (paper).
        horizon: steps ahead, at least 1 (chronological only).
        window: S, positions of a window; 12 (chronological) or 32 (paper) if None.
        protocol: "chronological" or "paper" (see the module).
        target_mode: what a network forecasts: the "change" from the present value (chronological only), or the "value".
        missing: what to do where a value is missing: "error", the "previous" value of the column, or "interpolate"
            between the one before and the one after, which looks ahead.
        delimiter: character between the columns; recognised from the first row if not given.
        test_fraction: share at the end that becomes the test part.
        memory_limit: GiB that reading may take (see `data.memory_limit`).

    Raises:
        DataError: unreadable, ragged, not numeric, missing values, too short, or more than the limit.
    """
    return windowed(
        read_table(path, delimiter=delimiter, missing=missing, memory_limit=memory_limit),
        target=target,
        horizon=horizon,
        window=window,
        protocol=protocol,
        target_mode=target_mode,
        test_fraction=test_fraction,
        where=path,
    )


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
) -> SequenceDataset:
    """A data set of a series; arguments as for `read`."""
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
    if paper and len(series.columns) < 2:
        wrong.append("protocol 'paper' estimates a column from the others: expected at least 2 columns, received 1.")
    if wrong:
        raise ConfigurationError(wrong)
    if len(series.values) and np.abs(series.values).max() > LARGEST_VALUE:
        raise DataError(f"{where}: expected values up to {LARGEST_VALUE:.2g}, received larger ones. Change their unit.")
    rows = len(series.values)
    reach = 0 if paper else horizon
    cut = int(rows * (1 - test_fraction))
    if cut - reach < 2 * length or rows - cut < reach + 1:
        raise DataError(
            f"{where}: {rows} rows are too few for windows of {length} that look {reach} ahead in a training and a "
            f"test part; expected at least {math.ceil((2 * length + reach + 1) / (1 - test_fraction))}. Choose a "
            "shorter window."
        )
    scaled_by = series.values if paper else series.values[:cut]
    mean, std = scaled_by.mean(0), scaled_by.std(0)
    std = np.where(std > 1e-7 * np.maximum(np.abs(mean), 1e-30), std, 1.0)
    given = [i for i in range(len(series.columns)) if not paper or i not in wanted]
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
    notes = list(series.notes)
    if paper:
        notes.append(
            "protocol 'paper': scaled by the whole series, and the test part chooses the epoch, so its numbers are too "
            "good; compare them with the published table and with nothing else."
        )
    splits = [
        Windows(source, ahead, starts=begins, length=length, reach=reach, scored="all" if paper else "last")
        for begins in parts
    ]
    return SequenceDataset(
        name=series.name,
        stimulus=Stimulus((len(given),), tuple(mean[given].tolist()), tuple(std[given].tolist())),
        concept=_quantities(
            series, wanted, given, (mean, std), reach=reach, last=cut, change=target_mode == "change" and not paper
        ),
        train=splits[0],
        test=splits[1],
        task="series",
        notes=tuple(notes),
        protocol=protocol,
        horizon=reach,
        inputs=tuple(series.columns[i] for i in given),
    )


def _quantities(
    series: Series,
    wanted: list[int],
    given: list[int],
    moments: tuple[np.ndarray, np.ndarray],
    *,
    reach: int,
    last: int,
    change: bool,
) -> Quantities:
    """The targets; the statistics of changes are those of the first `last` rows."""
    names = tuple(series.columns[i] for i in wanted)
    mean, std = (tuple(values[wanted].tolist()) for values in moments)
    if not change:
        return Quantities(names, mean, std)
    moved = series.values[reach:last, wanted] - series.values[: last - reach, wanted]
    spread = moved.std(0)
    spread = np.where(spread > 1e-7 * moments[1][wanted], spread, moments[1][wanted])
    return Quantities(
        names,
        tuple(moved.mean(0).tolist()),
        tuple(spread.tolist()),
        present=tuple(given.index(i) for i in wanted),
        scale=std,
    )


def _targets(series: Series, target: str | None, *, paper: bool, problems: list[str]) -> list[int]:
    if target is None:
        return [len(series.columns) - 1] if paper else list(range(len(series.columns)))
    found = []
    for name in (part.strip() for part in target.split(",")):
        if name in series.columns:
            found.append(series.columns.index(name))
        else:
            problems.append(unknown_name("target: column", name, series.columns[:LISTED]))
    return found


FORMAT = Format(
    name="series",
    summary="a series",
    read=read,
    options=(*OPTIONS, DELIMITER, MEMORY_LIMIT),
    endings=(".h5", ".hdf5"),
    task="series",
    on_request=True,
)
