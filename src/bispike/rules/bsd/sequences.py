"""BSD on sequences: at each position the recurrent bottom-up population is aligned with the template of the target.

A sequence is processed in blocks of positions. Within a block every position is a sample. The output of the population
at the previous position is an additional input, so the update needs only local quantities, in space and in time. The
gradients of blocks are summed and the state passes to the next block, so memory does not grow with the length.

    classes       templates of the vocabulary, C rows for any length and batch
    quantities    the target of each position fires its tuned neurons; the other templates of the block are negatives

Where the top-down pathway is recurrent, a template depends on earlier targets, so every position has its own, also for
classes; the negatives are then the templates of other classes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor

from ...functional import negative_counts
from ...nn import (
    Activity,
    Group,
    Network,
    SequenceClassifier,
    SequenceForecaster,
    SequenceNetwork,
    SpikeStep,
    State,
    TopDownPass,
)
from ..positions import BlockSums, mean_report
from ..readouts import Top, learn_outputs, learn_recall, learn_reconstruction, learn_top
from ..rule import StepReport, register
from .options import BSDSequenceOptions
from .rule import TwoPathwayRule

PAIRED = 512  # largest number of rows in a block whose rows are all negatives of each other


@register
class BSDSequences(TwoPathwayRule):
    """Bidirectional spike-based distillation of sequences. See the module text and `BSDSequenceOptions`."""

    networks: ClassVar[tuple[type[Network], ...]] = (SequenceClassifier,)
    Options: ClassVar[type] = BSDSequenceOptions
    settings: BSDSequenceOptions
    network: SequenceNetwork

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        """Write the gradients of both pathways for a batch of sequences; `loss` is a mean over positions.

        Args:
            stimulus: `[B, S]` symbols or `[B, S, D]` values.
            labels: `[B, S]` classes or `[B, S, K]` quantities.
        """
        net = self.network
        batch, length = labels.shape[:2]
        whole = net.group.count(batch)
        positions = min(self.settings.block, max(1, PAIRED // whole)) if net.paired else self.settings.block
        state, state_down = net.rest(batch), net.rest_down(whole)
        sums = BlockSums(self.parameters())
        reports = []
        listener, self.on_gradients_ready = self.on_gradients_ready, None  # no gradient is final before the last block
        try:
            for first in range(0, length, positions):
                here = slice(first, first + positions)
                source = net.encode(stimulus[:, here])
                rows = net.target_rows(stimulus[:, here], labels[:, here])
                steps = net.bottom_up_positions(source, state, unrolled=self.feature.unrolled)
                if net.paired:
                    report = self._learn_pairs(source, steps, rows, state_down)
                else:
                    report = self._learn_classes(source, steps, rows)
                share = len(source) / length
                reports.append((share, report))
                sums.add(share)
        finally:
            self.on_gradients_ready = listener
        sums.write()
        return mean_report(reports, length)

    def _learn_classes(self, source: Tensor, steps: Iterable[SpikeStep], labels: Tensor) -> StepReport:
        """Learn from a block `[P, B, D]` whose templates are those of the classes, one row per class."""
        net = self.network
        negatives = self.contrast.negatives(labels, net.group, dtype=source.dtype)
        code = net.code
        spikes = code.fixed if code.constant else code.spikes(net.time_steps)
        rate = spikes if code.constant else spikes.mean(0)
        unrolled = self.template.unrolled
        down = TopDownPass(net.layers, spikes, rate, net.time_steps, constant=code.constant, unrolled=unrolled)
        called = (down.take(i) for i in range(len(net.layers)))
        found = self._align_all(steps, called, labels, negatives, self.contrast.prior)
        kind, strength = self.settings.top_loss, self.settings.strength
        top = learn_top(net, found.top, labels, negatives, kind=kind, strength=strength)
        losses = found.losses
        losses["recall"] = learn_recall(net, found.lowest, source.flatten(0, 1), labels)
        net.follow(found.drives)
        return StepReport(top.loss, top.correct, losses, found.rates)

    def _learn_pairs(self, source: Tensor, steps: Iterable[SpikeStep], rows: Tensor, state_down: State) -> StepReport:
        """Learn from a block `[P, B, D]` in which each position of each sample has its own template.

        Processes that share a batch compute the templates of the whole batch, because they are negatives of each other.
        """
        net, positions = self.network, len(source)
        everyone = _whole_rows(net.group, rows, positions)
        count = len(everyone)
        own = _own_rows(net.group, torch.arange(count, device=rows.device), positions)
        once = torch.ones(count, dtype=source.dtype, device=source.device)
        negatives = negative_counts(own, count, contrast="batch", occurrences=once, dtype=source.dtype)
        negatives *= net.differ(rows, everyone)
        called = self._templates(everyone, positions, state_down)
        lowest = _own_rows(net.group, called[0][1].rate, positions)
        found = self._align_all(steps, called, own, negatives, once / count)
        top = self._learn_readout(found.top, rows)
        losses = found.losses
        losses["recall"] = learn_reconstruction(net, lowest, source.flatten(0, 1))
        net.follow(found.drives)
        if state_down:
            net.follow_down([activity.raw_drive for _, activity in called])
        return StepReport(top.loss, top.correct, losses, found.rates)

    def _learn_readout(self, rate: Tensor, rows: Tensor) -> Top:
        """Write the gradient of the readout from rates `[N, H]` of the last layer and target rows."""
        return learn_top(self.network, rate, rows)

    def _align_all(
        self,
        steps: Iterable[SpikeStep],
        called: Iterable[tuple[Tensor, Activity]],
        own: Tensor,
        negatives: Tensor,
        prior: Tensor,
    ) -> _Aligned:
        """Align every layer; `called` is the top-down activity of each layer, bottom to top."""
        found = _Aligned()
        for step, (above, down) in zip(steps, called, strict=True):
            found.losses[step.layer.name] = self.align(step, above, down, own, negatives, prior)
            found.drives.append(step.activity.raw_drive)
            found.rates.append(step.activity.rate.mean())
            found.top = step.activity.rate
            found.lowest = down.rate if len(found.rates) == 1 else found.lowest
        return found

    def _templates(self, rows: Tensor, positions: int, state: State) -> list[tuple[Tensor, Activity]]:
        """Templates of the targets, one row per target: (input of the synapse, activity) per layer, bottom to top."""
        net = self.network
        spikes = net.target_spikes(rows)
        unrolled = self.template.unrolled
        if state:
            found = net.top_down_positions(spikes.unflatten(1, (positions, -1)), state, unrolled=unrolled)
            return [(here.below, here.activity) for here in found]
        down = TopDownPass(net.layers, spikes, spikes.mean(0), net.time_steps, constant=False, unrolled=unrolled)
        return [down.take(i) for i in range(len(net.layers))]


@register
class BSDForecasts(BSDSequences):
    """Bidirectional spike-based distillation of sequences whose targets are quantities."""

    networks: ClassVar[tuple[type[Network], ...]] = (SequenceForecaster,)

    def _learn_readout(self, rate: Tensor, rows: Tensor) -> Top:
        return learn_outputs(self.network, rate, rows)


class _Aligned:
    """Results of the alignment of all layers of a block: losses, rates, raw drives, and the rates at both ends."""

    def __init__(self) -> None:
        self.losses: dict[str, Tensor] = {}
        self.rates: list[Tensor] = []
        self.drives: list[Tensor] = []
        self.top = self.lowest = torch.empty(0)


def _whole_rows(group: Group, rows: Tensor, positions: int) -> Tensor:
    """Rows `[P·B, ...]` of the whole batch from the rows of each process."""
    samples = rows.unflatten(0, (positions, -1)).transpose(0, 1)
    return group.sum(group.whole(samples)).transpose(0, 1).flatten(0, 1)


def _own_rows(group: Group, rows: Tensor, positions: int) -> Tensor:
    """Rows of the samples of this process from the rows of the whole batch."""
    return group.mine(rows.unflatten(0, (positions, -1)), axis=1).flatten(0, 1)
