"""The associative memory: its rule, storing, recalling, completing, saving."""

import hashlib
import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from bispike.errors import CheckpointError, ConfigurationError, ShapeError, UserError
from bispike.memory import AssociativeMemory


def pairs(count: int = 8, below: int = 120, above: int = 40, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    sides = [torch.randint(0, 2, (count, units), generator=generator).float() for units in (below, above)]
    return sides[0], sides[1]


def filled(**options: float) -> tuple[AssociativeMemory, Tensor, Tensor]:
    memory = AssociativeMemory(120, 40, **options)  # type: ignore[arg-type]
    x, y = pairs()
    memory.store(x, y)
    return memory, x, y


def test_both_sides_recall_the_other() -> None:
    memory, x, y = filled()
    assert torch.equal((memory.recall_concept(x) > 0.5).float(), y)
    assert torch.equal((memory.recall_stimulus(y) > 0.5).float(), x)


def test_rates_are_whole_numbers_of_spikes() -> None:
    memory, x, _ = filled(time_steps=5)
    rates = memory.recall_concept(x)
    torch.testing.assert_close(rates * 5, (rates * 5).round())
    assert float(rates.max()) <= 1


def test_one_step_of_the_rule_is_the_gradient_of_cross_entropy() -> None:
    memory = AssociativeMemory(6, 4, flipped=0.0, flipped_concept=0.0, passes=1, rate=1.0)
    x, y = pairs(2, 6, 4)
    memory.store(x, y)  # moves the means; the weights are set by hand below
    weight = torch.randn(4, 6, generator=torch.Generator().manual_seed(1)).requires_grad_()
    source = x[0] - memory.stimulus_mean
    rest = memory.concept_mean.clamp(0.02, 0.98).logit()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(weight @ source + rest, y[0], reduction="sum")
    loss.backward()
    assert weight.grad is not None
    moved = weight.detach().clone()
    memory._learn(moved, source, y[0], memory.concept_mean, 1.0)
    torch.testing.assert_close(moved, weight.detach() - weight.grad / source.square().sum())


def test_storing_is_the_delta_rule_on_both_pathways_with_a_falling_rate() -> None:
    """One pair after another: of the first, mean and pattern are equal, so only the second one changes the weights."""
    memory = AssociativeMemory(6, 4, flipped=0.0, flipped_concept=0.0, passes=3, rate=2.0)
    x, y = pairs(2, 6, 4, seed=1)
    for i in range(2):
        memory.store(x[i : i + 1], y[i : i + 1])
    up, down = torch.zeros(4, 6), torch.zeros(6, 4)
    below, above = x.mean(0), y.mean(0)
    for rate in (2.0, 2.0 * 2 / 3, 2.0 / 3):
        for weight, source, rest, target in ((up, x[1] - below, above, y[1]), (down, y[1] - above, below, x[1])):
            current = (weight @ source + rest.clamp(0.02, 0.98).logit()).sigmoid()
            weight += rate * torch.outer(target - current, source) / source.square().sum()
    torch.testing.assert_close(memory.up, up)
    torch.testing.assert_close(memory.down, down)
    assert float(up.abs().max()) > 0.1


def test_completion_is_recall_up_and_down_in_turn() -> None:
    memory, x, _ = filled()
    cue = torch.where(torch.rand(x.shape, generator=torch.Generator().manual_seed(3)) < 0.3, 1 - x, x)
    result = memory.complete(cue, passes=3)
    stimulus = cue
    for found_stimulus, found_concept in zip(result.stimuli, result.concepts, strict=True):
        concept = memory.recall_concept(stimulus)
        stimulus = memory.recall_stimulus(concept)
        assert torch.equal(found_concept, concept)
        assert torch.equal(found_stimulus, stimulus)
    assert torch.equal(result.stimulus, stimulus)
    assert torch.equal(result.concept, concept)


def test_the_drive_of_a_partial_cue_is_divided_by_its_known_share() -> None:
    memory, x, _ = filled()
    known = (torch.arange(120) % 3 == 0).float()
    drive = 3 * ((x - memory.stimulus_mean) * known) @ memory.up.T
    rate = (drive + memory.concept_mean.clamp(0.02, 0.98).logit()).sigmoid()
    first = memory.complete(x, known=known, passes=1).concept
    assert float((first - rate).abs().max()) <= 1 / 16 + 1e-6  # 8 time steps, rounded to the nearest rate


def test_the_two_pathways_have_weights_of_their_own() -> None:
    memory, _, y = filled()
    before = memory.recall_stimulus(y)
    memory.up.zero_()
    assert torch.equal(memory.recall_stimulus(y), before)
    correlation = torch.corrcoef(torch.stack([filled()[0].up.flatten(), memory.down.T.flatten()]))[0, 1]
    assert float(correlation) < 0.999


def test_completion_repairs_flipped_bits() -> None:
    memory, x, y = filled()
    flips = torch.rand(x.shape, generator=torch.Generator().manual_seed(3)) < 0.2
    result = memory.complete(torch.where(flips, 1 - x, x), passes=4)
    assert torch.equal((result.stimulus > 0.5).float(), x)
    assert torch.equal((result.concept > 0.5).float(), y)
    assert len(result.stimuli) == len(result.concepts) == 4


def test_completion_fills_in_what_is_hidden_and_clamps_what_is_known() -> None:
    memory, x, _ = filled(hidden=0.5)
    known = torch.zeros(120)
    known[:60] = 1
    result = memory.complete(torch.where(known > 0, x, 1 - x), known=known)
    assert torch.equal(result.stimulus[:, :60], x[:, :60])
    assert float(((result.stimulus > 0.5) != (x > 0.5)).double().mean()) < 0.02


def test_a_memory_at_rest_answers_with_the_mean() -> None:
    memory, x, _ = filled()
    memory.up.zero_()
    torch.testing.assert_close(memory.recall_concept(x)[0], memory.concept_mean, atol=0.07, rtol=0)


def test_pairs_may_come_later() -> None:
    memory, x, _ = filled()
    more = pairs(4, seed=9)
    memory.store(*more)
    assert memory.stored == 12
    assert torch.equal((memory.recall_concept(more[0]) > 0.5).float(), more[1])
    torch.testing.assert_close(memory.stimulus_mean, torch.cat([x, more[0]]).mean(0))


def test_the_same_seed_gives_the_same_memory() -> None:
    assert torch.equal(filled(seed=4)[0].up, filled(seed=4)[0].up)
    assert not torch.equal(filled(seed=4)[0].up, filled(seed=5)[0].up)


def test_a_saved_memory_goes_on_bit_for_bit(tmp_path: Path) -> None:
    memory, _, _ = filled(hidden=0.3)
    memory.save(tmp_path / "m")
    again = AssociativeMemory.load(tmp_path / "m")
    more = pairs(3, seed=8)
    for one in (memory, again):
        one.store(*more)
    assert torch.equal(memory.up, again.up)
    assert torch.equal(memory.down, again.down)
    assert again.stored == 11
    names = sorted(path.name for path in (tmp_path / "m").iterdir())
    assert names[:2] == ["bispike.json", "latest.json"]
    assert [Path(name).suffix for name in names[2:]] == [".safetensors"]


def test_a_save_that_dies_leaves_the_memory_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, x, _ = filled()
    memory.save(tmp_path)
    before = memory.recall_concept(x)
    memory.store(*pairs(3, seed=8))
    replace = os.replace
    for last in (1, 2):  # the third rename is that of latest.json, which makes the save valid
        left = [None] * last

        def die(source: str, target: str, left: list[None] = left) -> None:
            left.pop()
            if not left:
                raise KeyboardInterrupt
            replace(source, target)

        monkeypatch.setattr(os, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            memory.save(tmp_path)
        again = AssociativeMemory.load(tmp_path)
        assert again.stored == len(x)
        assert torch.equal(again.recall_concept(x), before)


def test_what_is_not_a_memory_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"it has no latest\.json"):
        AssociativeMemory.load(tmp_path)
    filled()[0].save(tmp_path)
    (tmp_path / "latest.json").write_text("{")
    with pytest.raises(CheckpointError, match="damaged"):
        AssociativeMemory.load(tmp_path)


def test_a_damaged_memory_gives_way_to_the_one_before_with_a_warning(tmp_path: Path) -> None:
    memory, x, _ = filled()
    memory.save(tmp_path)
    memory.store(*pairs(3, seed=8))
    memory.save(tmp_path)
    (tmp_path / "latest.json").write_text("{")
    with pytest.warns(UserWarning, match="from the checkpoint before it"):
        assert AssociativeMemory.load(tmp_path).stored == len(x)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stimulus", [10**6, 10**6]),
        ("stimulus", 120),
        ("concept", []),
        ("concept", ["x"]),
        ("time_steps", "8"),
        ("time_steps", 0),
        ("rate", 9.5),
        ("seed", 2**63),
        ("seed", None),
        ("other", 1),
    ],
)
def test_damaged_settings_of_a_memory_are_refused(name: str, value: object, tmp_path: Path) -> None:
    filled()[0].save(tmp_path)
    path = tmp_path / "latest.json"
    entry = json.loads(path.read_text())
    path.write_text(json.dumps({**entry, "values": {**entry["values"], name: value}}))
    with pytest.raises(CheckpointError, match=name if name == "other" else "damaged|expected|memory"):
        AssociativeMemory.load(tmp_path)


