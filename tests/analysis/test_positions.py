"""Locality in time: rules that look at one position, and those that go back."""

from __future__ import annotations

import pytest
import torch

from bispike import models, rules
from bispike.analysis.criteria import left_in_earlier_positions
from bispike.errors import ConfigurationError
from bispike.spaces import Quantities


@pytest.mark.parametrize("kind", ["text", "series"])
@pytest.mark.parametrize(
    ("rule", "local"),
    [("bsd", True), ("e-prop", True), ("bptt", False), ("backprop", False), ("dll", False), ("pc", False)],
)
def test_errors_move_weights_where_they_are_or_earlier(rule: str, local: bool, kind: str) -> None:
    draws = torch.Generator().manual_seed(0)
    if kind == "text":
        network = models.create("rnn", 6, tuple("abcdef"), widths=[40], threshold=0.5, excitability=0.5)
        stimuli, targets = (torch.randint(6, (4, 6), generator=draws) for _ in range(2))
    else:
        network = models.create("rnn", 3, Quantities(("u", "v")), widths=[40], threshold=0.5, excitability=0.5)
        stimuli, targets = torch.randn(4, 6, 3, generator=draws), torch.randn(4, 6, 2, generator=draws)
    options = {"contrast": "classes", "centre": "none"} if rule == "bsd" and kind == "text" else {}
    made = rules.create(rule, network, **options)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    local = local and not (rule == "bsd" and kind == "series")  # the positions of a block are each other's contrast
    left = left_in_earlier_positions(made, stimuli, targets)
    assert (left < 1e-6) == local, left
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert network.readout.weight.dtype == torch.float32


@pytest.mark.parametrize("recurrent", [False, True])
def test_bsd_that_contrasts_samples_of_one_position_is_local_in_time(recurrent: bool) -> None:
    draws = torch.Generator().manual_seed(0)
    target = Quantities(("u", "v"))
    lively = {"threshold": 0.5, "excitability": 0.5}
    network = models.create("rnn", 3, target, widths=[40], top_down_recurrent=recurrent, **lively)
    stimuli, targets = torch.randn(4, 6, 3, generator=draws), torch.randn(4, 6, 2, generator=draws)
    shares = [left_in_earlier_positions(rules.create("bsd", network, block=b), stimuli, targets) for b in (1, 6)]
    assert shares[0] < 1e-6 < shares[1]


def test_a_network_without_positions_is_refused() -> None:
    rule = rules.create("bsd", models.mlp((5,), [4], 3))
    with pytest.raises(ConfigurationError, match="recurrent"):
        left_in_earlier_positions(rule, torch.zeros(4, 5), torch.zeros(4, dtype=torch.int64))
