"""A network with one more concept: what it knew stays, and it can be built again."""

import pytest
import torch

from bispike import models
from bispike.errors import ConfigurationError
from bispike.nn import Network


def network(kind: str, code: str) -> Network:
    if kind == "mlp":
        return models.mlp(6, [9, 7], ["a", "b", "c"], concept_code=code)
    return models.cnn((1, 6, 6), [3, 4], ["a", "b", "c"], pools=[2, 1], concept_code=code)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
@pytest.mark.parametrize("code", ["one-hot", "population", "learned"])
def test_old_scores_and_recalled_stimuli_stay(kind: str, code: str) -> None:
    net = network(kind, code)
    stimuli = torch.rand(5, *net.stimulus.shape, generator=generator())
    scores, images = net.logits(stimuli), net.recall(torch.arange(3))
    assert models.add_concept(net, "d", generator=generator()) == 3
    grown = net.logits(stimuli)
    torch.testing.assert_close(grown[:, :3], scores)
    torch.testing.assert_close(net.recall(torch.arange(4))[:3], images)
    if code == "one-hot":
        torch.testing.assert_close(grown[:, 3], scores.mean(1))  # so it decides nothing yet


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
@pytest.mark.parametrize("code", ["one-hot", "population", "learned"])
def test_the_spec_describes_the_grown_network(kind: str, code: str) -> None:
    net = network(kind, code)
    models.add_concept(net, "d", generator=generator())
    models.add_concept(net, "e", generator=generator())
    copy = models.build(net.spec)
    copy.load_state_dict(net.state_dict())
    assert copy.concept.names == ("a", "b", "c", "d", "e")
    stimuli = torch.rand(5, *net.stimulus.shape, generator=generator())
    assert torch.equal(copy.logits(stimuli), net.logits(stimuli))
    assert torch.equal(copy.recall(torch.arange(5)), net.recall(torch.arange(5)))


@pytest.mark.parametrize("code", ["population", "learned"])
def test_codes_stay_distinct_and_fire_equally_many_neurons(code: str) -> None:
    net = network("mlp", code)
    for name in "defgh":
        models.add_concept(net, name, generator=generator())
    fixed = net.code.fixed
    assert torch.unique(fixed, dim=0).shape[0] == 8
    assert fixed.sum(1).unique().numel() == 1


def test_a_taken_name_and_a_full_code_are_refused() -> None:
    net = network("mlp", "one-hot")
    with pytest.raises(ConfigurationError, match="'b'"):
        models.add_concept(net, "b", generator=generator())
    full = models.mlp(6, [7], 2, concept_code="population", concept_size=2)
    with pytest.raises(ConfigurationError, match="concept_size"):
        models.add_concept(full, "third", generator=generator())


@pytest.mark.parametrize("code", ["one-hot", "population", "learned"])
def test_what_is_drawn_comes_from_the_generator(code: str) -> None:
    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        net = network("mlp", code)
        models.add_concept(net, "new", generator=generator())
        found.append(net.state_dict())
    assert all(torch.equal(value, found[1][name]) for name, value in found[0].items())
