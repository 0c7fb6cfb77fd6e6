"""`bispike presets`: complete settings under a name, for `--preset`."""

from __future__ import annotations

import click

from ._options import json_option
from ._output import Answer, table


@click.command("presets")
@json_option
def command() -> Answer:
    """List the presets, one line each."""
    from ..training.presets import describe, registry

    rows = [describe(name) for name in registry]
    return Answer({"presets": rows}, table(["preset", "what it trains"], [(r["name"], r["summary"]) for r in rows]))
