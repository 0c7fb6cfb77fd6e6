"""The reference network against numbers worked out by hand; then the library against the reference."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bispike import models, rules
from bispike.functional import dense_spikes
from bispike.nn import Classifier, SequenceNetwork
from tests import reference
from tests.builders import WIRINGS, shaken, stimuli
from tests.oracles import literal_infonce, literal_reco

TIGHT: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-10}


def two_neurons() -> Classifier:
    """One layer of two neurons, θ = 0.6, β = ½, hard reset, three time steps; all weights known."""
    net = models.mlp(2, [2], 2, norm=False, time_steps=3).double()
    layer = net.layers[0]
    with torch.no_grad():
        layer.up.synapse.weight.copy_(torch.tensor([[1.0, 0.0], [0.5, -1.0]]))
        layer.up.synapse.bias.copy_(torch.tensor([0.0, 0.1]))
        layer.down.synapse.weight.copy_(torch.tensor([[0.4, 0.7], [0.2, 0.9]]))
        layer.down.synapse.bias.zero_()
        net.readout.weight.copy_(torch.tensor([[3.0, 0.0], [0.0, 3.0]]))
        net.readout.bias.copy_(torch.tensor([0.25, 0.0]))
        net.stimulus_readout.weight.copy_(torch.tensor([[6.0, 0.0], [0.0, 3.0]]))
        net.stimulus_readout.bias.copy_(torch.tensor([1.0, 2.0]))
    return net


def test_two_neurons_by_hand() -> None:
    net = two_neurons()
    ref = reference.read(net)
    # Stimulus (0.4, -0.2): drives 0.4 and 0.5·0.4 + 0.2 + 0.1 = 0.5, at every step.
    # H of 0.4: 0.4, 0.6 (fires, back to 0), 0.4.   H of 0.5: 0.5, 0.75 (fires), 0.5.
    # Stimulus (0.7, 0): drives 0.7 (fires at each step) and 0.45: 0.45, 0.675 (fires), 0.45.
    (up,) = reference.bottom_up(ref, torch.tensor([[0.4, -0.2], [0.7, 0.0]], dtype=torch.float64))
    torch.testing.assert_close(up.mean_drive.tolist(), [[0.4, 0.5], [0.7, 0.45]])
    assert up.spikes.tolist() == [[[0, 0], [1, 0]], [[1, 1], [1, 1]], [[0, 0], [1, 0]]]
    # Readout 3·rate (+ 0.25 for class 0), on a one-hot code.
    torch.testing.assert_close(reference.scores(ref, up.rate).tolist(), [[1.25, 1.0], [3.25, 1.0]])
    # Concept 0: drives 0.4 (fires at step 2) and 0.2: 0.2, 0.3, 0.35. Concept 1: 0.7 and 0.9 fire always.
    (down,) = reference.top_down(ref, torch.tensor([0, 1]))
    torch.testing.assert_close(down.rate.tolist(), [[1 / 3, 0.0], [1.0, 1.0]])
    torch.testing.assert_close(reference.recalled(ref, down.rate).tolist(), [[3.0, 2.0], [7.0, 5.0]])


def test_a_soft_reset_keeps_the_rest_by_hand() -> None:
    neuron = reference.Neuron(threshold=1.0, decay=0.5, reset="soft")
    drive = torch.tensor([1.5, 0.75, 0.5, -1.0], dtype=torch.float64)[:, None]
    # H: 1.5 (fires, 0.5 stays), 1.0 (fires, 0 stays), 0.5, -0.75.
    spikes, membrane = reference.lif(drive, neuron)
    assert spikes.flatten().tolist() == [1, 1, 0, 0]
    assert membrane.tolist() == [-0.75]


def test_the_surrogate_of_the_reference_by_hand() -> None:
    drive = torch.tensor([[0.1], [0.5]], dtype=torch.float64, requires_grad=True)
    spikes, _ = reference.lif(drive, reference.Neuron(0.6, 0.5, "hard"))
    spikes[1].sum().backward()
    # H[1] = 0.05 + 0.5, 0.05 below the threshold; the drive of step 0 counts by β.
    slope = 1 / (1 + (torch.pi * 0.05) ** 2)
    torch.testing.assert_close(drive.grad.flatten().tolist(), [0.5 * slope, slope])


NEURONS: dict[str, dict[str, Any]] = {
    "hard": {},
    "soft": {"reset": "soft", "decay": 0.8, "threshold": 0.9, "top_down_threshold": 0.5},
}


@pytest.mark.parametrize("kind", WIRINGS)
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize(("time_steps", "neuron"), [(1, "hard"), (2, "soft"), (3, "hard"), (4, "hard"), (4, "soft")])
def test_both_passes(kind: str, norm: bool, time_steps: int, neuron: str) -> None:
    net = shaken(WIRINGS[kind](norm=norm, time_steps=time_steps, gain=1.7, **NEURONS[neuron])).eval()
    x = stimuli(net)
    ref = reference.read(net)
    up = reference.bottom_up(ref, x)
    for record, expected in zip(net.observe(x), up, strict=True):
        assert torch.equal(record.spikes, expected.spikes)
        torch.testing.assert_close(record.mean_drive, expected.mean_drive, **TIGHT)
        torch.testing.assert_close(record.rate, expected.rate, **TIGHT)
    labels = torch.tensor([1, 0, 1])
    down = reference.top_down(ref, labels)
    for record, expected in zip(net.imagine(labels), down, strict=True):
        assert torch.equal(record.spikes, expected.spikes)
        torch.testing.assert_close(record.mean_drive, expected.mean_drive, **TIGHT)
    torch.testing.assert_close(net.logits(x), reference.scores(ref, up[-1].leaving.mean(0)), rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(net.recall(labels), reference.recalled(ref, down[0].rate), **TIGHT)
    assert 0 < float(torch.cat([a.spikes.detach().flatten() for a in [*up, *down]]).mean()) < 1


@pytest.mark.parametrize("kind", WIRINGS)
def test_the_pass_of_a_training_uses_the_batch(kind: str) -> None:
    net = shaken(WIRINGS[kind](norm=True, gain=1.7))
    x = stimuli(net, 6)
    ref = reference.read(net)
    expected = reference.bottom_up(ref, x)
    for step, there in zip(net.bottom_up_pass(net.encode(x)), expected, strict=True):
        activity = step.activity
        torch.testing.assert_close(activity.raw_drive, there.raw.mean(0), **TIGHT)
        torch.testing.assert_close(activity.drive, there.mean_drive, **TIGHT)
        assert torch.equal(dense_spikes(activity.spikes, like=x), there.spikes)
        torch.testing.assert_close(activity.rate, there.rate, **TIGHT)
        torch.testing.assert_close(step.below[:, : there.received.shape[2]], there.received.mean(0), **TIGHT)
        assert step.layer.feature_shape == there.spikes.shape[2:]


@pytest.mark.parametrize("code", ["population", "learned"])
def test_other_concept_codes(code: str) -> None:
    net = shaken(models.mlp(6, [8, 5], 4, norm=True, concept_code=code, concept_size=7, gain=2.0)).eval()
    ref, labels = reference.read(net), torch.arange(4)
    assert torch.equal(net.code.spikes(net.time_steps), reference.concept_spikes(ref))
    for record, expected in zip(net.imagine(labels), reference.top_down(ref, labels), strict=True):
        assert torch.equal(record.spikes, expected.spikes)
        torch.testing.assert_close(record.mean_drive, expected.mean_drive, **TIGHT)
    x = stimuli(net)
    top = reference.bottom_up(ref, x)[-1]
    torch.testing.assert_close(net.logits(x), reference.scores(ref, top.rate), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("carry", [False, True])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("time_steps", [1, 2, 4])
def test_recurrent_passes(carry: bool, norm: bool, time_steps: int) -> None:
    options = {"decay": 0.8, "reset": "soft", "gain": 1.5, "time_steps": time_steps, "norm": norm}
    net = models.rnn(5, [6, 4, 3], 5, symbols=False, carry=carry, top_down_recurrent=True, **options)
    assert isinstance(shaken(net), SequenceNetwork)
    source = torch.randn(7, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    # In two blocks: the second goes on from the state that the first left.
    expected = reference.positions_up(net, source)
    state = net.rest(3)
    blocks = [list(net.bottom_up_positions(part, state)) for part in source.split(4)]
    for i, there in enumerate(expected):
        found = [block[i].activity for block in blocks]
        torch.testing.assert_close(torch.cat([a.raw_drive for a in found]), there.raw.mean(0).flatten(0, 1), **TIGHT)
        torch.testing.assert_close(torch.cat([a.drive for a in found]), there.mean_drive.flatten(0, 1), **TIGHT)
        assert torch.equal(
            torch.cat([dense_spikes(a.spikes, like=source) for a in found], 1), there.spikes.flatten(1, 2)
        )
        received = torch.cat([block[i].below for block in blocks])
        width = there.received.shape[-1]
        torch.testing.assert_close(received[:, :width], there.received.mean(0).flatten(0, 1), **TIGHT)
        before = torch.cat([torch.zeros_like(there.rate[:1]), there.rate[:-1]])
        torch.testing.assert_close(received[:, width:], before.flatten(0, 1), **TIGHT)
    concepts = torch.randint(0, 5, (7, 3), generator=torch.Generator().manual_seed(2))
    spikes = net.code.spikes(time_steps)[:, concepts].double()
    down = net.top_down_positions(spikes, net.rest_down(3))
    for here, there in zip(down, reference.positions_down(net, concepts), strict=True):
        assert torch.equal(dense_spikes(here.activity.spikes, like=source), there.spikes.flatten(1, 2))
        torch.testing.assert_close(here.activity.drive, there.mean_drive.flatten(0, 1), **TIGHT)


LOSSES: dict[str, tuple[dict[str, Any], Any]] = {
    "reco": ({"loss": "reco", "strength": 0.6}, lambda a, b: literal_reco(a, b, 0.6)),
    "infonce": ({"loss": "infonce", "temperature": 0.4}, lambda a, b: literal_infonce(a, b, 0.4)),
}


@pytest.mark.parametrize("kind", [*WIRINGS, "learned code"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("norm", "centred", "slope", "feature"),
    [
        (False, False, "mean-field", "rate"),
        (True, True, "mean-field", "rate"),
        (True, True, "unrolled", "rate"),
        (False, True, "unrolled", "rate"),
        (True, False, "mean-field", "drive"),
    ],
)
def test_bsd_writes_the_gradient_of_the_papers_loss(
    kind: str, loss: str, norm: bool, centred: bool, slope: str, feature: str
) -> None:
    if kind == "learned code":
        net = models.mlp(6, [8, 5], 3, norm=norm, concept_code="learned", concept_size=7, gain=2.0)
    else:
        net = WIRINGS[kind](norm=norm, gain=1.7, **NEURONS["hard"])
    net = shaken(net)
    x = stimuli(net, 6, seed=4)
    labels = torch.tensor([0, 1, 2, 0, 1, 0]) % net.concept.classes
    options, pair_loss = LOSSES[loss]
    options = {**options, "contrast": "batch", "reduction": "sum", "slope": slope, "feature": feature}
    rule = rules.create("bsd", net, centre="batch" if centred else "none", **options)
    losses, gradients = reference.layer_loss_by_autograd(
        net, x, labels, pair_loss, centred=centred, slope=slope, feature=feature
    )
    report = rule.compute_gradients(x, labels)
    torch.testing.assert_close(report.loss, losses.pop("top"), rtol=1e-6, atol=1e-7)
    for name, value in losses.items():
        torch.testing.assert_close(report.layer_losses[name], value, rtol=1e-9, atol=1e-9)
    assert report.layer_losses.keys() == losses.keys()
    written = {name: p.grad for name, p in net.named_parameters() if p.grad is not None}
    assert written.keys() == gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(written[name], gradient, rtol=1e-7, atol=1e-8, msg=f"{name}: {{}}".format)
