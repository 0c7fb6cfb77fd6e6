"""Rules on sequences against loops over positions that are written out: gradients, losses, and what a report counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from bispike import models, rules
from bispike.functional import lif_reference
from bispike.nn import SequenceNetwork
from bispike.rules import StepReport
from bispike.rules.positions import BlockSums, mean_report
from bispike.spaces import Quantities
from tests import reference
from tests.builders import shaken

TIGHT: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-9}
SAMPLES, LENGTH = 4, 5


def network(kind: str, *, norm: bool, **options: Any) -> Any:
    series = Quantities(("u", "v"), (0.5, -1.0), (2.0, 0.5), (2, 0), (1.0, 3.0))
    target = series if kind == "series" else tuple("abcdef")
    size = 3 if kind == "series" else 6
    options = {"threshold": 0.5, "excitability": 0.5, **options}
    net = models.create("rnn", size, target, widths=[9, 7], norm=norm, **options)
    assert isinstance(net, SequenceNetwork)
    return shaken(net)


def problem(kind: str) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(0)
    if kind == "text":
        return torch.randint(6, (SAMPLES, LENGTH), generator=draw), torch.randint(6, (SAMPLES, LENGTH), generator=draw)
    values = torch.randn(SAMPLES, LENGTH, 3, generator=draw, dtype=torch.float64)
    return values, torch.randn(SAMPLES, LENGTH, 2, generator=draw, dtype=torch.float64)


@dataclass
class Positions:
    """One layer at all positions: what it received from below and from itself, d rate / d drive, rates."""

    below: list[Tensor]
    own: list[Tensor]
    slope: list[Tensor]
    rate: list[Tensor]


def scale_of(path: Any) -> tuple[Tensor | float, Tensor | float]:
    if path.norm is None:
        return 1.0, 0.0
    scale = path.norm.weight.detach() / (path.norm.running_variance + path.norm.eps) ** 0.5
    return scale, path.norm.bias.detach() - path.norm.running_mean * scale


def rate_twin(net: SequenceNetwork, source: Tensor) -> list[Positions]:
    """ReLU units, position by position; the norm's running statistics are constants."""
    found, below = [], list(source)
    for path in net.paths:
        weight, bias = path.synapse.weight.detach(), path.synapse.bias.detach()
        scale, shift = scale_of(path)
        inputs = below[0].shape[1]
        layer = Positions(below, [], [], [])
        own = torch.zeros(SAMPLES, len(weight), dtype=torch.float64)
        for arriving in below:
            layer.own.append(own)
            drive = (arriving @ weight[:, :inputs].T + own @ weight[:, inputs:].T + bias) * scale + shift
            own = drive * (drive > 0)
            layer.slope.append((drive > 0).double())
            layer.rate.append(own)
        found.append(layer)
        below = layer.rate
    return found


def judge(net: Any, kind: str, top: list[Tensor], stimulus: Tensor, targets: Tensor) -> Any:
    """Loss (a mean over positions and samples), dL/d output at each position, and right decisions per sequence."""
    outputs = [(rate @ net.readout.weight.T + net.readout.bias).detach().requires_grad_() for rate in top]
    loss, right = torch.zeros((), dtype=torch.float64), 0.0
    for p, output in enumerate(outputs):
        if kind == "text":
            loss = loss + F.cross_entropy(output, targets[:, p]) / LENGTH
            right += int((output.argmax(1) == targets[:, p]).sum()) / LENGTH
        else:
            change = targets[:, p] - stimulus[:, p][:, [2, 0]]
            wanted = (change - torch.tensor([0.5, -1.0])) / torch.tensor([2.0, 0.5])
            loss = loss + (output - wanted).square().mean() / LENGTH
    return loss.detach(), list(torch.autograd.grad(loss, outputs)), right


def check_report(report: StepReport, loss: Tensor, right: float, rates: list[Tensor]) -> None:
    torch.testing.assert_close(report.loss.double(), loss, **TIGHT)
    assert float(report.correct) == pytest.approx(right)
    assert len(report.spike_rate) == len(rates)
    values = [report.loss, report.correct, *report.spike_rate, *report.layer_losses.values()]
    assert not any(value.requires_grad for value in values)
    for found, expected in zip(report.spike_rate, rates, strict=True):
        torch.testing.assert_close(found.double(), expected, **TIGHT)


