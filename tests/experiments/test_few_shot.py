"""The few-shot experiment: its parts, its account, and a run on digits from the command to the files."""

import json
from pathlib import Path

import pytest
import torch

from bispike import data
from bispike.data import Split
from bispike.errors import ConfigurationError
from bispike.experiments.few_shot.account import confusion, row, summarise
from bispike.experiments.few_shot.choices import table_of
from bispike.experiments.few_shot.parts import draw_examples, part

from ..cli.conftest import bispike


def test_parts_share_no_sample_and_new_classes_stand_last() -> None:
    digits = data.load("digits")
    parts = part(digits, ("3", "0"), validation=0.2)
    assert parts.known.concept.names == ("1", "2", "4", "5", "6", "7", "8", "9")
    assert set(parts.known.train.labels.tolist()) == set(range(8))
    assert set(parts.pool.labels.tolist()) == {8, 9}
    assert len(parts.known.train) + len(parts.pool) + len(parts.validation) == len(digits.train)
    assert int((parts.test.labels == 8).sum()) == int((digits.test.labels == 3).sum())
    first = int((parts.test.labels == 9).nonzero()[0])
    assert int(digits.test.labels[first]) == 0
    assert torch.equal(parts.test.stimuli, digits.test.stimuli)
    examples = draw_examples(parts.pool, 5, generator=torch.Generator().manual_seed(0))
    assert examples.counts(10) == [0] * 8 + [5, 5]


@pytest.mark.parametrize("new", [(), ("3", "3"), ("ten",), tuple("012345678")])
def test_impossible_choices_of_new_classes_are_refused(new: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError):
        part(data.load("digits"), new, validation=0.2)


def test_the_account_counts_what_it_says() -> None:
    """Three classes, the third new; decisions are written down by hand."""
    split = Split(torch.arange(8.0)[:, None], torch.tensor([0, 0, 0, 0, 1, 1, 2, 2]))
    first = torch.tensor([0, 0, 0, 1, 1, 1, 0, 1])
    then = torch.tensor([0, 0, 2, 1, 1, 1, 2, 0])
    before, after = (confusion(lambda x, d=d: d[x[:, 0].long()], split, 3, batch_size=3) for d in (first, then))
    assert before.tolist() == [[3, 1, 0], [0, 2, 0], [1, 1, 0]]
    entry = row("way", 0, 0, before, after, names=("a", "b", "c"), known=2)
    assert entry["old_before"] == pytest.approx(5 / 6)
    assert entry["old_after"] == pytest.approx(4 / 6)
    assert entry["old_loss"] == pytest.approx(1 / 6)
    assert entry["new"] == pytest.approx(1 / 2)
    assert entry["classes"]["a"] == {"before": 0.75, "after": 0.5}
    assert entry["classes"]["c"] == {"before": None, "after": 0.5}
    other = {**entry, "new": 1.0}
    (summary,) = summarise([entry, other])
    assert (summary["runs"], summary["new"]) == (2, 0.75)
    assert summary["new_spread"] == pytest.approx(0.5**0.5 / 2)


def test_the_command_teaches_digits_and_writes_json_and_picture(tmp_path: Path) -> None:
    options = ["--dataset", "digits", "--new", "8,9", "--seeds", "1", "--draws", "2", "--epochs", "6", "--out"]
    called = bispike("study", "few-shot", *options, tmp_path, "--json")
    assert called.status == 0, called.err
    written = json.loads((tmp_path / "validation-8-9.json").read_text())
    by_way = {entry["way"]: entry for entry in written["summary"]}
    trained = {f"{rule} + {way}" for rule in ("BSD", "bptt") for way in ("templates", "fine-tuning")}
    assert set(by_way) == {*trained, "BSD, network alone"}
    assert by_way["BSD + templates"]["runs"] == 2
    assert by_way["BSD + templates"]["new"] >= 0.8
    assert by_way["BSD + templates"]["old_after"] >= 0.85
    assert (tmp_path / "validation-8-9.png").read_bytes().startswith(b"\x89PNG")
    (choice,) = called.json["choices"]
    assert {key: value for key, value in choice.items() if key != "files"} == written
    assert sorted(choice["files"]) == ["json", "picture"]
    head, rows = table_of(written["summary"], ["8", "9"])
    assert [line[0] for line in rows] == list(by_way)
    assert all(len(line) == len(head) for line in rows)
    wrong = bispike("study", "few-shot", "--dataset", "digits", "--new", "8,x", "--out", tmp_path)
    assert wrong.status == 2
    assert "unknown class 'x'" in wrong.err
