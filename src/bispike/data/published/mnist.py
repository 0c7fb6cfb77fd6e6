"""MNIST and Fashion-MNIST, in the four IDX files of MNIST."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..formats.idx import FILES, locate, read
from .entry import DatasetEntry, RemoteFile


def _remote(bases: Sequence[str], checksums: Sequence[str], sizes: Sequence[int]) -> tuple[RemoteFile, ...]:
    return tuple(
        RemoteFile(f"{name}.gz", tuple(f"{base}{name}.gz" for base in bases), f"md5:{checksum}", size)
        for name, checksum, size in zip(FILES, checksums, sizes, strict=True)
    )


GARMENTS = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip

ENTRIES = (
    DatasetEntry(
        name="mnist",
        summary="handwritten digits",
        shape=(1, 28, 28),
        classes=10,
        sizes=(60000, 10000),
        source="Y. LeCun, C. Cortes, C. Burges, http://yann.lecun.com/exdb/mnist/",
        licence="CC BY-SA 3.0",
        read=partial(read, name="mnist"),
        locate=locate,
        shared_layout=True,
        folders=("mnist", "MNIST"),
        files=_remote(
            (
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
                "http://yann.lecun.com/exdb/mnist/",
            ),
            (
                "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                "d53e105ee54ea40749a09fcbcd1e9432",
                "9fb629c4189551a2d022fa330f9573f3",
                "ec29112dd5afa0611ce80d1b7f02629c",
            ),
            (9912422, 28881, 1648877, 4542),
        ),
    ),
    DatasetEntry(
        name="fashion-mnist",
        summary="articles of clothing",
        shape=(1, 28, 28),
        classes=10,
        sizes=(60000, 10000),
        source="H. Xiao, K. Rasul, R. Vollgraf 2017, https://github.com/zalandoresearch/fashion-mnist",
        licence="MIT",
        read=partial(read, name="fashion-mnist", class_names=GARMENTS),
        locate=locate,
        shared_layout=True,
        folders=("fashion_mnist", "fashion-mnist", "FashionMNIST"),
        files=_remote(
            (
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
            ),
            (
                "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                "25c81989df183df01b3e8a0aad5dffbe",
                "bef4ecab320f06d8554ea6380940ec79",
                "bb300cfdad3c16e7a12a480ee83cd310",
            ),
            (26421880, 29515, 4422102, 5148),
        ),
    ),
)