def errors_by_hand(
    layers: list[Positions], paths: Any, at_top: list[Tensor], down: list[Tensor], across: list[Tensor]
) -> tuple[list[list[Tensor]], list[list[Tensor]]]:
    """e_l(p) = Θ_down s_{l+1}(p) + Θ_across s_l(p+1), s = e ⊙ f' γ/σ, from the last position to the first."""
    errors: list[list[Tensor]] = [[torch.empty(0)] * LENGTH for _ in layers]
    signals: list[list[Tensor]] = [[torch.empty(0)] * LENGTH for _ in layers]
    for p in reversed(range(LENGTH)):
        for i in reversed(range(len(layers))):
            above = at_top[p] if i + 1 == len(layers) else signals[i + 1][p]
            error = above @ down[i].T
            if p + 1 < LENGTH:
                error = error + signals[i][p + 1] @ across[i].T
            errors[i][p] = error
            signals[i][p] = error * layers[i].slope[p] * scale_of(paths[i])[0]
    return errors, signals


@pytest.mark.parametrize("kind", ["text", "series"])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("sign", ["plus", "minus", "none"])
def test_dll_brings_errors_back_through_feedback_of_its_own(kind: str, norm: bool, sign: str) -> None:
    net, (stimulus, targets) = network(kind, norm=norm), problem(kind)
    rule = rules.create("dll", net, feedback_sign=sign, label_smoothing=0.0)
    state = rule.state_dict()
    down = [state["down0.weight"], state["down1.weight"]]
    across = [state["across0.weight"], state["across1.weight"]]
    layers = rate_twin(net, net.encode(stimulus))
    loss, at_top, right = judge(net, kind, layers[-1].rate, stimulus, targets)
    errors, signals = errors_by_hand(layers, net.paths, at_top, down, across)
    report = rule.compute_gradients(stimulus, targets)
    check_report(report, loss, right, [torch.cat(layer.slope).mean() for layer in layers])
    rows = SAMPLES * LENGTH
    factor = {"plus": -1, "minus": 1, "none": 0}[sign] * rows
    parameters = dict(rule.state.named_parameters())
    for i, layer in enumerate(net.layers):
        total = torch.stack(errors[i])
        torch.testing.assert_close(report.layer_losses[layer.name], rows / 2 * total.square().sum(), **TIGHT)
        above = at_top if i == 1 else signals[1]
        led_down = sum(errors[i][p].T @ above[p] for p in range(LENGTH)) * factor
        led_across = sum(errors[i][p].T @ signals[i][p + 1] for p in range(LENGTH - 1)) * factor
        for name, expected in ((f"down{i}.weight", led_down), (f"across{i}.weight", led_across)):
            if sign == "none":
                assert parameters[name].grad is None
            else:
                torch.testing.assert_close(parameters[name].grad, expected, **TIGHT)
        if not norm:
            weight = sum(signals[i][p].T @ torch.cat([layers[i].below[p], layers[i].own[p]], 1) for p in range(LENGTH))
            torch.testing.assert_close(layer.up.synapse.weight.grad, weight, **TIGHT)
            torch.testing.assert_close(layer.up.synapse.bias.grad, torch.cat(signals[i]).sum(0), **TIGHT)
    learned = [id(p) for p in rule.parameters()]
    assert [id(p) in learned for p in rule.state.parameters()] == [sign != "none"] * 4


def test_smoothed_targets_of_dll_on_sequences() -> None:
    net, (stimulus, targets) = network("text", norm=False), problem("text")
    layers = rate_twin(net, net.encode(stimulus))
    output = torch.cat(layers[-1].rate) @ net.readout.weight.T + net.readout.bias
    expected = F.cross_entropy(output, targets.T.flatten(), label_smoothing=0.3)
    report = rules.create("dll", net, label_smoothing=0.3).compute_gradients(stimulus, targets)
    torch.testing.assert_close(report.loss.double(), expected.detach(), **TIGHT)


