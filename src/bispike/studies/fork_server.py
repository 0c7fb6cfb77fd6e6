"""A process that imports the package once and forks a child for each job, so that a job does not pay for the imports.

The server has one thread when it forks: it is started with one thread for OpenMP, and it computes nothing itself. A
child crashes alone. When the process that started the server ends, however it ends, the server's socket closes; it
then asks its children to end (a training saves a checkpoint first), waits for them and ends too.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import ctypes
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from ..stopping import SIGNALS

WARM = ("bispike.training", "bispike.cli.train", "torch._dynamo", "sklearn.datasets")
"""Imported before the first fork; `torch.optim` imports `torch._dynamo` when the first optimizer is made."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
LARGEST_MESSAGE = 2**20  # bytes; a message holds a command line and the environment
POLL_SECONDS = 0.02
LOST = "the process that starts the runs ended unexpectedly"

_PR_SET_PDEATHSIG = 1
_idle: list[ForkServer] = []


def available() -> bool:
    """Whether this system can fork a process with torch in it: Linux can."""
    return sys.platform == "linux"


class ForkServer:
    """The side of the server's owner. One study at a time uses a server."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LARGEST_MESSAGE)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LARGEST_MESSAGE)
            self._process = subprocess.Popen(
                [sys.executable, "-c", f"from {__name__} import serve; serve({theirs.fileno()})"],
                stdin=subprocess.DEVNULL,
                env={**os.environ, **ONE_THREAD},
                pass_fds=(theirs.fileno(),),
                process_group=0,  # Ctrl-C reaches the owner only, which forwards it once
            )
        self._socket = ours
        self._running: set[str] = set()

    @classmethod
    def take(cls) -> ForkServer:
        """A server that nobody uses: one from before, or a new one."""
        while _idle:
            server = _idle.pop()
            if server._process.poll() is None:
                return server
            server.close()
        return cls()

    def give_back(self) -> None:
        """Keep the server for the next study if it is fit for one."""
        if self._running or self._process.poll() is not None:
            self.close()
        else:
            _idle.append(self)

    def start(self, name: str, words: Sequence[str], *, stdout: Path, stderr: Path, lock: int | None = None) -> None:
        """Start `bispike WORDS` in a child, which holds the descriptor `lock` too."""
        request = {
            "name": name,
            "words": list(words),
            "stdout": str(stdout.absolute()),
            "stderr": str(stderr.absolute()),
            "folder": os.getcwd(),
            "environment": {**os.environ, **ONE_THREAD},
        }
        self._running.add(name)
        self._send(request, () if lock is None else (lock,))

    def interrupt(self, number: int) -> None:
        """Send a signal to all children."""
        self._send({"signal": int(number)})

    def wait(self, seconds: float | None = None) -> dict[str, int | str]:
        """Wait until a child ends; its exit status by its name, negative for a signal.

        Empty after `seconds`. If the server itself is lost, a message for each child that was running.
        """
        if seconds is not None and not select.select([self._socket], [], [], seconds)[0]:
            return {}
        try:
            message = self._socket.recv(LARGEST_MESSAGE)
        except ConnectionError:
            message = b""
        if not message:
            lost, self._running = sorted(self._running), set()
            return dict.fromkeys(lost, LOST)
        ended = json.loads(message)
        self._running.discard(ended["name"])
        return {ended["name"]: ended["status"]}

    def close(self) -> None:
        """End the server and its children."""
        self._socket.close()
        if not self._running:
            self._process.terminate()
        self._process.wait()

    def _send(self, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        with contextlib.suppress(ConnectionError):  # the next `wait` reports the loss
            self._socket.sendmsg([json.dumps(message).encode()], rights)


@atexit.register
def _close_idle() -> None:
    while _idle:
        _idle.pop().close()


def serve(descriptor: int) -> None:
    """The server: fork a child for each request until the owner's end of the socket closes.

    A signal that asks to end is for the owner, which tells the children; here it is ignored while there are any, also
    if it was sent to all processes of a batch job.
    """
    inherited: dict[signal.Signals, Any] = {
        number: signal.getsignal(number) for number in SIGNALS if number != signal.SIGTERM
    }
    for number in inherited:
        signal.signal(number, signal.SIG_IGN)
    for module in WARM:
        importlib.import_module(module)
    children: dict[int, str] = {}
    signal.signal(signal.SIGTERM, lambda number, frame: None if children else os._exit(0))
    with socket.socket(fileno=descriptor) as owner:
        while True:
            if select.select([owner], [], [], POLL_SECONDS if children else None)[0]:
                message, descriptors, _, _ = socket.recv_fds(owner, LARGEST_MESSAGE, 1)
                if not message:
                    break
                _handle(json.loads(message), descriptors, children, owner, inherited)
            for child in list(children):
                ended, status = os.waitpid(child, os.WNOHANG)
                if ended:
                    answer = {"name": children.pop(child), "status": os.waitstatus_to_exitcode(status)}
                    try:
                        owner.send(json.dumps(answer).encode())
                    except ConnectionError:
                        break
    for child in children:
        os.kill(child, signal.SIGTERM)
    for child in children:
        os.waitpid(child, 0)


def _handle(
    request: dict[str, Any],
    descriptors: Sequence[int],
    children: dict[int, str],
    owner: socket.socket,
    inherited: Mapping[signal.Signals, Any],
) -> None:
    if "signal" in request:
        for child in children:
            os.kill(child, request["signal"])
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # until the child has its own handlers
    child = os.fork()
    if child == 0:
        _run(request, owner, inherited)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    children[child] = request["name"]
    for descriptor in descriptors:
        os.close(descriptor)


def _run(request: dict[str, Any], owner: socket.socket, inherited: Mapping[signal.Signals, Any]) -> NoReturn:
    """In the child: become `bispike WORDS`."""
    status = 1
    try:
        owner.close()
        for number, handler in inherited.items():
            signal.signal(number, handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # the owner sends it, also from the background
        end_with_parent()
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        for path, mode, target in ((request["stdout"], os.O_TRUNC, 1), (request["stderr"], os.O_APPEND, 2)):
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | mode, 0o644)
            os.dup2(opened, target)
            os.close(opened)
        status = _status_of(request["words"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _status_of(words: Sequence[str]) -> int:
    """Exit status of `python -m bispike WORDS` in this process."""
    sys.argv = ["bispike", *words]
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        runpy.run_module("bispike", run_name="__main__")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        print("error: interrupted before the command began.", file=sys.stderr)
        return 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def end_with_parent() -> None:
    """In a child on Linux: end when the parent does, however it ends. A training saves a checkpoint first."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
