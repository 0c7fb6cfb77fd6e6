"""The peers' environment: made once, remade when it is not whole, and clear about what failed. Nothing is installed."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bispike.bench.peers import VERSIONS, environment
from bispike.bench.peers.environment import MARKER, PeersError, peers_python, search_path


class Installer:
    """Stands in for venv and pip: makes the interpreter's file, remembers the commands, fails on request."""

    def __init__(self, *, fails_at: str = "nothing") -> None:
        self.fails_at, self.asked = fails_at, []  # type: ignore[var-annotated]

    def __call__(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        self.asked.append(command[-1])
        if self.fails_at in command[-1]:
            return subprocess.CompletedProcess(command, 1, "", "ERROR: No matching distribution found")
        if "venv" in command:
            name = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
            python = Path(command[-1]) / name
            python.parent.mkdir(parents=True)
            python.touch()
        return subprocess.CompletedProcess(command, 0, "", "")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(environment, "_installed_here", lambda: False)
    return tmp_path / "peers"


def make(folder: Path, installer: Installer) -> Path:
    return peers_python(note=lambda message: None, folder=folder, run=installer)


def test_every_peer_is_installed_at_its_version_and_only_once(folder: Path) -> None:
    installer = Installer()
    python = make(folder, installer)
    assert python.is_relative_to(folder)
    assert {f"{name}=={version}" for name, version in VERSIONS.items()} <= set(installer.asked)
    assert not any(asked.startswith("torch") for asked in installer.asked)
    again = Installer()
    assert make(folder, again) == python
    assert again.asked == []


@pytest.mark.parametrize("damage", ["no marker", "other versions", "no json", "no interpreter"])
def test_what_is_not_whole_is_made_anew(folder: Path, damage: str) -> None:
    python = make(folder, Installer())
    (folder / "left-over").touch()
    marker = folder / MARKER
    if damage == "no marker":
        marker.unlink()
    elif damage == "no interpreter":
        python.unlink()
    else:
        old = {**json.loads(marker.read_text()), "norse": "1.0.0"}
        marker.write_text(json.dumps(old) if damage == "other versions" else "{")
    installer = Installer()
    assert make(folder, installer).exists()
    assert installer.asked
    assert not (folder / "left-over").exists()


def test_a_failure_is_named_and_leaves_no_marker(folder: Path) -> None:
    with pytest.raises(PeersError, match=r"installing norse==1.1.0 failed.*\n.*No matching distribution"):
        make(folder, Installer(fails_at="norse"))
    assert not (folder / MARKER).exists()
    with pytest.raises(PeersError, match="creating the environment failed"):
        make(folder, Installer(fails_at=str(folder)))


def test_peers_that_are_installed_here_need_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.importlib.metadata, "version", lambda name: VERSIONS[name])
    assert make(tmp_path / "peers", Installer(fails_at="")) == Path(sys.executable)


def test_the_peers_of_the_environment_come_before_others_of_the_same_name(folder: Path) -> None:
    python = make(folder, Installer())
    peers = folder / "lib" / "python3" / "site-packages"
    peers.mkdir(parents=True)
    path = search_path(python)
    assert path[:2] == [str(Path(environment.__file__).resolve().parents[3]), str(peers)]
    assert any("site-packages" in place for place in path[2:])


def test_the_search_path_leads_to_bispike_and_torch() -> None:
    """A fresh interpreter without site-packages finds the modules where they are here; importing them takes seconds."""
    names = ("bispike", "torch", "numpy")
    here = [str(importlib.util.find_spec(name).origin) for name in names]
    path = search_path(Path(sys.executable))
    code = f"import sys; sys.path += {path!r}; from importlib.util import find_spec\n"
    code += f"for name in {names!r}: print(find_spec(name).origin)"
    done = subprocess.run([sys.executable, "-S", "-c", code], text=True, capture_output=True, check=False)
    assert done.stdout.split() == here, done.stderr


def test_a_folder_of_somebody_else_is_not_removed(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(PeersError, match="bispike did not make it"):
        make(folder, Installer())
    assert (folder / "thesis.tex").read_text() == "years of work"
