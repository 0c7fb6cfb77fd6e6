"""IDX files: what is written from the format's definition is read back; damage is named."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bispike.data import load
from bispike.data.formats.idx import FILES, locate, read, read_idx
from bispike.errors import DataError

from ..makers import IDX_NAMES, cycle, idx_bytes, idx_folder, pixels


@given(axes=st.lists(st.integers(1, 5), min_size=1, max_size=4), compress=st.booleans())
@settings(max_examples=30, deadline=None)
def test_any_array_of_bytes_is_read_back(tmp_path_factory, axes, compress):
    values = pixels(*axes)
    path = tmp_path_factory.mktemp("idx") / "values"
    content = idx_bytes(values)
    path.write_bytes(gzip.compress(content) if compress else content)
    assert np.array_equal(read_idx(path, rank=len(axes)), values)


def test_wider_types_are_big_endian(tmp_path):
    path = tmp_path / "values"
    path.write_bytes(bytes([0, 0, 0x0C, 1, 0, 0, 0, 2]) + bytes([0, 0, 1, 0, 255, 255, 255, 255]))
    assert read_idx(path, rank=1).tolist() == [256, -1]


@pytest.mark.parametrize("compress", [True, False])
def test_a_folder_gives_both_parts(tmp_path, compress):
    arrays = idx_folder(tmp_path / "mine", compress=compress)
    data = read(tmp_path / "mine")
    assert (data.name, data.stimulus.shape, data.concept.classes) == ("mine", (1, 5, 4), 3)
    assert np.array_equal(data.train.stimuli[:, 0].numpy(), arrays[IDX_NAMES[0]])
    assert data.test.labels.tolist() == arrays[IDX_NAMES[3]].tolist()
    assert load(tmp_path / "mine").fingerprint == data.fingerprint


def test_other_places_and_spellings_are_found(tmp_path):
    idx_folder(tmp_path / "a" / "raw")
    assert locate(tmp_path / "a") == tmp_path / "a" / "raw"
    idx_folder(tmp_path / "b", compress=False)
    for name in FILES:
        (tmp_path / "b" / name).rename(tmp_path / "b" / name.replace("-idx", ".idx"))
    assert locate(tmp_path / "b") == tmp_path / "b"
    assert locate(tmp_path) is None


GOOD = idx_bytes(pixels(3, 4, 5))
DAMAGED = {
    "truncated gzip": (gzip.compress(GOOD)[:-12], "gzip file is truncated"),
    "gzip with a flipped byte": (gzip.compress(GOOD)[:-6] + b"\0" + gzip.compress(GOOD)[-5:], "gzip"),
    "wrong magic": (b"\x89PNG" + GOOD[4:], "not an IDX file.*89 50 4e 47"),
    "unknown type": (b"\0\0\x07\x03" + GOOD[4:], "not an IDX file"),
    "empty": (b"", "an empty file"),
    "labels instead": (idx_bytes(cycle(5, 2).astype(np.uint8)), "files exchanged"),
    "cut short": (GOOD[:-1], "expected 76 bytes.*received 75"),
    "cut in the head": (GOOD[:9], "truncated"),
    "too long": (GOOD + b"\0", "expected 76 bytes.*received 77"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damage_is_named(tmp_path, case):
    content, message = DAMAGED[case]
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path, rank=3)
    assert str(path) in str(caught.value)


def test_an_unreadable_path_is_named(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(tmp_path, rank=3)


def test_images_and_labels_must_belong_together(tmp_path):
    idx_folder(tmp_path)
    (tmp_path / f"{IDX_NAMES[1]}.gz").write_bytes(gzip.compress(idx_bytes(cycle(19, 3).astype(np.uint8))))
    with pytest.raises(DataError, match="20 images but 19 labels"):
        read(tmp_path)


def test_missing_files_are_listed(tmp_path):
    idx_folder(tmp_path)
    (tmp_path / f"{IDX_NAMES[2]}.gz").unlink()
    with pytest.raises(DataError, match=f"no {IDX_NAMES[2]}"):
        read(tmp_path)
