"""What is written as TOML and read by the standard library is equal, whatever the values."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bispike.config import toml
from bispike.errors import ConfigurationError, UserError

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
plain = text | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
values = plain | st.lists(plain, max_size=3) | st.lists(st.lists(st.integers(), max_size=2), max_size=2)


@given(st.dictionaries(text, values | st.none() | st.dictionaries(text, values | st.none(), min_size=1), max_size=5))
def test_round_trip_is_exact(table: dict[str, Any]) -> None:
    read = toml.with_none(tomllib.loads(toml.dumps(table, heading="two\nlines")))
    assert read == table
    assert repr(sorted(read.items(), key=str)) == repr(sorted(table.items(), key=str))  # types and -0.0 too


@pytest.mark.parametrize("value", [object(), b"bytes", {"a": {1, 2}}])
def test_what_toml_cannot_hold_is_named(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^(key|a):"):
        toml.dumps({"key": value})


def test_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Unicode"):
        toml.dumps({"path": "\udcff"})


def test_a_damaged_file_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("a = 1\nb = = 2\n")
    with pytest.raises(ConfigurationError, match="line 2"):
        toml.load(tmp_path / "a.toml")
    with pytest.raises(UserError, match="no such"):
        toml.load(tmp_path / "none.toml")
