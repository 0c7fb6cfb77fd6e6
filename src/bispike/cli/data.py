"""`bispike data`: data sets: list, describe, download, check."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ._options import data_root_option, json_option, memory_limit_option
from ._output import Answer, Group, brief, note, pairs, table, transfer

MOST, SHOWN = 40, 8
"""Columns of a table that are listed, and named in one line."""


@click.group("data", invoke_without_command=True)
@data_root_option
@json_option
@click.pass_context
def command(context: click.Context, data_root: Path | None) -> Answer | None:
    """List, describe, download or check data sets."""
    return context.invoke(list_sets, data_root=data_root) if context.invoked_subcommand is None else None


@command.command("list")
@data_root_option
@json_option
def list_sets(data_root: Path | None) -> Answer:
    """List the published data sets, one line each."""
    from .. import data

    rows = [data.info(name, data_root) for name in data.names()]
    shown = [
        (
            row["name"],
            "x".join(map(str, row["shape"])),
            row["classes"],
            f"{row['train']:,}",
            f"{row['test']:,}",
            "here" if row["present"] else "by hand" if row["by_hand"] else "download",
            row["summary"],
        )
        for row in rows
    ]
    columns = ["data set", "shape", "classes", "train", "test", "files", "what it is"]
    return Answer({"datasets": rows}, table(columns, shown, right=["classes", "train", "test"]))


@command.command("info")
@click.argument("name")
@data_root_option
@json_option
def info(name: str, data_root: Path | None) -> Answer:
    """Describe the published data set NAME and show where its files are."""
    from .. import data

    found = data.info(name, data_root)
    shown = {**found, "shape": "x".join(map(str, found["shape"])), "present": "yes" if found["present"] else "no"}
    shown["searched"] = ", ".join(found["searched"])
    shown["download_bytes"] = f"{found['download_bytes'] / 1e6:.1f} MB" if found["files"] else None
    shown["files"] = ", ".join(file["name"] for file in found["files"])
    return Answer(found, pairs(shown))


@command.command("fetch")
@click.argument("name")
@data_root_option
@json_option
def fetch(name: str, data_root: Path | None) -> Answer:
    """Download the published data set NAME, unless it is present."""
    from .. import data

    place = data.fetch(name, data_root, progress=transfer)
    text = f"{name}: comes with the package" if place is None else f"{name}: {place}"
    return Answer({"name": name, "path": None if place is None else str(place)}, text)


@command.command("check")
@click.argument("path")
@click.option("--task", metavar="T", help="What a file is used for: tabular, series or text.")
@click.option("--target", metavar="COLUMN", help="Class column of a table; columns of a series to forecast.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE ...", help="Options of the data, as a training takes them."
)
@click.argument("more_settings", nargs=-1, metavar="")
@memory_limit_option
@data_root_option
@json_option
def check(
    path: str,
    task: str | None,
    target: str | None,
    settings: tuple[str, ...],
    more_settings: tuple[str, ...],
    memory_limit: float | None,
    data_root: Path | None,
) -> Answer:
    """Check the data set at PATH (or a published name): its contents, and what is wrong with it.

    Of a table whose use is not known yet, the columns are shown, and what to type next.
    """
    from .. import data
    from ..config.resolve import data_options

    given = {"task": task, "target": target, "memory_limit": memory_limit}
    options = data_options(path, given, (*settings, *more_settings))
    report = data.check(path, root=data_root, **options)
    for problem in report["problems"]:
        note(f"problem: {problem}")
    for line in report["notes"]:
        note(f"note: {line}")
    windows = report.get("task") in ("text", "series")
    parts: dict[str, object] = {
        part: f"{report[part]['count']:,} windows" if windows else _counts(report[part])
        for part in ("train", "validation", "test")
        if report.get(part) is not None
    }
    shown: dict[str, object] = {
        "data set": report["name"],
        "sound": "yes" if report["ok"] else "no",
        "shape": "x".join(map(str, report.get("shape", []))),
        "classes": report.get("classes"),
        **parts,
        **_facts(report.get("facts", {})),
        "values": "{:.6g} to {:.6g}".format(*report["value_range"]) if "value_range" in report else None,
        "checksums": ", ".join(f"{name} {verdict}" for name, verdict in report.get("checksums", {}).items()),
    }
    text: Any = Group(pairs(shown), *_columns(report["table"])) if "table" in report else pairs(shown)
    return Answer(report, text, status=0 if report["ok"] else 2)


def _columns(found: dict[str, Any]) -> list[Any]:
    """What a table looks like, and commands that train on it."""
    written = found["written"]
    heads = ["column", "type", "missing", "least", "most", "values", ""]
    rows = [
        [one["name"] or "(no name)", one["type"], one["missing"] or "", *_range(one), one["values"], one["note"]]
        for one in found["columns"]
    ]
    about = {
        "rows": f"{found['rows']:,}",
        "delimiter": written["delimiter"],
        "decimal mark": written["decimal"],
        "encoding": written["encoding"],
        "column names": "in the file" if written["header"] else "none in the file",
        "may be the class": ", ".join(map(brief, found["class_columns"][:SHOWN])),
        "may be the time": ", ".join(map(brief, found["time_columns"][:SHOWN])),
    }
    listed: list[Any] = [pairs(about), table(heads, rows[:MOST], right=["missing", "least", "most", "values"])]
    if len(rows) > MOST:
        listed.append(f"and {len(rows) - MOST} more columns (--json lists them)")
    return [*listed, *[f"next: {command}" for command in found["next"]]]


def _range(one: dict[str, Any]) -> list[str]:
    return ["" if one[end] is None else f"{one[end]:g}" for end in ("low", "high")]


def _facts(facts: dict[str, Any]) -> dict[str, object]:
    """What a reader counted, as lines."""
    return {name.replace("_", " "): _shown(value) for name, value in facts.items()}


def _shown(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(_shown, value))
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _counts(part: dict[str, Any]) -> str:
    each = part["per_class"]
    return f"{part['count']:,} stimuli, {min(each)} to {max(each)} per class"
