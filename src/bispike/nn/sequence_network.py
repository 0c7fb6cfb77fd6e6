"""Networks of recurrent layers, for sequences: a classifier and a forecaster with an output at every position.

Each position of a sample is one row: rules receive P·B rows, [position, batch]. What differs between classes and
quantities (targets in rows, spikes of the concept neurons, loss of the readout) is a method of the final class.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from ..arguments import expect
from ..errors import ConfigurationError, ShapeError, expect_shape
from ..functional import cross_entropy
from ..functional.backends.tracing import hides_values, is_captured, uncompiled
from ..spaces import Quantities
from .inference import own_precision
from .layer import Layer
from .network import Network, check_dense, check_place
from .passes import SpikeStep
from .pathway import Activity, RateActivity
from .quantity_code import QuantityCode
from .recurrent import RecurrentActivity, RecurrentPathway, RecurrentState
from .stimulus_input import Array, tensor_of
from .stimulus_network import check_classes

State = list[RecurrentState]
"""The state of each layer after the last position seen, bottom to top."""


class SequenceNetwork(Network):
    """Base of networks for sequences. `bispike.models.rnn` makes one.

    Stimuli are sequences: symbols, int64 `[B, S]`, or values `[B, S, D]` in the units of the data. Arguments are those
    of `Network`; the bottom-up pathway of each layer is a `RecurrentPathway`. The top-down pathway may be one too.

    Args:
        symbols: whether a stimulus is one of D symbols at each position.

    Attributes:
        paired: whether each position of each sample has its own template, which is a negative of all others.
    """

    kind: ClassVar[str] = "a recurrent network"
    shared_axes: ClassVar[tuple[str, ...]] = ("samples", "positions")
    paired: bool

    def __init__(self, *args: Any, symbols: bool, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.symbols = symbols

    # ------------------------------------------------------------------ what the final classes define

    @abstractmethod
    def target_rows(self, stimulus: Tensor, targets: Tensor) -> Tensor:
        """Targets of all positions and samples in the units of the network, `[S·B]` or `[S·B, K]`."""

    @abstractmethod
    def target_spikes(self, rows: Tensor) -> Tensor:
        """Spikes `[T, N, K]` of the concept neurons for target rows `[N, ...]`."""

    @abstractmethod
    def differ(self, rows: Tensor, others: Tensor) -> Tensor:
        """Whether the templates of target rows `[M, ...]` are negatives of rows `[N, ...]`: `[N, M]`, 0 or 1."""

    @abstractmethod
    def output_loss(self, output: Tensor, rows: Tensor, *, smoothing: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
        """Loss of outputs `[N, ·]` (a mean over rows), its gradient, and the number of right decisions."""

    @abstractmethod
    def taped_loss(self, output: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """`output_loss` with a tape: loss and the number of right decisions."""

    @abstractmethod
    def answers(self, stimulus: Tensor, output: Tensor) -> Tensor:
        """Decisions for the user, `[B, S, ...]`, from outputs `[S·B, ...]`."""

    # ------------------------------------------------------------------ ends

    @property
    def paths(self) -> list[RecurrentPathway]:
        """The recurrent pathways, bottom to top."""
        return [layer.up for layer in self.layers]  # type: ignore[misc]

    @property
    def paths_down(self) -> list[RecurrentPathway]:
        """The recurrent top-down pathways, bottom to top: those of all layers, or an empty list."""
        return [layer.down for layer in self.layers if isinstance(layer.down, RecurrentPathway)]

    def check_stimulus(self, stimulus: Tensor) -> None:
        """Raise a ShapeError unless `stimulus` is `[B, S]` of symbols, or `[B, S, D]` of values; S is at least 1."""
        size = self.stimulus.size
        if self.symbols:
            expect("stimulus", stimulus, Tensor, "a tensor of symbols")
            check_place("stimulus", stimulus, self.stimulus_mean.device)
            if stimulus.dim() != 2 or stimulus.dtype != torch.int64 or stimulus.shape[1] < 1:
                raise ShapeError(
                    "stimulus: expected symbols, int64 of shape [batch, positions], received "
                    f"{stimulus.dtype} of shape {list(stimulus.shape)}. A symbol is the number of a character in the "
                    "vocabulary, network.concept.names."
                )
            if stimulus.numel() and not hides_values() and not 0 <= int(stimulus.min()) <= int(stimulus.max()) < size:
                raise ShapeError(
                    f"stimulus: expected symbols in 0..{size - 1}, received {int(stimulus.min())}.."
                    f"{int(stimulus.max())}."
                )
            return
        self.check_values("stimulus", stimulus)
        if stimulus.dim() != 3 or stimulus.shape[2] != size or stimulus.shape[1] < 1:
            raise expect_shape("stimulus", f"batch, positions, {size}", stimulus.shape, "Is the batch axis missing?")

    def encode(self, stimulus: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Currents `[S, B, D]`: one unit per symbol, or values standardised."""
        self.check_stimulus(stimulus)
        if self.symbols:
            return F.one_hot(stimulus.T, self.stimulus.size).to(self.stimulus_mean.dtype)
        stimulus = stimulus.to(self.stimulus_mean.dtype)
        return ((stimulus - self.stimulus_mean) / self.stimulus_std).transpose(0, 1).contiguous()

    # ------------------------------------------------------------------ passes

    def rest(self, batch: int) -> State:
        """The state before the first position: no neuron has fired."""
        return [path.rest(batch) for path in self.paths]

    def bottom_up_positions(self, source: Tensor, state: State, *, unrolled: bool = False) -> Iterator[SpikeStep]:
        """Bottom-up pass through P positions, one step per layer, in rows.

        Args:
            source: `[P, B, D]` from `encode`.
            state: state of each layer after the previous position; updated in place.
            unrolled: whether to compute d rate / d drive through the time steps.
        """
        below, constant = source, True
        spikes = source
        for i, (layer, path) in enumerate(zip(self.layers, self.paths, strict=True)):
            found = path.forward_positions(
                spikes, below, state[i], self.time_steps, constant=constant, unrolled=unrolled
            )
            state[i] = found.last
            activity = found.activity
            yield SpikeStep(layer, found.below, activity, activity.rate)
            shape = (len(source), source.shape[1])
            assert isinstance(activity.spikes, Tensor)
            spikes, below, constant = activity.spikes.unflatten(1, shape), activity.rate.unflatten(0, shape), False
            del found, activity

    def rest_down(self, batch: int) -> State:
        """The state of the recurrent top-down pathways before the first position."""
        return [path.rest(batch) for path in self.paths_down]

    def top_down_positions(self, spikes: Tensor, state: State, *, unrolled: bool = False) -> list[RecurrentActivity]:
        """Top-down pass of recurrent top-down pathways through P positions, bottom to top, in rows.

        Args:
            spikes: `[T, P, B, K]` spikes of the concept at each position.
            state: state of each layer after the previous position; updated in place.
            unrolled: whether to compute d rate / d drive through the time steps.
        """
        above = spikes.mean(0)
        found: list[RecurrentActivity] = []
        for i in reversed(range(len(self.paths_down))):
            here = self.paths_down[i].forward_positions(
                spikes, above, state[i], self.time_steps, constant=False, unrolled=unrolled
            )
            state[i] = here.last
            found.insert(0, here)
            assert isinstance(here.activity.spikes, Tensor)
            shape = above.shape[:2]
            spikes, above = here.activity.spikes.unflatten(1, shape), here.activity.rate.unflatten(0, shape)
        return found

    def taped_positions(self, source: Tensor, *, truncate: int = 0) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Bottom-up pass with an autograd tape through all positions (or `truncate` of them) and time steps.

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

    def rates_positions(self, source: Tensor, state: State | None = None) -> list[tuple[Tensor, RateActivity]]:
        """The rate twin through all positions, differentiable: (input of the synapse, activity) of each layer.

        Args:
            source: `[P, B, D]` from `encode`.
            state: state of each layer after the previous position, updated in place; None: at rest.
        """
        found = []
        below = source
        for i, path in enumerate(self.paths):
            before = path.rest(source.shape[1]) if state is None else state[i]
            activity, received = path.rate_positions(below, before)
            found.append((torch.cat([below.flatten(0, 1), received], 1), activity))
            below = activity.rate.unflatten(0, (len(source), -1))
            if state is not None:
                state[i] = RecurrentState(below[-1], before.membrane)
        return found

    def follow(self, raws: list[Tensor]) -> None:
        """Update the statistics of the norms with the drives `[N, H]` of each layer, after complete sequences."""
        for path, raw in zip(self.paths, raws, strict=True):
            path.follow(raw)

    def follow_down(self, raws: list[Tensor]) -> None:
        """Update the statistics of the norms of the recurrent top-down pathways, after complete sequences."""
        for path, raw in zip(self.paths_down, raws, strict=True):
            path.follow(raw)

    # ------------------------------------------------------------------ outputs

    def layer_positions(self, source: Tensor, state: State) -> Iterator[tuple[Layer, Tensor, Activity | RateActivity]]:
        """Each layer with its input and activity in rows, in the signals of the network: spikes or rates.

        Args:
            source: `[P, B, D]` from `encode`.
            state: state of each layer after the previous position; updated in place.
        """
        if self.signals.spiking:
            for step in self.bottom_up_positions(source, state):
                yield step.layer, step.below, step.activity
        else:
            for layer, (below, activity) in zip(self.layers, self.rates_positions(source, state), strict=True):
                yield layer, below, activity

    def take(self, stimulus: Array) -> Tensor:
        """`Network.take`; symbols are whole numbers of any width."""
        if not self.symbols:
            return super().take(stimulus)
        given = tensor_of("stimulus", stimulus)
        given = given if isinstance(stimulus, Tensor) else given.to(self.stimulus_mean.device)
        check_dense("stimulus", given)
        found = given if given.is_floating_point() or given.dtype == torch.bool else given.to(torch.int64)
        self.check_stimulus(found)
        return found

    def top_rates(self, stimulus: Array, *, block: int = 64) -> Tensor:
        """Rates `[S·B, H]` of the last layer for the whole sequence, computed in blocks of positions."""
        with self.inference():
            source = self.encode(self.take(stimulus))
            state = self.rest(source.shape[1])
            return torch.cat([self._top(part, state) for part in source.split(block)])

    def _top(self, source: Tensor, state: State) -> Tensor:
        *_, (_, _, activity) = self.layer_positions(source, state)
        return activity.rate

    @uncompiled
    def forward(self, stimulus: Array) -> Tensor:
        """Outputs as from `logits`, with a tape through positions and time steps where gradients are enabled."""
        if not torch.is_grad_enabled() or is_captured():
            return self.logits(stimulus)
        with own_precision(self.stimulus_mean.device):
            given = self.take(stimulus)
            source = self.encode(given)
            taped = self.signals.spiking
            rate = self.taped_positions(source)[0] if taped else self.rates_positions(source)[-1][1].rate
            return self.answers(given, self.readout(rate))

    @uncompiled
    def logits(self, stimulus: Array, *, generator: torch.Generator | None = None) -> Tensor:
        """Scores of the classes `[B, S, C]`, or quantities `[B, S, K]` in the units of the data, at each position."""
        with self.inference():
            given = self.take(stimulus)
            return self.answers(given, self.readout(self.top_rates(given)))

    def reader(self) -> Callable[[Tensor], Tensor]:
        """A function that continues a sequence: stimuli `[1, P]` or `[1, P, D]` to the output at the last position.

        It keeps the state between calls. Outputs are in the units of the network: scores, or standardised quantities.
        """
        state = self.rest(1)

        def read(stimulus: Array) -> Tensor:
            with self.inference():
                return self.readout(self._top(self.encode(self.take(stimulus)), state))[-1]

        return read