@pytest.mark.parametrize("name", ["up", "down", "stimulus_mean", "concept_mean", "draws"])
def test_damaged_tensors_of_a_memory_are_refused(name: str, tmp_path: Path) -> None:
    filled()[0].save(tmp_path)
    entry, path = json.loads((tmp_path / "latest.json").read_text()), next(tmp_path.glob("*.safetensors"))
    tensors = load(path.read_bytes())
    value = tensors[name]
    others = [value.reshape(-1)[:-1], value.to(torch.float64)]
    for other in others if name == "draws" else [*others, torch.full_like(value, float("nan"))]:
        content = save({**tensors, name: other})
        digest = hashlib.sha256(content).hexdigest()
        entry |= {"file": f"step-00000008-{digest[:8]}.safetensors", "sha256": digest}
        (tmp_path / entry["file"]).write_bytes(content)
        (tmp_path / "latest.json").write_text(json.dumps(entry))
        with pytest.raises(CheckpointError, match=rf"{name}: "):
            AssociativeMemory.load(tmp_path)


def test_wrong_patterns_are_refused() -> None:
    memory, x, y = filled()
    with pytest.raises(ShapeError, match=r"\[N, 120\]"):
        memory.recall_concept(y)
    with pytest.raises(ShapeError, match="as many concepts"):
        memory.store(x, y[:2])
    with pytest.raises(ConfigurationError, match=r"\[0, 1\]"):
        memory.recall_concept(3 * x)
    with pytest.raises(ShapeError, match="mask"):
        memory.complete(x, known=torch.ones(7))
    with pytest.raises(ConfigurationError, match=r"known: expected values in \[0, 1\]"):
        memory.complete(x, known=torch.full_like(x, float("nan")))


