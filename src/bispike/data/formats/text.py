"""Texts, for the prediction of the next character.

The text is cut chronologically: the first 80 % are the training part. The vocabulary is that of the training part;
characters that occur only in the test part share one further symbol, �. Windows do not overlap; each has S characters,
and its targets are the characters one place later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ...errors import ConfigurationError, DataError
from ...spaces import Concept, Stimulus
from ..dataset import Dataset
from ..option import MEMORY_LIMIT, Option, one_of, problems, share, whole_number
from ..option import text as check_text
from ..readers.characters import read_characters
from ..schema import Schema, TextSchema
from ..sequence_dataset import PROTOCOLS, SequenceDataset, Windows, chunks
from .format import Format

UNKNOWN = "\ufffd"
WINDOW = 32
MANY_CHARACTERS = 1000  # fewer may occur in any text
LEAST_USE = 10
TEST_FRACTION = 0.2
OPTIONS = (
    Option("window", "S, characters of a sequence", default=WINDOW, check=whole_number(1)),
    Option("test_fraction", "share at the end that becomes the test part", default=TEST_FRACTION, check=share),
    Option(
        "protocol",
        "chronological, or paper: as published tables were made",
        default="chronological",
        check=one_of(*PROTOCOLS),
    ),
)
"""Options of every text; a file also has an encoding."""


def read(
    path: Path,
    *,
    like: Schema | None = None,
    window: int = WINDOW,
    encoding: str = "utf-8",
    test_fraction: float = TEST_FRACTION,
    protocol: str = "chronological",
    memory_limit: float | None = None,
) -> Dataset:
    """A text file (also `.gz`).

    Args:
        path: the file.
        like: schema of a training, whose encoding the file has.
        window: S, characters of a sequence.
        encoding: of the file, such as utf-8 or latin-1.
        test_fraction: share at the end that becomes the test part.
        protocol: "chronological" or "paper" (see `SequenceDataset`).
        memory_limit: GiB that reading may take (see `data.memory_limit`).

    Raises:
        DataError: unreadable, of another encoding, too short, or more than the limit.
    """
    if like is not None and not isinstance(like, TextSchema):
        raise like.refusal(path, "a text")
    encoding = encoding if like is None else like.encoding
    content = read_characters(path, encoding=encoding, memory_limit=memory_limit)
    found = from_text(
        content,
        name=path.name.split(".")[0],
        window=window,
        test_fraction=test_fraction,
        protocol=protocol,
        where=path,
        symbols=() if like is None else like.classes,
    )
    return replace(found, schema=TextSchema(encoding, found.concept.names))


def from_text(
    text: str,
    *,
    name: str,
    window: int = WINDOW,
    test_fraction: float = TEST_FRACTION,
    protocol: str = "chronological",
    where: object = "text",
    symbols: Sequence[str] = (),
) -> SequenceDataset:
    """A data set of a string; arguments as for `read`, and `symbols`, the vocabulary if a training decided it."""
    given = {"window": window, "test_fraction": test_fraction, "protocol": protocol}
    if wrong := problems(OPTIONS, given, of=where):
        raise ConfigurationError(wrong)
    cut = int(len(text) * (1 - test_fraction))
    if cut <= 2 * (window + 1) or len(text) - cut <= window:
        raise DataError(
            f"{where}: {len(text)} characters are too few for windows of {window} in a training and a test part; "
            f"expected at least {int(3 * (window + 1) / min(test_fraction, 1 - test_fraction))}."
        )
    known = list(symbols) or sorted(set(text) if protocol == "paper" else set(text[:cut]))
    strange = set(text) - set(known)
    if strange and symbols and UNKNOWN not in symbols:
        raise DataError(
            f"{where}: expected the characters of the training text, received {len(strange)} others "
            f"({_listed(strange)}). Remove them, or train with a text in which they occur."
        )
    names = (*known, UNKNOWN) if strange and not symbols else tuple(known)
    if len(names) < 2:
        raise DataError(f"{where}: expected at least 2 different characters, received {len(names)}.")
    if len(names) > MANY_CHARACTERS and LEAST_USE * len(names) > len(text):
        raise DataError(
            f"{where}: {len(names)} different characters in {len(text)}; expected that each occurs {LEAST_USE} times, "
            "on average. Is the file really a text in this encoding?"
        )
    numbers = {character: i for i, character in enumerate(names)}
    other = numbers.get(UNKNOWN, -1)
    ids = torch.from_numpy(
        np.fromiter((numbers.get(character, other) for character in text), dtype=np.int64, count=len(text))
    )
    source, target = ids[:-1], ids[1:]
    notes = []
    if strange:
        place = "do not occur in the training text" if symbols else "occur only in the test part"
        notes.append(f"{len(strange)} characters {place} and count as one ({_listed(strange)}).")
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
        schema=TextSchema("utf-8", names),
        protocol=protocol,
    )


def _listed(characters: Iterable[str]) -> str:
    return " ".join(sorted(repr(character) for character in characters)[:5])


FORMAT = Format(
    name="text",
    summary="a text",
    read=read,
    options=(
        *OPTIONS,
        Option("encoding", "encoding of the file, such as utf-8 or latin-1", default="utf-8", check=check_text),
        MEMORY_LIMIT,
    ),
    endings=(".txt", ".txt.gz", ".md"),
    task="text",
    on_request=True,
)
