"""Time series: a row a time step, a column a quantity; cut into windows for forecasting or estimation.

Two protocols, never mixed:

    chronological   at each position all columns go in, and the targets `horizon` steps later are asked for:
             the first part to learn from, its end held out for validation. Columns are scaled by the training part.
             A window is judged by its last position, so each time of the test part is forecast once.
    paper    the task of the published table (DLL, ICML 2025, and BSD): estimate the last column from the others at
             the same step; windows of 32 at each step, every column scaled by the whole series, first 80 % of the
             windows to learn from, the best epoch on the test part. Only to compare with that table.

Files: CSV (also `.gz`; commas, semicolons or tabs; with or without names; a column of times is left out; where commas
do not part the columns numbers may have decimal commas), and pandas' HDF5 as METR-LA and PEMS-BAY come in (needs h5py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...errors import ConfigurationError, DataError, unknown_name
from ...spaces import Quantities, Stimulus
from ..option import DELIMITER, Option, one_of, problems, share, whole_number
from ..readers.characters import read_cells
from ..sequence_dataset import PROTOCOLS, SequenceDataset, Windows, chunks
from .format import Format

WINDOW = 12
PAPER_WINDOW = 32
TEST_FRACTION = 0.2
SAYS = ("change", "value")
MISSING = ("error", "previous", "interpolate")
OPTIONS = (
    Option("target", "columns to forecast, separated by commas; all (chronological) or the last one (paper)"),
    Option("horizon", "steps ahead, at least 1 (chronological only)", default=1, check=whole_number(1, "step ahead")),
    Option("window", "S, positions of a window; 12 (chronological) or 32 (paper)", check=whole_number(1, "position")),
    Option(
        "protocol",
        "chronological, or paper: as the published table was made",
        default="chronological",
        check=one_of(*PROTOCOLS),
    ),
    Option(
        "says",
        "what a network forecasts: the change from the present value, or the value",
        default="change",
        check=one_of(*SAYS),
    ),
    Option("test_fraction", "share at the end that becomes the test part", default=TEST_FRACTION, check=share),
    Option("missing", "what to do where a value is missing", default="error", check=one_of(*MISSING)),
)
"""Options of every series; a file also has a delimiter."""
DECIMAL_COMMA = re.compile(r"^(\s*[-+]?\d*),(\d+(?:[eE][-+]?\d+)?\s*)$")
GAPS = frozenset({"", "na", "nan", "null", "none", "-", "?"})


@dataclass(frozen=True)
class Series:
    """A multivariate series.

    Args:
        name: of the set.
        columns: names of the D quantities.
        values: float64 `[L, D]`, finite.
        notes: on how it was read.
    """

    name: str
    columns: tuple[str, ...]
    values: np.ndarray
    notes: tuple[str, ...] = ()


def read(
    path: Path,
    *,
    target: str | None = None,
    horizon: int = 1,
    window: int | None = None,
    protocol: str = "chronological",
    says: str = "change",
    missing: str = "error",
    delimiter: str | None = None,
    test_fraction: float = TEST_FRACTION,
) -> SequenceDataset:
    """A series from a table, in windows.

    Args:
        path: the file.
        target: the column that is asked for, or several, separated by commas; if None all (chronological), or the last
            one (paper).
        horizon: steps ahead, at least 1 (chronological only).
        window: S, positions of a window; 12 (chronological) or 32 (paper) if None.
        protocol: "chronological" or "paper".
        says: what a network forecasts: the "change" from the present value (chronological only), or the "value".
        missing: what to do where a value is missing: "error", the "previous" value of the column, or "interpolate"
            between the one before and the one after, which looks ahead.
        delimiter: character between the columns; recognised from the first row if not given.
        test_fraction: share at the end that becomes the test part.

    Raises:
        DataError: unreadable, ragged, not numeric, missing values, or too short.
    """
    return windowed(
        read_table(path, delimiter=delimiter, missing=missing),
        target=target,
        horizon=horizon,
        window=window,
        protocol=protocol,
        says=says,
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
    says: str = "change",
    test_fraction: float = TEST_FRACTION,
    where: object = "series",
) -> SequenceDataset:
    """A data set of a series; arguments as for `read`."""
    paper = protocol == "paper"
    length = window if window is not None else (PAPER_WINDOW if paper else WINDOW)
    chosen = {"horizon": horizon, "window": window, "protocol": protocol, "says": says, "test_fraction": test_fraction}
    wrong = problems(OPTIONS, chosen, of=where)
    wanted = _targets(series, target, paper=paper, problems=wrong)
    if paper and len(series.columns) < 2:
        wrong.append("protocol 'paper' estimates a column from the others: expected at least 2 columns, received 1.")
    if wrong:
        raise ConfigurationError(wrong)
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
            series, wanted, given, (mean, std), reach=reach, last=cut, change=says == "change" and not paper
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
    """What is asked for; changes are measured over the first `last` rows."""
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
            problems.append(unknown_name("target: column", name, series.columns))
    return found


# ---------------------------------------------------------------------- reading


def read_table(
    path: Path, *, delimiter: str | None = None, missing: str = "error", names: Sequence[str] | bool | None = None
) -> Series:
    """A table of numbers, a row a time step.

    Args:
        path: `.csv`, `.tsv`, `.txt`, also `.gz`; or `.h5`.
        delimiter: character between the columns; recognised from the first row if not given.
        missing: see `read`.
        names: of the columns; True: in the first row; None: in the first row if it is not all numbers.

    Raises:
        DataError.
    """
    if missing not in MISSING:
        raise ConfigurationError(unknown_name("missing", missing, MISSING))
    if path.suffix.lower() in (".h5", ".hdf5"):
        return _read_hdf(path, missing)
    rows, separator = read_cells(path, delimiter)
    notes = []
    if separator != ",":
        rows, commas = _with_points(rows)
        notes += ["commas in numbers are decimal commas."] if commas else []
    first = rows[0][1]
    headed = names is True or (names is None and any(_number(cell) is None and not _gap(cell) for cell in first))
    header = [cell.strip() for cell in first] if headed else [f"column {i + 1}" for i in range(len(first))]
    if isinstance(names, Sequence) and not isinstance(names, bool):
        header = list(names)
    body = rows[1:] if headed else rows
    if not body:
        raise DataError(f"{path}: expected rows of numbers below the column names, found none.")
    for number, row in body:
        if len(row) != len(header):
            raise DataError(f"{path}, row {number}: expected {len(header)} columns, received {len(row)}.")
    keep = list(range(len(header)))
    if _is_time(header[0], [row[0] for _, row in body[:50]]) and len(header) > 1:
        keep = keep[1:]
        notes.append(f"column {header[0]!r} is the time and is left out.")
    values = np.empty((len(body), len(keep)))
    for i, (number, row) in enumerate(body):
        for j, column in enumerate(keep):
            cell = row[column]
            found = _number(cell)
            if found is None and not _gap(cell):
                raise DataError(
                    f"{path}, row {number}, column {header[column]!r}: expected a number, received {cell.strip()!r}. "
                    "Remove the column, or write texts as numbers."
                )
            values[i, j] = math.nan if found is None else found
    columns = tuple(header[column] for column in keep)
    if len(set(columns)) < len(columns):
        double = next(name for name in columns if columns.count(name) > 1)
        raise DataError(f"{path}: expected different names of the columns, {double!r} occurs twice.")
    name = path.name.split(".")[0]
    return _filled(Series(name, columns, values, tuple(notes)), missing, path, first=2 if headed else 1)


def _with_points(rows: list[tuple[int, list[str]]]) -> tuple[list[tuple[int, list[str]]], bool]:
    """Rows with a point in place of the decimal comma, and whether there was one."""
    found = [(number, [DECIMAL_COMMA.sub(r"\1.\2", cell) for cell in row]) for number, row in rows]
    return found, found != rows


def _number(cell: str) -> float | None:
    try:
        found = float(cell)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _gap(cell: str) -> bool:
    return cell.strip().lower() in GAPS


def _is_time(name: str, cells: Sequence[str]) -> bool:
    """Whether a column tells when: no numbers, but each with digits and a mark of dates or times."""
    if any(_number(cell) is not None for cell in cells):
        return False
    marked = [any(mark in cell for mark in "-/:.T ") and any(c.isdigit() for c in cell) for cell in cells]
    return all(marked) or name.lower() in ("time", "date", "datetime", "timestamp")


def _filled(series: Series, missing: str, path: object, *, first: int) -> Series:
    gaps = ~np.isfinite(series.values)
    if not gaps.any():
        return series
    row, column = np.argwhere(gaps)[0]
    total = int(gaps.sum())
    if missing == "error":
        raise DataError(
            f"{path}, row {row + first}: no value in column {series.columns[column]!r} ({total} values are missing in "
            "all). Fill them, or choose missing=previous or missing=interpolate (--set missing=previous)."
        )
    values = series.values.copy()
    for j in np.flatnonzero(gaps.any(0)):
        known = np.flatnonzero(~gaps[:, j])
        if not len(known):
            raise DataError(f"{path}: column {series.columns[j]!r} has no value at all; remove it.")
        if missing == "interpolate":
            values[:, j] = np.interp(np.arange(len(values)), known, values[known, j])
        else:
            last = np.maximum.accumulate(np.where(gaps[:, j], -1, np.arange(len(values))))
            values[:, j] = values[np.where(last < 0, known[0], last), j]
    note = f"{total} missing values were filled ({missing})."
    if missing == "interpolate":
        note = f"{note[:-1]}; those know the value after them, so near gaps the future is forecast too well."
    return Series(series.name, series.columns, values, (*series.notes, note))


def _read_hdf(path: Path, missing: str) -> Series:
    """A table that pandas wrote (`axis0` names, `block0_values` numbers), as METR-LA and PEMS-BAY are published."""
    try:
        import h5py
    except ImportError as error:
        raise DataError(f"{path}: .h5 files need h5py; install it: pip install 'bispike[series]'.") from error
    try:
        with h5py.File(path) as file:
            groups = [file[key] for key in file if isinstance(file[key], h5py.Group)]
            group = next((found for found in groups if "block0_values" in found), None)
            if group is None:
                raise DataError(f"{path}: expected a table as pandas writes it (block0_values), found {list(file)}.")
            values = np.asarray(group["block0_values"], dtype=np.float64)
            names = [name.decode() if isinstance(name, bytes) else str(name) for name in group["axis0"][:]]
    except OSError as error:
        raise DataError(f"{path}: not a readable HDF5 file ({error}).") from error
    if values.ndim != 2 or values.shape[1] != len(names):
        raise DataError(f"{path}: expected a value for each of {len(names)} columns, received {list(values.shape)}.")
    return _filled(Series(path.name.split(".")[0], tuple(names), values), missing, path, first=1)


FORMAT = Format(
    name="series",
    summary="a series",
    read=read,
    options=(*OPTIONS, DELIMITER),
    endings=(".h5", ".hdf5"),
    task="series",
    on_request=True,
)
