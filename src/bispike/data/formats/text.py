"""Texts, for the prediction of the next character: any text file, and some by name.

The vocabulary is that of the training part; characters that occur in the test part alone are one symbol more, �. Cut
chronologically: the first 80 % to learn from. Windows do not overlap; each has S characters and, as targets, the
characters after each of them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ...errors import ConfigurationError, DataError, unknown_name
from ...spaces import Concept, Stimulus
from ..dataset import Dataset
from ..entry import DatasetEntry, RemoteFile
from ..sequence_dataset import PROTOCOLS, SequenceDataset, Windows, chunks
from .characters import read_characters

UNKNOWN = "\ufffd"
WINDOW = 32
TEST_FRACTION = 0.2
OPTIONS = ("window", "test_fraction", "protocol")
SHAKESPEARE = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"


def read(
    path: Path,
    *,
    task: str = "text",
    window: int = WINDOW,
    encoding: str = "utf-8",
    test_fraction: float = TEST_FRACTION,
    protocol: str = "chronological",
) -> Dataset:
    """A text file (also `.gz`).

    Args:
        path: the file.
        task: "text".
        window: S, characters of a sequence.
        encoding: of the file, such as utf-8 or latin-1.
        test_fraction: share at the end that becomes the test part.
        protocol: "chronological" or "paper" (see `SequenceDataset`).

    Raises:
        DataError: unreadable, of another encoding, or too short.
    """
    if task != "text":
        raise ConfigurationError(unknown_name("task for a text", task, ["text"]))
    text = read_characters(path, encoding=encoding)
    return from_text(
        text, name=path.name.split(".")[0], window=window, test_fraction=test_fraction, protocol=protocol, where=path
    )


def from_text(
    text: str,
    *,
    name: str,
    window: int = WINDOW,
    test_fraction: float = TEST_FRACTION,
    protocol: str = "chronological",
    where: object = "text",
) -> SequenceDataset:
    """A data set of a string; arguments as for `read`."""
    problems = []
    if window < 1:
        problems.append(f"window: expected at least 1 character, received {window}.")
    if not 0 < test_fraction < 1:
        problems.append(f"test_fraction: expected a share between 0 and 1, received {test_fraction}.")
    if protocol not in PROTOCOLS:
        problems.append(unknown_name("protocol", protocol, PROTOCOLS))
    if problems:
        raise ConfigurationError(problems)
    cut = int(len(text) * (1 - test_fraction))
    if cut <= 2 * (window + 1) or len(text) - cut <= window:
        raise DataError(
            f"{where}: {len(text)} characters are too few for windows of {window} in a training and a test part; "
            f"expected at least {int(3 * (window + 1) / min(test_fraction, 1 - test_fraction))}."
        )
    known = sorted(set(text) if protocol == "paper" else set(text[:cut]))
    strange = set(text) - set(known)
    names = (*known, UNKNOWN) if strange else tuple(known)
    if len(names) < 2:
        raise DataError(f"{where}: expected at least 2 different characters, received {len(names)}.")
    numbers = {character: i for i, character in enumerate(names)}
    ids = torch.from_numpy(
        np.fromiter((numbers.get(character, len(names) - 1) for character in text), dtype=np.int64, count=len(text))
    )
    source, target = ids[:-1], ids[1:]
    notes = []
    if strange:
        shown = " ".join(sorted(repr(character) for character in strange)[:5])
        notes.append(f"{len(strange)} characters occur in the test part alone and count as one ({shown}).")
    if protocol == "paper":
        notes.append(
            "protocol 'paper': the test part chooses the epoch, so its numbers are too good; compare them with the "
            "published table and with nothing else."
        )
    splits = [
        Windows(source, target, starts=chunks(first, last, window, stride=window + 1), length=window, reach=1)
        for first, last in ((0, cut - 1), (cut, len(source)))
    ]
    return SequenceDataset(
        name=name,
        stimulus=Stimulus((len(names),)),
        concept=Concept(names),
        train=splits[0],
        test=splits[1],
        task="text",
        notes=tuple(notes),
        protocol=protocol,
    )


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
    found = read(path, window=window, test_fraction=test_fraction, protocol=protocol)
    assert isinstance(found, SequenceDataset)
    return SequenceDataset(**{**found.__dict__, "name": "tinyshakespeare"})


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
    ),
)
