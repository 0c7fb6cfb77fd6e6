"""Constants of a population of leaky integrate-and-fire neurons; their equation is in `lif.py`."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ConfigurationError


@dataclass(frozen=True)
class Neuron:
    """Constants of a LIF population (dimensionless).

    Args:
        threshold: θ, positive.
        decay: β, the factor of the membrane per time step, in [0, 1]; 1 means no decay.
        reset: `"hard"` sets the membrane to 0 after a spike, `"soft"` subtracts θ.
    """

    threshold: float = 0.6
    decay: float = 0.5
    reset: str = "hard"

    def __post_init__(self) -> None:
        problems = []
        if not self.threshold > 0:
            problems.append(f"threshold: expected a positive number, received {self.threshold}.")
        if not 0 <= self.decay <= 1:
            problems.append(f"decay: expected a number in [0, 1], received {self.decay}.")
        if self.reset not in ("hard", "soft"):
            problems.append(f"reset: expected 'hard' or 'soft', received {self.reset!r}.")
        if problems:
            raise ConfigurationError(problems)
