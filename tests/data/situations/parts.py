"""Situations of folders whose names say which part of a set they hold, of images and of recordings."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from bispike.config.train_config import TrainConfig
from bispike.data import load
from bispike.training import run_config
from bispike.training.evaluation import evaluate_run

from . import Situation
from .event_makers import E, N, events, npz, run_cli, run_path, used
from .event_makers import refused as events_refused
from .image_folders import noted, refused, sizes, tree


def recordings(root: Path, *folders: str) -> Path:
    """Folders of three recordings each below a root, of class 0 in folders named "a" and else of class 1."""
    found = events()
    columns = np.zeros(N * E, dtype=[("x", "i2"), ("y", "i2"), ("t", "i8"), ("p", "i1")])
    for key in "xytp":
        columns[key] = found[key]
    for folder in folders:
        (root / folder).mkdir(parents=True)
        for number in range(0 if folder.endswith("a") else 1, 6, 2):
            np.save(root / folder / f"{number}.npy", columns[number * E : (number + 1) * E])
    return root


def counts(place: Path, **options: object) -> tuple[tuple[str, ...], int, int, int]:
    data = load(place, **options)
    return data.concept.names, len(data.train), 0 if data.validation is None else len(data.validation), len(data.test)


def validation_of_events(place: Path) -> None:
    recordings(place / "e", *(f"{part}/{name}" for part in ("train", "val", "test") for name in "ab"))
    assert counts(place / "e") == counts(place / "e", sequence=True) == (("a", "b"), 6, 6, 6)
    data = load(place / "e", sequence=True)
    assert [len(part) for part in data.split_validation(0.1, 0)] == [6, 6]
    assert [len(part) for part in data.split_validation(0, 0)] == [6, 0]
    (place / "e" / "val" / "a" / "0.npy").unlink()
    options = {"widths": [16], "time_steps": 1, "carry": True, "threshold": 0.3, "gain": 3.0}
    config = TrainConfig(
        dataset=str(place / "e"), data_options={"sequence": True}, model="rnn", model_options=options, epochs=1
    )
    run = run_config(config, out=place / "run", progress=None)
    assert (run.summary["train_samples"], run.summary["validation_samples"]) == (6, 5)
    assert evaluate_run(place / "run", split="validation")["samples"] == 5
    status, answer, _ = run_cli("data", "check", place / "e")
    assert (status, answer["validation"]["count"]) == (0, 5)


def validation_in_an_archive(place: Path) -> None:
    recordings(place / "e", *(f"{part}/{name}" for part in ("Train", "Valid", "Test") for name in "ab"))
    for part in ("Train", "Valid", "Test"):
        with zipfile.ZipFile(place / f"{part}.zip", "w") as archive:
            for file in sorted((place / "e" / part).rglob("*.npy")):
                archive.write(file, file.relative_to(place / "e"))
    (place / "zips").mkdir()
    for part in ("Train", "Valid", "Test"):
        (place / f"{part}.zip").rename(place / "zips" / f"{part}.zip")
    assert counts(place / "zips") == (("a", "b"), 6, 6, 6)


def no_training_part_of_events(place: Path) -> None:
    events_refused(recordings(place / "e", "val/a", "val/b", "test/a", "test/b"), "no folder for training")
    events_refused(
        recordings(place / "f", "a/train", "a/test", "b/train", "b/test"),
        "Expected parts above classes",
    )
    assert counts(recordings(place / "g", "train/a", "train/b", "val/a", "val/b")) == (("a", "b"), 6, 0, 6)
    assert counts(recordings(place / "h", "train", "wave")) == (("train", "wave"), 4, 0, 2)


def word_in_the_name(place: Path) -> None:
    tree(place / "intel", *(f"seg_{part}/seg_{part}/{name}" for part in ("train", "test") for name in "ab"), "seg_pred")
    assert sizes(place / "intel") == (("a", "b"), 8, 0, 8)
    noted(load(place / "intel"), "folders left out, which are no part: seg_pred")
    tree(place / "signs", "Final_Training/Images/1", "Final_Training/Images/2", "Final_Test/Images")
    assert sizes(place / "signs") == (("1", "2"), 6, 0, 2)
    noted(load(place / "signs"), "'Final_Test' holds images without classes")
    recordings(place / "dvs", *(f"ibmGesture{part}/{name}" for part in ("Train", "Test") for name in "ab"))
    assert counts(place / "dvs") == (("a", "b"), 6, 0, 6)
    tree(place / "trains", "freight_train", "steam_train", "crash_test")
    assert sizes(place / "trains")[0] == ("crash_test", "freight_train", "steam_train")


def word_in_names_of_classes(place: Path) -> None:
    tree(place, "cats_train", "cats_test", "dogs_train", "dogs_test")
    refused(place, "cats_train, dogs_train could each be the training part")


def flat_folder_in_use(place: Path) -> None:
    recordings(place / "e", "a")
    status, answer, _ = run_cli("predict", run_path(), place / "e" / "a")
    assert (status, len(answer["rows"])) == (0, 3)
    assert np.array_equal(used(place / "e" / "a")[0], used(npz(place))[0][[0, 2, 4]])


def arrays_in_class_folders(place: Path) -> None:
    for name in "ab":
        (place / name).mkdir()
        np.save(place / name / "0.npy", np.zeros((6, 6)))
    events_refused(place, r"received an array of \[6, 6\]. Arrays that are stimuli belong in one .npz file")


def copies_in_a_folder_of_a_class(place: Path) -> None:
    tree(place, "a", "b", "b/augmented")
    noted(load(place), "images in folders below those of classes, such as b/augmented, are read too")


SITUATIONS = [
    Situation(
        "recordings in `train`, `val` and `test`, also as sequences",
        "`val` is the validation part",
        validation_of_events,
    ),
    Situation("`Train.zip`, `Valid.zip` and `Test.zip` of recordings", "three parts", validation_in_an_archive),
    Situation(
        "recordings in `val` and `test` without `train`, or in `cat/train` and `cat/test`",
        "refused",
        no_training_part_of_events,
    ),
    Situation(
        "`seg_train` and `seg_test`, `Final_Training` and `Final_Test`, `ibmGestureTrain` and `ibmGestureTest`",
        "parts, not classes",
        word_in_the_name,
    ),
    Situation(
        "`cats_train`, `cats_test`, `dogs_train`, `dogs_test`",
        "refused: parts have to lie above classes",
        word_in_names_of_classes,
    ),
    Situation("`predict` on a folder of recordings without folders in it", "one decision each", flat_folder_in_use),
    Situation("a folder for each class with arrays as .npy, such as spectrograms", "refused", arrays_in_class_folders),
    Situation("a folder `augmented` beside the images of a class", "read, noted", copies_in_a_folder_of_a_class),
]
