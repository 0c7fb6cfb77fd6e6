"""How verbs are found: each module of a folder is a verb that holds a click command named `command`.

A module is imported when its verb is called or listed, so none may import torch before its command runs. Names of
modules that begin with an underscore are no verbs; `few_shot.py` is the verb `few-shot`.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import click

from ..errors import ConfigurationError, unknown_name

PACKAGE = __package__
_added: dict[str, str] = {}


def register_verb(name: str, module: str) -> None:
    """Add a verb to `bispike` that lies outside the package.

    Args:
        name: what the user types.
        module: dotted name of a module that holds a click command named `command`; it is imported when the verb is
            used. The command returns a `bispike.cli.Answer`.

    Raises:
        ConfigurationError: there is a verb of this name.
    """
    if name in verbs(PACKAGE) and _added.get(name) != module:
        raise ConfigurationError(f"verb: {name!r} exists already; choose another name.")
    _added[name] = module


def verbs(package: str) -> dict[str, str]:
    """The verbs of a package and, for `bispike` itself, those that were registered: modules by name, sorted."""
    found = {
        entry.name.replace("_", "-"): f"{package}.{entry.name}"
        for entry in pkgutil.iter_modules(importlib.import_module(package).__path__)
        if not entry.name.startswith("_")
    }
    return dict(sorted((found | (_added if package == PACKAGE else {})).items()))


class Folder(click.Group):
    """A group of verbs, one for each module of a package."""

    def __init__(self, *args: Any, package: str, **extra: Any) -> None:
        super().__init__(*args, **extra)
        self.package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the verbs, sorted."""
        return list(verbs(self.package))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb of a name; an unknown name is an error with a suggestion."""
        known = verbs(self.package)
        if cmd_name in known:
            command: click.Command = importlib.import_module(known[cmd_name]).command
            return command
        if not (ctx.resilient_parsing or cmd_name.startswith("-")):
            ctx.fail(unknown_name("verb", cmd_name, known))
        return None
