"""How a series was read: columns by name, the form of its times, its step, what fills its gaps, and its task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch

from ...errors import DataError
from ...json_values import Check, anything, expect, is_text, list_of, number, optional, record, whole
from ..memory_limit import Room
from ..option import LARGEST
from ..readers.characters import shortened
from ..readers.dialect import Dialect
from ..readers.frequency import Frequency
from ..readers.missing_values import MISSING
from ..readers.series_table import Policy, Series, read_again, read_table
from ..readers.table import Table
from ..readers.time_columns import TimeColumns
from ..readers.time_order import DUPLICATES, HOLES, counted
from .schema import Inputs, Schema
from .units import not_finite

TARGET_MODES = ("change", "value")
FAR = 20.0
"""Standard deviations from the training's mean where a unit is doubtful."""
_NUMBERS: Check = list_of(number())
_CHECK: Check = record(
    {
        "columns": list_of(is_text),
        "inputs": list_of(is_text),
        "targets": list_of(is_text),
        "horizon": whole(0, LARGEST),
        "window": whole(1, LARGEST),
        "protocol": is_text,
        "target_mode": is_text,
        "mean": _NUMBERS,
        "std": list_of(number(0)),
        "change_mean": _NUMBERS,
        "change_std": list_of(number(0)),
        "time": optional(anything),
        "frequency": optional(anything),
        "duplicates": is_text,
        "holes": is_text,
        "missing": is_text,
        "dialect": anything,
        "ignored": list_of(is_text),
    },
    others=False,
)


