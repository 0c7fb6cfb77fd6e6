"""A checkpoint is the old one or the new one, whatever happens to the writing process or to the files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

from bispike.errors import CheckpointError
from bispike.runs import checkpoint
from bispike.runs.checkpoint import LATEST, PREVIOUS, Checkpoint


def made(updates: int) -> Checkpoint:
    draws = torch.Generator().manual_seed(updates)
    tensors = {
        "network/weight": torch.randn(5, 3, generator=draws),
        "network/count": torch.tensor(updates),
        "rule/mean": torch.rand(4, generator=draws, dtype=torch.float64),
    }
    values = {"sum": 0.1 * updates, "text": "é", "none": None}
    return Checkpoint(updates // 10, updates % 10, updates, tensors, values, {"settings": {"lr": 1e-3}})


def assert_same(one: Checkpoint | None, other: Checkpoint) -> None:
    assert one is not None
    assert one.tensors.keys() == other.tensors.keys()
    for name, value in one.tensors.items():
        assert torch.equal(value, other.tensors[name])
        assert value.dtype == other.tensors[name].dtype
    plain = ("epoch", "step", "updates", "values", "identity")
    assert [getattr(one, key) for key in plain] == [getattr(other, key) for key in plain]


def test_what_is_loaded_is_what_was_saved(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    assert checkpoint.load(folder) is None
    checkpoint.save(folder, made(17))
    assert_same(checkpoint.load(folder), made(17))
    loaded = checkpoint.load(folder)
    assert loaded is not None
    assert loaded.group("network").keys() == {"weight", "count"}


def test_two_checkpoints_are_kept_and_no_pickle_is_among_them(tmp_path: Path) -> None:
    for updates in range(1, 6):
        checkpoint.save(tmp_path, made(updates))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name.split("-")[:2] for name in names if name.startswith("step-")] == [
        ["step", "00000004"],
        ["step", "00000005"],
    ]
    assert {LATEST, PREVIOUS} < set(names)
    assert len(names) == 4
    assert not [name for name in names if (tmp_path / name).read_bytes()[:2] in (b"\x80\x02", b"\x80\x04", b"PK")]


@pytest.mark.parametrize("survived", range(3))
def test_a_save_that_dies_at_any_rename_leaves_the_old_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    checkpoint.save(tmp_path, made(1))
    checkpoint.save(tmp_path, made(2))
    renames = 0
    real = os.replace

    class Died(BaseException):
        pass

    def dying(source: Path, target: Path) -> None:
        nonlocal renames
        if renames == survived:
            raise Died
        renames += 1
        real(source, target)

    monkeypatch.setattr(os, "replace", dying)
    with pytest.raises(Died):
        checkpoint.save(tmp_path, made(3))
    monkeypatch.undo()
    assert_same(checkpoint.load(tmp_path), made(2))
    checkpoint.save(tmp_path, made(4))
    assert_same(checkpoint.load(tmp_path), made(4))
    assert len(list(tmp_path.iterdir())) == 4


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(bytes(content))


def tensors_of(folder: Path, name: str) -> Path:
    return folder / json.loads((folder / name).read_text())["file"]


@pytest.mark.parametrize("position", [0, 9, -1])
def test_a_flipped_bit_is_found_and_the_previous_checkpoint_used(tmp_path: Path, position: int) -> None:
    checkpoint.save(tmp_path, made(1))
    checkpoint.save(tmp_path, made(2))
    damaged = tensors_of(tmp_path, LATEST)
    flip(damaged, position)
    notes: list[str] = []
    assert_same(checkpoint.load(tmp_path, note=notes.append), made(1))
    assert str(damaged) in notes[0]
    flip(tensors_of(tmp_path, PREVIOUS), position)
    with pytest.raises(CheckpointError, match=r"No intact checkpoint.*--overwrite") as caught:
        checkpoint.load(tmp_path)
    assert str(damaged) in str(caught.value)


@pytest.mark.parametrize("name", [LATEST, PREVIOUS])
def test_leftovers_stay_where_no_one_can_tell_what_they_are(name: str, tmp_path: Path) -> None:
    for updates in (1, 2):
        checkpoint.save(tmp_path, made(updates))
    entry = json.loads((tmp_path / name).read_text())
    (tmp_path / name).write_text(json.dumps({**entry, "file": [entry["file"]]}))
    before = sorted(tmp_path.iterdir())
    checkpoint.remove_leftovers(tmp_path)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"format": 2}', '{"format": 2, "file": "none"}'])
def test_damaged_json_is_found(tmp_path: Path, content: str) -> None:
    checkpoint.save(tmp_path, made(1))
    (tmp_path / LATEST).write_text(content)
    with pytest.raises(CheckpointError, match=r"latest\.json|none"):
        checkpoint.load(tmp_path)


def test_truncated_and_missing_tensors_are_found(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, made(1))
    path = tensors_of(tmp_path, LATEST)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(CheckpointError, match="checksum"):
        checkpoint.load(tmp_path)
    path.unlink()
    with pytest.raises(CheckpointError, match="is missing"):
        checkpoint.load(tmp_path)


def test_a_later_format_is_refused_by_name_and_left_alone(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, made(1))
    checkpoint.save(tmp_path, made(2))
    entry = json.loads((tmp_path / LATEST).read_text())
    (tmp_path / LATEST).write_text(json.dumps(entry | {"format": 99, "versions": {"bispike": "9.8.7"}}))
    with pytest.raises(
        CheckpointError,
        match=r"expected checkpoint format 2.*received checkpoint format 99, written by bispike 9\.8\.7",
    ):
        checkpoint.load(tmp_path)


def test_reading_weights_names_the_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    with pytest.raises(CheckpointError, match="no such file"):
        checkpoint.read_tensors(path)
    path.write_bytes(b"no safetensors")
    with pytest.raises(CheckpointError, match=r"model\.safetensors: expected a safetensors file"):
        checkpoint.read_tensors(path)
