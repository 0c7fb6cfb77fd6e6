"""Loading is measured in a process of its own, and says what it needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bispike.bench.loading import MAKERS, load_once, main


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_each_source_is_a_sound_data_set(tmp_path: Path, name: str) -> None:
    found = load_once(str(MAKERS[name](tmp_path / name if name == "png" else tmp_path, 0.002)))
    assert found["data"] > 0
    assert found["seconds"] > 0
    assert found["peak"] >= 0


def test_the_table_has_a_row_for_each_source(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["loading", "npz", "--scale", "0.001"])
    main()
    heading, row = capsys.readouterr().out.splitlines()
    assert (heading.split()[0], row.split()[0]) == ("source", "npz")
