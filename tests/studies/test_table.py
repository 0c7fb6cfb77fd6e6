"""The table of a study: means and sample deviations, empty cells for unknown values, text that needs escaping."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bispike.analysis import Operations
from bispike.config.resolve import Request
from bispike.config.train_config import TrainConfig
from bispike.studies import rows as study_rows
from bispike.studies import tables, write_study
from bispike.studies.criteria import marks
from bispike.studies.notes import WITHOUT_KERNELS, notes_of
from bispike.studies.study import Cell, Outcome, compare_cells, rule_names


def outcome(row: str, seed: int, test: float | None, **more: Any) -> Outcome:
    cell = Cell(row, TrainConfig(seed=seed), f"{row}-seed{seed}")
    if test is None:
        return Outcome(cell, Path(cell.name), failure="diverged")
    summary = {"test": test, "metric": "accuracy", "seed": seed, "parameters": 9, "spike_rate": [test, 0.5], **more}
    return Outcome(cell, Path(cell.name), summary)


def shown(row: study_rows.TableRow) -> dict[str, str]:
    return dict(zip(tables.headings(wide=True), tables.cells(row, wide=True), strict=True))


def test_spread_is_the_sample_deviation_and_unknown_for_one_seed() -> None:
    rows = study_rows.aggregate([outcome("a", 0, 0.2), outcome("a", 1, 0.4), outcome("b", 0, 0.9)])
    assert [row.row for row in rows] == ["a", "b"]
    assert rows[0].mean == pytest.approx(0.3)
    assert rows[0].spread == pytest.approx(0.02**0.5)
    assert rows[0].spike_rate == pytest.approx([0.3, 0.5])
    assert rows[0].firing == pytest.approx(40.0)
    assert replace(rows[0], activity="rates").firing is None
    assert rows[1].spread is None


def test_failed_and_unknown_values_stay_empty() -> None:
    outcomes = [outcome("a", 0, None), outcome("b", 0, 0.5, step_ms=None, validation=0.25), outcome("b", 1, None)]
    failed, half = study_rows.aggregate(outcomes)
    assert (failed.mean, failed.seeds, failed.failed) == (None, [], 1)
    assert {k: v for k, v in shown(failed).items() if v} == {"row": "a", "activity": "spikes", "seeds": "0 of 1"}
    found = shown(half)
    assert (found["test %"], found["± sd"], found["seeds"]) == ("50.00", "", "1 of 2")
    assert (found["validation %"], found["step ms"]) == ("25.00", "")
    assert [entry["message"] for entry in study_rows.failures(outcomes)] == ["diverged", "diverged"]


def test_costs_and_criteria_reach_the_rows() -> None:
    costs = {"a-seed0": Operations(accumulates=1000), "a-seed1": Operations(multiplies=3000, multiplies_nonzero=1000)}
    measured = study_rows.Measured(costs, {"a": {"C1": True, "C2": False, "C3": True, "C4": True, "C5": False}})
    outcomes = [outcome("a", 0, 0.5), outcome("a", 1, 0.5)]
    row = study_rows.aggregate(outcomes, measured)[0]
    assert row.synaptic_operations == pytest.approx(2000)
    assert row.energy_nj == pytest.approx((0.9 + 3 * 4.6) / 2)
    assert row.energy_nj_nonzero == pytest.approx((0.9 + 4.6) / 2)
    assert shown(row)["criteria"] == "1 · 3 4 ·"
    runs = study_rows.run_rows(outcomes, measured)
    assert [run["synaptic_operations"] for run in runs] == [1000, 3000]
    assert runs[0]["criteria"]["C2"] is False
    assert marks(None) == ""


def test_rows_are_sorted_on_request_and_failures_come_last() -> None:
    rows = study_rows.aggregate(
        [outcome("a", 0, 0.2), outcome("b", 0, None), outcome("c", 0, 0.0), outcome("d", 0, 0.9)]
    )
    assert [row.row for row in tables.ordered(rows, "accuracy")] == ["d", "a", "c", "b"]
    assert tables.ordered(rows, "given") == rows


def test_where_nothing_was_tested_validation_decides(tmp_path: Path) -> None:
    outcomes = [outcome("a", 0, None)]
    for row, values in {"b": (0.2, 0.4), "c": (0.8, 0.9)}.items():
        for seed, value in enumerate(values):
            one = outcome(row, seed, 0.0, validation=value)
            outcomes.append(replace(one, summary={**(one.summary or {}), "test": None}))
    rows = study_rows.aggregate(outcomes)
    assert study_rows.deciding_data(rows) == "validation"
    assert [row.row for row in tables.ordered(rows, "accuracy")] == ["c", "b", "a"]
    found = shown(rows[1])
    assert (found["test %"], found["validation %"], found["± sd"]) == ("", "30.00", "14.14")
    assert [row.values for row in study_rows.with_deciding_data(rows)] == [[], [0.2, 0.4], [0.8, 0.9]]
    assert any("not used" in note for note in notes_of(outcomes, rows))
    written = write_study(outcomes, tmp_path, title="which?")
    assert written.notes[0] == "which?"
    assert (tmp_path / "accuracy.png").is_file()


def test_texts_cannot_break_the_files() -> None:
    rows = study_rows.aggregate([outcome("k=a|b", 0, 0.5)])
    assert tables.as_markdown(rows).splitlines()[2].startswith("| k=a\\|b | spikes |  | 50.00 |")
    assert tables.as_csv([{"row": 'a,"b"', "rates": [1, 2], "none": None}]) == 'row,rates,none\n"a,""b""","[1, 2]",\n'


