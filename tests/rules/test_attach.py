"""Rules and networks: which rule serves which class, what attaching changes, and what making a rule does not."""

from __future__ import annotations

import copy
import gc
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from bispike import models, rules
from bispike.errors import ConfigurationError, DamagedError, ShapeError, UnknownNameError
from bispike.nn import (
    RATES,
    SPIKES,
    Autoencoder,
    Classifier,
    Network,
    SequenceClassifier,
    SequenceForecaster,
    SequenceNetwork,
)
from bispike.rules import rule as module
from bispike.spaces import Quantities


def network(kind: type[Network]) -> Network:
    """A network of each final class, dense, with norms."""
    if kind is Classifier:
        return models.mlp(12, [9, 7], 3, seed=1)
    if kind is Autoencoder:
        return models.autoencoder(12, [9], 3, latent=5, seed=1)
    concept: Any = tuple("abcdef") if kind is SequenceClassifier else Quantities(("u",), (0.5,), (2.0,), (), (1.0,))
    return models.create("rnn", 6, concept, widths=[9], seed=1)


def batch(net: Network) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(0)
    if isinstance(net, SequenceClassifier):
        return torch.randint(6, (4, 5), generator=draw), torch.randint(6, (4, 5), generator=draw)
    if isinstance(net, SequenceForecaster):
        return torch.randn(4, 5, 6, generator=draw), torch.randn(4, 5, 1, generator=draw)
    return torch.rand(6, 12, generator=draw), torch.arange(6) % 3


FINAL = (Classifier, Autoencoder, SequenceClassifier, SequenceForecaster)
PAIRS = [(name, kind) for kind in FINAL for name in rules.defined_for(kind)]
SERVED = {
    Classifier: {
        *("backprop", "bptt", "bsd", "ccl", "decolle", "dfa", "dfa-snn", "dll", "dtp", "e-prop", "fa"),
        *("forward-forward", "frozen", "local-loss", "microcircuit", "pc", "r-stdp", "sign-symmetry", "sym-stdp"),
    },
    Autoencoder: {"backprop", "bptt", "bsd"},
}


@pytest.mark.parametrize("kind", FINAL)
def test_a_name_stands_for_the_class_that_is_defined_for_a_network(kind: type[Network]) -> None:
    net = network(kind)
    assert type(net) is kind
    names = rules.defined_for(kind)
    assert names == sorted(names)
    if kind in SERVED:
        assert set(names) == SERVED[kind]
    for name in rules.registry:
        if name in names:
            found = rules.find(name, kind)
            assert found.name == name
            assert issubclass(kind, found.networks)
            assert type(rules.create(name, net)) is found
        else:
            with pytest.raises(ConfigurationError) as error:
                rules.find(name, kind)
            (message,) = error.value.problems
            assert message.startswith(f"rule {name!r}: expected a classifier")
            assert f"received {kind.kind}, for which the rule is not defined" in message
            assert message.endswith(f"Take one of the rules {', '.join(names)}.")


def test_rules_for_several_classes_are_named_once() -> None:
    assert rules.find("bsd") is rules.registry["bsd"] is rules.BSD
    by_class = {kind: rules.find("bsd", kind).__name__ for kind in FINAL}
    assert by_class == {
        Classifier: "BSD",
        Autoencoder: "BSDAutoencoder",
        SequenceClassifier: "BSDSequences",
        SequenceForecaster: "BSDForecasts",
    }
    # Of a base class, a rule for one of its final classes serves.
    sequences: Any = SequenceNetwork
    everything: Any = Network
    assert rules.find("bsd", sequences).__name__ == "BSDSequences"
    assert set(rules.defined_for(SequenceClassifier)) <= set(rules.defined_for(sequences))
    assert set(rules.defined_for(everything)) == set(rules.registry)
    with pytest.raises(UnknownNameError, match="did you mean 'bsd'"):
        rules.find("bsdd", Classifier)


def test_a_class_refuses_the_network_of_another() -> None:
    with pytest.raises(ConfigurationError, match="expected a classifier or an autoencoder or a"):
        rules.BSD(network(Autoencoder))
    with pytest.raises(ConfigurationError) as error:
        rules.FA(network(Autoencoder), no_such_option=1)
    assert len(error.value.problems) == 2
    assert "unknown option of rule 'fa': 'no_such_option'" in error.value.problems[0]
    assert "received an autoencoder" in error.value.problems[1]


