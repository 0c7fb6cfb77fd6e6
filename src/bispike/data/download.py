"""Download a file; its final name exists only once the whole file is verified.

Bytes go to `NAME.part` beside the target; a broken transfer is resumed from there (HTTP Range), in this call or
a later one. The checksum is compared before the rename. A web page, an empty or an unfinished answer, one of another
size than published and a redirect to an unsafe address are refused, and the next mirror is tried.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import os
import ssl
import stat
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

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
    size: int | None = None,
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
        size: bytes as published; nothing beyond them is stored. None: any size.
        attempts: transfers tried at each mirror.
        pause: seconds before the second attempt; doubles with each.
        timeout: seconds without an answer after which a transfer counts as broken.
        progress: called after every block.

    Raises:
        DataError: the folder cannot be written, or a link or a file of somebody else stands where bytes go.
        DownloadError: no mirror gave the file (the answer of each is listed), or the disk is full.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone_in(target.parent):
            if target.is_file() and matches(target, checksum):
                return target
            return _from_any(_Transfer(target, checksum, size, timeout, progress), urls, attempts, pause)
    except OSError as error:
        kind = DownloadError if error.errno in FULL else DataError
        raise kind(f"cannot write {target}: {error.strerror or error}.") from error


@dataclass
class _Transfer:
    target: Path
    checksum: str
    size: int | None
    timeout: float
    progress: Progress | None
    failures: list[str] = field(default_factory=list)

    @property
    def part(self) -> Path:
        return self.target.with_name(self.target.name + ".part")

    def received(self) -> int:
        """Bytes in the part file; one of another kind or user is never used.

        Raises:
            DataError: a link, or a file of somebody else.
        """
        try:
            found = self.part.lstat()
        except FileNotFoundError:
            return 0
        foreign = os.name != "nt" and (found.st_uid != os.geteuid() or found.st_nlink > 1)
        if not stat.S_ISREG(found.st_mode) or foreign:
            raise DataError(
                f"{self.part}: expected no file, or the beginning of {self.target.name} from an earlier download; "
                "received a link or a file of somebody else. Move it away."
            )
        return found.st_size

    def open_part(self, *, resumed: bool) -> BinaryIO:
        """The part file, for writing at its end or anew."""
        flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(self.part, flags | (os.O_APPEND if resumed else os.O_TRUNC), 0o666)
        return os.fdopen(descriptor, "ab" if resumed else "wb")

    def too_large(self, received: int) -> bool:
        """Whether so many bytes are more than published."""
        return self.size is not None and received > self.size


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


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to https, and from http to http; never to a file, or from a safe address to an unsafe one."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: str) -> Any:
        before, after = (urllib.parse.urlsplit(url).scheme for url in (req.full_url, newurl))
        if after != "https" and not (after == before == "http"):
            raise _Refused(f"the server leads from {before} to {after or 'nowhere'}, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _receive(transfer: _Transfer, url: str) -> None:
    start = transfer.received()
    if transfer.too_large(start):
        transfer.part.unlink()
        start = 0
    headers = {"User-Agent": f"bispike/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        opener = urllib.request.build_opener(_SafeRedirects)
        with opener.open(urllib.request.Request(url, headers=headers), timeout=transfer.timeout) as answer:
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
    if whole is not None and transfer.size is not None and whole != transfer.size:
        raise _Refused(f"the server offers {whole} bytes, expected {transfer.size}")
    received = start
    with transfer.open_part(resumed=bool(start)) as stream:
        while block:
            received += len(block)
            if transfer.too_large(received):
                break
            stream.write(block)
            if transfer.progress is not None:
                transfer.progress(transfer.target.name, received, whole)
            block = answer.read(BLOCK)
        stream.flush()
        os.fsync(stream.fileno())
    if transfer.too_large(received):
        transfer.part.unlink()
        raise _Refused(f"the server sent more than the {transfer.size} bytes that are published; they were removed")
    expected = whole if transfer.size is None else transfer.size
    if expected is not None and received < expected:
        raise _Broken(f"the transfer broke off after {received} of {expected} bytes")


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
