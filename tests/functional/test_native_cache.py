"""The folder of compiled libraries: what may be loaded from it, and what is compiled again. No compiler is run.

Whoever can put a file where a library is looked for runs code in the user's name: the expected values are those of a
folder that belongs to the user alone.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bispike.functional.backends.native import build, cache

KERNELS = build.library()
pytestmark = pytest.mark.skipif(KERNELS is None, reason=f"no compiled kernels: {build.reason()}")
SOUND = Path(KERNELS._name).read_bytes() if KERNELS is not None else b""
OTHER = 12345  # a user


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[list[str]]]:
    """The commands that are run; a compilation makes the sound library."""
    ran: list[list[str]] = []

    def output(command: list[str], seconds: float = 0) -> str:
        ran.append(command)
        if "-o" in command:
            Path(command[command.index("-o") + 1]).write_bytes(SOUND)
        return "compiler 1.0"

    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(build, "_output", output)
    monkeypatch.setattr(build, "_command", lambda name: ["/bin/c++"])
    monkeypatch.setattr(cache.tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("BISPIKE_NATIVE", raising=False)
    yield ran
    build._obtain.cache_clear()


def obtained(ran: list[list[str]]) -> tuple[build.Found, bool]:
    """What a process that starts now gets, and whether it has compiled."""
    ran.clear()
    build._obtain.cache_clear()
    return build._obtain(), len(ran) > 1


def kept(folder: Path) -> Path:
    """The one library in a folder."""
    (file,) = folder.iterdir()
    return file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_folder_and_library_are_private_whatever_the_umask_is(compiled: list[list[str]], tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        found, _ = obtained(compiled)
    finally:
        os.umask(before)
    assert found.library is not None
    assert found.remark is None
    folder = tmp_path / "cache" / "bispike" / "native"
    assert mode(folder) == 0o700
    assert mode(kept(folder)) == 0o700
    assert obtained(compiled)[1] is False  # it is found again


def cut(file: Path) -> None:
    file.write_bytes(SOUND[: len(SOUND) // 2])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def changed(file: Path) -> None:
    content = bytearray(SOUND)
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def writable(file: Path) -> None:
    file.chmod(0o722)


def link(file: Path) -> None:
    elsewhere = file.with_name("elsewhere")
    file.rename(elsewhere)
    file.symlink_to(elsewhere)


def pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("damage", [cut, emptied, changed, writable, link, pipe])
def test_a_file_that_is_no_sound_library_of_the_user_is_compiled_again(
    compiled: list[list[str]], tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    obtained(compiled)
    file = kept(tmp_path / "cache" / "bispike" / "native")
    damage(file)
    found, again = obtained(compiled)
    assert again
    assert found.library is not None
    assert found.remark is None
    assert stat.S_ISREG(file.lstat().st_mode)
    assert file.read_bytes() == SOUND
    assert mode(file) == 0o700
    assert obtained(compiled)[1] is False


def test_a_folder_in_the_place_of_the_library_is_left_alone(compiled: list[list[str]], tmp_path: Path) -> None:
    obtained(compiled)
    folder(kept(tmp_path / "cache" / "bispike" / "native"))
    found, again = obtained(compiled)
    assert again
    assert found.library is not None
    assert str(tmp_path / "temporary") in str(found.remark)


def test_another_library_of_the_right_name_is_not_taken_for_the_kernels(
    compiled: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the hash of its name and can be loaded, but lacks the functions."""
    obtained(compiled)
    place = tmp_path / "cache" / "bispike" / "native"
    key = kept(place).name.split("-")[1]
    kept(place).unlink()
    maps = Path("/proc/self/maps").read_text().splitlines()
    standard = next(Path(line.split()[-1]) for line in maps if "/libm.so" in line)
    (place / f"kernels-{key}-{cache._digest(standard.read_bytes())}.so").write_bytes(standard.read_bytes())
    found, again = obtained(compiled)
    assert again
    assert found.library is not None


def test_a_folder_that_others_could_write_to_is_made_private_and_emptied(
    compiled: list[list[str]], tmp_path: Path
) -> None:
    obtained(compiled)
    place = tmp_path / "cache" / "bispike" / "native"
    (place / "mine.txt").write_text("kept")
    place.chmod(0o777)
    _, again = obtained(compiled)
    assert again
    assert mode(place) == 0o700
    assert (place / "mine.txt").read_text() == "kept"


def test_a_readable_folder_is_made_private_and_keeps_its_library(compiled: list[list[str]], tmp_path: Path) -> None:
    obtained(compiled)
    place = tmp_path / "cache" / "bispike" / "native"
    place.chmod(0o755)
    assert obtained(compiled)[1] is False
    assert mode(place) == 0o700


