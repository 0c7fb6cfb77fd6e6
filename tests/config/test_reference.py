"""The committed reference page is the generated one, and every setting on it has a meaning."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from bispike import config, models, rules
from bispike.config.options import argument_meanings, cases_of_rule, model_options
from bispike.config.reference import page
from bispike.config.train_config import SETTINGS

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_committed_page_is_up_to_date() -> None:
    expected = page()
    assert PAGE.read_text(encoding="utf-8") == expected, "python -m bispike.config.reference > docs/settings.md"


def test_every_setting_of_a_training_has_a_meaning_and_a_sound_default() -> None:
    for one in SETTINGS.values():
        assert one.meaning
        assert not one.problem(one.default)


@pytest.mark.parametrize("name", sorted(rules.registry))
def test_options_of_a_rule_are_described(name: str) -> None:
    rows = config.describe_options("rule", name)
    assert {row["name"]: row["default"] for row in rows} == rules.registry[name].defaults()
    for row in rows:
        assert row["choices"] or row["range"] or row["type"] == "true or false"
        assert row["choices"] is None or row["default"] in row["choices"]


@pytest.mark.parametrize("name", sorted(rules.registry))
def test_options_of_a_rule_are_described_for_every_kind_of_networks(name: str) -> None:
    """Each class of the rule has its options under the kind of its networks, with their meanings, on the page too."""
    cases = cases_of_rule(name)
    section = page().split(f"\n### {name}\n")[1].split("\n### ")[0]
    for rule in rules.classes_of(name):
        for network in rule.networks:
            (rows,) = [rows for kinds, rows in cases.items() if network.kind in kinds]
            assert {row["name"]: row["default"] for row in rows} == rule.defaults()
            assert all(row["meaning"] and f"| `{row['name']}` |" in section for row in rows)


@pytest.mark.parametrize("name", sorted(models.registry))
def test_options_of_a_model_are_described(name: str) -> None:
    rows = config.describe_options("model", name)
    assert {row["name"] for row in rows} == models.settings_of(name).keys()
    assert all(row["meaning"] for row in rows)
    options = model_options(name)
    assert not [
        options[key].problem(value)
        for key, value in models.registry[name].defaults.items()
        if options[key].problem(value)
    ]


def test_meanings_of_arguments_are_read_from_a_docstring() -> None:
    def builder(size: int, left: int, right: int) -> None:
        """Build.

        Args:
            size: of the whole,
                in millimetres.
            left, right: of each part; see
                there.
            **rest: not named.

        Returns:
            nothing: at all.
        """

    assert argument_meanings(builder) == {
        "size": "of the whole, in millimetres",
        "left": "of each part; see there",
        "right": "of each part; see there",
        "**rest": "not named",
    }
    assert argument_meanings(inspect.getdoc) == {}
