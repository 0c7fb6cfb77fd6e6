"""Download a file; its final name exists only once the whole file is verified.

Bytes go to `NAME.part` beside the target; a broken transfer is resumed from there (HTTP Range), in this call or
a later one. The checksum is compared before the rename. A web page, an empty or an unfinished answer is
refused, and the next mirror is tried.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .._version import __version__
from ..errors import DataError, DownloadError

Progress = Callable[[str, int, int | None], None]
"""Called with the file's name, the bytes received, and the bytes expected (None where unknown)."""

BLOCK = 1 << 18
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


class _Refused(Exception):
    """This address will not give the file; another may."""


class _Broken(Exception):
    """The transfer broke off; trying again may help."""


def digest(path: Path, algorithm: str) -> str:
    """Hexadecimal digest of a file."""
    running = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            running.update(block)
    return running.hexdigest()


def matches(path: Path, checksum: str) -> bool:
    """Whether a file has the checksum `algorithm:digest`."""
    algorithm, _, expected = checksum.partition(":")
    return digest(path, algorithm) == expected.lower()


def download(
    urls: Sequence[str],
    target: Path,
    *,
    checksum: str,
    attempts: int = 4,
    pause: float = 0.5,
    timeout: float = 30.0,
    progress: Progress | None = None,
) -> Path:
    """Download a file, unless the whole file is on disk.

    Args:
        urls: mirrors, tried in order.
        target: final name; a file there whose checksum is wrong is replaced once a right one has arrived.
        checksum: `algorithm:digest`, compared before the file gets its final name.
        attempts: transfers tried at each mirror.
        pause: seconds before the second attempt; doubles with each.
        timeout: seconds without an answer after which a transfer counts as broken.
        progress: called after every block.

    Raises:
        DataError: the folder cannot be written.
        DownloadError: no mirror gave the file (the answer of each is listed), or the disk is full.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone_in(target.parent):
            if target.is_file() and matches(target, checksum):
                return target
            return _from_any(_Transfer(target, checksum, timeout, progress), urls, attempts, pause)
    except OSError as error:
        kind = DownloadError if error.errno in FULL else DataError
        raise kind(f"cannot write {target}: {error.strerror or error}.") from error


@dataclass
class _Transfer:
    target: Path
    checksum: str
    timeout: float
    progress: Progress | None
    failures: list[str] = field(default_factory=list)

    @property
    def part(self) -> Path:
        return self.target.with_name(self.target.name + ".part")

    def received(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0


def _from_any(transfer: _Transfer, urls: Sequence[str], attempts: int, pause: float) -> Path:
    for url in urls:
        for attempt in range(attempts):
            resumed = transfer.received() > 0
            try:
                _receive(transfer, url)
                _accept(transfer)
                return transfer.target
            except _Refused as refusal:
                transfer.failures.append(f"{url}: {refusal}")
                if not (resumed and not transfer.received()):
                    break
            except _Broken as broken:
                transfer.failures.append(f"{url}: {broken}")
                if attempt + 1 < attempts:
                    time.sleep(pause * 2**attempt)
    rest = (
        f" {transfer.received()} bytes are kept in {transfer.part.name}; the next call resumes from there."
        if transfer.received()
        else ""
    )
    listed = [f"  {line}" for line in dict.fromkeys(transfer.failures)]
    raise DownloadError(f"could not download {transfer.target.name}:", *listed, f"No file was written.{rest}")


def _receive(transfer: _Transfer, url: str) -> None:
    start = transfer.received()
    headers = {"User-Agent": f"bispike/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=transfer.timeout) as answer:
            _expect_file(answer)
            if start and not _resumes(answer, start):
                start = 0
            _store(transfer, answer, start)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:
            # The server has nothing after the bytes received: they are the whole file, or not this file at all.
            return
        kind = _Broken if error.code >= 500 or error.code in (408, 429) else _Refused
        raise kind(f"the server answered {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise _Broken(f"no connection ({error.reason})") from None
    except (http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError) as error:
        raise _Broken(f"the transfer broke off ({type(error).__name__})") from None


def _expect_file(answer: http.client.HTTPResponse) -> None:
    status = getattr(answer, "status", None)
    if status not in (None, 200, 206):
        raise _Refused(f"the server answered {status} instead of the file")
    if "html" in (answer.headers.get("Content-Type") or "").lower():
        raise _Refused("the server answered with a web page instead of the file")
    if answer.headers.get("Content-Length") == "0":
        raise _Refused("the server answered with an empty file")


def _resumes(answer: http.client.HTTPResponse, start: int) -> bool:
    if answer.status != 206:
        return False
    if not (answer.headers.get("Content-Range") or "").startswith(f"bytes {start}-"):
        raise _Refused("the server answered with another part of the file than was asked for")
    return True


def _store(transfer: _Transfer, answer: http.client.HTTPResponse, start: int) -> None:
    # The first block is examined before the part file is changed: a refusal loses no bytes received before.
    block = answer.read(BLOCK)
    if not block:
        raise _Refused("the server answered with an empty file")
    if start == 0 and block[:256].lstrip().lower().startswith((b"<!doctype", b"<html")):
        raise _Refused("the server answered with a web page instead of the file")
    length = answer.headers.get("Content-Length")
    whole = start + int(length) if length and length.isdigit() else None
    received = start
    with transfer.part.open("ab" if start else "wb") as stream:
        while block:
            stream.write(block)
            received += len(block)
            if transfer.progress is not None:
                transfer.progress(transfer.target.name, received, whole)
            block = answer.read(BLOCK)
        stream.flush()
        os.fsync(stream.fileno())
    if whole is not None and received < whole:
        raise _Broken(f"the transfer broke off after {received} of {whole} bytes")


def _accept(transfer: _Transfer) -> None:
    if not matches(transfer.part, transfer.checksum):
        size = transfer.received()
        transfer.part.unlink()
        raise _Refused(f"wrong checksum ({size} bytes, expected {transfer.checksum}); they were removed")
    os.replace(transfer.part, transfer.target)


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes from downloading into the same folder at the same time, where the system can."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
