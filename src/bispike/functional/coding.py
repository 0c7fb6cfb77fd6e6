"""Codes at the two ends of a network: the input of neurons from a stimulus or a concept.

Stimulus codes give either a constant current `[B, ...]` or spikes `[T, B, ...]`; concept codes give one binary
pattern per class, which fires at every time step. Stochastic codes draw only from the given generator.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..arguments import checked
from ..errors import ConfigurationError, ShapeError
from .backends.tracing import hides_values

STIMULUS_CODES = ("current", "bernoulli", "poisson", "latency", "given")
CONCEPT_CODES = ("one-hot", "population", "learned")


@checked
def bernoulli_code(intensity: Tensor, time_steps: int, *, generator: torch.Generator | None = None) -> Tensor:
    """Spikes `[T, B, ...]` with probability equal to the intensity `[B, ...]`, which must be in [0, 1]."""
    _unit_interval(intensity, "bernoulli")
    probability = intensity.expand(time_steps, *intensity.shape)
    return torch.bernoulli(probability, generator=generator)


@checked
def poisson_code(intensity: Tensor, time_steps: int, *, generator: torch.Generator | None = None) -> Tensor:
    """Spikes `[T, B, ...]` of a Poisson process, `intensity` (≥ 0) events per time step; several events count as one.

    A time step has a spike with probability 1 − exp(−intensity).
    """
    if not hides_values() and bool((intensity < 0).any()):
        raise ConfigurationError("poisson code: expected intensities of at least 0; scale the stimulus to [0, 1].")
    probability = (1 - (-intensity).exp()).expand(time_steps, *intensity.shape)
    return torch.bernoulli(probability, generator=generator)


@checked
def even_code(rate: Tensor, time_steps: int) -> Tensor:
    """Spikes `[T, B, ...]` spread evenly over time, with the rate `[B, ...]` in [0, 1], rounded to a multiple of 1/T.

    With m = round(r·T), step t (from 1) fires where ⌊t·m/T⌋ > ⌊(t−1)·m/T⌋.
    """
    _unit_interval(rate, "even")
    count = (rate * time_steps).round()
    spikes = count.new_empty((time_steps, *count.shape))
    for t, spike in enumerate(spikes, start=1):  # ⌊t·m/T⌋; from the last step backward, minus the earlier count
        torch.mul(count, t / time_steps, out=spike).add_(1e-4).floor_()
    for t in range(time_steps - 1, 0, -1):
        spikes[t] -= spikes[t - 1]
    return spikes


@checked
def latency_code(intensity: Tensor, time_steps: int) -> Tensor:
    """One spike per value, earlier for larger values: at time step round((1 − x)(T − 1)); none where x = 0.

    Args:
        intensity: `[B, ...]` in [0, 1].
        time_steps: T.

    Returns:
        `[T, B, ...]`.
    """
    _unit_interval(intensity, "latency")
    when = ((1 - intensity) * (time_steps - 1)).round().long()
    spikes = torch.zeros((time_steps, *intensity.shape), dtype=intensity.dtype, device=intensity.device)
    return spikes.scatter(0, when.unsqueeze(0), (intensity > 0).to(intensity.dtype).unsqueeze(0))


@checked
def given_spikes(stimulus: Tensor, time_steps: int) -> Tensor:
    """Spikes from the data, `[B, T, ...]`, with the time axis moved first; checked to be 0 or 1."""
    if stimulus.dim() < 2 or stimulus.shape[1] != time_steps:
        raise ShapeError(f"given spikes: expected [B, T={time_steps}, ...], received {list(stimulus.shape)}.")
    if not hides_values() and not bool(((stimulus == 0) | (stimulus == 1)).all()):
        raise ConfigurationError("given spikes: expected values 0 and 1 only; use the code 'bernoulli' or 'current'.")
    return stimulus.transpose(0, 1).contiguous()


@checked
def one_hot_code(classes: int) -> Tensor:
    """One-hot code: the identity `[C, C]`, one neuron per class."""
    return torch.eye(classes)


@checked
def population_code(classes: int, size: int, *, active: float = 0.5, generator: torch.Generator) -> Tensor:
    """Random binary code `[C, K]`: all classes have the same number of active neurons, and no two codes are equal.

    Args:
        classes: C.
        size: K, number of concept neurons.
        active: share of neurons that fire for a class, in (0, 1).
        generator: source of randomness.

    Raises:
        ConfigurationError: K is too small for C different codes.
    """
    count = min(max(round(active * size), 1), size - 1) if size > 1 else 0
    if count == 0:
        raise ConfigurationError(f"population code: expected at least 2 concept neurons, received {size}.")
    for _ in range(1000):
        # On the generator's device, also where the default device has no memory.
        order = torch.rand(classes, size, generator=generator, device=generator.device).argsort(1)
        code = torch.zeros(classes, size, device=generator.device).scatter_(1, order[:, :count], 1.0)
        if torch.unique(code, dim=0).shape[0] == classes:
            return code
    raise ConfigurationError(
        f"population code: {size} neurons with {count} active do not tell {classes} classes apart; use more neurons."
    )


def _unit_interval(values: Tensor, code: str) -> None:
    if not hides_values() and bool(((values < 0) | (values > 1)).any()):
        raise ConfigurationError(
            f"{code} code: expected intensities in [0, 1], received {float(values.min()):.3g} to "
            f"{float(values.max()):.3g}; scale the stimulus, or use the code 'current'."
        )
