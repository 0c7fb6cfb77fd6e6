"""Memory of a step against the length of the sequence."""

from __future__ import annotations

import pytest

from bispike.bench.sequence_length import cells, measure


@pytest.mark.parametrize("rule", ["bsd", "e-prop"])
def test_memory_of_local_rules_does_not_grow_with_the_length(rule: str) -> None:
    short, long = (measure(rule, length, units=64, batch=16, repeats=1) for length in (32, 512))
    assert long["peak_mb"] < 1.1 * short["peak_mb"]
    first, second = cells([short, long])
    assert [first[:2], second[:2]] == [[rule, "32"], [rule, "512"]]
    assert first[3] == "1.00"
    assert float(second[3]) == pytest.approx(long["peak_mb"] / short["peak_mb"], abs=0.005)


def test_memory_of_bptt_does() -> None:
    unrolled = [measure("bptt", length, units=64, batch=16, repeats=1) for length in (32, 128)]
    assert unrolled[1]["peak_mb"] > 3 * unrolled[0]["peak_mb"]
