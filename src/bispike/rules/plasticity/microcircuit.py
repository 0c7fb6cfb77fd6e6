"""Dendritic microcircuits of two cell types and four synapse types: BioLeaF-like, a reconstruction, not BioLeaF's rule.

Of BioLeaF (Yang & Li, arXiv 2111.13188) only the abstract was available. This is the dendritic microcircuit of
Sacramento, Costa, Bengio & Senn (NeurIPS 2018), in its steady state, on the spiking layers of this library. A layer has
pyramidal cells P, and as many SST interneurons S as the next layer has cells: each copies one of them.

    basal      b_l = norm(W_up r_{l-1})                  P_{l-1} -> P_l: the synapse of the layer
    dendrite   d_l = norm(W_ip r_l)                      P_l -> S_l: predicts b_{l+1}
    apical     a_l = W_down φ(u_{l+1}) + W_pi φ(d_l)     P_{l+1} -> P_l and S_l -> P_l (norms: see the class)
    soma       u_l = b_l + a_l                           output cells: u = b + g/(1+g) (target - b)

    ΔW_up ∝ (φ(u_l) - φ(b_l)) r_{l-1}ᵀ      ΔW_ip ∝ (φ(u_{l+1}) - φ(d_l)) r_lᵀ      ΔW_pi ∝ -a_l φ(d_l)ᵀ

With W_ip = W_up of the next layer and W_pi = -W_down the interneurons cancel all feedback: without a target a = 0
(self-predicting state). With a target the remainder is the error W_down (φ(u_{l+1}) - φ(b_{l+1})); for W_down = W_upᵀ
and weak nudging g this is the error of backpropagation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from ...functional import mean_field_rate
from ...nn import Activity, Layer, Network, Pathway, RateActivity, SpikeStep, Synapse
from ..feedback.backward import READOUT, feedback_places, random_feedback
from ..options import FRACTION, POSITIVE, RuleOptions, one_of, option
from ..readouts import learn_top
from ..rule import Rule, StepReport, register

FEEDBACK = ("random", "tied")


@dataclass(frozen=True)
class MicrocircuitOptions(RuleOptions):
    """Options of the microcircuit."""

    nudging: float = option(
        0.1,
        POSITIVE,
        "g, conductance of the target at the output cells over that of their other inputs; the smaller, the closer to "
        "a gradient (and, in float32, to rounding: stay above 0.01)",
    )
    feedback: str = option(
        "random",
        one_of(FEEDBACK),
        "random: W_down is fixed and random, W_pi plastic; tied: W_down = W_upᵀ = -W_pi at every step, equivalent to "
        "backpropagation (transports weights)",
    )
    feedback_gain: float = option(
        1.0, POSITIVE, "standard deviation of W_down times √fan_in", only_with={"feedback": ("random",)}
    )
    inhibition_rate: float = option(
        0.01,
        FRACTION,
        "step of W_pi, as a share of what would silence the apical potential",
        only_with={"feedback": ("random",)},
    )


@dataclass
class Copied:
    """The cells above that the interneurons of a layer copy.

    Attributes:
        name: name of the next layer, or of the readout.
        synapse: W_up that leads to them.
        rate: `[B, *shape]` φ(u) of their somata; output cells are linear.
        sent: `[B, *shape]` their output downward: their rate, passed backward through their norm if they have one.
    """

    name: str
    synapse: Synapse
    rate: Tensor
    sent: Tensor


@dataclass
class Compartments:
    """One layer with its interneurons, at one step.

    Attributes:
        layer, below, activity: as in the steps of `Network.bottom_up_pass`.
        leaving: `[B, *output]` rate that the interneurons receive.
        apical: `[B, *output]` a, where spikes leave the layer (after pooling).
        error: `[B, *shape]` φ(u) - φ(b).
        above: the cells that the interneurons copy.
        dendrite: activity of the pathway to the interneurons.
        predicted: `[B, *above]` φ(d).
        inhibiting: `[B, *above]` signals of the interneurons to the apical dendrites.
    """

    layer: Layer
    below: Tensor
    activity: Activity
    leaving: Tensor
    apical: Tensor
    error: Tensor
    above: Copied
    dendrite: Activity | RateActivity
    predicted: Tensor
    inhibiting: Tensor


@register
class Microcircuit(Rule):
    """BioLeaF-like dendritic microcircuits (reconstruction after Sacramento et al. 2018); trains the bottom-up pathway.

    Both cell types spike, and presynaptic rates r are those of their spikes. Potentials are read as time means: b and d
    are time-mean drives, φ the mean-field rate (`functional.mean_field_rate`), because a weak nudge moves hardly any
    spike within a few steps. Differences to Sacramento et al.:

    - steady state in one pass from the top, in the limit of weak nudging: nudged somata do not act on layers above, and
      the one-to-one current from the copied cell trains an interneuron without changing its spikes;
    - potentials in units of the basal drive, so that no attenuation factors remain;
    - changes are divided by the strength of the nudge, which then sets the linearity of the rule and not its speed;
    - where a layer has a norm, the interneurons that copy it have one with separate parameters, and the signals of both
      cell types to apical dendrites pass backward through their norm, as a gain control (which depends on the batch, as
      the norm does);
    - the target of the output is the potential after one gradient step on the cross-entropy, b - ∂loss/∂b.

    W_ip, with biases and norms, are parameters of the rule: interneurons receive the updates of the cells that they
    copy, and in addition their prediction error is corrected. W_pi has its own learning rate.

    Signed: all weights (Dale's law is not kept) and the apical potential. Local: every product is of two connected
    cells; only the target of the output cells uses the label.
    """

    name: ClassVar[str] = "microcircuit"
    summary: ClassVar[str] = "dendritic microcircuits (BioLeaF-like reconstruction): interneurons leave the error"
    needs_chain: ClassVar[bool] = True
    Options: ClassVar[type] = MicrocircuitOptions
    settings: MicrocircuitOptions

    def __init__(self, network: Network, **options: object) -> None:
        super().__init__(network, **options)
        draws = self.random_source()
        pathways = {layer.name: layer.up for layer in network.layers}
        self.interneurons = nn.ModuleDict()
        for name, synapse in feedback_places(network).items():
            self.interneurons[name] = _copy(synapse, network, pathways.get(name))
            if self.settings.feedback == "random":
                down = random_feedback(synapse, draws, gain=self.settings.feedback_gain)
                self.register_state({f"down_{name}": down, f"inhibition_{name}": -down})
        self.register_state({"interneurons": self.interneurons})

    def parameters(self) -> list[nn.Parameter]:
        return [*self.network.bottom_up_parameters(), *self.state.parameters()]

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        steps = list(net.bottom_up_pass(net.encode(stimulus, generator=generator)))
        top = learn_top(net, steps[-1].leaving, labels)
        nudge = net.group.count(len(labels)) * self.settings.nudging / (1 + self.settings.nudging)
        for cells in self._descend(steps, -nudge * top.error):
            cells.layer.up.backward(-cells.error / nudge, cells.below, cells.activity)
            self._relax(cells)
            taught = cells.predicted - cells.above.rate
            self._interneurons(cells.above.name).backward(taught / nudge, cells.leaving, cells.dendrite)
        return StepReport(top.loss, top.correct, {}, [step.activity.rate.mean() for step in steps])

    def apical(self, stimulus: Tensor) -> dict[str, Tensor]:
        """Apical potential `[B, *output]` of each layer without a target: zero in the self-predicting state.

        Args:
            stimulus: `[B, *stimulus.shape]` in the units of the data.
        """
        net = self.network
        with net.inference():
            steps = list(net.bottom_up_pass(net.encode(stimulus)))
            return {cells.layer.name: cells.apical for cells in self._descend(steps, None)}

    def _descend(self, steps: Sequence[SpikeStep], push: Tensor | None) -> Iterator[Compartments]:
        """All layers, top to bottom; `push` `[B, K]` is the shift of the output cells by the target."""
        self._join()
        net = self.network
        leaving = steps[-1].leaving
        output = net.readout(leaving)
        output = output if push is None else output + push
        above = Copied(READOUT, net.readout, output, output)
        for step in reversed(steps):
            layer, below, activity = step.layer, step.below, step.activity
            interneurons = self._interneurons(above.name)
            dendrite: Activity | RateActivity
            if above.name == READOUT:
                dendrite = interneurons.forward_rates(leaving)
                predicted = dendrite.drive
            else:
                dendrite = interneurons.forward_spikes(
                    layer.pool_spikes(activity.spikes), net.time_steps, constant=False
                )
                predicted = mean_field_rate(dendrite.drive, net.neuron)
            inhibiting = _back(interneurons, dendrite, predicted)
            apical = self._carry(above, inhibiting)
            basal = activity.drive
            fires = mean_field_rate(basal + layer.unpool(apical, activity.rate), net.neuron)
            error = fires - mean_field_rate(basal, net.neuron)
            yield Compartments(layer, below, activity, leaving, apical, error, above, dendrite, predicted, inhibiting)
            above = Copied(layer.name, layer.up.synapse, fires, _back(layer.up, activity, fires))
            leaving = below

    def _carry(self, above: Copied, inhibiting: Tensor) -> Tensor:
        """W_down r + W_pi r_sst `[B, *source]`."""
        if self.settings.feedback == "tied":
            return above.synapse.backward_input(above.sent - inhibiting)
        down = above.synapse.backward_input(above.sent, self.state.get_buffer(f"down_{above.name}"))
        return down + above.synapse.backward_input(inhibiting, self.state.get_buffer(f"inhibition_{above.name}"))

    def _relax(self, cells: Compartments) -> None:
        """Update W_pi to reduce the apical potential to zero: a normalised delta rule."""
        if self.settings.feedback == "tied" or self.settings.inhibition_rate == 0:
            return
        group = self.network.group
        product = group.sum(cells.above.synapse.pairing(cells.inhibiting, cells.apical))
        power = group.sum(cells.inhibiting.square().sum()).clamp(min=1e-6)
        self.state.get_buffer(f"inhibition_{cells.above.name}").sub_(product * (self.settings.inhibition_rate / power))

    def _interneurons(self, name: str) -> Pathway:
        found = self.interneurons[name]
        assert isinstance(found, Pathway)
        return found

    def _join(self) -> None:
        """Set the mode and the process group of the interneurons to those of the network."""
        self.state.train(self.network.training)
        for name in self.interneurons:
            norm = self._interneurons(name).norm
            if norm is not None:
                norm.group = self.network.group


def _copy(synapse: Synapse, network: Network, pathway: Pathway | None) -> Pathway:
    """Interneurons that predict the cells of a pathway (None: the output cells), with separate weights."""
    norm = None if pathway is None else pathway.norm
    made = Pathway(deepcopy(synapse), network.neuron, norm=norm is not None, least=2 if norm is None else norm.least)
    if norm is not None and made.norm is not None:
        made.norm.load_state_dict(norm.state_dict())
    return made


def _back(pathway: Pathway, activity: Activity | RateActivity, rate: Tensor) -> Tensor:
    """Signal of cells with this rate to apical dendrites: passed backward through their norm, a gain control."""
    if pathway.norm is None or activity.statistics is None:
        return rate
    return pathway.norm.backward_input(rate, activity.raw_drive, activity.statistics)
