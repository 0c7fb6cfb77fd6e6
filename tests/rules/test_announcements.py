"""Rules that need nothing from above a layer announce its gradients before they go on to the next one."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bispike import models, rules
from bispike.errors import ConfigurationError


def announced(name: str, net: Any, **options: Any) -> list[list[str]]:
    """The layers (or `ends`) whose parameters are announced together, in order."""
    places = {id(p): layer.name for layer in net.layers for p in layer.parameters()}
    found: list[list[str]] = []
    rule = rules.create(name, net, **options)

    def listen(parameters: Any) -> None:
        found.append(sorted({places.get(id(p), "ends") for p in parameters}))

    rule.on_gradients_ready = listen
    draw = torch.Generator().manual_seed(0)
    rule.compute_gradients(torch.rand(6, 12, generator=draw), torch.arange(6) % 3)
    return found


LAYERS = [["layer1"], ["layer2"], ["layer3"]]


@pytest.mark.parametrize("name", ["bsd", "decolle", "e-prop", "dfa-snn", "local-loss"])
def test_layer_by_layer(name: str) -> None:
    found = announced(name, models.mlp(12, [9, 8, 7], 3))
    assert [group for group in found if group != ["ends"]] == LAYERS
    assert ["ends"] in found


def test_an_autoencoder_announces_its_code_with_the_ends() -> None:
    found = announced("bsd", models.autoencoder(12, [9, 8], 3, latent=7))
    assert found == [["layer1"], ["layer2"], ["ends", "layer3"], ["ends"]]


def test_what_nobody_announced_comes_at_the_end_and_nothing_twice() -> None:
    assert announced("backprop", models.mlp(12, [9, 8], 3)) == [["ends", "layer1", "layer2"]]
    net = models.mlp(12, [9, 8], 3)
    rule = rules.create("bsd", net)
    seen: list[Any] = []
    rule.on_gradients_ready = seen.extend
    for _ in range(2):  # in every step anew
        seen.clear()
        rule.compute_gradients(torch.rand(6, 12, generator=torch.Generator().manual_seed(0)), torch.arange(6) % 3)
        assert sorted(map(id, seen)) == sorted(map(id, rule.parameters()))


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"loss": "infonce", "top_loss": "reco", "strength": 0.3}, None),
        ({"loss": "reco", "strength": 0.3}, None),
        ({"loss": "infonce", "strength": 0.3}, "strength"),
        ({"loss": "cross-entropy", "temperature": 0.3}, None),
        ({"loss": "infonce", "temperature": 0.3}, None),
        ({"temperature": 0.3}, "temperature"),
        ({"loss": "mse", "contrast": "batch"}, "contrast"),
        ({"loss": "cross-entropy", "contrast": "batch"}, None),
        ({"contrast": "batch", "reference_batch": 64}, "reference_batch"),
        ({"contrast": "classes", "reference_batch": 64}, None),
    ],
)
def test_options_of_bsd_that_would_do_nothing_are_refused(options: dict[str, Any], fault: str | None) -> None:
    net = models.mlp(12, [9], 3)
    if fault is None:
        assert rules.BSD(net, **options).options.items() >= options.items()
        return
    with pytest.raises(ConfigurationError, match=f"^{fault}: received .* which has no effect"):
        rules.BSD(net, **options)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"reconstruction": "reco", "strength": 0.3, "reduction": "sum"}, None),
        ({"strength": 0.3}, "strength"),
        ({"reduction": "sum"}, "reduction"),
        ({"whitening": 0.5, "occlusion": 0.2}, None),
        ({"reconstruction": "reco", "whitening": 0.5}, "whitening"),
        ({"reconstruction": "reco", "occlusion": 0.2}, "occlusion"),
        ({"cutoff": 0.2, "low": 2.0, "high": 3.0}, None),
        ({"low": 2.0}, "low"),
        ({"high": 3.0}, "high"),
    ],
)
def test_options_of_an_autoencoder_that_would_do_nothing_are_refused(
    options: dict[str, Any], fault: str | None
) -> None:
    net = models.autoencoder(12, [9], 3, latent=5)
    if fault is None:
        assert rules.create("bsd", net, **options).options.items() >= options.items()
        return
    with pytest.raises(ConfigurationError, match=f"^{fault}: received .* which has no effect"):
        rules.create("bsd", net, **options)
