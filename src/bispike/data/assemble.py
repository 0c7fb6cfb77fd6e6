"""Arrays become a `Dataset`, whichever format they were read from; all checks of their content are here.

Counts agree, values are finite, labels are 0..C-1 with no class empty; a missing test part is split off the
training part, stratified, always the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..arguments import checked
from ..errors import DataError
from ..spaces import Concept, Stimulus
from . import labels as labelling
from .dataset import Dataset, Split, channel_statistics
from .labels import encode_known
from .sampling import stratified
from .schema import ArraySchema, Schema, Units
from .schema.units import BYTE

SPLIT_SEED = 20250
"""Seed of the split that replaces a missing test part."""
MANY_CLASSES = 1000
"""Fewer classes may have a single stimulus each."""


@checked
def from_arrays(
    x_train: Any,
    y_train: Any,
    x_test: Any = None,
    y_test: Any = None,
    *,
    name: str = "arrays",
    class_names: Sequence[str] | None = None,
    layout: str = "auto",
    test_fraction: float = 0.2,
    notes: Sequence[str] = (),
    like: Schema | None = None,
    validation: tuple[Any, Any] | None = None,
    owned: bool = False,
) -> Dataset:
    """A data set from arrays in memory.

    Args:
        x_train: stimuli `[N, D]`, `[N, H, W]`, `[N, H, W, C]` or `[N, C, H, W]`; `bispike.data.schema.units`
            describes how values are scaled.
        y_train: labels `[N]`: whole numbers 0..C-1, or texts.
        x_test: stimuli of the test part; split off the training part where missing.
        y_test: labels of the test part.
        name: name of the data set in reports.
        class_names: names of the C classes, in order.
        layout: "auto", "features", "grey", "channels-first" or "channels-last".
        test_fraction: share that becomes the test part where there is none, 0 < share < 1.
        notes: what a reader should know about how the data were read, one sentence each.
        like: schema of a training, by which the arrays are read; layout and class names are then those of the training.
        validation: stimuli and labels of a validation part; None: a training holds out a share.
        owned: whether nobody else uses the arrays, so that they need not be copied.

    Raises:
        DataError: what is wrong with the arrays.
    """
    if (x_test is None) != (y_test is None):
        raise DataError("test part: expected stimuli and labels, received only one of the two.")
    arrays = {"training stimuli": as_array(x_train, "training stimuli")}
    if x_test is not None:
        arrays["test stimuli"] = as_array(x_test, "test stimuli")
    if validation is not None:
        arrays["validation stimuli"] = as_array(validation[0], "validation stimuli")
    numbers = as_array(y_train, "training labels")
    others = None if y_test is None else as_array(y_test, "test labels")
    if like is not None:
        schema, labels = like, labelling.encode_like(numbers, others, like.classes)
        read = [like.of_array(array, what) for what, array in arrays.items()]
        parts = [(part.stimuli, list(part.notes)) for part in read]
    else:
        reading = ArraySchema.of(arrays["training stimuli"], order=layout, what="training stimuli")
        parts = [reading.apply(array, what, owned=owned) for what, array in arrays.items()]
        labels = labelling.encode(numbers, others, class_names)
        schema = replace(reading, classes=labels.names)
    stimuli = dict(zip(arrays, (part for part, _ in parts), strict=True))
    said = [note for _, part_notes in parts for note in part_notes]
    held = None
    if validation is not None:
        what = "validation labels"
        held = Split(stimuli["validation stimuli"], encode_known(as_array(validation[1], what), schema.classes, what))
    return assemble(
        name,
        stimuli["training stimuli"],
        labels,
        stimuli.get("test stimuli"),
        validation=held,
        test_fraction=test_fraction,
        notes=[*notes, *said],
        schema=schema,
    )


def assemble(
    name: str,
    train: Tensor,
    labels: labelling.Labels,
    test: Tensor | None,
    *,
    validation: Split | None = None,
    test_fraction: float = 0.2,
    notes: Sequence[str] = (),
    schema: Schema | None = None,
) -> Dataset:
    """A data set from stimuli `[N, *shape]` (uint8 or float32) and numbered labels, after the last checks.

    Args:
        name: of the data set.
        train: stimuli of the training part.
        labels: of both parts.
        test: stimuli of the test part; split off the training part where missing.
        validation: the source's own validation part; None: it has none.
        test_fraction: share that becomes the test part where there is none.
        notes: what a reader should know about how the data were read, one sentence each.
        schema: how the data were read; None: as arrays of the stored type.
    """
    _expect_sound(train, labels.train, "training")
    _expect_repeated(len(labels.names), len(train))
    if validation is not None:
        _expect_sound(validation.stimuli, validation.labels, "validation")
        _expect_same_shape(validation.stimuli, train, "validation")
        notes = [*notes, f"the validation part is the source's own, {len(validation)} stimuli."]
    train_part, test_part = Split(train, labels.train), None
    if test is not None and labels.test is not None:
        _expect_sound(test, labels.test, "test")
        _expect_same_shape(test, train, "test")
        test_part = Split(test, labels.test)
    else:
        train_part, test_part = _split_off(train_part, test_fraction)
        notes = [*notes, f"the source has no test part: {len(test_part)} stimuli were split off, stratified."]
    mean, std = channel_statistics(train_part.stimuli)
    known = schema_of(train, labels.names) if schema is None else schema
    stimulus = Stimulus(tuple(train.shape[1:]), mean, std, known.divisor, known.limits)
    concept = Concept(labels.names)
    return Dataset(
        name, stimulus, concept, train_part, test_part, notes=tuple(notes), schema=known, validation=validation
    )


def schema_of(stimuli: Tensor, classes: Sequence[str]) -> ArraySchema:
    """The schema of stimuli `[N, *shape]` that are stored already, uint8 or float32."""
    image = stimuli.dim() > 2 or stimuli.dtype == torch.uint8
    if stimuli.dtype == torch.uint8:
        units = Units(image, BYTE, whole=True, low=0.0, high=BYTE)
    else:
        units = replace(Units.of(stimuli.numpy(), image=image), divisor=1.0)
    shape = tuple(stimuli.shape[1:])
    return ArraySchema(shape, "features" if len(shape) == 1 else "channels-first", units, tuple(classes))


def as_array(values: Any, what: str) -> np.ndarray:
    """A NumPy array of any array-like (lists, tensors, memory maps), without a copy where possible."""
    if isinstance(values, Tensor):
        values = _of_tensor(values, what)
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        count = int(np.ma.count_masked(values))
        raise DataError(f"{what}: expected values, received {count} masked ones. Fill them: x.filled(value).")
    if hasattr(values, "toarray"):
        raise DataError(f"{what}: expected a dense array, received {type(values).__name__}. Use x.toarray().")
    try:
        return np.asarray(values)
    except ValueError as error:
        raise DataError(f"{what}: expected an array whose rows have one shape ({error}).") from error


def _of_tensor(values: Tensor, what: str) -> np.ndarray:
    """The values of a tensor of any device and precision."""
    if values.layout != torch.strided or values.is_quantized or values.is_meta or values.is_nested:
        raise DataError(f"{what}: expected a dense tensor, received one of layout {values.layout}. Use x.to_dense().")
    values = values.detach().cpu().resolve_conj().resolve_neg()
    return (values.float() if values.dtype == torch.bfloat16 else values).numpy()


def _split_off(split: Split, fraction: float) -> tuple[Split, Split]:
    if not 0 < fraction < 1:
        raise DataError(f"test part: expected a share 0 < test_fraction < 1, received {fraction}.")
    rest, drawn = stratified(split.labels, fraction, seed=SPLIT_SEED)
    if not len(drawn):
        raise DataError(
            f"test part: too few stimuli to split one off ({len(split)} in all, one per class); "
            "add stimuli, or give a test part."
        )
    return split.subset(rest), split.subset(drawn)


def _expect_repeated(classes: int, stimuli: int) -> None:
    """Refuse many classes with hardly a stimulus each: they are rather a column of numbers or names than classes."""
    if classes > MANY_CLASSES and 2 * classes > stimuli:
        raise DataError(
            f"training labels: {classes} classes for {stimuli} stimuli; expected at least two stimuli per class. Are "
            "the labels really classes, and not numbers or names of the stimuli?"
        )


def _expect_same_shape(stimuli: Tensor, train: Tensor, part: str) -> None:
    if stimuli.shape[1:] != train.shape[1:]:
        raise DataError(
            f"{part} stimuli: expected shape {list(train.shape[1:])} as in training, received "
            f"{list(stimuli.shape[1:])}."
        )


def _expect_sound(stimuli: Tensor, labels: Tensor, part: str) -> None:
    if len(stimuli) != len(labels):
        raise DataError(f"{part} part: {len(stimuli)} stimuli but {len(labels)} labels; expected equal numbers.")
    if stimuli.dtype == torch.uint8:
        return
    finite = torch.isfinite(stimuli)
    if not bool(finite.all()):
        first = (~finite).nonzero()[0].tolist()
        value = stimuli[tuple(first)].item()
        raise DataError(
            f"{part} stimuli: {int((~finite).sum())} values are not finite (NaN or infinite), "
            f"the first is {value} at {first}. Remove or fill them."
        )
