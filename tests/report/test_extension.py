"""A section of the report is one file: a module outside the package adds one, and `write_report` shows it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from bispike.config.train_config import TrainConfig
from bispike.report import registry, sections, write_report
from bispike.report.registry import sections_of
from bispike.training import load_run, run_config

from .makers import digits, record
from .reading import Page

SECTION = """
import torch
from bispike.report import section
from bispike.report.html import tag

def brightest(run):
    return float(run.dataset.test.stimuli.max())

@section("Weights", order=55, applies=lambda record: record.config["rule"] == "frozen")
def weights(run):
    weight = run.record.network.layers[0].up.synapse.weight
    return tag("p", f"first layer {list(weight.shape)}, brightest {run.measure(brightest)}")
"""


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sections_of(record())  # all sections of the package are registered
    monkeypatch.setattr(registry, "registered", [*registry.registered])
    (tmp_path / "weights_section.py").write_text(SECTION)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("weights_section")
    sys.modules.pop("weights_section")


@pytest.mark.usefixtures("weights")
def test_a_section_from_outside_is_shown_in_its_place_for_its_runs(tmp_path: Path) -> None:
    for rule in ("frozen", "bptt"):
        options = {"model_options": {"widths": [12]}, "epochs": 1, "limit": 100, "rule": rule}
        run_config(TrainConfig(dataset="digits", **options), out=tmp_path / rule, progress=None)  # type: ignore[arg-type]
    page = Page(write_report([tmp_path / "frozen"], tmp_path / "report.html").read_text())
    assert page.faults == []
    after_health = page.headings[page.headings.index("Health") + 1]
    assert after_health == "Weights"
    shape = load_run(tmp_path / "frozen").network.layers[0].up.synapse.weight.shape
    assert f"first layer {list(shape)}, brightest {float(digits().test.stimuli.max())}" in page.text
    assert any("weights" in (link["href"] or "") for link in page.all("a"))
    other = Page(write_report([tmp_path / "bptt"], tmp_path / "other.html").read_text())
    assert "Weights" not in other.headings


def test_every_file_of_the_folder_is_a_section() -> None:
    sections_of(record())
    files = {path.stem for path in Path(str(sections.__file__)).parent.glob("[!_]*.py")}
    made = [one for one in registry.registered if one.build.__module__.startswith(sections.__name__)]
    assert sorted(one.build.__module__.rpartition(".")[2] for one in made) == sorted(files)
