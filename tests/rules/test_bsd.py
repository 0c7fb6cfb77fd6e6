"""BSD against autograd of the layer's own loss, and the properties that make it local and order-free."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bispike import models
from bispike.nn import ALONE, DriveNorm, Network
from bispike.rules import BSD
from bispike.rules.bsd.parts import Centre
from tests.oracles import literal_cross_entropy, literal_infonce, literal_mse, literal_reco

networks = st.tuples(
    st.sampled_from(["dense", "conv", "residual"]),
    st.booleans(),
    st.integers(1, 4),
    st.integers(2, 6),
    st.integers(0, 999),
)


def build(case: tuple[str, bool, int, int, int]) -> tuple[Network, torch.Tensor, torch.Tensor]:
    kind, norm, steps, batch, seed = case
    generator = torch.Generator().manual_seed(seed)
    if kind == "dense":
        net = models.mlp(5, [7, 6], 3, time_steps=steps, norm=norm, gain=1.5, seed=seed)
        stimulus = torch.randn(batch, 5, generator=generator)
    elif kind == "residual":
        net = models.resnet((1, 6, 6), [3, 4], 3, blocks=[1, 1], time_steps=steps, norm=norm, gain=1.5, seed=seed)
        stimulus = torch.randn(batch, 1, 6, 6, generator=generator)
    else:
        net = models.cnn(
            (1, 6, 6), [3, 4], 3, pools=[2, 1], dense=[6], time_steps=steps, norm=norm, gain=1.5, seed=seed
        )
        stimulus = torch.randn(batch, 1, 6, 6, generator=generator)
    trust_small_batches(net)
    return net.double(), stimulus.double(), torch.randint(0, 3, (batch,), generator=generator)


def trust_small_batches(net: Network) -> None:
    """Norms take the statistics of these few samples, so that batch norm's own gradient is what is tested."""
    for module in net.modules():
        if isinstance(module, DriveNorm):
            module.least = 2


def layer_losses_by_autograd(net: Network, stimulus: torch.Tensor, labels: torch.Tensor, rule: BSD) -> dict[str, Any]:
    """For each layer: the loss as the paper writes it (B×B), differentiated with the inputs of the layer held fixed.

    The rate is made differentiable as `rate + slope · (drive − drive.detach())`: the mean-field stand-in.
    """
    options = rule.settings
    gradients = {}
    downs = {step.layer.name: step for step in net.top_down_steps(torch.arange(net.code.classes))}
    for step in net.bottom_up_pass(net.encode(stimulus)):
        layer, below, up, name = step.layer, step.below, step.activity, step.layer.name
        above, down = downs[name].below, downs[name].activity
        features = []
        template = options.feature if options.template == "same" else options.template
        for pathway, source, activity, kind in (
            (layer.up, below, up, options.feature),
            (layer.down, above, down, template),
        ):
            drive = pathway.synapse(source)
            if pathway.norm is not None:
                drive = pathway.norm(drive, pathway.norm.statistics(drive, track=False))
            value = drive
            if kind == "rate":
                slope = pathway.rate_slope(activity)
                value = activity.rate + slope * (drive - drive.detach())
            if options.pool and value.dim() == 4:
                value = torch.nn.functional.adaptive_avg_pool2d(value, options.pool)
            features.append(value.flatten(1))
        rows, templates = features
        if options.centre == "batch":
            rows = rows - rows.mean(0) if rows.shape[0] > 1 else rows
            templates = templates - templates.mean(0)
        paired = templates[labels]
        if options.loss == "reco":
            loss = literal_reco(rows, paired, options.strength)
        elif options.loss == "infonce":
            loss = literal_infonce(rows, paired, options.temperature)
        elif options.loss == "cross-entropy":
            loss = literal_cross_entropy(rows, paired, options.temperature)
        else:
            loss = literal_mse(rows, paired)
        parameters = [*layer.up.parameters(), *layer.down.parameters()]
        gradients[name] = (loss, parameters, torch.autograd.grad(loss, parameters))
    return gradients


