"""A virtual environment for the peers, created once in the user's cache folder.

It contains the peers and their imports only, installed without the declared dependencies (some of them require another
torch). Torch, numpy and bispike come from the running interpreter through PYTHONPATH, so that all contenders share one
torch and no second one is downloaded. The marker file is written last: an environment without it, or with the marker of
other versions, is created again.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path

from ...errors import WorkError
from . import VERSIONS

# Imports of the peers besides torch, numpy and scipy, which are installed already.
IMPORTED = {"loguru": "0.7.3", "nir": "1.0.8", "nirtorch": "2.6", "h5py": ""}
MARKER = "ready.json"

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


class PeersError(WorkError):
    """The environment of the peers could not be created."""


def peers_python(*, note: Callable[[str], None], folder: Path | None = None, run: Run | None = None) -> Path:
    """Interpreter that can import the peers: the running one if they are installed, else that of the environment.

    Args:
        note: receives messages about the progress.
        folder: folder of the environment; None: in the user's cache folder.
        run: runs a command and captures its output; for tests.

    Raises:
        PeersError: a step failed; the message contains the last lines of the installer.
    """
    if _installed_here():
        return Path(sys.executable)
    folder, run = folder or default_folder(), run or _run
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if _is_ready(folder) and python.exists():
        return python
    note(f"creating an environment for {', '.join(VERSIONS)} in {folder} (once)")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise PeersError(f"peers: cannot write to {folder} ({error.strerror}); set XDG_CACHE_HOME.") from error
    _expect("creating the environment", run([sys.executable, "-m", "venv", str(folder)]))
    for name, version in {**IMPORTED, **VERSIONS}.items():
        pinned = f"{name}=={version}" if version else name
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", pinned]
        _expect(f"installing {pinned}", run(command))
    _write_marker(folder)
    return python


def default_folder() -> Path:
    """Folder of the environment in the user's cache folder, one per version of Python."""
    import pooch

    return Path(pooch.os_cache("bispike")) / f"peers-py{sysconfig.get_python_version()}"


def search_path(python: Path) -> list[str]:
    """Search path of an interpreter: this bispike, the peers of its environment, then the packages found here."""
    own = Path(__file__).resolve().parents[3]
    root = python.parents[1]
    made = python != Path(sys.executable)
    apart = [*root.glob("lib/*/site-packages"), *root.glob("Lib/site-packages")] if made else []
    installed = [place for place in sys.path if Path(place).name in ("site-packages", "dist-packages")]
    return list(dict.fromkeys(map(str, [own, *apart, *installed])))


def _installed_here() -> bool:
    try:
        return all(importlib.metadata.version(name) == version for name, version in VERSIONS.items())
    except importlib.metadata.PackageNotFoundError:
        return False


def _contents() -> dict[str, str]:
    return {"python": sys.version, **IMPORTED, **VERSIONS}


def _is_ready(folder: Path) -> bool:
    try:
        return json.loads((folder / MARKER).read_text()) == _contents()
    except (OSError, ValueError):
        return False


def _write_marker(folder: Path) -> None:
    (folder / MARKER).write_text(json.dumps(_contents(), indent=2) + "\n")


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, text=True, capture_output=True, check=False)


def _expect(what: str, done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode:
        last = [f"  {line}" for line in (done.stderr or done.stdout).strip().splitlines()[-5:]]
        raise PeersError(f"peers: {what} failed (is the package index reachable?):", *last)
