"""Residual networks: depth is one number, and a network comes back from its spec."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bispike import models, rules
from bispike.errors import ConfigurationError
from bispike.nn import IdentityShortcut, Residual


@pytest.mark.parametrize("depth", [2, 6, 10, 18, 34])
def test_depth_counts_weight_layers_from_stem_to_readout(depth: int) -> None:
    net = models.create("resnet-small", (3, 32, 32), 10, depth=depth)
    assert len(net.layers) + 1 == depth
    assert len(net.shortcuts) == (depth - 2) // 2
    assert depth == 2 or net.layers[-1].feature_shape == (64, 4, 4)


def test_resnet_18_has_its_seventeen_convolutions() -> None:
    net = models.create("resnet", (3, 32, 32), 10)
    shapes = [(64, 32, 32)] * 5 + [(128, 16, 16)] * 4 + [(256, 8, 8)] * 4 + [(512, 4, 4)] * 4
    assert [layer.feature_shape for layer in net.layers] == shapes
    learned = [s.name for s in net.layers if isinstance(s.up.synapse, Residual) and not straight(s.up.synapse)]
    assert learned == ["layer7", "layer11", "layer15"]  # where width and resolution change
    assert sum(isinstance(s.down.synapse, Residual) for s in net.layers) == len(net.shortcuts) == 8


def straight(synapse: Residual) -> bool:
    return isinstance(synapse.shortcut, IdentityShortcut)


@given(
    widths=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    depth=st.sampled_from([2, 4, 8, 12]),
    side=st.integers(5, 9),
    stem_stride=st.integers(1, 2),
    norm=st.booleans(),
)
@settings(max_examples=20, deadline=None)
def test_any_geometry_learns_a_step_recalls_and_is_rebuilt(
    widths: list[int], depth: int, side: int, stem_stride: int, norm: bool
) -> None:
    net = models.resnet((2, side, side), widths, 3, depth=depth, stem_stride=stem_stride, norm=norm, seed=3)
    twin = models.build(net.spec)
    state = net.state_dict()
    assert state.keys() == twin.state_dict().keys()
    assert all(torch.equal(value, twin.state_dict()[name]) for name, value in state.items())
    assert twin.spec == net.spec
    rule = rules.create("bsd", net)
    rule.compute_gradients(torch.rand(4, 2, side, side), torch.tensor([0, 1, 2, 1]))
    assert {id(p) for p in rule.parameters()} == {id(p) for p in net.parameters()}
    assert all(torch.isfinite(parameter.grad).all() for parameter in rule.parameters())
    assert net.recall(torch.arange(3)).shape == (3, 2, side, side)


@pytest.mark.parametrize("rule", ["bsd", "bptt"])
def test_training_goes_on_exactly_after_a_reload(rule: str) -> None:
    net = models.create("resnet-small", (1, 8, 8), 3, widths=[3, 4], depth=10)
    stimulus = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(6) % 3
    first = rules.create(rule, net)
    first.compute_gradients(stimulus, labels)
    copy = models.build(net.spec)
    copy.load_state_dict(net.state_dict())
    second = rules.create(rule, copy)
    second.load_state_dict(first.state_dict())
    for one in (first, second):
        one.compute_gradients(stimulus, labels)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a.grad, b.grad)


def test_all_layers_of_both_pathways_fire_at_depth_18() -> None:
    net = models.create("resnet-small", (3, 16, 16), 10, depth=18)
    stimulus = torch.randn(16, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        up = [step.activity.rate.mean() for step in net.bottom_up_pass(net.encode(stimulus))]
        down = [step.activity.rate.mean() for step in net.top_down_steps(torch.arange(net.code.classes))]
    assert all(0.1 < float(rate) < 0.5 for rate in [*up, *down])


def test_wrong_settings_are_listed_together() -> None:
    with pytest.raises(ConfigurationError) as error:
        models.resnet((5,), [0], 2, depth=7, stem_stride=0)
    assert len(error.value.problems) == 4
    with pytest.raises(ConfigurationError, match="blocks: expected a number for each of 2 widths"):
        models.resnet((1, 8, 8), [3, 4], 2, blocks=[1])