@pytest.mark.parametrize(("feature", "template"), [("rate", "same"), ("drive", "same"), ("rate", "drive")])
@pytest.mark.parametrize("loss", ["reco", "infonce", "cross-entropy", "mse"])
@pytest.mark.parametrize("centre", ["none", "batch"])
@given(case=networks, pool=st.sampled_from([0, 2]))
@settings(max_examples=6, deadline=None)
def test_gradients_equal_autograd_of_each_layer(
    feature: str, template: str, loss: str, centre: str, case: tuple[str, bool, int, int, int], pool: int
) -> None:
    net, stimulus, labels = build(case)
    options = {"feature": feature, "template": template, "loss": loss, "centre": centre, "pool": pool}
    contrast = {} if loss == "mse" else {"contrast": "batch"}
    rule = BSD(net, reduction="sum", **contrast, **options)
    expected = layer_losses_by_autograd(net, stimulus, labels, rule)
    report = rule.compute_gradients(stimulus, labels)
    for name, (value, parameters, gradients) in expected.items():
        torch.testing.assert_close(report.layer_losses[name], value.detach(), rtol=1e-10, atol=1e-10)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            torch.testing.assert_close(parameter.grad, gradient, rtol=1e-10, atol=1e-10)


@given(case=networks)
@settings(max_examples=10, deadline=None)
def test_both_readouts_equal_autograd(case: tuple[str, bool, int, int, int]) -> None:
    net, stimulus, labels = build(case)
    rates = [record.rate for record in _looked_at(net, stimulus)]
    *_, lowest_step = net.top_down_steps(torch.arange(net.code.classes))
    lowest = lowest_step.activity.rate
    last = net.layers[-1]
    top = rates[-1] if last.pool == 1 else None
    scores = net.scores(top)
    readout = torch.autograd.grad(torch.nn.functional.cross_entropy(scores, labels), list(net.readout.parameters()))
    recalled = net.stimulus_readout(lowest)[labels]
    error = torch.nn.functional.mse_loss(recalled, stimulus)
    recall = torch.autograd.grad(error, list(net.stimulus_readout.parameters()))
    report = BSD(net).compute_gradients(stimulus, labels)
    torch.testing.assert_close(report.layer_losses["recall"], error.detach(), rtol=1e-10, atol=1e-10)
    for parameter, gradient in zip(
        [*net.readout.parameters(), *net.stimulus_readout.parameters()], [*readout, *recall], strict=True
    ):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-10, atol=1e-10)


def _looked_at(net: Network, stimulus: torch.Tensor) -> list[Any]:
    return [step.activity for step in net.bottom_up_pass(net.encode(stimulus))]


@given(case=networks, layer=st.integers(0, 4), options=st.sampled_from([{}, {"contrast": "batch"}]))
@settings(max_examples=15, deadline=None)
def test_no_loss_reaches_the_weights_of_another_layer(
    case: tuple[str, bool, int, int, int], layer: int, options: dict[str, str]
) -> None:
    """A layer's gradients do not change when every weight that it cannot hear is replaced."""
    net, stimulus, labels = build(case)
    rule = BSD(net, **options)
    rule.compute_gradients(stimulus, labels)
    layer %= len(net.layers)
    here = net.layers[layer]
    watched = [*here.up.parameters(), *here.down.parameters()]
    before = [parameter.grad.clone() for parameter in watched]
    heard = {id(p) for s in net.layers[: layer + 1] for p in s.up.parameters()}
    heard |= {id(p) for s in net.layers[layer:] for p in s.down.parameters()}
    with torch.no_grad():
        for parameter in net.parameters():
            if id(parameter) not in heard:
                parameter.add_(torch.randn_like(parameter))
    rule.compute_gradients(stimulus, labels)
    for parameter, gradient in zip(watched, before, strict=True):
        assert torch.equal(parameter.grad, gradient)


