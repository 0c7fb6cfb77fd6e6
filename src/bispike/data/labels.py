"""Labels become whole numbers 0..C-1, and classes get names.

Whole numbers must already be 0..C-1 without a gap: a gap is nearly always a mistake in the file. Texts are
numbered in sorted order. What is wrong is described, with the likely fix, instead of guessed at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import DataError

LONGEST_QUOTE = 60  # characters of a label in a message
UNKNOWN = -1
"""Label of a stimulus whose class its source does not name."""
FEW_CLASSES = 1000
"""So many classes are always looked at one by one, so that messages name those that are missing."""


@dataclass(frozen=True)
class Labels:
    """int64 labels of both parts (the test part may be missing) and the names of the C classes."""

    train: Tensor
    test: Tensor | None
    names: tuple[str, ...]


def encode(train: np.ndarray, test: np.ndarray | None, names: Sequence[str] | None = None) -> Labels:
    """Number the classes.

    Args:
        train: labels of the training part, `[N]` or `[N, 1]`, whole numbers or texts.
        test: labels of the test part, of the same kind.
        names: names of the classes in order; from the labels where missing.

    Raises:
        DataError: labels of a wrong kind, out of range, with an empty class, or of one class only.
    """
    parts = {"training labels": _flat(train, "training labels")}
    if test is not None:
        parts["test labels"] = _flat(test, "test labels")
    textual = {what: values.dtype.kind in "UO" for what, values in parts.items()}
    if len(set(textual.values())) > 1:
        raise DataError("labels: expected the same kind in both parts, received texts in one and numbers in the other.")
    if all(textual.values()):
        known = tuple(names) if names is not None else tuple(sorted(set(parts["training labels"].tolist())))
        numbers = {what: _number_texts(values, known, what) for what, values in parts.items()}
    else:
        numbers = {what: _checked_numbers(values, what) for what, values in parts.items()}
        top = max(int(values.max()) for values in numbers.values())
        _expect_few(top + 1 if names is None else len(names), len(parts["training labels"]))
        known = tuple(names) if names is not None else tuple(map(str, range(top + 1)))
        for what, values in numbers.items():
            _expect_in_range(values, len(known), what)
    _expect_every_class(numbers["training labels"], known)
    tensors = [torch.from_numpy(values) for values in numbers.values()]
    return Labels(tensors[0], tensors[1] if len(tensors) > 1 else None, known)


def encode_like(train: np.ndarray, test: np.ndarray | None, names: Sequence[str]) -> Labels:
    """Number the labels of both parts by the classes of a training (see `encode_known`)."""
    parts = [encode_known(train, names, "training labels")]
    if test is not None:
        parts.append(encode_known(test, names, "test labels"))
    return Labels(parts[0], parts[1] if len(parts) > 1 else None, tuple(names))


def encode_known(labels: np.ndarray, names: Sequence[str], what: str) -> Tensor:
    """Number labels by the classes of a training, int64 `[N]`; not every class needs to occur.

    Args:
        labels: `[N]` or `[N, 1]`: names of the classes, or their numbers 0..C-1.
        names: of the C classes.
        what: the labels, for messages.

    Raises:
        DataError: a label that is no class of the training.
    """
    values = _flat(labels, what)
    if values.dtype.kind in "UO":
        return torch.from_numpy(_number_texts(values, tuple(names), what))
    if any(name.lstrip("-").isdigit() for name in names):  # numbers are names
        written = values.astype(np.int64).astype(str).astype(object)
        return torch.from_numpy(_number_texts(written, tuple(names), what))
    numbers = _checked_numbers(values, what)
    _expect_in_range(numbers, len(names), what)
    return torch.from_numpy(numbers)


def _flat(labels: np.ndarray, what: str) -> np.ndarray:
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        hint = " For one-hot rows use y.argmax(axis=1)." if labels.ndim == 2 else ""
        raise DataError(f"{what}: expected one label for each stimulus, [N], received {list(labels.shape)}.{hint}")
    if len(labels) == 0:
        raise DataError(f"{what}: expected at least one label, received none.")
    if labels.dtype.kind == "S":
        try:
            return _texts([value.decode() for value in labels.tolist()], what)
        except UnicodeDecodeError as error:
            raise DataError(f"{what}: expected texts in UTF-8, received {error.object!r}.") from error
    if labels.dtype.kind == "O" and all(isinstance(value, str) for value in labels):
        return _texts(labels.tolist(), what)
    if labels.dtype.kind == "f":
        raise DataError(
            f"{what}: expected whole numbers or texts, received {labels.dtype}. "
            "For classes use y.astype('int64'); continuous targets are not classes."
        )
    if labels.dtype.kind == "U":
        return _texts(labels.tolist(), what)
    if labels.dtype.kind not in "biu":
        raise DataError(f"{what}: expected whole numbers or texts, received dtype {labels.dtype}.")
    return labels


def _texts(labels: Sequence[str], what: str) -> np.ndarray:
    """Names of classes without spaces around them; not of type str, which would be as wide as the longest text."""
    names = np.array([label.strip() for label in labels], dtype=object)
    empty = np.flatnonzero(names == "")
    if len(empty):
        raise DataError(
            f"{what}: {len(empty)} labels are empty texts, the first at row {empty[0]}. Name their class, or leave the "
            "rows out."
        )
    return names


def _number_texts(values: np.ndarray, known: tuple[str, ...], what: str) -> np.ndarray:
    number = {name: i for i, name in enumerate(known)}
    strange = sorted(set(values.tolist()) - set(number))
    if strange:
        raise DataError(
            f"{what}: {_some(strange)} not among the {len(known)} classes of the training part: {_some(known)}."
        )
    return np.array([number[value] for value in values.tolist()], dtype=np.int64)


def _checked_numbers(values: np.ndarray, what: str) -> np.ndarray:
    if values.dtype.kind == "u" and values.max() > np.iinfo(np.int64).max:
        raise DataError(f"{what}: expected class numbers 0..C-1, received {values.max()}.")
    values = values.astype(np.int64)
    if values.min() < 0:
        hint = " For classes -1 and 1 use (y > 0)." if set(np.unique(values)[:3].tolist()) == {-1, 1} else ""
        raise DataError(f"{what}: expected class numbers 0..C-1, received {values.min()}.{hint}")
    return values


def _expect_few(classes: int, labels: int) -> None:
    """Refuse more classes than labels before anything is made for each of them."""
    if classes > max(labels, FEW_CLASSES):
        raise DataError(
            f"training labels: expected at most one class per label, received {labels} labels for {classes} classes "
            "(numbers or names). Use np.unique(y, return_inverse=True)[1] to number the classes without gaps."
        )


def _expect_in_range(values: np.ndarray, classes: int, what: str) -> None:
    if values.max() >= classes:
        row = int((values >= classes).argmax())
        raise DataError(
            f"{what}: expected class numbers 0..{classes - 1}, received {values[row]} at row {row}. "
            "Labels must count from 0."
        )


def _expect_every_class(values: np.ndarray, names: tuple[str, ...]) -> None:
    if len(np.unique(values)) == 1:
        raise DataError(f"training labels: expected at least 2 classes, received only class {names[values[0]]!r}.")
    empty = np.flatnonzero(np.bincount(values, minlength=len(names)) == 0).tolist()
    if not empty:
        return
    if empty == [0]:
        fix = "the labels seem to count from 1; use y - 1."
    else:
        fix = "use np.unique(y, return_inverse=True)[1] to number the classes without gaps."
    which = _some([f"{i}" if names[i] == str(i) else f"{i} ({names[i]})" for i in empty])
    raise DataError(
        f"training labels: no stimulus of class {which}; every class 0..{len(names) - 1} needs at least one. "
        f"Likely fix: {fix}"
    )


def _some(values: Sequence[object], limit: int = 5) -> str:
    shown = ", ".join(str(value)[:LONGEST_QUOTE] for value in values[:limit])
    return shown if len(values) <= limit else f"{shown} and {len(values) - limit} more"
