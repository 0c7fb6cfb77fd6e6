"""Runs of somebody else: their settings open no file and cause no download unless the user asks for it."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from bispike import data
from bispike.cli._app import app
from bispike.config.train_config import TrainConfig
from bispike.data import catalogue
from bispike.experiments.analysis import analyse_run
from bispike.experiments.audit import audit_run
from bispike.experiments.robustness import robust_rows
from bispike.report import write_report
from bispike.runs.marker import MARKER, RUN, mark
from bispike.runs.origin import KEY, origin_of, sign
from bispike.runs.source import ForeignDataError, open_data
from bispike.training import run_config
from bispike.training.evaluation import evaluate_run

REFUSED = r"not known to be a run of yours.*Its settings name (.*) as its data set; nothing was opened.*--trust"


def train(dataset: str, out: Path, progress: str | None = None, **settings: Any) -> Path:
    options = {"widths": [4], "time_steps": 2}
    config = TrainConfig(dataset=dataset, model_options=options, epochs=1, validation=0.1, **settings)
    run_config(config, out=out, progress=progress)
    return out


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of the user."""
    path = tmp_path_factory.mktemp("mine") / "mine.npz"
    draws = np.random.default_rng(0)
    np.savez(path, x=draws.normal(size=(120, 6)), y=np.arange(120) % 3)
    return path