@dataclass(frozen=True)
class SeriesSchema(Schema):
    """How a series was read.

    Args:
        columns: names of the D quantities, inputs and targets, in the order of the training's table.
        inputs: names of those that the network receives, in its order.
        targets: names of those that it forecasts.
        horizon: steps ahead; 0: the same step.
        window: S, positions of a window.
        protocol: "chronological" or "paper" (see `formats.series`).
        target_mode: "change" or "value".
        mean, std: of each column over the part that scales.
        change_mean, change_std: of the change of each target over the horizon; () where values are forecast.
        time: the columns that hold the time; None: there are none.
        frequency: the step from row to row; None: it is not known.
        policy: what is done about times that occur twice, holes and missing values.
        dialect: how the file is written.
        ignored: names of the columns of the training's table that were left out.
    """

    kind: ClassVar[str] = "series"
    what: ClassVar[str] = "a series"
    task: ClassVar[str] = "series"

    columns: tuple[str, ...]
    inputs: tuple[str, ...]
    targets: tuple[str, ...]
    horizon: int
    window: int
    protocol: str = "chronological"
    target_mode: str = "change"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    change_mean: tuple[float, ...] = ()
    change_std: tuple[float, ...] = ()
    time: TimeColumns | None = None
    frequency: Frequency | None = None
    policy: Policy = field(default_factory=Policy)
    dialect: Dialect = field(default_factory=Dialect)
    ignored: tuple[str, ...] = ()

    def read(self, path: Path, *, memory_limit: float | None = None) -> Table:
        """The table in a file that is written like that of the training.

        Raises:
            DataError: as `readers.series_table.read_table`.
        """
        given = Dialect(header=self.dialect.header, names=self.dialect.names, comment=self.dialect.comment)
        return read_table(path, given, like=self.dialect, memory_limit=memory_limit)

    def series(
        self, table: Table, room: Room, *, name: str = "series", needed: tuple[str, ...] | None = None
    ) -> Series:
        """The series in a table, with columns, time and step of the training.

        Args:
            table: with the columns by name, in any order.
            room: for rows that are inserted.
            name: of the series.
            needed: columns that must be there; None: all.

        Raises:
            DataError: what cannot be brought to the form of the training.
        """
        empty = np.zeros((0, len(self.columns)))
        like = Series(
            name, self.columns, empty, (), None, self.time, self.frequency, self.policy, self.dialect, self.ignored
        )
        return read_again(table, like, room, needed=self.columns if needed is None else needed, name=name)

    def of_series(self, series: Series, source: object) -> Inputs:
        """The last window of a series that `series` gave: one stimulus, `[1, S, D]` in the units of the data.

        Raises:
            DataError: there is no row.
        """
        if not len(series.values):
            raise DataError(f"{source}: expected at least one row, found none.")
        notes = list(series.notes)
        if len(series.values) < self.window:
            notes.append(
                f"{counted(len(series.values), 'row is', 'rows are')} fewer than the window of {self.window} in "
                "training; the forecast knows less of the past."
            )
        chosen = [series.columns.index(name) for name in self.inputs]
        notes += self._far(series)
        values = series.values[-self.window :, chosen].astype(np.float32)
        return Inputs((str(source),), torch.from_numpy(values)[None], tuple(notes))

    def _far(self, series: Series) -> list[str]:
        """Notes on columns whose values are far from those of the training."""
        found = []
        for name in self.inputs:
            column, place = series.values[-self.window :, series.columns.index(name)], self.columns.index(name)
            distance = abs(float(np.median(column)) - self.mean[place]) / self.std[place]
            if distance > FAR:
                found.append(
                    f"column {shortened(name)!r} holds about {np.median(column):g}, {distance:.0f} standard deviations "
                    f"from the training's mean {self.mean[place]:g}: is its unit the same?"
                )
        return found

    def of_rows(self, array: np.ndarray, source: str) -> Series:
        """The series in an array `[L, D]` of the input columns in the order of the training, in steps of the training.

        Raises:
            DataError: another number of columns, or values that are not finite.
        """
        values = array[:, None] if array.ndim == 1 else array
        if values.ndim != 2 or values.dtype.kind not in "biuf" or values.shape[1] != len(self.inputs):
            raise DataError(
                f"{source}: expected numbers [L, {len(self.inputs)}], the columns {', '.join(self.inputs)}, received "
                f"{array.dtype} {list(array.shape)}."
            )
        values = values.astype(np.float64)
        if not np.isfinite(values).all():
            raise not_finite(values, source)
        note = "columns are taken by their order, and rows as one step apart, since an array has no names and no times."
        return Series(source, self.inputs, values, (note,))

    def of_array(self, array: np.ndarray, source: object) -> Inputs:
        """The last window of an array (see `of_rows`), `[1, S, D]`."""
        return self.of_series(self.of_rows(array, str(source)), source)

    def of_table(self, table: Any, source: object) -> Inputs:
        """The last window of a table, `[1, S, D]`.

        Raises:
            DataError: what cannot be brought to the form of the training.
        """
        series = self.series(table, Room.in_memory(source), name=str(source), needed=self.inputs)
        return self.of_series(series, source)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        lists = ("columns", "inputs", "targets", "mean", "std", "change_mean", "change_std")
        plain = ("horizon", "window", "protocol", "target_mode")
        return {
            **{name: list(getattr(self, name)) for name in lists},
            **{name: getattr(self, name) for name in plain},
            "time": None if self.time is None else self.time.to_dict(),
            "frequency": None if self.frequency is None else self.frequency.to_dict(),
            "duplicates": self.policy.duplicates,
            "holes": self.policy.holes,
            "missing": self.policy.missing,
            "dialect": self.dialect.to_dict(),
            "ignored": list(self.ignored),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], place: str) -> Self:
        """The schema of plain values from a file, which are not trusted; a DamagedError says what is wrong."""
        _CHECK(values, place)
        given = dict(values)
        for name, choices in (
            ("duplicates", DUPLICATES), ("holes", HOLES), ("missing", MISSING), ("target_mode", TARGET_MODES),
            ("protocol", ("chronological", "paper")),
        ):  # fmt: skip
            expect(given[name] in choices, f"{place}: {name}", f"one of {', '.join(choices)}", given[name])
        expect(given["holes"] != "fill" or given["missing"] != "error", f"{place}: missing", "a way to fill", "error")
        lists: dict[str, Any] = {name: tuple(given[name]) for name in ("columns", "inputs", "targets", "mean", "std")}
        lists |= {name: tuple(given[name]) for name in ("change_mean", "change_std")}
        known = set(lists["columns"])
        for name in ("inputs", "targets"):
            expect({*lists[name]} <= known and bool(lists[name]), f"{place}: {name}", "names of columns", given[name])
        for name, length in (("mean", len(known)), ("std", len(known))):
            expect(len(lists[name]) == length, f"{place}: {name}", f"{length} numbers", given[name])
        for name in ("change_mean", "change_std"):
            fits = len(lists[name]) in (0, len(lists["targets"]))
            expect(fits, f"{place}: {name}", "a number for each target, or none", given[name])
        expect(all(value > 0 for value in (*lists["std"], *lists["change_std"])), f"{place}: std", "above 0", 0)
        return cls(
            **lists,
            **{name: given[name] for name in ("horizon", "window", "protocol", "target_mode")},
            time=None if given["time"] is None else TimeColumns.from_dict(given["time"], f"{place}: time"),
            frequency=None
            if given["frequency"] is None
            else Frequency.from_dict(given["frequency"], f"{place}: frequency"),
            policy=Policy(given["duplicates"], given["holes"], given["missing"]),
            dialect=Dialect.from_dict(given["dialect"], f"{place}: dialect"),
            ignored=tuple(given["ignored"]),
        )
