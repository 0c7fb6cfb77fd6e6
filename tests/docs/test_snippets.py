"""Every snippet of the documentation is right: Python runs, commands pass the parser and name settings that exist.

Python blocks of a page run one after another with the same names. A command goes through the command line of the
library as a user's would; where it would train, measure or open a run, it ends there, with its settings checked.
"""

from __future__ import annotations

import importlib
import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import click
import pytest

import bispike.rules
from bispike.cli._app import app
from bispike.config.resolve import validate
from bispike.studies.study_file import read_study
from tests.docs import stand_ins
from tests.docs.pages import ROOT, Block, blocks, commands, name_of, pages

LANGUAGES = {"python", "sh", "toml", "text"}
RUNS_AT_ONCE = {"rules", "models", "presets", "data", "data check mine.npz"}
"""Commands that are quick enough to run in full, without the word `bispike`."""
READS_SETTINGS = {"train", "compare", "ablate", "audit", "bench", "presets"}
"""Verbs whose settings are read before the work begins, where they stop; of the others the options are parsed."""
SEAMS = ("training.run_config", "studies.study.run_study", "bench.run.run_suite", "analysis.audit")
"""Functions at which a command stops: whatever comes before them has read all settings."""
NOT_RUN = {
    "docs/mathematics.md": "formulas",
    "docs/glossary.md": "the folder of a run",
    "docs/results/rules.md": "the table that `bispike audit --rule all` prints",
}
"""Pages with `text` blocks, which nothing runs, and what these show."""

EVERY_BLOCK = [block for page in pages() for block in blocks(page)]
COMMANDS = [(place, line) for page in pages() for place, line in commands(page)]
PYTHON_PAGES = sorted({block.page for block in EVERY_BLOCK if block.language == "python"})


class Reached(BaseException):
    """A command got as far as the work itself; passes the command line's own handlers."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder with the files that the pages name."""
    made = tmp_path_factory.mktemp("user")
    stand_ins.write_files(made)
    return made


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Commands run in the user's folder, and stop where the work begins."""
    monkeypatch.chdir(folder)

    def reach(*arguments: Any, **_: Any) -> NoReturn:
        for config in configurations(arguments[0]):
            validate(config)
        raise Reached

    for seam in SEAMS:
        module, name = seam.rsplit(".", 1)
        monkeypatch.setattr(importlib.import_module(f"bispike.{module}"), name, reach)


def configurations(given: Any) -> Iterator[Any]:
    """The settings of a training, or those of all cells of a study; nothing for other work."""
    if isinstance(given, bispike.TrainConfig):
        yield given
    elif isinstance(given, list | tuple):
        yield from (cell.config for cell in given if hasattr(cell, "config"))


def test_every_block_says_what_it_is() -> None:
    assert {block.language for block in EVERY_BLOCK} <= LANGUAGES


def test_blocks_that_cannot_run_are_known() -> None:
    assert {block.page for block in EVERY_BLOCK if block.language == "text"} <= set(NOT_RUN)


