"""Two processes (gloo, on one machine) train as one does, resume as one or as two, and survive each other.

In float64 the two orders of summation differ by some 1e-16 an operation; after two epochs the weights agree to 1e-9.
The arithmetic of a shared step, for every rule and option, is tested without processes in tests/rules.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from bispike.errors import UserError
from bispike.runs.folder import CHECKPOINT, METRICS, MODEL
from bispike.training import load_run, read_summary
from bispike.training.distributed import processes

from .sharing import Case, Ended, Scenario, played

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks processes that talk through gloo")

HARD = Case(
    "hard",
    rule_options={"contrast": "batch", "centre": "running"},
    model_options={"stimulus_code": "bernoulli", "concept_code": "learned"},
    settings={"augment": "crop", "warmup_steps": 3},
)
CLIPPED = Case("clipped", rule="bptt", settings={"clip_norm": 0.5, "batch_size": 41, "keep": "best"})
SERIES = Case("series", dataset="mackey-glass", model_options={"threshold": 0.5, "excitability": 0.5})
RATES = replace(SERIES, out="rates", rule="backprop", settings={"batch_size": 41})
SINGLE = Case("single", settings={"batch_size": 1, "limit": 20})
COMMAND = ["train", "--dataset", "digits", "--model", "mlp-small", "--epochs", "1", "--limit", "320", "--json"]
KILLED = [replace(HARD, out=f"killed-{victim}", die_in=9, victim=victim) for victim in (0, 1)]

SCENARIOS = [
    Scenario("one", 1, [replace(case, out=f"one-{case.out}") for case in (HARD, CLIPPED, SERIES, RATES, SINGLE)]),
    Scenario("one-stops", 1, [replace(HARD, out="one-then-two", stop_after=5)]),
    Scenario(
        "two",
        2,
        [
            *(HARD, CLIPPED, SERIES, RATES, SINGLE, replace(HARD, out="again")),
            replace(HARD, out="in-pass", settings={**HARD.settings, "update": "in-pass"}),
            replace(HARD, out="two-then-two", stop_after=8),
            replace(HARD, out="two-then-two"),
            replace(HARD, out="one-then-two"),
            replace(HARD, out="two-then-one", stop_after=8),
        ],
    ),
    Scenario("one-goes-on", 1, [replace(HARD, out="two-then-one")]),
    *(Scenario(case.out, 2, [case]) for case in KILLED),
    Scenario("after-kills", 1, [replace(case, die_in=None) for case in KILLED]),
    Scenario("differ", 2, [replace(HARD, out="differ", settings_of_last={"lr": 0.5})]),
    Scenario("command", 2, [Case("command", words=COMMAND)]),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sharing")


@pytest.fixture(scope="module")
def ends(root: Path) -> dict[str, list[Ended]]:
    found = played(root, SCENARIOS)
    for name in ("one", "one-stops", "two", "one-goes-on", "after-kills"):
        assert [end.status for end in found[name]] == [0] * len(found[name]), found[name]
    return found


def assert_close(one: Path, other: Path) -> None:
    torch.testing.assert_close(load_file(one / MODEL), load_file(other / MODEL), rtol=1e-9, atol=1e-9)
    rows, expected = ([json.loads(line) for line in (path / METRICS).read_text().splitlines()] for path in (one, other))
    for row, wanted in zip(rows, expected, strict=True):
        for key in ("loss", "train_accuracy", "validation", "spike_rate", "layer_losses", "health"):
            assert row[key] == pytest.approx(wanted[key], rel=1e-9), key
    first, second = read_summary(one) or {}, read_summary(other) or {}
    assert first["test"] == pytest.approx(second["test"], rel=1e-9)
    assert all(first[key] == second[key] for key in ("confusion", "updates", "kept_epoch"))


def same_bits(one: Path, other: Path) -> bool:
    return (one / MODEL).read_bytes() == (other / MODEL).read_bytes()


@pytest.mark.slow
@pytest.mark.usefixtures("ends")
class TestTwoProcesses:
    @pytest.mark.parametrize("kind", ["hard", "clipped", "series", "rates", "single"])
    def test_end_as_one(self, root: Path, kind: str) -> None:
        assert_close(root / kind, root / f"one-{kind}")
        assert (read_summary(root / kind) or {})["processes"] == 2

    def test_repeat_themselves(self, root: Path) -> None:
        assert same_bits(root / "hard", root / "again")

    def test_may_update_in_the_pass(self, root: Path) -> None:
        assert same_bits(root / "hard", root / "in-pass")

    def test_resume_bit_for_bit(self, root: Path) -> None:
        assert same_bits(root / "hard", root / "two-then-two")

    @pytest.mark.parametrize("kind", ["one-then-two", "two-then-one"])
    def test_may_follow_and_be_followed_by_one(self, root: Path, kind: str) -> None:
        assert_close(root / kind, root / "one-hard")


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_the_survivor_of_a_kill_saves_the_last_complete_step(
    root: Path, ends: dict[str, list[Ended]], victim: int
) -> None:
    """The broken step had already moved statistics; the training resumes as if that step had not begun."""
    killed, survivor = ends[f"killed-{victim}"][victim], ends[f"killed-{victim}"][1 - victim]
    out = root / f"killed-{victim}"
    assert (killed.status, survivor.status) == (-9, 1), survivor.errors
    assert "another process of this training is gone" in survivor.errors
    assert f"The last complete step was epoch 2, step 1 of 7; saved in {out / CHECKPOINT}" in survivor.errors
    assert f"bispike train --resume --out {out}" in survivor.errors
    assert ends["after-kills"][0].errors.count("resuming at epoch 2, step 1 of 7") == len(KILLED)
    assert_close(out, root / "one-hard")
    assert (read_summary(out) or {})["processes"] == 1


@pytest.mark.slow
def test_processes_with_different_settings_are_refused(ends: dict[str, list[Ended]]) -> None:
    assert [end.status for end in ends["differ"]] == [2, 2]
    assert all("not given the same training" in end.errors for end in ends["differ"])
    assert "lr: 0.003 -> 0.5" in ends["differ"][1].errors


@pytest.mark.slow
def test_the_command_line_answers_once(root: Path, ends: dict[str, list[Ended]]) -> None:
    first, second = ends["command"]
    assert (first.status, second.status) == (0, 0), first.errors + second.errors
    assert (second.output, second.errors) == ("", "")
    answer = json.loads(first.output)
    assert (answer["processes"], answer["run"]) == (2, str(root / "command"))
    assert load_run(root / "command").summary == answer


@pytest.mark.parametrize(
    ("rank", "size", "message"),
    [
        ("x", "2", "RANK: expected a whole"),
        ("5", "2", "from 0 to 1"),
        ("-1", "2", "from 0 to 1"),
        ("0", "x", "WORLD_SIZE"),
    ],
)
def test_an_environment_that_names_no_process_is_refused(
    rank: str, size: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("WORLD_SIZE", size)
    with pytest.raises(UserError, match=message), processes("cpu"):
        pass
