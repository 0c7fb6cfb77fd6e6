"""What a network takes as stimuli: arrays of numpy and tensors of any real type, by the rule of its data set.

    bool            0 and 1 in the units of the data
    whole numbers   divided by the divisor of the training data, in float32 as a data set does; refused without one
    real numbers    in the units of the data, which is what a data set gives, in the precision of the network

Pixels in 0..255 for a network that was trained on 0..1 would be decided upon without a word, and wrongly: images far
outside of the training data are refused. Steps of rules do not pass here; they take what `Network.encode` takes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..arguments import shown, with_article
from ..errors import ConfigurationError
from ..functional.backends.tracing import PLAIN, hides_values, is_captured, is_traced
from ..spaces import Stimulus

Array = Tensor | np.ndarray[Any, Any]
"""What the methods of a network take: a tensor, or an array of numpy."""

SLACK = 2.0
"""How many spans of the training data an image may lie outside of them."""
_HINTS = {
    "list": " torch.tensor(...) makes one.",
    "tuple": " A row of a data set, or of a DataLoader, is a stimulus and its label: give the first part alone.",
    "DataFrame": " .to_numpy() makes an array.",
    "Series": " .to_numpy() makes an array.",
    "Split": " Its rows are stimuli and labels: split[:][0] gives the stimuli.",
    "Dataset": " data.test[:][0] gives the stimuli of its test part.",
}


def tensor_of(what: str, values: Any) -> Tensor:
    """A dense tensor of real values from a tensor or an array of numpy.

    Args:
        what: the argument, for messages.
        values: bool, whole or real numbers of any width and byte order; read-only and strided arrays too.

    Raises:
        ConfigurationError: it is neither, or it is sparse, complex, or of objects.
    """
    if isinstance(values, np.ndarray | np.generic):
        return _of_numpy(what, values)
    if type(values).__module__.startswith("torch.fx"):
        raise ConfigurationError(
            f"{what}: expected a tensor, received a symbol of torch.fx.symbolic_trace, which cannot follow checks of "
            "values. Use torch.export.export(network, (stimulus,)), or torch.jit.trace."
        )
    if not isinstance(values, Tensor):
        pair = isinstance(values, list | tuple) and any(isinstance(one, Tensor) for one in values)
        hint = _HINTS["tuple" if pair else type(values).__name__] if pair or type(values).__name__ in _HINTS else ""
        raise ConfigurationError(f"{what}: expected a tensor or an array of numpy, received {shown(values)}.{hint}")
    if type(values) in PLAIN:
        return values
    if type(values).__torch_dispatch__ is getattr(Tensor, "__torch_dispatch__", None):  # a subclass in name alone
        return values.as_subclass(Tensor)
    if not is_captured() and not is_traced():
        raise ConfigurationError(
            f"{what}: expected a tensor with values, received {with_article(type(values).__name__)}, which stands for "
            "one. Use it within the tracer that made it."
        )
    return values


def in_units(what: str, values: Tensor, stimulus: Stimulus, dtype: torch.dtype, *, spikes: bool = False) -> Tensor:
    """Values in the units of the data and the precision of the network; the tensor itself where it has both.

    Args:
        what: the argument, for messages.
        values: dense and real.
        stimulus: of the network, with the divisor of whole numbers.
        dtype: precision of the network.
        spikes: whether stimuli are spikes, so that whole numbers are 0 and 1.

    Raises:
        ConfigurationError: whole numbers, whose divisor is not known.
    """
    if values.dtype == dtype:
        return values
    if values.dtype.is_floating_point or values.dtype == torch.bool:
        return values.to(dtype)
    divisor = 1.0 if spikes else stimulus.divisor
    if divisor is None:
        raise ConfigurationError(
            f"{what}: expected real numbers in the units of the training data, received "
            f"{str(values.dtype).removeprefix('torch.')}; the network does not know what to divide whole numbers by. "
            "bispike.data.as_float scales pixels of uint8 to 0..1; a network built with data.stimulus of pixels "
            f"does so itself. If they are in the units of the data already, x.to({dtype}) says so."
        )
    try:
        return values.to(torch.float32).div_(divisor).to(dtype)  # the arithmetic of a data set, bit for bit
    except (RuntimeError, NotImplementedError) as error:  # types that torch stores, but does not compute with
        raise ConfigurationError(f"{what}: expected real numbers, received {shown(values)}.") from error


def check_finite(stimulus: Tensor) -> None:
    """Check that no value of a batch of stimuli is NaN or infinite.

    Raises:
        ConfigurationError: with the number of samples that have such values.
    """
    bad = int((~torch.isfinite(stimulus)).flatten(1).any(1).sum())
    if bad:
        raise ConfigurationError(
            f"stimulus: expected finite values, received NaN or infinity in {bad} of {len(stimulus)} samples. "
            "Look for missing values in the data, a division by a deviation of zero, or values beyond the range of "
            f"{str(stimulus.dtype).removeprefix('torch.')}."
        )


def check_range(values: Tensor, stimulus: Stimulus, *, whole: bool = False) -> None:
    """Check that stimuli `[B, ...]` are finite, and that images are near the training data; one pass over the values.

    Args:
        values: in the units of the data.
        stimulus: of the network, with the limits of the training data.
        whole: whether the values were whole numbers, which a divisor bounds.

    Raises:
        ConfigurationError: they are not.
    """
    if values.numel() == 0 or hides_values():
        return
    low, high = (float(value) for value in torch.aminmax(values.detach()))
    if not (math.isfinite(low) and math.isfinite(high)):
        check_finite(values)
    limits = stimulus.limits
    if limits is None or len(stimulus.shape) < 2:
        return
    if whole and limits[0] >= 0 and limits[1] <= 1:
        _expect_bounded(low, high, stimulus.divisor or 1.0)
        return
    span = SLACK * max(limits[1] - limits[0], abs(limits[1]), 1e-30)
    if not limits[0] - span <= low <= high <= limits[1] + span:
        raise ConfigurationError(
            f"stimulus: expected values near those of the training data, {limits[0]:g} to {limits[1]:g}, received "
            f"{low:g} to {high:g}.{_fix(low, high)}"
        )


def _expect_bounded(low: float, high: float, divisor: float) -> None:
    """Check that whole numbers, which were divided, are from 0 to the divisor."""
    if low < 0 or high > 1:
        likely = "bispike.data.as_float divides pixels by 255." if divisor == 1 else "Bring them to this range."
        raise ConfigurationError(
            f"stimulus: expected whole numbers in 0..{divisor:g}, the range of the training data, received "
            f"{low * divisor:g} to {high * divisor:g}. {likely}"
        )


def _fix(low: float, high: float) -> str:
    """The likely fix of values in another unit than that of the training data."""
    for divisor in (255, 65535):
        if low >= 0 and high <= divisor:
            return f" They look like pixels: divide them by {divisor}, or give them as whole numbers."
    return " Bring them to the units of the training data."


def _of_numpy(what: str, array: Any) -> Tensor:
    if isinstance(array, np.ma.MaskedArray):
        if np.ma.getmaskarray(array).any():
            raise ConfigurationError(
                f"{what}: expected a value everywhere, received a masked array with "
                f"{int(np.ma.getmaskarray(array).sum())} masked values. Fill them: array.filled(...)."
            )
        array = array.data
    array = np.asarray(array)
    if array.dtype.name == "bfloat16":  # of the package ml_dtypes
        array = array.astype(np.float32)
    if array.dtype.kind not in "biuf":
        hint = " Lists of different lengths make such an array." if array.dtype.kind == "O" else ""
        raise ConfigurationError(f"{what}: expected an array of real numbers, received {shown(array)}.{hint}")
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    native = array.dtype.newbyteorder("=")
    copied = np.array(array, dtype=native, order="C")  # of its own: arrays may be read-only, or change later
    return torch.from_numpy(copied)
