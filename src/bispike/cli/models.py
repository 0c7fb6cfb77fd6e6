"""`bispike models`: the networks that `--model` knows."""

from __future__ import annotations

import click

from ._options import json_option
from ._output import Answer, table


@click.command("models")
@json_option
def command() -> Answer:
    """List the models, one line each."""
    from .. import models

    rows = [
        {"name": entry.name, "summary": entry.summary, "settings": models.settings_of(entry.name)}
        for entry in models.registry.values()
    ]
    return Answer({"models": rows}, table(["model", "what it is"], [(r["name"], r["summary"]) for r in rows]))
