"""The real files, where they are at hand (`BISPIKE_DATA`): checksums, counts and channel statistics."""

from __future__ import annotations

import os

import pytest

from bispike.data import check, info

PUBLISHED = {
    "mnist": (0.1307, 0.3081),
    "fashion-mnist": (0.2860, 0.3530),
    "cifar10": (0.4914, 0.2470),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_statistics_hold(name):
    if not os.environ.get("BISPIKE_DATA") or not info(name)["present"]:
        pytest.skip(f"{name} is not at hand")
    report = check(name)
    assert report["ok"] is True, report["problems"]
    assert "differs" not in report["checksums"].values()
    assert (report["mean"][0], report["std"][0]) == pytest.approx(PUBLISHED[name], abs=1e-4)
