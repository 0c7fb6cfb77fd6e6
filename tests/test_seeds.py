"""Random draws are functions of seed, purpose and position."""

from __future__ import annotations

import torch

from bispike import seeds


def test_neighbouring_seeds_purposes_and_positions_are_unrelated() -> None:
    found = {
        seeds.mix(seed, purpose, epoch, step)
        for seed in range(5)
        for purpose in ("augment", "rule")
        for epoch in range(5)
        for step in range(5)
    }
    assert len(found) == 250
    assert seeds.mix(1, 12) != seeds.mix(11, 2)
    assert seeds.mix(1) != seeds.mix("1")
    draws = torch.stack([torch.rand(1000, generator=seeds.generator(0, "rule", step)) for step in range(20)])
    correlations = torch.corrcoef(draws) - torch.eye(20)
    assert correlations.abs().max() < 0.2
