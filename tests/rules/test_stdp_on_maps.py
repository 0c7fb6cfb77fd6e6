"""Spike-timing rules on maps, with pooling, several layers and spike codes, from their formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from bispike import models
from bispike.functional import lif_reference
from bispike.nn import Classifier
from bispike.rules import RSTDP, SymSTDP
from bispike.rules.plasticity.competition import winner_count, winners
from tests import reference
from tests.builders import exact, shaken

TIGHT: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-8}
T, B = 5, 7
LABELS = torch.tensor([0, 1, 2, 0, 1, 1, 0])


def network(*, norm: bool, code: str, seed: int = 0) -> Classifier:
    options: dict[str, Any] = {"norm": norm, "stimulus_code": code, "time_steps": T, "gain": 2.0, "seed": seed}
    shape = (T, 2, 7, 5) if code == "given" else (2, 7, 5)
    return exact(shaken(models.cnn(shape, [14, 8], 3, pools=[2, 1], dense=[9], **options)))


def stimuli(code: str) -> Tensor:
    draw = torch.Generator().manual_seed(0)
    if code == "given":
        return (torch.rand(B, T, 2, 7, 5, generator=draw) < 0.3).double()
    return torch.rand(B, 2, 7, 5, generator=draw, dtype=torch.float64)


def competing(net: Classifier, code: str, share: float) -> list[tuple[Tensor, Tensor, Tensor]]:
    """(Spikes that reach each layer, winners, spikes of the winners), the norm with the batch's statistics."""
    current = net.encode(stimuli(code))
    if code == "given":
        drives_of: Tensor = current
        before = current
    else:
        drives_of = current.expand(T, *current.shape)
        before = lif_reference(drives_of, net.neuron)
    found = []
    for layer, population in zip(net.layers, reference.read(net).up, strict=True):
        (there,) = reference._pass([population], drives_of, local=False)
        drive = there.mean_drive.detach()
        count = winner_count(drive.shape[1], share=share)
        least = drive.sort(1, descending=True).values[:, count - 1 : count]
        won = (drive >= least).double()
        spikes = there.spikes.detach() * won
        found.append((before, won, spikes))
        before = spikes
        if layer.pool > 1:
            before = torch.stack([F.max_pool2d(each, layer.pool) for each in spikes])
        drives_of = before
    return [*found, (before, torch.empty(0), torch.empty(0))]


def paired(synapse: Any, post: Tensor, pre: Tensor) -> Tensor:
    """Σ over steps and samples of post ⊗ pre in the weight's shape: the gradient of ⟨post, W pre⟩."""
    total = (synapse.forward_linear(pre.flatten(0, 1)) * post.flatten(0, 1)).sum()
    return torch.autograd.grad(total, synapse.weight)[0]


@pytest.mark.parametrize("share", [0.01, 0.4, 1.0])
def test_winners_by_hand(share: float) -> None:
    for neurons, least in ((20, 6), (9, 4), (2, 1), (1, 1)):
        count = max(least, round(share * neurons))
        assert winner_count(neurons, share=share) == count
        drive = torch.randn(3, neurons, 2, generator=torch.Generator().manual_seed(neurons))
        won = winners(drive, share=share)
        for b in range(3):
            for p in range(2):
                order = drive[b, :, p].argsort(descending=True)
                assert won[b, order[:count], p].tolist() == [1.0] * count
                assert won[b, order[count:], p].tolist() == [0.0] * (neurons - count)


@pytest.mark.parametrize("code", ["current", "given"])
@pytest.mark.parametrize("norm", [False, True])
def test_symmetric_stdp(code: str, norm: bool) -> None:
    decay, share, hidden, homeostasis = 0.3, 0.5, 0.7, 1.6
    net, twin = network(norm=norm, code=code), network(norm=norm, code=code)
    rule = SymSTDP(net, decay=decay, winners=share, hidden_rate=hidden, homeostasis=homeostasis).attach()
    found = competing(twin, code, share)
    report = rule.compute_gradients(stimuli(code), LABELS)

    def trace(spikes: Tensor) -> Tensor:
        return torch.stack([sum(decay ** abs(t - u) * spikes[u] for u in range(T)) for t in range(T)])  # type: ignore[misc]

    def change(synapse: Any, post: Tensor, pre: Tensor, rate: float) -> Tensor:
        around = trace(pre)
        length = around.mean(0).flatten(1).norm(dim=1).sum()
        inputs = around[0, 0].numel()
        positions = post[0, 0, 0].numel()
        weight = synapse.weight.detach().flatten(1)
        growth = paired(synapse, post, around).flatten(1) * rate
        growth = growth / (length * (weight.shape[1] / inputs) ** 0.5 * T * positions)
        rows = []
        for w, h in zip(weight, growth, strict=True):
            held = torch.stack([torch.ones_like(w), w], 1)
            left = h - held @ torch.linalg.lstsq(held, h).solution
            rows.append((w.square().sum() - 1) * w - left)
        return torch.stack(rows).view_as(synapse.weight)

    for layer, mine, (before, _, spikes) in zip(twin.layers, net.layers, found, strict=False):
        channels = spikes.shape[2]
        rarity = channels / winner_count(channels, share=share)
        expected = change(layer.up.synapse, spikes, before, hidden * rarity)
        torch.testing.assert_close(mine.up.synapse.weight.grad, expected, **TIGHT)
        fired = spikes.amax(0)
        often = fired if fired.dim() == 2 else fired.flatten(2).mean(2)
        excess = (often * rarity - 1).mean(0) * hidden * homeostasis
        bias = mine.up.norm.bias if norm else mine.up.synapse.bias
        torch.testing.assert_close(bias.grad, excess, **TIGHT)
    top = found[-1][0]
    teacher = F.one_hot(LABELS, 3).double().expand(T, -1, -1)
    torch.testing.assert_close(net.readout.weight.grad, change(twin.readout, teacher, top, 3), **TIGHT)
    check(report, twin, top, [spikes.mean() for _, _, spikes in found[:-1]])
    assert report.layer_losses == {}
    biases = [layer.up.norm.bias if norm else layer.up.synapse.bias for layer in net.layers]
    learned = {id(p) for p in rule.parameters()}
    assert learned == {id(p) for p in [net.readout.weight, *biases, *[s.up.synapse.weight for s in net.layers]]}