@given(case=networks, kind=st.sampled_from(["one-hot", "population", "learned"]))
@settings(max_examples=15, deadline=None)
def test_sweeps_in_any_order_or_at_once_give_the_same_bits(case: tuple[str, bool, int, int, int], kind: str) -> None:
    results = []
    for order in ("down-first", "up-first", "concurrent"):
        net, stimulus, labels = build(case)
        if kind != "one-hot":
            net = models.build({**net.spec, "concept_code": kind, "concept_size": 9}).double()
            trust_small_batches(net)
        rule = BSD(net, centre="running")
        source = net.encode(stimulus)
        bottom_up = net.bottom_up_pass(source, unrolled=rule.feature.unrolled)
        top_down = None
        if order == "up-first":
            bottom_up = list(bottom_up)
        elif order == "concurrent":
            with ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(net.top_down_pass, unrolled=rule.template.unrolled)
                bottom_up = list(bottom_up)
                top_down = waiting.result()
        report = rule.learn_from_pass(stimulus, source, bottom_up, labels, top_down=top_down)
        results.append([p.grad for p in rule.parameters()] + [report.loss] + list(net.buffers()))
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@given(case=networks)
@settings(max_examples=15, deadline=None)
def test_all_that_leaves_a_layer_is_zero_or_one(case: tuple[str, bool, int, int, int]) -> None:
    net, stimulus, _ = build(case)
    for step in net.bottom_up_pass(net.encode(stimulus)):
        layer, activity = step.layer, step.activity
        leaving = layer.pool_spikes(activity.spikes)
        assert set(leaving.unique().tolist()) <= {0, 1}
        assert torch.equal(activity.rate, activity.spikes.double().mean(0))
    for step in net.top_down_steps(torch.arange(net.code.classes)):
        assert set(step.activity.spikes.unique().tolist()) <= {0, 1}


def test_unsigned_top_loss_equals_autograd_of_reco_against_the_code() -> None:
    net, stimulus, labels = build(("dense", False, 4, 6, 3))
    rate = _looked_at(net, stimulus)[-1].rate
    drive = net.readout(rate)
    loss = literal_reco(drive, net.code.rate(4).double()[labels], 0.3) / 6
    expected = torch.autograd.grad(loss, list(net.readout.parameters()))
    report = BSD(net, top_loss="reco", contrast="batch", strength=0.3).compute_gradients(stimulus, labels)
    torch.testing.assert_close(report.loss, loss.detach(), rtol=1e-10, atol=1e-10)
    for parameter, gradient in zip(net.readout.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-10, atol=1e-10)


def test_a_learned_code_moves_with_the_readouts_loss() -> None:
    net = models.mlp(5, [6], 3, concept_code="learned", concept_size=8, norm=False).double()  # looking moves no norm
    generator = torch.Generator().manual_seed(0)
    stimulus, labels = torch.randn(9, 5, generator=generator).double(), torch.arange(9) % 3
    BSD(net).compute_gradients(stimulus, labels)
    drive = net.readout(_looked_at(net, stimulus)[-1].rate).detach()
    code = net.code.rate(net.time_steps).clone().requires_grad_()
    unit = code / (code.norm(dim=1, keepdim=True) + 1e-8)
    (wanted,) = torch.autograd.grad(torch.nn.functional.cross_entropy(drive @ unit.T, labels), code)
    slope = net.code.embedding.grad / wanted
    assert torch.isfinite(slope).all()
    assert ((slope > 0) & (slope <= 1)).all()


def test_running_centre_approaches_the_mean_and_counts_samples_not_steps() -> None:
    rows = torch.randn(64, 6)
    one, many = Centre("running", 16), Centre("running", 16)
    for centre in (one, many):
        centre.means["layer1"] = torch.zeros(6)
    one.of("layer1", rows[:8].mean(0, keepdim=True).expand(8, 6), ALONE)
    for _ in range(8):
        many.of("layer1", rows[:8].mean(0, keepdim=True), ALONE)
    torch.testing.assert_close(one.means["layer1"], many.means["layer1"])


def test_unless_said_otherwise_whole_maps_are_aligned() -> None:
    found = []
    for options in ({}, {"pool": 0}, {"pool": 1}):
        net, stimulus, labels = build(("conv", True, 3, 5, 1))
        report = BSD(net, **options).compute_gradients(stimulus, labels)
        found.append(report.layer_losses["layer1"])
    assert torch.equal(found[0], found[1])
    assert not torch.allclose(found[0], found[2])
