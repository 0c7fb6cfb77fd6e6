"""Memory of a step against the length of the sequence."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from bispike.bench.sequence_length import main, measure, table


@pytest.mark.parametrize("rule", ["bsd", "e-prop"])
def test_memory_of_local_rules_does_not_grow_with_the_length(rule: str) -> None:
    short, long = (measure(rule, length, units=64, batch=16, repeats=1) for length in (32, 512))
    assert long["peak_mb"] < 1.1 * short["peak_mb"]
    lines = table([short, long]).splitlines()
    assert len(lines) == 4
    assert f"| {rule} | 32 |" in lines[2]


def test_memory_of_bptt_does() -> None:
    unrolled = [measure("bptt", length, units=64, batch=16, repeats=1) for length in (32, 128)]
    assert unrolled[1]["peak_mb"] > 3 * unrolled[0]["peak_mb"]


def test_the_command_prints_a_table() -> None:
    result = CliRunner().invoke(main, ["--rules", "bsd", "--lengths", "2"])
    assert result.exit_code == 0
    assert "| bsd | 2 |" in result.output
