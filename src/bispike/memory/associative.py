"""An associative memory of two spiking populations, a stimulus below and a concept above, with one pathway each way.

    bottom-up  concept spikes  = fire(W (s − μ_s) + b_c)      top-down  stimulus spikes = fire(Θ (c − μ_c) + b_s)

W and Θ are separate weights. The dendrite saturates, I = σ(d); the soma integrates I and fires where the membrane
reaches 1 (soft reset), for T time steps, so rates are multiples of 1/T. μ is the mean of the stored patterns, which
inhibition subtracts, and b = σ⁻¹(μ) of the target population makes the mean its output without input. Pairs are stored
one at a time. Each population compares the output that the other one drives with the pattern that is clamped on it:

    L = cross-entropy(p, σ(d)),   dL/dd = σ(d) − p,   ΔW = −η dL/dd ⊗ (s − μ) / |s − μ|²

This is a delta rule, local to the synapse. While storing, some units of a cue are flipped, so that damaged cues recall
their pair too. `complete` runs both pathways in turn for a few passes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..arguments import checked, shown, whole, wholes
from ..errors import ConfigurationError, DamagedError, ShapeError
from ..functional import Neuron, even_code, lif, random_cue
from ..nn.inference import precise
from ..nn.network import check_dense
from ..nn.stimulus_input import Array, tensor_of
from ..nn.weight_limit import reserve
from ..restoring import fit_tensors
from ..runs.checkpoint import Checkpoint
from . import storage
from .result import CompletionResult, known_gain, known_mask

Shape = tuple[int, ...]
SOMA = Neuron(threshold=1.0, decay=1.0, reset="soft")
MOST_UNITS = 2**24
REST = 0.02  # the mean is clipped to [REST, 1 − REST], so that b is finite
WEIGHTS = ("up", "down", "stimulus_mean", "concept_mean")


class AssociativeMemory:
    """Memory of stimulus–concept pairs, or of stimulus–stimulus pairs, in two pathways.

    Args:
        stimulus, concept: shapes of the two populations, or numbers of units.
        time_steps: T, at least 1.
        rate: learning rate η, in (0, 8): the change of the drive for an error of 1; σ has a slope of at most 1/4.
        passes: number of presentations of each pair while storing, at least 1.
        flipped: share of the stimulus units that are flipped in cues while storing, in [0, 0.5].
        flipped_concept: the same for the concept units.
        hidden: largest share of the stimulus that is hidden in cues while storing, in [0, 1). In an image the hidden
            part is a strip along one side; in other patterns it is a random subset.
        seed: seed of flips, hidden parts and the order of the pairs.

    Raises:
        ConfigurationError: a setting is out of range; all problems are listed.
    """

    @checked
    @precise
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
        whole("seed", seed, 0, 2**62)
        if time_steps > 10_000 or passes > 10**6:
            problems.append(
                f"time_steps and passes: expected at most 10,000 and 10^6, received {time_steps}, {passes}."
            )
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
        reserve(math.prod(self.stimulus_shape) * math.prod(self.concept_shape) * 2, "weights of stimulus and concept")
        lower, upper = math.prod(self.stimulus_shape), math.prod(self.concept_shape)
        like = torch.zeros(0, dtype=torch.float32, device="cpu")  # whatever the defaults of torch are
        self.up, self.down = like.new_zeros(upper, lower), like.new_zeros(lower, upper)
        self.stimulus_mean, self.concept_mean = like.new_full((lower,), 0.5), like.new_full((upper,), 0.5)
        self.stored = 0
        self._draws = torch.Generator().manual_seed(seed)

    # ------------------------------------------------------------------ storing

    @checked
    @precise
    def store(self, stimuli: Array, concepts: Array) -> None:
        """Store pairs, learning one at a time; the learning rate falls linearly over the passes.

        Args:
            stimuli: `[N, *stimulus]` in [0, 1].
            concepts: `[N, *concept]` in [0, 1].

        Raises:
            ShapeError: patterns of another shape, or not as many concepts as stimuli.
            ConfigurationError: values outside [0, 1].
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
        flips = torch.rand(pattern.shape, generator=self._draws, dtype=pattern.dtype) < self.settings[share]
        return torch.where(flips, 1 - pattern, pattern)

    def _hide(self) -> Tensor | float:
        """Gain `[units]` of a cue with a random hidden part: 0 there, above 1 elsewhere (see `complete`)."""
        most = self.settings["hidden"]
        if most == 0:
            return 1.0
        known = random_cue(self.up.new_empty(1, *self.stimulus_shape), most, generator=self._draws)
        return known_gain(known.expand(1, *self.stimulus_shape).flatten(1))[0]

    def _learn(self, weight: Tensor, source: Tensor, target: Tensor, mean: Tensor, rate: float) -> None:
        """One step of the delta rule on one pathway."""
        error = target - self._current(source @ weight.T, mean)
        weight.addr_(error, source, alpha=rate / max(float(source @ source), 1e-6))

    # ------------------------------------------------------------------ recall

    @checked
    @precise
    def recall_concept(self, stimuli: Array) -> Tensor:
        """Rates `[N, *concept]` that stimuli `[N, *stimulus]` in [0, 1] recall in one pass."""
        rates = self._up(self._check("stimuli", stimuli, self.stimulus_shape) - self.stimulus_mean)
        return rates.unflatten(1, self.concept_shape)

    @checked
    @precise
    def recall_stimulus(self, concepts: Array) -> Tensor:
        """Rates `[N, *stimulus]` that concepts `[N, *concept]` in [0, 1] recall in one pass."""
        rates = self._down(self._check("concepts", concepts, self.concept_shape) - self.concept_mean)
        return rates.unflatten(1, self.stimulus_shape)

    @checked
    @precise
    def complete(self, cue: Array, *, known: Array | None = None, passes: int = 5) -> CompletionResult:
        """Complete damaged stimuli: run both pathways in turn, each from the output of the other.

        Args:
            cue: `[N, *stimulus]` in [0, 1].
            known: 1 where the cue is known, 0 where it is hidden; broadcasts to the cue. Known units stay clamped to
                the cue. Hidden units are silent in the first pass, and the drive is divided by the share of the known
                units. None: the whole cue is given in the first pass, and no unit is clamped.
            passes: number of bottom-up and top-down passes, at least 1.

        Returns:
            CompletionResult: stimuli and concepts after each pass.

        Raises:
            ShapeError: cue or mask have another shape.
            ConfigurationError: values outside [0, 1], or less than one pass.
        """
        if passes < 1:
            raise ConfigurationError(f"passes: expected at least 1, received {passes}.")
        given = self._check("cue", cue, self.stimulus_shape)
        whole = given.unflatten(1, self.stimulus_shape)
        clamped = torch.zeros_like(given) if known is None else known_mask(tensor_of("known", known), whole).flatten(1)
        source = (given - self.stimulus_mean) * (1 if known is None else known_gain(clamped))
        stimuli, concepts = [], []
        for _ in range(passes):
            concept = self._up(source)
            recalled = self._down(concept - self.concept_mean)
            stimulus = torch.where(clamped > 0, given, recalled)
            source = stimulus - self.stimulus_mean
            stimuli.append(stimulus.unflatten(1, self.stimulus_shape))
            concepts.append(concept.unflatten(1, self.concept_shape))
        return CompletionResult(stimuli[-1], concepts[-1], tuple(stimuli), tuple(concepts))

    def _up(self, source: Tensor) -> Tensor:
        return self._fire(self._current(source @ self.up.T, self.concept_mean))

    def _down(self, source: Tensor) -> Tensor:
        return self._fire(self._current(source @ self.down.T, self.stimulus_mean))

    def _current(self, drive: Tensor, mean: Tensor) -> Tensor:
        """σ(d) with the bias b of a population whose stored patterns have this mean."""
        return (drive + mean.clamp(REST, 1 - REST).logit()).sigmoid()

    def _fire(self, current: Tensor) -> Tensor:
        """Rates `[N, K]` of the spikes of T time steps."""
        return lif(current + 0.5 / self.time_steps, SOMA, time_steps=self.time_steps).mean(0).clamp(max=1)

    def _check(self, name: str, given: Array, shape: Shape) -> Tensor:
        """Patterns `[N, units]`, rounded to the rates that T time steps of spikes can have."""
        values = tensor_of(name, given)
        check_dense(name, values)
        if tuple(values.shape[1:]) != shape or values.dim() < 2:
            raise ShapeError(f"{name}: expected [N, {', '.join(map(str, shape))}], received {list(values.shape)}.")
        if not bool(((values >= 0) & (values <= 1)).all()):
            raise ConfigurationError(
                f"{name}: expected rates in [0, 1], received {float(values.min()):.3g} to {float(values.max()):.3g}."
            )
        return even_code(values.detach().float().flatten(1), self.time_steps).mean(0)

    # ------------------------------------------------------------------ saving

    @checked
    def save(self, folder: str | Path) -> None:
        """Write the memory into a folder. If the process is killed meanwhile, the folder holds the memory before.

        Raises:
            UserError: the folder holds something else, or cannot be written.
        """
        shapes = {"stimulus": list(self.stimulus_shape), "concept": list(self.concept_shape)}
        tensors = {name: getattr(self, name) for name in WEIGHTS}
        storage.write(folder, self.stored, {**shapes, **self.settings}, {**tensors, "draws": self._draws.get_state()})

    @classmethod
    @checked
    def load(cls, folder: str | Path) -> AssociativeMemory:
        """Read the memory that `save` wrote; it continues bit for bit.

        If the latest save is damaged, the one before it is read, with a warning.

        Raises:
            CheckpointError: there is none, or it is damaged.
        """
        return storage.read(folder, cls._restored)

    @classmethod
    def _restored(cls, saved: Checkpoint, source: str) -> AssociativeMemory:
        settings, tensors = dict(saved.values), dict(saved.tensors)
        stimulus, concept = (tuple(settings.pop(name)) for name in ("stimulus", "concept"))
        fit_tensors(tensors, _like(stimulus, concept), source)
        try:
            memory = cls(stimulus, concept, **settings)
            memory._draws.set_state(tensors.pop("draws"))
        except (ConfigurationError, RuntimeError) as error:
            raise DamagedError(f"{source}: the memory cannot be built again: {error}") from error
        for name, value in tensors.items():
            setattr(memory, name, value)
        memory.stored = saved.updates
        return memory


def _like(stimulus: Shape, concept: Shape) -> dict[str, Tensor]:
    """Tensors of the shapes and types of a memory's, without memory of their own."""
    lower, upper = math.prod(stimulus), math.prod(concept)
    shapes = {"up": (upper, lower), "down": (lower, upper), "stimulus_mean": (lower,), "concept_mean": (upper,)}
    try:
        like = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    except (RuntimeError, OverflowError, TypeError) as error:
        raise DamagedError(
            f"memory: expected shapes that fit into memory, received {stimulus} and {concept}."
        ) from error
    return {**like, "draws": torch.Generator().get_state()}


def _shape(name: str, value: Sequence[int] | int) -> Shape:
    shape = (whole(name, value, 1),) if isinstance(value, Integral) else tuple(wholes(name, value))
    if math.prod(shape) > MOST_UNITS:
        raise ConfigurationError(f"{name}: expected at most {MOST_UNITS:,} units, received {shown(shape)}.")
    return shape
