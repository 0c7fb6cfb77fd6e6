"""Files that the marker of a folder does not name are neither replaced nor removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bispike.errors import CheckpointError, UserError
from bispike.runs.marker import LEARNER, MARKER, MEMORY, RESULTS, RUN, STUDY, claim, mark, read_marker


def test_what_was_marked_is_read(tmp_path: Path) -> None:
    made = mark(tmp_path, RUN, ["a", "b"])
    assert read_marker(tmp_path) == made
    assert made.files == {"a", "b"}
    assert len(made.id) == 32
    assert mark(tmp_path, RUN, []).id != made.id


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        '{"kind": "run", "format": 1, "id": "", "files": []}',
        '{"writer": "bispike", "kind": ["run"], "format": 1, "id": "", "files": []}',
        '{"writer": "bispike", "kind": "run", "format": true, "id": "", "files": []}',
        '{"writer": "bispike", "kind": "run", "format": 1, "id": 3, "files": []}',
        '{"writer": "bispike", "kind": "run", "format": 1, "id": "", "files": {}}',
        '{"writer": "bispike", "kind": "run", "format": 1}',
        "\udcff",
    ],
)
def test_a_damaged_marker_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / MARKER).write_bytes(content.encode(errors="surrogateescape"))
    assert read_marker(tmp_path) is None
    with pytest.raises(UserError, match=MARKER):
        claim(tmp_path, RESULTS, ["a"])
    assert (tmp_path / MARKER).read_bytes() == content.encode(errors="surrogateescape")


def test_names_that_are_no_names_are_left_out(tmp_path: Path) -> None:
    names = ["a", "../b", "..", "", "c/d", 3, ["e"], None, "f\0"]
    values = {"writer": "bispike", "kind": RUN, "format": 1, "id": "x", "files": names}
    (tmp_path / MARKER).write_text(json.dumps(values))
    found = read_marker(tmp_path)
    assert found is not None
    assert found.files == {"a"}


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    values = {"writer": "bispike", "kind": RUN, "format": 2, "id": "x", "files": []}
    (tmp_path / MARKER).write_text(json.dumps(values))
    with pytest.raises(CheckpointError, match="a later version of bispike"):
        read_marker(tmp_path)


def test_a_folder_is_claimed_and_claimed_again(tmp_path: Path) -> None:
    first = claim(tmp_path / "new", STUDY, ["table.md"])
    (tmp_path / "new" / "table.md").write_text("ours")
    assert claim(tmp_path / "new", STUDY, ["table.md"]) == first
    more = claim(tmp_path / "new", STUDY, ["runs.csv"])
    assert (more.id, more.files) == (first.id, {"table.md", "runs.csv"})
    assert read_marker(tmp_path / "new") == more


@pytest.mark.parametrize("kind", [STUDY, LEARNER, MEMORY, RESULTS])
def test_a_file_that_bispike_did_not_write_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "table.md").write_text("mine")
    (tmp_path / "other.md").write_text("mine")
    with pytest.raises(UserError, match=r"holds table\.md, which bispike did not write"):
        claim(tmp_path, kind, ["table.md", "runs.csv"])
    assert not (tmp_path / MARKER).exists()
    claim(tmp_path, kind, ["runs.csv"])
    with pytest.raises(UserError, match=r"holds table\.md"):
        claim(tmp_path, kind, ["table.md", "runs.csv"])


def test_a_link_is_refused_also_under_an_own_name(tmp_path: Path) -> None:
    claim(tmp_path, RESULTS, ["table.md"])
    (tmp_path / "table.md").symlink_to(tmp_path / "missing")
    with pytest.raises(UserError, match=r"table\.md"):
        claim(tmp_path, RESULTS, ["table.md"])


def test_a_folder_has_one_kind_and_results_beside_it(tmp_path: Path) -> None:
    claim(tmp_path, LEARNER, ["latest.json"])
    with pytest.raises(UserError, match="expected the folder of a study, received that of a learner"):
        claim(tmp_path, STUDY, ["table.md"])
    assert claim(tmp_path, RESULTS, ["analysis.json"]).kind == LEARNER


def test_the_message_about_another_kind_is_a_sentence(tmp_path: Path) -> None:
    mark(tmp_path, MEMORY, ())
    with pytest.raises(UserError, match="expected the folder of a learner, received that of an associative mem"):
        claim(tmp_path, LEARNER, ())
