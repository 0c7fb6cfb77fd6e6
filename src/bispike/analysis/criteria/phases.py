"""C3, no separate phases: whether learning waits for the pass upward to reach the top.

*Dependence*: all bottom-up weights above a layer are drawn anew, so that the top says something else about the same
stimuli, while the layer's input, its own answer and the labels stay. If the update of the layer changes, what teaches
it comes from the result at the top: the downward pass can only begin when the upward one has ended, and the layer has
to keep its activity until then. *Order*: a rule with an option `order` takes the same step with the upward pass
first, last and concurrent; the updates must be equal bit for bit. How often a step drives the first layer with each
stimulus is reported: two passes that do not depend on each other are no two phases.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import torch

from ...errors import ConfigurationError
from ...rules import Rule
from .subject import TOLERANCE, Subject, Trial, change_above, difference
from .verdict import Verdict

ORDERS = ("down-first", "up-first", "concurrent")

HOW = (
    "Each layer's update after the bottom-up weights above it were drawn anew, its input and labels unchanged; for a "
    "rule with an option 'order', the updates of all orders bit for bit."
)


def phases(subject: Subject, trial: Trial) -> Verdict:
    """Judge C3."""
    change = {}
    for i in subject.layers:
        if float(trial.update(i).norm()) > 0:
            moved = subject.trial(change_above(i, subject.generator(700 + i)))
            change[subject.network.layer_names[i]] = difference(trial.update(i), moved.update(i))
    orders = _orders(subject)
    presented = _presented(subject, trial)
    waiting = [name for name, value in change.items() if value > TOLERANCE]
    measured: dict[str, Any] = {"change_with_top": change, "orders": orders, "presented": presented}
    passes = f" Each stimulus drives the first layer {presented:g} times a step." if presented > 1 else ""
    if waiting:
        largest = max(change[name] for name in waiting)
        where = "Every layer" if len(waiting) == len(change) else ", ".join(waiting)
        finding = f"{where}: the update waits for the result at the top (it changes by {100 * largest:.0f} % with it)."
        return Verdict("waits for top", finding + passes, measured, HOW, holds=False)
    if orders is not None and not orders["equal"]:
        finding = f"The order of the two passes changes the update.{passes}"
        return Verdict("order matters", finding, measured, HOW, holds=False)
    if not change:
        return Verdict("nothing waits", f"No hidden layer learns.{passes}", measured, HOW, holds=True)
    same = f", and {len(orders['tried'])} orders give the same bits" if orders is not None else ""
    finding = f"No layer's update depends on the result above it{same}.{passes}"
    return Verdict("concurrent", finding, measured, HOW, holds=True)


def _orders(subject: Subject) -> dict[str, Any] | None:
    """The step in all orders that the rule knows; None if it knows none."""
    if "order" not in subject.rule.options:
        return None
    tried: dict[str, list[torch.Tensor]] = {}
    for order in ORDERS:
        try:
            made = subject.trial(lambda rule, o=order: _set(rule, order=o))  # type: ignore[misc]
        except ConfigurationError:
            continue
        tried[order] = [p.grad.detach() for p in made.rule.parameters() if p.grad is not None]
    if len(tried) < 2:  # its option of that name means something else
        return None
    equal = all(
        len(a) == len(b) and all(torch.equal(x, y) for x, y in zip(a, b, strict=True))
        for a, b in itertools.pairwise(tried.values())
    )
    return {"tried": list(tried), "equal": equal}


def _set(rule: Rule, **options: Any) -> None:
    rule.settings = dataclasses.replace(rule.settings, **options)


def _presented(subject: Subject, trial: Trial) -> float:
    """How often the first layer's synapse was driven for a sample; steps in time count once if the input changes."""
    rows = sum(
        len(s.flatten(0, s.dim() - 1 - len(trial.layers[0].up.synapse.source)))
        for s in trial.sources(f"{subject.network.layer_names[0]} up")
    )
    steps = 1 if subject.network.constant_input or not subject.network.signals.spiking else subject.network.time_steps
    return rows / (subject.batch * steps)