@pytest.mark.parametrize("character", ["[", "*"])
def test_a_name_is_no_argument_of_the_line_before_it(character: str) -> None:
    """LaTeX reads `\\\\ *` and `\\\\ [` as one command with an argument."""
    rows = study_rows.aggregate([outcome(f"{character}x", 0, 0.5)])
    assert f"\n{{{character}}}x & " in tables.as_latex(rows)


HOSTILE = "=1+1<script>|\x1b[2J\u202e\n\udcff"


def test_a_hostile_row_acts_in_no_table() -> None:
    rows = study_rows.aggregate([outcome(HOSTILE, 0, 0.5)])
    markdown, latex = tables.as_markdown(rows, [HOSTILE]), tables.as_latex(rows, [HOSTILE])
    text = tables.as_csv([{"row": HOSTILE, "test": -0.5, "options": {"a": HOSTILE}}])
    for made in (markdown, latex, text):
        assert not {*"\x1b\u202e\udcff"} & {*made}
    assert len(markdown.splitlines()) == 5
    assert "<" not in markdown
    assert text.splitlines()[1].startswith("'=1+1")
    assert ",-0.5," in text.splitlines()[1]
    assert len(text.splitlines()) == 2


def test_latex_table_has_as_many_cells_as_columns() -> None:
    rows = study_rows.aggregate([outcome("[x]_&", 0, 0.5), outcome("b", 0, None)])
    lines = tables.as_latex(rows, ["a note\nof 100 %"]).splitlines()
    assert lines[1] == "% a note of 100 %"
    columns = lines[2].split("{")[2].rstrip("}")
    body = [line for line in lines if line.endswith("\\\\")]
    assert len(body) == 3
    assert all(line.replace("\\&", "").count("&") == len(columns) - 1 for line in body)
    assert body[1].startswith("{[}x]\\_\\& & ")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"native": False, "device": "cpu"}, True),
        ({"native": True, "device": "cpu"}, False),
        ({"native": False, "device": "cuda"}, False),
        ({}, False),
    ],
)
def test_a_run_without_compiled_kernels_is_told(more: dict[str, Any], told: bool) -> None:
    outcomes = [outcome("a", 0, 0.5), outcome("b", 0, 0.5, **more), outcome("c", 0, None)]
    assert (WITHOUT_KERNELS in notes_of(outcomes, study_rows.aggregate(outcomes))) is told


def test_the_terminal_table_fits_100_columns() -> None:
    row = study_rows.aggregate([outcome("forward-forward", seed, None) for seed in range(3)])[0]
    full = replace(
        row, mean=0.8888, spread=0.0123, seeds=[0, 1], failed=1, step_ms=123.45, peak_memory_mb=1234,
        synaptic_operations=1.5e6, energy_nj=6789.0, criteria=dict.fromkeys(("C1", "C2", "C3", "C4", "C5"), True),
    )  # fmt: skip
    heads, values = tables.headings(wide=False), tables.cells(full, wide=False)
    assert sum(max(len(h), len(v)) for h, v in zip(heads, values, strict=True)) + 3 * (len(heads) - 1) <= 100


def test_notes_say_how_each_rule_was_trained_and_what_was_equal() -> None:
    cells = compare_cells(Request({"dataset": "digits"}), ["bptt", "fa"], 1)
    moved = replace(cells[1], config=replace(cells[1].config, lr=0.1, optimizer="sgd", schedule="constant"))
    outcomes = [Outcome(cell, Path(cell.name), failure="diverged") for cell in (cells[0], moved)]
    notes = notes_of(outcomes, study_rows.aggregate(outcomes))
    assert "dataset digits" in notes[0]
    assert "first weights" in notes[0]
    assert "trained with adam, lr 0.001, cosine: bptt." in notes
    assert "trained with sgd, lr 0.1, constant: fa." in notes
    assert any("rate network" in note for note in notes)
    assert "failed: fa, seed 0: diverged" in notes
    wider = replace(cells[1], config=replace(cells[1].config, model_options={"widths": [3]}, dataset="other"))
    notes = notes_of([outcomes[0], replace(outcomes[1], cell=wider)], study_rows.aggregate(outcomes))
    assert "dataset" not in notes[0]
    assert "first weights" not in notes[0]


def test_all_stands_for_every_rule() -> None:
    from bispike.rules import registry

    assert rule_names("all") == list(registry)
    assert rule_names("bsd,fa") == ["bsd", "fa"]


def test_a_study_in_which_all_failed_still_has_its_tables(tmp_path: Path) -> None:
    found = write_study([outcome("a", 0, None), outcome("b", 0, None)], tmp_path, title="nothing")
    assert {Path(path).name for path in found.files.values()} == {
        "table.md",
        "table.tex",
        "runs.csv",
        "results.json",
        "accuracy.png",
    }
    assert len(json.loads((tmp_path / "results.json").read_text())["failed"]) == 2