@pytest.mark.parametrize("kind", ["text", "series"])
@pytest.mark.parametrize("norm", [False, True])
def test_predictive_coding_relaxes_to_the_errors_of_backpropagation(kind: str, norm: bool) -> None:
    """After enough steps ε is count times the negative gradient; the energy of a layer is ½ Σ ε² per row."""
    net, (stimulus, targets) = network(kind, norm=norm), problem(kind)
    layers = rate_twin(net, net.encode(stimulus))
    loss, at_top, right = judge(net, kind, layers[-1].rate, stimulus, targets)
    weights = [path.synapse.weight.detach() for path in net.paths]
    down = [weights[1][:, :9].T, net.readout.weight.detach().T]
    across = [weights[0][:, -9:].T, weights[1][:, -7:].T]
    errors, signals = errors_by_hand(layers, net.paths, at_top, down, across)
    report = rules.create("pc", net).compute_gradients(stimulus, targets)
    check_report(report, loss, right, [torch.cat(layer.slope).mean() for layer in layers])
    rows = SAMPLES * LENGTH
    for i, layer in enumerate(net.layers):
        energy = rows / 2 * torch.stack(errors[i]).square().sum()
        torch.testing.assert_close(report.layer_losses[layer.name], energy, **TIGHT)
        if not norm:
            torch.testing.assert_close(layer.up.synapse.bias.grad, torch.cat(signals[i]).sum(0), **TIGHT)


@pytest.mark.parametrize(("steps", "rate"), [(1, 1.0), (1, 0.3), (3, 0.5)])
def test_inference_on_sequences_step_by_step(steps: int, rate: float) -> None:
    net, (stimulus, targets) = network("text", norm=True), problem("text")
    layers = rate_twin(net, net.encode(stimulus))
    _, at_top, _ = judge(net, "text", layers[-1].rate, stimulus, targets)
    rows = SAMPLES * LENGTH
    weights = [path.synapse.weight.detach() for path in net.paths]
    errors = [[torch.zeros_like(r) for r in layer.rate] for layer in layers]
    for _ in range(steps):
        back = [
            [error * slope * scale_of(path)[0] for error, slope in zip(errors[i], layers[i].slope, strict=True)]
            for i, path in enumerate(net.paths)
        ]
        moved: list[list[Tensor]] = [[], []]
        for i in range(2):
            for p in range(LENGTH):
                pull = -rows * at_top[p] @ net.readout.weight.detach() if i == 1 else back[1][p] @ weights[1][:, :9]
                if p + 1 < LENGTH:
                    pull = pull + back[i][p + 1] @ weights[i][:, -layers[i].rate[0].shape[1] :]
                moved[i].append(errors[i][p] + rate * (pull - errors[i][p]))
        errors = moved
    report = rules.create("pc", net, inference_steps=steps, inference_rate=rate).compute_gradients(stimulus, targets)
    for layer, found in zip(net.layers, errors, strict=True):
        torch.testing.assert_close(
            report.layer_losses[layer.name], torch.stack(found).square().sum() / (2 * rows), **TIGHT
        )


