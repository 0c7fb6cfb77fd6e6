"""Every rule keeps the public contract, and the contract catches rules that break it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor

from bispike import models, rules
from bispike.errors import ConfigurationError, UnknownNameError
from bispike.nn import Network
from bispike.rules import StepReport


@pytest.mark.parametrize("name", sorted(rules.registry))
def test_contract(name: str) -> None:
    assert len(rules.check_rule(rules.registry[name])) == 15


@pytest.mark.parametrize(
    "options",
    [
        {"contrast": "batch", "centre": "none"},
        {"contrast": "classes", "centre": "running"},
        {"feature": "drive", "contrast": "masked"},
        {"loss": "infonce", "slope": "unrolled"},
        {"top_loss": "reco"},
        {"pool": 2, "reduction": "mean", "strength": 1.0},
    ],
)
def test_bsd_keeps_the_contract_under_its_options(options: dict[str, Any]) -> None:
    rules.check_rule(rules.BSD, **options)


class MovesWeights(rules.Frozen):
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        report = super().learn(stimulus, labels, generator=generator)
        with torch.no_grad():
            self.network.layers[0].up.synapse.weight.add_(1e-3)
        return report


class ForgetsItsState(rules.BSD):
    def __init__(self, network: Network, **options: Any) -> None:
        super().__init__(network, **{"centre": "running", "centre_samples": 30, **options})

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        pass


class ForgetsACount(rules.BSD):
    """Keeps something beside its state."""

    calls = 0

    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        report = super().learn(stimulus, labels, generator=generator)
        self.calls += 1
        readout = self.network.readout.weight
        assert readout.grad is not None
        readout.grad = readout.grad / self.calls
        return report


class TrustsItsInput(rules.Frozen):
    def compute_gradients(
        self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None = None
    ) -> StepReport:
        return self.learn(stimulus, labels, generator=generator)


class ChangesTheStimulus(rules.Frozen):
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        stimulus.mul_(0.9)
        return super().learn(stimulus, labels, generator=generator)


class AnnouncesTooEarly(rules.BSD):
    def align(self, step: Any, *rest: Any) -> Tensor:
        self.gradients_ready(step.layer.parameters())
        return super().align(step, *rest)


class ReadsWhatItAnnounced(rules.Frozen):
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        report = super().learn(stimulus, labels, generator=generator)
        readout = self.network.readout
        self.gradients_ready([readout.weight])
        assert readout.bias is not None
        assert readout.bias.grad is not None
        readout.bias.grad += readout.weight.detach().sum(1)
        return report


class CountsWrongly(rules.Frozen):
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        report = super().learn(stimulus, labels, generator=generator)
        return dataclasses.replace(report, correct=report.correct + 1)


class ReportsALayerLess(rules.Frozen):
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        report = super().learn(stimulus, labels, generator=generator)
        return dataclasses.replace(report, spike_rate=report.spike_rate[:-1])


class ReportsDriveForRate(rules.Frozen):
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        report = super().learn(stimulus, labels, generator=generator)
        return dataclasses.replace(report, spike_rate=[rate * 0.99 for rate in report.spike_rate])


class LeavesATape(rules.Frozen):
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        report = super().learn(stimulus, labels, generator=generator)
        weight = self.network.readout.weight
        return dataclasses.replace(report, loss=report.loss + 0 * weight.sum())


class NamesAnUnknownLayer(rules.Frozen):
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        report = super().learn(stimulus, labels, generator=generator)
        return dataclasses.replace(report, layer_losses={"layer9": report.loss})


class DrawsFromTheGlobalGenerator(rules.Frozen):
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        torch.rand(1)
        return super().learn(stimulus, labels, generator=generator)


class IgnoresItsGenerator(rules.Frozen):
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        return super().learn(stimulus, labels, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (CountsWrongly, "reports what it did: correct"),
        (ReportsALayerLess, "reports what it did: spike_rate: expected one per layer"),
        (ReportsDriveForRate, "reports what it did: spike_rate of layer1"),
        (LeavesATape, "reports what it did: loss carries a tape"),
        (NamesAnUnknownLayer, "reports what it did: layer_losses"),
        (DrawsFromTheGlobalGenerator, "draws from its generator: a step drew"),
        (IgnoresItsGenerator, "draws from its generator: the code"),
        (MovesWeights, "owns its parameters"),
        (ForgetsItsState, "saves its state"),
        (ForgetsACount, "resumes|replaces"),
        (TrustsItsInput, "refuses wrong input"),
        (ChangesTheStimulus, "leaves inputs unchanged"),
        (AnnouncesTooEarly, "announces"),
        (ReadsWhatItAnnounced, "allows updates"),
    ],
)
def test_broken_rules_are_caught(broken: type, check: str) -> None:
    with pytest.raises(AssertionError, match=check):
        rules.check_rule(broken)


def test_rules_that_need_a_chain_say_so() -> None:
    net = models.resnet((1, 8, 8), [3], 2, blocks=[2])
    with pytest.raises(
        ConfigurationError, match=r"rule 'fa': expected a chain .* \(to layer3, layer5\).*mlp, cnn.*bsd"
    ):
        rules.create("fa", net)
    for name in ("bsd", "bptt", "backprop", "frozen"):
        rules.create(name, net)


def test_names_and_options_are_checked() -> None:
    net = models.mlp(4, [3], 2)
    with pytest.raises(UnknownNameError, match="did you mean 'bptt'"):
        rules.create("bttp", net)
    with pytest.raises(ConfigurationError, match="did you mean 'strength'"):
        rules.create("bsd", net, strenght=0.1)
    with pytest.raises(ConfigurationError) as error:
        rules.create("bsd", net, loss="recco", strength=-1, contrast="all", temperature=0)
    assert len(error.value.problems) == 4


@pytest.mark.parametrize("name", sorted(name for name, rule in rules.registry.items() if rule.signals.spiking))
def test_spiking_rules_decide_by_cosines_too(name: str) -> None:
    net = models.mlp(12, [32, 24], 3, decoder="cosine")
    stimuli = torch.randn(6, 12, generator=torch.Generator().manual_seed(0))
    rules.create(name, net).compute_gradients(stimuli, torch.tensor([0, 1, 2, 0, 1, 2]))
    assert net.logits(stimuli).shape == (6, 3)


@pytest.mark.parametrize("name", ["r-stdp", "sym-stdp"])
def test_rules_with_winners_report_the_rates_of_winners(name: str) -> None:
    """Of 20 neurons the 6 with the largest drive keep their spikes; the others are silent."""
    net = models.mlp(12, [20], 3, gain=2.0, norm=False)
    stimuli, labels = torch.randn(9, 12, generator=torch.Generator().manual_seed(0)), torch.arange(9) % 3
    (record,) = net.observe(stimuli)
    won = record.mean_drive >= record.mean_drive.sort(1, descending=True).values[:, 5:6]
    report = rules.create(name, net, winners=0.3).compute_gradients(stimuli, labels)
    torch.testing.assert_close(report.spike_rate[0], (record.rate * won).mean())


def test_forward_forward_reports_the_rates_of_true_and_wrong_pairs() -> None:
    """With two classes the wrong label of a sample is the other one."""
    net = models.mlp(12, [20], 2, norm=False)
    stimuli, labels = torch.randn(8, 12, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 2
    rule = rules.create("forward-forward", net)
    weight, bias = net.layers[0].up.synapse.weight, net.layers[0].up.synapse.bias
    assert bias is not None
    active = []
    for shown in (labels, 1 - labels):
        pair = stimuli.clone()
        pair[:, :2] = torch.nn.functional.one_hot(shown, 2) * rule.settings.amplitude
        active.append((pair @ weight.T + bias > 0).float())
    report = rule.compute_gradients(stimuli, labels)
    torch.testing.assert_close(report.spike_rate[0], torch.cat(active).mean())


@pytest.mark.parametrize(
    ("name", "options"), [("r-stdp", {}), ("sym-stdp", {}), ("forward-forward", {"inference": "readout"})]
)
def test_rules_that_decide_by_a_pass_of_their_own_report_those_decisions(name: str, options: dict[str, str]) -> None:
    """Under inference by goodness Forward-Forward reports its readout, since goodness needs one pass per class."""
    for net in (models.mlp(12, [20, 15], 3, norm=False), models.mlp(12, [20, 15], 3).eval()):
        rule = rules.create(name, net, **options)
        stimuli = torch.randn(40, 12, generator=torch.Generator().manual_seed(0))
        labels = torch.arange(40) % 3
        right = int((net.perceive(stimuli) == labels).sum())
        assert 0 < right < 40
        assert int(rule.compute_gradients(stimuli, labels).correct) == right
