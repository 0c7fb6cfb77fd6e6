"""Augmentation: shape, type and content are kept; every draw comes from the generator."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from bispike.data import augment
from bispike.errors import ConfigurationError, ShapeError, UnknownNameError


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(
    name=st.sampled_from(sorted(augment.NAMES)),
    padding=st.sampled_from(augment.PADDINGS),
    shape=st.tuples(st.integers(0, 4), st.integers(1, 3), st.integers(2, 9), st.integers(2, 9)),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.uint8]),
)
@settings(max_examples=60, deadline=None)
def test_shape_type_and_input_are_kept(name, padding, shape, dtype):
    images = (torch.rand(shape, generator=seeded()) * 200).to(dtype)
    before = images.clone()
    result = augment.create(name, padding=padding)(images, seeded(1))
    assert (result.shape, result.dtype) == (images.shape, dtype)
    assert torch.equal(images, before)
    assert set(result.unique().tolist()) <= {0, *images.unique().tolist()}
    assert torch.equal(augment.create(name, padding=padding)(images, seeded(1)), result)


@pytest.mark.parametrize(("padding", "mode"), [("reflect", "reflect"), ("zero", "constant")])
def test_every_shifted_image_is_a_crop_of_the_padded_one(padding, mode):
    images = torch.rand(300, 2, 6, 5, generator=seeded())
    result = augment.create("crop", shift=2, padding=padding)(images, seeded(3))
    padded = F.pad(images, (2, 2, 2, 2), mode=mode)
    crops = padded.unfold(2, 6, 1).unfold(3, 5, 1).permute(0, 2, 3, 1, 4, 5).flatten(1, 2)
    same = (crops == result[:, None]).flatten(2).all(2)
    assert same.any(1).all()
    assert same.any(0).all(), "each of the 25 shifts occurs among 300 images"


def test_about_half_of_the_images_are_mirrored():
    images = torch.rand(400, 1, 3, 4, generator=seeded())
    result = augment.create("flip")(images, seeded(5))
    mirrored = (result == images.flip(-1)).flatten(1).all(1)
    kept = (result == images).flatten(1).all(1)
    assert (mirrored ^ kept).all()
    assert 150 < mirrored.sum() < 250


def test_generators_decide_alone():
    images = torch.rand(32, 1, 8, 8, generator=seeded())
    change = augment.create("crop-flip")
    state = torch.get_rng_state()
    first = change(images, seeded(1))
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(first, change(images, seeded(2)))


def test_no_shift_and_no_augmentation_change_nothing():
    images = torch.rand(8, 1, 8, 8, generator=seeded())
    assert torch.equal(augment.create("crop", shift=0)(images, seeded()), images)
    flat = torch.rand(8, 5, generator=seeded())
    assert torch.equal(augment.create("none")(flat, seeded()), flat)


def test_mistakes_are_named():
    with pytest.raises(UnknownNameError, match="did you mean 'crop-flip'"):
        augment.create("crop_flip")
    with pytest.raises(ConfigurationError) as caught:
        augment.create("crop", shift=-1, padding="wrap")
    assert len(caught.value.problems) == 2
    with pytest.raises(ShapeError, match=r"\[B, C, H, W\], received \[4, 9\]"):
        augment.create("flip")(torch.zeros(4, 9), seeded())
    with pytest.raises(ConfigurationError, match="less than the 6 pixels"):
        augment.create("crop", shift=6)(torch.zeros(4, 1, 6, 8), seeded())
