"""Robustness of several runs: rows are means over seeds, drops follow from the values, files hold the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from bispike.errors import CheckpointError, ConfigurationError
from bispike.experiments import robustness
from bispike.training import TrainConfig, run_config


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("robust")
    asked = {"bsd-seed0": ("bsd", 0), "bsd-seed1": ("bsd", 1), "backprop-seed0": ("backprop", 0)}
    for name, (rule, seed) in asked.items():
        config = TrainConfig(
            rule=rule,
            seed=seed,
            model_options={"widths": [16]} if rule == "backprop" else {"widths": [16], "time_steps": 2},
            epochs=2,
            limit=300,
            batch_size=32,
            lr=1e-2,
            threads=1,
            validation=0.1,
        )
        run_config(config, out=folder / name, progress="none")
    return {name: folder / name for name in asked}


def test_rows_are_means_over_seeds(runs: dict[str, Path], tmp_path: Path) -> None:
    rows, measured = robustness.robust_rows([*runs.values()], samples=100)
    assert [(row.name, len(row.runs), row.activity) for row in rows] == [("bsd", 2, "spikes"), ("backprop", 1, "rates")]
    first, second = measured[:2]
    assert rows[0].clean == pytest.approx((first["clean"] + second["clean"]) / 2)
    every = first["corruptions"]["blur"] + second["corruptions"]["blur"]
    assert rows[0].corruptions["blur"] == pytest.approx(sum(every) / 10)
    assert len(rows[0].spike_loss) == 5
    lost = sum(rows[0].spike_loss) / 5
    assert rows[0].spike_drop == pytest.approx(1 - lost / rows[0].clean)
    files = robustness.write_robustness(rows, measured, tmp_path, split="test")
    assert json.loads(Path(files["json"]).read_text())["rows"][0]["clean"] == rows[0].clean
    table = Path(files["markdown"]).read_text().splitlines()
    assert table[0].strip("| ").split(" | ") == robustness.headings(rows)
    assert table[2].startswith(f"| bsd | 2 | {100 * rows[0].clean:.1f} |")
    with Image.open(files["picture"]) as image:
        assert image.width > 600
    assert robustness.robust_rows([*runs.values()], samples=100)[0] == rows


def test_runs_of_one_rule_with_other_settings_are_rows_named_by_folder(runs: dict[str, Path], tmp_path: Path) -> None:
    other = shutil.copytree(runs["bsd-seed1"], tmp_path / "longer-seed1")
    settings = (other / "config.toml").read_text().replace("lr = 0.01", "lr = 0.02")
    (other / "config.toml").write_text(settings)
    rows, _ = robustness.robust_rows([runs["bsd-seed0"], other], samples=20, split="validation")
    assert [row.name for row in rows] == ["bsd", "longer"]


def test_what_cannot_be_measured_is_named(runs: dict[str, Path]) -> None:
    for paths, samples in (([], 10), ([runs["bsd-seed0"]] * 2, 10), ([runs["bsd-seed0"]], 0)):
        with pytest.raises(ConfigurationError):
            robustness.robust_rows(paths, samples=samples)


def test_all_runs_are_opened_before_the_first_is_measured(
    runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[object] = []
    monkeypatch.setattr(robustness, "damaged_accuracies", lambda *received: measured.append(received))
    with pytest.raises(CheckpointError):
        robustness.robust_rows([runs["bsd-seed0"], tmp_path / "no run"])
    assert not measured
