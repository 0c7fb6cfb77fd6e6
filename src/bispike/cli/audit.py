"""`bispike audit`: the plausibility criteria C1 to C5 of a run or of rules, measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Group, RenderableType
from rich.table import Table

from ..errors import ConfigurationError
from ._options import COUNT, SEED, data_root_option, dataset_option, json_option, trust_option
from ._output import Answer, note, pairs, table

if TYPE_CHECKING:
    from ..analysis import Audit

WIDEST = 64  # columns of a sentence in a table
ANSWERS = {True: "yes", False: "no", None: "–"}


@click.command("audit")
@click.argument("words", nargs=-1, metavar="[RUN]")
@click.option("--rule", "names", metavar="R", help="A learning rule, several as A,B,C, or all.")
@click.option("--model", metavar="M", help="Network of --rule, without batch norm.  [default: a small dense one]")
@click.option("--batch-size", type=COUNT, default=4, show_default=True, metavar="B")
@click.option("--seed", type=SEED, default=0, show_default=True, metavar="S")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE ...", help="Options of the rule or the model.")
@dataset_option
@data_root_option
@trust_option
@json_option
def command(
    words: tuple[str, ...],
    names: str | None,
    model: str | None,
    batch_size: int,
    seed: int,
    settings: tuple[str, ...],
    dataset: str | None,
    data_root: Path | None,
    trust: bool,  # noqa: FBT001
) -> Answer:
    """Measure how plausible a RUN's rule is, or a rule by name: criteria C1 to C5.

    \b
    C1  asymmetric weights: top-down and bottom-up signals have weights of their own
    C2  local plasticity: what an update depends on (synapse, neuron, layer, batch, network)
    C3  no separate phases: learning does not wait for the end of the bottom-up pass
    C4  spikes: values between layers are 0 or 1, in inference and in learning
    C5  unsigned errors: no signal between layers, and no error at the top, has a sign

    A RUN is audited with its trained weights on its data; the result is saved in its folder for 'bispike report'.
    """
    if names is None:
        if len(words) != 1 or settings or model is not None:
            raise click.UsageError("expected one RUN without other options, or --rule R with its options.")
        from ..experiments.audit import audit_run

        found = audit_run(
            Path(words[0]),
            dataset=dataset,
            data_root=data_root,
            batch=batch_size,
            seed=seed,
            trust=trust,
            note=note,
        )
        return Answer({"run": words[0], **found.to_dict()}, _one(found))
    if dataset is not None:
        raise click.UsageError(f"--dataset: received {dataset!r}, which has no effect with --rule, only with a RUN.")
    if any("=" not in word for word in words):
        raise click.UsageError(f"expected one RUN or --rule R, received both: {' '.join(words)} and --rule {names}.")
    given = (*settings, *words)  # values may stand without a second --set
    found_each = _audits(names, model, given, batch_size, seed)
    if len(found_each) == 1:
        return Answer(found_each[0].to_dict(), _one(found_each[0]))
    return Answer({"rows": [found.to_dict() for found in found_each]}, _several(found_each))


def _audits(names: str, model: str | None, given: Sequence[str], batch_size: int, seed: int) -> list[Audit]:
    from .. import analysis, rules
    from ..config.combinations import combination_problems
    from ..config.resolve import Request, resolve_each

    listed = list(rules.registry) if names == "all" else names.split(",")
    request = Request.of({"model": model, "seed": seed}, given)
    found = []
    for name, config in resolve_each(request, listed).items():
        problems = combination_problems(config)  # some rules are not defined for some networks
        if problems and names != "all":
            raise ConfigurationError(problems)
        if problems:
            note(f"{name} is left out: {' '.join(problems)}")
            continue
        network = analysis.audit_network(model, seed=seed, **config.model_options)
        found.append(analysis.audit(name, network=network, batch=batch_size, seed=seed, **config.rule_options))
    return found


def _one(found: Audit) -> RenderableType:
    from ..analysis.criteria import CRITERIA

    known = found.published
    rows = [
        [f"{name} {CRITERIA[name]}", ANSWERS[verdict.holds], ANSWERS[known.get(name)], verdict.finding]
        for name, verdict in found.criteria.items()
    ]
    if not known:
        rows = [[*row[:2], row[3]] for row in rows]
    made = table(["criterion", "holds", *(["published"] if known else []), "measured"], rows)
    made.columns[-1].max_width = WIDEST - 12
    about = f"{found.rule} on {found.network}, {found.data}, {found.batch} samples per step"
    return Group(about, "", made, "", _explained(found))


def _several(found: Sequence[Audit]) -> RenderableType:
    rows, differ = [], False
    for audit in found:
        row: list[object] = [audit.rule]
        for name, verdict in audit.criteria.items():
            other = audit.published.get(name, verdict.holds) != verdict.holds
            differ = differ or other
            row.append(Group(f"{ANSWERS[verdict.holds]}{'*' if other else ''}", verdict.brief))
        rows.append(row)
    made = table(["rule", *found[0].criteria], rows)
    notes = ["* The literature differs; bispike audit --rule R shows both."] if differ else []
    return Group(made, *(["", *notes] if notes else []), "", _explained(found[0]))


def _explained(found: Audit) -> Table:
    """How each criterion was measured, and remarks."""
    texts = {name: verdict.how for name, verdict in found.criteria.items()}
    made = pairs({**texts, **{"note" if i == 0 else f"note {i + 1}": text for i, text in enumerate(found.notes)}})
    made.columns[-1].max_width = 90
    return made
