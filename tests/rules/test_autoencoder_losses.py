"""Every layer of an autoencoder against autograd of the loss that it is to descend, all else held constant."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from bispike import models, rules
from bispike.functional import random_cue
from bispike.nn import Activity, Autoencoder, Pathway
from tests.builders import exact, shaken
from tests.oracles import literal_reco

TIGHT: dict[str, Any] = {"rtol": 1e-5, "atol": 2e-7}  # eigenvalues near zero, to a power below one
B = 7
LABELS = torch.tensor([0, 1, 2, 0, 1, 1, 0])


def network(kind: str, *, norm: bool = True, **options: Any) -> Autoencoder:
    options = {"norm": norm, "gain": 1.3 if norm else 2.5, "time_steps": 5, "threshold": 1.5, **options}
    if kind == "conv":
        net = models.conv_autoencoder((2, 7, 6), [3, 4], 3, latent=6, **options)
    else:
        net = models.autoencoder((2, 3, 2), [10, 8], 3, latent=6, **options)
    return exact(shaken(net))


def stimuli(net: Autoencoder) -> Tensor:
    return torch.rand(B, *net.stimulus.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def sloped(path: Pathway, source: Tensor, activity: Activity) -> Tensor:
    """The rate with the gradient of drive and norm; the slope is that through the neuron's steps."""
    drive = path.synapse(source)
    if path.norm is not None:
        norm = path.norm
        drive = F.batch_norm(drive, None, None, norm.weight, norm.bias, training=True, eps=norm.eps)
    assert activity.unrolled is not None
    return activity.rate + activity.unrolled * (drive - drive.detach())


def cosines(rows: Tensor) -> Tensor:
    centred = rows - rows.mean(0)
    unit = centred / (centred.square().sum(1, keepdim=True) + 1e-4).sqrt()
    return unit @ unit.T


def whitened(gram: Tensor, power: float) -> Tensor:
    """The matrix power by its eigenvalues, and a diagonal of ones."""
    if power == 1:
        return gram
    values, vectors = torch.linalg.eigh(gram)
    raised = vectors @ torch.diag(values.clamp(min=0) ** power) @ vectors.T
    root = raised.diagonal().sqrt()
    return raised / root[:, None] / root


def band(values: Tensor, cutoff: float, *, low: bool) -> Tensor:
    """Frequencies below a cut-off, or the others, by the whole (complex) Fourier transform."""
    axes: tuple[int, ...] = (-2, -1)
    if values.dim() == 4:
        size = torch.hypot(torch.fft.fftfreq(values.shape[-2])[:, None], torch.fft.fftfreq(values.shape[-1]))
    else:
        axes, size = (-1,), torch.fft.fftfreq(values.shape[-1]).abs()
    passed = (size < cutoff) if low else (size >= cutoff)
    return torch.fft.ifftn(torch.fft.fftn(values, dim=axes) * passed, dim=axes).real


def rows(values: Tensor) -> Tensor:
    return values.flatten(1)


def check_gradients(parameters: Any, loss: Tensor, found: list[Tensor | None]) -> None:
    for have, want in zip(found, torch.autograd.grad(loss, parameters), strict=True):
        assert have is not None
        torch.testing.assert_close(have, want, **TIGHT)


CASES: list[dict[str, Any]] = [
    {},
    {"whitening": 1.0},
    {"whitening": 0.4, "cutoff": 0.21, "low": 0.5, "high": 3.0},
    {"occlusion": 0.6},
    {"occlusion": 0.4, "whitening": 1.0, "cutoff": 0.3},
    {"reconstruction": "reco", "strength": 0.3},
    {"reconstruction": "reco", "strength": 0.3, "reduction": "sum"},
    {"reconstruction": "reco", "strength": 0.4, "reduction": "mean"},
    {"reconstruction": "reco", "cutoff": 0.21, "low": 0.5, "high": 2.0},
]


