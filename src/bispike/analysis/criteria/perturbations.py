"""Changes of weights for the trials of the audit, and the comparison of two updates.

A trial changes one thing and compares the update of a layer with and without the change. `redraw` replaces weights by
random ones; `unnoticed_change` finds ΔW with ΔW x = 0 for every input x of a batch, so that no neuron notices it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from ...nn import Conv, Residual, Synapse
from ...rules import Rule

Change = Callable[[Rule], None]
"""A change that a trial applies to its copy of the rule before the step."""

TOLERANCE = 1e-6
"""Relative difference up to which two updates count as equal; rounding alone gives about 1e-15."""


def redraw(weight: Tensor, generator: torch.Generator) -> None:
    """Replace a weight in place by a random one of the same norm."""
    with torch.no_grad():
        fresh = torch.randn(weight.shape, generator=generator, dtype=torch.float64).to(weight)
        weight.copy_(fresh * weight.norm() / fresh.norm())


def redraw_above(layer: int, generator: torch.Generator) -> Change:
    """Redraws all bottom-up weights above a layer and those of the readout, which changes the result at the top."""

    def change(rule: Rule) -> None:
        for above in rule.network.layers[layer + 1 :]:
            redraw(above.up.synapse.weight, generator)
        redraw(rule.network.readout.weight, generator)

    return change


def unnoticed_change(
    inputs: Tensor, weight: Tensor, generator: torch.Generator, columns: slice | None = None
) -> Tensor | None:
    """A change of weights that no input of a batch notices: ΔW x = 0 for all of them.

    Args:
        inputs: `[n, fan-in]` all inputs of the synapse.
        weight: `[outputs, fan-in]`; the change has the same norm.
        generator: random generator.
        columns: inputs whose weights may change; all if None.

    Returns:
        ΔW `[outputs, fan-in]`; None if the inputs span the whole space, so that there is no such change.
    """
    chosen = columns or slice(None)
    rows = inputs[:, chosen]
    _, values, directions = torch.linalg.svd(rows, full_matrices=False)
    spanned = directions[values > 1e-12 * values.max().clamp_min(1e-300)]
    if spanned.shape[0] >= rows.shape[1]:
        return None
    noise = torch.randn(weight.shape[0], rows.shape[1], generator=generator, dtype=weight.dtype)
    noise = noise - noise @ spanned.T @ spanned
    noise = noise - noise @ spanned.T @ spanned  # a second time removes the rounding error of the first
    change = torch.zeros_like(weight)
    change[:, chosen] = noise * weight.norm() / noise.norm()
    return change


def relative_difference(a: Tensor, b: Tensor) -> float:
    """|a − b| relative to the larger norm; 0 for two zeros."""
    scale = max(float(a.norm()), float(b.norm()))
    return float((a - b).norm()) / scale if scale > 0 else 0.0


def input_rows(synapse: Synapse, source: Tensor) -> Tensor:
    """Inputs `[n, fan-in]` of the weights of one target neuron, for each sample, time step and position."""
    rows = source.to(synapse.weight.dtype).reshape(-1, *synapse.source)
    if isinstance(synapse, Residual):
        return input_rows(synapse.main, synapse.parts(rows)[0])
    if isinstance(synapse, Conv):
        patches = F.unfold(rows, synapse.kernel, padding=synapse.padding, stride=synapse.stride)
        return patches.transpose(1, 2).flatten(0, 1)
    return rows.reshape(-1, math.prod(synapse.source))