def linked(place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    (place.parent / "elsewhere").mkdir()
    place.symlink_to(place.parent / "elsewhere")


def a_file(place: Path) -> None:
    place.parent.mkdir(parents=True)
    place.write_text("not a folder")


def foreign(place: Path) -> None:
    place.mkdir(parents=True)
    os.chown(place, OTHER, OTHER)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.mark.parametrize("spoil", [linked, a_file, pytest.param(foreign, marks=needs_root)])
def test_a_cache_that_is_not_to_be_trusted_is_told_and_replaced_by_one_folder(
    compiled: list[list[str]], tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    place = tmp_path / "cache" / "bispike" / "native"
    spoil(place)
    other = tmp_path / "temporary" / f"bispike-{os.geteuid()}"
    for turn in range(3):
        found, again = obtained(compiled)
        assert again is (turn == 0)
        assert found.library is not None
        assert str(found.remark).startswith(f"{place} cannot be used (")
        assert str(found.remark).endswith(f": the compiled kernels are in {other}.")
        assert build.notice() == found.remark
        assert mode(other) == 0o700
        assert list((tmp_path / "temporary").iterdir()) == [other]
    if spoil is not a_file:
        assert list(place.iterdir()) == []


def test_where_no_folder_can_be_trusted_each_process_compiles_and_leaves_nothing(
    compiled: list[list[str]], tmp_path: Path
) -> None:
    linked(tmp_path / "cache" / "bispike" / "native")
    linked(tmp_path / "temporary" / f"bispike-{os.geteuid()}")
    before = sorted(path.name for path in (tmp_path / "temporary").iterdir())
    for _ in range(2):
        found, again = obtained(compiled)
        assert again
        assert found.library is not None
        assert str(found.remark).endswith(": each process compiles the kernels for itself.")
        assert sorted(path.name for path in (tmp_path / "temporary").iterdir()) == before


@needs_root
def test_a_library_of_another_user_is_not_loaded(compiled: list[list[str]], tmp_path: Path) -> None:
    obtained(compiled)
    file = kept(tmp_path / "cache" / "bispike" / "native")
    os.chown(file, OTHER, OTHER)
    assert obtained(compiled)[1]
    assert file.stat().st_uid == os.geteuid()


def test_a_library_of_root_may_be_loaded_from_a_folder_that_only_root_can_write(
    compiled: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    obtained(compiled)
    if os.geteuid() != 0:
        pytest.skip("the library belongs to a user")
    monkeypatch.setattr(cache.os, "geteuid", lambda: OTHER)
    assert obtained(compiled)[1] is False


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"XDG_CACHE_HOME": "/c", "HOME": "/h"}, ["/c/bispike/native"]),
        ({"XDG_CACHE_HOME": "", "HOME": "/h"}, ["/h/.cache/bispike/native"]),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, ["/h/.cache/bispike/native"]),
        ({"XDG_CACHE_HOME": "", "HOME": "relative"}, []),
    ],
)
def test_places(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: list[str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(cache.tempfile, "tempdir", "/t")
    assert list(map(str, cache.places())) == [*expected, f"/t/bispike-{os.geteuid()}"]


def test_what_a_killed_compilation_left_is_removed_after_an_hour(compiled: list[list[str]], tmp_path: Path) -> None:
    place = tmp_path / "cache" / "bispike" / "native"
    for name in ("compiling-old", "compiling-new", "other"):
        (place / name).mkdir(parents=True)
    for name in ("compiling-old", "other"):
        os.utime(place / name, (0, time.time() - cache.ABANDONED - 60))
    place.chmod(0o700)
    obtained(compiled)
    assert sorted(path.name for path in place.iterdir() if path.is_dir()) == ["compiling-new", "other"]


def test_the_file_that_was_checked_is_the_one_that_is_loaded(compiled: list[list[str]], tmp_path: Path) -> None:
    """An exchange between check and load changes the path, not the descriptor."""
    obtained(compiled)
    place = tmp_path / "cache" / "bispike" / "native"
    with cache.open_folder(place) as opened:
        found = opened.find(kept(place).name.split("-")[1])
    assert found is not None
    kept(place).unlink()
    assert Path(found.address).read_bytes() == SOUND


def test_compilations_at_the_same_time_leave_one_library(
    compiled: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together, compile_one = threading.Barrier(3, timeout=10), build._output

    def output(command: list[str], seconds: float = 0) -> str:
        if "-o" in command:
            together.wait()
        return compile_one(command)

    monkeypatch.setattr(build, "_output", output)
    with ThreadPoolExecutor(3) as pool:
        started = [pool.submit(build._from_a_folder, ["c++"], [], "key") for _ in range(3)]
        found = [one.result() for one in started]
    assert all(one.library is not None and one.remark is None for one in found)
    assert kept(tmp_path / "cache" / "bispike" / "native").read_bytes() == SOUND
