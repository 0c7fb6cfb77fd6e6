"""The audit tells planted faults from a clean rule, each by the criterion that it breaks, and judges known rules."""

from __future__ import annotations

import copy
import dataclasses
import json
from typing import Any

import pytest
import torch
from torch import Tensor

from bispike import rules
from bispike.analysis import Audit, audit, audit_network
from bispike.analysis.criteria.links import links_of
from bispike.analysis.criteria.perturbations import input_rows, unnoticed_change
from bispike.analysis.criteria.signals import TAPE, SignalRecorder
from bispike.errors import ConfigurationError
from bispike.nn import Conv, Dense, IdentityShortcut, Residual, Synapse
from bispike.rules import Rule, StepReport

from . import faulty_rules as faulty

ALL = {"C1", "C2", "C3", "C4", "C5"}


def broken(found: Audit) -> set[str]:
    return {name for name, holds in found.verdicts().items() if not holds}


def scopes(found: Audit) -> set[str]:
    return {layer["scope"] for layer in found.criteria["C2"].measured["layers"].values()}


# ---------------------------------------------------------------------- planted faults


@pytest.mark.parametrize("rule", [faulty.Clean, faulty.CutsGradient])
def test_a_clean_rule_keeps_every_criterion_at_the_narrowest_scope(rule: type[Rule]) -> None:
    found = audit(rule)
    assert broken(found) == set()
    assert scopes(found) == {"synapse"}


@pytest.mark.parametrize(
    ("rule", "breaks"),
    [
        (faulty.CopiesWeights, {"C1"}),
        (faulty.CopiesAsAChild, {"C1"}),
        (faulty.UsesTranspose, {"C1", "C2", "C3"}),  # what is above the last layer reaches it unseen
        (faulty.LeaksGradient, {"C1", "C2", "C3", "C4", "C5"}),  # a gradient is signed, and goes through W
        (faulty.SendsSigned, {"C4", "C5"}),
        (faulty.SendsRates, {"C4"}),
        (faulty.SignedTop, {"C5"}),
        (faulty.WaitsForTheTop, {"C2", "C3"}),
    ],
)
def test_a_planted_fault_is_caught_by_the_criteria_that_it_breaks(rule: type[Rule], breaks: set[str]) -> None:
    assert broken(audit(rule)) == breaks


def test_each_kind_of_tied_weights_has_its_own_evidence() -> None:
    copied = audit(faulty.CopiesWeights).criteria["C1"].measured
    assert copied["copied"] == ["mirror"]
    assert copied["transported"] == []
    pair = min(copied["pairs"], key=lambda pair: pair["degrees"])
    assert pair["degrees"] < 1 < pair["degrees_start"]
    transposed = audit(faulty.UsesTranspose).criteria["C1"].measured
    assert transposed["copied"] == []
    assert transposed["transported"] == ["readout"]
    leaking = audit(faulty.LeaksGradient).criteria["C1"].measured
    assert leaking["used"] == {"layer2 up": pytest.approx(0, abs=1e-4), "layer3 up": pytest.approx(0, abs=1e-4)}


@pytest.mark.parametrize(
    ("rule", "scope"),
    [(faulty.ScalesWeights, "neuron"), (faulty.UsesItsLayer, "layer"), (faulty.UsesOtherSamples, "batch")],
)
def test_the_scope_of_an_update_is_the_widest_thing_that_it_depends_on(rule: type[Rule], scope: str) -> None:
    found = audit(rule)
    assert scopes(found) == {scope}
    assert broken(found) == set()


def test_one_sample_a_step_has_no_other_samples_to_depend_on() -> None:
    assert scopes(audit(faulty.UsesItsLayer, batch=1)) == {"layer"}
    assert audit(faulty.UsesItsLayer, batch=1).criteria["C2"].measured["layers"]["layer1"]["change"]["batch"] is None


