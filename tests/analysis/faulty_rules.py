"""A rule that keeps all five criteria, and rules that break one each: what an audit must tell apart.

`Clean` pulls every layer's rates to a fixed random code of the label, which reaches the layer through a broadcast of
the one-hot label: local, unsigned, in spikes, without waiting for anything.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from bispike.functional import negative_counts
from bispike.nn import Activity, Dense, Layer, Network
from bispike.rules import Rule, StepReport
from bispike.rules.readouts import Top, learn_top


class Clean(Rule):
    """Rates of each layer to a code of the label."""

    name: ClassVar[str] = "clean"
    summary: ClassVar[str] = "for tests"

    def __init__(self, network: Network, **options: object) -> None:
        super().__init__(network, **options)
        draws = self.random_source()
        codes = {}
        for layer in network.layers:
            code = Dense(network.readout.target, layer.feature_shape, bias=False)
            code.weight.data.copy_(torch.rand(code.weight.shape, generator=draws))
            codes[layer.name] = code
        self.register_state(codes)

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        layer_pass = list(net.bottom_up_pass(net.encode(stimulus, generator=generator)))
        top = self.learn_top(layer_pass[-1].leaving, labels)
        for step in layer_pass:
            pathway = step.layer.up
            pull = self.pull(step.layer, step.activity, labels, top) * pathway.rate_slope(step.activity)
            pathway.backward(pull, step.below, step.activity)
        self.after()
        return StepReport(top.loss, top.correct)

    def learn_top(self, rate: Tensor, labels: Tensor) -> Top:
        """The readout learns by cosines: no signed error."""
        classes = self.network.concept.classes
        prior = torch.full((classes,), 1 / classes).to(rate)
        negatives = negative_counts(
            labels, classes, contrast="classes", prior=prior, reference_batch=128, dtype=rate.dtype
        )
        return learn_top(self.network, rate, labels, negatives, kind="reco", strength=0.2)

    def teacher(self, labels: Tensor) -> Tensor:
        """`[B, K]` what is broadcast."""
        return self.network.code.rate(self.network.time_steps)[labels].to(self.network.stimulus_mean)

    def pull(self, layer: Layer, activity: Activity, labels: Tensor, top: Top) -> Tensor:
        """`[B, *shape]` dL/d rate of a layer."""
        return activity.rate - self.state.get_submodule(layer.name)(self.teacher(labels))

    def after(self) -> None:
        """What happens when all gradients are written."""


class CopiesWeights(Clean):
    """C1: feedback to the last layer through a copy of the readout, made after every step."""

    def __init__(self, network: Network, **options: object) -> None:
        super().__init__(network, **options)
        self.mirror = torch.randn(network.readout.weight.shape, generator=self.random_source())

    def pull(self, layer: Layer, activity: Activity, labels: Tensor, top: Top) -> Tensor:
        pull = super().pull(layer, activity, labels, top)
        last = layer is self.network.layers[-1]
        return pull + self.teacher(labels) @ self.mirror.to(pull) if last else pull

    def after(self) -> None:
        self.mirror = self.network.readout.weight.detach().clone().T.contiguous().T


class CopiesAsAChild(CopiesWeights):
    """The same, kept in a list in another layout."""

    def after(self) -> None:
        super().after()
        self.kept = [self.mirror.T.contiguous()]
        self.mirror = torch.zeros_like(self.mirror)


class UsesTranspose(Clean):
    """C1: label and all go down through the readout's own weights, past every synapse's methods."""

    def pull(self, layer: Layer, activity: Activity, labels: Tensor, top: Top) -> Tensor:
        pull = super().pull(layer, activity, labels, top)
        last = layer is self.network.layers[-1]
        return pull + self.teacher(labels) @ self.network.readout.weight if last else pull


class LeaksGradient(Clean):
    """C2: the tape of a layer's local loss is not cut at its input."""

    cut: ClassVar[bool] = False

    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        source, constant = net.encode(stimulus, generator=generator), net.constant_input
        loss = torch.zeros(()).to(source)
        with torch.enable_grad():
            for layer in net.layers:
                spikes = layer.up.forward_taped(
                    source.detach() if self.cut else source, net.time_steps, constant=constant
                )
                target = self.state.get_submodule(layer.name)(self.teacher(labels)).detach()
                loss = loss + (spikes.mean(0) - target).square().sum()
                source, constant = spikes, False
            loss.backward(inputs=[p for layer in net.layers for p in layer.up.parameters()])
        with torch.no_grad():
            top = self.learn_top(source.detach().mean(0), labels)
        return StepReport(top.loss, top.correct)


class CutsGradient(LeaksGradient):
    """The same without the decay."""

    cut: ClassVar[bool] = True


class SendsSigned(Clean):
    """C5 and C4: the teacher says minus what it does not mean."""

    def teacher(self, labels: Tensor) -> Tensor:
        return 2 * super().teacher(labels) - 1


class SendsRates(Clean):
    """C4: the teacher speaks in rates."""

    def teacher(self, labels: Tensor) -> Tensor:
        return 0.7 * super().teacher(labels)


class UsesOtherSamples(Clean):
    """C2, scope batch: rates are centred over the batch."""

    def pull(self, layer: Layer, activity: Activity, labels: Tensor, top: Top) -> Tensor:
        pull = super().pull(layer, activity, labels, top)
        return pull * (activity.rate - activity.rate.mean(0))


class UsesItsLayer(Clean):
    """C2, scope layer: the pull is normalised over the layer."""

    def pull(self, layer: Layer, activity: Activity, labels: Tensor, top: Top) -> Tensor:
        pull = super().pull(layer, activity, labels, top)
        return pull / pull.norm(dim=1, keepdim=True).clamp(min=1e-6)


class ScalesWeights(Clean):
    """C2, scope neuron: the sum of a neuron's incoming weights is held back."""

    def after(self) -> None:
        for layer in self.network.layers:
            weight = layer.up.synapse.weight
            assert weight.grad is not None
            weight.grad += 0.1 * weight.sum(1, keepdim=True)


class WaitsForTheTop(Clean):
    """C3 and C2: learns only from stimuli that were decided wrongly."""

    def pull(self, layer: Layer, activity: Activity, labels: Tensor, top: Top) -> Tensor:
        rate = activity.rate
        for above in self.network.layers[[*self.network.layers].index(layer) + 1 :]:
            rate = (above.up.synapse.weight @ rate.T).T.relu()  # a pass of its own, unseen by any synapse
        wrong = (self.network.readout.weight @ rate.T).argmax(0) != labels
        return super().pull(layer, activity, labels, top) * (0.1 + wrong[:, None])


class SignedTop(Clean):
    """C5: the readout learns from prediction − target."""

    def learn_top(self, rate: Tensor, labels: Tensor) -> Top:
        return learn_top(self.network, rate, labels)
