"""Another package adds a training setting with one line; everything that knows settings then knows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import bispike
from bispike import config, data, models
from bispike.cli._app import app
from bispike.config.differences import differences
from bispike.config.reference import page
from bispike.config.resolve import Request, resolve
from bispike.config.train_config import REGISTERED, TrainConfig, from_dict, read_config
from bispike.errors import ConfigurationError
from bispike.settings import FRACTION, at_least

MODULE = """
from bispike import config
from bispike.settings import FRACTION

config.register_setting("dropout", 0.25, FRACTION, "share of the units that are silenced")
config.register_setting("tag", None, None, "a note on the run", annotation="str | None", incidental=True)
"""
TINY: dict[str, Any] = {"model_options": {"widths": [12], "time_steps": 2}, "limit": 120, "epochs": 1}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the module of another package, which is imported."""
    (tmp_path / "stranger.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    __import__("stranger")
    yield tmp_path
    del sys.modules["stranger"]
    REGISTERED.clear()


def saved(run: Path) -> dict[str, Any]:
    """The table of registered settings in a run's config.toml."""
    return dict(tomllib.loads((run / "config.toml").read_text())["extra"])


def test_a_run_of_settings_holds_it(package: Path) -> None:
    run = bispike.training.run_config(from_dict({**TINY, "dropout": 0.5}), out=package / "run", progress="none")
    assert run.config.extra == {"dropout": 0.5, "tag": None}
    assert saved(package / "run")["dropout"] == 0.5
    assert read_config(package / "run") == run.config


def test_fit_takes_it_and_fills_in_the_default(package: Path) -> None:
    digits = data.load("digits")
    net = models.mlp(digits.stimulus, [12], digits.concept, time_steps=2)
    run = bispike.fit(net, "bsd", digits, epochs=1, limit=120, tag="first", progress="none")
    assert run.config.extra == {"dropout": 0.25, "tag": "first"}


def test_the_command_line_takes_it_and_compares_it_when_resuming(package: Path) -> None:
    out = package / "run"
    words = ["train", "--set", "widths=[12]", "--limit", "120", "--epochs", "1", "--time-steps", "2", "--out", str(out)]
    first = CliRunner().invoke(app, [*words, "--set", "dropout=0.5", "tag=a"])
    assert first.exit_code == 0, first.stderr
    assert saved(out) == {"dropout": 0.5, "tag": "a"}
    again = CliRunner().invoke(app, [*words, "--resume", "--set", "dropout=0.75"])
    assert again.exit_code == 2
    assert "dropout: 0.5 -> 0.75" in again.stderr
    same = CliRunner().invoke(app, [*words, "--resume", "--set", "dropout=0.5", "tag=b"])
    assert same.exit_code == 0, same.stderr


def test_wrong_values_are_listed_with_all_others(package: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve(Request({}, [("dropout", "much"), ("dropuot", "1")]))
    assert caught.value.problems[0] == "dropout: expected a number, received 'much'."
    assert "did you mean 'dropout'" in caught.value.problems[1]
    with pytest.raises(ConfigurationError, match=r"dropout: expected a number in \[0, 1\], received 1\.5"):
        bispike.training.validate(from_dict({"dropout": 1.5}))


def test_the_lists_hold_it(package: Path) -> None:
    described = {row["name"]: row for row in config.describe_options("training")}
    assert described["dropout"]["meaning"] == "share of the units that are silenced"
    assert (described["tag"]["type"], described["tag"]["default"]) == ("text or none", None)
    assert "share of the units that are silenced" in page()
    listed = CliRunner().invoke(app, ["train", "--settings", "--json"])
    assert "dropout" in {row["name"] for row in json.loads(listed.stdout)["settings"]}


def test_a_run_from_before_the_setting_had_its_default(package: Path) -> None:
    before = {name: value for name, value in TrainConfig().to_dict().items() if name != "extra"}
    assert differences(before, TrainConfig()) == []
    assert differences({**before, "extra": {}}, from_dict({"dropout": 0.5})) == ["dropout: 0.25 -> 0.5"]


def test_a_run_is_read_where_the_package_is_missing(package: Path) -> None:
    """To evaluate a run it is enough; to train with the setting the package has to be imported."""
    bispike.training.run_config(from_dict({**TINY, "dropout": 0.5}), out=package / "run", progress="none")
    script = f"""
        import bispike
        run = bispike.load_run({str(package / "run")!r})
        assert run.config.extra["dropout"] == 0.5
        try:
            bispike.training.validate(run.config)
        except bispike.errors.ConfigurationError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert "dropout: expected a setting that an imported package has registered" in done.stdout


def called(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, where the packages in a folder are installed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    command = [sys.executable, "-m", "bispike", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_the_command_line_imports_what_installed_packages_name(tmp_path: Path) -> None:
    (tmp_path / "stranger.py").write_text(MODULE)
    information = tmp_path / "stranger-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1\n")
    (information / "entry_points.txt").write_text("[bispike.packages]\nstranger = stranger\n")
    listed = called(tmp_path, "train", "--settings", "--json")
    assert "dropout" in {row["name"] for row in json.loads(listed.stdout)["settings"]}
    (tmp_path / "stranger.py").write_text("import no_such_module\n")
    broken = called(tmp_path, "train", "--settings")
    assert broken.returncode == 2
    assert "package 'stranger'" in broken.stderr
    assert "Traceback" not in broken.stderr


@pytest.mark.parametrize("name", ["lr", "not a name"])
def test_a_name_is_new_and_an_identifier(name: str) -> None:
    with pytest.raises(ConfigurationError, match="expected a new name"):
        config.register_setting(name, 1)


def test_the_default_must_fit() -> None:
    with pytest.raises(ConfigurationError, match="size: expected at least 1, received 0"):
        config.register_setting("size", 0, at_least(1))
    with pytest.raises(ConfigurationError, match="share: expected a number in"):
        config.register_setting("share", 2.0, FRACTION)
    assert not REGISTERED
