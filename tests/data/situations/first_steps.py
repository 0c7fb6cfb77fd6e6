"""Situations of first steps: what somebody types who has a file and has not read the documentation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bispike import data
from bispike.data.schema import TextSchema
from bispike.data.user_files import read_inputs
from bispike.errors import DataError

from . import Situation
from .event_makers import E, events, run_cli, used


def excel(folder: Path) -> None:
    rows = "".join(f"{150 + i},5;{'männlich' if i % 2 else 'weiblich'}\r\n" for i in range(40))
    path = folder / "excel.csv"
    path.write_bytes(f"Größe;Geschlecht\r\n{rows}".encode("cp1252"))
    assert run_cli("data", "check", path)[0] == 2
    status, answer, _ = run_cli("data", "check", path, "--set", "encoding=cp1252", "--target", "Geschlecht")
    assert (status, answer["class_names"]) == (0, ["männlich", "weiblich"])
    assert all("data.encoding=cp1252" in command for command in answer["table"]["next"])
    assert run_cli("data", "check", path, "--set", "data.encding=cp1252")[0] == 2


def sensors(folder: Path) -> None:
    path = folder / "log.csv"
    rows = "".join(f"2024-03-01 {h:02}:{m:02},{h + m},{h - m},esp32\n" for h in range(24) for m in (0, 30))
    path.write_text(f"time,a,b,device\n{rows}")
    status, answer, _ = run_cli("data", "check", path)
    assert status == 0
    assert answer["table"]["next"][-1].endswith("--task series --model rnn --set 'data.drop=[device]'")
    found = data.load(path, task="series", drop=["device"], window=4)
    assert found.schema is not None
    again = data.load(path, task="series", like=found.schema)
    assert not any("device" in note for note in again.notes)


def others(folder: Path) -> None:
    for ending, fix in {
        "xlsx": "CSV",
        "json": "read_json",
        "parquet": "read_parquet",
        "pkl": "npz",
        "npy": "x_train",
    }.items():
        path = folder / f"file.{ending}"
        path.write_bytes(b"something else")
        with pytest.raises(DataError, match=fix):
            data.load(path)


def flat_recordings(folder: Path) -> None:
    arrays = events()
    made = np.zeros(E, dtype=[(name, np.int64) for name in "txyp"])
    for name in "txyp":
        made[name] = arrays[name][:E]
    (folder / "new").mkdir()
    for name in ("a.npy", "b.npy"):
        np.save(folder / "new" / name, made)
    stimuli, _ = used(folder / "new")
    assert len(stimuli) == 2
    assert np.array_equal(stimuli, np.concatenate([used(folder / "new" / name)[0] for name in ("a.npy", "b.npy")]))


def photos(folder: Path) -> Path:
    for name, grey in (("cats", 20), ("dogs", 200)):
        (folder / "photos" / name).mkdir(parents=True)
        for i in range(4):
            Image.new("L", (6, 6), grey + i).save(folder / "photos" / name / f"{i}.png")
    return folder / "photos"


def same_names(folder: Path) -> None:
    place = photos(folder)
    schema = data.load(place).schema
    assert schema is not None
    found = read_inputs([place / "cats" / "0.png", place / "dogs", place / "cats" / "1.png"], schema)
    short = [name.removeprefix(f"{place.as_posix()}/") for name in found.names]
    assert short == ["cats/0.png", "dogs/0.png", "dogs/1.png", "2.png", "3.png", "cats/1.png"]
    assert read_inputs([place / "cats" / "0.png"], schema).names == ("0.png",)


def text_for_images(folder: Path) -> None:
    schema = data.load(photos(folder)).schema
    assert schema is not None
    (folder / "notes.txt").write_text("my cats\n")
    with pytest.raises(DataError, match=r"expected images, .* received a text file"):
        read_inputs([folder / "notes.txt"], schema)


def german(folder: Path) -> None:
    path = folder / "prosa.txt"
    path.write_bytes(("Über den Wäldern hängt der Nebel. " * 60).encode("latin-1"))
    status, _, said = run_cli("data", "check", path)
    assert status == 2
    assert "--set encoding=latin-1" in said
    assert run_cli("data", "check", path, "--set", "encoding=latin-1")[0] == 0
    schema = data.load(path, encoding="latin-1").schema
    assert isinstance(schema, TextSchema)
    assert json.loads(json.dumps(schema.to_dict()))["encoding"] == "latin-1"


SITUATIONS = [
    Situation(
        "`data check` of a table that a German spreadsheet wrote, with `--set encoding=cp1252`",
        "checked; the commands to type next have the encoding",
        excel,
    ),
    Situation(
        "a log of sensors with the name of the device in each row",
        "`data check` shows a command that leaves it out; the run does not note it again",
        sensors,
    ),
    Situation(
        "a spreadsheet, JSON, Parquet, a pickle or one .npy as data set", "refused with the way to convert it", others
    ),
    Situation("`predict` on a folder of recordings without folders of classes", "one decision each", flat_recordings),
    Situation("images of one name in two folders", "decisions are named by their paths", same_names),
    Situation("a text file for a run on images", "refused: images are expected", text_for_images),
    Situation("a German text in Latin-1", "refused with the option that reads it, which the run keeps", german),
]
