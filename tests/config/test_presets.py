"""Presets are complete settings with plausible expectations."""

from __future__ import annotations

import json

import pytest

from bispike.config import presets
from bispike.errors import UnknownNameError


def test_each_preset_is_described_in_plain_values() -> None:
    for name, preset in presets.registry.items():
        described = presets.describe(name)
        assert json.loads(json.dumps(described))["name"] == name == preset.name
        assert "\n" not in preset.summary
        config = presets.config(name)
        assert all(getattr(config, key) == value for key, value in preset.values.items())
        if preset.expected is not None:
            low, high = preset.expected
            assert 0 < low < high <= 1


def test_an_unknown_preset_gets_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'fashion-mlp'"):
        presets.config("fashion-mpl")
