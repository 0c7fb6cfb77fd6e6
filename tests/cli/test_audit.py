"""`bispike audit`: of rules by name, of a run, and what is refused."""

from __future__ import annotations

import html
import json
import shutil
from pathlib import Path

import pytest

from bispike.report import write_report

from .conftest import bispike

CRITERIA = ["C1", "C2", "C3", "C4", "C5"]


def test_a_rule_is_audited_with_its_options() -> None:
    called = bispike("audit", "--rule", "bsd", "--set", "top_loss=reco", "centre=none", "--batch-size", 1, "--json")
    assert called.status == 0, called.err
    found = called.json
    assert list(found["criteria"]) == CRITERIA
    assert all(
        verdict["holds"] is True and verdict["measured"] and verdict["how"] for verdict in found["criteria"].values()
    )
    assert found["options"]["centre"] == "none"
    assert found["batch"] == 1


def test_several_rules_stand_in_a_table_that_fits_a_terminal() -> None:
    called = bispike("audit", "--rule", "fa,bptt", "--model", "mlp-small", "--set", "widths=[20,16]")
    assert called.status == 0, called.err
    assert max(len(line) for line in called.out.splitlines()) <= 100
    head, _, first, measured = called.out.splitlines()[:4]
    assert head.split() == ["rule", *CRITERIA]
    assert first.split() == ["fa", "yes", "no", "no", "no", "no"]
    assert "network" in measured
    assert "no*" in called.out  # papers grant spikes to backpropagation through time


def test_a_run_is_audited_as_trained_and_its_report_shows_it(trained: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    called = bispike("audit", run, "--json")
    assert called.status == 0, called.err
    assert called.json["run"] == str(run)
    assert called.json["data"] == "digits"
    kept = json.loads((run / "audit.json").read_text())
    assert kept["criteria"] == called.json["criteria"]
    page = write_report([run], tmp_path / "report.html").read_text()
    assert "C2 local plasticity" in page
    assert html.escape(kept["criteria"]["C2"]["finding"]) in page
    (run / "audit.json").write_text("{")  # damaged: the report does without
    assert "C2 local" not in write_report([run], tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--rule", "bds"],
        ["--rule", "bsd", "--set", "no_such_key=1"],
        ["--rule", "bsd", "--model", "no-such-model"],
        ["nowhere"],
        ["one", "two"],
        ["nowhere", "--set", "strength=1"],
        ["--rule", "bsd", "--batch-size", "0"],
    ],
)
def test_a_mistake_is_said_without_a_traceback(words: list[str]) -> None:
    called = bispike("audit", *words)
    assert called.status == 2
    assert called.err.startswith("error:")
    assert "Traceback" not in called.err


def test_a_run_and_a_rule_are_not_audited_together() -> None:
    called = bispike("audit", "--rule", "bsd", "runs/one")
    assert called.status == 2
    assert "expected one RUN or --rule R, received both: runs/one and --rule bsd" in called.err
