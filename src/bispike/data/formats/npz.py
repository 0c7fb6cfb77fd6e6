"""A user's own arrays in one `.npz` file; nothing in it is ever unpickled.

Keys: `x_train`, `y_train` and, where there is a test part, `x_test`, `y_test`; or `x`, `y`; or other usual names, as
those of MedMNIST (`train_images`, `train_labels`, `test_images`, `test_labels`). `class_names` is optional.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ...errors import DataError
from ..assemble import from_arrays
from ..dataset import Dataset
from ..memory_limit import Room
from ..option import MEMORY_LIMIT, TEST_SHARE, Option, one_of
from ..readers.numpy_files import load_arrays
from ..schema import Inputs, Schema
from ..schema.array_schema import ORDERS
from .events import inputs_of_arrays
from .format import Format

PARTS = {"train": ("train", "training"), "validation": ("val", "valid", "validation"), "test": ("test", "testing")}
"""Words for the parts of a data set in the names of arrays."""
PATTERNS = (
    ("x_{}", "y_{}"),
    ("{}_images", "{}_labels"),
    ("{}_x", "{}_y"),
    ("x{}", "y{}"),
    ("{}_data", "{}_labels"),
    ("images_{}", "labels_{}"),
    ("data_{}", "labels_{}"),
)
"""Names of stimuli and labels of a part, in any case."""
WHOLE = (
    ("x", "y"),
    ("images", "labels"),
    ("data", "target"),
    ("features", "labels"),
    ("data", "labels"),
    ("x", "labels"),
    ("features", "target"),
    ("stimuli", "labels"),
    ("arr_0", "arr_1"),
)
"""Names of stimuli and labels without parts."""
NAMES = ("class_names", "classes", "label_names", "target_names")


INPUT_NAMES = ("x", "X", "x_test", "stimuli", "images", "data", "features", "arr_0")
"""Names of stimuli without labels."""
_WORDS = [word for words in PARTS.values() for word in words]
_EXPECTED = {form.format(word) for pattern in PATTERNS for form in pattern for word in _WORDS}


def parts_of(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Names of stimuli and labels by part.

    Args:
        names: of the arrays in a file.

    Returns:
        Pairs by "train", "validation" and "test"; "train" is the whole where there are no parts.
    """
    known = {name.lower(): name for name in names}
    found = {}
    for part, words in PARTS.items():
        for pattern in PATTERNS:
            pairs = [tuple(form.format(word) for form in pattern) for word in words]
            fitting = next((pair for pair in pairs if set(pair) <= set(known)), None)
            if fitting is not None:
                found[part] = (known[fitting[0]], known[fitting[1]])
                break
    if found:
        return found
    pair = next((pair for pair in WHOLE if set(pair) <= set(known)), None)
    return {} if pair is None else {"train": (known[pair[0]], known[pair[1]])}


def read(
    path: Path,
    *,
    like: Schema | None = None,
    layout: str = "auto",
    test_fraction: float = 0.2,
    memory_limit: float | None = None,
) -> Dataset:
    """A data set from an `.npz` file.

    Args:
        path: the file.
        like: schema of a training, by which the file is read.
        layout: meaning of the axes: "auto", "features", "grey", "channels-first" or "channels-last".
        test_fraction: share that becomes the test part where the file has none.
        memory_limit: GiB that reading may take (see `data.memory_limit`).

    Raises:
        DataError: missing keys, object arrays, a damaged file, unsound content, or more than the limit.
    """
    room = Room.of(path, memory_limit)
    arrays = load_arrays(path, room)
    keys = parts_of(arrays)
    if "train" not in keys:
        raise DataError(
            f"{path}: expected the arrays x_train and y_train (x_test and y_test for a test part) or x and "
            f"y; found {', '.join(sorted(arrays)) or 'nothing'}."
        )
    names = next((arrays[name] for name in NAMES if name in arrays), None)
    used = {name for pair in keys.values() for name in pair} | set(NAMES)
    half = [name for name in arrays if name not in used and name.lower() in _EXPECTED]
    if half:
        raise DataError(
            f"{path}: expected stimuli and labels of each part, received {', '.join(half)} without the other; found "
            f"{', '.join(sorted(arrays))}."
        )
    given = {part: (arrays[x], arrays[y]) for part, (x, y) in keys.items()}
    if names is not None and names.size > given["train"][1].size:
        raise DataError(
            f"{path}: expected a name for each class, received {names.size} names for {given['train'][1].size} labels."
        )
    for stimuli, _ in given.values():
        room.expect_stimuli(stimuli.shape, bytes_each=1 if stimuli.dtype.kind in "bu" else 4)
    others = sorted(set(arrays) - used)
    notes = [f"arrays that are not used: {', '.join(others)}."] if others else []
    try:
        return from_arrays(
            *given["train"],
            *given.get("test", (None, None)),
            name=path.stem,
            class_names=None if names is None else [str(name) for name in names.reshape(-1)],
            layout=layout,
            test_fraction=test_fraction,
            notes=notes,
            like=like,
            validation=given.get("validation"),
            owned=True,
        )
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def read_inputs(path: Path, schema: Schema, *, memory_limit: float | None = None) -> Inputs:
    """Stimuli in an `.npy` file, or in an `.npz` file: its test part, its only part, or its only array.

    Labels beside the stimuli (y beside x) are those that decisions are judged by.
    """
    room = Room.of(path, memory_limit)
    return inputs_of(load_arrays(path, room), path, schema, room)


def inputs_of(arrays: dict[str, np.ndarray], path: Path, schema: Schema, room: Room) -> Inputs:
    """Stimuli in named arrays (see `read_inputs`)."""
    if (recordings := inputs_of_arrays(arrays, path, schema, room)) is not None:
        return recordings
    keys = parts_of(arrays)
    known = [name for name in INPUT_NAMES if name in arrays]
    pair = keys.get("test") or keys.get("train") or keys.get("validation")
    if pair is None and not known and len(arrays) != 1:
        raise DataError(f"{path}: expected one array, or one named 'x'; found {', '.join(arrays) or 'nothing'}.")
    name = pair[0] if pair is not None else known[0] if known else next(iter(arrays))
    room.expect_stimuli(arrays[name].shape)
    found = schema.of_array(arrays[name], path)
    return found if pair is None else found.judged(arrays[pair[1]], schema, f"{path}: {pair[1]}")


FORMAT = Format(
    name="npz",
    summary="an .npz file of arrays",
    read=read,
    options=(
        Option("layout", "meaning of the axes of the stimuli", default="auto", check=one_of(*ORDERS)),
        TEST_SHARE,
        MEMORY_LIMIT,
    ),
    endings=(".npz",),
    inputs=read_inputs,
    input_endings=(".npz", ".npy"),
)
