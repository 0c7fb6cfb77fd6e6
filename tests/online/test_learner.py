"""The contract of a learner: what observing and teaching do, and what they must not do."""

import pytest
import torch

from bispike import models
from bispike.errors import ConfigurationError, ShapeError, UserError
from bispike.nn import DriveNorm, Network
from bispike.online import Learner
from bispike.online.new_class_weights import write_readout_row
from bispike.rules import BSD
from tests.online.conftest import CLASSES, KNOWN, NAMES, clouds, consolidated, small, teach_new, trained


def weights(network: Network) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


@pytest.mark.parametrize("decoder", ["drive", "cosine"])
def test_a_decision_is_the_networks_own_and_looking_changes_nothing(decoder: str) -> None:
    net = small(decoder=decoder)
    stimuli, _ = clouds(6, seed=0)
    before = weights(net)
    decision = Learner(net).observe(stimuli)
    assert torch.equal(decision.scores, net.logits(stimuli))
    assert torch.equal(decision.labels, net.perceive(stimuli))
    assert decision.names == [NAMES[label] for label in decision.labels]
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_a_single_stimulus_needs_no_batch_axis() -> None:
    learner = Learner(small())
    stimuli, _ = clouds(1, seed=0)
    decision = learner.observe(stimuli[0])
    assert decision.label == int(learner.network.perceive(stimuli))
    assert decision.name == NAMES[decision.label]
    assert 1 / KNOWN <= float(decision.confidence) <= 1


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("options", [{}, {"slope": "unrolled"}])
def test_looking_and_being_taught_is_a_step_of_the_rule(batch: int, options: dict[str, str]) -> None:
    """Without a norm, bit for bit, the optimizer included."""
    one, other = small(norm=False), small(norm=False)
    learner = Learner(one, rule_options=options, lr=1e-3)
    rule = BSD(other, **options)
    optimizer = torch.optim.Adam(rule.parameters(), lr=1e-3, fused=True)
    stimuli, labels = clouds(12, seed=3, classes=KNOWN)
    for x, y in zip(stimuli.split(batch), labels.split(batch), strict=True):
        learner.observe(x)
        learner.teach(y)
        rule.compute_gradients(x, y)
        optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_norms_use_running_statistics_whatever_the_batch() -> None:
    """Gradients of a batch of 40 with norm: those of BSD where the statistics are constants."""
    one, other = small(), small()
    for net in (one, other):
        for module in net.modules():
            if isinstance(module, DriveNorm):
                module.memory = 10**12  # a memory that long does not move within a step
    for layer in other.layers:
        assert layer.up.norm is not None
        layer.up.norm.least = 10**9
    stimuli, labels = clouds(40, seed=3, classes=KNOWN)
    learner = Learner(one)
    learner.observe(stimuli)
    learner.teach(labels)
    BSD(other).compute_gradients(stimuli, labels)
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-5, atol=1e-7)
    assert all(layer.up.norm is not None and layer.up.norm.least == 32 for layer in one.layers)


def test_norms_track_what_was_taught_and_not_what_was_seen() -> None:
    net = small()
    norm = net.layers[0].up.norm
    assert norm is not None
    learner = Learner(net)
    stimuli, _ = clouds(1, seed=0)
    learner.observe(stimuli)
    drive = net.layers[0].up.synapse(net.encode(stimuli)).detach()
    learner.teach(0)
    torch.testing.assert_close(norm.running_mean, drive[0] / 1280)


def test_learns_a_stream_of_single_stimuli() -> None:
    learner = Learner(small(), lr=3e-3)
    first = learner.run(zip(*clouds(300, seed=3, classes=KNOWN), strict=True))
    then = learner.run(zip(*clouds(80, seed=4, classes=KNOWN), strict=True))
    assert then.accuracy >= 0.9
    assert then.accuracy > first.accuracy


def test_running_accuracy_counts_decisions_before_they_are_taught() -> None:
    stimuli, labels = clouds(20, seed=3, classes=KNOWN)
    by_hand, learner = Learner(small()), Learner(small())
    right = 0
    for x, y in zip(stimuli, labels, strict=True):
        right += by_hand.observe(x).label == int(y)
        by_hand.teach(NAMES[int(y)])
    account = learner.run(zip(stimuli, labels, strict=True))
    assert (account.samples, account.correct) == (20, right)
    assert account.accuracy == right / 20


def test_refusals_name_what_was_expected() -> None:
    learner = Learner(small())
    stimuli, labels = clouds(3, seed=0, classes=KNOWN)
    with pytest.raises(UserError, match="call `observe` first"):
        learner.teach(0)
    learner.observe(stimuli)
    with pytest.raises(ConfigurationError, match=r"values in 0\.\.3"):
        learner.teach(labels + 2)
    with pytest.raises(ShapeError, match="expected 3 labels"):
        learner.teach(0)
    with pytest.raises(ConfigurationError, match="did you mean 'bee'"):
        learner.teach("be")
    with pytest.raises(ConfigurationError, match=r"received 1\.5"):
        learner.teach(1.5)  # type: ignore[arg-type]
    learner.teach(labels)  # after a refusal the observation is still there
    with pytest.raises(UserError, match="call `observe` first"):
        learner.teach(labels)
    with pytest.raises(ShapeError, match="stimulus"):
        learner.observe(stimuli[:, :5])
    with pytest.raises(ShapeError, match="expected one stimulus"):
        _ = learner.observe(stimuli).label


