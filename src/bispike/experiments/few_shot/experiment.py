"""The experiment: train on the known classes, then teach the new ones in five ways from the same examples.

    BSD + templates      BSD-trained network; a Learner takes in one pass of the known classes, then the examples
    BSD, network alone   the same network after that, by its own readout
    BSD + fine-tuning    BSD-trained network; every bottom-up weight follows bptt on the examples
    bptt + templates     network that bptt trained; a Learner as above
    bptt + fine-tuning   network that bptt trained; bptt on the examples

All examples come one at a time. No way sees a known class again after its last pass of training data.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ... import models, rules
from ...arguments import checked, number, raise_problems, whole
from ...config import optimizers
from ...data import Dataset, Split
from ...nn import Classifier
from ...online.learner import Learner
from ...seeds import generator
from ...training import fit
from .account import confusion, row
from .parts import Parts, draw_examples, file_name, part

Decide = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Protocol:
    """Settings of one experiment.

    Args:
        shots: examples of each new class.
        draws: choices of examples.
        seeds: trained networks; each has `draws` choices of examples.
        epochs, augment, widths, time_steps, lr, batch_size: of the training on the known classes.
        validation: share of the training samples for validation.
        split: `validation` to choose settings, `test` once at the end.
        shrink, lift: of the templates.
        fine_tune_lr, own_fine_tune_lr: learning rate (Adam) of bptt fine-tuning of the BSD-trained network, and of the
            network that bptt itself trained.
        passes: over the examples, of bptt fine-tuning.
    """

    shots: int = 10
    draws: int = 5
    seeds: int = 3
    epochs: int = 8
    augment: str = "crop"
    widths: tuple[int, ...] = (1024, 512, 256)
    time_steps: int = 4
    lr: float = 1e-3
    batch_size: int = 128
    validation: float = 0.1
    split: str = "validation"
    shrink: float = 0.3
    lift: float = 0.1
    fine_tune_lr: float = 1e-4
    own_fine_tune_lr: float = 2e-4
    passes: int = 20

    def __post_init__(self) -> None:
        counts = ("shots", "draws", "seeds", "epochs", "passes")
        raise_problems(
            *(partial(whole, name, getattr(self, name), 1) for name in counts),
            *(partial(number, name, getattr(self, name), 0) for name in ("lift", "fine_tune_lr", "own_fine_tune_lr")),
            partial(number, "shrink", self.shrink, 0, 1),
        )


@checked
def run_experiment(
    dataset: Dataset,
    new: tuple[str, ...],
    protocol: Protocol,
    *,
    out: Path | None = None,
    note: Callable[[str], None] = lambda message: None,
) -> list[dict[str, Any]]:
    """A row for each way, seed and choice of examples; see `account.row`.

    Args:
        dataset: all classes.
        new: names of the classes to add.
        protocol: settings.
        out: folder where the trained networks are saved and read again.
        note: receives a line as each part begins or ends.
    """
    parts = part(dataset, new, validation=protocol.validation)
    tested = parts.test if protocol.split == "test" else parts.validation
    rows = []
    for seed in range(protocol.seeds):
        for rule in ("bsd", "bptt"):
            note(f"{', '.join(new)}: seed {seed}, training with {rule}")
            network = _trained(parts, rule, seed, protocol, out)
            for way, draw, before, after in _ways(network, rule, parts, tested, seed, protocol):
                rows.append(row(way, seed, draw, before, after, names=_names(parts), known=network.concept.classes))
                note(f"  {way}, draw {draw}: new {rows[-1]['new']:.3f}, old {rows[-1]['old_after']:.3f}")
    return rows


def _names(parts: Parts) -> tuple[str, ...]:
    return (*parts.known.concept.names, *parts.new)


def _trained(parts: Parts, rule: str, seed: int, protocol: Protocol, out: Path | None) -> Classifier:
    known = parts.known
    network = models.mlp(known.stimulus, protocol.widths, known.concept, time_steps=protocol.time_steps, seed=seed)
    fit(
        network,
        rule,
        known,
        out=None if out is None else out / f"without-{file_name(parts.new)}-{rule}-{seed}",
        resume=out is not None,
        progress="none",
        epochs=protocol.epochs,
        batch_size=protocol.batch_size,
        lr=protocol.lr,
        augment=protocol.augment,
        validation=0.0,
        seed=seed,
    )
    return network


def _ways(
    network: Classifier, rule: str, parts: Parts, tested: Split, seed: int, protocol: Protocol
) -> Iterator[tuple[str, int, Tensor, Tensor]]:
    """(way, draw, confusion before, confusion after) for each way that starts from this network."""
    before = confusion(network.perceive, tested, network.concept.classes + len(parts.new))
    learner = Learner(copy.deepcopy(network), shrink=protocol.shrink, lift=protocol.lift)
    lr = protocol.fine_tune_lr if rule == "bsd" else protocol.own_fine_tune_lr
    known = parts.known.train
    learner.consolidate(known[rows] for rows in torch.arange(len(known)).split(protocol.batch_size))
    for draw in range(protocol.draws):
        examples = draw_examples(parts.pool, protocol.shots, generator=generator(seed, "examples", draw))
        taught = taught_by_templates(copy.deepcopy(learner), parts.new, examples)
        tuned = fine_tuned(copy.deepcopy(network), parts.new, examples, lr=lr, passes=protocol.passes)
        name = "BSD" if rule == "bsd" else rule
        ways: dict[str, Decide] = {
            f"{name} + templates": _by_templates(taught),
            f"{name} + fine-tuning": tuned.perceive,
        }
        if rule == "bsd":
            ways[f"{name}, network alone"] = taught.network.perceive
        for way, decide in ways.items():
            yield way, draw, before, confusion(decide, tested, len(_names(parts)))


def _by_templates(learner: Learner) -> Decide:
    return lambda stimuli: learner.observe(stimuli).labels


@checked
def taught_by_templates(learner: Learner, new: tuple[str, ...], examples: Split) -> Learner:
    """Add the classes to a consolidated learner and teach it the examples, one at a time."""
    for name in new:
        learner.add_class(name)
    learner.run((stimulus[0], label) for stimulus, label in _one_by_one(examples))
    return learner


@checked
def fine_tuned(network: Classifier, new: tuple[str, ...], examples: Split, *, lr: float, passes: int) -> Classifier:
    """Add the classes and follow bptt on the examples, one at a time."""
    for name in new:
        models.add_concept(network, name, generator=torch.Generator())
    rule = rules.create("bptt", network)
    groups = optimizers.parameter_groups(rule.parameters(), rule.parameters(), (), lr=lr)
    optimizer = optimizers.build("adam", groups)
    network.train()
    for _ in range(passes):
        for stimulus, label in _one_by_one(examples):
            rule.compute_gradients(stimulus, label)
            optimizer.step()
    return network


def _one_by_one(examples: Split) -> Iterator[tuple[Tensor, Tensor]]:
    return (examples[[index]] for index in range(len(examples)))
