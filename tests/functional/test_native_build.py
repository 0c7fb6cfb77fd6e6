"""Compiling the kernels: where to, with what, and what is said where it cannot be done. No compiler is run."""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from bispike.functional.backends.native import build

CDLL = ctypes.CDLL


class Loaded(SimpleNamespace):
    """A library that was loaded from a path: its functions are there, and can be declared."""

    def __init__(self, path: str) -> None:
        super().__init__(path=os.path.realpath(path), **{name: SimpleNamespace() for name in build.SIGNATURES})


def obtain() -> Loaded:
    """The library as a process that starts now gets it."""
    build._obtain.cache_clear()
    found = build._obtain()
    assert isinstance(found.library, Loaded), found.reason
    return found.library


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[list[str]]]:
    """The commands that are run; each writes what it was asked to, as a compiler does."""
    ran: list[list[str]] = []

    def output(command: list[str], seconds: float = 0) -> str:
        ran.append(command)
        if "-o" in command:
            Path(command[command.index("-o") + 1]).write_bytes(b"library")
        return "compiler 1.0"

    monkeypatch.setattr(build, "_output", output)
    monkeypatch.setattr(build.shutil, "which", lambda name: None if " " in name else f"/bin/{name}")
    monkeypatch.setattr(build.ctypes, "CDLL", Loaded)
    monkeypatch.setattr(build, "_processor", lambda: "processor")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("BISPIKE_NATIVE", "BISPIKE_CXX", "CXX"):
        monkeypatch.delenv(name, raising=False)
    build._obtain.cache_clear()
    yield ran
    build._obtain.cache_clear()


def test_the_library_is_compiled_once_and_kept(commands: list[list[str]], tmp_path: Path) -> None:
    loaded = obtain()
    kept = Path(loaded.path)
    assert kept.parent == tmp_path / "bispike" / "native"
    assert kept.read_bytes() == b"library"
    assert [file.name for file in kept.parent.iterdir()] == [kept.name]
    version, compiling = commands
    assert version == ["/bin/c++", "--version"]
    assert compiling[0] == "/bin/c++"
    assert compiling[-1] == build.WIDE
    assert {*build.FLAGS} < {*compiling}
    named = [Path(word).name for word in compiling if word.endswith(".cpp")]
    assert named == sorted(file.name for file in build.HERE.glob("*.cpp"))
    assert obtain() == loaded
    assert len(commands) == 3  # only the version is asked for again


