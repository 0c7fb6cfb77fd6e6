"""A user's own arrays in one `.npz` file; nothing in it is ever unpickled.

Keys: `x_train`, `y_train` and, where there is a test part, `x_test`, `y_test`; or `x`, `y`; or the names of
MedMNIST (`train_images`, `train_labels`, `test_images`, `test_labels`). `class_names` is optional.
"""

from __future__ import annotations

from pathlib import Path

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

KEYS = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("x", "y", None, None),
    ("X", "y", None, None),
)
INPUT_KEYS = {
    "x": "y",
    "X": "y",
    "x_test": "y_test",
    "test_images": "test_labels",
    "x_train": "y_train",
    "train_images": "train_labels",
    "stimuli": "labels",
    "arr_0": "arr_1",
}
"""Names under which a file with several arrays may hold stimuli for a trained network, each with that of the labels."""


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
    keys = next((keys for keys in KEYS if {keys[0], keys[1]} <= set(arrays)), None)
    if keys is None:
        raise DataError(
            f"{path}: expected the arrays x_train and y_train (x_test and y_test for a test part) or x and "
            f"y; found {', '.join(sorted(arrays)) or 'nothing'}."
        )
    x_train, y_train = arrays[keys[0]], arrays[keys[1]]
    x_test, y_test = (arrays.get(key) if key else None for key in keys[2:])
    if (x_test is None) != (y_test is None):
        raise DataError(f"{path}: expected both {keys[2]} and {keys[3]} or neither; found {', '.join(sorted(arrays))}.")
    names = arrays.get("class_names")
    if names is not None and names.size > y_train.size:
        raise DataError(
            f"{path}: expected a name for each class, received {names.size} names for {y_train.size} labels."
        )
    for stimuli in (x_train, x_test):
        if stimuli is not None:
            room.expect_stimuli(stimuli.shape, bytes_each=1 if stimuli.dtype.kind in "bu" else 4)
    try:
        return from_arrays(
            x_train,
            y_train,
            x_test,
            y_test,
            name=path.stem,
            class_names=None if names is None else [str(name) for name in names.reshape(-1)],
            layout=layout,
            test_fraction=test_fraction,
            like=like,
        )
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def read_inputs(path: Path, schema: Schema, *, memory_limit: float | None = None) -> Inputs:
    """Stimuli in an `.npy` file, or in the array of an `.npz` file that is named x, x_test or stimuli, or is alone.

    Labels beside the stimuli (y beside x) are those that decisions are judged by.
    """
    room = Room.of(path, memory_limit)
    arrays = load_arrays(path, room)
    if (recordings := inputs_of_arrays(arrays, path, schema, room)) is not None:
        return recordings
    known = [name for name in INPUT_KEYS if name in arrays]
    if not known and len(arrays) != 1:
        raise DataError(f"{path}: expected one array, or one named 'x'; found {', '.join(arrays) or 'nothing'}.")
    name = known[0] if known else next(iter(arrays))
    room.expect_stimuli(arrays[name].shape)
    found = schema.of_array(arrays[name], path)
    labels = arrays.get(INPUT_KEYS.get(name, ""))
    return found if labels is None else found.judged(labels, schema, f"{path}: {INPUT_KEYS[name]}")


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
