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
        {"name": rule.name, "summary": rule.summary, "options": rule.defaults()} for rule in rules.registry.values()
    ]
    return Answer({"rules": rows}, table(["rule", "how it learns"], [(r["name"], r["summary"]) for r in rows]))
