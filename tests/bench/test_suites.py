"""Cases and suites: plain values that travel, names that are unique, wrong requests that are refused."""

import json
from dataclasses import asdict, replace

import pytest
import torch

from bispike.bench import SUITES, Case
from bispike.bench.density import set_density
from bispike.bench.suites import cases_of
from bispike.errors import ConfigurationError, UnknownNameError

from .made_up import TINY


@pytest.mark.parametrize("suite", SUITES)
def test_cases_travel_as_json_and_have_names_of_their_own(suite: str) -> None:
    cases = cases_of(suite)
    assert len({case.name for case in cases}) == len(cases)
    assert all(len(case.name) <= 13 for case in cases)
    assert [Case.of(json.loads(json.dumps(asdict(case)))) for case in cases] == cases


def test_a_case_gives_the_same_work_at_every_call() -> None:
    assert torch.equal(TINY.batch()[0], TINY.batch()[0])
    first, second = TINY.network(), TINY.network()
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_turns_and_batch_can_be_changed() -> None:
    (case,) = cases_of("card3-mlp", only=["mlp-T4"], warmup=0, repeats=3, batch_size=8)
    assert (case.name, case.warmup, case.repeats, case.batch_size) == ("mlp-T4-B8", 0, 3, 8)


def test_wrong_requests_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'card1'"):
        cases_of("card-1")
    with pytest.raises(UnknownNameError, match="mlp-T4"):
        cases_of("card3-mlp", only=["mlp-T5"])
    with pytest.raises(ConfigurationError, match="varies it"):
        cases_of("batch", batch_size=3)
    with pytest.raises(ConfigurationError, match="repeats") as error:
        replace(TINY, repeats=0, kind="rnn", density=1.5)
    assert len(error.value.problems) == 3


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("density", [0.05, 0.6])
def test_density_is_reached_in_every_layer(density: float, norm: bool) -> None:
    case = replace(TINY, sizes=(64, 48), batch_size=64, norm=norm)
    network, (stimulus, _) = case.network(), case.batch()
    network.train(not norm)  # with a norm: the running statistics, which is what `observe` shows
    set_density(network, stimulus, density)
    assert [float(r.spikes.mean()) for r in network.observe(stimulus)] == pytest.approx([density] * 2, abs=0.01)