@pytest.mark.parametrize("kind", ["text", "series"])
@pytest.mark.parametrize("feedback", ["random", "symmetric"])
@pytest.mark.parametrize("reset", ["hard", "soft"])
@pytest.mark.parametrize("positions", [32, 2])
def test_e_prop_at_every_position_is_its_signal_times_the_slope(
    kind: str, feedback: str, reset: str, positions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dL/dW = Σ_p (B ε(p)) ⊙ d rate / d drive ⊗ what it received; the slope by autograd through a position."""
    monkeypatch.setattr("bispike.rules.feedback.eprop.POSITIONS", positions)
    net, (stimulus, targets) = network(kind, norm=False, reset=reset, decay=0.7, time_steps=3), problem(kind)
    rule = rules.create("e-prop", net, feedback=feedback, feedback_gain=0.8)
    state = rule.state_dict()
    source = net.encode(stimulus).double()
    trains = [step.expand(3, *step.shape) for step in source]
    layers: list[Positions] = []
    for path in net.paths:
        weight, bias = path.synapse.weight.detach(), path.synapse.bias.detach()
        layer = Positions([train.mean(0) for train in trains], [], [], [])
        own, next_trains = torch.zeros(SAMPLES, len(weight), dtype=torch.float64), []
        inputs = trains[0].shape[2]
        for train in trains:
            extra = torch.zeros_like(own, requires_grad=True)
            drive = train @ weight[:, :inputs].T + own @ weight[:, inputs:].T + bias + extra
            fired = lif_reference(drive, path.neuron)
            layer.own.append(own)
            layer.slope.append(torch.autograd.grad(fired.mean(0).sum(), extra)[0])
            next_trains.append(fired.detach())
            own = fired.detach().mean(0)
            layer.rate.append(own)
        layers.append(layer)
        trains = next_trains
    loss, at_top, right = judge(net, kind, layers[-1].rate, stimulus, targets)
    report = rule.compute_gradients(stimulus, targets)
    check_report(report, loss, right, [torch.cat(layer.rate).mean() for layer in layers])
    names = list(state)
    assert len(names) == (2 if feedback == "random" else 1)
    for i, layer in enumerate(net.layers):
        broadcast = state[names[i]] if i < len(names) else net.readout.weight.detach().T
        signals = [error @ broadcast.T * slope for error, slope in zip(at_top, layers[i].slope, strict=True)]
        weight = sum(signals[p].T @ torch.cat([layers[i].below[p], layers[i].own[p]], 1) for p in range(LENGTH))
        torch.testing.assert_close(layer.up.synapse.weight.grad, weight, **TIGHT)
        torch.testing.assert_close(layer.up.synapse.bias.grad, torch.cat(signals).sum(0), **TIGHT)
    readout = sum(error.T @ rate for error, rate in zip(at_top, layers[-1].rate, strict=True))
    torch.testing.assert_close(net.readout.weight.grad, readout, **TIGHT)


@pytest.mark.parametrize("name", ["bptt", "backprop", "bsd"])
@pytest.mark.parametrize("kind", ["text", "series"])
def test_reports_of_the_other_rules(name: str, kind: str) -> None:
    net, (stimulus, targets) = network(kind, norm=False, time_steps=3), problem(kind)
    rule = rules.create(name, net)
    source = net.encode(stimulus)
    if name == "backprop":
        layers = rate_twin(net, source)
        rates = [torch.cat(layer.slope).mean() for layer in layers]
        top = layers[-1].rate
    else:
        steps = list(net.bottom_up_positions(source, net.rest(SAMPLES)))
        rates = [step.activity.rate.mean() for step in steps]
        top = list(steps[-1].activity.rate.unflatten(0, (LENGTH, SAMPLES)))
    loss, _, right = judge(net, kind, top, stimulus, targets)
    check_report(rule.compute_gradients(stimulus, targets), loss, right, rates)


@pytest.mark.parametrize("name", ["bptt", "backprop", "bsd", "e-prop", "dll", "pc"])
def test_a_step_moves_the_running_statistics_to_its_drives(name: str) -> None:
    """The first sequences set them: mean and mean square distance from the mean before, of all positions."""
    net, (stimulus, targets) = network("text", norm=True, time_steps=3), problem("text")
    before = [(path.norm.running_mean.clone(), path.norm.running_variance.clone()) for path in net.paths]
    rule = rules.create(name, net)
    with torch.no_grad():
        found = list(net.layer_positions(net.encode(stimulus), net.rest(SAMPLES)))
    rule.compute_gradients(stimulus, targets)
    for path, (mean, _), (_, _, activity) in zip(net.paths, before, found, strict=True):
        raw = activity.raw_drive
        torch.testing.assert_close(path.norm.running_mean, raw.mean(0), **TIGHT)
        torch.testing.assert_close(path.norm.running_variance, (raw - mean).square().mean(0), **TIGHT)
        assert int(path.norm.seen) == 1


# ------------------------------------------------------------------ blocks


def test_gradients_of_blocks_add_up_by_their_shares() -> None:
    one, two, silent = (torch.nn.Parameter(torch.zeros(2)) for _ in range(3))
    sums = BlockSums([one, two, silent])
    for share, first, second in ((0.25, [4.0, 8.0], None), (0.75, [1.0, 2.0], [1.0, 1.0])):
        one.grad = torch.tensor(first)
        two.grad = None if second is None else torch.tensor(second)
        sums.add(share)
    last = one.grad
    sums.write()
    assert one.grad is last  # in place: an optimizer may know it
    assert one.grad is not None
    assert one.grad.tolist() == [1.75, 3.5]
    assert two.grad is not None
    assert two.grad.tolist() == [0.75, 0.75]
    assert silent.grad is None


def test_the_report_of_a_sequence_by_hand() -> None:
    def block(loss: float, right: int, local: float, rate: float) -> StepReport:
        parts = {"layer1": torch.tensor(local), "recall": torch.tensor(2 * local)}
        return StepReport(torch.tensor(loss), torch.tensor(right), parts, [torch.tensor(rate), torch.tensor(1 - rate)])

    found = mean_report([(0.75, block(2.0, 5, 1.0, 0.2)), (0.25, block(6.0, 3, 5.0, 0.6))], 4)
    assert float(found.loss) == pytest.approx(0.75 * 2 + 0.25 * 6)
    assert float(found.correct) == pytest.approx(8 / 4)
    assert {name: float(value) for name, value in found.layer_losses.items()} == pytest.approx(
        {"layer1": 2.0, "recall": 4.0}
    )
    assert [float(rate) for rate in found.spike_rate] == pytest.approx([0.3, 0.7])


# ------------------------------------------------------------------ truncation


@pytest.mark.parametrize("truncate", [0, 1, 2, 4])
@pytest.mark.parametrize("carry", [False, True])
@pytest.mark.parametrize("kind", ["text", "series"])
def test_a_truncated_gradient_goes_back_no_further(kind: str, carry: bool, truncate: int) -> None:
    """Every so many positions, what a layer passes on to itself (output and membrane) becomes a constant."""
    net, (stimulus, targets) = network(kind, norm=False, carry=carry, time_steps=2, decay=0.8), problem(kind)
    rule = rules.create("bptt", net, truncate=truncate)
    trains = [step.expand(2, *step.shape) for step in net.encode(stimulus).double()]
    rates = []
    for path in net.paths:
        weight, bias, neuron = path.synapse.weight, path.synapse.bias, path.neuron
        own = torch.zeros(SAMPLES, len(weight), dtype=torch.float64)
        membrane = torch.zeros_like(own) if carry else None
        inputs, sent = trains[0].shape[2], []
        for p, train in enumerate(trains):
            if truncate and p % truncate == 0:
                own = own.detach()
                membrane = None if membrane is None else membrane.detach()
            drive = train @ weight[:, :inputs].T + own @ weight[:, inputs:].T + bias
            constants = reference.Neuron(neuron.threshold, neuron.decay, neuron.reset)
            spikes, after = reference.lif(drive, constants, membrane)
            membrane = after if carry else None
            own = spikes.mean(0)
            sent.append(spikes)
        trains = sent
        rates.append(torch.stack(sent).mean())
    output = torch.stack([spikes.mean(0) for spikes in trains]) @ net.readout.weight.T + net.readout.bias
    if kind == "text":
        loss = F.cross_entropy(output.flatten(0, 1), targets.T.flatten())
    else:
        change = (targets - stimulus[..., [2, 0]]).transpose(0, 1)
        loss = (output - (change - torch.tensor([0.5, -1.0])) / torch.tensor([2.0, 0.5])).square().mean()
    parameters = rule.parameters()
    expected = torch.autograd.grad(loss, parameters)
    report = rule.compute_gradients(stimulus, targets)
    torch.testing.assert_close(report.loss.double(), loss.detach(), **TIGHT)
    for parameter, gradient in zip(parameters, expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, **TIGHT)
