"""The result of a completion, and the mask of the known part of a cue."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..arguments import checked
from ..errors import ConfigurationError, ShapeError


@dataclass(frozen=True)
class CompletionResult:
    """Stimuli and concepts that a memory completes from N cues, pass by pass.

    Args:
        stimulus: `[N, *stimulus]` rates after the last pass.
        concept: `[N, *concept]` rates after the last pass.
        stimuli, concepts: both after each pass.
    """

    stimulus: Tensor
    concept: Tensor
    stimuli: tuple[Tensor, ...]
    concepts: tuple[Tensor, ...]


@checked
def known_mask(known: Tensor, cue: Tensor) -> Tensor:
    """The mask in shape and type of the cue.

    Raises:
        ShapeError: the mask does not broadcast to the cue.
        ConfigurationError: it holds other values than shares.
    """
    try:
        mask = known.to(cue.dtype).expand_as(cue)
    except RuntimeError as error:
        raise ShapeError(
            f"known: expected a mask that broadcasts to the cue {list(cue.shape)}, received {list(known.shape)}."
        ) from error
    if not bool(((mask >= 0) & (mask <= 1)).all()):  # not so for NaN
        raise ConfigurationError("known: expected values in [0, 1], received others.")
    return mask


@checked
def known_gain(known: Tensor) -> Tensor:
    """Gain `[N, units]` of a cue with this mask: 0 where hidden, elsewhere 1 divided by the known share of the cue."""
    return known / known.mean(1, keepdim=True).clamp(min=1 / known.shape[1])
