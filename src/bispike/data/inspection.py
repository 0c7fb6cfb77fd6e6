"""Check a data set before it is trained on: its content, and what is wrong or suspicious.

Problems stop training; notes are for the reader (classes of very different size, test stimuli that also occur
in the training part).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..arguments import checked
from ..errors import ConfigurationError, DataError
from . import catalogue as catalog
from . import formats, roles, storage, table_profile
from .download import matches
from .formats import table as table_format


@checked
def check(
    path_or_name: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None, **options: Any
) -> dict[str, Any]:
    """A report on a data set; nothing is downloaded.

    Returns:
        `name`, `ok`, `problems` and `notes`; where it could be read also `shape`, `dtype`, `classes`,
        `class_names`, `train`, `validation` (None without a part of its own) and `test` (`count`, `per_class`),
        `value_range`, `mean`, `std`, `fingerprint`, `facts` (what the reader counted, such as `events_per_bin`);
        for published sets `path` and `checksums` (file name to "matches" or "differs"); for tables `table`, what
        its columns look like and what to type next (see `table_profile.profile`).

    Raises:
        UserError: neither a name nor a path, or wrong options.
    """
    path = catalog.as_path(path_or_name)
    report: dict[str, Any] = {"name": str(path_or_name), "ok": False, "problems": [], "notes": []}
    if path is None:
        report |= _checksums(str(path_or_name), root)
        differing = [name for name, verdict in report["checksums"].items() if verdict == "differs"]
        report["problems"] += [f"{name} differs from the published checksum." for name in differing]
    else:
        report["path"] = str(path)
        report |= _table(path, options)
        if "table" in report and not report["table"]["known"]:  # nobody said yet what the columns are for
            report["notes"], report["ok"] = report["table"]["notes"], True
            return report
    try:
        data = catalog.load(path_or_name, root=root, download=False, **options)
    except DataError as error:
        report["problems"] += str(error).splitlines()
        return report
    report |= data.describe()
    report["notes"] = [*data.notes, *data.suspicions()]
    report["ok"] = not report["problems"]
    return report


def _table(path: Path, options: dict[str, Any]) -> dict[str, Any]:
    """What a table looks like, under "table"; {} for other files, for a series, and where the columns cannot be read.

    "known" says whether the class column is: by an option, or by its name.
    """
    task, target = options.get("task"), options.get("target")
    if task not in (None, "tabular") or not path.is_file():
        return {}
    try:
        if formats.find(path, task) is not formats.registry.get("table"):
            return {}
        given = table_format.dialect_of(options)
        found = table_profile.profile(path, given, target=target, memory_limit=options.get("memory_limit"))
    except (DataError, ConfigurationError, OSError):
        return {}  # reading the data set says what is wrong
    usual = any(one["name"].lower() in roles.USUAL_TARGETS for one in found["columns"])
    return {"table": {**found, "known": task is not None or target is not None or usual}}


def _checksums(name: str, root: str | os.PathLike[str] | None) -> dict[str, Any]:
    found = catalog.entry(name)
    place: Path | None = None if found.embedded else storage.find(found, root)
    if place is None:
        return {"path": None, "checksums": {}}
    home = place.parent if place.is_file() else place
    present = [file for file in found.files if (home / file.name).is_file()]
    verdicts = {file.name: "matches" if matches(home / file.name, file.checksum) else "differs" for file in present}
    return {"path": str(place), "checksums": verdicts}
