"""DataFrames become columns: each value keeps the meaning that its type gives it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import DataError
from .cells import decimal_of, gaps_of, plain
from .characters import shortened
from .columns import Column, column_of_texts, written


def columns_of_frame(frame: Any, source: object) -> tuple[dict[str, Column], list[str]]:
    """The columns of a table in memory, and notes.

    It is a pandas DataFrame or a row of one, a frame with `to_pandas`, a dict of columns or of the values of one row, a
    list of such rows, or a structured array.

    Raises:
        DataError: see `Table.of`.
    """
    import pandas

    if not isinstance(frame, pandas.DataFrame):
        frame = _as_pandas(frame, source)
    if isinstance(frame.columns, pandas.MultiIndex):
        raise DataError(
            f"{source}: expected one row of column names, received {frame.columns.nlevels}. Join them: "
            "frame.columns = ['_'.join(map(str, names)) for names in frame.columns]."
        )
    if not len(frame.columns) or not len(frame):
        raise DataError(f"{source}: expected rows and columns, received {len(frame)} x {len(frame.columns)}.")
    names = [str(name).strip() for name in frame.columns]
    twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if twice is not None:
        raise DataError(f"{source}: expected different names of the columns, {shortened(twice)!r} occurs twice.")
    columns = {name: _column(frame.iloc[:, i], name, source) for i, name in enumerate(names)}
    notes = []
    if not isinstance(frame.index, pandas.RangeIndex):
        notes.append(f"the index of the {source} is left out.")
    return columns, notes


def _as_pandas(frame: Any, source: object) -> Any:
    import pandas

    if hasattr(frame, "collect") and hasattr(frame, "lazy"):  # a lazy frame of polars
        frame = frame.collect()
    try:
        if isinstance(frame, dict) and frame and all(map(pandas.api.types.is_scalar, frame.values())):
            return pandas.DataFrame([frame])
        if isinstance(frame, pandas.Series) and all(isinstance(name, str) for name in frame.index):
            return pandas.DataFrame([frame.to_dict()])  # a row of a frame
        if isinstance(frame, pandas.Series):
            return frame.to_frame()
        rows = isinstance(frame, list | tuple) and len(frame) and all(isinstance(row, dict) for row in frame)
        if isinstance(frame, dict) or rows or getattr(getattr(frame, "dtype", None), "names", None):
            return pandas.DataFrame(frame)
        if hasattr(frame, "to_pandas"):
            return frame.to_pandas()
        if hasattr(frame, "__dataframe__"):
            return pandas.api.interchange.from_dataframe(frame)
    except (ValueError, TypeError, ImportError) as error:
        raise DataError(f"{source}: cannot be read as a table ({error}).") from error
    raise DataError(f"{source}: expected a DataFrame or a dict of columns, received {type(frame).__name__}.")


def _column(series: Any, name: str, source: object) -> Column:
    import pandas

    kind = series.dtype
    if isinstance(kind, pandas.CategoricalDtype):
        if pandas.api.types.is_numeric_dtype(kind.categories.dtype):
            series = series.astype(kind.categories.dtype if not series.isna().any() else float)
            column = _column(series, name, source)
            return Column("text", None, lambda: column.texts)
        series = series.astype(object)
        return _texts(series, name, source)
    if pandas.api.types.is_bool_dtype(kind):
        values = series.to_numpy(dtype=float, na_value=np.nan)
        texts = np.array([None if value != value else str(bool(value)) for value in values.tolist()], dtype=object)
        return Column("truth", values, lambda: texts)
    if pandas.api.types.is_complex_dtype(kind):
        raise DataError(f"{source}, column {shortened(name)!r}: expected numbers, received complex numbers.")
    if pandas.api.types.is_numeric_dtype(kind):
        values = series.to_numpy(dtype=float, na_value=np.nan)
        if np.isinf(values).any():
            raise DataError(
                f"{source}, row {int(np.isinf(values).argmax())}, column {shortened(name)!r}: expected a finite "
                "number, received an infinite one."
            )
        return Column("empty" if np.isnan(values).all() else "number", values, lambda: written(values))
    if pandas.api.types.is_datetime64_any_dtype(kind):
        zone = getattr(kind, "tz", None)
        dates = (series.dt.tz_convert("UTC").dt.tz_localize(None) if zone is not None else series).to_numpy()
        texts = np.array([None if one is pandas.NaT else one.isoformat() for one in series], dtype=object)
        return Column("date", dates.astype("datetime64[ns]"), lambda: texts)
    return _texts(series, name, source)


def _texts(series: Any, name: str, source: object) -> Column:
    """A column of objects: texts, numbers and gaps."""
    cells = []
    for row, (value, gap) in enumerate(zip(series.tolist(), series.isna().tolist(), strict=True)):
        if isinstance(gap, list) or not (gap or isinstance(value, str | int | float | np.number | np.bool_)):
            if type(value).__name__ in ("Decimal", "date", "datetime", "Timestamp", "time", "Timedelta", "Period"):
                value = str(value)
            else:
                raise DataError(
                    f"{source}, row {row}, column {shortened(name)!r}: expected a number or a text, received "
                    f"{type(value).__name__}."
                )
        cells.append("" if gap else str(value))
    marks = {decimal_of(plain(cell)) for cell in cells}
    if "?" in marks and "." not in marks and "," not in marks:
        cell = next(cell for cell in cells if decimal_of(plain(cell)) == "?")
        raise DataError(
            f"{source}, column {shortened(name)!r}: {cell!r} may be {cell.replace(',', '')} or "
            f"{cell.replace(',', '.')}. Make the column one of numbers."
        )
    return column_of_texts(np.array(cells, dtype=object), ".", gaps_of())
