"""Situations of the files that events come in: columns under many names, folders, archives, N-MNIST."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bispike import data
from bispike.config.train_config import TrainConfig
from bispike.training import run_config

from ..makers import save_image
from . import Situation
from .event_makers import E, N, all_of, equal, events, not_used, npz, plain, refused, run_cli, trained, used

# ------------------------------------------------------------------ columns, recordings, labels


def other_names(folder: Path) -> None:
    found = events()
    names = ("timestamps", "x", "y", "polarity", "recording", "label")
    equal(folder, npz(folder, dict(zip(names, found.values(), strict=True))))
    names = ("ts", "X", "Y", "pol", "sample_id", "targets")
    equal(folder, npz(folder, dict(zip(names, found.values(), strict=True))))
    addr = np.stack([found["x"], found["y"]], 1)
    equal(folder, npz(folder, {"addr": addr, **{key: found[key] for key in ("t", "p", "sample", "labels")}}))


def four_columns(folder: Path) -> None:
    found = events()
    rest = {key: found[key] for key in ("sample", "labels")}
    for order in ("txyp", "xytp", "xypt", "ptxy"):
        table = np.stack([found[key] for key in order], 1)
        equal(folder, npz(folder, {"events": table, **rest}), f"read in the order {order}")
        equal(folder, npz(folder, {"events": table.astype(float), **rest}), columns=order)
    swapped = np.stack([found[key] for key in "tyxp"], 1)
    equal(folder, npz(folder, {"events": swapped, **rest}), columns="tyxp")


def unclear_columns(folder: Path) -> None:
    found = events()
    table = np.stack([found["t"] % 7, *(found[key] for key in "xyp")], 1)
    refused(
        npz(folder, {"events": table, "sample": found["sample"], "labels": found["labels"]}),
        "cannot tell the order of the columns .* columns=txyp",
    )


def structured_in_npz(folder: Path) -> None:
    found = events()
    table = np.zeros(N * E, dtype=[("timestamp", "u8"), ("x", "u2"), ("y", "u2"), ("polarity", "i1")])
    for name, key in (("timestamp", "t"), ("x", "x"), ("y", "y"), ("polarity", "p")):
        table[name] = found[key]
    equal(folder, npz(folder, {"events": table, "sample": found["sample"], "labels": found["labels"]}))


def padded(folder: Path) -> None:
    found = events()
    square = {key: found[key].reshape(N, E) for key in "txyp"}
    refused(npz(folder, {**square, "labels": found["labels"]}), r"one value per event, \[E\], received \[24, 60\]")


def unequal(folder: Path) -> None:
    refused(npz(folder, x=events()["x"][:-1]), "as many of t, x, y, p and sample")


def no_recordings(folder: Path) -> None:
    found = events()
    del found["sample"]
    refused(npz(folder, found), "24 labels; missing: sample")


def no_labels(folder: Path) -> None:
    found = events()
    del found["labels"]
    refused(npz(folder, found), "missing: labels")


def labels_of_events(folder: Path) -> None:
    found = events()
    each = found["labels"][found["sample"]]
    equal(folder, npz(folder, labels=each), f"one for each of {N * E:,} events became one for each of {N} recordings")
    each = each.copy()
    each[3] = 1 - each[3]
    refused(npz(folder, labels=each), "they differ within a recording")


def named_labels(folder: Path) -> None:
    found = equal(folder, npz(folder, labels=np.array(["left", "right"])[events()["labels"]]))
    assert found.concept.names == ("left", "right")


def from_one(folder: Path) -> None:
    equal(folder, npz(folder, sample=events()["sample"] + 1), "sample: 24 numbers or names 1..24 became 0..23")
    equal(folder, npz(folder, sample=events()["sample"] * 10), "0..230 became 0..23")


def unknown_recordings(folder: Path) -> None:
    refused(npz(folder, sample=events()["sample"][::-1] * 10), "in another order")
    refused(
        npz(folder, sample=events()["sample"] * 10, labels=np.arange(30) % 2), r"samples in 0\.\.29, received 0\.\.230"
    )


def empty_recording(folder: Path) -> None:
    found = events()
    rest = {key: found[key][found["sample"] != 5] for key in found if key != "labels"}
    notes = data.load(npz(folder, {**rest, "labels": found["labels"]})).notes
    assert f"1 of {N} recordings have no events, the first is 5." in notes


def objects(folder: Path) -> None:
    lists = np.array([[1, 2], [3]], dtype=object)
    np.savez(folder / "e.npz", **{**events(), "t": lists})
    refused(folder / "e.npz", "pickles")


# ------------------------------------------------------------------ folders and archives


def as_structured(found: Mapping[str, np.ndarray], number: int) -> np.ndarray:
    """A recording as tonic stores it."""
    rows = found["sample"] == number
    table = np.zeros(int(rows.sum()), dtype=[("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "<i8")])
    for key in "xytp":
        table[key] = found[key][rows]
    return table


def class_folders(folder: Path) -> Path:
    """The recordings as one file each, in training and test folders."""
    found = events()
    for number, label in enumerate(found["labels"]):
        place = folder / "gestures" / ("Train" if number < 16 else "test") / ("left", "right")[label]
        place.mkdir(parents=True, exist_ok=True)
        if number % 4 < 2:
            np.save(place / f"{number:02}.npy", as_structured(found, number))
        else:
            np.savez(place / f"{number:02}.npz", **{key: as_structured(found, number)[key] for key in "txyp"})
    (folder / "gestures" / "readme.md").write_text("text")
    return folder / "gestures"


def folders(folder: Path) -> None:
    found = data.load(class_folders(folder))
    assert (len(found.train), len(found.test), found.concept.names) == (16, 8, ("left", "right"))
    assert np.array_equal(np.sort(all_of(found).sum((1, 2, 3, 4))), np.sort(plain(folder).sum((1, 2, 3, 4))))
    assert any("1 files of other kinds were left out: .md (1)" in note for note in found.notes)
    zipped = folder / "g.zip"
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in (folder / "gestures").rglob("*.np*"):
            archive.write(path, str(path.relative_to(folder)))
    assert data.load(zipped).fingerprint == found.fingerprint


def one_polarity_in_a_file(folder: Path) -> None:
    found = events(p=events()["p"] + 1)
    found["p"][:E] = 1
    for number in range(8):
        place = folder / "g" / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        np.save(place / f"{number}.npy", as_structured(found, number))
    first = data.load(folder / "g").train.stimuli[0].numpy()
    assert first[:, 0].any()
    assert not first[:, 1].any()


def folder_predicted(folder: Path) -> None:
    place = class_folders(folder)
    stimuli, _ = used(place / "test" / "left" / "16.npy")
    assert stimuli.shape == (1, 10, 2, 8, 8)
    found = trained().predict(place / "test")
    assert (len(found.rows), found.judged, found.rows[0]["input"]) == (8, 0, "left/16.npy")


def arrays_beside_images(folder: Path) -> None:
    for name in ("cat", "dog"):
        (folder / "photos" / name).mkdir(parents=True)
        np.save(folder / "photos" / name / "a.npy", np.zeros((3, 4)))
        for number in range(4):
            save_image(folder / "photos" / name / f"{number}.png", np.full((4, 4), 9, dtype=np.uint8))
    assert data.load(folder / "photos").task == "classification"


def empty_class(folder: Path) -> None:
    place = class_folders(folder)
    (place / "Train" / "up").mkdir()
    refused(place, "no recordings of class up")


def other_class(folder: Path) -> None:
    place = class_folders(folder)
    (place / "test" / "left").rename(place / "test" / "lefts")
    refused(place, "lefts not among the 2 classes")


def no_classes(folder: Path) -> None:
    (folder / "g" / "a").mkdir(parents=True)
    for number in range(4):
        np.save(folder / "g" / "a" / f"{number}.npy", as_structured(events(), number))
    refused(folder / "g", "expected at least 2 class folders")


def recording(digit: int, seed: int, *, side: int = 34, count: int = 40) -> bytes:
    """The 5 bytes of each event, as N-MNIST has them."""
    draws = np.random.default_rng(100 * digit + seed)
    t = np.sort(draws.integers(0, 300_000, count))
    x, y, p = draws.integers(0, 3, count) + 3 * digit, draws.integers(0, side, count), draws.integers(0, 2, count)
    return np.stack([x, y, (p << 7) | (t >> 16), (t >> 8) & 255, t & 255], 1).astype(np.uint8).tobytes()


def n_mnist_files(train: str = "Train", test: str = "Test") -> dict[str, bytes]:
    return {
        f"{part}/{digit}/{i:05}.bin": recording(digit, i + 10 * (part == test))
        for part, count in ((train, 3), (test, 1))
        for digit in range(10)
        for i in range(count)
    }


def zipped(path: Path, files: Mapping[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def n_mnist(folder: Path) -> None:
    files = n_mnist_files()
    for name, content in files.items():
        (folder / "plain" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "plain" / name).write_bytes(content)
    expected = data.load(folder / "plain", bins=4).fingerprint
    parts = {part: {name: files[name] for name in files if name.startswith(part)} for part in ("Train", "Test")}
    for part, found in parts.items():
        junk = {f"__MACOSX/{name.replace('0.bin', '._0.bin')}": b"abc" for name in found}
        zipped(folder / "two" / f"{part}.zip", {**found, **junk})
    wrapped = {f"N-MNIST/{name}": content for name, content in n_mnist_files("train", "TEST").items()}
    inner = {f"d/{part}.zip": (folder / "two" / f"{part}.zip").read_bytes() for part in parts}
    (folder / "wrap").mkdir()
    (folder / "plain").rename(folder / "wrap" / "plain")
    for place in (
        folder / "two",
        folder / "wrap",
        zipped(folder / "one.zip", files),
        zipped(folder / "wrapped.zip", wrapped),
        zipped(folder / "nested.zip", inner),
    ):
        found = data.load(place, bins=4)
        assert (found.fingerprint, len(found.train), len(found.test)) == (expected, 30, 10), place
        assert len(data.load(place, bins=4, limit_files=1).train) == 10
    (folder / "two").rename(folder / "n_mnist")
    assert data.load("n-mnist", root=folder, bins=4).fingerprint == expected


def n_mnist_decided(folder: Path) -> None:
    archive = zipped(folder / "one.zip", n_mnist_files())
    options = {"widths": [12], "time_steps": 3, "stimulus_code": "given", "gain": 3.0}
    config = TrainConfig(
        dataset=str(archive),
        data_options={"bins": 3},
        model="mlp",
        model_options=options,
        epochs=1,
        batch_size=8,
        validation=0,
    )
    run_config(config, out=folder / "run", progress=None)
    (folder / "3.bin").write_bytes(recording(3, 77))
    status, answer, _ = run_cli("predict", folder / "run", folder / "3.bin", archive)
    assert (status, len(answer["rows"]), answer["rows"][0]["input"]) == (0, 41, "3.bin")
    assert [row.get("true") for row in answer["rows"][:3]] == [None, "0", "1"]


def larger_bin(folder: Path) -> None:
    for name in "ab":
        (folder / "c" / name).mkdir(parents=True)
        for i in range(4):
            (folder / "c" / name / f"{i}.bin").write_bytes(recording(1, i, side=100))
    refused(folder / "c", "N-Caltech101 has the same form.*sensor=180x240")
    assert data.load(folder / "c", sensor="180x240").stimulus.shape == (10, 2, 180, 240)


def cut_bin(folder: Path) -> None:
    files = n_mnist_files()
    files["Train/4/00001.bin"] += b"ab"
    refused(zipped(folder / "one.zip", files), r"Train/4/00001\.bin: expected events of 5 bytes, received 202 bytes")


def foreign(folder: Path) -> None:
    for name, begin in (("a.aedat", b"#!AER-DAT2.0\r\n"), ("a.dat", b"% Data file\n"), ("a.aedat4", b"#!AER-DAT4.0")):
        (folder / name).write_bytes(begin + bytes(100))
        refused(folder / name, r"which is not read\. Read it with .*np\.savez")
        not_used(folder / name, "which is not read|zero bytes")
        (folder / "set" / "x").mkdir(parents=True, exist_ok=True)
        (folder / "set" / "x" / name).write_bytes(begin)
    refused(folder / "set", "which is not read|zero bytes")


def outside(folder: Path) -> None:
    for name in ("../../x.bin", "/tmp/x.bin", "a\\..\\x.bin"):
        refused(zipped(folder / "one.zip", {**n_mnist_files(), name: recording(1, 1)}), "names a place outside of it")


def encrypted(folder: Path) -> None:
    path = zipped(folder / "one.zip", {"Train/0/1.bin": recording(0, 1)})
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.index(mark) + offset
        content[place : place + 2] = struct.pack("<H", 1)
    path.write_bytes(content)
    refused(path, "is encrypted. Unpack it with its password")


def bomb(folder: Path) -> None:
    files = {**n_mnist_files(), "Train/0/00009.bin": bytes(20 << 20)}
    refused(zipped(folder / "one.zip", files), "would take .* of memory", memory_limit=0.01)


def damaged(folder: Path) -> None:
    path = zipped(folder / "one.zip", n_mnist_files())
    path.write_bytes(path.read_bytes()[:-200])
    refused(path, "truncated or damaged|expected a file that ends with|is an archive")


SITUATIONS: list[Situation] = [
    Situation("columns under other usual names, places as `addr`", "the same recordings", other_names),
    Situation("one array `events` of four columns in any order", "recognised and noted, or by `columns`", four_columns),
    Situation("four columns of which none is clearly the time", "refused with `columns`", unclear_columns),
    Situation("a structured array in an .npz", "the same recordings", structured_in_npz),
    Situation("columns `[N, E]`, one row per recording", "refused with the fix", padded),
    Situation("a column that is shorter", "refused", unequal),
    Situation("no `sample` for many labels", "refused", no_recordings),
    Situation("no `labels` in training", "refused", no_labels),
    Situation("a label for each event", "one for each recording, noted; refused if they differ", labels_of_events),
    Situation("labels that are texts", "names of the classes", named_labels),
    Situation("samples that count from 1, or by tens", "numbered from 0, noted", from_one),
    Situation("samples whose labels cannot be told", "refused", unknown_recordings),
    Situation("a recording without events", "empty, noted", empty_recording),
    Situation("lists of different lengths as objects", "refused: no pickles", objects),
    Situation(
        "a folder for each class with structured .npy and .npz, train and test; the same as .zip", "read", folders
    ),
    Situation("a folder whose first file has one polarity, 1 of 1/2", "the set decides: off", one_polarity_in_a_file),
    Situation("`predict` on a folder of recordings", "one decision each", folder_predicted),
    Situation("images with an .npy beside them", "images", arrays_beside_images),
    Situation("a class folder without recordings", "refused", empty_class),
    Situation("a class in the test part only", "refused", other_class),
    Situation("recordings of a single class", "refused", no_classes),
    Situation("N-MNIST as folder, two zips, one zip, nested, wrapped, other case, by name", "one data set", n_mnist),
    Situation(
        "`predict` on a .bin and on the .zip of the training", "one decision each, judged by folders", n_mnist_decided
    ),
    Situation("N-Caltech101 (.bin on a larger sensor)", "refused with `sensor`, which reads it", larger_bin),
    Situation("a .bin that is cut", "refused by name", cut_bin),
    Situation(".aedat, .aedat4, .dat", "refused with the way to convert", foreign),
    Situation("an archive with places outside of it", "refused", outside),
    Situation("an encrypted archive", "refused", encrypted),
    Situation("an archive that unpacks to more than the limit", "refused before it is unpacked", bomb),
    Situation("an archive that is cut", "refused", damaged),
]
