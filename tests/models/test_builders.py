"""Builders: any depth and width, rebuilt from their spec, every wrong setting named."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bispike import models, rules
from bispike.errors import ConfigurationError, UnknownNameError
from bispike.nn import TransposedConv


@given(
    widths=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    concept=st.integers(2, 5),
    seed=st.integers(0, 9),
    norm=st.booleans(),
    code=st.sampled_from(["one-hot", "population", "learned"]),
)
@settings(max_examples=25, deadline=None)
def test_mlp_of_any_depth_is_rebuilt_from_its_spec(
    widths: list[int], concept: int, seed: int, norm: bool, code: str
) -> None:
    net = models.mlp(6, widths, concept, seed=seed, norm=norm, concept_code=code, concept_size=12)
    twin = models.build(net.spec)
    assert [layer.feature_shape for layer in net.layers] == [(width,) for width in widths]
    state = net.state_dict()
    assert state.keys() == twin.state_dict().keys()
    assert all(torch.equal(value, twin.state_dict()[name]) for name, value in state.items())


@given(
    channels=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    strides=st.integers(1, 2),
    pools=st.integers(1, 2),
    side=st.integers(8, 13),
    kernel=st.sampled_from([1, 3, 5]),
    dense=st.lists(st.integers(2, 5), max_size=2),
)
@settings(max_examples=30, deadline=None)
def test_cnn_of_any_geometry_learns_a_step_and_recalls(
    channels: list[int], strides: int, pools: int, side: int, kernel: int, dense: list[int]
) -> None:
    try:
        net = models.cnn((2, side, side), channels, 3, strides=strides, pools=pools, kernel=kernel, dense=dense)
    except ConfigurationError as error:
        assert "shrink" in str(error)  # noqa: PT017
        return
    rule = rules.create("bsd", net)
    rule.compute_gradients(torch.rand(4, 2, side, side), torch.tensor([0, 1, 2, 1]))
    assert all(torch.isfinite(parameter.grad).all() for parameter in rule.parameters())
    assert net.recall(torch.arange(3)).shape == (3, 2, side, side)
    twin = models.build(net.spec)
    assert twin.state_dict().keys() == net.state_dict().keys()


def test_the_papers_network_has_its_five_layers() -> None:
    net = models.create("cnn", (3, 32, 32), 10)
    assert [layer.feature_shape for layer in net.layers] == [
        (128, 32, 32),
        (128, 16, 16),
        (256, 8, 8),
        (256, 4, 4),
        (512, 2, 2),
    ]


def test_transposed_convolutions_lead_down() -> None:
    net = models.cnn((1, 8, 8), [3, 4], 3, strides=[2, 2], top_down="transposed")
    rules.create("bsd", net).compute_gradients(torch.rand(2, 1, 8, 8), torch.tensor([0, 1]))
    assert net.recall(torch.tensor([0])).shape == (1, 1, 8, 8)
    assert isinstance(net.stimulus_readout, TransposedConv)
    pooled = models.cnn((1, 8, 8), [3, 4], 3, pools=[2, 1], top_down="transposed")
    assert isinstance(pooled.stimulus_readout, TransposedConv)


def test_all_kernels_have_the_side_that_was_asked_for() -> None:
    net = models.cnn((2, 8, 6), [3, 4], 3, pools=[2, 1], kernel=5)
    synapses = [synapse for layer in net.layers for synapse in (layer.up.synapse, layer.down.synapse)]
    found = [
        tuple(synapse.weight.shape[2:]) for synapse in [*synapses, net.stimulus_readout] if synapse.weight.dim() > 2
    ]
    assert found == [(5, 5)] * 4


def test_seeds_decide_the_weights() -> None:
    same = [models.mlp(5, [4], 2, seed=3).state_dict() for _ in range(2)]
    other = models.mlp(5, [4], 2, seed=4).state_dict()
    name = "layers.0.up.synapse.weight"
    assert torch.equal(same[0][name], same[1][name])
    assert not torch.equal(same[0][name], other[name])


def test_wrong_settings_are_listed_together() -> None:
    with pytest.raises(ConfigurationError) as error:
        models.mlp(5, [4], 2, time_steps=0, threshold=-1, gain=0, widht=3)
    assert len(error.value.problems) == 4
    with pytest.raises(ConfigurationError, match="widths"):
        models.mlp(5, [], 2)
    with pytest.raises(ConfigurationError, match="at least 2 classes"):
        models.mlp(5, [4], 1)
    with pytest.raises(UnknownNameError, match="did you mean 'cnn'"):
        models.create("ccn", (1, 8, 8), 3)
    with pytest.raises(ConfigurationError, match="did you mean 'widths'"):
        models.create("mlp", 5, 2, width=[3])
    with pytest.raises(ConfigurationError, match="height"):
        models.cnn((5,), [3], 2)
    with pytest.raises(ConfigurationError, match="shrink"):
        models.cnn((1, 4, 4), [3, 3, 3], 2, pools=2)
    with pytest.raises(ConfigurationError, match="one number"):
        models.cnn((1, 8, 8), [3, 3], 2, strides=[1])


def test_every_registered_model_is_built() -> None:
    for name in models.registry:
        stimulus = 10 if name == "rnn" else (1, 16, 16)
        assert models.create(name, stimulus, 10).concept.classes == 10
        assert "time_steps" in models.settings_of(name)
