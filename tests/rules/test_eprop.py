"""e-prop is backpropagation through time without the ways that lead through other neurons."""

import pytest
import torch

from bispike import models
from bispike.errors import ConfigurationError
from bispike.functional import lif_reference
from bispike.nn import Network
from bispike.rules import BPTT, EProp
from tests.builders import exact

LABELS = torch.tensor([0, 1, 2, 0, 1, 2])


def build(*, widths: tuple[int, ...] = (9,), conv: bool = False, norm: bool = True, **options: object) -> Network:
    options = {"gain": 1.5, "norm": norm, **options}
    if conv:
        net = models.cnn((1, 6, 6), list(widths), 3, pools=[2] * len(widths), **options)
    else:
        net = models.mlp((1, 6, 6), list(widths), 3, **options)
    return exact(net)


def stimuli() -> torch.Tensor:
    return torch.rand(6, 1, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def gradients(kind: type, net: Network, **options: object) -> dict[str, torch.Tensor]:
    kind(net, **options).compute_gradients(stimuli(), LABELS, generator=torch.Generator().manual_seed(1))
    return {name: parameter.grad for name, parameter in net.named_parameters() if parameter.grad is not None}


@pytest.mark.parametrize("code", ["current", "bernoulli"])
@pytest.mark.parametrize("reset", ["hard", "soft"])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("conv", [False, True])
def test_one_layer_with_symmetric_feedback_is_bptt(conv: bool, norm: bool, reset: str, code: str) -> None:
    options = {"conv": conv, "norm": norm, "reset": reset, "stimulus_code": code}
    exact = gradients(BPTT, build(**options))
    received = gradients(EProp, build(**options), feedback="symmetric")
    assert exact.keys() == received.keys()
    for name, gradient in exact.items():
        torch.testing.assert_close(received[name], gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("conv", [False, True])
def test_the_last_layer_of_a_deep_network_too_but_not_the_ones_below(conv: bool) -> None:
    exact = gradients(BPTT, build(widths=(6, 5), conv=conv))
    received = gradients(EProp, build(widths=(6, 5), conv=conv), feedback="symmetric")
    for name, gradient in exact.items():
        same = torch.allclose(received[name], gradient, rtol=1e-9, atol=1e-12)
        # A bias before a norm has no gradient at all.
        assert same or "layers.0." in name, name
    assert not torch.allclose(received["layers.0.up.synapse.weight"], exact["layers.0.up.synapse.weight"])


def test_random_feedback_with_the_readouts_weights_is_symmetric_feedback() -> None:
    symmetric = gradients(EProp, build(), feedback="symmetric")
    net = build()
    rule = EProp(net)
    (name,) = rule.state_dict()
    rule.load_state_dict({name: net.readout.weight.detach().T.clone()})
    rule.compute_gradients(stimuli(), LABELS)
    for parameter, gradient in zip(rule.parameters(), symmetric.values(), strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-12, atol=1e-14)


def test_every_layer_follows_its_broadcast_signal_alone() -> None:
    """Autograd of Σ_t L[t]·S[t] within each layer, what comes from below being constant."""
    net = build(widths=(7, 6), norm=False)
    rule = EProp(net)
    source = net.encode(stimuli()).expand(net.time_steps, 6, 1, 6, 6)
    spikes = []
    for layer in net.layers:
        spikes.append(lif_reference(torch.stack([layer.up.synapse(step) for step in source]), layer.up.neuron))
        source = spikes[-1].detach()
    error = (net.readout(source.mean(0)).softmax(1) - torch.nn.functional.one_hot(LABELS, 3)) / 6
    rule.compute_gradients(stimuli(), LABELS)
    for layer, fired, feedback in zip(net.layers, spikes, rule.state_dict().values(), strict=True):
        value = (fired.mean(0) * (error.detach() @ feedback.T)).sum()
        for parameter, gradient in zip(
            layer.up.parameters(), torch.autograd.grad(value, list(layer.up.parameters())), strict=True
        ):
            torch.testing.assert_close(parameter.grad, gradient, rtol=1e-6, atol=1e-8)


def test_the_triangle_is_another_gradient_in_the_same_direction() -> None:
    atan, triangle = (
        gradients(EProp, build(), feedback="symmetric", pseudo_derivative=kind) for kind in ("atan", "triangular")
    )
    a, b = (found["layers.0.up.synapse.weight"].flatten() for found in (atan, triangle))
    assert 0.5 < float(torch.cosine_similarity(a, b, 0)) < 1 - 1e-6


def test_options_are_checked_together() -> None:
    with pytest.raises(ConfigurationError) as error:
        EProp(build(), feedback="mirrored", pseudo_derivative="box", feedback_gain=-1)
    assert len(error.value.problems) == 3