class PresentsTwice(faulty.Clean):
    """A second bottom-up pass with the same stimuli in each step."""

    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        list(self.network.bottom_up_pass(self.network.encode(stimulus)))
        return super().learn(stimulus, labels, generator=generator)


@pytest.mark.parametrize("code", ["current", "bernoulli"])
def test_presentations_are_counted_once_whatever_the_number_of_time_steps(code: str) -> None:
    for rule, times in ((faulty.Clean, 1), (PresentsTwice, 2)):
        network = audit_network(stimulus_code=code, widths=[14, 12])
        assert audit(rule, network=network, batch=2, training=0).criteria["C3"].measured["presented"] == times


# ---------------------------------------------------------------------- known rules


def test_bsd_keeps_every_criterion_with_the_unsigned_top_loss() -> None:
    found = audit("bsd", top_loss="reco")
    assert broken(found) == set()
    assert scopes(found) == {"batch"}
    assert found.criteria["C3"].measured["orders"] == {"tried": ["down-first", "up-first", "concurrent"], "equal": True}
    spikes = found.criteria["C4"].measured
    assert [spikes[key] for key in ("inference_up", "learning_up", "learning_down")] == [1, 1, 1]


def test_the_signed_top_loss_of_bsd_is_shown_beside_the_unsigned_one() -> None:
    found = audit("bsd")
    assert broken(found) == {"C5"}
    tops = found.criteria["C5"].measured["top_losses"]
    assert {kind: top["signed"] for kind, top in tops.items()} == {"cross-entropy": True, "reco": False}
    assert found.criteria["C5"].measured["negative"] == {"up": 0, "down": 0}


@pytest.mark.parametrize(
    ("options", "batch", "scope"),
    [
        ({"contrast": "batch", "centre": "none"}, 4, "batch"),
        ({"contrast": "classes"}, 1, "layer"),
        ({"contrast": "classes", "centre": "none"}, 4, "layer"),
        ({"contrast": "classes"}, 4, "batch"),  # by its running centre
        ({"loss": "mse", "centre": "none"}, 4, "synapse"),
    ],
)
def test_the_scope_of_bsd_follows_its_loss(options: dict[str, Any], batch: int, scope: str) -> None:
    assert scopes(audit("bsd", batch=batch, **options)) == {scope}


@pytest.mark.parametrize(
    ("rule", "breaks"),
    [("backprop", ALL), ("bptt", ALL), ("fa", ALL - {"C1"}), ("frozen", {"C5"})],
)
def test_controls_break_what_they_are_known_to_break(rule: str, breaks: set[str]) -> None:
    assert broken(audit(rule)) == breaks


def test_backpropagation_through_time_spikes_upward_only() -> None:
    measured = audit("bptt").criteria["C4"].measured
    assert (measured["inference_up"], measured["learning_up"]) == (1, 1)
    assert measured["learning_down"] < 0.5


def test_batch_norm_is_named_where_it_widens_the_scope() -> None:
    found = audit(faulty.Clean, network=audit_network(norm=True))
    assert scopes(found) == {"batch"}
    assert "Batch norm" in found.notes[0]


def test_convolutions_are_audited_too() -> None:
    network = audit_network("cnn-small", channels=[4, 6], strides=[2, 1], dense=[14])
    assert broken(audit("bsd", network=network, top_loss="reco")) == set()
    assert broken(audit("backprop", network=network)) == ALL


# ---------------------------------------------------------------------- the audit itself


def test_an_audit_leaves_the_network_alone_and_repeats_itself() -> None:
    network = audit_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    first, second = audit("bsd", network=network), audit("bsd", network=network)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert first == second


def test_an_audit_is_plain_values() -> None:
    found = audit("fa")
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["criteria"].keys() == ALL
    assert found.published == {"C1": True, "C2": False, "C3": False}
    assert audit(faulty.Clean).published == {}


