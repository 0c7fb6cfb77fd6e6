"""Folders in which files of somebody else stand beside those of bispike, or in their place.

Each case plants a file, a link or a lock, damages a file, or takes the marker away; then a run is begun again or
resumed, or results are written. What bispike did not write, what lies behind a link, and every file of a folder
without a marker must be the same afterwards.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import torch

from bispike import models
from bispike.data import Dataset
from bispike.files import temporary_name, write_atomic
from bispike.memory import AssociativeMemory
from bispike.online.learner import Learner
from bispike.runs.lock import LOCK
from bispike.runs.marker import MARKER, RESULTS, STUDY, claim, read_marker
from bispike.runs.outputs import MARK, write_output
from bispike.spaces import Concept, Stimulus
from bispike.studies.study import FILES
from bispike.training import fit
from bispike.training.progress import Progress

from ...training.conftest import FAST, tiny_network, tiny_split
from ..damage import any_damage
from ..target import Target

OURS, ELSEWHERE, PLANTED = "ours", "elsewhere", "planted.json"
SETTINGS = {**FAST, "epochs": 1, "batch_size": 48, "checkpoint_steps": 1}
NAMES = (
    *("notes.md", "report.html", "audit.json", "analysis.json", "recall.png", "table.tex", "runs.csv", "page.html"),
    *(".writing-1-latest.json", ".bispike-1-00000000-notes.md.part", ".bispike-1-00000000-config.toml"),
    *("config.toml.bak", "checkpoint/step-best.safetensors", "checkpoint/mine.json", "checkpoint/latest.json.bak"),
)
LOCKS = (
    "",
    "{}",
    "mine",
    '{"host": "a", "system": "b", "space": "", "process": 1, "began": "", "launch": "", "token": 3}',
)


def dataset() -> Dataset:
    stimulus = Stimulus((1, 4, 4), (0.5,), (0.3,))
    return Dataset("tiny", stimulus, Concept(("a", "b", "c")), tiny_split(60, 0), tiny_split(10, 1))


class _Stop(Exception):
    pass


class _Stopping(Progress):
    def step(self, loss: float) -> None:
        raise _Stop


# ---------------------------------------------------------------------- valid folders


def _places(folder: Path) -> Path:
    (folder / ELSEWHERE).mkdir()
    (folder / ELSEWHERE / "mine.txt").write_text("mine")
    (folder / PLANTED).write_text("{}")
    return folder / OURS


def make_run(folder: Path) -> None:
    out = _places(folder)
    fit(tiny_network(dataset()), "bsd", dataset(), out=out, **SETTINGS)
    write_output(out / "report.html", MARK)


def make_unfinished_run(folder: Path) -> None:
    try:
        fit(tiny_network(dataset()), "bsd", dataset(), out=_places(folder), **{**SETTINGS, "progress": _Stopping()})
    except _Stop:
        return


def make_study(folder: Path) -> None:
    out = _places(folder)
    claim(out, STUDY, FILES)
    for name in FILES:
        write_atomic(out / name, "ours")


def make_learner(folder: Path) -> None:
    _learner().save(_places(folder))


def make_memory(folder: Path) -> None:
    AssociativeMemory(8, 4).save(_places(folder))


def _learner() -> Learner:
    return Learner(models.mlp(4, [4], 2, time_steps=2, norm=False), rule="bsd")


# ---------------------------------------------------------------------- damages


def _top(path: Path) -> Path:
    return next(parent for parent in path.parents if (parent / PLANTED).exists())


def plant(path: Path, rng: random.Random) -> str:
    """A file of somebody else beside those of bispike."""
    top, name = _top(path), rng.choice(NAMES)
    target = top / OURS / name
    if target.exists() or not target.parent.is_dir():
        return f"nothing for {name}"
    target.write_text("somebody's own")
    (top / PLANTED).write_text(json.dumps({name: _digest(target)}))
    return f"planted {name}"


def unmark(path: Path, rng: random.Random) -> str:
    """The marker is missing, or one of another program."""
    marker = _top(path) / OURS / MARKER
    content = rng.choice((None, "", "{}", '{"writer": "bispike", "kind": "ru', '{"kind": "run", "format": 1}', "[1]"))
    if content is None:
        marker.unlink()
        return "removed the marker"
    marker.write_text(content)
    return f"marker is {content}"


def link(path: Path, rng: random.Random) -> str:
    """A file or the folder of checkpoints is a link to somebody's."""
    top = _top(path)
    target = rng.choice([path, path.parent])
    if target in (top, top / OURS):
        target = path
    moved = top / ELSEWHERE / target.name
    target.rename(moved)
    target.symlink_to(moved)
    return f"{target.name} is a link"


