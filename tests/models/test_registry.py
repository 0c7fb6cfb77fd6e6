"""The registry of models: names, settings, and the way back from a description to the network."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from bispike import models
from bispike.errors import ConfigurationError, UnknownNameError
from bispike.models import Model
from bispike.nn import Autoencoder, Classifier, SequenceNetwork
from bispike.spaces import Concept, Quantities, Stimulus

NAMES = sorted(models.registry)


def ends(name: str) -> tuple[Stimulus, Concept]:
    if name == "rnn":
        return Stimulus((6,), (0.5,) * 6, (2.0,) * 6), Concept(("a", "b", "c"))
    return Stimulus((2, 18, 16), (0.4, 0.3), (0.3, 0.5)), Concept(("a", "b", "c"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("settings", [{}, {"time_steps": 3, "norm": False, "decay": 0.7, "threshold": 0.9, "seed": 8}])
def test_every_registered_model_is_rebuilt_from_its_spec(name: str, settings: dict[str, Any]) -> None:
    settings = dict(settings)
    seed = settings.pop("seed", 5)
    net = models.create(name, *ends(name), seed=seed, **settings)
    spec = json.loads(json.dumps(net.spec))  # it goes through a file
    before = json.dumps(spec)
    twin = models.build(spec)
    assert json.dumps(spec) == before
    assert type(twin) is type(net)
    assert twin.spec == net.spec
    assert twin.stimulus == net.stimulus
    assert twin.concept == net.concept
    assert (twin.neuron, twin.time_steps, twin.decoder) == (net.neuron, net.time_steps, net.decoder)
    assert [layer.down.neuron for layer in twin.layers] == [layer.down.neuron for layer in net.layers]
    state = net.state_dict()
    assert state.keys() == twin.state_dict().keys()
    assert all(torch.equal(value, twin.state_dict()[key]) for key, value in state.items())


def test_quantities_are_rebuilt_too() -> None:
    target = Quantities(("u", "v"), (0.5, -1.0), (2.0, 0.5), (2, 0), (1.0, 3.0))
    net = models.create("rnn", 3, target, widths=[4])
    twin = models.build(json.loads(json.dumps(net.spec)))
    assert twin.concept == target
    assert twin.concept != Quantities(("u", "v"), (0.5, -1.0), (2.0, 0.5), (0, 2), (1.0, 3.0))


@pytest.mark.parametrize("name", NAMES)
def test_a_name_tells_builder_class_and_settings(name: str) -> None:
    model = models.find(name)
    assert model.name == name
    assert model.summary
    known = models.settings_of(name)
    assert known[model.sizes] == model.defaults[model.sizes]
    assert {"time_steps", "seed", "norm", "gain", "concept_code"} <= known.keys()
    assert all(known[key] == value for key, value in model.defaults.items())
    net = models.create(name, *ends(name))
    assert isinstance(net, model.network)
    assert net.spec["model"] == model.kind
    assert net.spec[model.sizes] == model.defaults[model.sizes]


def test_settings_override_what_a_name_stands_for() -> None:
    net = models.create("autoencoder", 6, 3, widths=[5], time_steps=2)
    assert net.layers[0].feature_shape == (5,)
    assert net.time_steps == 2
    assert models.settings_of("autoencoder")["time_steps"] == 8
    assert models.settings_of("mlp")["time_steps"] == 4
    assert models.find("mlp").defaults == {"widths": [1024, 512, 256]}  # left as it was


def test_classes_of_the_registered_models() -> None:
    by_class = {name: models.find(name).network for name in NAMES}
    assert by_class["rnn"] is SequenceNetwork
    assert {name for name, kind in by_class.items() if kind is Autoencoder} == {"autoencoder", "conv-autoencoder"}
    assert all(by_class[name] is Classifier for name in ("mlp", "mlp-small", "cnn", "resnet"))


def test_a_new_model_is_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(models.registry, "two", models.find("mlp"))  # taken away again when the test is over

    def two_layers(stimulus: Any, width: int, concept: Any, *, twice: bool = True, **options: Any) -> Classifier:
        """Two layers of one width."""
        net = models.mlp(stimulus, [width, width * (2 if twice else 1)], concept, **options)
        net.spec = {"model": "two-layers", "width": width, "twice": twice} | {
            key: value for key, value in net.spec.items() if key not in ("model", "widths")
        }
        return net

    model = Model("two", "two layers", two_layers, "width", Classifier, {"width": 7, "gain": 1.5})
    assert models.register(model) is model
    assert models.find("two") is model
    assert model.kind == "two-layers"
    known = models.settings_of("two")
    assert (known["width"], known["twice"], known["gain"]) == (7, True, 1.5)
    net = models.create("two", 4, 3, twice=False)
    assert [layer.feature_shape for layer in net.layers] == [(7,), (7,)]
    assert net.spec["gain"] == 1.5
    twin = models.build(net.spec)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), twin.parameters(), strict=True))
    with pytest.raises(ConfigurationError, match="unknown setting of model 'two': 'twize'; did you mean 'twice'"):
        models.create("two", 4, 3, twize=True)


def test_unknown_names_are_explained() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'mlp'"):
        models.find("mpl")
    spec = models.mlp(4, [3], 2).spec
    with pytest.raises(UnknownNameError, match="'mlpp'") as error:
        models.build({**spec, "model": "mlpp"})
    assert "mlp" in str(error.value)
    with pytest.raises(ConfigurationError) as wrong:
        models.create("cnn", (1, 8, 8), 3, widths=[3], strides_=1)
    assert len(wrong.value.problems) == 2
