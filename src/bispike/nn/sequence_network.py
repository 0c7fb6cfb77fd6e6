"""A network of recurrent layers, for sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import ShapeError, expect_shape
from ..spaces import Quantities
from .layer import Activity, Layer, RateActivity
from .network import Network
from .recurrent import RecurrentPathway, RecurrentState, Unrolled

State = list[RecurrentState]
"""What each layer did at the last position seen, bottom to top."""


class SequenceNetwork(Network):
    """Two-pathway spiking network for sequences. `bispike.models.rnn` makes one.

    Stimuli are sequences: symbols, int64 `[B, S]`, or values `[B, S, D]` in the units of the data. At each position it
    says what it is asked for: scores of the classes `[B, S, C]`, or quantities `[B, S, K]` in the units of the data.
    Arguments are those of `Network`; layers have a `RecurrentPathway` upwards, and downwards too if the top-down
    pathway is to hear what it did at the position before.

    Attributes:
        symbols: whether a stimulus is one of D symbols at each position.
    """

    recurrent = True

    def __init__(self, *args: Any, symbols: bool, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.symbols = symbols
        if isinstance(self.concept, Quantities):
            self.register_buffer("quantity_mean", torch.tensor(self.concept.mean))
            self.register_buffer("quantity_std", torch.tensor(self.concept.std))
            self.register_buffer("present", torch.tensor(self.concept.present, dtype=torch.int64), persistent=False)

    quantity_mean: Tensor
    quantity_std: Tensor
    present: Tensor

    # ------------------------------------------------------------------ ends

    @property
    def continuous(self) -> bool:
        """Whether the network forecasts quantities."""
        return isinstance(self.concept, Quantities)

    @property
    def paths(self) -> list[RecurrentPathway]:
        """The recurrent pathways, bottom to top."""
        return [layer.up for layer in self.layers if isinstance(layer.up, RecurrentPathway)]

    @property
    def paths_down(self) -> list[RecurrentPathway]:
        """The recurrent top-down pathways, bottom to top: of all layers, or none."""
        return [layer.down for layer in self.layers if isinstance(layer.down, RecurrentPathway)]

    def check_stimulus(self, stimulus: Tensor) -> None:
        """Raise a ShapeError unless `stimulus` is `[B, S]` of symbols, or `[B, S, D]` of values; S is at least 1."""
        size = self.stimulus.size
        if self.symbols:
            if stimulus.dim() != 2 or stimulus.dtype != torch.int64 or stimulus.shape[1] < 1:
                raise ShapeError(
                    "stimulus: expected symbols, int64 of shape [batch, positions], received "
                    f"{stimulus.dtype} of shape {list(stimulus.shape)}."
                )
            if stimulus.numel() and not 0 <= int(stimulus.min()) <= int(stimulus.max()) < size:
                raise ShapeError(
                    f"stimulus: expected symbols in 0..{size - 1}, received {int(stimulus.min())}.."
                    f"{int(stimulus.max())}."
                )
        elif stimulus.dim() != 3 or stimulus.shape[2] != size or stimulus.shape[1] < 1:
            raise expect_shape("stimulus", f"batch, positions, {size}", stimulus.shape, "Is the batch axis missing?")

    def check_labels(self, labels: Tensor) -> None:
        """Raise a ShapeError unless there is a class, int64 `[B, S]`, or K quantities, `[B, S, K]`, a position."""
        if self.continuous:
            if labels.dim() != 3 or labels.shape[2] != self.concept.classes:
                raise expect_shape("targets", f"batch, positions, {self.concept.classes}", labels.shape, "")
            return
        if labels.dim() != 2 or labels.dtype != torch.int64:
            raise ShapeError(
                f"labels: expected int64 of shape [batch, positions], received {labels.dtype} of shape "
                f"{list(labels.shape)}."
            )
        super().check_labels(labels.flatten())

    def encode(self, stimulus: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Currents `[S, B, D]`: one unit a symbol, or values standardised."""
        self.check_stimulus(stimulus)
        if self.symbols:
            return F.one_hot(stimulus.T, self.stimulus.size).to(self.stimulus_mean.dtype)
        return ((stimulus - self.stimulus_mean) / self.stimulus_std).transpose(0, 1).contiguous()

    def standard_targets(self, stimulus: Tensor, targets: Tensor) -> Tensor:
        """What the network has to say of quantities `[B, S, K]`, standardised, a row a position and sample: `[S·B, K]`.

        Args:
            stimulus: `[B, S, D]`, which holds the present values that changes are counted from.
            targets: in the units of the data.
        """
        if self.present.numel():
            targets = targets - stimulus[..., self.present]
        return ((targets - self.quantity_mean) / self.quantity_std).transpose(0, 1).flatten(0, 1)

    def quantities(self, stimulus: Tensor, said: Tensor) -> Tensor:
        """`standard_targets` backwards: quantities `[B, S, K]`, in the units of the data, from rows `[S·B, K]`."""
        found = said.unflatten(0, (stimulus.shape[1], -1)).transpose(0, 1) * self.quantity_std + self.quantity_mean
        return found + stimulus[..., self.present] if self.present.numel() else found

    # ------------------------------------------------------------------ passes

    def rest(self, batch: int) -> State:
        """The state before the first position: nothing fired."""
        return [path.rest(batch) for path in self.paths]

    def bottom_up_positions(
        self, source: Tensor, state: State, *, unrolled: bool = False
    ) -> Iterator[tuple[Layer, Tensor, Activity]]:
        """Bottom-up pass through P positions, a layer at a time: (layer, mean of its input, what it did), in rows.

        Args:
            source: `[P, B, D]` from `encode`.
            state: what each layer did at the position before; moves on, in place.
            unrolled: whether to follow d rate / d drive.
        """
        below, constant = source, True
        spikes = source
        for i, (layer, path) in enumerate(zip(self.layers, self.paths, strict=True)):
            found = path.unroll(spikes, below, state[i], self.time_steps, constant=constant, unrolled=unrolled)
            state[i] = found.last
            activity = found.activity
            yield layer, found.below, activity
            shape = (len(source), source.shape[1])
            assert isinstance(activity.spikes, Tensor)
            spikes, below, constant = activity.spikes.unflatten(1, shape), activity.rate.unflatten(0, shape), False
            del found, activity

    def rest_down(self, batch: int) -> State:
        """The same of the recurrent top-down pathways."""
        return [path.rest(batch) for path in self.paths_down]

    def top_down_positions(self, spikes: Tensor, state: State, *, unrolled: bool = False) -> list[Unrolled]:
        """Top-down pass of recurrent top-down pathways through P positions, bottom to top, in rows.

        Args:
            spikes: `[T, P, B, K]` of the concept at each position.
            state: what each layer did at the position before; moves on, in place.
            unrolled: whether to follow d rate / d drive.
        """
        above = spikes.mean(0)
        found: list[Unrolled] = []
        for i in reversed(range(len(self.paths_down))):
            here = self.paths_down[i].unroll(
                spikes, above, state[i], self.time_steps, constant=False, unrolled=unrolled
            )
            state[i] = here.last
            found.insert(0, here)
            assert isinstance(here.activity.spikes, Tensor)
            shape = above.shape[:2]
            spikes, above = here.activity.spikes.unflatten(1, shape), here.activity.rate.unflatten(0, shape)
        return found

    def taped_positions(self, source: Tensor, *, truncate: int = 0) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """The same with an autograd tape through all positions (or `truncate` of them) and steps.

        Returns:
            Rates of the last layer `[S·B, H]`; mean firing rate and raw drives `[S·B, H]` of each layer.
        """
        spikes, constant = source, True
        means, raws = [], []
        for path in self.paths:
            before = path.rest(source.shape[1])
            spikes, raw = path.taped_positions(spikes, before, self.time_steps, constant=constant, truncate=truncate)
            means.append(spikes.detach().mean())
            raws.append(raw)
            constant = False
        return spikes.mean(0).flatten(0, 1), means, raws

    def rates_positions(self, source: Tensor) -> list[tuple[Tensor, RateActivity]]:
        """The rate twin through all positions, differentiable: (what its synapse received, activity) of each layer."""
        found = []
        below = source
        for path in self.paths:
            activity, heard = path.rate_positions(below, path.rest(source.shape[1]))
            found.append((torch.cat([below.flatten(0, 1), heard], 1), activity))
            below = activity.rate.unflatten(0, (len(source), -1))
        return found

    def follow(self, raws: list[Tensor]) -> None:
        """Let the norms know the drives `[N, H]` of each layer of sequences that are over."""
        for path, raw in zip(self.paths, raws, strict=True):
            path.follow(raw)

    def follow_down(self, raws: list[Tensor]) -> None:
        """The same of the recurrent top-down pathways."""
        for path, raw in zip(self.paths_down, raws, strict=True):
            path.follow(raw)

    # ------------------------------------------------------------------ what users ask

    def top_rates(self, stimulus: Tensor, *, block: int = 64) -> Tensor:
        """Rates `[S·B, H]` of the last layer, the whole sequence, in blocks of positions."""
        with self.inference():
            source = self.encode(stimulus)
            if self.activity == "rates":
                return self.rates_positions(source)[-1][1].rate
            state = self.rest(source.shape[1])
            tops = []
            for part in source.split(block):
                *_, (_, _, activity) = self.bottom_up_positions(part, state)
                tops.append(activity.rate)
            return torch.cat(tops)

    def logits(self, stimulus: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Scores of the classes `[B, S, C]`, or quantities `[B, S, K]` in the units of the data, at each position."""
        said = self.outputs(self.top_rates(stimulus)).detach()
        if self.continuous:
            return self.quantities(stimulus, said)
        return said.unflatten(0, (stimulus.shape[1], -1)).transpose(0, 1)

    def outputs(self, rate: Tensor) -> Tensor:
        """Scores `[N, C]`, or standardised quantities `[N, K]`, from rates of the last layer; differentiable."""
        return self.readout(rate)

    def perceive(self, stimulus: Tensor) -> Tensor:
        """Labels `[B, S]`, or quantities `[B, S, K]`."""
        found = self.logits(stimulus)
        return found if self.continuous else found.argmax(2)

    def reader(self) -> Callable[[Tensor], Tensor]:
        """A function that reads on: stimuli of one sample `[1, P]` or `[1, P, D]` to what is said at the last position.

        It keeps the state from call to call, in the network's units (scores, or standardised quantities `[K]`).
        """
        state = self.rest(1)

        def read(stimulus: Tensor) -> Tensor:
            with self.inference():
                source = self.encode(stimulus)
                if self.activity == "rates":
                    return self.outputs(self._read_rates(source, state))[-1]
                *_, (_, _, activity) = self.bottom_up_positions(source, state)
                return self.outputs(activity.rate)[-1]

        return read

    def _read_rates(self, source: Tensor, state: State) -> Tensor:
        below = source
        for i, path in enumerate(self.paths):
            activity, _ = path.rate_positions(below, state[i])
            below = activity.rate.unflatten(0, (len(source), -1))
            state[i] = RecurrentState(below[-1], state[i].membrane)
        return below.flatten(0, 1)
