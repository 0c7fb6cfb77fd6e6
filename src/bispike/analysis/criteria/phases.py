"""C3, no separate phases: whether learning waits until the bottom-up pass has reached the top.

*Dependence*: all bottom-up weights above a layer are redrawn. The result at the top changes, while the input of the
layer, its own activity and the labels stay the same. If the update of the layer changes, its teaching signal comes from
the result at the top: the top-down pass can begin only after the bottom-up pass, and the layer must store its activity
until then. *Order*: BSD, which aligns two passes, takes the same step with the bottom-up pass last, first and
concurrent; the updates must be equal bit for bit. The number of times that a step presents each stimulus to the first
layer is reported and not evaluated: two passes that do not depend on each other are not two phases.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor

from ...nn import SpikeStep
from ...rules import BSD, Rule, StepReport
from .perturbations import TOLERANCE, redraw_above, relative_difference
from .subject import Subject, Trial
from .verdict import Verdict

ORDERS = ("down-first", "up-first", "concurrent")

HOW = (
    "Update of each layer after the bottom-up weights above it were redrawn, with the same input and labels; for BSD, "
    "the updates with the two passes in all orders and at once, compared bit for bit."
)


def phases(subject: Subject, trial: Trial) -> Verdict:
    """Verdict on C3."""
    change = {}
    for i in subject.layers:
        if float(trial.update(i).norm()) > 0:
            moved = subject.trial(redraw_above(i, subject.generator(700 + i)))
            change[subject.network.layer_names[i]] = relative_difference(trial.update(i), moved.update(i))
    orders = _orders(subject)
    presented = _presented(subject, trial)
    waiting = [name for name, value in change.items() if value > TOLERANCE]
    measured: dict[str, Any] = {"change_with_top": change, "orders": orders, "presented": presented}
    passes = f" Each stimulus is presented {presented:g} times per step." if presented > 1 else ""
    if waiting:
        largest = max(change[name] for name in waiting)
        where = "Every layer" if len(waiting) == len(change) else ", ".join(waiting)
        finding = (
            f"{where}: the update depends on the result at the top (it changes by up to {100 * largest:.0f} % with it)."
        )
        return Verdict("waits for top", finding + passes, measured, HOW, holds=False)
    if orders is not None and not orders["equal"]:
        finding = f"The order of the two passes changes the update.{passes}"
        return Verdict("order matters", finding, measured, HOW, holds=False)
    if not change:
        return Verdict("nothing waits", f"No hidden layer learns.{passes}", measured, HOW, holds=True)
    same = f", and {len(orders['tried'])} orders give bit-identical updates" if orders is not None else ""
    finding = f"No update depends on the result above its layer{same}.{passes}"
    return Verdict("concurrent", finding, measured, HOW, holds=True)


def _orders(subject: Subject) -> dict[str, Any] | None:
    """The step in all orders of the two passes; None if the rule does not align a bottom-up with a top-down pass."""
    if not isinstance(subject.rule, BSD):
        return None
    tried: dict[str, list[torch.Tensor]] = {}
    for order in ORDERS:
        ordered = subject.trial(lambda rule, o=order: _set_order(rule, o))  # type: ignore[misc]
        tried[order] = [p.grad.detach() for p in ordered.rule.parameters() if p.grad is not None]
    equal = all(
        len(a) == len(b) and all(torch.equal(x, y) for x, y in zip(a, b, strict=True))
        for a, b in itertools.pairwise(tried.values())
    )
    return {"tried": list(tried), "equal": equal}


def _set_order(rule: Rule, order: str) -> None:
    """Make a copy of BSD run its two passes in one of the ORDERS."""
    assert isinstance(rule, BSD)

    def learn(stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        network = rule.network
        source = network.encode(stimulus, generator=generator)
        bottom_up: Iterable[SpikeStep] = network.bottom_up_pass(source, unrolled=rule.feature.unrolled)
        top_down = None
        if order == "up-first":
            bottom_up = list(bottom_up)
        elif order == "concurrent":
            with ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(network.top_down_pass, unrolled=rule.template.unrolled)
                bottom_up = list(bottom_up)
                top_down = waiting.result()
        return rule.learn_from_pass(stimulus, source, bottom_up, labels, top_down=top_down)

    rule.learn = learn  # type: ignore[method-assign]


def _presented(subject: Subject, trial: Trial) -> float:
    """How often a sample was presented to the first layer; an input that differs in every time step counts once."""
    rows = sum(
        len(s.flatten(0, s.dim() - 1 - len(trial.layers[0].up.synapse.source)))
        for s in trial.sources(f"{subject.network.layer_names[0]} up")
    )
    network = subject.network
    steps = 1 if network.constant_input else network.signals.presentations(network.time_steps)
    return rows / (subject.batch * steps)
