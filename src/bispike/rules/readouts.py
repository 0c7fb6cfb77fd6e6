"""The two ends of local learning: the readout to the concept, and the readout back to the stimulus.

Both are linear in rates, so their gradients are one product each. Shared by the rules that learn without a tape.
Losses are means over the batch; where several processes share it, each has its own samples' part of loss and gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import ConfigurationError
from ..functional import AlignmentLoss, align, cross_entropy, map_of, negative_counts, rows_of, unit_code
from ..functional.decoding import EPSILON
from ..nn import Autoencoder, Network, SequenceNetwork


@dataclass(frozen=True)
class Top:
    """What the top of the bottom-up pathway says about a batch.

    Attributes:
        loss: task loss.
        correct: number of right decisions.
        error: `[B, K]` dL/d drive of the readout: what rules with feedback send down.
    """

    loss: Tensor
    correct: Tensor
    error: Tensor


TOP_LOSSES = ("cross-entropy", "reco")
CONTRAST = 0.2  # λ of the templates of latent codes


def learn_top(
    network: Network,
    rate: Tensor,
    labels: Tensor,
    negatives: Tensor | None = None,
    *,
    kind: str = "cross-entropy",
    strength: float = 0.0,
    smoothing: float = 0.0,
) -> Top:
    """Write the gradient of the bottom-up readout and judge the batch.

    Args:
        network: gives readout and concept code.
        rate: `[B, *f]` rate of what leaves the last layer.
        labels: `[B]`.
        negatives: `[B, C]`, needed by ReCo.
        kind: `"cross-entropy"` on the scores, or `"reco"`: ReCo of the readout's drive against the concept code.
        strength: λ of ReCo.
        smoothing: of the targets of cross-entropy (see `functional.cross_entropy`).
    """
    code, group = network.code, network.group
    rates = (code.fixed if code.constant else code.rate(network.time_steps)).to(rate)
    unit = unit_code(rates)
    drive = network.readout(rate)
    scores = drive @ unit.T
    samples = group.count(labels.shape[0]) if group.shares else labels.shape[0]
    if kind == "reco":
        if negatives is None:
            raise ConfigurationError("top loss 'reco': expected the negatives of each sample, received none.")
        result = align(drive, rates, labels, negatives, AlignmentLoss(strength=strength), samples=samples)
        loss, grad, grad_code = result.value, result.grad_feature, result.grad_template
    else:
        loss, grad_scores = cross_entropy(scores, labels, samples=samples, smoothing=smoothing)
        grad = grad_scores @ unit
        grad_unit = grad_scores.T @ drive
        grad_code = (grad_unit - unit * (grad_unit * unit).sum(1, keepdim=True)) / (
            rates.norm(dim=1, keepdim=True) + EPSILON
        )
    network.readout.write_gradient(grad, rate)
    if not code.constant:
        code.write_gradient(grad_code)
    return Top(loss, (scores.argmax(1) == labels).sum(), grad)


def learn_outputs(network: SequenceNetwork, rate: Tensor, rows: Tensor, *, smoothing: float = 0.0) -> Top:
    """Write the gradient of the readout of a sequence network at all positions at once, without a tape.

    Args:
        network: gives the readout and its loss.
        rate: `[N, H]` of what leaves the last layer, one row per position and sample.
        rows: targets in the network's units (`SequenceNetwork.target_rows`).
        smoothing: of the targets of classes.
    """
    loss, error, correct = network.output_loss(network.readout(rate), rows, smoothing=smoothing)
    network.readout.write_gradient(error, rate)
    return Top(loss, correct, error)


def learn_recall(network: Network, rate: Tensor, target: Tensor, labels: Tensor) -> Tensor:
    """Write the gradient of the stimulus readout; return the mean squared error of recall.

    Each class recalls one stimulus r_c from its lowest top-down rate; the error against all samples of a class needs
    their sum only: dL/dr_c = 2/(B·D) (n_c r_c − Σ_{k in c} x_k).

    Args:
        network: gives the readout.
        rate: `[C, *f]` top-down rate of the lowest layer.
        target: `[B, *shape]` standardised stimuli.
        labels: `[B]`.
    """
    target = target.flatten(1)
    recalled = network.stimulus_readout(rate)
    flat = recalled.flatten(1)
    member = torch.zeros(flat.shape[0], labels.shape[0], dtype=flat.dtype, device=flat.device)
    member[labels, torch.arange(labels.shape[0], device=labels.device)] = 1
    sums, counts = member @ target, member.sum(1, keepdim=True)
    group = network.group
    samples = group.count(target.shape[0]) if group.shares else target.shape[0]
    scale = 1 / (samples * target.shape[1])
    value = scale * (target.flatten().dot(target.flatten()) - 2 * (sums * flat).sum() + (counts * flat * flat).sum())
    grad = (2 * scale) * (counts * flat - sums)
    network.stimulus_readout.write_gradient(grad.reshape(recalled.shape), rate)
    return value


def learn_reconstruction(network: Network, rate: Tensor, target: Tensor) -> Tensor:
    """Write the gradient of the stimulus readout of an autoencoder; return the mean squared error.

    Args:
        network: gives the readout.
        rate: `[B, *f]` top-down rate of the lowest layer, one row per sample.
        target: `[B, *shape]` standardised stimuli.
    """
    recalled = network.stimulus_readout(rate)
    difference = recalled - target
    scale = 1 / (network.group.count(target.shape[0]) * target[0].numel())
    network.stimulus_readout.write_gradient(difference * (2 * scale), rate)
    return scale * difference.square().sum()


def learn_latent_ends(network: Autoencoder, leaving: Tensor, code: Tensor, labels: Tensor) -> Top:
    """What an autoencoder learns from labels: to name its latent codes, and to call up the one typical of a class.

    Writes the gradients of the concept readout (cross-entropy) and of the highest top-down pathway (ReCo between what a
    class calls up and the codes of its samples, from their means). Neither reaches another layer. The cosine leaves the
    template as far from the mean as single codes are; the mean code of a class, as MSE would have it, is within a spike
    of all others.

    Args:
        network: the autoencoder.
        leaving: `[B, *f]` rate of what leaves the last layer.
        code: `[B, *f]` rate of the last layer.
        labels: `[B]`.
    """
    top = learn_top(network, leaving, labels)
    pathway = network.layers[-1].down
    concept = network.code.rate(network.time_steps).to(code)
    activity, slope = network.signals.from_concepts(pathway, network.code, network.time_steps, like=code)
    rows, templates = rows_of(code.detach()).flatten(1), rows_of(activity.rate.detach()).flatten(1)
    group = network.group
    samples = group.count(len(labels))
    centre = group.sum(rows.sum(0)) / samples
    classes = network.concept.classes
    negatives = negative_counts(labels, classes, dtype=rows.dtype)
    loss = AlignmentLoss("reco", CONTRAST)
    grad = align(rows - centre, templates - templates.mean(0), labels, negatives, loss, samples=samples).grad_template
    grad = map_of((grad - grad.mean(0)).unflatten(1, (-1, code.shape[1])), code.shape[2:])
    pathway.backward((grad * slope).detach(), concept, activity)
    return top


def batch_cross_entropy(network: Network, scores: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of `[B, C]` scores with a tape, or this process's part of it where the batch is shared."""
    return F.cross_entropy(scores, labels, reduction="sum") / network.group.count(len(labels))


def batch_error(network: Network, recalled: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of recalled stimuli with a tape, or this process's part of it where the batch is shared."""
    return (recalled - target).square().sum() / (network.group.count(target.shape[0]) * target[0].numel())


def reconstructing(network: Network) -> list[nn.Parameter]:
    """Parameters of an autoencoder that its stimulus passes on the way up and down again."""
    last = len(network.layers) - 1
    parameters = [p for layer in network.layers for p in layer.up.parameters()]
    parameters += [p for layer in network.layers[:last] for p in layer.down.parameters()]
    return [*parameters, *network.stimulus_readout.parameters()]
