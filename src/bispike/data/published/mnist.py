"""MNIST and Fashion-MNIST, in the four IDX files of MNIST."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..formats.idx import FILES, locate, read
from .entry import DatasetEntry, RemoteFile


def _remote(bases: Sequence[str], checksums: Sequence[str], sizes: Sequence[int]) -> tuple[RemoteFile, ...]:
    return tuple(
        RemoteFile(f"{name}.gz", tuple(f"{base}{name}.gz" for base in bases), f"sha256:{checksum}", size)
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
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
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
                "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            ),
            (
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
            (26421880, 29515, 4422102, 5148),
        ),
    ),
)
