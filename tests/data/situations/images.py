"""Situations of images: depth, transparency, colour, frames."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bispike.data import Dataset, from_arrays, load
from bispike.data.user_files import read_inputs
from bispike.errors import DataError
from tests.data.makers import pixels

from . import Situation

Make = Callable[[int], Any]
"""Number of an image to its pixels, an image of Pillow, or the bytes of a file."""


def flat(value: float, kind: str = "u1", *, size: int = 8) -> np.ndarray:
    """A square of one value."""
    return np.full((size, size), value, kind)


def save(path: Path, picture: Any, **options: Any) -> None:
    """A file of pixels, of an image of Pillow, or of bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(picture, bytes):
        path.write_bytes(picture)
        return
    (Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(path, **options)


def packed(picture: Image.Image, form: str, **options: Any) -> bytes:
    """The bytes of an image file."""
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def classes(root: Path, *makes: Make, ending: str = "png", count: int = 5, **options: Any) -> Path:
    """A folder with one class per function, called a, b, ..; returns it."""
    for name, make in zip("abcdef", makes, strict=False):
        for k in range(count):
            save(root / name / f"{k}.{ending}", make(k), **options)
    return root


def values(data: Dataset) -> list[int]:
    """All pixel values of both parts, sorted."""
    return sorted({*data.train.stimuli.flatten().tolist(), *data.test.stimuli.flatten().tolist()})


def read(path: Path, data: Dataset) -> list[float]:
    """Pixel values of a file in use, in 0..255, sorted."""
    assert data.schema is not None
    return sorted({round(255 * v, 3) for v in read_inputs([path], data.schema).stimuli.flatten().tolist()})


def noted(data: Dataset, *words: str) -> None:
    """Some note holds each of the words."""
    for word in words:
        assert any(word in note for note in data.notes), (word, data.notes)


# ------------------------------------------------------------------ depth


def depth_of_a_set(place: Path) -> None:
    data = load(classes(place / "set", *[lambda k: flat(200 if k == 0 else 40000, "u2")] * 2))
    assert values(data) == [0, 156]
    save(place / "dark.png", flat(200, "u2"))
    save(place / "light.png", flat(40000, "u2"))
    assert read(place / "dark.png", data) == [0]
    assert read(place / "light.png", data) == [156]


def twelve_bits(place: Path) -> None:
    data = load(classes(place / "set", lambda k: flat(1000 + k, "u2"), lambda k: flat(4000, "u2")))
    assert values(data) == [62, 250]
    noted(data, "values up to 4000: they are read as 12 bits", "depth=16")
    assert values(load(place / "set", depth=16)) == [3, 15]
    save(place / "dark.png", flat(160, "u2"))
    assert read(place / "dark.png", data) == [10]
    save(place / "light.png", flat(40000, "u2"))
    with pytest.raises(DataError, match=r"values up to 40000, but the training's images .* go up to 4095"):
        read(place / "light.png", data)


def twelve_bit_tiff(place: Path) -> None:
    assert values(load(classes(place, *[lambda k: flat(4095, "u2")] * 2, ending="tif"))) == [255]


def eight_bits_in_words(place: Path) -> None:
    data = load(classes(place, lambda k: flat(10, "u2"), lambda k: flat(250, "u2"), ending="tif"))
    assert values(data) == [10, 250]
    noted(data, "values up to 250: they are read as 8 bits")


def fractions(place: Path) -> None:
    data = load(classes(place / "set", lambda k: flat(0.2, "f4"), lambda k: flat(0.7, "f4"), ending="tiff"))
    assert values(data) == [51, 178]
    save(place / "one.tiff", flat(0.7, "f4"))
    save(place / "grey.png", flat(99))
    assert (read(place / "one.tiff", data), read(place / "grey.png", data)) == ([178], [99])


def fractions_of_bytes(place: Path) -> None:
    stored = np.arange(256).reshape(16, 16)
    data = load(classes(place, *[lambda k: (stored / 255).astype("f4")] * 2, ending="tif"))
    assert np.array_equal(data.train.stimuli[0, 0].numpy(), stored)


def fractions_to_255(place: Path) -> None:
    data = load(classes(place, lambda k: flat(51.5, "f4"), lambda k: flat(178.25, "f4"), ending="tif"))
    assert values(data) == [51, 178]
    noted(data, "read as 8 bits")


def fractions_below_zero(place: Path) -> None:
    with pytest.raises(DataError, match=r"go down to -1; expected a brightness of at least 0\. Scale them"):
        load(classes(place, lambda k: flat(-1, "f4"), lambda k: flat(1, "f4"), ending="tif"))


def not_a_number(place: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)1 of 10 images .*a/3\.tif.*not finite \(NaN"):
        load(classes(place, lambda k: flat(np.nan if k == 3 else 0, "f4"), lambda k: flat(1, "f4"), ending="tif"))


def floats_without_white(place: Path) -> None:
    with pytest.raises(DataError, match=r"go up to 70000\.5; .*depth=N"):
        load(classes(place / "set", *[lambda k: flat(70000.5, "f4")] * 2, ending="tif"))
    assert values(load(place / "set", depth=17)) == [136]


def long_integers(place: Path) -> None:
    data = load(classes(place / "set", *[lambda k: Image.fromarray(flat(40000, "i4"))] * 2, ending="tif"))
    assert values(data) == [156]
    noted(data, "stored in 32 bits have values up to 40000: they are read as 16 bits")
    with pytest.raises(DataError, match=r"values in 32 bits go up to 100000; .*white cannot be told"):
        load(classes(place / "large", *[lambda k: Image.fromarray(flat(100000, "i4"))] * 2, ending="tif"))


def hounsfield(place: Path) -> None:
    with pytest.raises(DataError, match="go down to -1000"):
        load(classes(place, *[lambda k: Image.fromarray(flat(-1000 + 900 * k, "i4"))] * 2, ending="tif"))


def mixed_depths(place: Path) -> None:
    data = load(classes(place, lambda k: flat(40000, "u2"), lambda k: flat(99)))
    assert values(data) == [99, 156]
    noted(data, "5 in 16 bits, 5 in 8 bits); each is read by its own full scale")


def masks(place: Path) -> None:
    data = load(classes(place / "set", *[lambda k: pixels(8, 8, seed=k) // 128] * 2))
    assert values(data) == [0, 255]
    noted(data, "read as 1 bit, white is 1; give depth=8")
    assert values(load(place / "set", depth=8)) == [0, 1]


def one_bit(place: Path) -> None:
    assert values(load(classes(place, *[lambda k: Image.fromarray(pixels(8, 8, seed=k) > 99)] * 2))) == [0, 255]


def declared_white(place: Path) -> None:
    grey = b"P5 4 4 1023\n" + np.full(16, 1023, ">u2").tobytes()
    dark = b"P5 4 4 1023\n" + np.full(16, 500, ">u2").tobytes()
    assert values(load(classes(place, lambda k: grey, lambda k: dark, ending="pgm"))) == [500 * 65535 // 1023 >> 8, 255]


def white_is_zero(place: Path) -> None:
    tags = {262: 0}
    data = load(classes(place, *[lambda k: flat(40000, "u2")] * 2, ending="tif", tiffinfo=tags))
    assert values(data) == [(65535 - 40000) >> 8]


def big_endian(place: Path) -> None:
    image = Image.fromarray(flat(40000, ">u2"))
    assert image.mode == "I;16B"
    assert values(load(classes(place, *[lambda k: image] * 2, ending="tif"))) == [156]


def deep_colour(place: Path) -> None:
    import struct
    import zlib

    def png(level: int) -> bytes:
        rows = (b"\0" + struct.pack(">H", level) * 3 * 4) * 4
        parts = [
            (b"IHDR", struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(rows)),
            (b"IEND", b""),
        ]
        chunks = [struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in parts]
        return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)

    assert values(load(classes(place / "set", *[lambda k: png(40000)] * 2))) == [156]
    with pytest.raises(DataError, match="16-bit colour, of which only the upper 8 bits"):
        load(classes(place / "dark", *[lambda k: png(4000)] * 2))


def dark_word_for_bytes(place: Path) -> None:
    data = load(classes(place / "set", *[lambda k: pixels(8, 8, seed=k)] * 2))
    save(place / "dark.png", flat(200, "u2"))
    with pytest.raises(DataError, match=r"dark\.png: is stored in 16 bits .* full scale cannot be told"):
        read(place / "dark.png", data)
    save(place / "light.png", flat(40000, "u2"))
    assert read(place / "light.png", data) == [156]
    assert data.schema is not None
    assert "its own full scale holds" in read_inputs([place / "light.png"], data.schema).notes[0]


def deeper_test_part(place: Path) -> None:
    classes(place / "train", *[lambda k: flat(3000, "u2")] * 2)
    classes(place / "test", *[lambda k: flat(9000, "u2")] * 2)
    with pytest.raises(DataError, match=r"(?s)10 of 10 images.*up to 9000, .* go up to 4095 \(depth=12\)"):
        load(place)
    assert load(place, depth=16).test.stimuli.unique().tolist() == [9000 >> 8]


def too_small_a_depth(place: Path) -> None:
    with pytest.raises(DataError, match="go up to 40000, but depth=12 means that white is 4095"):
        load(classes(place, *[lambda k: flat(40000, "u2")] * 2), depth=12)


# ------------------------------------------------------------------ the same pixels in other forms


def the_same_everywhere(place: Path) -> None:
    images = pixels(12, 8, 8, 3)
    data = load(classes(place / "set", lambda k: images[k], lambda k: images[6 + k], count=6))
    arrays = from_arrays(images, np.arange(12) // 6)
    assert sorted(data.train.stimuli.flatten(1).tolist()) == sorted(arrays.train.stimuli.flatten(1).tolist())
    assert data.stimulus.shape == arrays.stimulus.shape
    save(place / "one.png", images[3])
    for name, array in {
        "last": images[3],
        "first": images[3].transpose(2, 0, 1),
        "many": images[3:4],
        "fractions": (images[3] / 255).astype("f4"),
        "long": images[3].astype("i8"),
        "floats": images[3].astype("f8"),
    }.items():
        np.save(place / f"{name}.npy", array)
    for known in (data.schema, arrays.schema):
        assert known is not None
        found = [read_inputs([file], known).stimuli for file in (place / "one.png", *sorted(place.glob("*.npy")))]
        assert all(np.allclose(one, found[0], atol=1e-7) for one in found)
        assert all(np.array_equal(one, found[0]) for one in found[3:])
        assert np.array_equal(found[0][0], images[3].transpose(2, 0, 1).astype("f4") / np.float32(255))


def word_arrays_and_images(place: Path) -> None:
    draw = np.random.default_rng(0)
    words = draw.integers(0, 65536, (10, 8, 8)).astype("u2")
    arrays = from_arrays(words, np.arange(10) % 2)
    save(place / "one.png", words[4])
    np.save(place / "one.npy", words[4])
    assert arrays.schema is not None
    found = read_inputs([place / "one.png", place / "one.npy"], arrays.schema).stimuli
    assert np.array_equal(found[0], found[1])
    data = load(classes(place / "set", lambda k: words[k], lambda k: words[5 + k]))
    assert data.schema is not None
    np.save(place / "int.npy", words[4].astype("i4"))
    both = read_inputs([place / "one.png", place / "one.npy", place / "int.npy"], data.schema).stimuli
    assert np.array_equal(both[0] * 255, words[4][None] >> 8)
    assert np.array_equal(both[0], both[1])
    assert np.array_equal(both[0], both[2])


def image_for_other_units(place: Path) -> None:
    arrays = from_arrays(np.random.default_rng(0).normal(size=(10, 1, 8, 8)), np.arange(10) % 2)
    save(place / "one.png", flat(9))
    with pytest.raises(DataError, match="expected values in the unit of the training"):
        read(place / "one.png", arrays)


def image_for_a_table(place: Path) -> None:
    arrays = from_arrays(np.random.default_rng(0).normal(size=(10, 64)), np.arange(10) % 2)
    save(place / "one.png", flat(9))
    with pytest.raises(DataError, match=r"expected stimuli of shape \[64\]"):
        read(place / "one.png", arrays)


def folder_for_a_run_on_arrays(place: Path) -> None:
    images = pixels(10, 8, 8)
    arrays = from_arrays(images, np.arange(10) // 5, class_names=["a", "b"])
    classes(place / "set", lambda k: images[k], lambda k: images[5 + k])
    data = load(place / "set", like=arrays.schema)
    assert data.concept.names == ("a", "b")
    assert sorted(data.train[:][0].flatten(1).tolist()) == sorted(arrays.train[:][0].flatten(1).tolist())


# ------------------------------------------------------------------ transparency


def strokes(k: int, *, level: int = 0) -> np.ndarray:
    """A line drawing of one colour on transparent ground."""
    image = np.full((8, 8, 4), level, np.uint8)
    image[..., 3] = 0
    image[k, :, 3] = 255
    return image


def black_strokes(place: Path) -> None:
    data = load(classes(place / "set", *[strokes] * 2))
    assert values(data) == [0, 255]
    assert data.train.stimuli.float().mean() > 200
    noted(data, "10 of 10 training images have transparent pixels; they were laid on white", "background=black")
    save(place / "one.png", strokes(2, level=255))  # white on white: the rule of the set, not of this image
    assert read(place / "one.png", data) == [255]


def white_strokes(place: Path) -> None:
    data = load(classes(place, *[lambda k: strokes(k, level=255)] * 2))
    assert values(data) == [0, 255]
    assert data.train.stimuli.float().mean() < 50
    noted(data, "laid on black")


def chosen_ground(place: Path) -> None:
    assert load(classes(place, *[strokes] * 2), background="black").train.stimuli.max() == 0


def opaque(place: Path) -> None:
    image = pixels(8, 8, 4)
    image[..., 3] = 255
    data = load(classes(place, *[lambda k: image] * 2))
    assert np.array_equal(data.train.stimuli[0].numpy(), image[..., :3].transpose(2, 0, 1))
    assert not any("transparent" in note for note in data.notes)


def grey_with_alpha(place: Path) -> None:
    data = load(classes(place, *[lambda k: np.ascontiguousarray(strokes(k)[..., [0, 3]])] * 2))
    assert (data.stimulus.shape, values(data)) == ((1, 8, 8), [0, 255])


def palette_with_transparency(place: Path) -> None:
    image = Image.fromarray(np.eye(8, dtype=np.uint8), "P")
    image.putpalette([0, 0, 0, 20, 0, 0])
    data = load(classes(place, *[lambda k: image] * 2, transparency=0))
    assert data.train.stimuli[0, :, 0, 0].tolist() == [20, 0, 0]
    assert data.train.stimuli[0, :, 0, 1].tolist() == [255, 255, 255]


def transparent_word(place: Path) -> None:
    words = np.full((8, 8), 30000, "u2")
    words[0] = 7
    data = load(classes(place, *[lambda k: Image.fromarray(words)] * 2, transparency=7))
    assert data.train.stimuli[0, 0, :2, 0].tolist() == [255, 117]


def transparent_in_use(place: Path) -> None:
    data = load(classes(place / "set", *[lambda k: pixels(8, 8, seed=k)] * 2))
    save(place / "one.png", strokes(2))
    assert data.schema is not None
    found = read_inputs([place / "one.png"], data.schema)
    assert found.stimuli.mean() > 0.8
    assert any("laid on white" in note for note in found.notes)


# ------------------------------------------------------------------ colour, orientation, frames


def colour_modes(place: Path) -> None:
    red = Image.new("RGB", (8, 8), (200, 30, 30))
    save(place / "set" / "a" / "rgb.png", red)
    save(place / "set" / "a" / "cmyk.tif", red.convert("CMYK"))
    save(place / "set" / "a" / "cmyk.jpg", red.convert("CMYK"), quality=100)
    save(place / "set" / "b" / "ycc.tif", red.convert("YCbCr"))
    save(place / "set" / "b" / "palette.png", red.convert("P", palette=Image.Palette.ADAPTIVE))
    save(place / "set" / "b" / "lossless.webp", red, lossless=True)
    save(place / "set" / "b" / "lab.tif", Image.new("LAB", (8, 8), (112, 188, 173)))
    stimuli = np.concatenate([part.stimuli.numpy() for part in (load(place / "set").train, load(place / "set").test)])
    assert np.abs(stimuli.astype(int).mean((2, 3)) - [200, 30, 30]).max() < 12


def grey_as_colour(place: Path) -> None:
    data = load(classes(place, *[lambda k: Image.fromarray(pixels(8, 8, seed=k)).convert("RGB")] * 2))
    assert data.stimulus.shape == (3, 8, 8)
    noted(data, "channels=1 reads one channel")


def grey_and_colour(place: Path) -> None:
    data = load(classes(place, lambda k: pixels(8, 8, seed=k), lambda k: pixels(8, 8, 3, seed=k)))
    assert data.stimulus.shape == (3, 8, 8)
    noted(data, "5 of 10 training images are grey")


def grey_palette(place: Path) -> None:
    grey = pixels(8, 8)
    data = load(classes(place, *[lambda k: Image.fromarray(grey)] * 2, ending="gif"))
    assert data.stimulus.shape == (1, 8, 8)
    assert np.array_equal(data.train.stimuli[0, 0].numpy(), grey)


def animation(place: Path) -> None:
    frames = [Image.fromarray(pixels(8, 8, seed=k)) for k in range(3)]
    film = packed(frames[0], "GIF", save_all=True, append_images=frames[1:])
    data = load(classes(place / "gif", *[lambda k: film] * 2, ending="gif"))
    noted(data, "10 of 10 training images have several frames or pages; only the first of each is used")
    stack = packed(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    data = load(classes(place / "tif", lambda k: stack, lambda k: frames[0], ending="tif"))
    noted(data, "5 of 10 training images have several frames or pages")
    assert np.array_equal(data.train.stimuli[0, 0].numpy(), np.asarray(frames[0]))


def orientation(place: Path) -> None:
    turned = Image.fromarray(pixels(4, 8, 3))
    exif = turned.getexif()
    exif[0x0112] = 6
    data = load(classes(place / "set", *[lambda k: turned] * 2, exif=exif))
    assert data.stimulus.shape == (3, 8, 4)
    words = Image.fromarray(np.arange(0, 64000, 2000, dtype="u2").reshape(4, 8))
    data = load(classes(place / "deep", *[lambda k: words] * 2, ending="tif", tiffinfo={0x0112: 3}))
    assert np.array_equal(data.train.stimuli[0, 0].numpy(), np.asarray(words)[::-1, ::-1] >> 8)


def sizes_of_a_set(place: Path) -> None:
    classes(place, *[lambda k: pixels(8, 8, seed=k)] * 2)
    for name in ("a/00", "a/z", "b/z"):
        save(place / f"{name}.png", np.full((3000, 4000), 99, "u1"))
    data = load(place, memory_limit=0.1)
    assert data.stimulus.shape == (1, 8, 8)
    noted(data, "3 of 13 training images had another size than 8x8")


def dark_bytes(place: Path) -> None:
    data = load(classes(place, *[lambda k: pixels(8, 8, seed=k) // 15] * 2))
    assert max(values(data)) == 17
    noted(data, "values up to 17 of 255; depth=5 stretches them")
    assert max(values(load(place, depth=5))) == 17 * 255 // 31


def arrays_for_a_run_on_images(place: Path) -> None:
    words = np.random.default_rng(0).integers(0, 65536, (10, 8, 8)).astype("u2")
    data = load(classes(place / "set", lambda k: words[k], lambda k: words[5 + k]))
    np.savez(place / "set.npz", x=words, y=np.array(["a", "b"]).repeat(5))
    arrays = load(place / "set.npz", like=data.schema)
    assert arrays.concept == data.concept
    assert sorted(arrays.train[:][0].flatten(1).tolist()) == sorted(data.train[:][0].flatten(1).tolist())


def wrong_shape(place: Path) -> None:
    data = load(classes(place / "set", *[lambda k: pixels(8, 8, seed=k)] * 2))
    np.save(place / "x.npy", np.zeros((9, 8), "u1"))
    with pytest.raises(DataError, match=r"expected a stimulus of shape .* received \[9, 8\]"):
        read(place / "x.npy", data)
    np.save(place / "x.npy", np.full((8, 8), 300, "i8"))
    with pytest.raises(DataError, match=r"values up to 300"):
        read(place / "x.npy", data)
    np.save(place / "x.npy", np.full((8, 8), -0.5))
    with pytest.raises(DataError, match=r"x\.npy: expected values in 0\.\.255"):
        read(place / "x.npy", data)


def renamed_heic(place: Path) -> None:
    classes(place, *[lambda k: pixels(8, 8, seed=k)] * 2)
    save(place / "a" / "photo.jpg", b"\0\0\0\x18ftypheic" + bytes(99))
    save(place / "a" / "page.jpg", b"<!DOCTYPE html><html>not found</html>")
    save(place / "b" / "none.png", b"")
    with pytest.raises(DataError, match=r"(?s)3 of 13 .*<!DOCTYP.*is a HEIC image.*is empty"):
        load(place)


def in_memory(place: Path) -> None:
    data = load(classes(place, *[lambda k: pixels(8, 8, seed=k)] * 2))
    assert data.schema is not None
    assert np.array_equal(read_inputs([Image.fromarray(flat(51))], data.schema).stimuli.unique(), np.float32([0.2]))


SITUATIONS: list[Situation] = [
    Situation(
        "16-bit PNGs, one of value 200, the others of 40000", "0 and 156 of 255, also alone in use", depth_of_a_set
    ),
    Situation("16-bit PNGs from a 12-bit camera, values up to 4000", "12 bits, with a note; `depth=16`", twelve_bits),
    Situation("16-bit TIFFs whose largest value is 4095", "white", twelve_bit_tiff),
    Situation("8-bit values saved as 16-bit TIFF", "8 bits, with a note", eight_bits_in_words),
    Situation("floating-point TIFFs of 0.2 and 0.7", "51 and 178; a file in use by the same rule", fractions),
    Situation("floating-point TIFFs of k/255", "each k exactly", fractions_of_bytes),
    Situation(
        "floating-point TIFFs in 0..255 (ImageJ 32-bit)", "51.5 and 178.25 are 51 and 178, noted", fractions_to_255
    ),
    Situation("floating-point TIFFs normalised to -1..1", "refused", fractions_below_zero),
    Situation("a NaN in a floating-point TIFF", "the file is named", not_a_number),
    Situation("floating-point TIFFs up to 70000.5", "refused; `depth=17` reads them", floats_without_white),
    Situation("32-bit integer TIFFs", "16 bits if they fit, with a note; refused above", long_integers),
    Situation("CT slices in Hounsfield units, from -1000", "refused", hounsfield),
    Situation("16-bit and 8-bit PNGs in one set", "each by its own full scale, noted", mixed_depths),
    Situation("8-bit masks of the values 0 and 1", "black and white, noted; `depth=8` keeps 0 and 1", masks),
    Situation("1-bit PNGs", "black and white", one_bit),
    Situation("PGM files that declare 1023 as white", "by the declared white", declared_white),
    Situation("16-bit TIFFs in which 0 is white", "inverted", white_is_zero),
    Situation("16-bit TIFFs in big-endian order", "as in the other order", big_endian),
    Situation("16-bit colour PNGs", "upper 8 bits; refused if these hold nothing (12 bits)", deep_colour),
    Situation(
        "a dark 16-bit image for a run on 8-bit images", "refused; a light one by its full scale", dark_word_for_bytes
    ),
    Situation(
        "a 16-bit test part brighter than the 12-bit training part", "refused; `depth=16` reads both", deeper_test_part
    ),
    Situation("`depth=12` for values up to 40000", "refused", too_small_a_depth),
    Situation("the same pixels as PNG, `.npz` and `.npy` in many layouts", "the same stimuli", the_same_everywhere),
    Situation("16-bit pixels as PNG and as array of uint16 or int32", "the same stimuli", word_arrays_and_images),
    Situation("an image for a run on normalised arrays", "refused", image_for_other_units),
    Situation("an image for a run on a table", "refused", image_for_a_table),
    Situation(
        "an image folder evaluated by a run on arrays", "the same stimuli as the arrays", folder_for_a_run_on_arrays
    ),
    Situation("black line drawings on transparent ground", "on white, noted; the same ground in use", black_strokes),
    Situation("white line drawings on transparent ground", "on black, noted", white_strokes),
    Situation("`background=black` for black drawings", "black, as asked", chosen_ground),
    Situation("RGBA images without a transparent pixel", "their colours, without a note", opaque),
    Situation("grey images with alpha (LA)", "one channel, on the contrasting ground", grey_with_alpha),
    Situation("palette images with a transparent colour", "on the contrasting ground", palette_with_transparency),
    Situation("16-bit PNGs with a transparent value", "on the contrasting ground", transparent_word),
    Situation("a transparent image for a run without any", "on the contrasting ground, noted", transparent_in_use),
    Situation("one colour as RGB, CMYK, YCbCr, LAB, palette, WebP", "nearly the same pixels", colour_modes),
    Situation("grey images stored in colour", "in colour; the note names `channels=1`", grey_as_colour),
    Situation("a class in grey and a class in colour", "all in colour, noted", grey_and_colour),
    Situation("grey GIFs, stored with a palette", "one channel, the same pixels", grey_palette),
    Situation("animated GIFs and TIFFs of several pages", "the first frame, noted with a count", animation),
    Situation("photos with an orientation tag, also 16-bit TIFFs", "upright", orientation),
    Situation("three photos among small images, one of them first", "the most frequent size, noted", sizes_of_a_set),
    Situation("8-bit images of the values 0..17", "as they are; the note names `depth=5`", dark_bytes),
    Situation("an `.npz` of uint16 evaluated by a run on 16-bit images", "as the images", arrays_for_a_run_on_images),
    Situation("arrays of another shape or unit for a run on images", "refused", wrong_shape),
    Situation("a HEIC photo or web page called `.jpg`, an empty file", "all named, each with its cause", renamed_heic),
    Situation("an image of Pillow in memory for a run on images", "the same as a file", in_memory),
]
