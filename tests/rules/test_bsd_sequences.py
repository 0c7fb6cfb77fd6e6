"""BSD on sequences against autograd of each layer's loss, block by block, what was received being constant."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from bispike import models, rules
from bispike.functional import dense_spikes
from bispike.nn import SequenceNetwork
from bispike.spaces import Quantities
from tests import reference
from tests.builders import shaken
from tests.oracles import literal_infonce, literal_reco

TIGHT: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-9}
SAMPLES, LENGTH = 3, 5


def network(kind: str, **options: Any) -> Any:
    series = Quantities(("u", "v"), (0.5, -1.0), (2.0, 0.5), (2, 0), (1.0, 3.0))
    target = series if kind == "series" else tuple("abcd")
    size = 3 if kind == "series" else 4
    options = {"threshold": 0.5, "excitability": 0.5, "norm": False, "time_steps": 3, "gain": 1.4, **options}
    net = models.create("rnn", size, target, widths=[9, 7], **options)
    assert isinstance(net, SequenceNetwork)
    return shaken(net)


def problem(kind: str) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(1)
    if kind == "text":
        return torch.randint(4, (SAMPLES, LENGTH), generator=draw), torch.randint(4, (SAMPLES, LENGTH), generator=draw)
    values = torch.randn(SAMPLES, LENGTH, 3, generator=draw, dtype=torch.float64)
    return values, torch.randn(SAMPLES, LENGTH, 2, generator=draw, dtype=torch.float64)


def wanted(kind: str, stimulus: Tensor, targets: Tensor) -> Tensor:
    """Targets in the network's units, [position, sample]."""
    if kind == "text":
        return targets.T
    change = targets - stimulus[..., [2, 0]]
    return ((change - torch.tensor([0.5, -1.0])) / torch.tensor([2.0, 0.5])).transpose(0, 1)


def sloped(path: Any, received: Tensor, rate: Tensor, slope: Tensor) -> Tensor:
    drive = received @ path.synapse.weight.T + path.synapse.bias
    return rate + slope * (drive - drive.detach())


def slope_of(drive: Tensor, threshold: float) -> Tensor:
    return 1 / (1 + 0.5 * (torch.pi * (drive - 0.6 * threshold)) ** 2)


CASES = [
    ("text", {}),
    ("text", {"top_down_recurrent": True}),
    ("series", {}),
    ("series", {"top_down_recurrent": True}),
]


@pytest.mark.parametrize(("kind", "model"), CASES, ids=str)
@pytest.mark.parametrize("block", [2, 5, 9])
@pytest.mark.parametrize("loss", ["reco", "infonce"])
@pytest.mark.parametrize("centre", ["none", "batch"])
def test_blocks_of_positions_descend_the_loss_of_their_rows(
    kind: str, model: dict[str, Any], block: int, loss: str, centre: str
) -> None:
    net, (stimulus, targets) = network(kind, **model), problem(kind)
    options = {"strength": 0.4} if loss == "reco" else {"temperature": 0.6}
    paired = kind == "series" or bool(model)
    rule = rules.create("bsd", net, loss=loss, centre=centre, block=block, reduction="sum", contrast="batch", **options)
    source, goals = net.encode(stimulus).double(), wanted(kind, stimulus, targets)
    up = reference.positions_up(net, source)
    classes = reference.top_down(reference.read(net), torch.arange(4)) if not paired else []
    report = rule.compute_gradients(stimulus, targets)
    parameters = [p for layer in net.layers for path in (layer.up, layer.down) for p in path.parameters()]
    total = [torch.zeros_like(p) for p in parameters]
    losses = dict.fromkeys(net.layer_names, 0.0)
    state = net.rest_down(SAMPLES)
    recurrent = reference.positions_down(net, goals) if model and kind == "text" else []
    task, recall, correct = 0.0, 0.0, 0.0
    for first in range(0, LENGTH, block):
        here = slice(first, min(first + block, LENGTH))
        positions = here.stop - here.start
        share = positions / LENGTH
        rows = goals[here].flatten(0, 1)
        called = templates(net, rows, positions, state) if paired else None
        for i, layer in enumerate(net.layers):
            rate = up[i].rate[here].flatten(0, 1).detach()
            before = torch.cat([torch.zeros_like(up[i].rate[:1]), up[i].rate[:-1]])[here].flatten(0, 1)
            below = source[here] if i == 0 else up[i - 1].rate[here]
            received = torch.cat([below.flatten(0, 1), before], 1).detach()
            drive = up[i].mean_drive[here].flatten(0, 1).detach()
            a = sloped(layer.up, received, rate, slope_of(drive, layer.up.neuron.threshold))
            if called is None:
                above = torch.eye(4, dtype=torch.float64) if i == 1 else classes[1].rate.detach()
                there = classes[i]
                slope = slope_of(there.mean_drive.detach(), layer.down.neuron.threshold)
                b = sloped(layer.down, above, there.rate.detach(), slope)
                lowest = classes[0].rate.detach()[rows]
            else:
                above, activity = called[i]
                if recurrent:
                    torch.testing.assert_close(activity.rate, recurrent[i].rate[here].flatten(0, 1).detach(), **TIGHT)
                slope = slope_of(activity.drive, layer.down.neuron.threshold)
                b = sloped(layer.down, above, activity.rate, slope)
                lowest = called[0][1].rate
            if centre == "batch":
                a = a - a.mean(0) if len(a) > 1 else a
                b = b - b.mean(0)
            b = b[rows] if called is None else b
            keep = rows[:, None] != rows if called is not None and kind == "text" else None
            value = pairs(loss, a, b, keep)
            losses[layer.name] += share * float(value.detach())
            grads = torch.autograd.grad(value, parameters, allow_unused=True)
            for one, grad in zip(total, grads, strict=True):
                one.add_(share * (torch.zeros_like(one) if grad is None else grad))
        output = up[-1].rate[here].flatten(0, 1).detach() @ net.readout.weight.T + net.readout.bias
        if kind == "text":
            task += share * float(F.cross_entropy(output, rows).detach())
            correct += int((output.argmax(1) == rows).sum()) / LENGTH
        else:
            task += share * float((output - rows).square().mean().detach())
        shown = lowest @ net.stimulus_readout.weight.T + net.stimulus_readout.bias
        recall += share * float((shown - source[here].flatten(0, 1)).square().mean().detach())
    for parameter, expected in zip(parameters, total, strict=True):
        torch.testing.assert_close(parameter.grad, expected, **TIGHT)
    assert float(report.loss) == pytest.approx(task)
    assert float(report.correct) == pytest.approx(correct)
    losses["recall"] = recall
    assert {name: float(value) for name, value in report.layer_losses.items()} == pytest.approx(losses)
    for found, there in zip(report.spike_rate, up, strict=True):
        torch.testing.assert_close(found, there.rate.mean(), **TIGHT)
        assert 0 < float(found) < 1