def snapshot(net: Network) -> dict[str, Any]:
    """All that a rule could change of a network."""
    return {
        **{name: value.clone() for name, value in net.state_dict().items()},
        "signals": net.signals,
        "activation": net.activation,
        "decision": getattr(net, "decision", None),
        "rule": net.attached_rule(),
        "training": net.training,
        "gradients": [parameter.grad for parameter in net.parameters()],
    }


def same(one: dict[str, Any], two: dict[str, Any]) -> bool:
    return one.keys() == two.keys() and all(
        torch.equal(value, two[key]) if isinstance(value, Tensor) else value == two[key] for key, value in one.items()
    )


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_making_a_rule_changes_nothing_of_the_network(name: str, kind: type[Network]) -> None:
    net = network(kind)
    stimulus, labels = batch(net)
    before, answer, drawn = snapshot(net), net.logits(stimulus), torch.get_rng_state()
    rule = rules.find(name, kind)(net)
    assert same(snapshot(net), before)
    assert torch.equal(net.logits(stimulus), answer)
    assert torch.equal(torch.get_rng_state(), drawn)
    rule.compute_gradients(stimulus, labels)  # the first step attaches it
    assert net.attached_rule() is rule
    assert net.signals is rule.signals
    assert all(parameter.grad is not None for parameter in rule.parameters())


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_attaching_sets_how_a_network_decides_and_no_weight(name: str, kind: type[Network]) -> None:
    net = network(kind)
    before = snapshot(net)
    rule = rules.find(name, kind)(net)
    assert rule.attach() is rule
    after = snapshot(net)
    assert after.pop("rule") is rule
    assert after.pop("signals") is rule.signals
    assert after.pop("decision") is rule.decision
    activation = after.pop("activation")
    assert activation == rule.options.get("activation", before["activation"])
    for key in ("rule", "signals", "decision", "activation"):
        before.pop(key)
    assert same(after, before)


def test_the_rule_that_learns_is_the_one_that_is_attached() -> None:
    net = network(Classifier)
    stimulus, labels = batch(net)
    spiking, rates = rules.create("bsd", net), rules.create("backprop", net, activation="tanh")
    assert (net.signals, net.activation) == (RATES, "tanh")
    assert net.attached_rule() is rates
    spiking.compute_gradients(stimulus, labels)
    assert net.signals is SPIKES
    assert net.attached_rule() is spiking
    competing = rules.create("r-stdp", net)
    assert net.decision is competing.decision is not None
    spiking.compute_gradients(stimulus, labels)
    assert net.decision is None


def test_a_network_does_not_keep_its_rule_alive() -> None:
    net = network(Classifier)
    assert net.attached_rule() is None
    rule = rules.create("frozen", net)
    assert net.attached_rule() is rule
    del rule
    gc.collect()
    assert net.attached_rule() is None


def test_a_rule_can_be_registered_for_another_class_or_in_place_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "registry", dict(module.registry))
    monkeypatch.setattr(module, "_variants", {name: list(known) for name, known in module._variants.items()})

    class First(rules.Frozen):
        name: ClassVar[str] = "new"

    class Second(rules.Frozen):
        name: ClassVar[str] = "new"
        networks: ClassVar[tuple[type[Network], ...]] = (Autoencoder,)

    class Better(rules.Frozen):
        name: ClassVar[str] = "new"

    assert rules.register(First) is First
    rules.register(Second)
    assert (rules.find("new"), rules.find("new", Autoencoder)) == (First, Second)
    assert "new" in rules.defined_for(Autoencoder)
    with pytest.raises(ConfigurationError, match="'new' is registered already for a classifier; choose another name"):
        rules.register(Better)
    Better.__qualname__ = First.__qualname__  # the same class, defined again
    assert rules.register(Better) is Better
    assert (rules.find("new"), rules.find("new", Autoencoder)) == (Better, Second)


def test_state_belongs_to_the_rule_and_follows_the_precision_of_the_network() -> None:
    net = network(Classifier).double()
    rule = rules.create("frozen", net)
    assert rule.state_dict() == {}
    rule.register_state({"one": torch.ones(2), "map": torch.nn.Linear(2, 3, bias=False)})
    state = rule.state_dict()
    assert sorted(state) == ["map.weight", "one"]
    assert all(value.dtype == torch.float64 for value in state.values())
    rule.load_state_dict({"one": torch.zeros(2).double(), "map.weight": torch.full((3, 2), 5.0).double()})
    assert rule.state_dict()["map.weight"].sum() == 30
    with pytest.raises(DamagedError, match=r"rule 'frozen': state: .*expected 2 tensors, received 0; it lacks one"):
        rule.load_state_dict({})
    with pytest.raises(DamagedError, match="expected 0 tensors"):
        rules.create("frozen", network(Classifier)).load_state_dict({"one": torch.zeros(2)})