@pytest.mark.parametrize("kind", ["sparse", "nested", "quantised", "complex", "meta"])
@pytest.mark.filterwarnings("ignore:.*quantize_per_tensor", "ignore:.*nested tensors")
def test_patterns_that_are_no_dense_real_values_are_refused(kind: str) -> None:
    memory, x, y = filled()
    made = {
        "sparse": x.to_sparse,
        "nested": lambda: torch.nested.nested_tensor([*x]),
        "quantised": lambda: torch.quantize_per_tensor(x, 1.0, 0, torch.quint8),
        "complex": x.cfloat,
        "meta": lambda: x.to("meta"),
    }
    for use in (memory.recall_concept, lambda bad: memory.store(bad, y)):
        with pytest.raises(ConfigurationError, match="stimuli: expected a dense tensor of real values"):
            use(made[kind]())


def test_patterns_with_a_gradient_are_stored_by_their_values() -> None:
    memory, x, _ = filled()
    assert torch.equal(memory.recall_concept(x.clone().requires_grad_()), memory.recall_concept(x))


def test_wrong_settings_are_listed_together() -> None:
    with pytest.raises(ConfigurationError) as found:
        AssociativeMemory(10, 10, time_steps=0, rate=9.0, flipped=0.7, hidden=1.0, passes=0)
    assert len(found.value.problems) == 5
    with pytest.raises(ConfigurationError, match="stimulus"):
        AssociativeMemory(0, 4)


@pytest.mark.parametrize("name", ["latest.json", "step-00000000-01234567.safetensors", "bispike.json"])
def test_a_memory_replaces_no_file_of_somebody_else(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UserError, match=f"holds {name}, which bispike did not write"):
        AssociativeMemory(8, 4).save(tmp_path)
    assert (tmp_path / name).read_text() == "mine"
    for _ in range(2):
        AssociativeMemory(8, 4).save(tmp_path / "new")
