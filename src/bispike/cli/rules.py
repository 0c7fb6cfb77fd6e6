"""`bispike rules`: the learning rules that `--rule` knows, or the options of one of them."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Group, RenderableType

from ._options import json_option
from ._options_table import option_table
from ._output import Answer, table


@click.command("rules")
@click.argument("name", required=False)
@json_option
def command(name: str | None) -> Answer:
    """List the learning rules, one line each, or the options of the rule NAME."""
    from .. import rules
    from ..errors import UnknownNameError

    rows = {rule.name: _row(rule) for rule in rules.registry.values()}
    if name is None:
        shown = [(row["name"], row["activity"], row["summary"]) for row in rows.values()]
        return Answer({"rules": list(rows.values())}, table(["rule", "emits", "how it learns"], shown))
    if name not in rules.registry:
        raise UnknownNameError("rule", name, rules.registry)
    rule, row = rules.registry[name], rows[name]
    cases = _cases(name)
    parts: list[RenderableType] = [f"{name}: {row['summary']}", *_recommended(rule.recommended)]
    for case in cases:
        parts += ["", f"for {case['networks']}:"] if len(cases) > 1 else [""]
        parts.append(option_table(case["options"]) if case["options"] else "This rule has no options.")
    return Answer({**row, "options": cases[0]["options"], "cases": cases}, Group(*parts))


def _cases(name: str) -> list[dict[str, Any]]:
    """The options of a rule, for each kind of networks for which they differ."""
    from ..config.options import cases_of_rule

    return [{"networks": networks, "options": options} for networks, options in cases_of_rule(name).items()]


def _row(rule: Any) -> dict[str, Any]:
    return {
        "name": rule.name,
        "summary": rule.summary,
        "activity": rule.signals.name,
        "trains_top_down": rule.trains_top_down,
        "options": rule.defaults(),
        "recommended": rule.recommended,
    }


def _recommended(settings: dict[str, Any]) -> list[str]:
    """The recommended settings of the training in a line, if there are any."""
    listed = ", ".join(f"{name} {value}" for name, value in settings.items())
    return [f"recommended settings: {listed}"] if listed else []
