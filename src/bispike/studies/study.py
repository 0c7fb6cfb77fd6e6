"""A study: the same experiment under several rules, or over several values of a setting, for several seeds.

Each cell (row x seed) is an ordinary run in its own folder, trained by its own process on one thread, so that a cell
can be repeated alone with `bispike train --config`. A study that was killed resumes when it is started again:
finished cells are read, unfinished ones resumed. A cell that fails is reported, and the others continue.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import rules
from ..arguments import whole
from ..config.differences import differences
from ..config.resolve import Request, resolve_each, resolve_rows, validate
from ..config.train_config import SETTINGS, TrainConfig, read_config, write_config
from ..errors import CheckpointError, ConfigurationError, UserError
from ..files import is_link, make_folder
from ..runs.folder import is_finished
from ..runs.lock import locked, wait_until_free
from ..runs.marker import STUDY, claim
from ..runs.saved_results import read_summary
from ..stopping import at_once
from ..training import distributed
from .jobs import LOGS, Job, processor_cores, run_jobs

DEFAULT_SEEDS = 3  # of a row
MOST_SEEDS = 10_000
CELLS = "cells"  # folder of the settings that each cell was asked to run with
INFERENCE = "inference"  # folder of the costs of a decision
MARKDOWN, LATEX, CSV, JSON = "table.md", "table.tex", "runs.csv", "results.json"
FIGURES = ("accuracy.png", "cost.png", "learning.png")
FILES = (MARKDOWN, LATEX, CSV, JSON, *FIGURES, INFERENCE)
"""What is written about the runs when they have ended."""


@dataclass(frozen=True)
class Cell:
    """One run of a study.

    Args:
        row: the rule, or the value of the setting, that the cell belongs to.
        config: settings of the run.
        name: of the run's folder below the study's.
    """

    row: str
    config: TrainConfig
    name: str


@dataclass(frozen=True)
class Outcome:
    """The outcome of a cell: the summary of its run, or the message of its failure."""

    cell: Cell
    path: Path
    summary: dict[str, Any] | None = None
    failure: str | None = None


def rule_names(text: str) -> list[str]:
    """The rules that `a,b,c` names; `all` stands for every registered one."""
    return list(rules.registry) if text.strip() == "all" else text.split(",")


def compare_cells(request: Request, names: Sequence[str], seeds: int) -> list[Cell]:
    """A cell for each rule and seed; options that a rule does not know are left out for that rule.

    Args:
        request: everything else.
        names: of the rules.
        seeds: seeds per rule, counted up from the seed of the request.

    Raises:
        ConfigurationError: no rule, a rule named twice, an unknown name, or fewer than one seed.
    """
    return cells_of(resolve_each(request, _distinct("rules", names)), seeds)


def ablate_cells(request: Request, overs: Sequence[str], seeds: int) -> list[Cell]:
    """A cell for each value of a setting, or each combination of values of several settings, and each seed.

    Args:
        request: everything else.
        overs: `key=v1,v2,...` each; a value that is itself a list stands in brackets, `widths=[64],[128,64]`.
        seeds: seeds per row, counted up from the seed of the request.

    Raises:
        ConfigurationError: a text is no such list, a setting comes twice, or a value does not fit its setting.
    """
    axes = [_axis(over) for over in overs]
    _distinct("over", [key for key, _ in axes])
    rows = {}
    for combination in itertools.product(*([(key, value) for value in values] for key, values in axes)):
        asked = Request(request.options, [*request.texts, *combination])
        rows[", ".join(f"{key}={value}" for key, value in combination)] = asked
    return cells_of(resolve_rows(rows, own=[key for key, _ in axes]), seeds)


def cells_of(rows: Mapping[str, TrainConfig], seeds: int) -> list[Cell]:
    """A cell for each row and seed.

    Args:
        rows: settings by the name of the row.
        seeds: seeds per row, counted up from the seed of its settings.

    Raises:
        ConfigurationError: fewer than one seed.
    """
    whole("seeds", seeds, 1, MOST_SEEDS)
    for config in rows.values():
        if SETTINGS["seed"].problem(config.seed):
            raise ConfigurationError(SETTINGS["seed"].problem(config.seed))
    names = [_folder_name(row) for row in rows]
    if len(set(names)) < len(names):
        names = [f"{name}-{place}" for place, name in enumerate(names, 1)]
    return [
        Cell(row, replace(config, seed=config.seed + i), f"{name}-seed{config.seed + i}")
        for name, (row, config) in zip(names, rows.items(), strict=True)
        for i in range(seeds)
    ]


def split_values(text: str) -> list[str]:
    """Texts between commas that stand outside brackets."""
    return [part.strip() for part in re.split(r",(?![^\[]*\])", text) if part.strip()]


def run_study(
    cells: Sequence[Cell],
    out: str | Path,
    *,
    jobs: int | None = None,
    note: Callable[[str], None] = lambda message: None,
) -> list[Outcome]:
    """Run, resume or read every cell.

    Args:
        cells: what to run; order of the result.
        out: the study's folder.
        jobs: processes at a time; None for one per processor core.
        note: receives a line when a cell starts or ends.

    Returns:
        One outcome per cell.

    Raises:
        ConfigurationError: settings of a row are wrong.
        CheckpointError: the folder holds cells of a study with other settings; nothing was touched.
        UserError: the folder cannot be written, or holds files of a study's names that bispike did not write.
        WorkError: interrupted; the message names what was finished.
    """
    if distributed.launched():
        raise ConfigurationError("a study starts its own processes; start it once, without torchrun.")
    most = processor_cores() if jobs is None else jobs
    if most < 1:
        raise ConfigurationError(f"jobs: expected at least 1 process, received {most}.")
    for config in {cell.row: cell.config for cell in cells}.values():
        validate(config)
    folder = Path(out)
    with at_once(), locked(folder, patience=math.inf, note=note) as lock:
        claim(folder, STUDY, [*FILES, CELLS, LOGS, *(cell.name for cell in cells)])
        _expect_same(cells, folder)
        for cell in cells:
            write_config(make_folder(folder / CELLS / cell.name), cell.config)
        waiting = [_job(cell, folder) for cell in cells if read_summary(folder / cell.name) is None]
        if len(waiting) < len(cells):
            note(f"{len(cells) - len(waiting)} of {len(cells)} runs were finished before.")
        for job in waiting:
            wait_until_free(folder / job.name, note)
        failures = run_jobs(waiting, folder, most=most, lock=lock.descriptor, note=note)
    outcomes = []
    for cell in cells:
        path = folder / cell.name
        failure = failures.get(cell.name)
        summary = None if failure else read_summary(path)
        outcomes.append(Outcome(cell, path, summary, failure if summary is None else None))
    return outcomes


def _axis(over: str) -> tuple[str, list[str]]:
    """A setting and its values."""
    key, separator, texts = over.partition("=")
    if not separator or not key.strip():
        raise ConfigurationError(f"over: expected KEY=V1,V2,..., received {over!r}.")
    return key.strip(), _distinct("over", split_values(texts))


def _distinct(what: str, values: Sequence[str]) -> list[str]:
    names = [value.strip() for value in values if value.strip()]
    if 0 < len(names) < len(values):
        raise ConfigurationError(f"{what}: expected a name between commas, received {', '.join(values)!r}.")
    if not names:
        raise ConfigurationError(f"{what}: expected at least one value, received none.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"{what}: expected each value once, received {', '.join(twice)} more than once.")
    return names


def _folder_name(row: str) -> str:
    return re.sub(r"[^A-Za-z0-9.=+-]+", "_", row).strip("._") or "row"


def _expect_same(cells: Sequence[Cell], folder: Path) -> None:
    """Existing cells must belong to this study."""
    for cell in cells:
        asked = folder / CELLS / cell.name
        if is_link(asked):
            raise UserError(f"{asked}: expected a folder of a study, received a link. Move it away.")
        if asked.is_dir():
            found = differences(read_config(asked).to_dict(), cell.config)
            if not found and is_finished(folder / cell.name):
                found = differences(read_config(folder / cell.name).to_dict(), cell.config)
            if found:
                raise CheckpointError(
                    f"{folder / cell.name}: was run with other settings ({'; '.join(found)}); "
                    "choose another --out, or remove that folder."
                )
        elif (folder / cell.name).exists():
            raise CheckpointError(
                f"{folder / cell.name}: exists and does not belong to this study; choose another --out."
            )


def _job(cell: Cell, folder: Path) -> Job:
    """The training of a cell; it resumes what a killed study has of it."""
    asked, run = str(folder / CELLS / cell.name), str(folder / cell.name)
    return Job(cell.name, ["train", "--config", asked, "--out", run, "--threads", "1", "--resume", "--json"])
