"""A user's own arrays in one `.npz` file; nothing in it is ever unpickled.

Keys: `x_train`, `y_train` and, where there is a test part, `x_test`, `y_test`; or `x`, `y`; or the names of
MedMNIST (`train_images`, `train_labels`, `test_images`, `test_labels`). `class_names` is optional.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from ...errors import DataError
from ..assemble import from_arrays
from ..dataset import Dataset

KEYS = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("x", "y", None, None),
    ("X", "y", None, None),
)

DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, RuntimeError, MemoryError)
"""What reading a damaged archive raises (RuntimeError: flipped flags that ask for a password or another method)."""


def read(path: Path, *, layout: str = "auto", test_fraction: float = 0.2) -> Dataset:
    """A data set from an `.npz` file.

    Args:
        path: the file.
        layout: meaning of the axes: "auto", "features", "grey", "channels-first" or "channels-last".
        test_fraction: share that becomes the test part where the file has none.

    Raises:
        DataError: missing keys, object arrays, a damaged file, or unsound content.
    """
    arrays = load_arrays(path)
    keys = next((keys for keys in KEYS if {keys[0], keys[1]} <= set(arrays)), None)
    if keys is None:
        raise DataError(
            f"{path}: expected the arrays x_train and y_train (x_test and y_test for a test part) or x and "
            f"y; found {', '.join(sorted(arrays)) or 'nothing'}."
        )
    x_train, y_train, x_test, y_test = (arrays.get(key) if key else None for key in keys)
    if (x_test is None) != (y_test is None):
        raise DataError(f"{path}: expected both {keys[2]} and {keys[3]} or neither; found {', '.join(sorted(arrays))}.")
    names = arrays.get("class_names")
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
        )
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` file by name; a plain `.npy` file gives one array named `x`."""
    try:
        # Opened here, because NumPy leaves the file open where it is damaged.
        with path.open("rb") as stream:
            content = np.load(stream, allow_pickle=False)
            if isinstance(content, np.ndarray):
                return {"x": content}
            return {key: content[key] for key in content.files}
    except ValueError as error:
        if "pickle" in str(error).lower():
            raise DataError(
                f"{path}: holds Python objects (pickles), which are never loaded. Store plain arrays: "
                "numbers, or texts made with np.array([...], dtype=str)."
            ) from error
        raise DataError(f"{path}: not a readable NumPy file ({error}).") from error
    except DAMAGE as error:
        raise DataError(f"{path}: the file is truncated or damaged ({error}).") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from error
