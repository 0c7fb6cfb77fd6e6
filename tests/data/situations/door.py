"""Situations of the Python door: what people hand to a network, a learner and a memory."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import bispike
from bispike.data import Dataset
from bispike.errors import BispikeError, ConfigurationError, ShapeError
from bispike.nn import Classifier

from . import Situation

B = 24
Values = Callable[[Tensor, Tensor], Any]
"""What is handed over, from the stimuli float32 `[B, 1, 8, 8]` and their pixels uint8."""


@functools.cache
def digits() -> Dataset:
    return bispike.data.load("digits")


@functools.cache
def digits_run() -> Any:
    """A run on digits, trained for a moment; nobody changes it."""
    network = bispike.models.mlp(digits().stimulus, [32, 24], digits().concept)
    return bispike.fit(network, "bsd", digits(), epochs=1, limit=300, lr=5e-3, batch_size=32, progress=None)


@functools.cache
def trained() -> Classifier:
    return digits_run().network


def network_of_the_run() -> Classifier:
    """A network of its own with the weights of the run."""
    return copy.deepcopy(trained())


def stimuli_and_pixels() -> tuple[Tensor, Tensor]:
    return digits().test[:B][0], digits().test.stimuli[:B]


def _same(what: str, given: Values, right: str = "decided as the stimuli of the data set, bit for bit") -> Situation:
    def check(tmp_path: Path) -> None:
        stimuli, pixels = stimuli_and_pixels()
        network, values = network_of_the_run(), given(stimuli, pixels)
        scores = network.logits(stimuli)
        assert torch.equal(network.logits(values), scores)
        assert torch.equal(network.perceive(values), scores.argmax(1))
        assert torch.equal(network(values).detach(), network(stimuli).detach())
        learner = bispike.online.Learner(network)
        assert torch.equal(learner.observe(values).scores, learner.observe(stimuli).scores)

    return Situation(f"`net.perceive` of {what}", right, check)


def _refused(what: str, given: Values, match: str, right: str, error: type[BispikeError] = BispikeError) -> Situation:
    def check(tmp_path: Path) -> None:
        network, values = network_of_the_run(), given(*stimuli_and_pixels())
        learner = bispike.online.Learner(network)
        for door in (network.perceive, network.logits, network, network.observe, learner.observe):
            with pytest.raises(error, match=match):
                door(values)

    return Situation(f"`net.perceive` of {what}", f"refused: {right}", check)


def _read_only(stimuli: Tensor, pixels: Tensor) -> np.ndarray[Any, Any]:
    array = stimuli.numpy().copy()
    array.setflags(write=False)
    return array


class Named(Tensor):
    """A tensor with a class of its own, as image libraries have."""


def _without_divisor(tmp_path: Path) -> None:
    network = bispike.models.mlp((1, 8, 8), [16], 10)
    with pytest.raises(ConfigurationError, match=r"as_float"):
        network.perceive(stimuli_and_pixels()[1])


def _features(tmp_path: Path) -> None:
    stimulus = bispike.Stimulus((3,), (2.0, 5.0, 9.0), (1.0, 2.0, 3.0), divisor=1.0, limits=(0.0, 20.0))
    network = bispike.models.mlp(stimulus, [16], 2)
    rows = torch.tensor([[1, 2, 900], [3, 4, 5]])
    assert torch.equal(network.logits(rows), network.logits(rows.float()))


def _words(tmp_path: Path) -> None:
    stimulus = bispike.Stimulus((1, 8, 8), divisor=65535.0, limits=(0.0, 1.0))
    network = bispike.models.mlp(stimulus, [16], 2)
    values = torch.randint(0, 65536, (4, 1, 8, 8))
    expected = network.logits(values.float() / 65535)
    assert torch.equal(network.logits(values.numpy().astype(">u2")), expected)
    assert torch.equal(network.logits(values.int()), expected)


def _spikes(tmp_path: Path) -> None:
    network = bispike.models.mlp((4, 6), [16], 2, stimulus_code="given")
    spikes = torch.rand(5, 4, 6).round()
    assert torch.equal(network.logits(spikes.to(torch.int16)), network.logits(spikes))
    assert torch.equal(network.logits(spikes.bool()), network.logits(spikes))
    with pytest.raises(ConfigurationError, match="0 and 1"):
        network.logits(spikes.int() * 3)


def _doors_of_an_autoencoder(tmp_path: Path) -> None:
    network = bispike.models.autoencoder(digits().stimulus, [16, 8], digits().concept)
    stimuli, pixels = stimuli_and_pixels()
    assert torch.equal(network.compress(pixels.numpy()), network.compress(stimuli))
    assert torch.equal(network.reconstruct(pixels.long()), network.reconstruct(stimuli))
    assert torch.equal(network.expand(network.compress(stimuli).numpy()), network.reconstruct(stimuli))
    for door in (network.compress, network.reconstruct):
        with pytest.raises(ConfigurationError, match="divide them by 255"):
            door(stimuli * 255)


def _symbols(tmp_path: Path) -> None:
    network = bispike.models.rnn(bispike.Stimulus((5,)), [8], bispike.Concept.of(5), symbols=True)
    symbols = torch.randint(0, 5, (2, 7))
    for values in (symbols.numpy().astype(np.uint8), symbols.to(torch.int16), symbols.numpy().astype(">i4")):
        assert torch.equal(network.logits(values), network.logits(symbols))
    for wrong in (symbols.float(), symbols.bool(), symbols + 9, symbols.numpy().astype(str)):
        with pytest.raises(BispikeError, match=r"symbols|real numbers"):
            network.logits(wrong)


def _labels(tmp_path: Path) -> None:
    network = trained()
    expected = network.recall(torch.tensor([3, 1]))
    for labels in (np.array([3, 1]), np.array([3, 1], ">u2"), torch.tensor([3, 1], dtype=torch.uint8)):
        assert torch.equal(network.recall(labels), expected)
    for wrong in (torch.tensor([3.0]), torch.tensor([True]), np.array([99]), np.array([2**63], np.uint64), [3], 3):
        with pytest.raises(BispikeError, match="labels"):
            network.recall(wrong)  # type: ignore[arg-type]


def _taught(tmp_path: Path) -> None:
    weights = []
    for label in (7, np.int64(7), np.array(7), np.array([7], np.uint8), torch.tensor([7], dtype=torch.int16), "7"):
        learner = bispike.online.Learner(network_of_the_run())
        learner.observe(stimuli_and_pixels()[1][0].numpy())
        learner.teach(label)
        weights.append(learner.network.layers[0].up.synapse.weight.detach())
    assert all(torch.equal(weight, weights[0]) for weight in weights)


def _taught_wrong(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    learner = bispike.online.Learner(network_of_the_run())
    wrong = (True, 7.0, np.float64(7), torch.tensor([7.0]), np.array([True]), np.array(["7"]), pandas.Series([7]), None)
    for label in wrong:
        learner.observe(stimuli_and_pixels()[0][:1])
        with pytest.raises(BispikeError, match="label"):
            learner.teach(label)  # type: ignore[arg-type]
    assert learner.taught == 0


def _schema_kept(tmp_path: Path) -> None:
    learner = bispike.online.Learner(network_of_the_run(), schema=digits_run().schema)
    learner.save(tmp_path / "learner")
    again = bispike.online.Learner.load(tmp_path / "learner")
    assert again.schema == digits_run().schema
    np.save(tmp_path / "some.npy", stimuli_and_pixels()[1][:3].numpy().astype(np.float64))
    read = again.read(tmp_path / "some.npy")
    assert torch.equal(again.observe(read).scores, learner.observe(stimuli_and_pixels()[0][:3]).scores)
    with pytest.raises(ConfigurationError, match=r"schema=run\.schema"):
        bispike.online.Learner(network_of_the_run()).read(tmp_path / "some.npy")


def _nothing_in_a_batch(tmp_path: Path) -> None:
    network = trained()
    assert network.perceive(torch.zeros(0, 1, 8, 8)).shape == (0,)
    assert network.perceive(np.zeros((0, 1, 8, 8), np.uint8)).shape == (0,)
    with pytest.raises(ShapeError, match="at least one"):
        bispike.online.Learner(network_of_the_run()).observe(torch.zeros(0, 1, 8, 8))


def _loader(tmp_path: Path) -> None:
    network, part = trained(), digits().test.subset(range(B))
    for stimuli, labels in torch.utils.data.DataLoader(part, batch_size=10):
        assert network.perceive(stimuli).shape == labels.shape
    batch = next(iter(torch.utils.data.DataLoader(part, batch_size=10)))
    with pytest.raises(ConfigurationError, match=r"stimul.*label"):
        network.perceive(batch)


SITUATIONS: list[Situation] = [
    _same("`x.double()`", lambda x, p: x.double()),
    _same("a NumPy array", lambda x, p: x.numpy()),
    _same("a NumPy array of float64 in Fortran order", lambda x, p: np.asfortranarray(x.numpy().astype(np.float64))),
    _same("an array of float32 in the byte order of other machines", lambda x, p: x.numpy().astype(">f4")),
    _same("a read-only array, as `np.load(..., mmap_mode='r')` gives", _read_only),
    _same("every second row of an array, from the end", lambda x, p: x.repeat_interleave(2, 0).flip(0).numpy()[::-2]),
    _same("an array of long double", lambda x, p: x.numpy().astype(np.longdouble)),
    _same("pixels of uint8, as the data set keeps them", lambda x, p: p),
    _same("a NumPy array of uint8", lambda x, p: p.numpy()),
    _same("pixels of int64 in 0..255", lambda x, p: p.long()),
    _same("pixels of int16", lambda x, p: p.to(torch.int16)),
    _same("pixels of uint16 of torch", lambda x, p: p.to(torch.uint16)),
    _same("pixels of big-endian int32", lambda x, p: p.numpy().astype(">i4")),
    _same("pixels of uint64", lambda x, p: p.numpy().astype(np.uint64)),
    _same("a tensor that requires a gradient", lambda x, p: x.clone().requires_grad_()),
    _same("a parameter", lambda x, p: torch.nn.Parameter(x.clone())),
    _same("a tensor that is not contiguous", lambda x, p: x.transpose(2, 3).contiguous().transpose(2, 3)),
    _same("a subclass of tensor, as image libraries have", lambda x, p: x.clone().as_subclass(Named)),
    _same("a masked array without masked values", lambda x, p: np.ma.masked_array(x.numpy())),
]


def _truth(tmp_path: Path) -> None:
    network, mask = trained(), stimuli_and_pixels()[0] > 0.5
    expected = network.logits(mask.float())
    assert torch.equal(network.logits(mask), expected)
    assert torch.equal(network.logits(mask.numpy()), expected)


SITUATIONS += [
    Situation("`net.perceive` of a mask of bool", "0 and 1 in the units of the data", _truth),
    _refused("floats in 0..255", lambda x, p: p.float(), "divide them by 255", "divide by 255"),
    _refused("floats in 0..65535", lambda x, p: x * 65535, "divide them by 65535", "divide by 65535"),
    _refused("pixels of 16 bits for a network of 8 bits", lambda x, p: p.int() * 257, r"0\.\.255", "0..255 expected"),
    _refused("pixels as int8, which overflowed", lambda x, p: p.to(torch.int8), r"0\.\.255", "0..255 expected"),
    _refused("stimuli with NaN", lambda x, p: x.masked_fill(x == 0, torch.nan), "NaN", "with the number of samples"),
    _refused("float64 beyond float32", lambda x, p: x.double() * 1e300, "beyond the range", "not finite in float32"),
    _refused("a list", lambda x, p: x.tolist(), r"torch\.tensor", "torch.tensor(...) makes a tensor"),
    _refused("complex numbers", lambda x, p: x.to(torch.complex64), "real", "real numbers expected"),
    _refused("a complex array", lambda x, p: x.numpy().astype(complex), "real numbers", "real numbers expected"),
    _refused("a sparse tensor", lambda x, p: x.to_sparse(), "sparse", "dense tensor expected"),
    _refused("an array of objects", lambda x, p: np.array([None, 1]), "object", "numbers expected"),
    _refused("an array of text", lambda x, p: x.numpy().astype(str), "real numbers", "numbers expected"),
    _refused("a masked array", lambda x, p: np.ma.masked_less(x.numpy(), 0.5), "filled", "fill the masked values"),
    _refused("a row of the data set", lambda x, p: digits().test[:2], "first part", "give the stimulus alone"),
    _refused("a part of the data set itself", lambda x, p: digits().test, r"split\[:\]", "how to take its stimuli"),
    _refused("images without their channel axis", lambda x, p: x[:, 0], "shape", "the shape is named", ShapeError),
    Situation("pixels for a network without a data set", "refused: bispike.data.as_float", _without_divisor),
    Situation("whole numbers for a table of features", "as they are, also far outside of the training", _features),
    Situation("uint16 of another byte order for a network of 16-bit images", "divided by 65535", _words),
    Situation("spikes of bool or int16", "as spikes of float32; other whole numbers are refused", _spikes),
    Situation("`compress`, `reconstruct`, `expand` of arrays and pixels", "as `perceive`", _doors_of_an_autoencoder),
    Situation("symbols of uint8 or int16 for a network of text", "as int64; floats and bool are refused", _symbols),
    Situation(
        "`net.recall` of labels of NumPy, uint8, float, bool", "whole numbers recall, others are refused", _labels
    ),
    Situation("`learner.teach` of 7, np.int64(7), np.array(7), '7'", "all teach the same", _taught),
    Situation("`learner.teach(True)`, of floats, of a Series", "refused, nothing is taught", _taught_wrong),
    Situation("a saved learner, then a file", "the schema is kept; the file is read as in training", _schema_kept),
    Situation("an empty batch", "no decisions; a learner refuses it", _nothing_in_a_batch),
    Situation("batches of a `DataLoader`", "stimuli are decided; the pair is refused", _loader),
]
