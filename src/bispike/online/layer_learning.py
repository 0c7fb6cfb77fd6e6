"""Learning in the layers, a stimulus at a time: what the pass left meets the top-down pass, then the optimizer steps.

A batch of one has no statistics of its own. The bottom-up norms therefore use their running ones, whatever the batch,
and BSD centres its features by a running mean. Looking changes neither; being taught moves both.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ..config import optimizers
from ..errors import ConfigurationError, DivergenceError
from ..nn import DriveNorm, Network
from ..rules import BSD, Rule, create
from .pass_record import RecordedPass


class Plasticity:
    """BSD on one network with its optimizer.

    Args:
        network: trained in place.
        rule: name of a rule that learns from a finished bottom-up pass: `"bsd"`.
        rule_options: of the rule.
        optimizer, optimizer_options, lr, top_down_lr: as in `TrainConfig`.
    """

    def __init__(
        self,
        network: Network,
        *,
        rule: str,
        rule_options: Mapping[str, Any],
        optimizer: str,
        optimizer_options: Mapping[str, Any],
        lr: float,
        top_down_lr: float | None,
    ) -> None:
        if not lr > 0 or not (top_down_lr is None or top_down_lr > 0):
            raise ConfigurationError(f"lr and top_down_lr: expected positive numbers, received {lr}, {top_down_lr}.")
        self.network = network
        self.rule = _learner_from_passes(create(rule, network, **rule_options))
        groups = optimizers.parameter_groups(
            self.rule.parameters(),
            network.bottom_up_parameters(),
            network.top_down_parameters(),
            lr=lr,
            top_down_lr=top_down_lr,
        )
        self.optimizer = optimizers.build(optimizer, groups, options=optimizer_options)

    def learn(self, layer_pass: RecordedPass, labels: Tensor) -> None:
        """One update from what a pass left; one weight product a layer, and products with C rows.

        Raises:
            DivergenceError: a loss is not finite; the weights are those of before.
        """
        with running_norms(self.network) as norms:
            report = self.rule.learn_from_pass(layer_pass.stimulus, layer_pass.source, layer_pass.layers, labels)
            losses = torch.stack([report.loss, *report.layer_losses.values()])
            if not bool(torch.isfinite(losses).all()):
                raise DivergenceError(
                    "teach: a loss is not finite; the weights were left as they are. "
                    "Likely causes: a stimulus with NaN or infinite values, or a learning rate that is too large."
                )
            for norm, (_, _, activity) in zip(norms, layer_pass.layers, strict=False):
                if activity.raw_drive is not None:
                    norm.statistics(activity.raw_drive, track=True)
        self.optimizer.step()


@contextmanager
def running_norms(network: Network) -> Iterator[list[DriveNorm]]:
    """Training mode in which no batch is large enough for statistics of its own; gives the bottom-up norms."""
    norms = [layer.up.norm for layer in network.layers if layer.up.norm is not None]
    before, training = [norm.least for norm in norms], network.training
    network.train()
    for norm in norms:
        norm.least = sys.maxsize
    try:
        yield norms
    finally:
        network.train(training)
        for norm, least in zip(norms, before, strict=True):
            norm.least = least


def _learner_from_passes(rule: Rule) -> BSD:
    if not isinstance(rule, BSD):
        raise ConfigurationError(
            f"rule: expected 'bsd', which learns from a bottom-up pass that is over, received {rule.name!r}. "
            "Other rules look and learn in one step: call their `step`, then an optimizer."
        )
    return rule