def test_wrong_settings_are_refused() -> None:
    for wrong in ({"lr": 0.0}, {"shrink": 0.0}, {"lift": -1.0}, {"rule": "bptt"}, {"rule_options": {"strngth": 1}}):
        with pytest.raises(UserError):
            Learner(small(), **wrong)  # type: ignore[arg-type]


def test_a_class_needs_consolidation_and_samples_of_every_known_class() -> None:
    learner = Learner(small())
    with pytest.raises(ConfigurationError, match="consolidate"):
        learner.add_class("emu")
    stimuli, labels = clouds(40, seed=1, classes=KNOWN)
    known = labels != 2
    learner.consolidate(zip(stimuli[known], labels[known], strict=True))
    with pytest.raises(ConfigurationError, match="fewer of cat"):
        learner.add_class("emu")
    with pytest.raises(ConfigurationError, match="frozen already"):
        learner.consolidate()
    learner.run(zip(stimuli, labels, strict=True))
    with pytest.raises(ConfigurationError, match="its label is 1"):
        learner.add_class("bee")
    assert learner.add_class("emu") == KNOWN


@pytest.mark.parametrize("code", ["one-hot", "population", "learned"])
def test_a_new_class_is_learned_from_ten_samples_and_takes_nothing_from_the_others(code: str) -> None:
    net = trained(concept_code=code)
    learner = consolidated(net)
    label = learner.add_class("emu")
    stimuli, labels = clouds(500, seed=5)
    before, scores = weights(net), learner.observe(stimuli).scores
    new, _ = clouds(50, seed=2)
    learner.run((x, "emu") for x in new[4::5])
    after = learner.observe(stimuli)
    assert torch.equal(after.scores[:, :KNOWN], scores[:, :KNOWN])
    right = after.labels == labels
    assert float(right[labels == label].float().mean()) >= 0.75  # one class of five: chance is 0.2
    assert float(right[labels < label].float().mean()) >= 0.9
    own = {"readout.weight": 0, "readout.bias": 0, f"layers.{len(net.layers) - 1}.down.synapse.weight": 1}
    for name, value in net.state_dict().items():
        if code == "one-hot" and name in own:
            axis = own[name]
            old = value.narrow(axis, 0, KNOWN)
            assert torch.equal(old, before[name].narrow(axis, 0, KNOWN)), name
            assert not torch.equal(value, before[name]), name
        else:
            assert torch.equal(value, before[name]), name


def test_the_network_alone_knows_the_new_class_too() -> None:
    """Its row of the readout is written, on the scale of the rows that were trained."""
    net = trained()
    label = teach_new(consolidated(net))
    stimuli, labels = clouds(500, seed=5)
    right = (net.perceive(stimuli) == labels).float()
    assert float(right[labels == label].mean()) >= 0.6
    assert float(right[labels < label].mean()) >= 0.9


def test_the_new_template_receives_the_mean_drive_of_its_samples() -> None:
    net = trained()  # so that the running statistics of the top-down norm are not those of the beginning
    label = teach_new(consolidated(net))
    stimuli, labels = clouds(CLASSES * 10, seed=2)
    with net.inference():
        *_, up = net.bottom_up_pass(net.encode(stimuli[labels == CLASSES - 1]))
        down = next(net.top_down_steps(torch.arange(CLASSES)))
    torch.testing.assert_close(down.activity.drive[label], up.activity.drive.mean(0), rtol=1e-4, atol=1e-4)


def test_a_new_readout_row_has_the_scale_and_the_offset_of_the_trained_rows() -> None:
    """Trained rows that are k times the discriminants plus a shared row: so is the new one, exactly."""
    net = small().double()
    memory = consolidated(net).memory
    assert memory is not None
    memory.add_class()
    models.add_concept(net, "emu", generator=torch.Generator())
    templates, draws = memory.templates["readout"], torch.Generator().manual_seed(1)
    new = torch.rand(6, 20, generator=draws, dtype=torch.float64)
    templates.learn(new, torch.full((6,), KNOWN))
    rows, offsets = templates.discriminant()
    offsets = offsets - rows @ templates.origin
    shared = torch.randn(20, generator=draws, dtype=torch.float64)
    with torch.no_grad():
        net.readout.weight[:KNOWN] = 0.3 * rows[:KNOWN] + shared
        net.readout.bias[:KNOWN] = 0.3 * offsets[:KNOWN] - 2
    write_readout_row(net, templates, KNOWN, trained_classes=KNOWN)
    torch.testing.assert_close(net.readout.weight[KNOWN], 0.3 * rows[KNOWN] + shared)
    torch.testing.assert_close(net.readout.bias[KNOWN], 0.3 * offsets[KNOWN] - 2)


def test_convolutional_networks_take_new_classes() -> None:
    net = models.cnn((1, 8, 8), [4, 6], 3, pools=[2, 1])
    learner = Learner(net)
    generator = torch.Generator().manual_seed(0)
    images, labels = torch.rand(30, 1, 8, 8, generator=generator), torch.arange(30) % 3
    learner.run(zip(images[:4], labels[:4], strict=True))
    learner.consolidate([(images, labels)])
    learner.add_class("fourth")
    learner.run((image, "fourth") for image in images[:3] + 1)
    assert learner.observe(images[3] + 1).name == "fourth"
