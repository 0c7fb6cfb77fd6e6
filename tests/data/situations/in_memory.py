"""Situations of what a user has in memory, or in files without names, and of labels as people write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bispike import models
from bispike.data import from_arrays, load
from bispike.errors import ConfigurationError, DataError
from bispike.online import Learner
from bispike.training import fit

from . import Situation
from .arrays import TEST, U8, X, Y, labels, trained, u8
from .event_makers import E, events, not_used, npz, used
from .event_makers import trained as events_run


def named_arrays(folder: Path) -> None:
    run = trained(u8)
    np.savez(folder / "x.npz", x=U8[TEST], y=Y[TEST])
    with np.load(folder / "x.npz") as arrays:
        found = run.predict(arrays)
    assert found.judged == len(Y[TEST])
    assert [row["label"] for row in found.rows] == labels(run, U8[TEST])
    assert labels(run, {"images": U8[TEST]}) == labels(run, U8[TEST])
    np.savez(folder / "o.npz", x=np.array([[1], [2, 3]], dtype=object))
    with np.load(folder / "o.npz") as arrays, pytest.raises(DataError, match="Object arrays cannot be loaded"):
        run.predict(arrays)


def named_events(folder: Path) -> None:
    assert np.array_equal(used(events())[0], used(npz(folder))[0])
    assert len(events_run().predict(events()).rows) == 24


def unnamed_events(folder: Path) -> None:
    first = {key: events()[key][:E] for key in "txyp"}
    expected = used(npz(folder, first))[0]
    rows = np.stack([first[key] for key in "txyp"], axis=1)
    seconds = np.stack([first["t"] / 1e6, *(first[key] for key in "xyp")], axis=1)
    pd.DataFrame(rows).to_csv(folder / "e.csv", header=False, index=False)
    pd.DataFrame(seconds).to_csv(folder / "e.txt", sep=" ", header=False, index=False)
    for source in (rows, pd.DataFrame(rows), folder / "e.csv", folder / "e.txt"):
        stimuli, notes = used(source)
        assert np.array_equal(stimuli, expected)
        assert any("read in the order txyp" in note for note in notes)
    not_used(pd.DataFrame(rows[:, :3], columns=list("abc")), "expected the columns t, x, y, p .* received a, b, c")


def smaller_unit(folder: Path) -> None:
    run = trained(u8)
    for dark in (X[TEST] * 16, X[TEST] * 100, U8[TEST] // 255):
        assert "below half of the largest of training, 255; is the unit the same?" in run.predict(dark).notes[0]
    assert not run.predict(U8[TEST]).notes
    assert not run.predict(U8[0] * 0).notes


def part_of_a_data_set(folder: Path) -> None:
    data = from_arrays(U8, Y)
    for source in (data, data.test):
        with pytest.raises(DataError, match=r"Give data\.test\.stimuli"):
            trained(u8).predict(source)


def texts_with_spaces(folder: Path) -> None:
    names = np.array([" cat", "dog\n"])[Y % 2]
    assert from_arrays(U8, names).concept.names == ("cat", "dog")
    assert from_arrays(U8, names.astype("S")).concept.names == ("cat", "dog")
    assert from_arrays(U8, names.astype(object)).concept.names == ("cat", "dog")
    with pytest.raises(DataError, match="200 labels are empty texts, the first at row 0"):
        from_arrays(U8, np.array(["", "dog"] * 200))


def transparent_drawings_of_both_shades(folder: Path) -> None:
    for name, shade in (("a", 0), ("b", 255)):
        (folder / name).mkdir()
        for number in range(4):
            drawing = np.full((6, 6, 4), shade, dtype=np.uint8)
            drawing[..., 3] = np.arange(6)[:, None] < 3 + number % 2
            drawing[..., 3] *= 255
            Image.fromarray(drawing).save(folder / name / f"{number}.png")
    assert any("4 of 8 training images show nearly nothing but black" in note for note in load(folder).notes)


def rate_network(folder: Path) -> None:
    data = from_arrays(U8, Y)
    run = fit(models.mlp(data.stimulus, [8], data.concept), "backprop", data, epochs=1, progress=None)
    with pytest.raises(ConfigurationError, match="decides by spikes"):
        Learner(run.network)


def own_decision(folder: Path) -> None:
    data = from_arrays(U8, Y)
    network = models.mlp(data.stimulus, [16], data.concept)
    run = fit(network, "forward-forward", data, epochs=1, progress=None)
    with pytest.raises(ConfigurationError, match="'forward-forward' decides in a way of its own"):
        Learner(run.network)


SITUATIONS = [
    Situation(
        "what `np.load` gives of an .npz, or a dictionary of arrays, to `run.predict`", "as the file", named_arrays
    ),
    Situation("a dictionary of events in memory", "as the file", named_events),
    Situation(
        "one recording of four columns without names: array, DataFrame, .csv, .txt in seconds",
        "the order is recognised and noted",
        unnamed_events,
    ),
    Situation("pixels in 0..16, percent or 0 and 1 for a run on 0..255", "noted: is the unit the same?", smaller_unit),
    Situation("a data set or a part of it to `run.predict`", "refused: give its stimuli", part_of_a_data_set),
    Situation("labels as texts with spaces around them; empty ones", "the same class; refused", texts_with_spaces),
    Situation(
        "black and white drawings on transparent ground in one set",
        "noted: some are lost on any ground",
        transparent_drawings_of_both_shades,
    ),
    Situation("a learner of a network of rates, trained by backprop", "refused: it decides by spikes", rate_network),
    Situation(
        "a learner of a network that `forward-forward` trained", "refused: it decides in another way", own_decision
    ),
]
