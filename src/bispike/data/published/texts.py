"""Published texts by name, and the documentation of Python, which is embedded."""

from __future__ import annotations

from pathlib import Path

from ..dataset import Dataset
from ..formats.text import OPTIONS, TEST_FRACTION, WINDOW, from_text
from ..readers.characters import read_characters
from .entry import DatasetEntry, RemoteFile

SHAKESPEARE = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"


def _python_docs(
    folder: Path, *, window: int = WINDOW, test_fraction: float = TEST_FRACTION, protocol: str = "chronological"
) -> Dataset:
    from pydoc_data.topics import topics

    text = "\n".join(topics[name] for name in sorted(topics))
    return from_text(text, name="python-docs", window=window, test_fraction=test_fraction, protocol=protocol)


def _shakespeare(
    folder: Path, *, window: int = WINDOW, test_fraction: float = TEST_FRACTION, protocol: str = "chronological"
) -> Dataset:
    path = folder / "input.txt"
    return from_text(
        read_characters(path),
        name="tinyshakespeare",
        window=window,
        test_fraction=test_fraction,
        protocol=protocol,
        where=path,
    )


ENTRIES = (
    DatasetEntry(
        name="python-docs",
        summary="text: documentation of the installed Python (embedded)",
        shape=(0,),
        classes=0,
        sizes=(0, 0),
        source="pydoc_data.topics of the Python that runs; differs from version to version",
        licence="PSF-2.0",
        read=_python_docs,
        locate=lambda folder: folder,
        task="text",
        options=OPTIONS,
    ),
    DatasetEntry(
        name="tinyshakespeare",
        summary="text: 1.1 million characters of Shakespeare",
        shape=(65,),
        classes=65,
        sizes=(27039, 6760),
        source="A. Karpathy, char-rnn, 2015",
        licence="public domain",
        read=_shakespeare,
        locate=lambda folder: folder if (folder / "input.txt").is_file() else None,
        folders=("tinyshakespeare",),
        files=(
            RemoteFile(
                "input.txt",
                ("https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",),
                f"sha256:{SHAKESPEARE}",
                1115394,
            ),
        ),
        task="text",
        options=OPTIONS,
    ),
)
