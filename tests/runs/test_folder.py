"""Nothing is replaced unasked, nothing but a run's own files is removed, one process at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bispike.config.train_config import CONFIG_FILE
from bispike.errors import CheckpointError, ConfigurationError, UserError
from bispike.runs import folder


def run_in(path: Path) -> Path:
    path.mkdir()
    for name in (CONFIG_FILE, folder.INITIAL, folder.METRICS, folder.MODEL, folder.SUMMARY, folder.REPORT):
        (path / name).write_text("x")
    (path / folder.CHECKPOINT).mkdir()
    for name in ("latest.json", "previous.json", "step-00000001-abcdef01.safetensors", ".writing-1-latest.json"):
        (path / folder.CHECKPOINT / name).write_text("x")
    return path


def test_a_new_or_empty_folder_is_free(tmp_path: Path) -> None:
    for resume, overwrite in ((False, False), (True, False), (False, True)):
        folder.check_target(tmp_path / "new", resume=resume, overwrite=overwrite)
        folder.check_target(tmp_path, resume=resume, overwrite=overwrite)


def test_an_earlier_run_is_replaced_only_when_asked(tmp_path: Path) -> None:
    out = run_in(tmp_path / "run")
    with pytest.raises(UserError, match=r"finished run\. Replace it with --overwrite"):
        folder.check_target(out, resume=False, overwrite=False)
    (out / folder.SUMMARY).unlink()
    with pytest.raises(UserError, match=r"can be resumed\. Resume it with --resume.*--overwrite"):
        folder.check_target(out, resume=False, overwrite=False)
    folder.check_target(out, resume=True, overwrite=False)
    folder.check_target(out, resume=False, overwrite=True)
    with pytest.raises(ConfigurationError, match="expected at most one of them"):
        folder.check_target(out, resume=True, overwrite=True)


@pytest.mark.parametrize("resume", [True, False])
def test_a_folder_of_something_else_is_never_touched(tmp_path: Path, resume: bool) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match="not the folder of a run"):
        folder.check_target(tmp_path, resume=resume, overwrite=not resume)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="expected a folder for the run, received a file"):
        folder.check_target(tmp_path / "file", resume=False, overwrite=True)


def test_a_run_that_was_killed_while_it_began_is_one(tmp_path: Path) -> None:
    (tmp_path / ".writing-17-initial.safetensors").write_text("half")
    folder.check_target(tmp_path, resume=True, overwrite=False)
    (tmp_path / folder.INITIAL).write_text("x")
    folder.check_target(tmp_path, resume=True, overwrite=False)


def test_clearing_removes_a_runs_own_files_only(tmp_path: Path) -> None:
    out = run_in(tmp_path / "run")
    (out / "notes.md").write_text("mine")
    (out / folder.CHECKPOINT / "backup.safetensors").write_text("mine too")
    folder.clear(out)
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == ["backup.safetensors", "notes.md"]


def test_two_processes_do_not_train_into_one_folder(tmp_path: Path) -> None:
    out = tmp_path / "run"
    script = (
        "import sys\nfrom pathlib import Path\nfrom bispike.runs.folder import locked\n"
        "with locked(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(out)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(CheckpointError, match="another process"), folder.locked(out):
            pass
        other.kill()
        other.wait()
    with folder.locked(out) as path:
        assert path.is_dir()


def test_the_resume_command_quotes_the_folder() -> None:
    assert folder.resume_command(Path("my runs/a")) == "bispike train --resume --out 'my runs/a'"