class SequenceClassifier(SequenceNetwork):
    """A network that classifies each position of a sequence: scores `[B, S, C]`."""

    kind: ClassVar[str] = "a recurrent network"

    @property
    def paired(self) -> bool:  # type: ignore[override]
        """Whether the top-down pathway is recurrent: a template then depends on earlier targets, one per position."""
        return bool(self.paths_down)

    def check_labels(self, labels: Tensor) -> None:
        """Raise a ShapeError unless there is a class at each position, int64 `[B, S]`."""
        expect("labels", labels, Tensor, "a tensor")
        check_place("labels", labels, self.stimulus_mean.device)
        if labels.dim() != 2 or labels.dtype != torch.int64:
            raise ShapeError(
                f"labels: expected int64 of shape [batch, positions], received {labels.dtype} of shape "
                f"{list(labels.shape)}."
            )
        check_classes(labels, len(self.concept.names))

    def target_rows(self, stimulus: Tensor, targets: Tensor) -> Tensor:
        return targets.T.flatten()

    def target_spikes(self, rows: Tensor) -> Tensor:
        return self.code.spikes(self.time_steps)[:, rows].to(self.stimulus_mean.dtype)

    def differ(self, rows: Tensor, others: Tensor) -> Tensor:
        return (rows[:, None] != others).to(self.stimulus_mean.dtype)

    def output_loss(self, output: Tensor, rows: Tensor, *, smoothing: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
        """Cross-entropy of scores `[N, C]` against classes `[N]`."""
        loss, grad = cross_entropy(output, rows, samples=self.group.count(len(rows)), smoothing=smoothing)
        return loss, grad, (output.argmax(1) == rows).sum().to(loss)

    def taped_loss(self, output: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        loss = F.cross_entropy(output, rows, reduction="sum") / self.group.count(len(rows))
        return loss, (output.detach().argmax(1) == rows).sum().to(loss)

    def answers(self, stimulus: Tensor, output: Tensor) -> Tensor:
        return output.unflatten(0, (stimulus.shape[1], -1)).transpose(0, 1)

    def perceive(self, stimulus: Array) -> Tensor:
        """Labels `[B, S]`."""
        return self.logits(stimulus).argmax(2)


class SequenceForecaster(SequenceNetwork):
    """A network that forecasts quantities at each position: values `[B, S, K]` in the units of the data."""

    kind: ClassVar[str] = "a recurrent network"
    paired = True
    concept: Quantities
    concept_code: QuantityCode
    quantity_mean: Tensor
    quantity_std: Tensor
    present: Tensor

    def __init__(self, *args: Any, symbols: bool, **settings: Any) -> None:
        super().__init__(*args, symbols=symbols, **settings)
        self.register_buffer("quantity_mean", torch.tensor(self.concept.mean))
        self.register_buffer("quantity_std", torch.tensor(self.concept.std))
        self.register_buffer("present", torch.tensor(self.concept.present, dtype=torch.int64), persistent=False)

    def check_labels(self, labels: Tensor) -> None:
        """Raise a ShapeError unless there are K quantities at each position, `[B, S, K]`."""
        self.check_values("targets", labels)
        if labels.dim() != 3 or labels.shape[2] != len(self.concept.names):
            raise expect_shape("targets", f"batch, positions, {len(self.concept.names)}", labels.shape, "")
        if not torch.isfinite(labels.sum()) and not bool(torch.isfinite(labels).all()):
            raise ConfigurationError("targets: expected finite values, received NaN or infinity.")

    def target_rows(self, stimulus: Tensor, targets: Tensor) -> Tensor:
        """Standardised targets `[S·B, K]`.

        Args:
            stimulus: `[B, S, D]`, with the present values to which changes are relative.
            targets: `[B, S, K]` in the units of the data.
        """
        if self.present.numel():
            targets = targets - stimulus[..., self.present]
        return ((targets - self.quantity_mean) / self.quantity_std).transpose(0, 1).flatten(0, 1)

    def target_spikes(self, rows: Tensor) -> Tensor:
        return self.concept_code.spikes_of(rows, self.time_steps)

    def differ(self, rows: Tensor, others: Tensor) -> Tensor:
        return rows.new_ones(len(rows), len(others))

    def output_loss(self, output: Tensor, rows: Tensor, *, smoothing: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
        """Mean squared error of standardised quantities `[N, K]`, in deviations."""
        difference = output - rows
        scale = 1 / (self.group.count(len(rows)) * rows.shape[1])
        loss = scale * difference.square().sum()
        return loss, difference * (2 * scale), loss.new_zeros(())

    def taped_loss(self, output: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        difference = output - rows
        scale = 1 / (self.group.count(len(difference)) * difference.shape[1])
        return scale * difference.square().sum(), output.new_zeros(())

    def answers(self, stimulus: Tensor, output: Tensor) -> Tensor:
        values = output.unflatten(0, (stimulus.shape[1], -1)).transpose(0, 1) * self.quantity_std + self.quantity_mean
        return values + stimulus[..., self.present] if self.present.numel() else values

    def perceive(self, stimulus: Array) -> Tensor:
        """Quantities `[B, S, K]`."""
        return self.logits(stimulus)
