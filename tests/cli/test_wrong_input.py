"""Bad calls: each gives one clear message and status 2 (or 1), no traceback, and leaves every file as it was."""

from __future__ import annotations

import gzip
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bispike.cli._app import describe

from .conftest import TINY, bispike, fingerprint

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (40, 8, 8), dtype=np.uint8)
LABELS = np.arange(40) % 4


@dataclass(frozen=True)
class Bad:
    """A call of which `words` must stand in the message; `make` prepares files and returns values for {names}."""

    call: str
    words: tuple[str, ...]
    make: Callable[[Path, Path], dict[str, object]] = lambda folder, run: {}
    status: int = 2


def npz(**arrays: np.ndarray) -> Callable[[Path, Path], dict[str, object]]:
    """A data set in an .npz file, with some arrays replaced."""

    def make(folder: Path, run: Path) -> dict[str, object]:
        parts = {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES[:8], "y_test": LABELS[:8], **arrays}
        np.savez(folder / "own.npz", **parts)
        return {"data": folder / "own.npz"}

    return make


def file(name: str, content: bytes) -> Callable[[Path, Path], dict[str, object]]:
    """A file with this content."""

    def make(folder: Path, run: Path) -> dict[str, object]:
        (folder / name).write_bytes(content)
        return {"file": folder / name}

    return make


def truncated_npz(folder: Path, run: Path) -> dict[str, object]:
    path = npz()(folder, run)["data"]
    assert isinstance(path, Path)
    path.write_bytes(path.read_bytes()[:-600])
    return {"data": path}