def lock(path: Path, rng: random.Random) -> str:
    """Somebody's lock, or a file of its name."""
    content, target = rng.choice(LOCKS), _top(path) / OURS / LOCK
    target.write_text(content)
    if rng.random() < 0.5:
        os.utime(target, (0, 0))
    return f"a lock file {content}"


def unfinished(path: Path, rng: random.Random) -> str:
    """What a kill leaves."""
    name = rng.choice([path.name, MARKER, LOCK])
    path.with_name(temporary_name(name)).write_text("half")
    return f"an unfinished {name}"


def special(path: Path, rng: random.Random) -> str:
    """A folder, a pipe, or a circle of links in place of a file."""
    path.unlink()
    kind = rng.choice(("folder", "pipe", "circle"))
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(path)
    return f"is a {kind}"


DAMAGES = (plant, plant, unmark, link, lock, unfinished, special, any_damage)


# ---------------------------------------------------------------------- uses


def guarded(work: Callable[[Path], object]) -> Callable[[Path], None]:
    """Do something with the folder, and check that nothing of others was touched."""

    def use(folder: Path) -> None:
        out = folder / OURS
        before = _protected(folder)
        try:
            work(out)
        finally:
            after = {path: _digest(path) for path in before}
            touched = [str(path) for path in before if before[path] != after[path]]
            assert not touched, f"touched {touched}"

    return use


def _protected(folder: Path) -> dict[Path, str]:
    out = folder / OURS
    found = [path for path in (folder / ELSEWHERE).rglob("*") if path.is_file()]
    found += [out / name for name in json.loads((folder / PLANTED).read_text())]
    if read_marker(out) is None:
        found += [path for path in out.rglob("*") if path.is_file() and path.name != LOCK]
    return {path: _digest(path) for path in found}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"


def overwrite(out: Path) -> None:
    fit(tiny_network(dataset()), "bsd", dataset(), out=out, overwrite=True, **SETTINGS)


def resume(out: Path) -> None:
    fit(tiny_network(dataset()), "bsd", dataset(), out=out, resume=True, **SETTINGS)


def study(out: Path) -> None:
    claim(out, STUDY, FILES)
    for name in FILES:
        write_atomic(out / name, "ours")


def results(out: Path) -> None:
    write_output(out / "page.html", MARK)
    write_output(out / "report.html", MARK)
    claim(out, RESULTS, ["analysis.json"])
    write_atomic(out / "analysis.json", "{}")


def learner(out: Path) -> None:
    _learner().save(out)


def memory(out: Path) -> None:
    memory = AssociativeMemory(8, 4)
    memory.store(torch.ones(1, 8), torch.ones(1, 4))
    memory.save(out)


def _target(name: str, make: Callable[[Path], None], work: Callable[[Path], None], weight: float) -> Target:
    return Target(name, make, guarded(work), files=(f"{OURS}/**/*",), damages=DAMAGES, weight=weight)


TARGETS = [
    _target("overwritten run", make_run, overwrite, 1.0),
    _target("resumed run", make_unfinished_run, resume, 1.0),
    _target("results beside a run", make_run, results, 0.5),
    _target("study begun again", make_study, study, 0.5),
    _target("learner saved again", make_learner, learner, 0.5),
    _target("memory saved again", make_memory, memory, 0.5),
]