@pytest.mark.parametrize("kind", ["dense", "conv"])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("options", CASES, ids=str)
def test_each_layer_descends_its_own_loss(kind: str, norm: bool, options: dict[str, Any]) -> None:
    net, twin = network(kind, norm=norm), network(kind, norm=norm)
    x = stimuli(net)
    source = net.encode(x)
    draw = torch.Generator().manual_seed(5)
    if "occlusion" in options:
        again = torch.Generator().manual_seed(5)
        source = torch.cat([source, source * random_cue(source, options["occlusion"], generator=again)])
    rule = rules.create("bsd", net, **options)
    report = rule.compute_gradients(x, LABELS, generator=draw)
    steps = list(twin.bottom_up_pass(source, unrolled=True))
    code = steps[-1].activity
    taken = twin.top_down_from_code(code.spikes, code.rate, unrolled=True)
    losses: dict[str, Tensor] = {}
    lowest = code.rate
    for i, step in enumerate(steps):
        name, layer, mine = step.layer.name, step.layer, net.layers[i]
        up = sloped(layer.up, step.below, step.activity)
        down = above = None
        if i + 1 < len(steps):
            above, activity = taken.take(i)
            down = sloped(layer.down, above, activity)
            lowest = activity.rate if i == 0 else lowest
        parameters = list(layer.up.parameters())
        if options.get("reconstruction") == "reco":
            total = reco_loss(up, up.detach() if down is None else down, options)
            if down is not None:
                parameters += list(layer.down.parameters())
            losses[name] = total.detach()
        else:
            total = affinity_loss(i, up, step.below, options)
            losses[name] = total.detach()
            if down is not None:
                target = up.detach()[:B].repeat(len(down) // B, *[1] * (down.dim() - 1))
                follow = (down - target).square().mean()
                losses[name] = losses[name] + follow.detach()
                written = [p.grad for p in mine.down.parameters()]
                check_gradients(list(layer.down.parameters()), follow, written)
        written = [p.grad for p in mine.up.parameters()]
        if len(parameters) > len(written):
            written += [p.grad for p in mine.down.parameters()]
        check_gradients(parameters, total, written)
        torch.testing.assert_close(report.spike_rate[i], step.activity.rate.mean(), **TIGHT)
    whole = twin.encode(x).repeat(len(lowest) // B, *[1] * (x.dim() - 1))
    error = (twin.stimulus_readout(lowest) - whole).square().mean()
    check_gradients(
        list(twin.stimulus_readout.parameters()), error, [p.grad for p in net.stimulus_readout.parameters()]
    )
    losses["recall"] = error.detach()
    assert report.layer_losses.keys() == losses.keys()
    for name, value in losses.items():
        torch.testing.assert_close(report.layer_losses[name], value, **TIGHT)
    scores = twin.readout(steps[-1].leaving[:B])
    task = F.cross_entropy(scores, LABELS)
    torch.testing.assert_close(report.loss, task.detach(), **TIGHT)
    assert int(report.correct) == int((scores.argmax(1) == LABELS).sum())
    check_gradients(list(twin.readout.parameters()), task, [p.grad for p in net.readout.parameters()])
    assert 0 < float(code.rate.mean()) < 1


def affinity_loss(place: int, up: Tensor, below: Tensor, options: dict[str, Any]) -> Tensor:
    """1/B Σ (C − R)², R of the input, of the stimulus whitened, its bands weighed; cues follow the whole."""
    received = below[:B]
    power = 1.0
    if place == 0:
        power = options.get("whitening", 0.7)
        if "cutoff" in options:
            cutoff, low, high = options["cutoff"], options.get("low", 1.0), options.get("high", 4.0)
            received = low**0.5 * band(received, cutoff, low=True) + high**0.5 * band(received, cutoff, low=False)
    total = (cosines(rows(up[:B])) - whitened(cosines(rows(received)), power)).square().sum() / B
    if len(up) > B:
        total = total + (up[B:] - up[:B].detach()).square().mean()
    return total


def reco_loss(up: Tensor, down: Tensor, options: dict[str, Any]) -> Tensor:
    """ReCo of B samples, each its own class; the low and the high band with a strength each."""
    pairs = [(up, down, options.get("strength", 0.2))]
    if "cutoff" in options:
        cutoff = options["cutoff"]
        pairs = [
            (band(up, cutoff, low=True), band(down, cutoff, low=True), options["low"]),
            (band(up, cutoff, low=False), band(down, cutoff, low=False), options["high"]),
        ]
    total = torch.zeros((), dtype=torch.float64)
    for one, other, strength in pairs:
        a, b = (rows(each) - rows(each).mean(0) for each in (one, other))
        scale = {"sum": 1.0, "sample": 1 / B, "mean": 1 / B}[options.get("reduction", "sample")]
        pairwise = strength / (B - 1) if options.get("reduction") == "mean" else strength
        total = total + scale * literal_reco(a, b, pairwise)
    return total


@pytest.mark.parametrize("code", ["one-hot", "learned"])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("name", ["bsd", "bptt", "backprop"])
def test_the_highest_top_down_synapse_learns_the_code_of_each_class(name: str, norm: bool, code: str) -> None:
    """ReCo, λ = 0.2, of what a class calls up with the codes of its samples, both centred; 128 samples per batch."""
    settings = {"concept_code": code, "concept_size": 7}
    net, twin = (network("dense", norm=norm, **settings) for _ in range(2))
    rules.create(name, net).compute_gradients(stimuli(net), LABELS)
    rules.create(name, twin)
    steps: list[Any] = list(twin.steps(twin.encode(stimuli(twin))))
    codes = steps[-1].activity.rate.detach()
    path, time_steps = twin.layers[-1].down, twin.time_steps
    concept = twin.code.spikes(time_steps).double()
    if name == "backprop":
        drive = path.synapse(concept.mean(0))
        if path.norm is not None:
            drive = F.batch_norm(drive, None, None, path.norm.weight, path.norm.bias, training=True, eps=path.norm.eps)
        template = torch.relu(drive)
    else:
        activity = path.forward_spikes(concept, time_steps, constant=False, unrolled=True)
        template = sloped(path, concept.mean(0), activity)
    a, b = codes - codes.mean(0), template - template.mean(0)
    counts = torch.full((B, 3), 128 / 3, dtype=torch.float64)
    norm_a = (a.square().sum(1) + 1e-4).sqrt()
    norm_b = (b.square().sum(1) + 1e-4).sqrt()
    cosine = a @ b.T / norm_a[:, None] / norm_b
    counts[torch.arange(B), LABELS] -= 1
    own = cosine[torch.arange(B), LABELS]
    loss = ((1 - own) ** 2).mean() + 0.2 * (counts * cosine.clamp(min=0) ** 2).sum() / B
    check_gradients(list(path.parameters()), loss, [p.grad for p in net.layers[-1].down.parameters()])


@pytest.mark.parametrize("kind", ["dense", "conv"])
@pytest.mark.parametrize("norm", [False, True])
def test_backpropagation_goes_the_whole_way_on_rates(kind: str, norm: bool) -> None:
    net, twin = network(kind, norm=norm), network(kind, norm=norm)
    x = stimuli(net)
    report = rules.create("backprop", net).compute_gradients(x, LABELS)
    source, active = twin.encode(x), []

    def through(path: Pathway, values: Tensor) -> Tensor:
        drive = path.synapse(values)
        if path.norm is not None:
            drive = F.batch_norm(drive, None, None, path.norm.weight, path.norm.bias, training=True, eps=path.norm.eps)
        return torch.relu(drive)

    values = source
    for layer in twin.layers:
        values = through(layer.up, values)
        active.append((values > 0).double().mean())
    code = values
    for layer in reversed(twin.layers[:-1]):
        values = through(layer.down, values)
    error = (twin.stimulus_readout(values) - source).square().mean()

    def along(which: Autoencoder) -> list[torch.nn.Parameter]:
        up = [p for layer in which.layers for p in layer.up.parameters()]
        down = [p for layer in which.layers[:-1] for p in layer.down.parameters()]
        return [*up, *down, *which.stimulus_readout.parameters()]

    check_gradients(along(twin), error, [p.grad for p in along(net)])
    torch.testing.assert_close(report.layer_losses["recall"], error.detach(), **TIGHT)
    scores = twin.readout(code)
    torch.testing.assert_close(report.loss, F.cross_entropy(scores, LABELS).detach(), **TIGHT)
    assert int(report.correct) == int((scores.argmax(1) == LABELS).sum())
    for found, expected in zip(report.spike_rate, active, strict=True):
        torch.testing.assert_close(found, expected, **TIGHT)


def test_the_target_of_a_spike_code_is_the_standardised_stimulus() -> None:
    for name in ("bsd", "bptt", "backprop"):
        net = network("dense", stimulus_code="latency")
        rules.create(name, net)
        x = stimuli(net)
        report = rules.create(name, net).compute_gradients(x, LABELS)
        assert torch.isfinite(report.layer_losses["recall"])
        with torch.no_grad():
            net.stimulus_readout.weight.zero_()
            net.stimulus_readout.bias.zero_()
        report = rules.create(name, net).compute_gradients(x, LABELS)
        torch.testing.assert_close(report.layer_losses["recall"], net.standardise(x).square().mean(), **TIGHT)
