"""An associative memory of two spiking populations: a stimulus below, a concept above, and a pathway each way.

    up      concept spikes  = fire(W (s − μ_s) + b_c)      down    stimulus spikes = fire(Θ (c − μ_c) + b_s)

W and Θ are weights of their own. The dendrite saturates, I = σ(d), and the soma integrates I and fires where the
membrane passes 1 (soft reset): T steps, so rates are multiples of 1/T. μ is what inhibition takes away, the mean of
what was stored, and b = σ⁻¹(μ) of the answering side makes the mean its answer to nothing. Pairs are stored one at a
time: each population compares what the other calls up with the pattern that is clamped on it, and nothing else:

    L = cross-entropy(p, σ(d)),   dL/dd = σ(d) − p,   ΔW = −η dL/dd ⊗ (s − μ) / |s − μ|²

That is a delta rule, local to the synapse. While storing, some units of a cue are flipped, so that damaged cues are
answered as well. `settle` lets the two sides answer each other for a few passes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import CheckpointError, ConfigurationError, ShapeError
from ..files import make_folder, write_atomic, write_json
from ..functional import Neuron, even_code, lif, random_cue
from ..runs.checkpoint import read_tensors, serialise

Shape = tuple[int, ...]
SOMA = Neuron(threshold=1.0, decay=1.0, reset="soft")
REST = 0.02  # a population at rest is never surer than this
PATTERNS, SETTINGS = "memory.safetensors", "memory.json"
KIND = "associative memory"


@dataclass(frozen=True)
class Settled:
    """What a memory arrives at from cues, and how.

    Args:
        stimulus: `[N, *stimulus]` rates after the last pass.
        concept: `[N, *concept]` rates after the last pass.
        stimuli, concepts: both after each pass.
    """

    stimulus: Tensor
    concept: Tensor
    stimuli: tuple[Tensor, ...]
    concepts: tuple[Tensor, ...]


class AssociativeMemory:
    """Stimulus–concept pairs, or stimulus–stimulus pairs, in two pathways.

    Args:
        stimulus, concept: shapes of the two populations, or numbers of units.
        time_steps: T.
        rate: η, in (0, 8): the change of the drive for an error of 1; a dendrite has a slope of 1/4 at rest.
        passes: how often each pair is shown while storing, at least 1.
        flipped: share of the stimulus units that are flipped in cues while storing, in [0, 0.5].
        flipped_concept: the same of the concept units.
        hidden: largest share of the stimulus that is hidden in cues while storing, in [0, 1): of images all beyond a
            straight edge, of other patterns a random subset.
        seed: of the flips and the order of the pairs.
    """

    def __init__(
        self,
        stimulus: Sequence[int] | int,
        concept: Sequence[int] | int,
        *,
        time_steps: int = 8,
        rate: float = 4.0,
        passes: int = 30,
        flipped: float = 0.25,
        flipped_concept: float = 0.05,
        hidden: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.stimulus_shape, self.concept_shape = _shape("stimulus", stimulus), _shape("concept", concept)
        problems = []
        if time_steps < 1:
            problems.append(f"time_steps: expected at least 1 time step, received {time_steps}.")
        if not 0 < rate < 8:
            problems.append(f"rate: expected a number in (0, 8), received {rate}.")
        if passes < 1:
            problems.append(f"passes: expected at least 1, received {passes}.")
        if not (0 <= flipped <= 0.5 and 0 <= flipped_concept <= 0.5):
            problems.append(f"flipped: expected shares in [0, 0.5], received {flipped} and {flipped_concept}.")
        if not 0 <= hidden < 1:
            problems.append(f"hidden: expected a share in [0, 1), received {hidden}.")
        if problems:
            raise ConfigurationError(problems)
        self.settings: dict[str, Any] = {
            "time_steps": time_steps,
            "rate": rate,
            "passes": passes,
            "flipped": flipped,
            "flipped_concept": flipped_concept,
            "hidden": hidden,
            "seed": seed,
        }
        self.time_steps = time_steps
        lower, upper = math.prod(self.stimulus_shape), math.prod(self.concept_shape)
        self.up, self.down = torch.zeros(upper, lower), torch.zeros(lower, upper)
        self.stimulus_mean, self.concept_mean = torch.full((lower,), 0.5), torch.full((upper,), 0.5)
        self.stored = 0
        self._draws = torch.Generator().manual_seed(seed)

    # ------------------------------------------------------------------ storing

    def store(self, stimuli: Tensor, concepts: Tensor) -> None:
        """Learn pairs online, one at a time; the step size falls to zero over the passes.

        Args:
            stimuli: `[N, *stimulus]` in [0, 1].
            concepts: `[N, *concept]` in [0, 1].

        Raises:
            ShapeError, ConfigurationError.
        """
        below = self._check("stimuli", stimuli, self.stimulus_shape)
        above = self._check("concepts", concepts, self.concept_shape)
        if len(below) != len(above) or len(below) == 0:
            raise ShapeError(f"store: expected as many concepts as stimuli, received {len(below)} and {len(above)}.")
        share = len(below) / (self.stored + len(below))
        self.stimulus_mean = self.stimulus_mean.lerp(below.mean(0), share)
        self.concept_mean = self.concept_mean.lerp(above.mean(0), share)
        passes = self.settings["passes"]
        for number in range(passes):
            rate = self.settings["rate"] * (1 - number / passes)
            for i in torch.randperm(len(below), generator=self._draws).tolist():
                cues = self._flip(below[i], "flipped"), self._flip(above[i], "flipped_concept")
                source = (cues[0] - self.stimulus_mean) * self._hide()
                self._learn(self.up, source, above[i], self.concept_mean, rate)
                self._learn(self.down, cues[1] - self.concept_mean, below[i], self.stimulus_mean, rate)
        self.stored += len(below)

    def _flip(self, pattern: Tensor, share: str) -> Tensor:
        flips = torch.rand(pattern.shape, generator=self._draws) < self.settings[share]
        return torch.where(flips, 1 - pattern, pattern)

    def _hide(self) -> Tensor | float:
        """Gain `[units]` of a cue of which a random part is hidden: 0 there, larger elsewhere (see `settle`)."""
        most = self.settings["hidden"]
        if most == 0:
            return 1.0
        known = random_cue(torch.empty(1, *self.stimulus_shape), most, generator=self._draws)
        return _gain(known.expand(1, *self.stimulus_shape).flatten(1))[0]

    def _learn(self, weight: Tensor, source: Tensor, target: Tensor, mean: Tensor, rate: float) -> None:
        """One step of the delta rule on one pathway."""
        error = target - self._current(source @ weight.T, mean)
        weight.addr_(error, source, alpha=rate / max(float(source @ source), 1e-6))

    # ------------------------------------------------------------------ recalling

    def recall_concept(self, stimuli: Tensor) -> Tensor:
        """Rates `[N, *concept]` that stimuli `[N, *stimulus]` in [0, 1] call up in one pass."""
        rates = self._up(self._check("stimuli", stimuli, self.stimulus_shape) - self.stimulus_mean)
        return rates.unflatten(1, self.concept_shape)

    def recall_stimulus(self, concepts: Tensor) -> Tensor:
        """Rates `[N, *stimulus]` that concepts `[N, *concept]` in [0, 1] call up in one pass."""
        rates = self._down(self._check("concepts", concepts, self.concept_shape) - self.concept_mean)
        return rates.unflatten(1, self.stimulus_shape)

    def settle(self, cue: Tensor, *, known: Tensor | None = None, passes: int = 5) -> Settled:
        """Let stimulus and concept answer each other, beginning with a damaged stimulus.

        Args:
            cue: `[N, *stimulus]` in [0, 1].
            known: 1 where the cue is to be trusted, 0 where it is hidden; broadcasts to the cue. Trusted units keep the
                cue; hidden ones are silent at first, and the known ones speak up for them (the drive is divided by
                their share). None: all units speak at first, and none is held.
            passes: times up and down, at least 1.
        """
        if passes < 1:
            raise ConfigurationError(f"passes: expected at least 1, received {passes}.")
        given = self._check("cue", cue, self.stimulus_shape)
        held = torch.zeros_like(given) if known is None else _mask(known, cue).flatten(1)
        source = (given - self.stimulus_mean) * (1 if known is None else _gain(held))
        stimuli, concepts = [], []
        for _ in range(passes):
            concept = self._up(source)
            recalled = self._down(concept - self.concept_mean)
            stimulus = torch.where(held > 0, given, recalled)
            source = stimulus - self.stimulus_mean
            stimuli.append(stimulus.unflatten(1, self.stimulus_shape))
            concepts.append(concept.unflatten(1, self.concept_shape))
        return Settled(stimuli[-1], concepts[-1], tuple(stimuli), tuple(concepts))

    def _up(self, source: Tensor) -> Tensor:
        return self._fire(self._current(source @ self.up.T, self.concept_mean))

    def _down(self, source: Tensor) -> Tensor:
        return self._fire(self._current(source @ self.down.T, self.stimulus_mean))

    def _current(self, drive: Tensor, mean: Tensor) -> Tensor:
        """σ(d) with the rest of a population whose stored patterns have this mean."""
        return (drive + mean.clamp(REST, 1 - REST).logit()).sigmoid()

    def _fire(self, current: Tensor) -> Tensor:
        """Rates `[N, K]` of T steps of spikes."""
        return lif(current + 0.5 / self.time_steps, SOMA, time_steps=self.time_steps).mean(0).clamp(max=1)

    def _check(self, name: str, values: Tensor, shape: Shape) -> Tensor:
        """`[N, units]` of patterns, as their T steps of spikes tell them."""
        if tuple(values.shape[1:]) != shape or values.dim() < 2:
            raise ShapeError(f"{name}: expected [N, {', '.join(map(str, shape))}], received {list(values.shape)}.")
        if not bool(((values >= 0) & (values <= 1)).all()):
            raise ConfigurationError(
                f"{name}: expected rates in [0, 1], received {float(values.min()):.3g} to {float(values.max()):.3g}."
            )
        return even_code(values.float().flatten(1), self.time_steps).mean(0)

    # ------------------------------------------------------------------ keeping

    def save(self, folder: str | Path) -> None:
        """Write `memory.safetensors` and `memory.json`, each through a temporary file beside it."""
        target = Path(folder)
        make_folder(target)
        tensors = {
            "up": self.up,
            "down": self.down,
            "stimulus_mean": self.stimulus_mean,
            "concept_mean": self.concept_mean,
            "draws": self._draws.get_state(),
        }
        write_atomic(target / PATTERNS, serialise(tensors))
        values = {
            "kind": KIND,
            "stimulus": list(self.stimulus_shape),
            "concept": list(self.concept_shape),
            "stored": self.stored,
            **self.settings,
        }
        write_json(target / SETTINGS, values)

    @classmethod
    def load(cls, folder: str | Path) -> AssociativeMemory:
        """The memory in a folder, as it was saved.

        Raises:
            CheckpointError: there is none, or it is damaged.
        """
        source = Path(folder)
        if not (source / SETTINGS).is_file():
            raise CheckpointError(f"{source}: is not the folder of an associative memory (it has no {SETTINGS}).")
        try:
            values = json.loads((source / SETTINGS).read_text())
        except ValueError as error:
            raise CheckpointError(f"{source / SETTINGS}: is damaged ({error}).") from error
        if values.pop("kind", None) != KIND:
            raise CheckpointError(f"{source / SETTINGS}: describes something else than an associative memory.")
        stored = values.pop("stored")
        memory = cls(values.pop("stimulus"), values.pop("concept"), **values)
        tensors = read_tensors(source / PATTERNS)
        for name in ("up", "down", "stimulus_mean", "concept_mean"):
            if name not in tensors or tensors[name].shape != getattr(memory, name).shape:
                raise CheckpointError(f"{source / PATTERNS}: does not fit {SETTINGS} beside it ({name}).")
            setattr(memory, name, tensors[name])
        memory._draws.set_state(tensors["draws"])
        memory.stored = stored
        return memory


def _shape(name: str, value: Sequence[int] | int) -> Shape:
    shape = (value,) if isinstance(value, int) else tuple(int(n) for n in value)
    if not shape or any(n < 1 for n in shape):
        raise ConfigurationError(f"{name}: expected a number of units or a shape of at least 1, received {value}.")
    return shape


def _gain(known: Tensor) -> Tensor:
    """What the sources `[N, units]` are multiplied by: 0 where hidden, one over the known share elsewhere."""
    return known / known.mean(1, keepdim=True).clamp(min=1 / known.shape[1])


def _mask(known: Tensor, cue: Tensor) -> Tensor:
    try:
        return known.to(cue.dtype).expand_as(cue)
    except RuntimeError as error:
        raise ShapeError(
            f"known: expected a mask that broadcasts to the cue {list(cue.shape)}, received {list(known.shape)}."
        ) from error
