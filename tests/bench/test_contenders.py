"""The network of a peer in plain torch layers has the same spikes, scores and gradients as that of bispike."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from bispike import models
from bispike.bench import Case
from bispike.bench.contenders import Contender, LayerContender, RuleContender, create
from bispike.bench.peers import NAMES, VERSIONS, create_population, difference
from bispike.bench.peers.network import PeerNetwork
from bispike.bench.timing import Work, take_turns
from bispike.bench.worker import compare, measure_memory, measure_time
from bispike.errors import ConfigurationError, UnknownNameError
from bispike.functional import Neuron, lif, lif_reference

from .made_up import TINY

CPU = torch.device("cpu")
CONV = Case("conv", "cnn", (4, 6), (3, 8, 8), 3, 5, options={"pools": 2, "dense": [9]})
LAYER = Case("layer", "layer", (12,), (12,), time_steps=6, batch_size=3, rules=("bptt",))


def reference(neuron: Neuron) -> Callable[[Tensor], Tensor]:
    return lambda drive: lif_reference(drive, neuron)


def test_a_network_with_shortcuts_is_refused_by_peers() -> None:
    net = models.resnet((1, 4, 4), [2], 2, blocks=[1])
    with pytest.raises(ConfigurationError, match="peers: expected a chain of layers, received shortcuts to layer3"):
        PeerNetwork(net, reference, torch.zeros(2, 1, 4, 4), torch.tensor([0, 1]))


@pytest.mark.parametrize("case", [TINY, CONV], ids=["mlp", "cnn"])
def test_a_peer_network_has_our_spikes_scores_and_gradients(case: Case) -> None:
    own = create(case, "bispike", "bptt", CPU)
    assert isinstance(own, RuleContender)
    peer = PeerNetwork(own.network, reference, *case.batch())
    torch.testing.assert_close(peer.infer(), own.infer())
    found = compare(peer, own, own.spikes())
    assert found["equal_spikes"] == 1
    assert found["gradient_cosine"] == pytest.approx(1, abs=1e-6)
    expect_equal_gradients(own, peer)


def expect_equal_gradients(own: Contender, other: Contender) -> None:
    """In direction and in size; both have learned already."""
    ours, theirs = ([p.grad for p in one.parameters() if p.grad is not None] for one in (own, other))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-7)


class Known:
    """A contender with given spikes and gradients."""

    def __init__(self, spikes: list[float], *gradients: list[float]) -> None:
        self.given = torch.tensor(spikes)
        self.weights = [torch.nn.Parameter(torch.zeros(len(gradient))) for gradient in gradients]
        self.gradients = gradients

    def parameters(self) -> list[torch.nn.Parameter]:
        return self.weights

    def spikes(self) -> list[Tensor]:
        return [self.given]

    def learn(self) -> None:
        for weight, gradient in zip(self.weights, self.gradients, strict=True):
            weight.grad = torch.tensor(gradient)


def test_a_comparison_is_the_share_of_equal_spikes_and_the_cosine_over_all_gradients() -> None:
    own, peer = Known([0, 1, 1, 0], [3.0], [0.0, 0.0]), Known([0, 1, 0, 0], [3.0], [0.0, 4.0])
    assert compare(peer, own, own.spikes()) == {"equal_spikes": 0.75, "gradient_cosine": pytest.approx(0.6)}  # type: ignore[arg-type]


def test_a_peer_network_with_a_norm_is_equal_under_running_statistics() -> None:
    case = replace(CONV, norm=True)
    own = create(case, "bispike", "bptt", CPU)
    assert isinstance(own, RuleContender)
    for layer in own.network.layers:
        assert layer.up.norm is not None
        layer.up.norm.running_mean.uniform_(-0.5, 0.5)
        layer.up.norm.running_variance.uniform_(0.5, 2)
    peer = PeerNetwork(own.network, reference, *case.batch())
    found = compare(peer, own, own.spikes())
    assert found == {"equal_spikes": 1, "gradient_cosine": None}


def test_a_layer_learns_the_gradient_of_the_sum_of_its_spikes() -> None:
    own = create(LAYER, "bispike", "bptt", CPU)
    other = LayerContender(LAYER, reference(Neuron()), LAYER.batch()[0])
    assert compare(other, own, own.spikes())["gradient_cosine"] == pytest.approx(1, abs=1e-6)
    expect_equal_gradients(own, other)
    assert isinstance(own, LayerContender)
    spikes = lif_reference(own.linear(own.source), Neuron())
    for gradient, weight in zip(torch.autograd.grad(spikes.sum(), own.parameters()), own.parameters(), strict=True):
        torch.testing.assert_close(weight.grad, gradient, rtol=1e-4, atol=1e-4)
    assert 0.05 < float(own.spikes()[0].mean()) < 0.95


def test_contenders_take_turns_and_change_who_begins() -> None:
    order: list[str] = []
    works = {n: Work(lambda n=n: order.append(n), lambda n=n: order.append(n.lower())) for n in "ABC"}  # type: ignore[misc]
    times = take_turns(works, warmup=1, repeats=2, device=CPU)
    assert "".join(order) == "AaBbCc" + "BbCcAa" + "CcAaBb"
    assert all(len(t.step_ms) == len(t.inference_ms) == 2 for t in times.values())


def test_measuring_leaves_out_who_cannot_take_part() -> None:
    found = measure_time(TINY, [("bispike", "bsd"), ("bispike", "bptt"), ("bispike", "no-such-rule")], CPU)
    assert found["contenders"].keys() == {"bispike bsd", "bispike bptt"}
    assert "no-such-rule" in found["failed"]["bispike no-such-rule"]
    assert len(found["spike_rate"]) == 2
    assert all(time > 0 for one in found["contenders"].values() for time in one["times"]["step_ms"])


def test_bsd_keeps_nothing_for_a_backward_pass() -> None:
    assert measure_memory(TINY, "bispike", "bsd", CPU)["saved"] == 0
    assert measure_memory(TINY, "bispike", "bptt", CPU)["saved"] > 0


def test_weights_and_density_stay_while_the_optimizer_works() -> None:
    from bispike.bench.worker import training_step

    own = create(TINY, "bispike", "bsd", CPU)
    before = [parameter.clone() for parameter in own.parameters()]
    training_step(own, TINY)()
    assert all(torch.equal(a, b) for a, b in zip(before, own.parameters(), strict=True))


@pytest.mark.parametrize("library", NAMES)
def test_a_peer_has_our_neuron(library: str) -> None:
    pytest.importorskip(library)
    neuron = Neuron()
    population = create_population(library, neuron)
    drive = torch.randn(12, 5, 7, generator=torch.Generator().manual_seed(0))
    for _ in range(2):  # no state is left from one call to the next
        assert torch.equal(population(drive), lif(drive, neuron))
    assert "threshold" in difference(library) or library == "spikingjelly"


def test_unknown_peers_are_refused() -> None:
    assert set(VERSIONS) == set(NAMES)
    with pytest.raises(UnknownNameError, match="did you mean 'norse'"):
        create_population("nurse", Neuron())
