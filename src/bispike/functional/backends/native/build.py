"""Compiles the C++ kernels of this folder once and keeps the library in the user's cache folder.

Without a compiler or a writable folder, or if the compiler fails, `library()` is None, and every caller uses torch with
the same result. `BISPIKE_NATIVE=0` selects torch; `BISPIKE_CXX` or `CXX` names another compiler than `c++`.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
FLAGS = ("-std=c++17", "-O3", "-march=native", "-fPIC", "-shared", "-fvisibility=hidden")
WIDE = "-mprefer-vector-width=512"  # only some compilers support it


SIGNATURES = {
    "pack": "piip",
    "unpack": "piip",
    "rate": "piiip",
    "count": "pi",
    "list_events": "piipp",
    "pool": "piiiiip",
    "neuron_forward": "piippiiiffipiippipp",
    "neuron_backward": "ppiiffip",
    "mean_over_time": "piip",
    "product_tables": "piiipiiippiiipip",
    "product_events": "piiipiiipppiiipip",
    "centred_squares": "ppiip",
    "pull_rows": "piiippppffppp",
    "combine_channels": "pppppii",
}
"""Arguments of each kernel: p an address (`Tensor.data_ptr()`, or None), i a whole number, f a real one."""

_KINDS = {"p": ctypes.c_void_p, "i": ctypes.c_int64, "f": ctypes.c_float}


@functools.cache
def library() -> ctypes.CDLL | None:
    """The compiled kernels, or None if there are none; `reason()` then returns the cause."""
    found = _obtain()
    return found if isinstance(found, ctypes.CDLL) else None


@functools.cache
def kernels() -> ctypes.CDLL:
    """The compiled kernels, for callers that have checked `usable`.

    Raises:
        RuntimeError: there are none.
    """
    found = _obtain()
    if isinstance(found, str):
        raise RuntimeError(f"the compiled kernels are not available: {found}.")
    return found


def reason() -> str | None:
    """The reason why there are no compiled kernels; None if there are."""
    found = _obtain()
    return found if isinstance(found, str) else None


@functools.cache
def _obtain() -> ctypes.CDLL | str:
    if os.environ.get("BISPIKE_NATIVE", "1") == "0":
        return "BISPIKE_NATIVE=0"
    name = os.environ.get("BISPIKE_CXX") or os.environ.get("CXX") or "c++"
    compiler = shutil.which(name.split()[0])
    if compiler is None:
        return f"no C++ compiler ({name!r} is not on the path)"
    sources = sorted(HERE.glob("*.cpp"))
    try:
        version = _output([compiler, "--version"])
        key = _digest([*(path.read_text() for path in [*sources, *HERE.glob("*.h")]), version, *FLAGS, _processor()])
        target = _folder() / f"kernels-{key}.so"
        if not target.exists():
            _compile(compiler, sources, target)
        return _declared(ctypes.CDLL(str(target)))
    except (OSError, subprocess.SubprocessError) as error:
        detail = getattr(error, "stderr", None) or error
        return f"compiling the kernels failed: {detail}"


def _declared(found: ctypes.CDLL) -> ctypes.CDLL:
    """The library with the types of its functions, so that calls need no conversion."""
    for name, arguments in SIGNATURES.items():
        function = getattr(found, name)
        function.argtypes = [_KINDS[kind] for kind in arguments]
        function.restype = ctypes.c_int64 if name == "count" else None
    return found


def _compile(compiler: str, sources: list[Path], target: Path) -> None:
    """Compile to a temporary file and rename it, so that several processes may compile at the same time."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder) / target.name
        command = [compiler, *FLAGS, *map(str, sources), "-o", str(made)]
        try:
            _output([*command, WIDE])
        except subprocess.CalledProcessError:
            _output(command)
        os.replace(made, target)


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout


def _folder() -> Path:
    """Folder of compiled libraries: the cache folder of the user, or one for this process only."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bispike" / "native"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            return root
    except OSError:
        return Path(tempfile.mkdtemp(prefix="bispike-native-"))


def _processor() -> str:
    """The kind of processor, on which `-march=native` depends: different machines may share a home folder."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
    except OSError:
        return platform.machine() + platform.processor()


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
