"""Compiles the C++ kernels of this folder once and keeps the library in a private folder of the user (`cache`).

Without a compiler, or if the compiler fails, `library()` is None, and every caller uses torch with the same result.
`BISPIKE_NATIVE=0` selects torch; `BISPIKE_CXX` or `CXX` names another compiler than `c++`, with arguments if need be.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import platform
import shlex
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ....escaping import printable, shortened
from . import cache

HERE = Path(__file__).parent
FLAGS = ("-std=c++17", "-O3", "-march=native", "-fPIC", "-shared", "-fvisibility=hidden")
WIDE = "-mprefer-vector-width=512"  # only some compilers support it
ROOM = 1 << 20  # bytes: where these can be written, a compiler that fails fails everywhere
SECONDS = 120  # for one run of the compiler; a few are usual
OFF = "BISPIKE_NATIVE=0"

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


@dataclass(frozen=True)
class Found:
    """What there is of the kernels.

    Args:
        library: the compiled kernels; None if there are none.
        reason: why there are none.
        remark: why they are not where they should be.
    """

    library: ctypes.CDLL | None
    reason: str | None = None
    remark: str | None = None


@functools.cache
def library() -> ctypes.CDLL | None:
    """The compiled kernels, or None if there are none; `reason()` then returns the cause."""
    return _obtain().library


@functools.cache
def kernels() -> ctypes.CDLL:
    """The compiled kernels, for callers that have checked `usable`.

    Raises:
        RuntimeError: there are none.
    """
    found = _obtain()
    if found.library is None:
        raise RuntimeError(f"the compiled kernels are not available: {found.reason}.")
    return found.library


def reason() -> str | None:
    """The reason why there are no compiled kernels; None if there are."""
    return _obtain().reason


def notice() -> str | None:
    """What a person should know before a long computation, in one line; None if there is nothing to say."""
    found = _obtain()
    if found.reason in (None, OFF):
        return found.remark
    return (
        f"the C++ kernels are not used: {found.reason}. Torch computes the same, more slowly. Install a C++ compiler, "
        f"or name one by BISPIKE_CXX; {OFF} selects torch without this note."
    )


@functools.cache
def _obtain() -> Found:
    if os.environ.get("BISPIKE_NATIVE", "1") == "0":
        return Found(None, OFF)
    name = (os.environ.get("BISPIKE_CXX") or os.environ.get("CXX") or "").strip() or "c++"
    compiler = _command(name)
    if compiler is None:
        return Found(None, f"no C++ compiler ({name!r} is not on the path)")
    sources = sorted(HERE.glob("*.cpp"))
    try:
        version = _output([*compiler, "--version"], seconds=10)
        texts = [path.read_text(encoding="utf-8") for path in [*sources, *sorted(HERE.glob("*.h"))]]
        key = _digest([*texts, version, *compiler[1:], *FLAGS, _processor()])
        return _from_a_folder(compiler, sources, key)
    except (OSError, subprocess.SubprocessError) as error:
        return Found(None, f"compiling the kernels failed: {_detail(error)}")


def _from_a_folder(compiler: list[str], sources: list[Path], key: str) -> Found:
    """The library from the first folder that can be used, where it is compiled unless it lies there already.

    Raises:
        OSError, SubprocessError: it can be compiled nowhere.
    """
    obstacles: list[str] = []
    for place in cache.places():
        where = f"the compiled kernels are in {place}" if obstacles else ""
        try:
            with cache.open_folder(place) as folder:
                found = _kept(folder, key) or _compiled(folder, compiler, sources, key)
            return Found(found, remark=_remark(obstacles, where))
        except OSError as error:
            obstacles.append(f"{place} cannot be used ({_detail(error)})")
    with tempfile.TemporaryDirectory(prefix="bispike-") as name, cache.open_folder(Path(name)) as folder:
        found = _compiled(folder, compiler, sources, key)
    return Found(found, remark=_remark(obstacles, "each process compiles the kernels for itself"))


def _remark(obstacles: list[str], instead: str) -> str | None:
    return f"{'; '.join(obstacles)}: {instead}." if obstacles else None


def _kept(folder: cache.Folder, key: str) -> ctypes.CDLL | None:
    """The library in the folder; None if there is none that can be loaded."""
    found = folder.find(key)
    if found is None:
        return None
    try:
        return _loaded(found)
    except OSError:
        return None


def _compiled(folder: cache.Folder, compiler: list[str], sources: list[Path], key: str) -> ctypes.CDLL:
    """The library, compiled and put into the folder; several processes may do so at the same time.

    Raises:
        SubprocessError: the compiler does not do it.
        OSError: the folder is the obstacle, for example on a disk that is full.
    """
    with folder.workplace() as place:
        made = place / "kernels.so"
        command = [*compiler, *FLAGS, *map(str, sources), "-o", str(made)]
        try:
            _output([*command, WIDE])
        except subprocess.CalledProcessError:
            (place / "room").write_bytes(bytes(ROOM))
            _output(command)
        return _loaded(folder.keep(made, key))


def _loaded(found: cache.Library) -> ctypes.CDLL:
    """The library with the types of its functions, so that calls need no conversion.

    Raises:
        OSError: the loader refuses the file, or a function is missing.
    """
    try:
        loaded = ctypes.CDLL(found.address)
    except OSError:
        os.close(found.descriptor)
        raise
    missing = [name for name in SIGNATURES if not hasattr(loaded, name)]
    if missing:  # the descriptor stays open: the loader would take another library of its number for this one
        raise OSError(f"{found.path} has no function {missing[0]!r}")
    for name, arguments in SIGNATURES.items():
        function = getattr(loaded, name)
        function.argtypes = [_KINDS[kind] for kind in arguments]
        function.restype = ctypes.c_int64 if name == "count" else None
    return loaded


def _command(name: str) -> list[str] | None:
    """The compiler and its arguments; None if there is no such program."""
    whole = shutil.which(name)  # also a path with spaces
    if whole is not None:
        return [whole]
    try:
        program, *arguments = shlex.split(name)
    except ValueError:  # an open quotation mark
        return None
    found = shutil.which(program)
    return None if found is None else [found, *arguments]


def _output(command: list[str], seconds: float = SECONDS) -> str:
    """What a command prints. One that hangs is killed, together with the programs that it has started."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            printed, complaints = process.communicate(timeout=seconds)
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, printed, complaints)
    return printed


def _detail(error: OSError | subprocess.SubprocessError) -> str:
    """What went wrong, in one line."""
    if isinstance(error, subprocess.TimeoutExpired):
        return f"the compiler did not end within {error.timeout:g} s"
    text = getattr(error, "stderr", None) or getattr(error, "strerror", None) or str(error)
    return shortened(printable(" ".join(str(text).split())), 300)


def _processor() -> str:
    """The kind of processor, on which `-march=native` depends: different machines may share a home folder."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
    except OSError:
        return platform.machine() + platform.processor()


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
