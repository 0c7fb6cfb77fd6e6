"""How formats are registered and found; what each promises of its options."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest

from bispike.data import formats, load, options_of, registry
from bispike.data.formats import Format
from bispike.data.option import Option, defaults, one_of, positive, problems, share, whole_number, yes_or_no
from bispike.errors import ConfigurationError, DataError

from ..makers import class_folders, cycle, idx_folder, pixels


@pytest.fixture
def _restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry as it was, after the test."""
    monkeypatch.setattr(formats, "registry", dict(formats.registry))


def keywords(read: object) -> dict[str, object]:
    parameters = inspect.signature(read).parameters.values()  # type: ignore[arg-type]
    return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize("name", formats.registry)
def test_the_options_of_a_format_are_the_keywords_of_its_reader(name: str) -> None:
    format = formats.registry[name]
    assert format.name == name
    assert {**defaults(format.options), "like": None} == keywords(format.read)
    assert all(option.meaning for option in format.options)


@pytest.mark.parametrize("name", ["python-docs", "tinyshakespeare", "n-mnist"])
def test_the_options_of_a_published_set_are_the_keywords_of_its_reader(name: str) -> None:
    assert defaults(registry[name].options) == keywords(registry[name].read)


@pytest.mark.parametrize("name", formats.registry)
def test_defaults_are_right_and_nonsense_is_named(name: str) -> None:
    format = formats.registry[name]
    assert problems(format.options, defaults(format.options), of="x") == []
    assert "option for x 'nonsense'" in problems(format.options, {"nonsense": 1}, of="x")[0]


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (whole_number(2), [2, 10], [1, 2.5, "3", True, None]),
        (positive("seconds"), [0.1, 3], [0, -1, "1", True]),
        (share, [0.1, 0.9], [0, 1, -0.5, "0.5", float("nan")]),
        (yes_or_no, [True, False], [0, 1, "true"]),
        (one_of("a", "b"), ["a", "b"], ["c", 1]),
    ],
)
def test_checks_accept_what_is_right_and_name_what_is_wrong(check, right, wrong) -> None:  # type: ignore[no-untyped-def]
    assert [check("x", value) for value in right] == [None] * len(right)
    for value in wrong:
        assert "x" in check("x", value)
        assert str(value) in check("x", value)


def test_content_and_endings_tell_the_format(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=pixels(4, 3), y=cycle(4, 2))
    np.savez(tmp_path / "e.npz", **{key: np.zeros(2) for key in ("t", "x", "y", "p", "sample", "labels")})
    for name in ("a.csv", "a.tsv", "a.csv.gz", "a.txt", "A.TXT", "a.md", "a.h5"):
        (tmp_path / name).touch()
    idx_folder(tmp_path / "four")
    class_folders(tmp_path / "photos")
    expected = {
        "a.npz": "npz", "e.npz": "events", "a.csv": "table", "a.tsv": "table", "a.csv.gz": "table", "a.txt": "text",
        "A.TXT": "text", "a.md": "text", "a.h5": "series", "four": "idx", "photos": "image-folder",
    }  # fmt: skip
    assert {name: formats.find(tmp_path / name).name for name in expected} == expected


def test_the_task_decides_where_several_formats_read_a_file(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.touch()
    for task, name in (("tabular", "table"), ("series", "series"), ("text", "text")):
        assert formats.find(path, task).name == name
    with pytest.raises(ConfigurationError, match="unknown task for a table 'pictures'"):
        formats.find(path, "pictures")
    (tmp_path / "log.dat").touch()
    assert formats.find(tmp_path / "log.dat", "series").name == "series"
    with pytest.raises(DataError, match=r"log\.dat: expected a file that ends with .*, or a folder"):
        formats.find(tmp_path / "log.dat")


def test_all_wrong_options_are_named_together(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abc" * 100)
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path / "a.txt", window="wide", test_fraction=2, protocol="usual", widow=3)
    assert [problem.split(":")[0].split("'")[0] for problem in caught.value.problems] == [
        "window", "test_fraction", "unknown protocol ", "unknown option for a.txt ",
    ]  # fmt: skip


def test_options_are_known_before_a_file_is_read(tmp_path: Path) -> None:
    text = {"window": 32, "test_fraction": 0.2, "protocol": "chronological"}
    assert options_of("tinyshakespeare") == text
    assert options_of("digits") == {}
    assert options_of(tmp_path / "not here.txt") == {**text, "encoding": "utf-8", "memory_limit": None}
    assert options_of("not here.csv", "series")["horizon"] == 1
    assert options_of("mackey-glass")["window"] == 32
    assert options_of(tmp_path)["size"] is None
    assert options_of("nothing") == {}


@pytest.mark.usefixtures("_restored")
def test_a_format_may_be_asked_before_others(tmp_path: Path) -> None:
    special = Format("special", "a special table", lambda path: None, endings=(".csv",))  # type: ignore[arg-type, return-value]
    (tmp_path / "a.csv").touch()
    formats.register(special)
    assert formats.find(tmp_path / "a.csv").name == "table"
    del formats.registry["special"]
    formats.register(special, before="table")
    assert formats.find(tmp_path / "a.csv") is special
    with pytest.raises(ConfigurationError, match="a format of this name is registered"):
        formats.register(special)
    with pytest.raises(ConfigurationError, match="unknown format 'tabel'"):
        formats.register(Format("other", "a file", special.read), before="tabel")


def test_an_option_given_its_default_needs_no_check() -> None:
    assert Option("size", "of images", check=whole_number(1)).problem(None) is None
