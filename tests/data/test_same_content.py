"""The same content gives the same stimuli, bit for bit, in whatever type, order, layout or format it is stored."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bispike import models
from bispike.data import Dataset, from_arrays, load
from bispike.data.formats.table import from_table
from bispike.data.readers.table import Table
from bispike.training import Run, fit

COUNT = 12
LABELS = np.arange(COUNT) % 3
WORDS = np.array(["ant", "bee", "cat"])[LABELS]
FEATURES = ("length", "width", "3", "ü")
CONTENT = {
    "pixels": np.random.default_rng(0).integers(0, 256, (COUNT, 4, 5)),
    "levels": np.random.default_rng(1).integers(0, 60_000, (COUNT, 4, 5)),
    "masks": np.random.default_rng(2).integers(0, 2, (COUNT, 4, 5)),
    "counts": np.random.default_rng(3).integers(-100, 100, (COUNT, 4)),
}
KINDS = ["b1", "u1", "i1", "<u2", ">u2", "<i2", "<i4", ">i4", "<u8", ">i8", "<f4", ">f4", "<f8", ">f8"]


def holds(kind: str, values: np.ndarray) -> bool:
    """Whether a type holds these values exactly."""
    return bool((values.astype(kind).astype(np.float64) == values).all())


def layouts(values: np.ndarray) -> dict[str, np.ndarray]:
    """The same array in several layouts of memory."""
    turned = np.ascontiguousarray(values[::-1])[::-1]
    read_only = values.copy()
    read_only.setflags(write=False)
    spaced = np.repeat(values, 3, axis=-1)[..., ::3]
    return {"fortran": np.asfortranarray(values), "turned": turned, "read-only": read_only, "spaced": spaced}


def stimuli(data: Dataset) -> torch.Tensor:
    return torch.cat([data.train[:][0], data.test[:][0]])


@pytest.mark.parametrize("content", CONTENT)
def test_every_type_byte_order_and_layout(content: str, tmp_path: Path) -> None:
    values = CONTENT[content]
    expected = from_arrays(values.astype(np.float64), LABELS)
    fitting = [kind for kind in KINDS if holds(kind, values)]
    assert len(fitting) >= 6
    for kind in fitting:
        stored = values.astype(kind)
        for array in (stored, *layouts(stored).values()):
            found = from_arrays(array, LABELS)
            assert torch.equal(stimuli(found), stimuli(expected)), kind
            assert found.stimulus == expected.stimulus
        np.savez(tmp_path / "x.npz", x=np.asfortranarray(stored), y=LABELS.astype(">i2"))
        np.savez_compressed(tmp_path / "y.npz", x=stored, y=LABELS.astype(np.float64).astype(int))
        for name in ("x.npz", "y.npz"):
            assert torch.equal(stimuli(load(tmp_path / name)), stimuli(expected))


def table(order: list[int], values: np.ndarray) -> pd.DataFrame:
    """Features in some order of the columns, with the classes after the first column."""
    frame = pd.DataFrame({FEATURES[i]: values[:, i] for i in order})
    frame.insert(1, "species", WORDS)
    return frame


NUMBERS = st.one_of(
    st.integers(-(2**53), 2**53).map(float),
    st.floats(-1e30, 1e30, allow_nan=False).filter(lambda x: x == 0 or abs(x) > 1e-30),
)


@settings(max_examples=25, deadline=None)
@given(
    values=st.lists(st.lists(NUMBERS, min_size=4, max_size=4), min_size=COUNT, max_size=COUNT),
    order=st.permutations(range(4)),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n"]),
    mark=st.sampled_from(["", "\ufeff"]),
)
def test_every_notation_of_a_table(
    values: list[list[float]], order: list[int], separator: str, end: str, mark: str
) -> None:
    matrix = np.array(values) + 0.0
    matrix[0] += 0.5  # a column of whole numbers 0, 1, 2 ... would count the rows
    frame = table([0, 1, 2, 3], matrix)
    expected = from_table(frame, target="species")
    assert expected.schema is not None
    with tempfile.TemporaryDirectory() as folder:
        text = table(order, matrix).to_csv(index=False, sep=separator, lineterminator=end)
        content = (mark + text).encode()
        packers = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
        for ending, pack in packers.items():
            path = Path(folder) / f"t.csv{ending}"
            path.write_bytes(pack(content))
            read = load(path, target="species", like=expected.schema)
            assert torch.equal(stimuli(read), stimuli(expected))
            fresh = load(path, target="species")
            names = [FEATURES[i] for i in order]
            places = [names.index(name) for name in FEATURES]
            assert torch.equal(stimuli(fresh)[:, places], stimuli(expected))
    arrays = from_arrays(matrix, WORDS)
    assert torch.equal(stimuli(arrays), stimuli(expected))
    used = expected.schema.of_table(Table.of(table(order, matrix)), "table")
    assert torch.equal(used.stimuli, torch.from_numpy(matrix.astype(np.float32)))
    assert used.labels is not None
    assert used.labels.tolist() == LABELS.tolist()


@pytest.fixture(scope="module")
def run() -> Run:
    """A run on random pixels of three classes."""
    draw = np.random.default_rng(5)
    images = draw.integers(0, 256, (90, 4, 5), dtype=np.uint8)
    data = from_arrays(images, np.arange(90) % 3)
    network = models.mlp(data.stimulus, [8], data.concept, time_steps=2)
    return fit(network, "bsd", data, epochs=1, progress=None)


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(1, 89), unique=True, max_size=8).map(sorted))
def test_any_split_of_a_batch_decides_alike(run: Run, cuts: list[int]) -> None:
    images = np.random.default_rng(6).integers(0, 256, (90, 4, 5), dtype=np.uint8)
    whole = run.predict(images).rows
    parts = run.predict(*np.split(images, cuts)).rows
    assert [row["label"] for row in parts] == [row["label"] for row in whole]
    for one, other in zip(parts, whole, strict=True):
        assert one["share"] == pytest.approx(other["share"], abs=1e-6)
