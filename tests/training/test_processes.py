"""What several processes do together, with stand-ins for the processes: no fork, so that every line is seen here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bispike import data, fit, models
from bispike.errors import ConfigurationError, UserError, WorkError
from bispike.nn import Group
from bispike.nn.process_group import ALONE
from bispike.rules import StepReport
from bispike.training import distributed, measures
from bispike.training.distributed import Processes, from_first, in_turn, is_first, launched
from bispike.training.progress import Progress
from bispike.training.shared_step import sum_report
from tests.together import together


class StandIn(Processes):
    """A process whose messages lie in a list: process 0 appends them, the other one takes them."""

    def __init__(self, rank: int, messages: list[bytes]) -> None:
        self.rank, self.messages = rank, messages

    def broadcast(self, content: bytes) -> bytes:
        if self.rank == 0:
            self.messages.append(content)
            return content
        return self.messages.pop(0)


def report(loss: float, correct: float, layer: float, rates: list[float]) -> StepReport:
    return StepReport(
        torch.tensor(loss), torch.tensor(correct), {"layer1": torch.tensor(layer)}, [torch.tensor(r) for r in rates]
    )


def test_reports_of_a_shared_batch_are_summed_and_rates_weighed_by_samples() -> None:
    """Of 6 samples process 0 has 3; 5 are not halved evenly: 2 and 3."""
    for samples in (6, 5):
        shares = [samples // 2, samples - samples // 2]

        def work(group: Group, samples: int = samples, shares: list[int] = shares) -> Any:
            group.share(samples)
            mine = report(0.5, 1.0, 0.25, [0.2, 0.4]) if group.rank == 0 else report(1.5, 2.0, 0.75, [0.6, 0.8])
            return sum_report(group, mine, rows=shares[group.rank], stop_requested=group.rank == 1)

        for found in together(2, work):
            assert (found.loss, found.correct, found.layer_losses) == (2.0, 3.0, {"layer1": 1.0})
            first, second = shares[0] / samples, shares[1] / samples
            assert found.spike_rate == pytest.approx([0.2 * first + 0.6 * second, 0.4 * first + 0.8 * second])
            assert found.stop_requested is True


def test_a_batch_that_is_not_shared_is_counted_once() -> None:
    def work(group: Group) -> Any:
        group.share(1)
        return sum_report(group, report(0.5, 1.0, 0.25, [0.2]), rows=1, stop_requested=False)

    for found in together(2, work):
        assert (found.loss, found.correct, found.layer_losses, found.stop_requested) == (
            0.5,
            1.0,
            {"layer1": 0.25},
            False,
        )
        assert found.spike_rate == pytest.approx([0.2])


def test_one_process_alone_reports_what_it_has() -> None:
    found = sum_report(ALONE, report(0.5, 1.0, 0.25, [0.2]), rows=4, stop_requested=True)
    assert (found.loss, found.correct, found.layer_losses, found.stop_requested) == (0.5, 1.0, {"layer1": 0.25}, True)


@pytest.mark.parametrize(
    ("environment", "several", "first"),
    [
        ({}, False, True),
        ({"RANK": "0", "WORLD_SIZE": "2"}, True, True),
        ({"RANK": "1", "WORLD_SIZE": "2"}, True, False),
        ({"RANK": "0"}, False, True),
        ({"RANK": "3", "WORLD_SIZE": "1"}, False, True),
    ],
)
def test_the_first_process(
    environment: dict[str, str], several: bool, first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (launched(), is_first()) == (several, first)
    assert distributed.device_here("cpu") == "cpu"
    assert distributed.device_here("cuda") == ("cuda:0" if several else "cuda")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert distributed.device_here("cuda") == ("cuda:1" if several else "cuda")


def never() -> bytes:
    raise AssertionError("only process 0 works")


def test_what_the_first_process_returns_reaches_all() -> None:
    messages: list[bytes] = []
    assert from_first(StandIn(0, messages), lambda: b"result") == b"result"
    assert from_first(StandIn(1, messages), never) == b"result"
    assert not messages
    assert from_first(ALONE, lambda: b"alone") == b"alone"


@pytest.mark.parametrize(("error", "kind"), [(ConfigurationError("wrong"), UserError), (WorkError("lost"), WorkError)])
def test_an_error_of_the_first_process_is_raised_in_all(error: UserError, kind: type[Exception]) -> None:
    messages: list[bytes] = []

    def fail() -> bytes:
        raise error

    with pytest.raises(type(error), match=str(error)) as caught:
        from_first(StandIn(0, messages), fail)
    assert caught.value is error
    with pytest.raises(kind, match=f"^process 0: {error}$"):
        from_first(StandIn(1, messages), never)


def test_work_in_turn_is_done_once_in_each_process_and_first_in_process_0() -> None:
    messages: list[bytes] = []
    done: list[int] = []

    def work(rank: int) -> Callable[[], int]:
        def one() -> int:
            done.append(rank)
            return 10 + rank

        return one

    assert in_turn(StandIn(0, messages), work(0)) == 10
    assert in_turn(StandIn(1, messages), work(1)) == 11
    assert done == [0, 1]
    assert in_turn(ALONE, work(5)) == 15


def test_gradients_are_summed_over_true_processes_alone() -> None:
    assert distributed.reduce_of(ALONE) is None
    pair = StandIn(0, [])
    assert distributed.reduce_of(pair) == pair.start_sum


def test_memory_that_is_not_known_is_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    assert measures.peak_memory_mb(torch.device("cpu")) > 1
    monkeypatch.setattr(measures, "resource", None)
    assert measures.peak_memory_mb(torch.device("cpu")) == 0


def test_progress_is_notified_of_each_epoch_and_rows_are_strict_json(tmp_path: Path) -> None:
    class Listening(Progress):
        def __init__(self) -> None:
            self.begun: list[tuple[int, int]] = []
            self.ended: list[int] = []

        def start_epoch(self, epoch: int, done: int) -> None:
            self.begun.append((epoch, done))

        def end_epoch(self, row: Any, text: str) -> None:
            self.ended.append(row["epoch"])
            assert text

    dataset, progress = data.load("digits"), Listening()
    network = models.mlp(dataset.stimulus, [6], dataset.concept, time_steps=2)
    fit(network, "bsd", dataset, out=tmp_path / "run", epochs=2, limit=64, progress=progress, threads=1)
    assert progress.begun == [(0, 0), (1, 0)]
    assert progress.ended == [1, 2]
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2]
