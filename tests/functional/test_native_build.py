"""Compiling the kernels: where to, with what, and what is said where it cannot be done. No compiler is run."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from bispike.functional.backends.native import build

CDLL = ctypes.CDLL


class Loaded(SimpleNamespace):
    """A library that was loaded from a path: its functions are there, and can be declared."""

    def __init__(self, path: str) -> None:
        super().__init__(path=path, **{name: SimpleNamespace() for name in build.SIGNATURES})


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[list[str]]]:
    """The commands that are run; each writes what it was asked to, as a compiler does."""
    ran: list[list[str]] = []

    def output(command: list[str]) -> str:
        ran.append(command)
        if "-o" in command:
            Path(command[command.index("-o") + 1]).write_bytes(b"library")
        return "compiler 1.0"

    monkeypatch.setattr(build, "_output", output)
    monkeypatch.setattr(build.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(build.ctypes, "CDLL", Loaded)
    monkeypatch.setattr(build, "_processor", lambda: "processor")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("BISPIKE_NATIVE", "BISPIKE_CXX", "CXX"):
        monkeypatch.delenv(name, raising=False)
    build._obtain.cache_clear()
    yield ran
    build._obtain.cache_clear()


def test_the_library_is_compiled_once_and_kept(commands: list[list[str]], tmp_path: Path) -> None:
    loaded = build._obtain()
    assert isinstance(loaded, Loaded)
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
    build._obtain.cache_clear()
    assert build._obtain() == loaded
    assert len(commands) == 3  # only the version is asked for again


@pytest.mark.parametrize(
    ("environment", "compiler"),
    [
        ({}, "c++"),
        ({"CXX": "clang++ -stdlib=x"}, "clang++"),
        ({"BISPIKE_CXX": "g++-13", "CXX": "clang++"}, "g++-13"),
        ({"BISPIKE_CXX": "", "CXX": ""}, "c++"),
    ],
)
def test_the_compiler_is_named_by_the_environment(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], compiler: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    build._obtain()
    assert commands[1][0] == f"/bin/{compiler}"


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
        build._obtain.cache_clear()
        loaded = build._obtain()
        assert isinstance(loaded, Loaded)
        found.append(loaded.path)

    again()

    (sources / "a.cpp").write_text("two")
    again()
    (sources / "a.h").write_text("two")
    again()
    monkeypatch.setattr(build, "_processor", lambda: "another")
    again()
    monkeypatch.setattr(build, "FLAGS", ("-O0",))
    again()
    assert len(set(found)) == 5


def test_a_compiler_that_does_not_know_the_vector_width_is_asked_without_it(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = build._output

    def refuse(command: list[str]) -> str:
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
    def fail(command: list[str]) -> str:
        raise subprocess.CalledProcessError(1, command, stderr="no such header")

    monkeypatch.setattr(build, "_output", fail)
    assert build._obtain() == "compiling the kernels failed: no such header"

    def missing(command: list[str]) -> str:
        raise OSError("exec format error")

    build._obtain.cache_clear()
    monkeypatch.setattr(build, "_output", missing)
    assert build._obtain() == "compiling the kernels failed: exec format error"


def test_the_kernels_can_be_switched_off(commands: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BISPIKE_NATIVE", "0")
    assert build.reason() == "BISPIKE_NATIVE=0"
    monkeypatch.setattr(build.ctypes, "CDLL", CDLL)
    build.library.cache_clear()
    try:
        assert build.library() is None
    finally:
        build.library.cache_clear()
    assert commands == []


def test_without_a_compiler_its_name_is_given(commands: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build.shutil, "which", lambda name: None)
    monkeypatch.setenv("CXX", "icpc -fast")
    assert build.reason() == "no C++ compiler ('icpc -fast' is not on the path)"


def test_a_cache_that_cannot_be_written_is_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    folder = build._folder()
    assert folder.is_dir()
    assert folder.name.startswith("bispike-native-")
    folder.rmdir()
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(build.Path, "home", lambda: tmp_path)
    assert build._folder() == tmp_path / ".cache" / "bispike" / "native"
    assert build._folder().is_dir()


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
