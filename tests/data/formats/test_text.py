"""Texts: vocabulary, windows, protocols, and what is said of bad files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import torch

from bispike.data import load
from bispike.data.formats.text import UNKNOWN, from_text
from bispike.data.sequence_dataset import SequenceDataset, Windows
from bispike.errors import ConfigurationError, DataError

TEXT = "the quick brown fox jumps over the lazy dog. " * 20


def test_targets_are_the_next_characters() -> None:
    found = from_text(TEXT, name="fox", window=8)
    names = found.concept.names
    stimuli, labels = found.train[[0, 1]]
    assert "".join(names[i] for i in stimuli[0]) == TEXT[:8]
    assert "".join(names[i] for i in labels[0]) == TEXT[1:9]
    assert "".join(names[i] for i in stimuli[1]) == TEXT[9:17]
    assert found.stimulus.shape == (len(names),)
    assert found.task == "text"


def test_parts_do_not_overlap_and_lie_in_their_order() -> None:
    found = from_text(TEXT, name="fox", window=8)
    train, validation = found.split_validation(0.2, 0)
    assert int(train.starts[-1]) + 8 < int(validation.starts[0])
    assert int(validation.starts[-1]) + 8 < int(found.test.starts[0])
    assert int(found.train.starts[-1]) + 8 <= int(0.8 * len(TEXT)) - 1
    assert len(train) + len(validation) in (len(found.train), len(found.train) - 1)


def test_the_vocabulary_is_that_of_the_training_part() -> None:
    text = "abab" * 100 + "abxy" * 25
    found = from_text(text, name="t", window=4)
    assert found.concept.names == ("a", "b", UNKNOWN)
    assert "2 characters occur only in the test part" in found.notes[0]
    paper = from_text(text, name="t", window=4, protocol="paper")
    assert paper.concept.names == ("a", "b", "x", "y")
    assert "too good" in paper.notes[-1]


def test_under_the_paper_protocol_the_test_part_chooses() -> None:
    found = from_text(TEXT, name="fox", window=8, protocol="paper")
    train, validation = found.split_validation(0.1, 0)
    assert train is found.train
    assert validation is found.test


def test_files_are_read_with_their_encoding(tmp_path: Path) -> None:
    path = tmp_path / "prose.txt"
    path.write_bytes(("schön " * 200).encode("latin-1"))
    with pytest.raises(DataError, match=r"byte 3 is not text in UTF-8.*encoding"):
        load(path)
    assert "ö" in load(path, encoding="latin-1").concept.names
    with pytest.raises(ConfigurationError, match="not known"):
        load(path, encoding="klingon")
    packed = tmp_path / "prose.txt.gz"
    packed.write_bytes(gzip.compress(TEXT.encode()))
    assert load(packed).name == "prose"
    packed.write_bytes(gzip.compress(TEXT.encode())[:40])
    with pytest.raises(DataError, match="truncated or damaged"):
        load(packed)


def test_a_table_may_be_read_as_text(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("a,b\n" * 200)
    found = load(path, task="text", window=8)
    assert isinstance(found, SequenceDataset)
    with pytest.raises(ConfigurationError, match="widow"):
        load(path, task="text", widow=8)


def test_what_is_too_short_or_wrong_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="too few for windows of 32"):
        from_text("short", name="t")
    with pytest.raises(DataError, match="at least 2 different"):
        from_text("a" * 2000, name="t")
    with pytest.raises(ConfigurationError, match=r"window(.|\n)*test_fraction(.|\n)*protocol"):
        from_text(TEXT, name="t", window=0, test_fraction=2, protocol="usual")


def test_embedded_text_needs_no_file() -> None:
    found = load("python-docs", window=64)
    assert len(found.train) > 1000
    assert found.train[[0]][0].shape == (1, 64)
    with pytest.raises(ConfigurationError, match="option for python-docs"):
        load("python-docs", size=3)
    with pytest.raises(ConfigurationError, match="for the task 'text'"):
        load("python-docs", task="series")


def test_windows_are_checked() -> None:
    ids = torch.arange(10)
    with pytest.raises(Exception, match=r"starts in 0\.\.6"):
        Windows(ids, ids, starts=torch.tensor([7]), length=4)
    with pytest.raises(Exception, match="as many targets"):
        Windows(ids, ids[1:], starts=torch.tensor([0]), length=4)
    found = Windows(ids, ids, starts=torch.tensor([0, 3]), length=4)
    assert found.counts(10) == [1, 1, 1, 2, 1, 1, 1, 0, 0, 0]
    assert found[1:2][0].tolist() == [[3, 4, 5, 6]]
