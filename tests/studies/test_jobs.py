"""Jobs run side by side, fail alone, and hold their folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from bispike.errors import UserError
from bispike.studies.jobs import Job, processor_cores, run_jobs


def test_a_failing_job_gives_its_message_and_the_others_end(tmp_path: Path) -> None:
    said: list[str] = []
    jobs = [Job("good", ["rules", "--json"]), Job("bad", ["data", "info", "mnits", "--json"])]
    failures = run_jobs(jobs, tmp_path, most=2, note=said.append)
    assert set(failures) == {"bad"}
    assert "did you mean 'mnist'" in failures["bad"]
    assert (tmp_path / "logs" / "good.json").stat().st_size > 0
    assert sum("started" in line for line in said) == 2
    assert any(line.startswith("good: finished") for line in said)


def test_no_jobs_are_no_work(tmp_path: Path) -> None:
    assert run_jobs([], tmp_path, most=1) == {}


def test_there_is_at_least_one_core() -> None:
    assert processor_cores() >= 1


@pytest.mark.parametrize("name", ["job.json", "job.log"])
def test_what_a_job_prints_reaches_no_file_behind_a_link(tmp_path: Path, name: str) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "study" / "logs").mkdir(parents=True)
    (tmp_path / "study" / "logs" / name).symlink_to(tmp_path / "mine.txt")
    with pytest.raises(UserError, match=f"{name}: expected a file of a study, received a link"):
        run_jobs([Job("job", ["rules", "--json"])], tmp_path / "study", most=1)
    assert (tmp_path / "mine.txt").read_text() == "mine"
