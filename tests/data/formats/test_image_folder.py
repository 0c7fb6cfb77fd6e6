"""Image folders, and the decoding of image files."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bispike.data import load
from bispike.data.formats import image_folder
from bispike.data.readers.images import parse_size
from bispike.errors import ConfigurationError, DataError

from ..makers import class_folders, pixels, save_image


def test_a_folder_a_class(tmp_path):
    class_folders(tmp_path / "pets")
    (tmp_path / "pets" / "read me.txt").write_text("not an image")
    (tmp_path / "pets" / ".layers").mkdir()
    (tmp_path / "pets" / "cat" / "._0.png").write_bytes(b"not an image")
    data = load(tmp_path / "pets")
    assert (data.name, data.concept.names, data.stimulus.shape) == ("pets", ("cat", "dog"), (1, 6, 6))
    assert (data.train.counts(2), data.test.counts(2)) == ([4, 4], [1, 1])
    assert data.fingerprint == load(str(tmp_path / "pets") + "/").fingerprint


def test_a_folder_of_many_other_files_is_not_searched_to_its_end(tmp_path, monkeypatch):
    class_folders(tmp_path)
    monkeypatch.setattr(image_folder, "MOST_OTHERS", 3)
    for number in range(4):
        (tmp_path / "dog" / f"{number}.txt").write_text("not an image")
    with pytest.raises(DataError, match=r"dog: expected the images of a class, received more than 3 files of other"):
        load(tmp_path)


@pytest.mark.parametrize("part", ["test", "val", "Validation"])
def test_parts_in_folders_of_their_own(tmp_path, part):
    class_folders(tmp_path / "train", count=3)
    class_folders(tmp_path / part, ("dog",), count=2)
    (tmp_path / part / "cat").mkdir()
    save_image(tmp_path / part / "cat" / "deeper" / "a.BMP", pixels(6, 6))
    data = load(tmp_path)
    assert (data.train.counts(2), data.test.counts(2)) == ([3, 3], [1, 2])
    assert data.validation is None
    assert data.notes == (() if part == "test" else (f"no folder is called 'test', so {part!r} is the test part.",))


def test_train_without_test_is_split(tmp_path):
    class_folders(tmp_path / "train")
    assert len(load(tmp_path).test) == 2


def test_pixels_are_those_of_the_files(tmp_path):
    images = pixels(2, 4, 7, 3)
    for name, image in zip(("a", "b"), images, strict=True):
        for part in ("train", "test"):
            save_image(tmp_path / part / name / "0.png", image)
    data = load(tmp_path)
    assert np.array_equal(data.train.stimuli.numpy(), images.transpose(0, 3, 1, 2))


def test_the_most_frequent_size_is_taken_with_a_note(tmp_path):
    class_folders(tmp_path)
    save_image(tmp_path / "cat" / "big.png", np.full((12, 10), 77, np.uint8))
    data = load(tmp_path)
    assert data.stimulus.shape == (1, 6, 6)
    assert "1 of 11" in data.notes[0]
    assert load(tmp_path, size="4x5").stimulus.shape == (1, 4, 5)
    assert load(tmp_path, size=3, channels=3).stimulus.shape == (3, 3, 3)


def test_colour_counts_if_one_image_has_it(tmp_path):
    class_folders(tmp_path)
    save_image(tmp_path / "cat" / "colour.png", pixels(6, 6, 3))
    assert load(tmp_path).stimulus.shape == (3, 6, 6)
    assert load(tmp_path, channels=1).stimulus.shape == (1, 6, 6)


def test_deep_greys_transparency_and_orientation(tmp_path):
    deep = (np.arange(24, dtype=np.uint16).reshape(4, 6) * 2600).astype(np.uint16)
    for name in "ab":
        save_image(tmp_path / "train" / name / "0.png", deep)
        save_image(tmp_path / "test" / name / "0.png", deep)
    assert np.array_equal(load(tmp_path).train.stimuli[0, 0].numpy(), deep >> 8)

    clear = np.full((4, 6, 4), 200, np.uint8)
    clear[:, :3, 3], clear[:, 3:, 3] = 0, 255
    turned = Image.fromarray(pixels(6, 4, 3))
    exif = turned.getexif()
    exif[0x0112] = 6
    for name in "ab":
        for part in ("train", "test"):
            save_image(tmp_path / "other" / part / name / "clear.png", clear)
            turned.save(tmp_path / "other" / part / name / "turned.png", exif=exif)
    data = load(tmp_path / "other")
    assert data.stimulus.shape == (3, 4, 6)
    assert data.train.stimuli[0, :, :, :3].max() == 0
    assert data.train.stimuli[0, :, :, 3:].min() == 200
    upright = np.rot90(np.asarray(turned), k=-1).transpose(2, 0, 1)
    assert np.array_equal(data.train.stimuli[1].numpy(), upright)


def test_broken_images_are_all_named(tmp_path):
    class_folders(tmp_path)
    whole = (tmp_path / "cat" / "1.png").read_bytes()
    (tmp_path / "cat" / "1.png").write_bytes(b"no image")
    (tmp_path / "dog" / "2.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"(?s)2 of 10 images.*cat/1\.png.*dog/2\.png"):
        load(tmp_path)
    (tmp_path / "dog" / "2.png").write_bytes(whole)
    (tmp_path / "cat" / "1.png").write_bytes(whole[:-30])
    with pytest.raises(DataError, match=r"1 of \d+ images.*\n.*cat/1\.png"):
        load(tmp_path)


def test_folders_without_images_and_empty_classes_are_named(tmp_path):
    with pytest.raises(DataError, match="contains no folders"):
        load(tmp_path)
    save_image(tmp_path / "0.png", pixels(3, 3))
    with pytest.raises(DataError, match="images are not in folders"):
        load(tmp_path)
    class_folders(tmp_path, ("cat",))
    with pytest.raises(DataError, match="found only 'cat'"):
        load(tmp_path)
    (tmp_path / "eel").mkdir()
    with pytest.raises(DataError, match="no images of class eel"):
        load(tmp_path)
    for name in ("a", "b"):
        (tmp_path / "none" / name).mkdir(parents=True)
    with pytest.raises(DataError, match=r"no images in the folders a, b; endings read: \.bmp"):
        load(tmp_path / "none")


def test_a_test_class_that_training_lacks_is_named(tmp_path):
    class_folders(tmp_path / "train")
    class_folders(tmp_path / "test", ("cat", "dog", "eel"))
    with pytest.raises(DataError, match="eel are not in the training part"):
        load(tmp_path)


def test_a_set_that_would_not_fit_asks_for_a_size(tmp_path):
    class_folders(tmp_path)
    with pytest.raises(DataError, match=r"10 images of 9000x9000 \(choose a smaller size\?\) would take 0.75 GiB"):
        load(tmp_path, size=9000)


@pytest.mark.parametrize(("size", "expected"), [(8, (8, 8)), ("8", (8, 8)), ("8x9", (8, 9)), ((8, 9), (8, 9))])
def test_sizes_are_height_by_width(size, expected):
    assert parse_size(size) == expected


@pytest.mark.parametrize("size", [0, "x", "8x", (1, 2, 3), -4, 2.5])
def test_bad_sizes_are_refused(size):
    with pytest.raises(ConfigurationError, match="image size"):
        parse_size(size)


def test_bad_channels_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="channels"):
        load(tmp_path, channels=2)
