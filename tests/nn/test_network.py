"""The network: two passes against a plain statement of them, stateless calls, checked inputs."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bispike import Stimulus, models
from bispike.errors import ConfigurationError, ShapeError
from bispike.functional import lif_reference
from bispike.nn import Network


def plain_bottom_up(net: Network, stimulus: torch.Tensor) -> list[torch.Tensor]:
    """The pass as the equations say it: time loop outside, nothing hoisted, batch norm by its running statistics."""
    source = ((stimulus - net.stimulus_mean) / net.stimulus_std).expand(net.time_steps, *stimulus.shape)
    result = []
    for layer in net.layers:
        drives = []
        for step in source:
            drive = layer.up.synapse(step)
            if layer.up.norm is not None:
                norm = layer.up.norm
                drive = torch.nn.functional.batch_norm(
                    drive, norm.running_mean, norm.running_variance, norm.weight, norm.bias, eps=norm.eps
                )
            drives.append(drive)
        spikes = lif_reference(torch.stack(drives), layer.up.neuron)
        result.append(spikes)
        source = spikes
        if layer.pool > 1:
            source = torch.stack([torch.nn.functional.max_pool2d(step, layer.pool) for step in spikes])
    return result


@given(
    kind=st.sampled_from(["mlp", "cnn"]),
    norm=st.booleans(),
    time_steps=st.integers(1, 5),
    batch=st.sampled_from([1, 3, 150]),
    seed=st.integers(0, 99),
)
@settings(max_examples=20, deadline=None)
def test_the_bottom_up_sweep(kind: str, norm: bool, time_steps: int, batch: int, seed: int) -> None:
    space = Stimulus((1, 6, 6), (0.4,), (0.3,))
    options = {"time_steps": time_steps, "norm": norm, "seed": seed, "gain": 1.5}
    if kind == "mlp":
        net = models.mlp(space, [9, 7], 3, **options).double()
    else:
        net = models.cnn(space, [3, 4], 3, pools=[2, 1], strides=[1, 2], dense=[6], **options).double()
    stimulus = torch.rand(batch, 1, 6, 6, dtype=torch.float64)
    with torch.no_grad():
        expected = plain_bottom_up(net, stimulus)
    for record, spikes in zip(net.observe(stimulus), expected, strict=True):
        assert torch.equal(record.spikes, spikes)
        torch.testing.assert_close(record.rate, spikes.mean(0))
    rate = expected[-1].mean(0)
    torch.testing.assert_close(net.logits(stimulus), net.readout(rate), rtol=1e-6, atol=1e-6)


def test_calls_change_nothing_and_need_no_mode() -> None:
    net = models.mlp(6, [8, 5], 3, norm=True)
    stimulus = torch.rand(4, 6)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    first = net.logits(stimulus)
    net.observe(stimulus)
    net.imagine(torch.tensor([0, 2]))
    net.recall(torch.tensor([1]))
    assert net.training
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert torch.equal(net.logits(stimulus), first)
    torch.testing.assert_close(net.logits(stimulus[2:3])[0], first[2])


@pytest.mark.parametrize("code", ["bernoulli", "poisson", "latency"])
def test_spike_codes_of_the_stimulus(code: str) -> None:
    net = models.mlp((1, 4, 4), [10], 3, stimulus_code=code, time_steps=6)
    generator = torch.Generator().manual_seed(1)
    scores = net.logits(torch.rand(5, 1, 4, 4), generator=generator)
    assert scores.shape == (5, 3)


def test_given_spikes_are_taken_as_they_are() -> None:
    net = models.mlp((4, 7), [10], 3, stimulus_code="given", time_steps=4)
    spikes = (torch.rand(5, 4, 7) < 0.5).float()
    assert net.layers[0].up.synapse.source == (7,)
    assert net.logits(spikes).shape == (5, 3)


@pytest.mark.parametrize("code", ["one-hot", "population", "learned"])
@pytest.mark.parametrize("decoder", ["drive", "cosine"])
def test_concept_codes_and_decoders(code: str, decoder: str) -> None:
    net = models.mlp(6, [8], 4, concept_code=code, decoder=decoder)
    assert net.logits(torch.rand(3, 6)).shape == (3, 4)
    recalled = net.recall(torch.arange(4))
    assert recalled.shape == (4, 6)
    records = net.imagine(torch.arange(4))
    assert records[0].spikes.shape == (4, 4, 8)
    if decoder == "cosine":
        assert float(net.logits(torch.rand(3, 6)).abs().max()) <= 1 + 1e-6


def test_recall_comes_in_the_units_of_the_data() -> None:
    net = models.mlp(Stimulus((3,), (10.0, 20.0, 30.0), (1.0, 2.0, 3.0)), [4], 2)
    with torch.no_grad():
        net.stimulus_readout.weight.zero_()
        net.stimulus_readout.bias.fill_(1.0)
    torch.testing.assert_close(net.recall(torch.tensor([0]))[0], torch.tensor([11.0, 22.0, 33.0]))


def test_weights_of_the_two_pathways_are_never_tied() -> None:
    net = models.cnn((1, 8, 8), [4, 6], 3, pools=[2, 1], dense=[10])
    pairs = net.pathway_weights()
    assert list(pairs) == ["stimulus", "layer1", "layer2", "layer3"]
    for forward, backward in pairs.values():
        assert forward.shape == backward.shape
        cosine = torch.nn.functional.cosine_similarity(forward.flatten(), backward.flatten(), dim=0)
        assert abs(float(cosine)) < 0.6
    pointers = [p.untyped_storage().data_ptr() for p in net.parameters()]
    assert len(pointers) == len(set(pointers))


def test_parameters_belong_to_exactly_one_pathway() -> None:
    net = models.mlp(6, [8, 5], 3, norm=True, concept_code="learned")
    up, down = net.bottom_up_parameters(), net.top_down_parameters()
    assert {id(p) for p in up} | {id(p) for p in down} == {id(p) for p in net.parameters()}
    assert not {id(p) for p in up} & {id(p) for p in down}


def test_wrong_inputs_are_explained() -> None:
    net = models.mlp((1, 4, 4), [5], 3)
    with pytest.raises(ShapeError, match=r"\[batch, 1, 4, 4\], received \[4, 4\]"):
        net.logits(torch.rand(4, 4))
    with pytest.raises(ConfigurationError, match=r"0\.\.2"):
        net.recall(torch.tensor([3]))
    with pytest.raises(ShapeError, match="int64"):
        net.recall(torch.tensor([0.5]))
    spiking = models.mlp((1, 4, 4), [5], 3, stimulus_code="latency")
    with pytest.raises(ConfigurationError, match="use the code 'current'"):
        spiking.logits(torch.rand(2, 1, 4, 4) * 3)