@pytest.mark.parametrize(
    ("environment", "compiler"),
    [
        ({}, ["/bin/c++"]),
        ({"CXX": "clang++ -stdlib=x -DA='b c'"}, ["/bin/clang++", "-stdlib=x", "-DA=b c"]),
        ({"BISPIKE_CXX": "g++-13", "CXX": "clang++"}, ["/bin/g++-13"]),
        ({"BISPIKE_CXX": "", "CXX": " "}, ["/bin/c++"]),
    ],
)
def test_the_compiler_is_named_by_the_environment(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], compiler: list[str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    obtain()
    assert commands[1][: len(compiler)] == compiler
    assert commands[0] == [*compiler, "--version"]


def test_another_source_processor_or_compiler_makes_another_library(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "a.cpp").write_text("one")
    (sources / "a.h").write_text("one")
    monkeypatch.setattr(build, "HERE", sources)
    found: list[str] = []

    def again() -> None:
        found.append(obtain().path)

    again()

    (sources / "a.cpp").write_text("two")
    again()
    (sources / "a.h").write_text("two")
    again()
    monkeypatch.setattr(build, "_processor", lambda: "another")
    again()
    monkeypatch.setattr(build, "FLAGS", ("-O0",))
    again()
    monkeypatch.setenv("CXX", "c++ -DOTHER")
    again()
    assert len(set(found)) == 6


def test_a_compiler_that_does_not_know_the_vector_width_is_asked_without_it(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = build._output

    def refuse(command: list[str], seconds: float = 0) -> str:
        if build.WIDE in command:
            commands.append(command)
            raise subprocess.CalledProcessError(1, command, stderr="unknown option")
        return plain(command)

    monkeypatch.setattr(build, "_output", refuse)
    build._obtain()
    assert commands[-1] == commands[-2][:-1]


def test_it_is_written_beside_its_place_and_then_renamed(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rename within a folder is atomic; one from another disk is not."""
    moves: list[tuple[Path, Path]] = []
    replace = os.replace

    def record(source: str | Path, target: str | Path) -> None:
        moves.append((Path(source), Path(target)))
        replace(source, target)

    monkeypatch.setattr(build.os, "replace", record)
    build._obtain()
    ((source, target),) = moves
    assert source.parent.parent == target.parent
    assert source.parent != target.parent


def test_a_failing_compiler_is_quoted(commands: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], seconds: float = 0) -> str:
        raise subprocess.CalledProcessError(1, command, stderr="no such header")

    monkeypatch.setattr(build, "_output", fail)
    assert build.reason() == "compiling the kernels failed: no such header"

    def missing(command: list[str], seconds: float = 0) -> str:
        raise OSError("exec format error")

    build._obtain.cache_clear()
    monkeypatch.setattr(build, "_output", missing)
    assert build.reason() == "compiling the kernels failed: exec format error"
    assert "the C++ kernels are not used: compiling the kernels failed: exec" in str(build.notice())


def test_the_kernels_can_be_switched_off(commands: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BISPIKE_NATIVE", "0")
    assert build.reason() == "BISPIKE_NATIVE=0"
    assert build.notice() is None
    monkeypatch.setattr(build.ctypes, "CDLL", CDLL)
    build.library.cache_clear()
    try:
        assert build.library() is None
    finally:
        build.library.cache_clear()
    assert commands == []


@pytest.mark.parametrize("name", ["icpc -fast", "'c++", "a\x1bb"])
def test_without_a_compiler_its_name_is_given(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(build.shutil, "which", lambda name: None)
    monkeypatch.setenv("CXX", name)
    assert build.reason() == f"no C++ compiler ({name!r} is not on the path)"


@pytest.mark.parametrize("word", ["flags", "Features"])
def test_the_processor_is_known_by_its_abilities(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"model name : x\n{word} : fast wide\nother : y\n"
    monkeypatch.setattr(build.Path, "read_text", lambda path: text)
    assert build._processor() == f"{word} : fast wide"


def test_a_processor_that_says_nothing_is_known_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build.platform, "processor", lambda: "name")
    monkeypatch.setattr(build.platform, "machine", lambda: "machine-")
    monkeypatch.setattr(build.Path, "read_text", lambda path: "model name : x")
    assert build._processor() == "name"

    def refuse(path: Path) -> str:
        raise OSError("no such file")

    monkeypatch.setattr(build.Path, "read_text", refuse)
    assert build._processor() == "machine-name"


def test_a_digest_tells_parts_apart_and_is_short() -> None:
    assert build._digest(["ab", "c"]) != build._digest(["a", "bc"])
    assert len(build._digest(["a"])) == 16


def test_loaded_kernels_have_no_reason() -> None:
    library = build.library()
    if library is None:
        pytest.skip(f"no compiled kernels: {build.reason()}")
    assert isinstance(library, ctypes.CDLL)
    assert build.reason() is None


def test_a_command_returns_what_it_printed_and_an_error_with_its_message() -> None:
    assert build._output([sys.executable, "-c", "print('version 1')"]) == "version 1\n"
    with pytest.raises(subprocess.CalledProcessError) as error:
        build._output([sys.executable, "-c", "raise SystemExit('no such option')"])
    assert error.value.stderr == "no such option\n"
    assert build._output([sys.executable, "-c", "import sys; sys.stdout.buffer.write(b'a\\xff')"]) == "a\ufffd"


def test_a_compiler_that_hangs_is_killed_with_the_programs_that_it_started(tmp_path: Path) -> None:
    started = tmp_path / "started"
    script = f"sleep 60 & echo $! > {started}; wait"
    with pytest.raises(subprocess.TimeoutExpired) as error:
        build._output(["sh", "-c", script], seconds=0.5)
    assert build._detail(error.value) == "the compiler did not end within 0.5 s"
    child = Path("/proc", started.read_text().strip(), "stat")
    for _ in range(100):  # a killed process vanishes a moment later
        if not child.exists() or child.read_text().split()[2] == "Z":
            return
        time.sleep(0.02)
    pytest.fail("the program that the compiler had started still runs")


def test_a_disk_without_room_is_not_the_fault_of_the_compiler(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def output(command: list[str], seconds: float = 0) -> str:
        if "-o" in command and tmp_path / "bispike" in Path(command[command.index("-o") + 1]).parents:
            raise subprocess.CalledProcessError(1, command, stderr="final link failed")
        if "-o" in command:
            Path(command[command.index("-o") + 1]).write_bytes(b"library")
        return "compiler 1.0"

    def write(path: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(build.tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(build, "_output", output)
    assert build.reason() == "compiling the kernels failed: final link failed"
    build._obtain.cache_clear()
    with monkeypatch.context() as full:
        full.setattr(build, "bytes", lambda count: write(tmp_path, b""), raising=False)
        found = build._obtain()
    assert found.library is not None
    assert "cannot be used (No space left on device): the compiled kernels are in" in str(found.remark)


def test_a_compiler_that_hangs_is_not_tried_in_every_folder(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(command: list[str], seconds: float = 120) -> str:
        commands.append(command)
        if "-o" in command:
            raise subprocess.TimeoutExpired(command, seconds)
        return "compiler 1.0"

    monkeypatch.setattr(build, "_output", hang)
    assert build.reason() == "compiling the kernels failed: the compiler did not end within 120 s"
    assert len(commands) == 2
