"""Tiny ImageNet's layout, as a folder and as the zip file."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from bispike.data import load
from bispike.data.published.tiny_imagenet import ARCHIVE, TOP, locate, read
from bispike.errors import DataError

from ..makers import save_image


@pytest.fixture
def tree(tmp_path):
    top = tmp_path / TOP
    for number, wnid in enumerate(("n02", "n01")):
        for i in range(3):
            save_image(
                top / "train" / wnid / "images" / f"{wnid}_{i}.JPEG",
                np.full((64, 64, 3), 40 + 100 * number, np.uint8),
            )
    save_image(top / "train" / "n01" / "images" / "grey.JPEG", np.full((64, 64), 140, np.uint8))
    for i in range(2):
        save_image(top / "val" / "images" / f"val_{i}.JPEG", np.full((64, 64, 3), 140, np.uint8))
    (top / "val" / "val_annotations.txt").write_text("val_0.JPEG\tn01\t0\t0\t9\t9\nval_1.JPEG\tn02\t0\t0\t9\t9\n")
    (top / "wnids.txt").write_text("n02\nn01\n")
    (top / "words.txt").write_text("n01\tgoldfish, Carassius auratus\nn02\ttoad\nn03\tother\n")
    return top


def pack(tree):
    archive = tree.parent / "zipped" / ARCHIVE
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as packed:
        for file in tree.rglob("*"):
            packed.write(file, f"{TOP}/{file.relative_to(tree)}")
    return archive


def test_annotated_validation_images_are_the_test_part(tree):
    data = read(tree)
    assert data.concept.names == ("goldfish", "toad")
    assert data.train.counts(2) == [4, 3]
    assert data.test.labels.tolist() == [0, 1]
    assert data.stimulus.shape == (3, 64, 64)
    assert data.train.stimuli[0].float().mean().item() == pytest.approx(140, abs=2)
    assert "validation images" in data.notes[0]


def test_zip_and_folder_hold_the_same_data(tree):
    archive = pack(tree)
    assert locate(archive.parent) == archive
    assert locate(tree.parent) == tree
    assert read(archive).fingerprint == read(tree).fingerprint == load(archive).fingerprint


def test_damage_is_named(tree):
    archive = pack(tree)
    archive.write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(DataError, match="zip file is truncated"):
        read(archive)
    (tree / "val" / "images" / "val_1.JPEG").unlink()
    with pytest.raises(DataError, match=r"val_1.JPEG is missing"):
        read(tree)
    (tree / "wnids.txt").write_text("n01\n")
    with pytest.raises(DataError, match="n02 is not in wnids"):
        read(tree)
    (tree / "wnids.txt").unlink()
    with pytest.raises(DataError, match=r"no wnids.txt"):
        read(tree)


def test_a_class_without_images_is_named(tree):
    (tree / "wnids.txt").write_text("n01\nn02\nn09\n")
    with pytest.raises(DataError, match="no training images of class n09"):
        read(tree)
