"""Training of the layers on a stream: BSD aligns the observed bottom-up pass with a top-down pass, then one update.

A batch of one stimulus has no statistics. The bottom-up norms therefore use their running statistics for every batch
size, and BSD centres its features by a running mean. `observe` changes neither; `teach` updates both.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ..config import optimizers
from ..errors import ConfigurationError, DivergenceError
from ..nn import Classifier, DriveNorm, Network
from ..rules import BSD, Rule, create, find
from .observed_pass import ObservedPass


class LayerTrainer:
    """BSD and an optimizer on the layers of one network.

    Args:
        network: trained in place.
        rule: name of a rule that learns from a finished bottom-up pass; only `"bsd"` does.
        rule_options: options of the rule.
        optimizer, optimizer_options, lr, top_down_lr: as in `TrainConfig`.
    """

    def __init__(
        self,
        network: Classifier,
        *,
        rule: str,
        rule_options: Mapping[str, Any],
        optimizer: str,
        optimizer_options: Mapping[str, Any],
        lr: float,
        top_down_lr: float | None,
    ) -> None:
        if not 0 < lr < math.inf or not (top_down_lr is None or 0 < top_down_lr < math.inf):
            raise ConfigurationError(f"lr and top_down_lr: expected positive numbers, received {lr}, {top_down_lr}.")
        self.network = network
        _expect_bsd(rule, network)  # before the rule is attached: a refused one leaves the network as it is
        problems = list(optimizers.problems(optimizer, optimizer_options))
        if problems:
            raise ConfigurationError(problems)
        self.rule: BSD = create(rule, network, **rule_options)  # type: ignore[assignment]
        groups = optimizers.parameter_groups(
            self.rule.parameters(),
            network.bottom_up_parameters(),
            network.top_down_parameters(),
            lr=lr,
            top_down_lr=top_down_lr,
        )
        self.optimizer = optimizers.build(optimizer, groups, options=optimizer_options)

    def learn(self, observed: ObservedPass, labels: Tensor) -> None:
        """Take one update step; per layer one product with the size of its weights, and products with C rows.

        Args:
            observed: bottom-up pass of B stimuli.
            labels: int64 `[B]`.

        Raises:
            DivergenceError: a loss or a gradient is not finite; weights, norm statistics and running means are kept.
        """
        with running_norms(self.network) as norms, unchanged_if_refused(self.network, self.rule):
            report = self.rule.learn_from_pass(observed.stimulus, observed.source, observed.layers, labels)
            for norm, step in zip(norms, observed.layers, strict=False):
                activity = step.activity
                if activity.raw_drive is not None:
                    norm.statistics(activity.raw_drive, track=True)
            if not self._is_sound(torch.stack([report.loss, *report.layer_losses.values()])):
                raise DivergenceError(
                    "teach: a loss or a gradient is not finite; the weights and the norm statistics were left as they "
                    "are. Likely causes: a stimulus with very large values, or a learning rate that is too large."
                )
        self.optimizer.step()

    def _is_sound(self, losses: Tensor) -> bool:
        """Whether losses, gradients (with their squares, of which optimizers keep means) and statistics are finite."""
        gradients = [parameter.grad for parameter in self.rule.parameters() if parameter.grad is not None]
        statistics = [value for value in self.network.buffers() if value.is_floating_point()]
        total = torch.nn.utils.get_total_norm([*gradients, *statistics, losses])
        return bool(torch.isfinite(total))


@contextmanager
def unchanged_if_refused(network: Network, rule: Rule) -> Iterator[None]:
    """Put the norm statistics and the state of the rule back if a DivergenceError leaves this context."""
    buffers = [(value, value.clone()) for value in network.buffers()]
    state = {name: value.clone() for name, value in rule.state_dict().items()}
    try:
        yield
    except DivergenceError:
        with torch.no_grad():
            for value, before in buffers:
                value.copy_(before)
        rule.load_state_dict(state)
        raise


@contextmanager
def running_norms(network: Network) -> Iterator[list[DriveNorm]]:
    """Training mode in which the bottom-up norms use their running statistics for every batch; yields these norms."""
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


def _expect_bsd(rule: str, network: Network) -> None:
    if not issubclass(find(rule, type(network)), BSD):
        raise ConfigurationError(
            f"rule: expected 'bsd', the rule that learns from a finished bottom-up pass, received {rule!r}. "
            "Other rules need stimulus and label together: train with `bispike.fit`, or call the rule and an optimizer."
        )