def test_first_weights_follow_the_seed_of_the_network_and_draw_other_numbers() -> None:
    def first(seed: int) -> Tensor:
        rule = rules.create("frozen", models.mlp(4, [3], 2, seed=seed))
        return torch.rand(4, generator=rule.random_source())

    assert torch.equal(first(3), first(3))
    assert not torch.equal(first(3), first(4))
    assert not torch.equal(first(3), torch.rand(4, generator=torch.Generator().manual_seed(3)))
    rule = rules.create("frozen", models.mlp(4, [3], 2))
    given = torch.Generator()
    assert rule.step_generator(given) is given
    drawn, again = (torch.rand(3, generator=source) for source in (rule.step_generator(None), rule.random_source()))
    assert torch.equal(drawn, again)


def test_a_wrong_stimulus_is_named_before_wrong_labels() -> None:
    rule = rules.create("bsd", network(Classifier))
    with pytest.raises(ShapeError, match=r"stimulus: expected shape \[batch, 12\], received \[6, 5\]"):
        rule.compute_gradients(torch.rand(6, 5, generator=torch.Generator().manual_seed(0)), torch.full((6,), 9))


@pytest.mark.parametrize("positions", [0, 3])
@pytest.mark.parametrize("name", ["bsd", "bptt", "dll"])
def test_labels_of_other_positions_than_the_stimulus_are_refused(name: str, positions: int) -> None:
    rule = rules.create(name, models.rnn(6, [5], 6))
    with pytest.raises(ShapeError, match=r"the same samples and positions, .*; received \[2, 4\] and \[2, "):
        rule.compute_gradients(torch.zeros(2, 4, dtype=torch.int64), torch.zeros(2, positions, dtype=torch.int64))


@pytest.mark.parametrize("name", ["r-stdp", "sym-stdp", "forward-forward", "bsd"])
def test_calling_a_network_gives_the_scores_that_it_decides_by(name: str) -> None:
    net = network(Classifier)
    rules.create(name, net)
    stimulus = torch.rand(4, 12, generator=torch.Generator().manual_seed(0))
    net.eval()
    torch.testing.assert_close(net(stimulus).detach(), net.logits(stimulus))


@pytest.mark.parametrize("name", ["ccl", "backprop"])
def test_a_step_on_rates_moves_the_running_statistics_of_the_top_down_norms(name: str) -> None:
    """By 1 − (1 − 1/1280)^N of the way to the mean of their drives: N classes, or samples of an autoencoder."""
    net: Any = network(Classifier if name == "ccl" else Autoencoder)
    twin: Any = network(type(net))
    rules.create(name, twin)
    stimulus, labels = batch(net)
    if name == "ccl":
        values, layers = twin.code.rate(twin.time_steps), list(twin.layers)
    else:
        *_, last = twin.bottom_up_rates(twin.encode(stimulus))
        values, layers = last.leaving.detach(), list(twin.layers)[:-1]
    rules.create(name, net).compute_gradients(stimulus, labels)
    top = layers[-1].down
    drive = top.synapse(values).detach()
    place = len(layers) - 1
    part = 1 - (1 - 1 / 1280) ** len(values)
    torch.testing.assert_close(net.layers[place].down.norm.running_mean, part * drive.mean(0))


@pytest.mark.parametrize("name", sorted(rules.registry))
def test_a_deep_copy_decides_by_its_own_weights(name: str) -> None:
    net = network(Classifier)
    rules.create(name, net)
    stimulus = torch.rand(4, 12, generator=torch.Generator().manual_seed(0))
    twin = copy.deepcopy(net)
    assert torch.equal(twin.logits(stimulus), net.logits(stimulus))
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    assert not torch.equal(twin.logits(stimulus), net.logits(stimulus))
    assert twin.attached_rule() is None


@pytest.mark.parametrize("name", sorted(rules.registry))
def test_a_rule_follows_its_network_to_another_precision(name: str) -> None:
    net = network(Classifier)
    rule = rules.create(name, net)
    draws = torch.Generator().manual_seed(0)
    stimulus, labels = torch.rand(6, 12, generator=draws), torch.arange(6) % net.concept.classes
    rule.compute_gradients(stimulus, labels)
    net.double()
    rule.compute_gradients(stimulus.double(), labels)
    assert all(p.grad is None or p.grad.dtype == torch.float64 for p in rule.parameters())
    assert all(not v.is_floating_point() or v.dtype == torch.float64 for v in rule.state_dict().values())
