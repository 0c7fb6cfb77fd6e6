"""A signal ends a training with its step saved, or with a message; all is as before afterwards."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from bispike import data
from bispike.data import Dataset
from bispike.runs.folder import CHECKPOINT
from bispike.stopping import INSISTENT, SIGNALS, at_once
from bispike.training import TrainingInterrupted, fit, run_config
from bispike.training.interrupt import Interrupt
from bispike.training.trainer import Trainer

from .conftest import FAST, Remembering, assert_equal, digits_config, tiny_network, weights

EVERY = pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
TWO = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1], ids=lambda number: number.name)


def test_the_signals_of_terminals_and_batch_systems_are_among_them() -> None:
    assert {number.name for number in SIGNALS} == {"SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1"}


@pytest.mark.parametrize("number", INSISTENT, ids=lambda number: number.name)
def test_first_waits_and_second_does_not(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Interrupt() as interrupt:
        assert not interrupt.requested
        os.kill(os.getpid(), number)
        assert interrupt.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before


def test_different_signals_and_those_of_systems_do_not_disturb_the_saving() -> None:
    with Interrupt() as interrupt:
        for number in (*SIGNALS, *(set(SIGNALS) - INSISTENT)):
            signal.raise_signal(number)
            assert interrupt.requested


@EVERY
def test_an_ignored_signal_stays_ignored(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with at_once(), Interrupt() as interrupt:
            os.kill(os.getpid(), number)
            assert not interrupt.requested
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_a_handler_of_the_program_stays_outside_the_loop() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
    try:
        with at_once():
            signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert seen == [signal.SIGUSR1]


def test_another_thread_can_train_too() -> None:
    seen = []

    def work() -> None:
        with at_once(), Interrupt() as interrupt:
            seen.append(interrupt.requested)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]


# ---------------------------------------------------------------------- a whole training


class Signals(Remembering):
    """Receives a signal after some steps."""

    def __init__(self, number: signal.Signals, after: int) -> None:
        super().__init__()
        self.number, self.after = number, after

    def step(self, loss: float) -> None:
        super().step(loss)
        if self.steps == self.after:
            signal.raise_signal(self.number)


@pytest.mark.parametrize(("number", "after"), [*((number, 8) for number in SIGNALS), (signal.SIGTERM, 18)], ids=str)
def test_every_signal_saves_the_step(number: signal.Signals, after: int, dataset: Dataset, tmp_path: Path) -> None:
    before = signal.getsignal(number)
    with pytest.raises(TrainingInterrupted, match="saved in"):
        fit(tiny_network(dataset), "bsd", dataset, out=tmp_path, **{**FAST, "progress": Signals(number, after)})
    assert signal.getsignal(number) is before
    reporter = Remembering()
    again = fit(tiny_network(dataset), "bsd", dataset, out=tmp_path, resume=True, **{**FAST, "progress": reporter})
    assert reporter.steps == 18 - after
    assert_equal(weights(again.network), weights(fit(tiny_network(dataset), "bsd", dataset, **FAST).network))


@TWO
def test_a_signal_as_the_last_epoch_is_measured_is_not_lost(
    number: signal.Signals, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure, calls = Trainer._evaluate, [0]

    def signalled(trainer: Trainer, *arguments: Any) -> dict[str, Any]:
        calls[0] += 1
        if calls[0] == FAST["epochs"]:
            signal.raise_signal(number)
        return measure(trainer, *arguments)

    monkeypatch.setattr(Trainer, "_evaluate", signalled)
    with pytest.raises(TrainingInterrupted, match="saved in"):
        fit(tiny_network(dataset), "bsd", dataset, out=tmp_path, **FAST)
    assert fit(tiny_network(dataset), "bsd", dataset, out=tmp_path, resume=True, **FAST).summary["epochs"] == 3


@TWO
def test_a_signal_while_the_network_is_tested_says_that_all_is_saved(
    number: signal.Signals, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_test", lambda trainer: signal.raise_signal(number))
        with pytest.raises(TrainingInterrupted) as caught:
            fit(tiny_network(dataset), "bsd", dataset, out=tmp_path, **FAST)
        with pytest.raises(TrainingInterrupted, match="nothing was saved"):
            fit(tiny_network(dataset), "bsd", dataset, **FAST)
    assert f"the last checkpoint is in {tmp_path / CHECKPOINT}" in str(caught.value)
    assert f"bispike train --resume --out {tmp_path}" in str(caught.value)
    reporter = Remembering()
    fit(tiny_network(dataset), "bsd", dataset, out=tmp_path, resume=True, **{**FAST, "progress": reporter})
    assert reporter.steps == 0


@TWO
def test_a_signal_before_the_training_leaves_an_earlier_run_as_it_is(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*arguments: Any, **options: Any) -> Dataset:
        signal.raise_signal(number)
        raise AssertionError

    config = digits_config(epochs=1)
    run_config(config, out=tmp_path / "run", progress="none")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    monkeypatch.setattr(data, "load", killed)
    for out in (tmp_path / "run", tmp_path / "new"):
        with pytest.raises(TrainingInterrupted, match=r"had not begun, and nothing in .* was changed"):
            run_config(config, out=out, overwrite=True, progress="none")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
