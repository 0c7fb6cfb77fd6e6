"""Files are whole or absent; what goes wrong is said with the path."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bispike import files
from bispike.errors import DamagedError, UserError, WorkError


def test_writes_text_and_bytes_and_replaces(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    files.write_atomic(target, "é\n")
    assert target.read_bytes() == "é\n".encode()
    files.write_atomic(target, b"\x00\xff")
    assert target.read_bytes() == b"\x00\xff"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_failing_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, moment: str
) -> None:
    target = tmp_path / "a.txt"
    files.write_atomic(target, "old")

    def fail(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, moment, fail)
    with pytest.raises(WorkError, match=r"a\.txt"):
        files.write_atomic(target, "new")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such"):
        files.write_atomic(tmp_path / "none" / "a.txt", "x")


def test_a_file_in_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="folder is expected"):
        files.make_folder(tmp_path / "file")
    with pytest.raises(UserError, match="folder is expected"):
        files.make_folder(tmp_path / "file" / "below")


def test_a_folder_without_permission_is_the_callers_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(UserError, match="choose a folder that you may write"):
        files.write_atomic(tmp_path / "a.txt", "x")


def test_lines_are_appended_and_a_broken_last_line_is_left_out(tmp_path: Path) -> None:
    target = tmp_path / "lines"
    assert files.read_lines(target) == []
    files.append_line(target, "one")
    files.append_line(target, "two\n")
    with open(target, "a") as file:
        file.write("thr")
    assert files.read_lines(target) == ["one", "two"]


def test_json_keeps_every_bit_and_refuses_nan(tmp_path: Path) -> None:
    import json

    values = [0.1 + 0.2, 1e-310, 2**0.5 * 1e17]
    files.write_json(tmp_path / "a.json", values)
    assert json.loads((tmp_path / "a.json").read_text()) == values
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "a.json", float("nan"))


def test_sweep_removes_unfinished_files_of_its_own_names_only(tmp_path: Path) -> None:
    foreign = {
        files.temporary_name("b.txt"),
        ".bispike-17-0000000g-a.txt.part",
        ".bispike-17-00000000-a.txt",
        ".writing-17-a.txt",
        "a.txt",
    }
    for name in foreign | {files.temporary_name("a.txt")}:
        (tmp_path / name).write_text("x")
    (tmp_path / files.temporary_name("a.txt")).symlink_to(tmp_path / "a.txt")
    files.remove_unfinished(tmp_path, {"a.txt"}.__contains__)
    left = {path.name for path in tmp_path.iterdir() if not path.is_symlink()}
    assert left == foreign
    assert len(list(tmp_path.iterdir())) == len(foreign) + 1
    files.remove_unfinished(tmp_path / "missing", {"a.txt"}.__contains__)


def test_a_temporary_name_gives_its_final_name_and_always_fits(tmp_path: Path) -> None:
    assert files.final_name(files.temporary_name("a-1.part")) == "a-1.part"
    assert files.final_name("a-1.part") is None
    longest = "x" * 255
    assert len(files.temporary_name(longest)) == 255
    files.write_atomic(tmp_path / longest, "x")
    assert [path.name for path in tmp_path.iterdir()] == [longest]


SYSTEM_ERRORS = {
    errno.ENOSPC: (WorkError, "free some space"),
    errno.EDQUOT: (WorkError, "free some space"),
    errno.EIO: (WorkError, "repair the disk"),
    errno.EROFS: (WorkError, "repair the disk"),
    errno.EFBIG: (WorkError, "ulimit -f"),
    errno.EMFILE: (WorkError, "ulimit -n"),
    errno.ENAMETOOLONG: (UserError, "choose a shorter one"),
    errno.ELOOP: (UserError, "in a circle"),
    errno.EISDIR: (UserError, "a file is expected"),
    errno.ENOTDIR: (UserError, "a folder is expected"),
    errno.EACCES: (UserError, "that you may write"),
    errno.EBUSY: (UserError, "removed"),
}


@pytest.mark.parametrize("number", SYSTEM_ERRORS, ids=errno.errorcode.get)
@pytest.mark.parametrize("call", ["open", "fsync", "replace", "unlink", "close", "mkdir", "lstat"])
def test_every_error_of_the_system_is_an_own_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, call: str
) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    real = os.close

    def fail(*arguments: object, **options: object) -> None:
        if call == "close":
            real(arguments[0])  # type: ignore[arg-type]
        raise OSError(number, os.strerror(number))

    works = {
        "open": lambda: files.write_atomic(target, "new"),
        "fsync": lambda: files.write_atomic(target, "new"),
        "replace": lambda: files.write_atomic(target, "new"),
        "close": lambda: files.write_atomic(target, "new"),
        "unlink": lambda: files.remove_file(target),
        "mkdir": lambda: files.make_folder(tmp_path / "b"),
        "lstat": lambda: files.status_of(target),
    }
    if call == "lstat" and number == errno.ENOTDIR:
        pytest.skip("nothing stands there: not an error")
    kind, words = SYSTEM_ERRORS[number]
    monkeypatch.setattr("builtins.open" if call == "open" else f"os.{call}", fail)
    try:
        with pytest.raises(kind, match=words) as caught:
            works[call]()
    finally:
        monkeypatch.undo()
    assert "a.txt" in str(caught.value) or "/b" in str(caught.value) or number == errno.ENAMETOOLONG
    assert target.read_text() == ("new" if call == "close" else "old")


def test_a_temporary_file_that_cannot_be_removed_hides_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    monkeypatch.setattr(os, "unlink", fail)
    with pytest.raises(WorkError, match=r"a\.txt: Input/output error"):
        files.write_atomic(tmp_path / "a.txt", "new")


def test_a_real_name_that_is_too_long_and_a_real_circle_of_links(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="too long"):
        files.write_atomic(tmp_path / ("x" * 300), "x")
    with pytest.raises(UserError, match="too long"):
        files.make_folder(tmp_path / ("x" * 300))
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(UserError, match="circle"):
        files.make_folder(tmp_path / "circle" / "below")
    with pytest.raises(UserError, match="zero byte"):
        files.make_folder("a\0b")


# ------------------------------------------------------------------ reading


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting"),
        (b"[1]", "received list"),
        (b"3", "received int"),
        (b'{"a": 1} x', "Extra data"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": -Infinity}', "no number"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "too large"),
        (b'{"a": 9223372036854775808}', "too large"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": "\\ud800"}', "surrogates"),
        (b'{"a": "\xff"}', "utf-8"),
        (b'{"a": ' * 100_000, "nested"),
        (b"[" * 100_000, "nested"),
        (b'{"a": ' + b"[" * 65 + b"]" * 65 + b"}", "nested"),
    ],
)
def test_json_that_could_surprise_is_refused(text: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(DamagedError, match=f"a\\.json: is damaged.*{reason}"):
        files.read_json(tmp_path / "a.json")


def test_sound_json_is_read_as_it_was_written(tmp_path: Path) -> None:
    value = {"a": [0.1 + 0.2, -1, 2**62, None, True], "é": {"[[[[" * 40: "\\u0041\n😀"}, "list": [[1]] * 100}
    files.write_json(tmp_path / "a.json", value)
    assert files.read_json(tmp_path / "a.json") == value
    assert files.read_json(tmp_path / "none.json") is None
    assert files.read_json(tmp_path / "a.json" / "none.json") is None


def test_what_is_no_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "endless").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "loop", "endless", "pipe"):
        with pytest.raises(DamagedError, match=f"{name}: expected a file"):
            files.read_bytes(tmp_path / name)
        with pytest.raises(DamagedError, match=f"{name}: expected a file"):
            files.read_json(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        files.read_bytes(tmp_path / "none")


def test_large_files_and_links_are_refused_where_they_do_not_belong(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("a")
    assert files.read_bytes(tmp_path / "link", most=5) == b"12345"
    with pytest.raises(DamagedError, match="at most 4 bytes, received 5"):
        files.read_bytes(tmp_path / "a", most=4)
    with pytest.raises(DamagedError, match="symbolic link"):
        files.read_bytes(tmp_path / "link", follow_link=False)
