"""The cells of a study follow from what was asked."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from bispike import data
from bispike.config.resolve import Request
from bispike.config.train_config import CONFIG_FILE, write_config
from bispike.errors import CheckpointError, ConfigurationError, UserError, WorkError
from bispike.files import make_folder
from bispike.runs.marker import STUDY, claim
from bispike.studies.costs import inference_costs
from bispike.studies.jobs import LOGS
from bispike.studies.results import write_study
from bispike.studies.study import CELLS, FILES, Cell, ablate_cells, compare_cells, run_study, split_values
from bispike.training import run_config


def test_compare_has_a_cell_for_each_rule_and_seed() -> None:
    cells = compare_cells(Request({"seed": 5}, [("contrast", "batch")]), ["bsd", "bptt"], 2)
    assert [(cell.row, cell.config.rule, cell.config.seed) for cell in cells] == [
        ("bsd", "bsd", 5),
        ("bsd", "bsd", 6),
        ("bptt", "bptt", 5),
        ("bptt", "bptt", 6),
    ]
    assert len({cell.name for cell in cells}) == 4
    assert cells[0].config.rule_options == {"contrast": "batch"}
    assert cells[2].config.rule_options == {}


def test_ablate_changes_one_setting_only() -> None:
    cells = ablate_cells(Request({}), ["strength=0.05,0.1"], 1)
    assert [cell.config.rule_options["strength"] for cell in cells] == [0.05, 0.1]
    assert [cell.row for cell in cells] == ["strength=0.05", "strength=0.1"]
    assert cells[0].config.to_dict() | {"rule_options": {}} == cells[1].config.to_dict() | {"rule_options": {}}


def test_ablate_over_rules_and_models_leaves_out_what_they_do_not_know() -> None:
    cells = ablate_cells(Request({}, [("strength", "0.3")]), ["rule=bsd,bptt"], 1)
    assert [(cell.config.rule, cell.config.rule_options) for cell in cells] == [
        ("bsd", {"strength": 0.3}),
        ("bptt", {}),
    ]


@pytest.mark.parametrize(
    ("text", "values"),
    [("1,2", ["1", "2"]), ("[64],[128, 64]", ["[64]", "[128, 64]"]), (" a , b,", ["a", "b"]), ("", [])],
)
def test_values_stand_between_commas_outside_brackets(text: str, values: list[str]) -> None:
    assert split_values(text) == values


@pytest.mark.parametrize("over", ["lr", "=1,2", "lr=", "lr=1,1", "nothing=1", "epochs=few"])
def test_a_text_that_is_no_ablation_is_refused(over: str) -> None:
    with pytest.raises(ConfigurationError):
        ablate_cells(Request({}), [over], 1)


def test_several_settings_make_a_grid() -> None:
    cells = ablate_cells(Request({}), ["rule=bsd,bptt", "lr=0.1,0.2"], 1)
    assert [(cell.row, cell.config.rule, cell.config.lr) for cell in cells] == [
        ("rule=bsd, lr=0.1", "bsd", 0.1),
        ("rule=bsd, lr=0.2", "bsd", 0.2),
        ("rule=bptt, lr=0.1", "bptt", 0.1),
        ("rule=bptt, lr=0.2", "bptt", 0.2),
    ]
    assert len({cell.name for cell in cells}) == 4
    with pytest.raises(ConfigurationError, match="lr more than once"):
        ablate_cells(Request({}), ["lr=0.1", "lr=0.2"], 1)


def test_names_of_folders_stay_different_when_characters_are_replaced() -> None:
    cells = ablate_cells(Request({}), ["widths=[1,2],[1],[2]"], 1)
    assert len({cell.name for cell in cells}) == 3


def test_a_study_is_not_for_torchrun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigurationError, match="without torchrun"):
        run_study(compare_cells(Request({}), ["bsd"], 1), tmp_path / "study")


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_ends_a_study_with_the_names_of_its_runs(tmp_path: Path, number: signal.Signals) -> None:
    options = {"dataset": "digits", "model": "mlp", "epochs": 10000, "batch_size": 64}
    cells = compare_cells(Request(options, [("widths", "[4]")]), ["bsd", "frozen"], 1)

    def note(message: str) -> None:
        if message.endswith("started"):
            signal.raise_signal(number)

    before = signal.getsignal(number)
    with pytest.raises(WorkError, match=r"0 of 2 runs had ended \(none\), 1 were saved .* \(bsd-seed0\); the same"):
        run_study(cells, tmp_path / "study", jobs=1, note=note)
    assert signal.getsignal(number) is before


@pytest.mark.parametrize(
    "name", ["table.tex", "runs.csv", "accuracy.png", "cells", "logs", "bsd-seed0", "bispike.json"]
)
def test_a_study_touches_no_folder_of_somebody_else(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    cells = compare_cells(Request({"dataset": "digits"}), ["bsd"], 1)
    with pytest.raises(UserError, match=f"holds {name}, which bispike did not write"):
        run_study(cells, tmp_path)
    if name not in ("cells", "logs", "bsd-seed0"):
        with pytest.raises(UserError, match=f"holds {name}, which bispike did not write"):
            write_study([], tmp_path, title="")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def finished_study(folder: Path) -> list[Cell]:
    """A study whose only run has ended."""
    options = {"dataset": "digits", "model": "mlp", "epochs": 1, "limit": 60}
    cells = compare_cells(Request(options, [("widths", "[4]")]), ["bsd"], 1)
    claim(folder, STUDY, [*FILES, CELLS, LOGS, cells[0].name])
    write_config(make_folder(folder / CELLS / cells[0].name), cells[0].config)
    run_config(cells[0].config, out=folder / cells[0].name)
    return cells


def change(run: Path, before: str, after: str) -> None:
    """Change the settings of a run."""
    text = (run / CONFIG_FILE).read_text()
    assert before in text
    (run / CONFIG_FILE).write_text(text.replace(before, after))


def test_a_finished_run_with_other_settings_is_no_run_of_the_study(tmp_path: Path) -> None:
    cells = finished_study(tmp_path)
    assert run_study(cells, tmp_path)[0].summary is not None
    change(tmp_path / cells[0].name, "lr = 0.001", "lr = 0.5")
    with pytest.raises(CheckpointError, match=r"bsd-seed0: was run with other settings \(lr: 0.5 -> 0.001\)"):
        run_study(cells, tmp_path)


def test_costs_are_measured_on_the_data_that_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = finished_study(tmp_path)
    outcomes = run_study(cells, tmp_path)
    change(tmp_path / cells[0].name, 'dataset = "digits"', 'dataset = "/somewhere/secret.csv"')
    opened, load = [], data.load

    def noted(name: str, **options: Any) -> data.Dataset:
        opened.append(name)
        return load(name, **options)

    monkeypatch.setattr(data, "load", noted)
    assert list(inference_costs(outcomes, tmp_path)) == [cells[0].name]
    assert opened == ["digits"]


def test_settings_of_a_cell_are_not_written_through_a_link(tmp_path: Path) -> None:
    cells = compare_cells(Request({"dataset": "digits"}), ["bsd"], 1)
    study, mine = tmp_path / "study", make_folder(tmp_path / "mine")
    write_config(mine, cells[0].config)
    claim(study, STUDY, [*FILES, CELLS, LOGS, cells[0].name])
    make_folder(study / CELLS)
    (study / CELLS / cells[0].name).symlink_to(mine)
    with pytest.raises(UserError, match="expected a folder of a study, received a link"):
        run_study(cells, study)
