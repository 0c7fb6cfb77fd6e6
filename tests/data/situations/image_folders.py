"""Situations of image folders: layout, names, what is left out, runs in use."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
import unicodedata
import weakref
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

import bispike
from bispike.data import check, load
from bispike.errors import DataError
from bispike.runs.run import Run
from bispike.training.evaluation import evaluate_run as evaluate
from tests.cli.conftest import bispike as run_cli
from tests.data.makers import pixels

from . import Situation
from .images import classes, noted, packed, save


def fill(folder: Path, count: int = 4, *, level: int = 0, ending: str = "png") -> Path:
    """A folder of small grey images; returns it."""
    for k in range(count):
        save(folder / f"{k}{'.' if ending else ''}{ending}", pixels(8, 8, seed=k) // 2 + level, format="PNG")
    return folder


def tree(root: Path, *folders: str, count: int = 4) -> Path:
    """Folders of images below a root; returns it."""
    for number, folder in enumerate(folders):
        fill(root / folder, count, level=20 * number)
    return root


def refused(place: Path, *words: str, **options: object) -> None:
    """Loading fails with a message that holds each of the words."""
    with pytest.raises(DataError) as caught:
        load(place, **options)
    for word in words:
        assert word in str(caught.value), str(caught.value)


def sizes(place: Path) -> tuple[tuple[str, ...], int, int, int]:
    """Classes, and numbers of images in training, validation and test."""
    data = load(place)
    return data.concept.names, len(data.train), 0 if data.validation is None else len(data.validation), len(data.test)


# ------------------------------------------------------------------ what is an image


def hidden_files(place: Path) -> None:
    tree(place, "a", "b", "a/.ipynb_checkpoints", "a/__MACOSX", "b/@eaDir", ".git", "__MACOSX")
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "._0.png"):
        save(place / "a" / name, b"no image")
    data = load(place)
    assert (data.concept.names, data.train.counts(2), len(data.notes)) == (("a", "b"), [3, 3], 1)


def other_endings(place: Path) -> None:
    grey = Image.fromarray(pixels(8, 8))
    for name in ("a", "b"):
        for ending in ("jfif", "JPG", "jpe", "pjpeg", "0001"):
            save(place / name / f"x.{ending}", packed(grey, "JPEG"))
        save(place / name / "plain", packed(grey, "PNG"))
        save(place / name / "wrong.png", packed(grey, "JPEG"))
        if features.check("avif"):
            save(place / name / "x.avif", packed(grey.convert("RGB"), "AVIF"))
    data = load(place)
    assert len(data.train) + len(data.test) == (16 if features.check("avif") else 14)


def left_out(place: Path) -> None:
    tree(place, "a", "b")
    for name in ("a/x.txt", "b/y.txt", "b/boxes.csv"):
        save(place / name, b"no image at all, and longer than any signature")
    noted(load(place), "3 files left out: 2 .txt, 1 .csv.")


def raw_photos(place: Path) -> None:
    tree(place, "a", "b")
    save(place / "a" / "x.nef", packed(Image.fromarray(pixels(8, 8)), "TIFF"))
    save(place / "a" / "x.heic", b"\0\0\0\x18ftypheic" + bytes(99))
    data = load(place)
    assert len(data.train) + len(data.test) == 8
    noted(data, "2 files left out: 1 .heic, 1 .nef (.heic, .nef: convert these images to PNG or JPEG)")


def only_heic(place: Path) -> None:
    tree(place, "a", "b")
    for k in range(3):
        save(place / "c" / f"{k}.heic", b"\0\0\0\x18ftypheic" + bytes(99))
    refused(place, "no images of class c", "3 .heic", "convert these images to PNG or JPEG")


def backups(place: Path) -> None:
    tree(place, "a", "b")
    for name in ("0.jpg~", "0.png.bak", "0.png_original"):
        shutil.copy(place / "a" / "0.png", place / "a" / name)
    data = load(place)
    assert len(data.train) + len(data.test) == 8
    noted(data, "3 files left out")


def broken_files(place: Path) -> None:
    tree(place, "a", "b")
    whole = packed(Image.fromarray(pixels(99, 99, 3)), "JPEG")
    save(place / "a" / "cut.jpg", whole[: len(whole) // 2])
    save(place / "b" / "lfs.png", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    (place / "b" / "gone.png").symlink_to(place / "nowhere.png")
    refused(place, "3 of 11 images", "a/cut.jpg (image file is truncated", "git lfs pull", "gone.png (cannot be read")


def links(place: Path) -> None:
    fill(place / "far")
    fill(place / "set" / "a")
    (place / "set" / "b").symlink_to(place / "far", target_is_directory=True)
    (place / "far" / "again").symlink_to(place / "set" / "b", target_is_directory=True)
    (place / "set" / "a" / "up").symlink_to(place / "set" / "a", target_is_directory=True)
    assert sizes(place / "set") == (("a", "b"), 6, 0, 2)


def copies_in_both_parts(place: Path) -> None:
    tree(place, "train/a", "train/b")
    shutil.copytree(place / "train", place / "val")
    shutil.copytree(place / "train", place / "test")
    notes = check(place)["notes"]
    assert "8 different test stimuli also occur in the training part." in notes
    assert "8 different validation stimuli also occur in the training part." in notes


# ------------------------------------------------------------------ parts


def own_validation(place: Path) -> None:
    tree(place, "train/a", "train/b", "val/a", "val/b", "test/a", "test/b")
    assert sizes(place) == (("a", "b"), 8, 8, 8)
    data = load(place)
    train, validation = data.split_validation(0.1, 0)
    assert (train, validation) == (data.train, data.validation)
    assert [len(part) for part in data.split_validation(0, 0)] == [8, 0]
    noted(data, "the validation part is the source's own, 8 stimuli")
    assert data.describe()["validation"] == {"count": 8, "per_class": [4, 4]}
    (place / "val" / "a" / "0.png").unlink()
    assert load(place).fingerprint != data.fingerprint


def class_called_train(place: Path) -> None:
    assert sizes(tree(place / "one", "bus", "car", "train"))[0] == ("bus", "car", "train")
    assert sizes(tree(place / "two", "control", "test"))[0] == ("control", "test")
    assert sizes(tree(place / "three", "train/bus", "train/train", "test/bus", "test/train"))[0] == ("bus", "train")


def ambiguous_train(place: Path) -> None:
    refused(tree(place, "bus", "train/steam", "train/diesel"), "cannot tell whether 'train'", f"Give the path {place}")


def other_names(place: Path) -> None:
    for number, names in enumerate((("Training", "Testing"), ("TRAIN", "TEST"), ("train_set", "test-set"))):
        root = tree(place / str(number), *[f"{part}/{name}" for part in names for name in "ab"])
        assert sizes(root) == (("a", "b"), 8, 0, 8)


def validation_only(place: Path) -> None:
    tree(place, "train/a", "train/b", "valid/a", "valid/b")
    assert sizes(place) == (("a", "b"), 8, 0, 8)
    noted(load(place), "no folder is called 'test', so 'valid' is the test part")


def no_training_part(place: Path) -> None:
    refused(tree(place, "val/a", "val/b", "test/a", "test/b"), "no folder for training", "Call it 'train'")


def parts_below_classes(place: Path) -> None:
    tree(place, "cat/train", "cat/test", "dog/train", "dog/test")
    refused(place, "holds test, train", "the test images would be learned", "/train/cat")


def unlabelled_test(place: Path) -> None:
    tree(place / "one", "train/a", "train/b", "test")
    tree(place / "two", "train/a", "train/b", "test/images")
    for root in (place / "one", place / "two"):
        assert sizes(root) == (("a", "b"), 6, 0, 2)
        noted(load(root), "the folder 'test' holds images without classes and is not used")


def empty_test(place: Path) -> None:
    tree(place, "train/a", "train/b")
    (place / "test" / "a").mkdir(parents=True)
    assert sizes(place) == (("a", "b"), 6, 0, 2)
    noted(load(place), "the folder 'test' holds no images and is not used")


def fewer_test_classes(place: Path) -> None:
    tree(place, "train/a", "train/b", "train/c", "test/c", "test/a")
    (place / "test" / "b").mkdir()
    data = load(place)
    assert (data.concept.names, data.test.counts(3)) == (("a", "b", "c"), [4, 0, 4])


def unknown_test_class(place: Path) -> None:
    refused(tree(place, "train/a", "train/b", "test/a", "test/z"), "class folders z are not in the training part")


def two_training_parts(place: Path) -> None:
    refused(tree(place, "train/a", "train/b", "training/a", "training/b"), "could each be the training part")


def kaggle_contest(place: Path) -> None:
    for k in range(3):
        for name in ("cat", "dog"):
            save(place / "train" / f"{name}.{k}.jpg", pixels(8, 8))
    fill(place / "test1")
    refused(place, "its images are not in folders", "Their names begin with cat, dog", "cat/cat.0.jpg")


# ------------------------------------------------------------------ levels and names


def a_level_too_high(place: Path) -> None:
    assert sizes(tree(place / "one", "images/a", "images/b"))[0] == ("a", "b")
    noted(load(place / "one"), "the data set is the folder images")
    tree(
        place / "two", "archive/v1/Training/a", "archive/v1/Training/b", "archive/v1/Testing/a", "archive/v1/Testing/b"
    )
    save(place / "two" / "readme.md", b"about")
    assert sizes(place / "two") == (("a", "b"), 8, 0, 8)
    assert sizes(tree(place / "flowers", "flowers/a", "flowers/b"))[0] == ("a", "b")
    assert sizes(tree(place / "three", "train/train/a", "train/train/b", "test/test/a", "test/test/b"))[1:] == (8, 0, 8)


def one_class_with_sessions(place: Path) -> None:
    refused(tree(place, "cat/monday", "cat/tuesday"), "found only 'cat'", "If these are the classes, give the path")


def annotations_beside(place: Path) -> None:
    tree(place, "images/a", "images/b")
    save(place / "annotations" / "0.xml", b"<annotation/>")
    assert sizes(place)[0] == ("a", "b")


def nested(place: Path) -> None:
    tree(place, "a/left", "a/right", "b/left/deep")
    assert sizes(place) == (("a", "b"), 9, 0, 3)
    noted(load(place), "images in folders below those of classes, such as a/left, are read too")


def flat_folder(place: Path) -> None:
    fill(place / "one")
    refused(place / "one", "its images are not in folders", "Move each image into a folder")
    for k in range(3):
        save(place / "two" / f"cat.{k}.jpg", pixels(8, 8))
        save(place / "two" / f"dog.{k}.jpg", pixels(8, 8))
    refused(place / "two", "Their names begin with cat, dog", "cat/cat.0.jpg")
    save(place / "one" / "labels.csv", b"file,label\n0.png,cat\n")
    refused(place / "one", "labels.csv may hold their classes")


def loose_images(place: Path) -> None:
    tree(place, "a", "b")
    fill(place, 2)
    noted(load(place), "2 images left out, which lie beside the folders of classes")


def one_class(place: Path) -> None:
    refused(tree(place / "one", "cat"), "at least 2 class folders, found only 'cat'")
    (tree(place / "two", "a", "b") / "c").mkdir()
    refused(place / "two", "no images of class c", "Remove the folder if it is no class")


def unicode_names(place: Path) -> None:
    one, two = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    tree(place, f"train/{one}", "train/tea house", f"test/{two}", "test/tea house")
    assert sizes(place) == ((one, "tea house"), 8, 0, 8)
    fill(place / "train" / two)
    refused(place, "two folders are called 'café'")


def no_unicode(place: Path) -> None:
    fill(place / "b")
    os.mkdir(os.path.join(os.fsencode(place), b"caf\xe9"))
    fill(Path(os.fsdecode(os.path.join(os.fsencode(place), b"caf\xe9"))))
    refused(place, "expected a name in Unicode")


def numbered_classes(place: Path) -> None:
    data = load(tree(place / "set", "1", "2", "10"))
    assert data.concept.names == ("1", "10", "2")
    assert load(place / "set", like=data.schema).fingerprint == data.fingerprint


def archive(place: Path) -> None:
    tree(place / "set", "a", "b")
    shutil.make_archive(str(place / "set"), "zip", place / "set")
    refused(place / "set.zip", "is an archive. Unpack it")
    refused(place / "set" / "a" / "0.png", "is one image; a data set is a folder")


# ------------------------------------------------------------------ in use


@functools.cache
def trained() -> tuple[Run, Path]:
    """A run on 16-bit images of three classes in a folder, and that folder; both last as long as the tests."""
    place = Path(tempfile.mkdtemp())
    weakref.finalize(trained, shutil.rmtree, place, ignore_errors=True)
    draw = np.random.default_rng(0)
    base = draw.integers(0, 50000, (3, 8, 8))
    words = [(base + draw.integers(0, 9000, (3, 8, 8))).astype("u2") for _ in range(12)]
    classes(place / "set", *[lambda k, c=c: words[k][c] for c in range(3)], count=12)
    data = load(place / "set")
    network = bispike.models.mlp(data.stimulus, [16], data.concept, time_steps=2)
    return bispike.fit(network, "bsd", data, epochs=8, batch_size=8, out=place / "run"), place / "set"


def predict_a_folder(place: Path) -> None:
    run, folder = trained()
    shutil.copytree(folder, place / "set")
    fill(place / "set" / "a" / ".cache")
    save(place / "set" / "a" / "note.txt", b"no image at all, and longer than any signature")
    found = run.predict(place / "set")
    assert (len(found.rows), found.judged) == (36, 36)
    assert found.rows[0]["input"] == "a/0.png"
    assert any("1 file left out: 1 .txt" in note for note in found.notes)
    called = run_cli("predict", run.path, place / "set", "--json")
    assert called.status == 0, called.err
    singly = [run.predict(file).rows[0]["label"] for file in sorted((place / "set").glob("[abc]/*.png"))]
    assert sorted(singly) == sorted(row["label"] for row in found.rows)
    shutil.copytree(folder / "b", place / "new")
    assert run.predict(place / "new").judged == 0
    (place / "empty").mkdir()
    with pytest.raises(DataError, match="is a folder without images"):
        run.predict(place / "empty")


def evaluate_another_folder(place: Path) -> None:
    run, folder = trained()
    assert run.summary is not None
    assert evaluate(run.path, dataset=str(folder))["test"] == run.summary["test"]
    for name in "cb":
        shutil.copytree(folder / name, place / "some" / "train" / name)
        shutil.copytree(folder / name, place / "some" / "test" / name)
    found = evaluate(run.path, dataset=str(place / "some"))
    assert (found["samples"], np.array(found["confusion"]).sum(1).tolist()) == (24, [0, 12, 12])
    shutil.copytree(folder / "a", place / "some" / "test" / "zebra")
    with pytest.raises(DataError, match="class folders zebra are not in the training part"):
        evaluate(run.path, dataset=str(place / "some"))


def schema_of_a_run(place: Path) -> None:
    run, folder = trained()
    assert run.path is not None
    from bispike.runs.saved_schema import read_schema

    assert read_schema(run.path) == load(folder).schema
    save(place / "large.png", np.full((20, 30), 40000, "u2"))
    notes = run.predict(place / "large.png").notes
    assert notes == ["large.png: the image was scaled from 30x20 to 8x8 pixels (width x height), as in training."]
    shutil.copy(place / "large.png", place / "other.png")
    notes = run.predict(place / "large.png", place / "other.png").notes
    assert notes == ["2 of 2 sources: the image was scaled from 30x20 to 8x8 pixels (width x height), as in training."]


def cue(place: Path) -> None:
    run, folder = trained()
    called = run_cli("recall", run.path, "--cue", folder / "a" / "0.png", "--out", place / "x.png", "--json")
    assert called.status == 0, called.err


SITUATIONS: list[Situation] = [
    Situation("notebook checkpoints, `.DS_Store`, `Thumbs.db`, `@eaDir` and such", "never data, no note", hidden_files),
    Situation(
        "images called `.jfif`, `.JPG`, `.jpe`, `.0001`, `.avif` or nothing", "read, by their content", other_endings
    ),
    Situation("texts and tables in class folders", 'one note: "3 files left out: 2 .txt, 1 .csv"', left_out),
    Situation("raw photos and HEIC images beside readable ones", "left out, noted with the fix", raw_photos),
    Situation("a class of HEIC images only", "refused with the fix", only_heic),
    Situation("copies that editors keep of images (`0.jpg~`)", "left out, noted", backups),
    Situation("a cut JPEG, a pointer of Git LFS, a broken link", "all named, each with its cause", broken_files),
    Situation("links to folders, also in circles", "followed, each folder once", links),
    Situation("the same images in training, validation and test", "`data check` counts them", copies_in_both_parts),
    Situation(
        "`train`, `val` and `test`", "`val` is the validation part; `validation=0` leaves it out", own_validation
    ),
    Situation("classes that are called `train` or `test`", "classes", class_called_train),
    Situation("`train/` with folders in it, beside a class", "refused, both readings named", ambiguous_train),
    Situation("`Training` and `Testing`, `TRAIN`, `train_set`", "parts", other_names),
    Situation("`train` and `valid` without `test`", "`valid` is the test part, noted", validation_only),
    Situation("`val` and `test` without `train`", "refused", no_training_part),
    Situation(
        "`cat/train`, `cat/test`, `dog/train`, `dog/test`", "refused: test images would be learned", parts_below_classes
    ),
    Situation("a test folder without class folders", "not used, noted; a test part is split off", unlabelled_test),
    Situation("an empty test folder", "not used, noted", empty_test),
    Situation("a test part with fewer classes, one of them empty", "classes by name", fewer_test_classes),
    Situation("a class of the test part that training lacks", "refused, named", unknown_test_class),
    Situation("`train` and `training` side by side", "refused", two_training_parts),
    Situation("a contest's `train/cat.0.jpg` and `test1/1.jpg`", "refused, with the move to make", kaggle_contest),
    Situation("the folder above the classes or parts", "found and noted", a_level_too_high),
    Situation("one folder that holds folders, `cat/monday`", "refused, with the path to give", one_class_with_sessions),
    Situation("`images/` with classes beside `annotations/`", "the classes", annotations_beside),
    Situation("folders below a class", "read, noted", nested),
    Situation("a flat folder, also with names in files or `labels.csv`", "refused, with the move to make", flat_folder),
    Situation("images beside the class folders", "left out, noted", loose_images),
    Situation("one class only, or an empty class folder", "refused", one_class),
    Situation(
        "`café` composed in one part and decomposed in the other", "one class; refused twice in one part", unicode_names
    ),
    Situation("a folder name that is no Unicode", "refused", no_unicode),
    Situation("classes `1`, `2`, `10`", "in sorted order, kept by name in the schema", numbered_classes),
    Situation("a zip file, or one image, in place of a folder", "refused with the fix", archive),
    Situation("`predict RUN folder/`", "every image, judged where the folder of a class holds it", predict_a_folder),
    Situation(
        "`evaluate --dataset` with some of the classes, or another", "classes by name; refused", evaluate_another_folder
    ),
    Situation("the schema of a run on images, and an image of another size", "kept; scaled, noted", schema_of_a_run),
    Situation("`recall --cue` with a 16-bit image", "read as in training", cue),
]
