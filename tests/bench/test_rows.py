"""Ratios, quartiles and tables from made-up measurements."""

import json
from pathlib import Path

import pytest

from bispike.bench.results import as_markdown, cells, comparisons, document, settings, write_results
from bispike.bench.rows import paired_ratio, quartiles

from .made_up import made_up_rows


def test_ratios_are_paired_turn_by_turn() -> None:
    assert paired_ratio([1.0, 30.0, 1.2], [2.0, 60.0, 2.0]) == 0.5
    assert paired_ratio([1.0], None) is None
    assert quartiles([1.0, 2.0, 3.0, 4.0, 5.0]) == [2.0, 4.0]
    assert quartiles([7.0]) == [7.0, 7.0]


def test_rows_compare_with_bptt_the_fastest_and_inference() -> None:
    bsd, bptt, norse = made_up_rows()
    assert (bsd["step_ms"], bsd["inference_ms"]) == (10.0, 5.0)
    assert bsd["samples_per_s"] == 400.0
    assert (bsd["ratio_time"], bsd["ratio_fastest"], bsd["ratio_inference"]) == (0.25, 0.5, 2.0)
    assert {row["fastest"] for row in (bsd, bptt, norse)} == {"norse bptt"}
    assert bptt["ratio_fastest"] == 2.0
    assert (bsd["peak_memory_mb"], bsd["ratio_memory"], bptt["ratio_memory"]) == (1.0, 0.25, 1.0)


def test_what_is_not_known_stays_empty() -> None:
    bsd, bptt, norse = made_up_rows()
    assert bptt["rss_memory_mb"] is None
    assert bsd["ratio_rss"] is None
    assert norse["peak_memory_mb"] is None
    assert cells(norse)[-3:] == ["", "", ""]


def test_results_are_complete_and_fit_the_page(tmp_path: Path) -> None:
    found = document("depth", made_up_rows("a-long-name"), ["tiny, snntorch bptt: no such module"], "cpu")
    files = write_results(found, tmp_path / "new")
    kept = json.loads(Path(files["json"]).read_text())
    assert kept["rows"] == found["rows"]
    assert {"date", "machine", "torch", "threads", "dtype", "optimizer", "device"} <= kept.keys()
    text = Path(files["markdown"]).read_text()
    assert text == as_markdown(found)
    assert "snntorch bptt: no such module" in text
    assert max(len(line) for line in text.splitlines() if line.startswith("|")) <= 100


def test_settings_and_comparisons_are_listed_once() -> None:
    rows = [*made_up_rows("one"), *made_up_rows("two")]
    assert [line.split(":")[0] for line in settings(rows)] == ["one", "two"]
    (line,) = comparisons(rows)
    assert "norse" in line
    assert "99.9000 %" in line
    assert line.endswith("other")


def test_rows_can_be_written_as_json() -> None:
    assert json.loads(json.dumps(made_up_rows()))[0]["case"] == "tiny"
    assert made_up_rows()[0]["spike_rate"] == pytest.approx([0.5, 0.25])
