"""Nothing is replaced unasked, nothing but a run's own files is removed, one process at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bispike.config.train_config import CONFIG_FILE
from bispike.errors import CheckpointError, ConfigurationError, UserError
from bispike.files import temporary_name
from bispike.runs import folder, lock
from bispike.runs.marker import MARKER, RESULTS, RUN, claim, mark, read_marker

CHECKPOINT_FILES = ("latest.json", "previous.json", "step-00000001-abcdef01.safetensors")


def run_in(path: Path) -> Path:
    path.mkdir()
    folder.prepare(path, resume=False, overwrite=False)
    claim(path, RESULTS, [folder.REPORT])
    for name in (*folder.OWN, folder.REPORT, temporary_name(folder.SUMMARY), temporary_name(MARKER)):
        (path / name).write_text("x")
    (path / folder.CHECKPOINT).mkdir()
    for name in (*CHECKPOINT_FILES, temporary_name("latest.json")):
        (path / folder.CHECKPOINT / name).write_text("x")
    return path


def contents(path: Path) -> dict[str, bytes]:
    """Every file below a folder, with its content."""
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


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


FOREIGN = {
    "somebody's config": {CONFIG_FILE: "[tool]"},
    "somebody's report": {folder.REPORT: "<html>"},
    "what a run looks like, without its marker": dict.fromkeys((*folder.OWN, "checkpoint/latest.json"), "{}"),
    "a thesis": {"thesis.tex": "years of work"},
    "a marker of another program": {MARKER: '{"kind": "run", "format": 1}'},
    "half a marker": {MARKER: '{"writer": "bispike", "kind": "ru'},
    "a marker of a study": {MARKER: '{"writer": "bispike", "kind": "study", "format": 1, "id": "", "files": []}'},
    "an unfinished file of another program": {".writing-17-initial.safetensors": "half"},
    "an unfinished file of another name": {".bispike-17-00000000-thesis.tex.part": "half"},
    "initial weights": {folder.INITIAL: "weights"},
}


@pytest.mark.parametrize("what", FOREIGN)
@pytest.mark.parametrize("resume", [True, False])
def test_a_folder_of_something_else_is_never_touched(tmp_path: Path, what: str, resume: bool) -> None:
    for name, content in FOREIGN[what].items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    before = contents(tmp_path)
    for use in (folder.check_target, folder.prepare):
        with pytest.raises(UserError, match="not the folder of a run"):
            use(tmp_path, resume=resume, overwrite=not resume)
    with pytest.raises(UserError, match="nothing was removed"):
        folder.clear(tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", [folder.CHECKPOINT, CONFIG_FILE, folder.SUMMARY])
def test_nothing_behind_a_link_is_touched(tmp_path: Path, name: str) -> None:
    out, other = run_in(tmp_path / "run"), tmp_path / "other"
    (out / name).rename(other)
    (out / name).symlink_to(other)
    before = contents(tmp_path)
    for resume in (True, False):
        with pytest.raises(UserError, match="a link to another place"):
            folder.prepare(out, resume=resume, overwrite=not resume)
    folder.clear(out)
    assert other.exists()
    kept = {path: content for path, content in before.items() if path.startswith("other")}
    assert {path: content for path, content in contents(tmp_path).items() if path.startswith("other")} == kept


def test_a_marker_that_is_a_link_is_none(tmp_path: Path) -> None:
    out = run_in(tmp_path / "run")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / CONFIG_FILE).write_text("mine")
    (tmp_path / "mine" / MARKER).symlink_to(out / MARKER)
    with pytest.raises(UserError, match="not the folder of a run"):
        folder.prepare(tmp_path / "mine", resume=False, overwrite=True)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="expected a folder for the run, received a file"):
        folder.check_target(tmp_path / "file", resume=False, overwrite=True)


def test_a_run_that_was_killed_while_it_began_is_one(tmp_path: Path) -> None:
    (tmp_path / temporary_name(MARKER)).write_text("half")
    (tmp_path / temporary_name(lock.LOCK)).write_text("half")
    for resume in (True, False):
        folder.check_target(tmp_path, resume=resume, overwrite=False)
    mark(tmp_path, RUN, folder.OWN)
    folder.prepare(tmp_path, resume=False, overwrite=False)
    folder.sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [MARKER]


def test_overwriting_removes_a_runs_own_files_only(tmp_path: Path) -> None:
    out = run_in(tmp_path / "run")
    foreign = {
        "notes.md": b"mine",
        folder.AUDIT: b"mine: bispike wrote no audit here",
        temporary_name("notes.md"): b"mine",
        ".writing-1-latest.json": b"mine",
        f"{folder.CHECKPOINT}/backup.safetensors": b"mine too",
        f"{folder.CHECKPOINT}/step-best.safetensors": b"mine too",
    }
    for name, content in foreign.items():
        (out / name).write_bytes(content)
    first = read_marker(out)
    folder.prepare(out, resume=False, overwrite=True)
    second = read_marker(out)
    assert first is not None
    assert second is not None
    assert second.id != first.id
    assert {name: content for name, content in contents(out).items() if name != MARKER} == foreign


def test_a_marker_cannot_name_files_of_others(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    (tmp_path / "run").mkdir()
    mark(tmp_path / "run", RUN, ["../thesis.tex", "thesis.tex", "..", "", *folder.OWN])
    (tmp_path / "run" / "thesis.tex").write_text("years of work")
    folder.prepare(tmp_path / "run", resume=False, overwrite=True)
    assert (tmp_path / "thesis.tex").exists()
    assert (tmp_path / "run" / "thesis.tex").exists()


def test_two_processes_do_not_train_into_one_folder(tmp_path: Path) -> None:
    out = tmp_path / "run"
    script = (
        "import sys\nfrom pathlib import Path\nfrom bispike.runs.lock import locked\n"
        "with locked(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(out)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(CheckpointError, match="another process"), lock.locked(out):
            pass
        other.kill()
        other.wait()
    with lock.locked(out) as held:
        assert held.folder.is_dir()


def test_the_resume_command_quotes_the_folder() -> None:
    assert folder.resume_command(Path("my runs/a")) == "bispike train --resume --out 'my runs/a'"
