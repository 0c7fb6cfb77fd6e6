"""Small files in the published formats, made on the spot."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from bispike.data.assemble import schema_of
from bispike.data.schema import ArraySchema

IDX_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def pixels(*shape: int, seed: int = 0) -> np.ndarray:
    """Random uint8 values."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def cycle(count: int, classes: int) -> np.ndarray:
    """Labels 0, 1, .., classes-1, 0, 1, .."""
    return np.arange(count, dtype=np.int64) % classes


def idx_bytes(values: np.ndarray, *, kind: int = 8) -> bytes:
    """An IDX file, written from its definition."""
    head = bytes([0, 0, kind, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    return head + values.tobytes()


def idx_folder(folder: Path, *, train: int = 20, test: int = 10, compress: bool = True) -> dict[str, np.ndarray]:
    """The four files of an MNIST-like set; returns what they hold."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = (
        pixels(train, 5, 4, seed=1),
        cycle(train, 3).astype(np.uint8),
        pixels(test, 5, 4, seed=2),
        cycle(test, 3).astype(np.uint8),
    )
    for name, values in zip(IDX_NAMES, arrays, strict=True):
        content = idx_bytes(values)
        if compress:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return dict(zip(IDX_NAMES, arrays, strict=True))


def cifar_records(count: int, *, classes: int, label_bytes: int = 1, seed: int = 0) -> tuple[bytes, np.ndarray]:
    """Records of the binary version and the images in them, `[N, 3, 32, 32]`."""
    images = pixels(count, 3, 32, 32, seed=seed)
    labels = cycle(count, classes).astype(np.uint8)
    heads = np.stack([labels // 5, labels][-label_bytes:], axis=1)
    return np.concatenate([heads, images.reshape(count, -1)], axis=1).tobytes(), images


def tar_gz(path: Path, files: dict[str, bytes]) -> None:
    """An archive of files."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def save_image(path: Path, values: np.ndarray) -> None:
    """An image file of `[H, W]` or `[H, W, 3]` uint8; the format follows the ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def class_folders(root: Path, names: tuple[str, ...] = ("cat", "dog"), *, count: int = 5, size: int = 6) -> None:
    """A folder a class with grey PNG images; the mean brightness differs between the classes."""
    for number, name in enumerate(names):
        for i in range(count):
            values = pixels(size, size, seed=100 * number + i) // 2 + 100 * (number % 2)
            save_image(root / name / f"{i}.png", values.astype(np.uint8))


def schema(*shape: int, classes: int = 3) -> ArraySchema:
    """The schema of a training on stimuli of this shape: pixels of uint8, or features."""
    stored = torch.zeros(1, *shape, dtype=torch.uint8 if len(shape) > 1 else torch.float32)
    return schema_of(stored, [str(i) for i in range(classes)])
