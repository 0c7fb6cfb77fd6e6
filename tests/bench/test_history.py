"""The check that no ratio got worse, with made-up histories."""

from pathlib import Path
from typing import Any

import pytest

from bispike.bench import history
from bispike.bench.results import document
from bispike.errors import UserError

from .made_up import made_up_rows


def run(*, bsd_ms: float = 10.0, **about: Any) -> dict[str, Any]:
    """What a run of the benchmark found; bsd takes `bsd_ms`, bptt 40 ms."""
    return {**document("quick", made_up_rows(bsd_ms=bsd_ms), [], "cpu"), "machine": "here", **about}


def past(*times: float, **about: Any) -> list[dict[str, Any]]:
    return [history.entry_of(run(bsd_ms=time, **about)) for time in times]


def test_up_to_a_fifth_more_passes() -> None:
    assert history.worse(run(bsd_ms=11.9), past(10.0)) == []


def test_more_than_a_fifth_fails_and_names_the_ratio() -> None:
    sentences = history.worse(run(bsd_ms=12.5), past(10.0))
    assert [s.split(": ")[1].split(" 0")[0].split(" 2")[0] for s in sentences] == [
        "time against bptt",
        "time against inference",
        "time against the fastest peer",
    ]
    assert "tiny bsd: time against bptt 0.312, was 0.250 (+25 %)" in sentences


def test_the_reference_is_the_median_of_the_last_runs() -> None:
    outlier = past(30.0, 10.0, 10.0, 5.0, 10.0, 10.0)
    assert history.worse(run(bsd_ms=11.0), outlier) == []
    assert history.worse(run(bsd_ms=13.0), outlier)
    long_ago = past(*[1.0] * 5, *[10.0] * 5)
    assert history.worse(run(bsd_ms=11.0), long_ago) == []


def test_the_same_machine_counts_before_others() -> None:
    entries = past(10.0) + past(5.0, 5.0, machine="elsewhere")
    assert history.worse(run(bsd_ms=11.0), entries) == []
    assert history.worse(run(bsd_ms=11.0), entries[1:])


def test_another_suite_or_device_is_no_reference() -> None:
    for other in ({"suite": "depth"}, {"device": "cuda"}):
        with pytest.raises(UserError, match="record one first"):
            history.worse(run(), past(10.0, **other))


def test_records_are_appended_and_read_back(tmp_path: Path) -> None:
    file = tmp_path / "bench" / "history.jsonl"
    assert history.read(file) == []
    for time in (10.0, 11.0):
        history.record(run(bsd_ms=time), file)
    assert history.read(file) == past(10.0, 11.0)
    assert "norse" not in file.read_text()
    file.write_text(file.read_text().splitlines()[0] + "\nno json\n")
    with pytest.raises(UserError, match="line 2"):
        history.read(file)


def test_without_peers_the_fastest_is_not_kept() -> None:
    alone = [row for row in made_up_rows() if row["library"] == "bispike"]
    entry = history.entry_of({**run(), "rows": alone})
    assert entry["ratios"]["tiny bsd"].keys() == {"ratio_time", "ratio_memory", "ratio_inference"}
