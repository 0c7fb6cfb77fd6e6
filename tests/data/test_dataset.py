"""Parts of a data set: batches, stratified draws, statistics, fingerprints."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bispike.data import Split, from_arrays, stratified
from bispike.data.dataset import PIXEL_STD_FLOOR, channel_statistics
from bispike.errors import ConfigurationError, ShapeError

from .makers import cycle, pixels


def split(count: int = 6) -> Split:
    return Split(torch.from_numpy(pixels(count, 1, 3, 2)), torch.from_numpy(cycle(count, 3)))


@pytest.mark.parametrize("indices", [[4, 0], torch.tensor([4, 0]), np.array([4, 0]), range(4, -1, -4)])
def test_a_batch_scales_bytes_to_unit_range_in_the_order_asked(indices):
    part = split()
    stimuli, labels = part[indices]
    assert stimuli.dtype == torch.float32
    assert labels.dtype == torch.int64
    torch.testing.assert_close(stimuli, part.stimuli[[4, 0]].double().div(255).float())
    assert labels.tolist() == part.labels[[4, 0]].tolist()


def test_a_batch_of_nothing_and_of_a_slice():
    part = split()
    assert part[[]][0].shape == (0, 1, 3, 2)
    assert len(part[1:4][1]) == 3


@pytest.mark.parametrize("index", [4, -2, np.int64(4), torch.tensor(4)])
def test_a_whole_number_gives_one_sample(index):
    part = split()
    stimulus, label = part[index]
    assert torch.equal(stimulus, part[[4]][0][0])
    assert (stimulus.shape, label.shape, int(label)) == ((1, 3, 2), (), 1)


def test_iteration_ends_after_the_last_sample():
    part = split(4)
    assert [int(label) for _, label in part] == part.labels.tolist()
    with pytest.raises(IndexError):
        part[4]


def test_torch_loads_batches_from_a_split():
    part = split(7)
    batches = list(torch.utils.data.DataLoader(part, batch_size=3))
    assert [len(labels) for _, labels in batches] == [3, 3, 1]
    for loaded, expected in zip(zip(*batches, strict=True), part[:], strict=True):
        assert torch.equal(torch.cat(loaded), expected)


def test_float_stimuli_are_handed_out_as_they_are():
    values = torch.tensor([[-3.0, 700.0], [0.5, 2.0]])
    stimuli, _ = Split(values, torch.tensor([0, 1]))[[1, 0]]
    assert torch.equal(stimuli, values[[1, 0]])


def test_subset_owns_its_memory():
    part = split()
    chosen = part.subset(slice(0, 2))
    chosen.stimuli.zero_()
    assert part.stimuli[:2].sum() > 0


def test_wrong_types_and_lengths_are_refused():
    with pytest.raises(ShapeError, match="uint8 or float32"):
        Split(torch.zeros(2, 3, dtype=torch.float64), torch.zeros(2, dtype=torch.int64))
    with pytest.raises(ShapeError, match="labels"):
        Split(torch.zeros(2, 3), torch.zeros(3, dtype=torch.int64))


@given(
    counts=st.lists(st.integers(1, 40), min_size=2, max_size=6),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=60, deadline=None)
def test_a_stratified_draw_parts_every_class_in_proportion(counts, fraction, seed):
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    rest, drawn = stratified(labels, fraction, seed=seed)
    assert sorted([*rest.tolist(), *drawn.tolist()]) == list(range(len(labels)))
    again = stratified(labels, fraction, seed=seed)
    assert torch.equal(again[0], rest)
    assert torch.equal(again[1], drawn)
    for label, count in enumerate(counts):
        share = int((labels[drawn] == label).sum())
        assert share == 0 if count == 1 else 1 <= share <= count - 1
        assert abs(share - fraction * count) <= 1 or share in (1, count - 1)


def test_a_stratified_draw_has_the_size_asked_where_the_classes_allow():
    labels = torch.from_numpy(cycle(1797, 10))
    assert len(stratified(labels, 0.2, seed=3)[1]) == math.ceil(0.2 * 1797)


def test_another_seed_draws_other_rows():
    labels = torch.from_numpy(cycle(200, 4))
    assert not torch.equal(stratified(labels, 0.2, seed=0)[1], stratified(labels, 0.2, seed=1)[1])


@pytest.mark.parametrize("fraction", [-0.1, 1.0, 1.5, math.nan])
def test_a_share_outside_0_to_1_is_refused(fraction):
    with pytest.raises(ConfigurationError, match=r"0 <= fraction < 1|fraction: expected a number"):
        stratified(torch.tensor([0, 1]), fraction, seed=0)


def test_validation_and_training_rows_make_up_the_training_part():
    data = from_arrays(pixels(30, 4, 4), cycle(30, 3), pixels(6, 4, 4), cycle(6, 3))
    train, validation = data.split_validation(0.2, 7)
    rows = {row.numpy().tobytes() for part in (train, validation) for row in part.stimuli}
    assert rows == {row.numpy().tobytes() for row in data.train.stimuli}
    assert (len(train), validation.counts(3)) == (24, [2, 2, 2])


def test_no_validation_leaves_the_training_part_whole():
    data = from_arrays(pixels(30, 4, 4), cycle(30, 3), pixels(6, 4, 4), cycle(6, 3))
    train, validation = data.split_validation(0.0, 7)
    assert (len(train), len(validation)) == (30, 0)
    assert validation.stimuli.shape == (0, 1, 4, 4)


@pytest.mark.parametrize("shape", [(50, 3, 4, 5), (50, 7)])
@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_statistics_equal_numpy_in_double_precision(shape, kind):
    values = pixels(*shape).astype(kind)
    mean, std = channel_statistics(torch.from_numpy(values))
    axes = (0, *range(2, len(shape)))
    reference = values.astype(np.float64) / (255 if kind == "uint8" else 1)
    np.testing.assert_allclose(mean, reference.mean(axes), rtol=1e-12)
    np.testing.assert_allclose(std, reference.std(axes), rtol=1e-12)


def test_no_deviation_is_zero():
    black = torch.zeros(4, 2, 3, 3, dtype=torch.uint8)
    assert channel_statistics(black)[1] == (PIXEL_STD_FLOOR,) * 2
    assert channel_statistics(torch.full((4, 2), 1e6))[1] == (1.0, 1.0)


def test_the_fingerprint_follows_the_content_and_not_the_name():
    images, labels = pixels(12, 4, 4), cycle(12, 3)
    base = from_arrays(images, labels, images, labels)
    assert from_arrays(images, labels, images, labels, name="other").fingerprint == base.fingerprint
    changed = images.copy()
    changed[3, 2, 1] ^= 1
    swapped = labels.copy()
    swapped[[0, 1]] = swapped[[1, 0]]
    others = [
        from_arrays(changed, labels, images, labels),
        from_arrays(images, swapped, images, labels),
        from_arrays(images, labels, images, swapped),
        from_arrays(images, labels, images, labels, class_names=["a", "b", "c"]),
    ]
    assert len({base.fingerprint, *(other.fingerprint for other in others)}) == 5