def truncated_gzip(folder: Path, run: Path) -> dict[str, object]:
    place = folder / "data" / "mnist"
    place.mkdir(parents=True)
    content = gzip.compress(struct.pack(">IIII", 2051, 40, 8, 8) + IMAGES.tobytes())
    for part in ("train", "t10k"):
        (place / f"{part}-images-idx3-ubyte.gz").write_bytes(content[: len(content) // 2])
        labels = struct.pack(">II", 2049, 40) + LABELS.astype(np.uint8).tobytes()
        (place / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    return {"root": folder / "data"}


def image_folder(*, classes: int, broken: bool = False) -> Callable[[Path, Path], dict[str, object]]:
    """A folder of 8x8 images, six a class."""

    def make(folder: Path, run: Path) -> dict[str, object]:
        for label in range(classes):
            (folder / "photos" / f"class{label}").mkdir(parents=True)
            for i in range(6):
                Image.fromarray(IMAGES[6 * label + i]).save(folder / "photos" / f"class{label}" / f"{i}.png")
        if broken:
            (folder / "photos" / "class0" / "3.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
        return {"data": folder / "photos"}

    return make


def copy(change: Callable[[Path], object] = lambda run: None) -> Callable[[Path, Path], dict[str, object]]:
    """A copy of the trained run with something changed."""

    def make(folder: Path, run: Path) -> dict[str, object]:
        copied = Path(shutil.copytree(run, folder / "copy"))
        change(copied)
        return {"copy": copied}

    return make


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def halve_checkpoint(run: Path) -> None:
    (run / "summary.json").unlink()
    for path in (run / "checkpoint").iterdir():
        halve(path)


def later_format(run: Path) -> None:
    config = run / "config.toml"
    config.write_text(config.read_text().replace("format = 2", "format = 99"))


def later_checkpoint(run: Path) -> None:
    (run / "summary.json").unlink()
    latest = run / "checkpoint" / "latest.json"
    latest.write_text(latest.read_text().replace('"format": 2', '"format": 7'))


def broken_config(run: Path) -> None:
    (run / "config.toml").write_text("epochs = = 3\n")
    shutil.rmtree(run / "checkpoint")  # which would repair it


def array(values: np.ndarray) -> Callable[[Path, Path], dict[str, object]]:
    """An array in a file."""

    def make(folder: Path, run: Path) -> dict[str, object]:
        np.save(folder / "input.npy", values)
        return {"file": folder / "input.npy"}

    return make


TRAIN = f"train {' '.join(TINY)} --out {{new}}"
OWN = "train --model mlp-small --epochs 1 --dataset {data} --out {new}"
NAN_IMAGES = np.where(np.arange(40)[:, None, None] == 7, np.nan, IMAGES / 255).astype(np.float32)

CASES: dict[str, Bad] = {
    # the call itself
    "unknown verb": Bad("trian", ("unknown verb 'trian'", "did you mean 'train'")),
    "unknown option": Bad("train --epocs 3", ("--epocs", "--epochs")),
    "option without value": Bad("train --epochs", ("--epochs", "argument")),
    "text for a number": Bad("train --epochs ten --out {new}", ("--epochs", "'ten'")),
    "missing argument": Bad("evaluate", ("RUN",)),
    # names
    "unknown data set": Bad(
        "train --dataset fashion_mnist --out {new}", ("data set 'fashion_mnist'", "did you mean 'fashion-mnist'")
    ),
    "unknown model": Bad("train --model mpl --out {new}", ("model 'mpl'", "did you mean 'mlp'")),
    "unknown rule": Bad("train --rule bsdd --out {new}", ("rule 'bsdd'", "did you mean 'bsd'")),
    "unknown preset": Bad("train --preset fashion-mpl --out {new}", ("preset", "fashion-mlp")),
    "unknown optimizer": Bad(TRAIN + " --optimizer adamm", ("optimizer 'adamm'", "adam")),
    "unknown schedule": Bad(TRAIN + " --schedule cosin", ("schedule 'cosin'", "cosine")),
    "unknown augmentation": Bad(TRAIN + " --augment flipp", ("augment", "flip")),
    "unknown device": Bad(TRAIN + " --device gpu", ("device", "gpu")),
    # values
    "zero epochs": Bad(TRAIN + " --epochs 0", ("epochs",)),
    "zero steps": Bad(TRAIN + " --time-steps 0", ("time_steps", "at least 1")),
    "negative threshold": Bad(TRAIN + " --set threshold=-0.5", ("threshold", "-0.5")),
    "decay above one": Bad(TRAIN + " --set decay=1.5", ("decay", "1.5")),
    "batch size 0": Bad(TRAIN + " --batch-size 0", ("batch_size", "0")),
    "more than there is": Bad(TRAIN + " --limit 99999", ("limit", "1437")),
    "learning rate not a number": Bad(TRAIN + " --lr nan", ("lr", "nan")),
    "negative learning rate": Bad(TRAIN + " --lr -1", ("lr", "-1")),
    "validation above one": Bad(TRAIN + " --validation 1.5", ("validation", "1.5")),
    "zero patience": Bad(TRAIN + " --patience 0", ("patience", "0")),
    "zero limit": Bad(TRAIN + " --limit 0", ("limit", "0")),
    "zero threads": Bad(TRAIN + " --threads 0", ("threads", "0")),
    "no width": Bad(TRAIN + " --set widths=[]", ("widths",)),
    "several mistakes at once": Bad(TRAIN + " --batch-size 0 --lr nan --epochs -2", ("batch_size", "lr", "epochs")),
    # key=value
    "unknown key": Bad(TRAIN + " --set strenght=0.1", ("setting 'strenght'", "did you mean 'strength'")),
    "key of another rule": Bad(TRAIN + " --rule bptt --set contrast=batch", ("setting 'contrast'",)),
    "no value": Bad(TRAIN + " --set strength", ("KEY=VALUE", "'strength'")),
    "no key": Bad(TRAIN + " --set =3", ("KEY=VALUE", "'=3'")),
    "text for a setting's number": Bad(TRAIN + " --set strength=strong", ("strength", "a number", "'strong'")),
    "unknown choice": Bad(TRAIN + " --set contrast=expectd", ("contrast", "did you mean 'expected'")),
    "rule option out of range": Bad(TRAIN + " --set temperature=-1", ("temperature", "-1")),
    "stray word": Bad(TRAIN + " digits", ("KEY=VALUE", "'digits'")),
    "two sources of settings": Bad("train --preset digits-mlp --config {run} --out {new}", ("preset and config",)),
    # data
    "missing file": Bad("train --dataset {new}/none.npz --out {new}", ("none.npz", "file or folder")),
    "not a data file": Bad("train --dataset {file} --out {new}", ("own.pdf", ".npz"), file("own.pdf", b"%PDF")),
    "missing arrays": Bad(OWN, ("x_train",), lambda f, r: {"data": _savez(f, a=IMAGES, b=LABELS)}),
    "pickled objects": Bad(OWN, ("pickle",), npz(y_train=np.array([{}] * 40, dtype=object))),
    "five axes": Bad(OWN, ("training stimuli", "[40, 1, 1, 8, 8]"), npz(x_train=IMAGES[:, None, None])),
    "test of another shape": Bad(OWN, ("test stimuli", "shape"), npz(x_test=np.zeros((8, 9, 9), np.uint8))),
    "fewer labels than stimuli": Bad(OWN, ("40", "39"), npz(y_train=LABELS[:-1])),
    "labels out of range": Bad(OWN, ("label", "-1"), npz(y_train=LABELS - 1)),
    "test label that training lacks": Bad(OWN, ("label",), npz(y_test=np.full(8, 9))),
    "empty class": Bad(OWN, ("class", "2"), npz(y_train=np.where(LABELS == 2, 1, LABELS))),
    "one class": Bad(OWN, ("class",), npz(y_train=LABELS * 0, y_test=LABELS[:8] * 0)),
    "labels with fractions": Bad(OWN, ("label", "whole numbers"), npz(y_train=LABELS + 0.5)),
    "NaN pixels": Bad(
        OWN, ("not finite", "NaN", "[7, "), npz(x_train=NAN_IMAGES, x_test=NAN_IMAGES[:5], y_test=LABELS[:5])
    ),
    "truncated npz": Bad(OWN, ("own.npz", "damaged"), truncated_npz),
    "truncated gzip": Bad(
        "train --dataset mnist --data-root {root} --out {new}", ("idx3-ubyte.gz", "truncated"), truncated_gzip
    ),
    "empty folder": Bad("train --dataset {root} --out {new}", ("empty",), lambda f, r: {"root": _folder(f)}),
    "folder of one class": Bad(OWN, ("class",), image_folder(classes=1)),
    "broken image": Bad(OWN, ("3.png", "cannot be decoded"), image_folder(classes=3, broken=True)),
    "image model for features": Bad(
        "train --model cnn-small --epochs 1 --dataset {data} --out {new}",
        ("cnn", "channels, height, width", "[64]"),
        npz(x_train=IMAGES.reshape(40, 64), x_test=IMAGES[:8].reshape(8, 64)),
    ),
    # folders of runs
    "a run is there": Bad("train --preset digits-mlp --out {run}", ("holds a finished run", "--overwrite")),
    "another folder is there": Bad(
        TRAIN.replace("{new}", "{root}") + " --overwrite",
        ("not", "run"),
        lambda f, r: {"root": _folder(f, "thesis.txt")},
    ),
    "unwritable folder": Bad(
        TRAIN.replace("{new}", "{file}/run"), ("plain", "a file stands where a folder"), file("plain", b"")
    ),
    "resume of nothing": Bad("train --resume --out {new}", ("new", "run")),
    "resume without folder": Bad("train --resume", ("--out",)),
    "resume with other settings": Bad("train --resume --out {copy} --lr 0.5", ("lr", "0.5"), copy()),
    "resume from half a checkpoint": Bad("train --resume --out {copy}", ("checkpoint",), copy(halve_checkpoint)),
    "a later format": Bad("evaluate {copy}", ("format 99", "version"), copy(later_format)),
    "resume of a later format": Bad("train --resume --out {copy}", ("format 99",), copy(later_format)),
    "a later checkpoint": Bad(
        "train --resume --out {copy}", ("checkpoint format 7", "version"), copy(later_checkpoint)
    ),
    "resume and overwrite": Bad("train --resume --overwrite --out {copy}", ("resume and overwrite",), copy()),
    "half the weights": Bad("evaluate {copy}", ("model.safetensors",), copy(lambda r: halve(r / "model.safetensors"))),
    "no weights": Bad("evaluate {copy}", ("model.safetensors",), copy(lambda r: (r / "model.safetensors").unlink())),
    "damaged settings": Bad("evaluate {copy}", ("config.toml", "line 1"), copy(broken_config)),
    "not a run": Bad("evaluate {root}", ("not the folder of a run",), lambda f, r: {"root": _folder(f)}),
    # evaluate, predict, recall, report
    "unknown split": Bad("evaluate {run} --split tset", ("split", "test")),
    "unknown corruption": Bad("evaluate {run} --corrupt blurr:3", ("corruption 'blurr'", "did you mean 'blur'")),
    "severity 9": Bad("evaluate {run} --corrupt blur:9", ("1 to 5", "blur:9")),
    "data of another shape": Bad(
        "evaluate {run} --dataset {data}",
        ("[1, 8, 8]", "[40, 6, 6]"),
        npz(x_train=IMAGES[:, 1:7, 1:7], x_test=IMAGES[:8, 1:7, 1:7]),
    ),
    "data of other classes": Bad(
        "evaluate {run} --dataset {data}", ("10 classes", "12", "13"), npz(y_train=LABELS + 10)
    ),
    "missing input": Bad("predict {run} {new}/cat.png", ("cat.png", "no such file")),
    "input that is no image": Bad(
        "predict {run} {file}", ("cat.png", "not a readable image"), file("cat.png", b"meow")
    ),
    "input of another shape": Bad("predict {run} {file}", ("[1, 8, 8]", "[9, 9]"), array(np.zeros((9, 9), np.uint8))),
    "input with NaN": Bad("predict {run} {file}", ("not finite",), array(np.full((8, 8), np.nan))),
    "zero best": Bad("predict {run} {file} --best 0", ("best", "0"), array(IMAGES[0])),
    "unknown concept": Bad("recall {run} --concept eleven --out {new}.png", ("concept 'eleven'", "Known")),
    "unknown picture format": Bad("recall {run} --out {new}.xyz", (".xyz", ".png")),
    "report of no run": Bad(
        "report {root} --out {new}.html", ("not the folder of a run",), lambda f, r: {"root": _folder(f)}
    ),
    "two runs without a place": Bad("report {run} {run}", ("--out",)),
    # studies
    "compare with an unknown rule": Bad("compare --rules bsd,bpt --out {new}", ("rule 'bpt'", "did you mean 'bptt'")),
    "compare a rule with itself": Bad("compare --rules bsd,bsd --out {new}", ("bsd", "once")),
    "compare no rule": Bad("compare --rules , --out {new}", ("rules", "at least one")),
    "zero seeds": Bad("compare --rules bsd --seeds 0 --out {new}", ("seeds", "0")),
    "zero jobs": Bad("compare --rules bsd --jobs 0 --out {new}", ("jobs", "0")),
    "compare with a bad value": Bad("compare --rules bsd,bptt --lr nan --out {new}", ("lr", "nan")),
    "compare on unknown data": Bad("compare --rules bsd --dataset digit --out {new}", ("data set 'digit'", "digits")),
    "ablate without values": Bad("ablate --over lr --out {new}", ("KEY=V1,V2", "'lr'")),
    "ablate an unknown key": Bad("ablate --over strenght=1,2 --out {new}", ("setting 'strenght'", "strength")),
    "ablate over words": Bad("ablate --over lr=small,large --out {new}", ("lr", "'small'")),
    # data
    "info of nothing": Bad("data info mnits", ("data set 'mnits'", "did you mean 'mnist'")),
    "fetch of nothing": Bad("data fetch mnits", ("data set 'mnits'",)),
    "check of a bad file": Bad("data check {data}", ("not finite",), npz(x_train=NAN_IMAGES, x_test=NAN_IMAGES)),
}


def _savez(folder: Path, **arrays: np.ndarray) -> Path:
    np.savez(folder / "own.npz", **arrays)
    return folder / "own.npz"


def _folder(folder: Path, *names: str) -> Path:
    (folder / "empty").mkdir()
    for name in names:
        (folder / "empty" / name).write_text("precious")
    return folder / "empty"


def test_the_table_is_long_enough() -> None:
    assert len(CASES) >= 30


@pytest.mark.parametrize("name", CASES)
def test_a_bad_call_is_explained_and_changes_nothing(
    name: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    monkeypatch.chdir(tmp_path)
    values = {"run": trained, "new": tmp_path / "new", **case.make(tmp_path, trained)}
    before = fingerprint(tmp_path), fingerprint(trained)
    called = bispike(*(word.format(**values) for word in case.call.split()))
    assert called.status == case.status, called.err
    assert called.err.count("error:") + called.err.count("problem:") == 1, called.err
    assert "Traceback" not in called.err
    assert "internal error" not in called.err
    for word in case.words:
        assert word in called.err, called.err
    assert len(called.err) < 1500
    assert (fingerprint(tmp_path), fingerprint(trained)) == before


def test_memory_that_torch_cannot_allocate_is_no_internal_error() -> None:
    with pytest.raises(RuntimeError) as found:
        torch.empty(2**60, dtype=torch.uint8)
    assert describe(found.value) == (
        1,
        "error: out of memory; a smaller --batch-size or fewer --time-steps need less.",
    )
