"""Raw events of any file: columns of times, places and polarities, and the recording that each event belongs to.

    .npz      columns `t`, `x`, `y`, `p` under any usual name, or one array `events`; `sample` and `labels`
    .npy      one recording: a structured array, or `[E, 4]`
    .bin      one recording of N-MNIST: 5 bytes per event: x, y, a bit of polarity and 23 bits of microseconds

Columns stay as they are stored; `schema.events_schema` says what they mean.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from ...errors import DataError
from ..memory_limit import Room
from .characters import shortened
from .numpy_files import arrays_of

COLUMNS = {
    "t": ("t", "ts", "time", "times", "timestamp", "timestamps"),
    "x": ("x", "xs", "x_coord", "col", "column"),
    "y": ("y", "ys", "y_coord", "row"),
    "p": ("p", "ps", "pol", "pols", "polarity", "polarities", "on"),
    "sample": ("sample", "samples", "sample_id", "recording", "recordings", "recording_id"),
    "labels": ("labels", "label", "targets", "target", "classes"),
}
"""Usual names of the columns; small and capital letters are alike."""
TOGETHER = ("events", "event")
"""Names of an array that holds several columns."""
PLACES = ("addr", "address", "addrs", "xy", "coords")
"""Names of an array `[E, 2]` of x and y."""
UNIT = re.compile(r"(.+?)_?\(?(us|ms|ns|s|usec|msec|nsec|sec)\)?")
"""A name that ends with a unit of time, such as t_us."""
UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "ns": 1e-3}
"""Microseconds in each unit of time."""
ORDERS = tuple("".join(order) for order in permutations("txyp"))
BIN_BYTES = 5
LARGEST_WHOLE = 2**53  # up to here float64 holds every whole number
OVERFLOW = 240  # y of an event that marks 2^13 microseconds
BIN_SIDE = 34
ENDINGS = (".npz", ".npy", ".bin")
"""Files of events that are read."""
FOREIGN = {
    ".aedat": "an AEDAT recording",
    ".aedat4": "an AEDAT 4 recording",
    ".dat": "a recording of a Prophesee camera",
    ".raw": "a recording of a Prophesee camera",
}
"""Files of events that are known and not read."""


@dataclass(frozen=True)
class Events:
    """The events of N recordings, as they are stored.

    Args:
        place: the file, for messages.
        name: of the recording, or of the file with several.
        t, x, y, p: `[E]` times, places and polarities.
        sample: int64 `[E]` the recording of each, 0..N-1; None: all are of one recording.
        count: N.
        labels: `[N]` of each recording; None: the file has none.
        unit: of the times, where the format or the name of the column says it.
        notes: what was converted.
    """

    place: object
    name: str
    t: np.ndarray
    x: np.ndarray
    y: np.ndarray
    p: np.ndarray
    sample: np.ndarray | None = None
    count: int = 1
    labels: np.ndarray | None = None
    unit: str | None = None
    notes: tuple[str, ...] = ()


def key_of(name: str) -> str | None:
    """The column that a usual name stands for; None: it is none."""
    low = name.strip().lower()
    found = next((key for key, names in COLUMNS.items() if low in names), None)
    named = UNIT.fullmatch(low)
    if found is None and named is not None and named[1] in COLUMNS["t"]:
        return "t"
    return found


def named_unit(name: str) -> str | None:
    """The unit of time at the end of a name such as "t_us"."""
    low = name.strip().lower()
    named = UNIT.fullmatch(low)
    return named[2].removesuffix("ec") if named is not None and low not in COLUMNS["t"] else None


def holds_events(names: Iterable[str]) -> bool:
    """Whether arrays of these names are events."""
    given = {name.strip().lower() for name in names}
    keys = {key_of(name) for name in given} - {None}
    if given & set(TOGETHER):
        return not {"x_train", "x"} & given
    return "t" in keys and ({"x", "y"} <= keys or bool(given & set(PLACES))) and bool(keys & {"p", "sample", "labels"})


def is_recording(array: np.ndarray) -> bool:
    """Whether an array is a structured one with columns of events."""
    return array.dtype.names is not None and {"t", "x", "y"} <= {key_of(name) for name in array.dtype.names}


# ------------------------------------------------------------------ files


def of_content(content: bytes, place: object, name: str, room: Room, *, columns: str | None = None) -> Events:
    """The events in the bytes of a file; the ending of its name tells the format.

    Raises:
        DataError: damaged, no events, of a format that is not read, or more than the limit.
    """
    ending = _ending(name)
    if ending == ".bin":
        return of_bin(content, place, name)
    if ending in FOREIGN:
        raise foreign(place, name)
    return of_arrays(arrays_of(io.BytesIO(content), len(content), place, room), place, name, columns=columns)


def of_bin(content: bytes, place: object, name: str) -> Events:
    """One recording of N-MNIST.

    Raises:
        DataError: not of whole events.
    """
    if content[:1] == b"%" or content[:4] == b"#!AE":
        raise foreign(place, name)
    raw = np.frombuffer(content, dtype=np.uint8)
    if len(raw) == 0 or len(raw) % BIN_BYTES:
        raise DataError(
            f"{place}: expected events of 5 bytes, received {len(raw)} bytes; the file is truncated, or not "
            f"of the form of N-MNIST. {_how_to_convert()}"
        )
    rows = raw.reshape(-1, BIN_BYTES)
    y = rows[:, 1]
    high, middle, low = (rows[:, i].astype(np.int64) for i in (2, 3, 4))
    marks = y == OVERFLOW
    t = (((high & 127) << 16) | (middle << 8) | low) + np.cumsum(marks) * 2**13
    x, p = rows[:, 0], rows[:, 2] >> 7
    if marks.any():
        t, x, y, p = t[~marks], x[~marks], y[~marks], p[~marks]
    return Events(place, name, t, x, y, p, unit="us")


def foreign(place: object, name: str) -> DataError:
    """The error for a file of events that is known and not read."""
    what = FOREIGN.get(_ending(name), "a recording of an event camera of another form")
    return DataError(f"{place}: is {what}, which is not read. {_how_to_convert()}")


def _how_to_convert() -> str:
    return (
        "Read it with the camera's own tools (tonic, expelliarmus, dv-processing, Metavision) and store "
        "np.savez('events.npz', t=t, x=x, y=y, p=p, sample=recording of each event, labels=class of each recording) "
        "with t in microseconds."
    )


def _ending(name: str) -> str:
    return "." + name.rpartition(".")[2].lower()


# ------------------------------------------------------------------ arrays


def of_arrays(arrays: Mapping[str, np.ndarray], place: object, name: str, *, columns: str | None = None) -> Events:
    """The events in named arrays.

    Args:
        arrays: by name; columns under usual names, or together.
        place: the file, for messages.
        name: of the recordings.
        columns: order of the columns in an array `[E, 4]`, such as "txyp"; recognised if None.

    Raises:
        DataError: columns that are missing, of different lengths, or of no use.
    """
    flat, notes = _apart(arrays, place, columns)
    found: dict[str, np.ndarray] = {}
    unit = None
    for given, values in flat.items():
        key = key_of(given)
        if key is None:
            continue
        if key in found:  # such as t and ts
            raise DataError(f"{place}: expected one array for {key}, received several ({', '.join(flat)}).")
        found[key] = values if key == "labels" else _column(place, given, values)
        unit = named_unit(given) if key == "t" else unit
    missing = [key for key in ("t", "x", "y", "p") if key not in found]
    if missing:
        fix = " For events without a polarity store p = 1 for all." if missing == ["p"] else ""
        raise DataError(
            f"{place}: expected the arrays t, x, y, p, sample and labels; missing: {', '.join(missing)}; found "
            f"{shortened(', '.join(arrays)) or 'nothing'}.{fix}"
        )
    lengths = {key: len(found[key]) for key in ("t", "x", "y", "p", "sample") if key in found}
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise DataError(f"{place}: expected as many of t, x, y, p and sample, at least one; received {lengths}.")
    if found["t"].dtype.kind in "mM":
        found["t"], unit = _calendar(place, found["t"])
    sample, count, labels, said = _recordings(place, found.get("sample"), found.get("labels"), lengths["t"])
    return Events(
        place,
        name,
        found["t"],
        found["x"],
        found["y"],
        found["p"],
        sample=sample,
        count=count,
        labels=labels,
        unit=unit,
        notes=(*notes, *said),
    )


def _apart(
    arrays: Mapping[str, np.ndarray], place: object, columns: str | None
) -> tuple[dict[str, np.ndarray], list[str]]:
    """The columns by name, those of structured arrays and of `[E, 4]` apart; and notes."""
    found: dict[str, np.ndarray] = {}
    notes: list[str] = []
    for name, array in arrays.items():
        low = name.lower()
        if array.dtype.names is not None:
            found |= {field: array[field] for field in array.dtype.names}
        elif low in PLACES:
            if array.ndim != 2 or array.shape[1] != 2:
                raise DataError(
                    f"{place}: expected {name} as places x and y, [E, 2], received {list(array.shape)}. Store x and y."
                )
            found |= {"x": array[:, 0], "y": array[:, 1]}
        elif low in TOGETHER or (len(arrays) == 1 and array.ndim == 2 and array.shape[1] == 4):
            order, said = (columns, []) if columns else _order(place, name, array)
            if array.ndim != 2 or array.shape[1] != 4:
                raise _no_table(place, name, array)
            found |= {key: array[:, i] for i, key in enumerate(order or "txyp")}
            notes += said
        elif len(arrays) == 1 and array.ndim > 1:
            raise DataError(
                f"{place}: expected events, as a structured array or as one row per event [E, 4], received an array of "
                f"{list(array.shape)}. Arrays that are stimuli belong in one .npz file, as x with the classes as y."
            )
        else:
            found[name] = array
    return found, notes


def _no_table(place: object, name: str, array: np.ndarray) -> DataError:
    return DataError(
        f"{place}: expected {name} as one row per event, [E, 4], received {list(array.shape)}. Store the events of "
        "all recordings one after the other, with the number of the recording of each as sample."
    )


def _order(place: object, name: str, array: np.ndarray) -> tuple[str, list[str]]:
    """The order of the columns of an array `[E, 4]`: times never fall and may be fractions, polarities are -1..1."""
    if array.ndim != 2 or array.shape[1] != 4 or array.dtype.kind not in "buif" or len(array) == 0:
        raise _no_table(place, name, array)
    lows, highs = array.min(0), array.max(0)
    real = array.dtype.kind == "f"
    fractions = [i for i in range(4) if real and (array[:, i] != np.floor(array[:, i])).any()]
    polar = [i for i in range(4) if lows[i] >= -1 and highs[i] <= 1 and i not in fractions]
    largest = [i for i in range(4) if highs[i] == highs.max() and highs[i] > 0 and i not in polar]
    others = fractions or largest
    few = [i for i in others if np.count_nonzero(np.diff(array[:, i]) < 0) <= len(array) // 4]
    if len(polar) == 1 and len(few) == 1 and len(array) >= 10:
        rest = iter("xy")
        order = "".join("p" if i == polar[0] else "t" if i == few[0] else next(rest) for i in range(4))
        return order, [f"the columns of {name} are read in the order {order}; the option columns gives another one."]
    raise DataError(
        f"{place}: cannot tell the order of the columns of {name}, {list(array.shape)}. Give it, for example "
        "columns=txyp (--set columns=txyp), or store t, x, y and p apart."
    )


def _column(place: object, name: str, values: np.ndarray) -> np.ndarray:
    """One value per event."""
    if values.ndim == 2 and 1 in values.shape:
        values = values.reshape(-1)
    if values.ndim != 1:
        raise DataError(
            f"{place}: expected {name} with one value per event, [E], received {list(values.shape)}. Store the events "
            "of all recordings one after the other, with the number of the recording of each as sample."
        )
    return values


def _calendar(place: object, t: np.ndarray) -> tuple[np.ndarray, str]:
    """Times of type datetime64 or timedelta64 as whole numbers, and their unit."""
    unit, step = np.datetime_data(t.dtype)
    if unit not in UNITS or step != 1:
        raise DataError(f"{place}: expected times in s, ms, us or ns as t, received {t.dtype}.")
    if np.isnat(t).any():
        raise DataError(f"{place}: expected finite times as t, received {int(np.isnat(t).sum())} that are NaT.")
    return t.view(t.dtype.byteorder + "i8"), unit


def _recordings(
    place: object, sample: np.ndarray | None, labels: np.ndarray | None, events: int
) -> tuple[np.ndarray | None, int, np.ndarray | None, list[str]]:
    """The recording of each event, counted from 0; the number of recordings, their labels, and notes."""
    if labels is not None and labels.ndim == 2 and 1 in labels.shape:
        labels = labels.reshape(-1)
    if labels is not None and labels.ndim > 1:
        raise DataError(f"{place}: expected a label for each recording, [N], received {list(labels.shape)}.")
    if labels is not None:
        labels = labels.reshape(-1)
    if sample is None:
        if labels is not None and len(labels) != 1:
            raise DataError(
                f"{place}: expected the recording of each event as sample, since there are {len(labels)} labels; "
                "missing: sample. Store whole numbers 0..N-1, one per event."
            )
        return None, 1, labels, []
    if sample.dtype.kind in "US":
        ids, numbers = np.unique(sample, return_inverse=True)
        numbers = numbers.astype(np.int64)
    else:
        numbers = whole(place, "sample", sample)
        ids = _distinct(numbers)
    named = sample.dtype.kind in "US"
    if labels is not None and len(labels) == events and len(labels) != len(ids):
        first = _first_events(numbers, ids if not named else np.arange(len(ids)))
        if (labels != labels[first][np.searchsorted(ids, sample)]).any():
            raise DataError(
                f"{place}: expected one label for each recording; labels has one for each of {events} events, and "
                "they differ within a recording. Store one label for each recording."
            )
        note = f"labels: one for each of {events:,} events became one for each of {len(ids):,} recordings."
        return np.searchsorted(ids, sample), len(ids), labels[first], [note]
    count = len(ids) if labels is None else len(labels)
    in_range = not named and numbers.min() >= 0 and numbers.max() < count
    if in_range:
        return numbers, count, labels, []
    if len(ids) != count:
        least, most = (numbers.min(), numbers.max()) if not named else (ids[0], ids[-1])
        raise DataError(
            f"{place}: expected samples in 0..{count - 1}, received {least}..{most}; there are {count} labels for "
            f"{len(ids)} recordings with events. Number the recordings as their labels, from 0."
        )
    ranks = np.searchsorted(ids, sample)
    if labels is not None and (ranks[1:] < ranks[:-1]).any():
        raise DataError(
            f"{place}: expected samples in 0..{count - 1}, or in ascending order; received {ids[0]}..{ids[-1]} in "
            "another order, and the label of each cannot be told. Number the recordings as their labels, from 0."
        )
    return ranks, count, labels, [f"sample: {count:,} numbers or names {ids[0]}..{ids[-1]} became 0..{count - 1}."]


def _distinct(numbers: np.ndarray) -> np.ndarray:
    """The different numbers, ascending; without a sorted copy where they ascend already."""
    if (numbers[1:] < numbers[:-1]).any():
        return np.unique(numbers)
    return numbers[np.concatenate([[True], numbers[1:] != numbers[:-1]])]


def _first_events(numbers: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """The first event of each recording."""
    order = np.argsort(numbers, kind="stable")
    return order[np.searchsorted(numbers[order], ids)]


def whole(place: object, key: str, values: np.ndarray) -> np.ndarray:
    """Whole numbers of an integer type: as they are, or int64 where they are stored as fractions.

    Raises:
        DataError: texts, fractions, NaN, or numbers beyond 2^63.
    """
    if values.dtype.kind == "i" or (values.dtype.kind == "u" and values.dtype.itemsize < 8):
        return values
    if values.dtype.kind == "b":
        return values.view(np.uint8) if values.flags.contiguous else values.astype(np.uint8)
    if values.dtype.kind == "u" and values.max(initial=0) < 2**63:
        return values.astype(np.int64)
    if values.dtype.kind not in "uf":
        raise DataError(f"{place}: expected whole numbers as {key}, received {values.dtype}.")
    with np.errstate(over="ignore"):
        exact = bool((np.abs(values.astype(np.float64)) < LARGEST_WHOLE).all())
    if not exact or bool((values != np.floor(values)).any()):
        raise DataError(f"{place}: expected whole numbers as {key}, received other ones (fractions, NaN or too large).")
    return values.astype(np.int64)