@pytest.fixture(scope="module")
def trained(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the user on it."""
    return train(str(table), tmp_path_factory.mktemp("runs") / "own")


@pytest.fixture
def own(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "own"))


@pytest.fixture
def foreign(own: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The same run on the machine of somebody else, who has another key."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "somebody"))
    other = tmp_path / "somebody's"
    other.mkdir()
    mark(other, RUN, [])
    sign(other, {"dataset": "digits"})  # makes the key
    return own


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every data set that is opened."""
    seen: list[str] = []
    load = data.load

    def noted(name: Any, **options: Any) -> Any:
        seen.append(str(name))
        return load(name, **options)

    monkeypatch.setattr(data, "load", noted)
    return seen


# ------------------------------------------------------------------ one's own runs


def test_ones_own_run_opens_its_data_silently(own: Path, table: Path) -> None:
    assert evaluate_run(own)["notes"] == list(data.load(table).notes)
    assert origin_of(own, TrainConfig(dataset=str(table)).to_dict()).is_own
    assert not origin_of(own, TrainConfig(dataset="digits").to_dict()).is_own


def test_a_later_result_in_the_folder_leaves_the_origin(own: Path) -> None:
    audit_run(own)  # names a file in the marker
    assert evaluate_run(own)["samples"] == 24


def test_the_key_is_private(own: Path) -> None:
    key = Path(os.environ["XDG_STATE_HOME"]) / "bispike" / KEY
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert len(key.read_bytes()) == 32


# ------------------------------------------------------------------ runs of somebody else

USES: dict[str, Callable[[Path], Any]] = {
    "evaluate": evaluate_run,
    "audit": audit_run,
    "analyse": lambda run: analyse_run(run, samples=10),
    "robustness": lambda run: robust_rows([run], samples=10),
}


@pytest.mark.parametrize("use", USES)
def test_a_path_that_somebody_elses_run_names_is_not_opened(
    use: str, foreign: Path, table: Path, opened: list[str]
) -> None:
    with pytest.raises(ForeignDataError, match=REFUSED) as caught:
        USES[use](foreign)
    assert str(table) in str(caught.value)
    assert str(table) not in opened


def test_the_user_may_trust_it_or_give_data(foreign: Path, table: Path) -> None:
    assert evaluate_run(foreign, trust=True)["samples"] == 24
    assert evaluate_run(foreign, dataset=str(table))["samples"] == 24


def test_a_report_on_somebody_elses_run_does_without_its_data(foreign: Path, table: Path, opened: list[str]) -> None:
    page = write_report([foreign], foreign / "report.html").read_text(encoding="utf-8")
    assert "not known to be a run of yours" in page
    assert str(table) not in opened
    page = write_report([foreign], foreign / "report.html", trust=True).read_text(encoding="utf-8")
    assert "not known to be a run of yours" not in page


def test_somebody_elses_run_is_not_resumed_on_its_data(foreign: Path, tmp_path: Path, opened: list[str]) -> None:
    (foreign / "summary.json").unlink()
    with pytest.raises(ForeignDataError, match=REFUSED):
        run_config(None, out=foreign, resume=True, progress=None)
    assert opened == []
    assert run_config(None, out=foreign, resume=True, trust=True, progress=None).summary["test_samples"] == 24
    assert evaluate_run(foreign)["samples"] == 24, "a run that the user has resumed is the user's own"


@pytest.mark.parametrize("setting", ["dataset", "data_root"])
def test_settings_that_were_changed_make_it_somebody_elses(own: Path, setting: str, opened: list[str]) -> None:
    config = own / "config.toml"
    text = config.read_text(encoding="utf-8")
    changed = {
        "dataset": text.replace("mine.npz", "else.npz"),
        "data_root": text.replace("dataset =", 'data_root = "/elsewhere"\ndataset =', 1),
    }
    config.write_text(changed[setting], encoding="utf-8")
    with pytest.raises(ForeignDataError, match="its settings were changed"):
        evaluate_run(own)
    assert opened == []


def test_a_run_that_says_nothing_is_somebody_elses(own: Path) -> None:
    marker = json.loads((own / MARKER).read_text())
    (own / MARKER).write_text(json.dumps({key: value for key, value in marker.items() if key != "origin"}))
    with pytest.raises(ForeignDataError, match=r"\(its marker names no origin\)"):
        evaluate_run(own)


def test_embedded_data_are_always_used(tmp_path: Path) -> None:
    assert open_data(tmp_path, {"dataset": "digits"}).name == "digits"


def test_a_published_set_is_read_with_a_note_and_never_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []
    monkeypatch.setattr(catalogue, "fetch_file", lambda *address, **options: fetched.append(str(address)))
    monkeypatch.setenv("BISPIKE_DATA", str(tmp_path / "data"))
    settings = {"dataset": "tinyshakespeare", "data_root": str(tmp_path / "hostile"), "data_options": {"window": 3}}
    hostile = tmp_path / "hostile" / "tinyshakespeare"
    hostile.mkdir(parents=True)
    (hostile / "input.txt").write_text("a place that only the settings of the run name; " * 9)
    with pytest.raises(ForeignDataError, match=r"not on this machine \('bispike data fetch tinyshakespeare'\)"):
        open_data(tmp_path, settings)
    place = tmp_path / "data" / "tinyshakespeare"
    place.mkdir(parents=True)
    (place / "input.txt").write_text("abcdefghij " * 30)
    notes: list[str] = []
    assert open_data(tmp_path, settings, note=notes.append).concept.classes == 11
    assert notes == [
        f"{tmp_path}: is not known to be a run of yours (its marker names no origin); its data set 'tinyshakespeare' "
        f"is read from {place}."
    ]
    assert fetched == []


def test_only_the_user_lifts_the_limit_of_memory(table: Path, tmp_path: Path) -> None:
    settings = {"dataset": "other.npz", "data_root": None, "data_options": {"memory_limit": 1e-9}}
    assert open_data(tmp_path, settings, dataset=str(table)).concept.classes == 3


# ------------------------------------------------------------------ without a key


@pytest.mark.parametrize("how", ["no folder", "open to others", "a link", "cut"])
def test_without_a_private_key_every_run_is_somebody_elses(
    how: str, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    key = state / "bispike" / KEY
    if how == "no folder":
        state.write_text("a file")
    else:
        key.parent.mkdir(parents=True)
        key.write_bytes(bytes(7 if how == "cut" else 32))
        key.chmod(0o644 if how == "open to others" else 0o600)
        if how == "a link":
            key.rename(tmp_path / "key")
            key.symlink_to(tmp_path / "key")
    out = train(str(table), tmp_path / "run", progress="plain")
    assert "there is no key of this user in" in capsys.readouterr().err
    with pytest.raises(ForeignDataError, match=r"there is no key of this user in .*state/bispike \("):
        evaluate_run(out)


def test_the_command_line_asks_too(foreign: Path) -> None:
    refused = CliRunner().invoke(app, ["evaluate", str(foreign)])
    assert refused.exit_code == 2
    assert CliRunner().invoke(app, ["evaluate", str(foreign), "--trust"]).exit_code == 0
