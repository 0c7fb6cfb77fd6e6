"""SVHN, house numbers cropped to single digits: two MATLAB files (version 5).

Each holds `X`, uint8 `[32, 32, 3, N]`, and `y`, `[N, 1]`, with 10 for the digit 0. Source: Y. Netzer et al.,
"Reading digits in natural images with unsupervised feature learning", 2011.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import DataError
from ..assemble import from_arrays
from ..dataset import Dataset
from ..memory_limit import Room
from ..readers.matlab import read_matlab
from .entry import DatasetEntry, RemoteFile

FILES = ("train_32x32.mat", "test_32x32.mat")


def read_mat(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images `[N, 3, H, W]` and digits `[N]` of one file.

    Raises:
        DataError: unreadable, or without `X` and `y` of the right shapes.
    """
    room = Room.of(path)
    content = read_matlab(path, ("X", "y"), room)
    if set(content) != {"X", "y"}:
        raise DataError(f"{path}: expected the variables X and y, found {', '.join(content) or 'none'}.")
    images, digits = content["X"], content["y"].reshape(-1)
    if digits.size == 0:
        raise DataError(f"{path}: expected at least one image, received none.")
    if images.ndim != 4 or images.shape[2] != 3 or images.dtype != np.uint8:
        raise DataError(f"{path}: expected X as uint8 [H, W, 3, N], received {images.dtype} {list(images.shape)}.")
    if images.shape[3] != len(digits):
        raise DataError(f"{path}: {images.shape[3]} images but {len(digits)} labels.")
    if not (digits.min() >= 0 and digits.max() <= 10):
        raise DataError(f"{path}: expected digits 1..10 (10 for 0), received {digits.min()} to {digits.max()}.")
    return images.transpose(3, 2, 0, 1), digits.astype(np.int64) % 10


def locate(folder: Path) -> Path | None:
    """The folder, if it holds both files."""
    return folder if all((folder / name).is_file() for name in FILES) else None


def read(folder: Path) -> Dataset:
    """SVHN from its folder."""
    (train_x, train_y), (test_x, test_y) = (read_mat(folder / name) for name in FILES)
    names = [str(digit) for digit in range(10)]
    return from_arrays(train_x, train_y, test_x, test_y, name="svhn", class_names=names, layout="channels-first")


_PLACE = "ufldl.stanford.edu/housenumbers/"


def _remote(name: str, checksum: str, size: int) -> RemoteFile:
    return RemoteFile(name, tuple(f"{scheme}://{_PLACE}{name}" for scheme in ("https", "http")), checksum, size)


ENTRIES = (
    DatasetEntry(
        name="svhn",
        summary="digits of house numbers",
        shape=(3, 32, 32),
        classes=10,
        sizes=(73257, 26032),
        source="Y. Netzer et al. 2011, http://ufldl.stanford.edu/housenumbers/",
        licence="non-commercial use only",
        read=read,
        locate=locate,
        folders=("svhn", "SVHN"),
        files=(
            _remote(FILES[0], "md5:e26dedcc434d2e4c54c9b2d4a06d8373", 182040794),
            _remote(FILES[1], "md5:eb5a983be6a315427106f1b164d9cef3", 64275384),
        ),
    ),
)