def pairs(loss: str, a: Tensor, b: Tensor, keep: Tensor | None) -> Tensor:
    if loss == "reco":
        return literal_reco(a, b, 0.4, keep)
    if keep is None:
        return literal_infonce(a, b, 0.6)
    cosine = (a @ b.T) / (a.square().sum(1) + 1e-4).sqrt()[:, None] / (b.square().sum(1) + 1e-4).sqrt()
    shown = (cosine / 0.6).masked_fill(~(keep | torch.eye(len(a), dtype=torch.bool)), -torch.inf)
    return F.cross_entropy(shown, torch.arange(len(a)), reduction="sum")


def templates(net: SequenceNetwork, rows: Tensor, positions: int, state: Any) -> list[tuple[Tensor, Any]]:
    """What the targets call up at each position: (what a top-down synapse received, activity), bottom to top."""
    spikes = net.target_spikes(rows)
    if state:
        found = net.top_down_positions(spikes.unflatten(1, (positions, -1)), state)
        return [(one.below, one.activity) for one in found]
    made: list[tuple[Tensor, Any]] = []
    for layer in reversed(net.layers):
        activity = layer.down.forward_spikes(spikes, net.time_steps, constant=False)
        made.insert(0, (spikes.double().mean(0), activity))
        spikes = dense_spikes(activity.spikes, like=activity.rate)
    return made


def test_positions_that_are_paired_come_in_blocks_of_512_rows_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many positions as fit, at least one; where classes are the templates a block is as long as the option says."""
    seen: list[int] = []
    for kind, model in CASES:
        for rows, expected in ((6, [2, 2, 1]), (10, [3, 2]), (2, [1] * 5)):
            monkeypatch.setattr("bispike.rules.bsd.sequences.PAIRED", rows)
            net, (stimulus, targets) = network(kind, **model), problem(kind)
            rule = rules.create("bsd", net, block=4)
            passes = net.bottom_up_positions
            seen.clear()

            def record(source: Tensor, *rest: Any, passes: Any = passes, **options: Any) -> Any:
                seen.append(len(source))
                return passes(source, *rest, **options)

            monkeypatch.setattr(net, "bottom_up_positions", record)
            rule.compute_gradients(stimulus, targets)
            assert seen == (expected if kind == "series" or model else [4, 1])


@pytest.mark.parametrize("kind", ["text", "series"])
def test_gradients_are_announced_after_the_last_block(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net, (stimulus, targets) = network(kind), problem(kind)
    rule = rules.create("bsd", net, block=2)
    announced: list[Any] = []
    found: list[Tensor] = []

    def listen(parameters: Any) -> None:
        announced.extend(parameters)
        found.extend(p.grad.clone() for p in parameters)

    rule.on_gradients_ready = listen
    rule.compute_gradients(stimulus, targets)
    assert sorted(map(id, announced)) == sorted(map(id, rule.parameters()))
    assert all(torch.equal(p.grad, grad) for p, grad in zip(announced, found, strict=True))
    assert rule.on_gradients_ready is listen

    def stop(raws: Any) -> None:
        raise ValueError("stop")

    monkeypatch.setattr(net, "follow", stop)
    with pytest.raises(ValueError, match="stop"):
        rule.compute_gradients(stimulus, targets)
    assert rule.on_gradients_ready is listen  # also after a step that failed
