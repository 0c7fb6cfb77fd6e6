"""Downloads: resumed, verified before use, refused with a reason; the final name holds whole files only."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import threading
import urllib.request

import pytest

from bispike.data.download import _Refused, _SafeRedirects, download, matches
from bispike.errors import DataError, DownloadError

from .makers import pixels
from .server import Site, serve

CONTENT = pixels(700_000).tobytes()
MD5 = "md5:" + hashlib.md5(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def get(site, target, *more, **options):
    options = {"checksum": MD5, "pause": 0.0, "timeout": 5.0} | options
    return download([site.address, *more], target, **options)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_whole_file_arrives_in_a_new_folder_and_is_fetched_once(tmp_path):
    seen = []
    target = tmp_path / "new" / "file.bin"
    with serve(Site(CONTENT)) as site:
        assert get(site, target, progress=lambda *step: seen.append(step)) == target
        get(site, target)
    assert target.read_bytes() == CONTENT
    assert names(target.parent) == ["file.bin"]
    assert site.asked == [""]
    assert seen[-1] == ("file.bin", 700_000, 700_000)


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_the_checksum_may_be_of_any_kind(tmp_path, algorithm):
    (tmp_path / "a").write_bytes(CONTENT)
    expected = hashlib.new(algorithm, CONTENT).hexdigest()
    assert matches(tmp_path / "a", f"{algorithm}:{expected.upper()}")
    assert not matches(tmp_path / "a", f"{algorithm}:{expected[::-1]}")


def test_a_broken_transfer_goes_on_where_it_broke(tmp_path):
    with serve(Site(CONTENT, cut=300_000, cuts=2)) as site:
        get(site, tmp_path / "file.bin")
    assert site.asked == ["", "bytes=300000-", "bytes=600000-"]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_later_call_goes_on_with_the_part_that_is_kept(tmp_path):
    target = tmp_path / "file.bin"
    with (
        serve(Site(CONTENT, cut=100_000)) as site,
        pytest.raises(DownloadError, match="100000 bytes are kept"),
    ):
        get(site, target, attempts=1)
    assert names(tmp_path) == ["file.bin.part"]
    with serve(Site(CONTENT)) as site:
        get(site, target)
    assert site.asked == ["bytes=100000-"]
    assert target.read_bytes() == CONTENT
    assert names(tmp_path) == ["file.bin"]


def test_a_server_without_parts_sends_the_whole_file_again(tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1000])
    with serve(Site(CONTENT, ranges=False)) as site:
        get(site, tmp_path / "file.bin")
    assert site.asked == ["bytes=1000-"]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_part_that_is_already_whole_is_only_verified(tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    with serve(Site(CONTENT)) as site:
        get(site, tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("stale", [b"?" * 1000, b"?" * 700_000, b"?" * 800_000])
def test_a_part_of_another_file_is_thrown_away_and_fetched_anew(tmp_path, stale):
    (tmp_path / "file.bin.part").write_bytes(stale)
    with serve(Site(CONTENT)) as site:
        get(site, tmp_path / "file.bin")
    assert site.asked == [f"bytes={len(stale)}-", ""]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_wrong_checksum_is_refused_and_the_bytes_are_removed(tmp_path):
    changed = CONTENT[:-1] + b"?"
    with (
        serve(Site(changed)) as site,
        pytest.raises(DownloadError, match=r"wrong checksum.*they were removed"),
    ):
        get(site, tmp_path / "file.bin")
    assert names(tmp_path) == []


def test_a_wrong_file_under_the_final_name_stays_until_a_right_one_is_there(tmp_path):
    target = tmp_path / "file.bin"
    target.write_bytes(b"old")
    with serve(Site(b"wrong")) as site, pytest.raises(DownloadError):
        get(site, target)
    assert target.read_bytes() == b"old"
    with serve(Site(CONTENT)) as site:
        get(site, target)
    assert target.read_bytes() == CONTENT


REFUSED = {
    "web page by its type": (Site(b"file", kind="text/html; charset=utf-8"), "web page"),
    "web page by its content": (Site(b"\n <!DOCTYPE html><html></html>"), "web page"),
    "empty": (Site(b""), "empty file"),
    "empty without a length": (Site(b"", length=False), "empty file"),
    "empty answer to robots": (Site(b"", status=202), "answered 202"),
    "not found": (Site(b"gone", status=404), "answered 404"),
    "forbidden": (Site(b"no", status=403), "answered 403"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_the_file_is_refused_once_with_the_reason(tmp_path, case):
    answer, message = REFUSED[case]
    with serve(answer) as site:
        site.asked.clear()
        with pytest.raises(DownloadError, match=message) as caught:
            get(site, tmp_path / "file.bin")
    assert site.address in str(caught.value)
    assert len(site.asked) == 1
    assert names(tmp_path) == []


def test_another_part_than_was_asked_for_is_refused(tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1000])
    with serve(Site(CONTENT, shift=5)) as site, pytest.raises(DownloadError, match="another part"):
        get(site, tmp_path / "file.bin")
    assert names(tmp_path) == ["file.bin.part"]


def test_a_refused_answer_leaves_the_held_part_alone(tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1000])
    with serve(Site(b"<html>sign in</html>", ranges=False)) as site, pytest.raises(DownloadError, match="web page"):
        get(site, tmp_path / "file.bin")
    assert (tmp_path / "file.bin.part").read_bytes() == CONTENT[:1000]


def test_a_full_disk_is_not_the_users_mistake(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("bispike.data.download.os.fsync", full)
    with serve(Site(CONTENT)) as site, pytest.raises(DownloadError, match="No space left"):
        get(site, tmp_path / "file.bin")
    assert not (tmp_path / "file.bin").exists()


def test_a_server_in_trouble_is_asked_again(tmp_path):
    with serve(Site(b"busy", status=503)) as site, pytest.raises(DownloadError, match="answered 503"):
        get(site, tmp_path / "file.bin", attempts=3)
    assert len(site.asked) == 3


def test_the_next_mirror_is_tried(tmp_path):
    with serve(Site(b"<html>")) as first, serve(Site(CONTENT)) as second:
        get(first, tmp_path / "file.bin", second.address)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_part_from_one_mirror_is_continued_by_the_next(tmp_path):
    with serve(Site(CONTENT, cut=5000)) as first, serve(Site(CONTENT)) as second:
        get(first, tmp_path / "file.bin", second.address, attempts=1)
    assert second.asked == ["bytes=5000-"]


def test_without_a_network_every_mirror_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}/a"
        with pytest.raises(DownloadError, match=f"(?s)no connection.*{nowhere}2: no connection"):
            download([nowhere, nowhere + "2"], tmp_path / "a", checksum=MD5, attempts=2, pause=0.0)
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_a_users_mistake(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with serve(Site(CONTENT)) as site, pytest.raises(DataError, match="cannot write"):
        get(site, tmp_path / "file" / "file.bin")


@pytest.mark.skipif(os.name == "nt", reason="folders are locked on POSIX systems only")
def test_several_callers_at_once_fetch_the_file_once(tmp_path):
    with serve(Site(CONTENT)) as site:
        threads = [threading.Thread(target=get, args=(site, tmp_path / "file.bin")) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert site.asked == [""]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


# ------------------------------------------------------------------ sizes, redirects, files of somebody else


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("sent", [700_001, 3_000_000])
def test_nothing_beyond_the_published_size_is_stored(tmp_path, told, sent):
    longer = CONTENT + bytes(sent - len(CONTENT))
    with serve(Site(longer, length=told)) as site, pytest.raises(DownloadError, match=r"expected 700000|more than the"):
        get(site, tmp_path / "file.bin", size=700_000)
    assert names(tmp_path) == []


def test_a_smaller_file_than_published_is_refused_before_it_is_stored(tmp_path):
    with serve(Site(CONTENT[:-1])) as site, pytest.raises(DownloadError, match="offers 699999 bytes, expected 700000"):
        get(site, tmp_path / "file.bin", size=700_000)
    assert names(tmp_path) == []


def test_a_part_larger_than_published_is_fetched_anew(tmp_path):
    (tmp_path / "file.bin.part").write_bytes(bytes(900_000))
    with serve(Site(CONTENT)) as site:
        get(site, tmp_path / "file.bin", size=700_000)
    assert site.asked == [""]


def test_a_broken_transfer_of_known_size_goes_on(tmp_path):
    with serve(Site(CONTENT, cut=300_000, length=False)) as site:
        get(site, tmp_path / "file.bin", size=700_000)
    assert site.asked == ["", "bytes=300000-"]


@pytest.mark.parametrize("moved", ["file:///etc/hostname", "ftp://127.0.0.1/a", "data:,a"])
def test_a_redirect_out_of_the_web_is_refused(tmp_path, moved):
    with serve(Site(CONTENT, moved=moved)) as site, pytest.raises(DownloadError, match=r"is not followed|302"):
        get(site, tmp_path / "file.bin")
    assert names(tmp_path) == []


def test_a_redirect_to_another_place_of_the_web_is_followed(tmp_path):
    with serve(Site(CONTENT)) as there, serve(Site(moved=there.address)) as site:
        get(site, tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_redirect_from_a_safe_to_an_unsafe_address_is_refused():
    request = urllib.request.Request("https://127.0.0.1/a")
    with pytest.raises(_Refused, match="from https to http"):
        _SafeRedirects().redirect_request(request, None, 302, "Found", {}, "http://127.0.0.1/a")
    safe = _SafeRedirects().redirect_request(request, None, 302, "Found", {}, "https://127.0.0.1/b")
    assert safe.full_url == "https://127.0.0.1/b"


@pytest.mark.parametrize("kind", ["link", "hard link", "folder", "pipe"])
def test_what_is_no_part_of_the_download_is_left_alone(tmp_path, kind):
    somebodys, part = tmp_path / "somebody's.txt", tmp_path / "data" / "file.bin.part"
    somebodys.write_text("precious")
    part.parent.mkdir()
    make = {
        "link": lambda: part.symlink_to(somebodys),
        "hard link": lambda: os.link(somebodys, part),
        "folder": part.mkdir,
        "pipe": lambda: os.mkfifo(part),
    }
    make[kind]()
    with serve(Site(CONTENT)) as site, pytest.raises(DataError, match="a link or a file of somebody else"):
        get(site, tmp_path / "data" / "file.bin")
    assert somebodys.read_text() == "precious"
    assert names(part.parent) == ["file.bin.part"]
