"""`bispike models`: the networks that `--model` knows, or the options of one of them."""

from __future__ import annotations

import click
from rich.console import Group

from ._options import json_option
from ._options_table import option_table
from ._output import Answer, table


@click.command("models")
@click.argument("name", required=False)
@json_option
def command(name: str | None) -> Answer:
    """List the models, one line each, or the options of the model NAME."""
    from .. import models
    from ..config import describe_options

    if name is not None:
        summary = models.find(name).summary
        options = describe_options("model", name)
        payload = {"name": name, "summary": summary, "options": options}
        return Answer(payload, Group(f"{name}: {summary}", "", option_table(options)))
    rows = [
        {"name": entry.name, "summary": entry.summary, "settings": models.settings_of(entry.name)}
        for entry in models.registry.values()
    ]
    return Answer({"models": rows}, table(["model", "what it is"], [(r["name"], r["summary"]) for r in rows]))
