"""A page or a picture never replaces a file that bispike did not write, unless it is asked to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from bispike.errors import UserError
from bispike.figures.files import FORMATS, write_picture
from bispike.runs.marker import RUN, mark, read_marker
from bispike.runs.outputs import MARK, write_output


@pytest.mark.parametrize("ending", FORMATS)
def test_a_picture_replaces_itself_and_nothing_else(tmp_path: Path, ending: str) -> None:
    ours, theirs = tmp_path / f"ours.{ending}", tmp_path / f"theirs.{ending}"
    Figure().savefig(theirs)
    before = theirs.read_bytes()
    for _ in range(2):
        write_picture(ours, Figure())
        with pytest.raises(UserError, match=r"bispike did not write it.*--overwrite"):
            write_picture(theirs, Figure())
    assert theirs.read_bytes() == before
    write_picture(theirs, Figure(), overwrite=True)
    assert theirs.read_bytes() == ours.read_bytes()
    assert MARK.encode() in ours.read_bytes()


def test_what_the_marker_of_the_folder_names_is_replaced(tmp_path: Path) -> None:
    mark(tmp_path, RUN, ["page.html"])
    (tmp_path / "page.html").write_text("without the sentence")
    write_output(tmp_path / "page.html", "new")
    write_output(tmp_path / "other.html", "new")
    write_output(tmp_path / "other.html", "newer")
    found = read_marker(tmp_path)
    assert found is not None
    assert found.files == {"page.html", "other.html"}
    (tmp_path / "mine.html").write_text("mine")
    with pytest.raises(UserError, match="did not write it"):
        write_output(tmp_path / "mine.html", "new")


@pytest.mark.parametrize("kind", ["link", "dangling link", "folder", "pipe"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    target, other = tmp_path / "page.html", tmp_path / "other.html"
    other.write_text(MARK)
    if kind == "folder":
        target.mkdir()
    elif kind == "pipe":
        os.mkfifo(target)
    else:
        target.symlink_to(other if kind == "link" else tmp_path / "missing")
    with pytest.raises(UserError, match=r"is a link|a folder|a device or a pipe"):
        write_output(target, "new")
    assert other.read_text() == MARK
    if "link" in kind:
        write_output(target, "new", overwrite=True)
        assert target.read_text() == "new"
        assert not target.is_symlink()
        assert other.read_text() == MARK
