"""Every rule keeps the public contract, and the contract catches rules that break it."""

import pytest
import torch

from bispike import models, rules
from bispike.errors import ConfigurationError, UnknownNameError


@pytest.mark.parametrize("name", sorted(rules.registry))
def test_contract(name: str) -> None:
    assert len(rules.check_rule(rules.registry[name])) == 13


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
def test_bsd_keeps_the_contract_under_its_options(options: dict) -> None:
    rules.check_rule(rules.BSD, **options)


class MovesWeights(rules.Frozen):
    def learn(self, stimulus, labels, *, generator):
        report = super().learn(stimulus, labels, generator=generator)
        with torch.no_grad():
            self.network.layers[0].up.synapse.weight.add_(1e-3)
        return report


class ForgetsItsState(rules.BSD):
    def __init__(self, network, **options):
        super().__init__(network, **{"centre": "running", "centre_samples": 30, **options})

    def load_state_dict(self, state):
        pass


class ForgetsACount(rules.BSD):
    """Keeps something beside its state."""

    calls = 0

    def learn(self, stimulus, labels, *, generator):
        report = super().learn(stimulus, labels, generator=generator)
        self.calls += 1
        readout = self.network.readout.weight
        readout.grad = readout.grad / self.calls
        return report


class TrustsItsInput(rules.Frozen):
    def compute_gradients(self, stimulus, labels, *, generator=None):
        return self.learn(stimulus, labels, generator=generator)


class ChangesTheStimulus(rules.Frozen):
    def learn(self, stimulus, labels, *, generator):
        stimulus.mul_(0.9)
        return super().learn(stimulus, labels, generator=generator)


class AnnouncesTooEarly(rules.BSD):
    def align(self, step, *rest):
        self.gradients_ready(step.layer.parameters())
        return super().align(step, *rest)


class ReadsWhatItAnnounced(rules.Frozen):
    def learn(self, stimulus, labels, *, generator):
        report = super().learn(stimulus, labels, generator=generator)
        readout = self.network.readout
        self.gradients_ready([readout.weight])
        readout.bias.grad += readout.weight.detach().sum(1)
        return report


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (MovesWeights, "owns its parameters"),
        (ForgetsItsState, "keeps its state"),
        (ForgetsACount, "goes on|replaces"),
        (TrustsItsInput, "refuses wrong input"),
        (ChangesTheStimulus, "leaves inputs"),
        (AnnouncesTooEarly, "announces"),
        (ReadsWhatItAnnounced, "bears updates"),
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