def check(report: Any, twin: Classifier, top: Tensor, rates: list[Tensor]) -> None:
    scores = twin.readout(top.mean(0)).detach()
    torch.testing.assert_close(report.loss.double(), F.cross_entropy(scores, LABELS), rtol=1e-6, atol=1e-7)
    assert int(report.correct) == int((scores.argmax(1) == LABELS).sum())
    for one, other in zip(report.spike_rate, rates, strict=True):
        torch.testing.assert_close(one, other, **TIGHT)
        assert 0 < float(other) < 1


@pytest.mark.parametrize("code", ["current", "given"])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("options", [{}, {"balance": "fixed", "depression": 0.6}], ids=["neuron", "fixed"])
def test_reward_modulated_stdp(code: str, norm: bool, options: dict[str, Any]) -> None:
    share, bound, hidden, memory = 0.4, 1.4, 0.7, 30
    net, twin = network(norm=norm, code=code), network(norm=norm, code=code)
    rule = RSTDP(net, winners=share, bound=bound, hidden_rate=hidden, memory=memory, **options).attach()
    expected_reward = [0.2, 0.5, 0.35, 0.6]
    names = ["layer1", "layer2", "layer3", "readout"]
    assert sorted(rule.state_dict()) == sorted(f"expected_{name}" for name in names)
    assert all(float(value) == pytest.approx(1 / 3) for value in rule.state_dict().values())
    values = torch.tensor(expected_reward, dtype=torch.float64)
    rule.load_state_dict({f"expected_{name}": value for name, value in zip(names, values, strict=True)})
    found = competing(twin, code, share)
    report = rule.compute_gradients(stimuli(code), LABELS)

    def contrast(spikes: Tensor) -> Tensor:
        fired = (spikes.cumsum(0) > 0).double()
        if options:
            return fired - 0.6 * (1 - fired)
        out = torch.empty_like(fired)
        for t in range(T):
            for b in range(B):
                part = min(float(fired[t, b].mean()), 0.5)  # n of N fired: a⁻ = n / (N − n), at most 1
                out[t, b] = torch.where(fired[t, b] > 0, 1.0, -part / (1 - part))
        return out

    def change(synapse: Any, post: Tensor, pre: Tensor, rate: float) -> Tensor:
        weight = synapse.weight.detach()
        limit = bound / weight[0].numel() ** 0.5
        room = ((limit**2 - weight**2) / limit).clamp(min=0)
        outside = torch.where(weight > limit, weight - limit, torch.where(weight < -limit, weight + limit, 0.0))
        assert bool((outside != 0).any())
        return outside - paired(synapse, post, pre) * room * rate / B

    part = 1 - (1 - 1 / memory) ** B
    for i, (layer, mine, (before, won, spikes)) in enumerate(zip(twin.layers, net.layers, found, strict=False)):
        channels, positions = won.shape[1], won[0, 0].numel()
        block = torch.tensor([c * 3 // channels for c in range(channels)])
        right = (block == LABELS[:, None]).double().view(B, channels, *[1] * (won.dim() - 2))
        first = spikes * (spikes.cumsum(0) == 1)
        post = first * won * (right - expected_reward[i])
        rate = hidden * channels / winner_count(channels, share=share) / positions
        expected = change(layer.up.synapse, post, contrast(before), rate)
        torch.testing.assert_close(mine.up.synapse.weight.grad, expected, **TIGHT)
        hits = (won * right).sum() / won.sum()
        moved = expected_reward[i] + part * (float(hits) - expected_reward[i])
        assert float(rule.state_dict()[f"expected_{names[i]}"]) == pytest.approx(moved)
        assert float(report.layer_losses[names[i]]) == pytest.approx(1 - moved)
    top = found[-1][0]
    chosen = twin.readout(top.mean(0)).argmax(1)
    won = F.one_hot(chosen, 3).double()
    right = (chosen == LABELS).double()[:, None]
    post = (won * (right - expected_reward[3])).expand(1, B, 3)
    expected = change(twin.readout, post, contrast(top)[-1:], 3)
    torch.testing.assert_close(net.readout.weight.grad, expected, **TIGHT)
    torch.testing.assert_close(net.readout.bias.grad, (won - 1 / 3).sum(0) * bound * 3 / B, **TIGHT)
    moved = expected_reward[3] + part * (float(right.mean()) - expected_reward[3])
    assert float(rule.state_dict()["expected_readout"]) == pytest.approx(moved)
    check(report, twin, top, [spikes.mean() for _, _, spikes in found[:-1]])
    assert report.layer_losses.keys() == set(names[:3])


@pytest.mark.parametrize("kind", [RSTDP, SymSTDP])
@pytest.mark.parametrize("code", ["current", "given"])
def test_decisions_rest_on_the_winners(kind: Callable[..., Any], code: str) -> None:
    net = network(norm=False, code=code)
    kind(net, winners=0.3).attach()
    top = competing(net, code, 0.3)[-1][0]
    torch.testing.assert_close(net.logits(stimuli(code)), net.readout(top.mean(0)).detach(), rtol=1e-6, atol=1e-8)
