"""A verb is one file: a module outside the package adds one, and the command line treats it as its own."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bispike.cli import _verbs, register_verb
from bispike.errors import ConfigurationError

from .conftest import bispike

VERB = '''
import click
from bispike.cli import Answer
from bispike.cli._options import json_option

@click.command("greet")
@click.argument("name")
@json_option
def command(name: str) -> Answer:
    """Greet NAME."""
    print("on the way")
    return Answer({"greeted": name}, f"Hello {name}!")
'''


@pytest.fixture
def greet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "greeting_verb.py").write_text(VERB)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(_verbs, "_added", {})
    register_verb("greet", "greeting_verb")
    yield "greeting_verb"
    sys.modules.pop("greeting_verb", None)


def test_a_verb_from_outside_is_listed_and_called(greet: str) -> None:
    assert greet not in sys.modules
    assert "Greet NAME." in bispike("--help").out
    called = bispike("greet", "Ada")
    assert (called.status, called.out) == (0, "on the way\nHello Ada!\n")
    assert bispike("greet").status == 2


def test_json_is_one_object_whatever_the_verb_prints(greet: str) -> None:
    called = bispike("greet", "Ada", "--json")
    assert called.json == {"greeted": "Ada"}
    assert "on the way" in called.err


def test_a_name_is_given_once(greet: str) -> None:
    register_verb("greet", greet)
    for name in ("greet", "train"):
        with pytest.raises(ConfigurationError, match=name):
            register_verb(name, "other")


def test_an_unknown_verb_is_an_error_with_a_suggestion(greet: str) -> None:
    for words, near in ((["gret"], "greet"), (["trian"], "train"), (["study", "memry"], "memory")):
        called = bispike(*words)
        assert called.status == 2
        assert f"did you mean '{near}'" in called.err


def test_every_module_of_the_folder_is_a_verb() -> None:
    folder = Path(str(_verbs.__file__)).parent
    files = {path.stem for path in folder.glob("[!_]*.py")} | {
        path.parent.name for path in folder.glob("*/__init__.py")
    }
    assert {name.replace("-", "_") for name in _verbs.verbs(_verbs.PACKAGE)} == files
    for name, module in _verbs.verbs(_verbs.PACKAGE).items():
        assert importlib.import_module(module).command.name == name
