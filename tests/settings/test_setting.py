"""One declaration gives type, range, reading, conditions and description of a setting."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bispike import models, rules
from bispike.errors import ConfigurationError
from bispike.settings import (
    BELOW_ONE,
    FRACTION,
    NOT_NEGATIVE,
    POSITIVE,
    SHARE,
    Declared,
    Limit,
    at_least,
    in_range,
    no_effects,
    one_of,
    option,
    setting,
    settings_of,
)


@dataclass(frozen=True)
class Shape(Declared):
    """Options as a rule declares them."""

    form: str = option("round", one_of(("round", "square", "star")), "outline")
    size: float = option(1.0, POSITIVE, "diameter in millimetres")
    corners: int = option(4, at_least(3), "number of corners", only_with={"form": ("square", "star")})
    depth: float = option(0.0, NOT_NEGATIVE, "depth of the notches in millimetres", only_with={"form": ("star",)})
    slant: float = option(0.5, FRACTION, "slant of the notches", only_with={"form": ("star",), "depth": POSITIVE})
    filled: bool = option(default=True, meaning="whether it is filled")
    ink: float | None = option(None, SHARE, "share of ink; none: as the printer has it", only_with={"filled": (True,)})
    tags: dict[str, Any] = field(default_factory=dict, metadata={"meaning": "notes"})
    plain: int = 3


BOUNDS: list[tuple[Limit, list[float], list[float]]] = [
    (NOT_NEGATIVE, [0, 1e-300, 1e300], [-1e-300, -1]),
    (POSITIVE, [math.ulp(0.0), 1e300], [0, -math.ulp(0.0)]),
    (FRACTION, [0, 0.5, 1], [-math.ulp(0.0), math.nextafter(1, 2)]),
    (SHARE, [math.ulp(0.0), 1], [0, math.nextafter(1, 2)]),
    (BELOW_ONE, [0, math.nextafter(1, 0)], [1, -math.ulp(0.0)]),
    (in_range(2, 3), [2, 3], [math.nextafter(2, 0), math.nextafter(3, 4)]),
    (at_least(3), [3, 4], [math.nextafter(3, 0)]),
]


@pytest.mark.parametrize(("limit", "inside", "outside"), BOUNDS, ids=lambda value: getattr(value, "expected", ""))
def test_a_limit_ends_where_it_says(limit: Limit, inside: list[float], outside: list[float]) -> None:
    one = setting("x", 0.0, "float", limit=limit)
    assert [one.problem(value) for value in inside] == [""] * len(inside)
    for value in outside:
        assert one.problem(value) == f"x: expected {limit.expected}, received {value}."


@pytest.mark.parametrize(
    ("annotation", "accepted", "refused"),
    [
        ("int", [3, np.int64(3)], [3.0, True, "3", None, [3]]),
        ("float", [3, 2.5, np.float32(2.5)], [False, "2.5", None, [2.5]]),
        ("bool", [True, False], [1, 0, "true", None]),
        ("str", ["", "x"], [1, None, ["x"]]),
        ("int | None", [None, 3], [3.0, "none"]),
        ("Sequence[int]", [[], [1, 2], (1,)], [1, [1.5], [True], "12"]),
        ("Sequence[int] | int", [1, [1, 2], (1,)], [1.0, True, [1.5], None]),
        (int, [3], [3.0, True]),
        (float | None, [None, 1.5, 2], ["x"]),
    ],
)
def test_types_are_strict(annotation: Any, accepted: list[Any], refused: list[Any]) -> None:
    one = setting("x", 0, annotation)
    assert [one.problem(value) for value in accepted] == [""] * len(accepted)
    for value in refused:
        assert one.problem(value) == f"x: expected {one.kind.expected}, received {value!r}."


def test_numbers_are_finite() -> None:
    for value in (math.nan, math.inf, -math.inf):
        assert "expected a finite number" in setting("x", 1.0).problem(value)
    assert "expected finite numbers" in setting("x", {}).problem({"a": [1.0, [math.nan]]})


def test_accepted_values_become_plain_ones() -> None:
    made = Shape(size=2, corners=np.int64(4), tags={"a": (1, (2,))})  # type: ignore[arg-type]
    assert (type(made.size), type(made.corners), made.tags) == (float, int, {"a": [1, [2]]})


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(), st.booleans(), st.lists(st.integers()))
def test_what_is_printed_is_read(real: float, whole: int, switch: bool, items: list[int]) -> None:
    assert setting("x", 0.0).read(repr(real)) == real
    assert setting("x", 0).read(str(whole)) == whole
    assert setting("x", default=False).read(str(switch)) is switch
    assert setting("x", (), "Sequence[int]").read(str(items)) == items


def test_all_that_is_wrong_comes_together() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Shape(form="sqare", size=0.0, corners=2.0, ink=2.0, plain="3")  # type: ignore[arg-type]
    assert [problem.split(",")[0] for problem in caught.value.problems] == [
        "unknown form 'sqare'; did you mean 'square'? Known: round",
        "size: expected a positive number",
        "corners: expected a whole number",
        "ink: expected a share in (0",
        "plain: expected a whole number",
    ]


@pytest.mark.parametrize(
    ("given", "idle"),
    [
        ({"corners": 5}, ["corners"]),
        ({"corners": 4}, []),
        ({"corners": 5, "form": "square"}, []),
        ({"depth": 1.0, "form": "square"}, ["depth"]),
        ({"slant": 0.1, "form": "star"}, ["slant"]),
        ({"slant": 0.1, "form": "star", "depth": 1.0}, []),
        ({"slant": 0.1, "depth": 1.0, "corners": 3}, ["slant", "depth", "corners"]),
        ({"ink": 0.5, "filled": False}, ["ink"]),
        ({"ink": None, "filled": False}, []),
    ],
)
def test_what_has_no_effect_is_refused(given: dict[str, Any], idle: list[str]) -> None:
    assert no_effects(settings_of(Shape), given).keys() == set(idle)
    if not idle:
        assert Shape(**given)
        return
    with pytest.raises(ConfigurationError) as caught:
        Shape(**given)
    assert {problem.split(":")[0] for problem in caught.value.problems} == set(idle)


def test_the_message_names_option_reason_and_remedy() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Shape(slant=0.1)
    assert caught.value.problems == [
        "slant: received 0.1, which has no effect with form 'round', depth 0.0; it acts where form is 'star' and depth "
        "is a positive number. Set that too, or leave slant out."
    ]


def test_defaults_without_effect_are_listed_only_when_asked_for() -> None:
    settings = settings_of(Shape)
    assert no_effects(settings, {"corners": 4}) == {}
    assert no_effects(settings, {"corners": 4}, defaults_too=True).keys() == {"corners"}


def test_a_class_can_leave_conditions_to_others() -> None:
    @dataclass(frozen=True)
    class Loose(Shape):
        refuses_idle: ClassVar[bool] = False

    assert Loose(corners=9).corners == 9


def test_a_description_is_plain() -> None:
    rows = {name: one.describe() for name, one in settings_of(Shape).items()}
    assert rows["form"] == {
        "name": "form",
        "type": "text",
        "default": "round",
        "choices": ["round", "square", "star"],
        "range": None,
        "meaning": "outline",
        "acts": None,
        "flag": None,
    }
    assert rows["ink"]["type"] == "number or none"
    assert rows["ink"]["acts"] == "filled is true"
    assert rows["corners"]["range"] == "at least 3"
    assert rows["plain"] == {
        **dict.fromkeys(rows["form"]),
        "name": "plain",
        "type": "whole number",
        "default": 3,
        "meaning": "",
    }


def test_choices_may_be_listed_late() -> None:
    """Such as names of a registry that other packages extend."""
    known = ["a"]
    one = setting("x", "a", limit=one_of(lambda: known))
    assert one.problem("b")
    known.append("b")
    assert not one.problem("b")


def test_a_rule_refuses_an_option_without_effect_and_takes_its_default() -> None:
    network = models.mlp(4, [3], 2)
    with pytest.raises(
        ConfigurationError, match=r"noise: received 0\.2, which has no effect with feedback_loss 'fixed'"
    ):
        rules.create("dtp", network, feedback_loss="fixed", noise=0.2)
    options = rules.create("dtp", network, feedback_loss="fixed").options
    assert rules.create("dtp", network, **options).options == options


@pytest.mark.parametrize("name", sorted(rules.registry))
def test_conditions_of_rules_name_options_and_values_that_exist(name: str) -> None:
    settings = settings_of(rules.registry[name].Options)
    for one in settings.values():
        for other, limit in one.only_with.items():
            assert other in settings
            assert all(not settings[other].problem(value) for value in limit.values or ())
