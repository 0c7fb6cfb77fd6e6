"""The two ends of local learning: the readout to the concept, and the readout back to the stimulus.

Both are linear in rates, so their gradients are one product each. Rules that learn without a tape share them. Losses
are means over the batch; where several processes share it, each computes the part of its own samples.
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
    """Task loss, decisions and error of the readout on a batch.

    Attributes:
        loss: task loss.
        correct: number of right decisions.
        error: `[B, K]` dL/d drive of the readout, the error of rules with feedback.
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
    """Write the gradient of the readout; return its loss, decisions and error on the batch.

    Args:
        network: the network, with readout and concept code.
        rate: `[B, *f]` output rate of the last layer.
        labels: `[B]`.
        negatives: `[B, C]`, needed by ReCo.
        kind: `"cross-entropy"` on the scores, or `"reco"`: ReCo of the readout's drive against the concept code.
        strength: λ of ReCo.
        smoothing: smoothing of the targets of cross-entropy (see `functional.cross_entropy`).
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
        network: the network, with the readout and its loss.
        rate: `[N, H]` output rate of the last layer, one row per position and sample.
        rows: targets in the units of the network (`SequenceNetwork.target_rows`).
        smoothing: smoothing of the targets of classes.
    """
    loss, error, correct = network.output_loss(network.readout(rate), rows, smoothing=smoothing)
    network.readout.write_gradient(error, rate)
    return Top(loss, correct, error)


def learn_recall(network: Network, rate: Tensor, target: Tensor, labels: Tensor) -> Tensor:
    """Write the gradient of the stimulus readout; return the mean squared error of the recalled stimuli.

    Each class recalls one stimulus r_c from its lowest top-down rate; the error against all samples of a class needs
    only their sum: dL/dr_c = 2/(B·D) (n_c r_c − Σ_{k in c} x_k).

    Args:
        network: the network, with the stimulus readout.
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
        network: the network, with the stimulus readout.
        rate: `[B, *f]` top-down rate of the lowest layer, one row per sample.
        target: `[B, *shape]` standardised stimuli.
    """
    recalled = network.stimulus_readout(rate)
    difference = recalled - target
    scale = 1 / (network.group.count(target.shape[0]) * target[0].numel())
    network.stimulus_readout.write_gradient(difference * (2 * scale), rate)
    return scale * difference.square().sum()


def learn_latent_ends(network: Autoencoder, leaving: Tensor, code: Tensor, labels: Tensor) -> Top:
    """Write the gradients that an autoencoder learns from labels: class of a latent code, and typical code of a class.

    They are the gradients of the concept readout (cross-entropy) and of the highest top-down pathway (ReCo between the
    template of a class and the codes of its samples, both minus their means). Neither reaches another layer. With the
    cosine a template is as far from the mean as single codes are; with MSE it would be the mean code of a class, which
    differs from the mean codes of other classes by less than one spike.

    Args:
        network: the autoencoder.
        leaving: `[B, *f]` output rate of the last layer.
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
    """Mean cross-entropy of `[B, C]` scores with a tape; where the batch is shared, the part of this process."""
    return F.cross_entropy(scores, labels, reduction="sum") / network.group.count(len(labels))


def batch_error(network: Network, recalled: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of recalled stimuli with a tape; where the batch is shared, the part of this process."""
    return (recalled - target).square().sum() / (network.group.count(target.shape[0]) * target[0].numel())


def reconstructing(network: Network) -> list[nn.Parameter]:
    """Parameters of an autoencoder between a stimulus and its reconstruction."""
    last = len(network.layers) - 1
    parameters = [p for layer in network.layers for p in layer.up.parameters()]
    parameters += [p for layer in network.layers[:last] for p in layer.down.parameters()]
    return [*parameters, *network.stimulus_readout.parameters()]
