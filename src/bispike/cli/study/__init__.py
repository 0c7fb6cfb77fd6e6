"""`bispike study`: experiments of the documentation, one file per study."""

from __future__ import annotations

import click

from .._verbs import Folder


@click.group("study", cls=Folder, package=__name__)
def command() -> None:
    """Repeat an experiment of the documentation: its tables and figures.

    Every study takes --json.
    """