@pytest.mark.parametrize("wrong", [{"stimuli": torch.zeros(8, 1, 8, 8)}, {"batch": 0}])
def test_what_cannot_be_audited_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        audit("bsd", **wrong)


def test_a_change_that_no_input_notices_leaves_every_product_as_it_was() -> None:
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randn(6, 20, generator=generator, dtype=torch.float64)
    weight = torch.randn(5, 20, generator=generator, dtype=torch.float64)
    change = unnoticed_change(inputs, weight, generator, slice(0, 10))
    assert change is not None
    assert change.norm() == pytest.approx(float(weight.norm()))
    assert float((inputs @ change.T).abs().max()) < 1e-12
    assert not change[:, 10:].any()
    assert unnoticed_change(inputs, weight, generator, slice(0, 5)) is None


@pytest.mark.parametrize(
    "synapse",
    [
        Dense((3, 2), (5,)),
        Conv((2, 5, 4), 3, kernel=3, stride=2),
        Residual(Conv((2, 4, 3), 3), IdentityShortcut(0.3), 2),
    ],
    ids=["dense", "conv", "residual"],
)
def test_the_product_of_input_rows_and_weights_is_the_drive(synapse: Synapse) -> None:
    draws = torch.Generator().manual_seed(0)
    synapse = copy.deepcopy(synapse).double()
    with torch.no_grad():
        for parameter in synapse.parameters():
            parameter.normal_(generator=draws)
    source = torch.rand(2, *synapse.source, generator=draws, dtype=torch.float64)
    main = synapse.main if isinstance(synapse, Residual) else synapse
    drive = main(synapse.parts(source)[0]) if isinstance(synapse, Residual) else synapse(source)
    assert main.bias is not None
    found = input_rows(synapse, source) @ main.weight.flatten(1).T + main.bias
    torch.testing.assert_close(found, drive.movedim(1, -1).reshape(found.shape))


def test_a_recorder_records_each_signal_once_replays_it_and_leaves_no_trace() -> None:
    network = audit_network(widths=[6, 5]).double()
    rule = rules.create("backprop", network)
    synapses = {name: link.synapse for name, link in links_of(rule).items()}
    stimuli, labels = torch.rand(3, 1, 8, 8, dtype=torch.float64), torch.tensor([0, 1, 2])
    first = SignalRecorder(synapses)
    with first.active():
        rule.compute_gradients(stimuli, labels)
    gradients = {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}
    assert [s.synapse for s in first.signals if s.way == "forward"] == ["layer1 up", "layer2 up", "readout"]
    back = {s.synapse: s for s in first.signals if s.way == TAPE}
    torch.testing.assert_close(back["layer2 up"].arrived, back["layer2 up"].sent @ network.layers[1].up.synapse.weight)
    network.readout.weight.data.neg_()
    replayed = SignalRecorder(
        synapses, earlier=first.signals, replay=lambda name, way: (name, way) == ("readout", TAPE)
    )
    with replayed.active():
        rule.compute_gradients(stimuli, labels)
    for name in ("layers.0.up.synapse.weight", "layers.1.up.synapse.weight"):  # nothing else of the top reaches them
        assert torch.equal(network.get_parameter(name).grad, gradients[name])  # type: ignore[arg-type]
    assert not any({"forward", "learn", "backward_input"} & vars(synapse).keys() for synapse in synapses.values())


def test_a_verdict_has_measurement_and_method() -> None:
    for verdict in audit("bsd").criteria.values():
        assert all(getattr(verdict, field.name) not in ("", None, {}) for field in dataclasses.fields(verdict))
        assert len(verdict.brief) <= 16
        assert verdict.finding.endswith(".")


@pytest.mark.parametrize("batch", [1000, 10**11])
def test_a_batch_beyond_the_digits_is_refused(batch: int) -> None:
    with pytest.raises(ConfigurationError, match=f"two batches of stimuli, received {batch} and"):
        audit("bsd", batch=batch)
