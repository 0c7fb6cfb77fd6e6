"""NumPy files, `.npz` and `.npy`; nothing in them is ever unpickled."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from ...errors import DataError

DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, RuntimeError, MemoryError)
"""What reading a damaged archive raises (RuntimeError: flipped flags that ask for a password or another method)."""


def array_names(path: Path) -> set[str]:
    """Names of the arrays in an `.npz` file, from its table of contents; empty if that cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name.removesuffix(".npy") for name in archive.namelist()}
    except (*DAMAGE, OSError):
        return set()


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
