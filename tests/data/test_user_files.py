"""A user's own files as stimuli: the same picture must arrive the same, whatever file it came in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bispike.data.user_files import read_inputs
from bispike.errors import DataError, UserError
from tests.data.makers import schema

GREY = schema(1, 6, 8)
COLOUR = schema(3, 6, 8)
TABLE = schema(5)


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 8), dtype=np.uint8)


def test_every_way_to_store_one_grey_image_gives_the_same_stimulus(tmp_path: Path, pixels: np.ndarray) -> None:
    expected = torch.from_numpy(pixels / 255).float()[None]
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.save(tmp_path / "b.npy", pixels)
    np.save(tmp_path / "c.npy", pixels[None])
    np.save(tmp_path / "d.npy", pixels[..., None])
    np.save(tmp_path / "e.npy", pixels[None, ..., None])
    np.save(tmp_path / "f.npy", pixels.reshape(-1))
    np.savez(tmp_path / "g.npz", x=pixels, y=np.array([1]))
    np.save(tmp_path / "h.npy", (pixels / 255).astype(np.float64))
    paths = sorted(tmp_path.iterdir())
    inputs = read_inputs(paths, GREY)
    assert inputs.names == tuple(path.name for path in paths)
    assert inputs.stimuli.dtype == torch.float32
    assert inputs.notes == (f"{tmp_path / 'h.npy'}: values in 0..1 are taken as divided by 255 already.",)
    for stimulus in inputs.stimuli:
        assert torch.allclose(stimulus, expected, atol=1e-7)


def test_a_batch_gives_one_name_per_row(tmp_path: Path) -> None:
    np.save(tmp_path / "many.npy", np.zeros((3, 8, 6), np.uint8).transpose(0, 2, 1))
    inputs = read_inputs([tmp_path / "many.npy"], GREY)
    assert inputs.names == ("many.npy[0]", "many.npy[1]", "many.npy[2]")
    assert inputs.stimuli.shape == (3, 1, 6, 8)


def test_channels_last_equals_channels_first(tmp_path: Path) -> None:
    image = np.random.default_rng(1).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    np.save(tmp_path / "last.npy", image)
    np.save(tmp_path / "first.npy", image.transpose(2, 0, 1))
    Image.fromarray(image).save(tmp_path / "image.png")
    stimuli = read_inputs([tmp_path / name for name in ("last.npy", "first.npy", "image.png")], COLOUR).stimuli
    assert torch.equal(stimuli[0], stimuli[1])
    assert torch.equal(stimuli[0], stimuli[2])


def test_another_size_and_colour_are_converted_with_a_note(tmp_path: Path) -> None:
    Image.new("RGB", (31, 20), (255, 255, 255)).save(tmp_path / "big.png")
    inputs = read_inputs([tmp_path / "big.png"], GREY)
    assert inputs.stimuli.shape == (1, 1, 6, 8)
    assert torch.allclose(inputs.stimuli, torch.ones(()))
    assert any("31x20 to 8x6" in note for note in inputs.notes)
    assert any("grey" in note for note in inputs.notes)


def test_rows_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b,c,d,e\n1,2,3,4,5\n\n-1,.5,1e3,0,2\n")
    inputs = read_inputs([tmp_path / "rows.csv"], TABLE)
    assert torch.equal(inputs.stimuli, torch.tensor([[1.0, 2, 3, 4, 5], [-1, 0.5, 1000, 0, 2]]))
    assert inputs.names == ("rows.csv[0]", "rows.csv[1]")


def _save(array: np.ndarray):
    return lambda path: np.save(path, array)


BAD = {
    "missing.png": (None, "no such file"),
    "text.png": (lambda path: path.write_text("not an image"), "not a readable image"),
    "cut.png": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0"), "not a readable image"),
    "shape.npy": (_save(np.zeros((7, 9), np.uint8)), r"expected a stimulus of shape \[1, 6, 8\]"),
    "nan.npy": (_save(np.full((1, 6, 8), np.nan)), "not finite"),
    "none.npy": (_save(np.zeros((0, 1, 6, 8))), "no stimulus"),
    "texts.npy": (_save(np.array(["a", "b"])), "numbers"),
    "pickle.npy": (_save(np.array([{}, 1], dtype=object)), "pickle"),
    "cut.npz": (lambda path: path.write_bytes(b"PK\x03\x04abc"), "damaged|readable"),
    "two.npz": (lambda path: np.savez(path, a=np.zeros(2), b=np.zeros(2)), "one named 'x'"),
    "words.csv": (
        lambda path: path.write_text("1,2\n3,four\n"),
        "line 2: 'four' is not a number",
    ),
    "ragged.csv": (lambda path: path.write_text("1,2\n3\n"), "line 2: expected 2 columns"),
    "empty.csv": (lambda path: path.write_text("\n"), "is empty"),
    "short.csv": (lambda path: path.write_text("1,2\n3,4\n"), "expected a stimulus"),
    "binary.csv": (lambda path: path.write_bytes(b"\xff\x00\x81"), "UTF-8"),
    "folder": (lambda path: path.mkdir(), "is a folder"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_named_and_explained(name: str, tmp_path: Path) -> None:
    make, words = BAD[name]
    if make is not None:
        make(tmp_path / name)
    with pytest.raises(UserError, match=words) as caught:
        read_inputs([tmp_path / name], GREY)
    assert name in str(caught.value)


def test_an_image_for_a_table_network_is_refused(tmp_path: Path) -> None:
    Image.new("L", (5, 1)).save(tmp_path / "x.png")
    with pytest.raises(DataError, match="takes no images"):
        read_inputs([tmp_path / "x.png"], TABLE)


def test_no_input_is_refused() -> None:
    with pytest.raises(UserError, match="at least one"):
        read_inputs([], GREY)
