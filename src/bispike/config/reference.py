"""The reference page of all settings, docs/settings.md: `python -m bispike.config.reference > docs/settings.md`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from .. import models, rules
from .options import cases_of_rule, describe_options

HEAD = """# Settings: the reference of all settings

This page lists every setting of a training, and every option of a rule or a model. Each is given as `--set name=value`
on the command line, or with its flag; settings of a training are keyword arguments of `bispike.fit`. This page is
written by `python -m bispike.config.reference > docs/settings.md`.

`bispike train --settings` lists the settings of a training. An option that has no effect with the other options is
refused; the column "acts where" tells when it has one. Options of an optimizer are those of its class in `torch.optim`,
as `--set optimizer.NAME=value`.
"""


def page() -> str:
    """The page as Markdown."""
    parts = [HEAD, "## Training", _table(describe_options("training"), flags=True)]
    parts += ["## Rules"]
    for rule in rules.registry.values():
        advice = f" Recommended with it: {_assignments(rule.recommended)}." if rule.recommended else ""
        parts += [f"### {rule.name}", f"{rule.summary[0].upper()}{rule.summary[1:]}.{advice}"]
        parts += _rule_tables(rule.name)
    shared = _shared_options()
    parts += ["## Models", "Options of every model; the defaults are those of `mlp`.", _table(shared)]
    known = {row["name"]: row for row in shared}
    for entry in models.registry.values():
        rows = describe_options("model", entry.name)
        own = [row for row in rows if row["name"] not in known]
        other = {
            row["name"]: row["default"] for row in rows if row["default"] != known.get(row["name"], row)["default"]
        }
        note = f" Other defaults: {_assignments(other)}." if other else ""
        parts += [f"### {entry.name}", f"{entry.summary[0].upper()}{entry.summary[1:]}.{note}", _table(own)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _rule_tables(name: str) -> list[str]:
    """The options of a rule; where they differ between kinds of networks, one table per kind."""
    cases, parts = cases_of_rule(name), []
    for networks, rows in cases.items():
        parts += [f"For {networks}:"] if len(cases) > 1 else []
        parts += [_table(rows) if rows else "No options."]
    return parts


def _shared_options() -> list[dict[str, Any]]:
    """The options that all models have."""
    described = [describe_options("model", name) for name in models.registry]
    everywhere = set.intersection(*({row["name"] for row in rows} for rows in described))
    return [row for row in describe_options("model", "mlp") if row["name"] in everywhere and row["name"] != "widths"]


def _table(rows: Sequence[Mapping[str, Any]], *, flags: bool = False) -> str:
    heads = ["name", *(["flag"] if flags else []), "default", "values", "meaning"]
    conditional = any(row["acts"] for row in rows)
    heads += ["acts where"] if conditional else []
    lines = [heads, ["---"] * len(heads)]
    for row in rows:
        values = ", ".join(f"`{name}`" for name in row["choices"]) if row["choices"] else _values(row)
        flag = f"`{row['flag']}`" if row["flag"] else ""
        cells = [f"`{row['name']}`", *([flag] if flags else []), f"`{_text(row['default'])}`", values, row["meaning"]]
        lines.append([*cells, *([row["acts"] or ""] if conditional else [])])
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |" for cells in lines)


def _values(row: Mapping[str, Any]) -> str:
    kind = row["type"].removesuffix(" or none")
    limit = row["range"] or kind
    limit = limit if limit.startswith(("a ", kind)) else f"{kind}, {limit}"
    return limit if kind == row["type"] else f"none, or {limit}"


def _assignments(values: Mapping[str, Any]) -> str:
    return ", ".join(f"`{name}={_text(value)}`" for name, value in values.items())


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(_text, value))}]"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


if __name__ == "__main__":
    sys.stdout.write(page())
