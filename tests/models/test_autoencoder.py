"""Autoencoders: what goes up comes down again from the latent code."""

import pytest
import torch
from torch import Tensor

from bispike import models
from bispike.errors import ConfigurationError
from bispike.nn import Autoencoder, Network


def dense(**options: object) -> Network:
    return models.autoencoder(12, [10], 3, latent=6, **options)


def conv(**options: object) -> Network:
    return models.conv_autoencoder((1, 8, 8), [3, 4], 3, latent=6, **options)


def some(shape: tuple[int, ...], count: int = 5) -> Tensor:
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("make", [dense, conv])
def test_shapes_on_the_way_up_and_down(make: object) -> None:
    network = make()  # type: ignore[operator]
    stimuli = some(network.stimulus.shape)
    codes = network.compress(stimuli)
    assert codes.shape == (5, 6)
    assert bool(((codes >= 0) & (codes <= 1)).all())
    assert network.expand(codes).shape == stimuli.shape
    assert network.reconstruct(stimuli).shape == stimuli.shape
    assert network.recall(torch.tensor([0, 2])).shape == (2, *network.stimulus.shape)


@pytest.mark.parametrize("make", [dense, conv])
def test_a_spec_builds_it_again(make: object) -> None:
    network = make(seed=3)  # type: ignore[operator]
    again = models.build(network.spec)
    again.load_state_dict(network.state_dict())
    assert isinstance(again, Autoencoder)
    assert again.spec == network.spec
    assert torch.equal(
        again.reconstruct(some(network.stimulus.shape)), network.reconstruct(some(network.stimulus.shape))
    )


def test_what_comes_down_depends_on_the_latent_spikes_alone() -> None:
    network = dense()
    before = network.reconstruct(some((12,)))
    with torch.no_grad():
        network.readout.weight.add_(1)
        network.layers[-1].down.synapse.weight.add_(1)
    assert torch.equal(network.reconstruct(some((12,))), before)


def test_neurons_rest_in_the_middle() -> None:
    for layer in dense().layers:
        assert layer.up.norm is not None
        assert torch.equal(layer.up.norm.bias, torch.full_like(layer.up.norm.bias, 2.0))


def test_other_networks_have_no_latent_code() -> None:
    assert not hasattr(models.mlp(12, [6, 4], 3), "reconstruct")


def test_sizes_are_checked() -> None:
    with pytest.raises(ConfigurationError, match="latent"):
        models.autoencoder(12, [], 3)
    with pytest.raises(ConfigurationError, match="latent"):
        models.autoencoder(12, [4], 3, latent=0)
