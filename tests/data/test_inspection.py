"""The report on a data set, sound or not."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bispike.data import check, registry
from bispike.errors import ConfigurationError, DataError, UnknownNameError

from .makers import cycle, idx_folder, pixels


@pytest.fixture(autouse=True)
def _nothing_else_here(tmp_path, monkeypatch):
    monkeypatch.delenv("BISPIKE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_sound_file_is_described(tmp_path):
    x, y = pixels(24, 3, 3), cycle(24, 3)
    np.savez(tmp_path / "a.npz", x_train=x[:18], y_train=y[:18], x_test=x[18:], y_test=y[18:])
    report = check(tmp_path / "a.npz")
    assert report["ok"] is True
    assert report["problems"] == report["notes"] == []
    assert report["shape"] == [1, 3, 3]
    assert report["train"] == {"count": 18, "per_class": [6, 6, 6]}
    assert report["test"] == {"count": 6, "per_class": [2, 2, 2]}
    assert report["value_range"] == [int(x[:18].min()), int(x[:18].max())]
    json.dumps(report)


def test_suspicious_data_get_notes(tmp_path):
    x, y = pixels(45, 3, 3), np.array([0] * 40 + [1] * 3 + [2] * 2)
    np.savez(tmp_path / "a.npz", x_train=x, y_train=y, x_test=x[:4], y_test=y[:4])
    report = check(tmp_path / "a.npz")
    assert report["ok"] is True
    notes = " ".join(report["notes"])
    assert "40 of '0', 2 of '2'" in notes
    assert "no stimulus of class 1, 2" in notes
    assert "4 different test stimuli also occur" in notes


def test_problems_are_listed_and_not_raised(tmp_path):
    np.savez(tmp_path / "a.npz", x=pixels(6, 3), y=np.array([0, 2] * 3))
    report = check(tmp_path / "a.npz")
    assert report["ok"] is False
    assert "no stimulus of class 1" in report["problems"][0]


def test_a_published_set_is_compared_with_its_checksums(tmp_path):
    report = check("mnist", root=tmp_path)
    assert report["ok"] is False
    assert report["path"] is None
    idx_folder(tmp_path / "mnist")
    report = check("mnist", root=tmp_path)
    assert set(report["checksums"].values()) == {"differs"}
    assert len(report["problems"]) == len(registry["mnist"].files) + 1
    assert "not the published" in report["problems"][-1]


def test_the_embedded_set_is_sound():
    report = check("digits")
    assert report["ok"] is True
    assert sum(report["train"]["per_class"]) == 1437


def test_a_users_mistake_is_still_an_error(tmp_path):
    with pytest.raises(UnknownNameError):
        check("mnst")
    with pytest.raises(DataError, match="no such file"):
        check(tmp_path / "nothing.npz")
    np.savez(tmp_path / "a.npz", x=pixels(6, 3), y=cycle(6, 2))
    with pytest.raises(ConfigurationError):
        check(tmp_path / "a.npz", size=3)
