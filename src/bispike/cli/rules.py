"""`bispike rules`: the learning rules that `--rule` knows."""

from __future__ import annotations

import click

from ._options import json_option
from ._output import Answer, table


@click.command("rules")
@json_option
def command() -> Answer:
    """List the learning rules, one line each."""
    from .. import rules

    rows = [
        {
            "name": rule.name,
            "summary": rule.summary,
            "activity": rule.signals.name,
            "trains_top_down": rule.trains_top_down,
            "options": rule.defaults(),
            "recommended": rule.recommended,
        }
        for rule in rules.registry.values()
    ]
    shown = [(row["name"], row["activity"], row["summary"]) for row in rows]
    return Answer({"rules": rows}, table(["rule", "emits", "how it learns"], shown))
