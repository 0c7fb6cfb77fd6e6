"""Situations of arrays in memory and in NumPy files."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from bispike import models
from bispike.data import Dataset, from_arrays, load
from bispike.errors import ConfigurationError, DataError
from bispike.training import Run, fit
from tests.cli.conftest import bispike

from . import Situation

SITUATIONS: list[Situation] = []
_DIGITS = load_digits()
X, Y = _DIGITS.images[:400] / 16.0, _DIGITS.target[:400].astype(np.int64)
U8 = (X * 255).astype(np.uint8)
TRAIN, TEST = slice(0, 300), slice(300, 400)


def situation(what: str, right: str) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    """Enter a check into the list."""

    def enter(check: Callable[[Path], None]) -> Callable[[Path], None]:
        SITUATIONS.append(Situation(what, right, check))
        return check

    return enter


@cache
def trained(scale: Callable[[np.ndarray], np.ndarray]) -> Run:
    """A run on the digits in one unit and shape."""
    stored = scale(X)
    data = from_arrays(stored[TRAIN], Y[TRAIN], stored[TEST], Y[TEST])
    network = models.mlp(data.stimulus, [16], data.concept, time_steps=2)
    return fit(network, "bsd", data, epochs=2, progress=None)


def u8(x: np.ndarray) -> np.ndarray:
    return (x * 255).astype(np.uint8)


def u16(x: np.ndarray) -> np.ndarray:
    return (x * 60000).astype(np.uint16)


def unit(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32)


def rows255(x: np.ndarray) -> np.ndarray:
    return (x * 255).round().astype(np.float32).reshape(len(x), -1)


def bits(x: np.ndarray) -> np.ndarray:
    return x > 0.5


def signed(x: np.ndarray) -> np.ndarray:
    return (u8(x).astype(np.int16) - 128).astype(np.int8)


def labels(run: Run, *sources: Any) -> list[str]:
    return [row["label"] for row in run.predict(*sources).rows]


def agree(run: Run, one: Any, other: Any) -> None:
    assert labels(run, one) == labels(run, other)


def refused(words: str, call: Callable[[], object]) -> None:
    with pytest.raises((DataError, ConfigurationError), match=words):
        call()


def same(stored: np.ndarray, other: Any) -> None:
    """Both give the same data set, bit for bit."""
    one, two = from_arrays(stored, Y[: len(stored)]), from_arrays(other, Y[: len(stored)])
    assert torch.equal(one.train[:][0], two.train[:][0])
    assert one.stimulus == two.stimulus


def test_equals_evaluate(path: Path, run: Run, data: Dataset) -> None:
    found = run.predict(path)
    assert found.judged == len(data.test)
    assert found.accuracy == run.summary["test"]


@situation("uint16 images of at most 60000, then the same test images as int32", "the same decisions")
def _(folder: Path) -> None:
    run = trained(u16)
    np.save(folder / "x.npy", u16(X[TEST]).astype(np.int32))
    agree(run, folder / "x.npy", u16(X[TEST]))


@situation("uint16 images, then some of them whose values are at most 255", "divided by 65535, as in training")
def _(folder: Path) -> None:
    dark = (u16(X[TEST]) // 400).astype(np.uint16)
    schema = trained(u16).schema
    assert schema is not None
    expected = torch.from_numpy(dark.astype(np.float32)).div(65535)
    assert torch.equal(schema.of_array(dark, "array").stimuli[:, 0], expected)


@situation("flat rows of floats from 0 to 255, then rows of uint8", "the same decisions")
def _(folder: Path) -> None:
    np.save(folder / "x.npy", rows255(X[TEST]).astype(np.uint8))
    agree(trained(rows255), folder / "x.npy", rows255(X[TEST]))


@situation("images of uint8, then floats that are divided by 255 already", "the same decisions, with one note")
def _(folder: Path) -> None:
    run = trained(u8)
    found = run.predict(u8(X[TEST]) / 255)
    assert [row["label"] for row in found.rows] == labels(run, u8(X[TEST]))
    assert found.notes == ["array: values in 0..1 are taken as divided by 255 already."]


@situation("images of uint8, then floats from 0 to 255", "the same decisions")
def _(folder: Path) -> None:
    agree(trained(u8), u8(X[TEST]).astype(np.float32), u8(X[TEST]))


@situation("images of uint8, then images of 0 and 1 as floats", "refused: the unit cannot be told")
def _(folder: Path) -> None:
    refused("cannot tell whether values from 0 to 1", lambda: trained(u8).predict(bits(X[TEST]).astype(np.float32)))


@situation("images of uint8, then masks of truth values", "true is white, as in a data set of masks")
def _(folder: Path) -> None:
    agree(trained(u8), bits(X[TEST]), bits(X[TEST]).astype(np.uint8) * 255)


@situation("images of uint8, then uint16 up to 60000", "refused with the unit of the training")
def _(folder: Path) -> None:
    refused(r"expected values in 0\.\.255, received 0 to 60000", lambda: trained(u8).predict(u16(X[TEST])))


@situation("images of uint8, then standardised floats", "refused with the unit of the training")
def _(folder: Path) -> None:
    refused(r"expected values in 0\.\.255", lambda: trained(u8).predict((X[TEST] - X.mean()) / X.std()))


@situation("images of floats from 0 to 1, then uint8 up to 255", "refused: near 0 to 1 is expected")
def _(folder: Path) -> None:
    refused("near those of training, 0 to 1", lambda: trained(unit).predict(u8(X[TEST])))


@situation("images of floats from 0 to 1, then float64 and float16", "the same decisions")
def _(folder: Path) -> None:
    run = trained(unit)
    agree(run, X[TEST], unit(X[TEST]))
    agree(run, X[TEST].astype(np.float16), unit(X[TEST]))  # sixteenths are exact in half precision


@situation("images of int8 from -128 to 127, then uint8 of the same pixels", "used in that unit, with a note")
def _(folder: Path) -> None:
    found = trained(signed).predict(u8(X[TEST]))
    assert "lie outside those of training, -128 to 127" in found.notes[0]


@situation("masks of truth values, then uint8 of 0 and 1, and of 0 and 255", "the same; 255 is refused")
def _(folder: Path) -> None:
    run = trained(bits)
    agree(run, bits(X[TEST]).astype(np.uint8), bits(X[TEST]))
    agree(run, bits(X[TEST]).astype(np.float64), bits(X[TEST]))
    refused(r"expected values in 0\.\.1, received 0 to 255", lambda: run.predict(bits(X[TEST]).astype(np.uint8) * 255))


@situation("one image, and the same image in a batch", "the same decision")
def _(folder: Path) -> None:
    run = trained(u8)
    alone = [labels(run, image)[0] for image in U8[TEST]]
    assert alone == labels(run, U8[TEST])


@situation("a batch cut into uneven pieces in several files", "the decisions of the whole, in order")
def _(folder: Path) -> None:
    run = trained(u8)
    for number, (first, last) in enumerate([(300, 301), (301, 340), (340, 400)]):
        np.save(folder / f"{number}.npy", U8[first:last])
    assert labels(run, *(folder / f"{number}.npy" for number in range(3))) == labels(run, U8[TEST])


@situation("images of other axes: channels last, flat, Fortran order, big-endian, every second row", "the same")
def _(folder: Path) -> None:
    run, images = trained(u16), u16(X[TEST])
    for other in (
        images[..., None],
        images[:, None],
        images.reshape(len(images), -1),
        np.asfortranarray(images),
        images.astype(">u2"),
        np.repeat(images, 2, axis=0)[::2],
    ):
        agree(run, other, images)


@situation("a file in big-endian and Fortran order", "the same stimuli")
def _(folder: Path) -> None:
    np.savez(folder / "x.npz", x=np.asfortranarray(u16(X).astype(">u2")), y=Y.astype(">i4"))
    np.savez(folder / "y.npz", x=u16(X), y=Y)
    assert torch.equal(load(folder / "x.npz").train[:][0], load(folder / "y.npz").train[:][0])


@situation("uint8 images as int64, float32, float64 or a tensor of bfloat16", "bit-identical stimuli")
def _(folder: Path) -> None:
    for kind in (np.int16, np.int64, np.uint32, np.float32, np.float64):
        same(U8, U8.astype(kind))
    same(U8, torch.from_numpy(U8))
    same(U8 // 16 * 16, torch.from_numpy(U8 // 16 * 16).bfloat16())


@situation("pixels of 8 bits in an array of uint16", "divided by 255, not by 65535")
def _(folder: Path) -> None:
    same(U8, U8.astype(np.uint16))


@situation("black and white as bool, uint8 of 0 and 1, float of 0 and 1", "bit-identical stimuli of 0 and 1")
def _(folder: Path) -> None:
    same(bits(X), bits(X).astype(np.uint8))
    same(bits(X), bits(X).astype(np.float64))
    assert from_arrays(bits(X).astype(np.uint8), Y).train[:][0].max() == 1


@situation("features of uint8 and the same as floats", "bit-identical stimuli: features have no common unit")
def _(folder: Path) -> None:
    same(U8.reshape(400, -1), U8.reshape(400, -1).astype(np.float64))


@situation(
    "USPS as .npz: images 16 x 16 of floats from -1 to 1, labels of uint8", "trains; predict judges its test part"
)
def _(folder: Path) -> None:
    big = np.kron(X, np.ones((2, 2))).astype(np.float32) * 2 - 1
    np.savez(
        folder / "usps.npz", x_train=big[TRAIN], y_train=Y[TRAIN].astype(np.uint8), x_test=big[TEST], y_test=Y[TEST]
    )
    words = ["--model", "mlp", "--set", "widths=[8]", "--time-steps", "2", "--epochs", "1"]
    called = bispike("train", "--dataset", folder / "usps.npz", *words, "--out", folder / "run", "--json")
    assert called.status == 0, called.err
    found = bispike("predict", folder / "run", folder / "usps.npz", "--json")
    assert found.status == 0, found.err
    assert found.json["accuracy"] == called.json["test"]
    assert found.json["judged"] == 100


@situation("predict on the training file with test part", "the accuracy of evaluate")
def _(folder: Path) -> None:
    np.savez(folder / "d.npz", x_train=U8[TRAIN], y_train=Y[TRAIN], x_test=U8[TEST], y_test=Y[TEST])
    data = load(folder / "d.npz")
    run = fit(models.mlp(data.stimulus, [8], data.concept, time_steps=2), "bsd", data, epochs=1, progress=None)
    test_equals_evaluate(folder / "d.npz", run, data)


@situation("names of arrays as of MedMNIST, Keras, scikit-learn, or with other capitals", "found")
def _(folder: Path) -> None:
    for x, y in (
        ("train_images", "train_labels"),
        ("X", "y"),
        ("data", "target"),
        ("images", "labels"),
        ("arr_0", "arr_1"),
    ):
        np.savez(folder / "a.npz", **{x: U8, y: Y})
        assert load(folder / "a.npz").concept.classes == 10
    np.savez(folder / "a.npz", X_train=U8[TRAIN], Y_train=Y[TRAIN], X_test=U8[TEST], Y_test=Y[TEST])
    assert len(load(folder / "a.npz").test) == 100


@situation("arrays beside the stimuli that nobody uses (ids, weights)", "a note names them")
def _(folder: Path) -> None:
    np.savez(folder / "a.npz", x=U8, y=Y, ids=np.arange(400), weights=np.ones(400))
    assert "arrays that are not used: ids, weights." in load(folder / "a.npz").notes


@situation("x_train, y_train and x_test without y_test", "refused: labels are missing")
def _(folder: Path) -> None:
    np.savez(folder / "a.npz", x_train=U8, y_train=Y, x_test=U8)
    refused("received x_test without the other", lambda: load(folder / "a.npz"))


@situation("training images in 0..255, test images divided by 255", "refused: both parts need one unit")
def _(folder: Path) -> None:
    refused("the same unit", lambda: from_arrays(U8, Y, U8[:100] / 255, Y[:100]))


@situation("training images divided by 255, test images in 0..255", "refused")
def _(folder: Path) -> None:
    refused("in the unit of the training data", lambda: from_arrays(U8 / 255, Y, U8[:100], Y[:100]))


@situation("a masked array with masked values", "refused with how to fill them")
def _(folder: Path) -> None:
    refused("masked ones. Fill them", lambda: from_arrays(np.ma.masked_equal(U8, 0), Y))


@situation("a sparse matrix of SciPy", "refused with toarray()")
def _(folder: Path) -> None:
    from scipy.sparse import csr_matrix

    refused(r"Use x\.toarray\(\)", lambda: from_arrays(csr_matrix(U8.reshape(400, -1)), Y))


@situation("a tensor that needs a gradient, and one that is not contiguous", "the same stimuli")
def _(folder: Path) -> None:
    tensor = torch.from_numpy(X.astype(np.float32))
    same(X, tensor.clone().requires_grad_())
    same(X, tensor.transpose(1, 2).contiguous().transpose(1, 2))


@situation("NaN in an array to predict", "refused with the place")
def _(folder: Path) -> None:
    broken = X[TEST].copy()
    broken[3, 2, 1] = np.nan
    refused(r"not finite.*\[3, 0, 2, 1\]", lambda: trained(unit).predict(broken))


@situation("texts, complex numbers or dates as stimuli", "refused: numbers are expected")
def _(folder: Path) -> None:
    run = trained(unit)
    for values in (X.astype(str), X.astype(complex), np.zeros(3, "datetime64[s]")):
        refused("expected numbers", lambda values=values: run.predict(values))


@situation("labels of another set: a class that the training does not have", "refused by name")
def _(folder: Path) -> None:
    np.savez(folder / "a.npz", x=U8[TEST], y=np.where(Y[TEST] == 3, 12, Y[TEST]))
    refused("12 not among the 10 classes", lambda: trained(u8).predict(folder / "a.npz"))


@situation("another set in which only some of the classes occur", "judged by name, not by order")
def _(folder: Path) -> None:
    few = np.isin(Y[TEST], (3, 7))
    np.savez(folder / "a.npz", x=U8[TEST][few], y=Y[TEST][few])
    found = trained(u8).predict(folder / "a.npz")
    assert {row["true"] for row in found.rows} == {"3", "7"}
    data = load(folder / "a.npz", like=trained(u8).schema)
    assert data.concept.names == tuple("0123456789")
    assert set(data.test.labels.tolist()) | set(data.train.labels.tolist()) == {3, 7}


@situation("labels as texts in training, then the same texts in another order of first appearance", "judged by name")
def _(folder: Path) -> None:
    words = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])[Y]
    data = from_arrays(U8, words)
    run = fit(models.mlp(data.stimulus, [8], data.concept, time_steps=2), "bsd", data, epochs=1, progress=None)
    np.savez(folder / "a.npz", x=U8[::-1], y=words[::-1])
    assert [row["true"] for row in run.predict(folder / "a.npz").rows] == words[::-1].tolist()


@situation("images of three channels whose height, width and channels are all 3", "axes as in training")
def _(folder: Path) -> None:
    draw = np.random.default_rng(0).integers(0, 256, (40, 3, 3, 3), dtype=np.uint8)
    for layout in ("channels-first", "channels-last"):
        data = from_arrays(draw, np.arange(40) % 2, layout=layout)
        assert data.schema is not None
        read = data.schema.of_array(draw, "array").stimuli
        assert torch.equal(
            read, from_arrays(draw, np.arange(40) % 2, draw, np.arange(40) % 2, layout=layout).train[:][0]
        )


@situation("evaluate on an .npz of the same images as float32 in 0..255", "the accuracy of the original")
def _(folder: Path) -> None:
    for name, images in (("a", U8), ("b", U8.astype(np.float32)), ("c", U8.astype(np.int64))):
        np.savez(folder / f"{name}.npz", x_train=images[TRAIN], y_train=Y[TRAIN], x_test=images[TEST], y_test=Y[TEST])
    words = ["--model", "mlp", "--set", "widths=[8]", "--time-steps", "2", "--epochs", "1", "--out", folder / "run"]
    called = bispike("train", "--dataset", folder / "a.npz", *words, "--json")
    for name in "abc":
        found = bispike("evaluate", folder / "run", "--dataset", folder / f"{name}.npz", "--json")
        assert found.json["test"] == called.json["test"]


@situation("the run's schema.json says how its data were read", "unit, axes and classes")
def _(folder: Path) -> None:
    np.savez(folder / "a.npz", x=u16(X), y=Y)
    words = ["--model", "mlp", "--set", "widths=[8]", "--time-steps", "2", "--epochs", "1", "--out", folder / "run"]
    assert bispike("train", "--dataset", folder / "a.npz", *words).status == 0
    text = (folder / "run" / "schema.json").read_text()
    assert '"divisor": 65535.0' in text
    (folder / "run" / "schema.json").write_text(text.replace("65535.0", "-1"))
    called = bispike("predict", folder / "run", folder / "a.npz")
    assert called.status == 2
    assert "units: divisor: expected a number of at least" in called.err
    (folder / "run" / "schema.json").unlink()
    called = bispike("predict", folder / "run", folder / "a.npz")
    assert called.status == 2
    assert "how its data were read" in called.err


@situation("arrays x_val and y_val beside x_train and x_test, as MedMNIST has", "used as the validation part")
def _(folder: Path) -> None:
    parts = {"train": slice(0, 250), "val": slice(250, 300), "test": TEST}
    arrays = {f"{part}_images": U8[rows] for part, rows in parts.items()}
    np.savez(folder / "a.npz", **arrays, **{f"{part}_labels": Y[rows][:, None] for part, rows in parts.items()})
    data = load(folder / "a.npz")
    assert data.validation is not None
    assert torch.equal(data.validation.labels, torch.from_numpy(Y[250:300]))
    assert len(data.split_validation(0.1, seed=0)[0]) == 250