@pytest.mark.parametrize("page", PYTHON_PAGES)
def test_python(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page run in their order, in one namespace, and leave no rule behind."""
    monkeypatch.chdir(folder)
    classes = {name: bispike.rules.classes_of(name) for name in bispike.rules.registry}
    monkeypatch.setattr(bispike.rules.rule, "_variants", classes)
    known = dict(bispike.rules.registry)
    stand_ins.shrink_trainings(monkeypatch)
    names: dict[str, Any] = {"__name__": "snippet"}
    stand_ins.PRELUDES.get(page, lambda _: None)(names)
    try:
        for block in EVERY_BLOCK:
            if block.page == page and block.language == "python":
                source = "\n" * (block.line - 1) + block.text  # so that a traceback has the page's line
                exec(compile(source, str(ROOT / page), "exec", dont_inherit=True), names)
    finally:
        bispike.rules.registry.clear()
        bispike.rules.registry.update(known)


def test_preludes_belong_to_pages() -> None:
    assert set(stand_ins.PRELUDES) <= set(PYTHON_PAGES)


@pytest.mark.parametrize("block", [block for block in EVERY_BLOCK if block.language == "toml"], ids=lambda b: b.page)
def test_study_files(block: Block, tmp_path: Path) -> None:
    """A study file on a page reads, and each of its rows has settings that exist."""
    (tmp_path / "study.toml").write_text(block.text, encoding="utf-8")
    study = read_study(tmp_path / "study.toml")
    assert study.rows
    for config in study.rows.values():
        validate(config)


@pytest.mark.parametrize("line", sorted({line for _, line in COMMANDS}))
def test_command(line: str, stopped: None, capsys: pytest.CaptureFixture[str]) -> None:
    """A command of a page, in the words of `run`."""
    place = next(place for place, other in COMMANDS if other == line)
    status = status_of(shlex.split(line, comments=True))
    assert status == 0, f"{place}: {line}\n{capsys.readouterr().err}"


def status_of(words: list[str]) -> int | str | None:
    """Exit status of a command; 0 if it reached the work, or needed no more than to be read."""
    try:
        run(stand_ins.filled(words))
    except SystemExit as end:
        return end.code
    except Reached:
        return 0
    return 0


def run(words: list[str]) -> None:
    """A command by its program: ours, Python with one of our modules, torchrun, make, pytest."""
    words = words[: words.index(">")] if ">" in words else words
    if words[0] == "bispike":
        run_verb(words[1:])
    elif "-m" in words and words[0] in ("python", "torchrun"):
        at = words.index("-m") + 1
        if words[at] == "bispike":
            run_verb(words[at + 1 :])
        elif words[at].startswith("bispike"):
            run_module(words[at], words[at + 1 :])
        else:
            importlib.import_module(words[at])
    elif words[:2] == ["python", "-c"]:
        exec(compile(words[2], "a command of a page", "exec", dont_inherit=True), {})
    elif words[0] == "python":
        assert (ROOT / words[1]).is_file()
    elif words[0] == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert {word for word in words[1:] if "=" not in word} <= set(targets)
    elif words[0] == "pytest":
        assert all((ROOT / word.partition("::")[0]).exists() for word in words[1:] if not word.startswith("-"))
    else:
        raise AssertionError(f"{words[0]}: not a program that the documentation calls")


def run_verb(words: list[str]) -> None:
    """A verb of the command line: in full, up to the work, or the parser alone."""
    opens_a_run = "--resume" in words or (words[0] == "audit" and "--rule" not in words)
    if " ".join(words) in RUNS_AT_ONCE:
        app.main(words)
    elif len(words) == 1:  # the text names a verb
        assert words[0] in app.list_commands(click.Context(app))
    elif words[0] in READS_SETTINGS and not opens_a_run:
        app.main(words)
        raise AssertionError("the command line leaves with an exit status")
    else:
        parse(app, ["bispike", *words])


def run_module(name: str, words: list[str]) -> None:
    """A module that is a program: its parser reads the words; without a parser it takes none."""
    module = importlib.import_module(name)
    if hasattr(module, "__path__"):
        module = importlib.import_module(f"{name}.__main__")
    main = getattr(module, "main", None)
    if isinstance(main, click.Command):
        parse(main, [name, *words])
    else:
        assert not words
        assert "__main__" in inspect.getsource(module)


def parse(command: click.Command, words: list[str]) -> None:
    """Read the words; an unknown verb or option, or a value of the wrong type, raises."""
    while isinstance(command, click.Group):
        inner = command.get_command(click.Context(command), words[1])
        assert inner is not None, f"{words[0]} has no command {words[1]!r}"
        command, words = inner, words[1:]
    with command.make_context(words[0], list(words[1:])):
        pass


def test_commands_are_found() -> None:
    """Commands in blocks, in the text and those that another one completes, each at the line where it stands."""
    readme = {line: place for place, line in COMMANDS if place.startswith("README.md")}
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert "make demo" in {line.partition("#")[0].strip() for line in readme}
    for line, place in readme.items():
        assert line in lines[int(place.partition(":")[2]) - 1]


@pytest.mark.parametrize(
    "line",
    [
        "bispike trian --preset fashion-mlp",
        "bispike train --preset fashion-mpl",
        "bispike train --preset fashion-mlp --epoch-count 3",
        "bispike train --preset fashion-mlp --set strenght=0.1",
        "bispike train --dataset missing.npz",
        "bispike compare --preset mnist-mlp --rules bsd,bpttt",
        "bispike ablate studies/missing.toml",
        "bispike bench --suite slow --out DIR",
        "bispike recall --layers",
        "bispike recall runs/first --color",
        "bispike audit --rule bsd --set top_los=reco",
        "torchrun --nproc-per-node 2 -m bispike train --preset fashion",
    ],
)
def test_wrong_commands_are_caught(line: str, stopped: None) -> None:
    """The check itself can fail: a wrong verb, name, option, key or file does not pass."""
    words = shlex.split(line, comments=True)
    if words[1] in READS_SETTINGS or words[0] == "torchrun":
        assert status_of(words) == 2
    else:  # parsed without the command line's own handlers
        with pytest.raises((click.UsageError, AssertionError)):
            run(words)


def test_pages_are_found() -> None:
    assert {"README.md", "docs/rules.md"} <= {name_of(page) for page in pages()}
