"""`analyse`: what it measures of a run, what it leaves alone, and what the report makes of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bispike.errors import CheckpointError, ConfigurationError
from bispike.experiments.analysis import analyse_run
from bispike.experiments.analysis_files import write_analysis
from bispike.experiments.analysis_tables import analysis_tables
from bispike.report import write_report
from bispike.runs.record import read_run
from bispike.runs.saved_results import read_analysis
from bispike.training import TrainConfig, run_config

from ..report.reading import Page


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("analysed")
    found = {}
    for rule in ("bsd", "fa"):
        config = TrainConfig(
            dataset="digits",
            model="mlp",
            model_options={"widths": [40, 24], "time_steps": 4, "norm": False},
            rule=rule,
            epochs=12,
            lr=5e-3,
            batch_size=64,
            validation=0.1,
            threads=1,
        )
        run_config(config, out=folder / rule, progress="none")
        found[rule] = folder / rule
    return found


@pytest.fixture(scope="module")
def found(runs: dict[str, Path]) -> dict[str, dict[str, Any]]:
    return {rule: analyse_run(path, samples=300) for rule, path in runs.items()}


def test_a_trained_run_is_better_than_chance_in_every_part(found: dict[str, dict[str, Any]]) -> None:
    bsd = found["bsd"]
    for level in bsd["agreement"]:
        assert level["own"] > level["chance"]
        assert level["margin"] > 3 * level["error"]
    for rule, reference in (("bsd", "bptt"), ("fa", "backprop")):
        angles = found[rule]["update_angle"]
        assert angles["reference"] == reference
        readout = next(angle for angle in angles["trained"] if angle["name"] == "readout")
        assert readout["degrees"] < 10
        robust = found[rule]["robustness"]
        assert robust["clean"] > 0.5
        assert robust["corruptions"]["gaussian-noise"][4] < robust["clean"]
        assert robust["spike_loss"]["accuracy"][4] < robust["clean"]
        assert all(0.3 < share <= 1 for share in found[rule]["probe"]["trained"].values())
        assert found[rule]["operations"]["synaptic_operations"] > 64 * 40


def test_feedback_alignment_comes_to_align(found: dict[str, dict[str, Any]]) -> None:
    angles = found["fa"]["update_angle"]
    before, after = ({a["name"]: a["degrees"] for a in angles[key]} for key in ("initial", "trained"))
    assert before["layer1"] > 80
    assert after["layer1"] < before["layer1"] - 5


def test_the_same_seed_gives_the_same_analysis(runs: dict[str, Path], found: dict[str, dict[str, Any]]) -> None:
    again = analyse_run(runs["bsd"], samples=300)
    assert json.dumps(again) == json.dumps(found["bsd"])


def test_tables_have_a_row_for_each_place_and_only_parts_that_exist(found: dict[str, dict[str, Any]]) -> None:
    assert [len(made.rows) for made in analysis_tables(found["bsd"])] == [2, 4, 3, 5]
    assert [len(made.rows) for made in analysis_tables(found["fa"])] == [4, 3, 5]
    for made in [*analysis_tables(found["bsd"]), *analysis_tables(found["fa"])]:
        assert all(len(row) == len(made.head) for row in made.rows)
        widths = [max(map(len, column)) for column in zip(made.head, *made.rows, strict=True)]
        assert sum(widths) + 2 * (len(widths) - 1) <= 100


def test_the_report_shows_an_analysis_of_these_weights_and_no_other(
    runs: dict[str, Path], found: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    run = Path(shutil.copytree(runs["bsd"], tmp_path / "bsd"))
    assert read_run(run).analysis is None
    files = write_analysis(found["bsd"], run)
    assert sorted(files) == ["angles", "json", "pathways", "probe", "robustness"]
    assert all(Path(path).stat().st_size > 500 for path in files.values())
    page = Page(write_report([run], tmp_path / "report.html", samples=50).read_text())
    assert page.faults == []
    assert "Analysis" in page.headings
    assert "Linear separability" in page.text
    written = json.loads((run / "analysis.json").read_text())
    for part in ("agreement", "update_angle", "probe", "robustness", "classes"):
        (run / "analysis.json").write_text(json.dumps({**written, part: [3]}))
        assert read_analysis(run) is None, part
    (run / "analysis.json").write_text(json.dumps(written))
    assert read_analysis(run) == written
    shutil.copy(runs["fa"] / "model.safetensors", run / "model.safetensors")
    assert read_analysis(run) is None


def test_what_cannot_be_analysed_is_named(runs: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="samples"):
        analyse_run(runs["bsd"], samples=1)
    run = Path(shutil.copytree(runs["bsd"], tmp_path / "young"))
    (run / "summary.json").unlink()
    with pytest.raises(CheckpointError, match="has not ended"):
        analyse_run(run)
