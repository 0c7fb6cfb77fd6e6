"""Reward-modulated STDP against loops over samples, winners and synapses."""

import pytest
import torch
from torch import Tensor

from bispike import models
from bispike.errors import ConfigurationError
from bispike.functional import lif
from bispike.nn import Network
from bispike.rules import RSTDP
from bispike.rules.plasticity.competition import contests


def build(*, conv: bool = False, **options: object) -> Network:
    if conv:
        net = models.cnn((1, 6, 6), [3, 4], 3, pools=[2, 1], dense=[8], gain=1.5, **options)
    else:
        net = models.mlp((1, 6, 6), [15, 9], 3, gain=1.5, **options)
    return net.double()


def batch(count: int = 9) -> tuple[Tensor, Tensor]:
    return torch.rand(count, 1, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(2)), (
        torch.arange(count) % 3
    )


def top_of(net: Network, stimuli: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Which neurons of the last layer fired, and the class that wins at the readout."""
    *_, last = contests(net, net.encode(stimuli), share=share)
    return last.leaving.amax(0), net.scores(last.leaving).argmax(1)


def first(train: Tensor) -> int | None:
    fired = train.nonzero().flatten()
    return int(fired[0]) if len(fired) else None


def expected_layer(net: Network, pre: Tensor, spikes: Tensor, drive: Tensor, labels: Tensor, winners: int) -> Tensor:
    """Mean change of a dense layer, weight by weight, with a⁻ = 0.5, bound 2 and expected reward 1/3."""
    _, samples, neurons = spikes.shape
    weight = net.layers[0].up.synapse.weight.detach()
    bound = 2 / pre.shape[2] ** 0.5
    change = torch.zeros_like(weight)
    for b in range(samples):
        for i in drive[b].argsort(descending=True)[:winners].tolist():
            when = first(spikes[:, b, i])
            if when is None:
                continue
            reward = float(i * 3 // neurons == int(labels[b])) - 1 / 3
            for j in range(pre.shape[2]):
                before = first(pre[:, b, j])
                kernel = 1.0 if before is not None and before <= when else -0.5
                room = max(0.0, float((bound - weight[i, j]) * (bound + weight[i, j]) / bound))
                change[i, j] += reward * kernel * room
    beyond = (weight - weight.clamp(-bound, bound)) if bool((weight.abs() > bound).any()) else 0
    return change * (neurons / winners / samples) - beyond


def test_a_layer_changes_as_its_winners_first_spikes_say() -> None:
    net = build()
    stimuli, labels = batch()
    source = net.encode(stimuli)
    activity = next(iter(net.bottom_up_pass(source))).activity
    fresh = build()
    expected = expected_layer(
        fresh, lif(source, net.neuron, time_steps=4).flatten(2), activity.spikes.double(), activity.drive, labels, 6
    )
    rule = RSTDP(fresh, balance="fixed", depression=0.5, bound=2.0, winners=0.4, hidden_rate=1.0)
    rule.compute_gradients(stimuli, labels)
    torch.testing.assert_close(-fresh.layers[0].up.synapse.weight.grad, expected, rtol=1e-5, atol=1e-7)


def test_the_readout_rewards_right_choices_and_punishes_wrong_ones() -> None:
    net = build()
    stimuli, labels = batch()
    rule = RSTDP(net, balance="fixed", depression=0.0, bound=10.0)
    fired, chosen = top_of(build(), stimuli, rule.settings.winners)
    rule.compute_gradients(stimuli, labels)
    sign = ((chosen == labels).double() - 1 / 3)[:, None] * fired
    weight = net.readout.weight.detach()
    bound = 10 / 9**0.5
    for c in range(3):
        expected = sign[chosen == c].sum(0) * (bound**2 - weight[c] ** 2) / bound * 3 / 9
        torch.testing.assert_close(-net.readout.weight.grad[c], expected, rtol=1e-5, atol=1e-6)
        excess = ((chosen == c).double() - 1 / 3).sum() * 10 * 3 / 9
        torch.testing.assert_close(net.readout.bias.grad[c], excess, rtol=1e-5, atol=1e-6)


def test_reward_that_was_expected_teaches_nothing() -> None:
    net = build()
    stimuli, _ = batch()
    rule = RSTDP(net, bound=10.0)
    state = {name: torch.ones_like(value) for name, value in rule.state_dict().items()}
    rule.load_state_dict(state)
    rule.compute_gradients(stimuli, top_of(build(), stimuli, rule.settings.winners)[1])
    assert float(net.readout.weight.grad.abs().max()) == 0


def test_weights_beyond_the_bound_come_back_and_never_grow() -> None:
    net = build()
    rule = RSTDP(net, bound=1.0)
    with torch.no_grad():
        net.readout.weight.fill_(2 / 3)
    rule.compute_gradients(*batch())
    torch.testing.assert_close(net.readout.weight.grad, torch.full_like(net.readout.weight, 2 / 3 - 1 / 3))


def test_hidden_layers_learn_by_reward() -> None:
    net = models.mlp(12, [60], 3)
    rule = RSTDP(net)
    centres = torch.randn(3, 12, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(96) % 3
    stimuli = centres[labels] + 0.15 * torch.randn(96, 12, generator=torch.Generator().manual_seed(1))
    optimizer = torch.optim.SGD([net.layers[0].up.synapse.weight], lr=0.1)
    start = None
    for _ in range(60):
        report = rule.compute_gradients(stimuli, labels)
        start = float(report.layer_losses["layer1"]) if start is None else start
        optimizer.step()
    assert float(report.layer_losses["layer1"]) < 0.5 * start


def test_maps_learn_and_layers_that_are_too_narrow_are_refused() -> None:
    net = build(conv=True)
    RSTDP(net).compute_gradients(*batch())
    assert all(float(layer.up.synapse.weight.grad.abs().sum()) > 0 for layer in net.layers)
    with pytest.raises(ConfigurationError, match="layer2 has fewer"):
        RSTDP(models.mlp(4, [9, 2], 3))
    with pytest.raises(ConfigurationError) as error:
        RSTDP(build(), balance="none", bound=0, winners=0, memory=0, hidden_rate=-1)
    assert len(error.value.problems) == 5
