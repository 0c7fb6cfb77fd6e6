"""Random draws as a function of what they are for: each purpose and position has a seed of its own.

No generator runs through a training. A draw at one position (epoch, step, batch) comes from a fresh generator whose
seed is a hash of the run's seed, the purpose and the position. A resumed training therefore continues bit for bit from
its position alone.
"""

from __future__ import annotations

import hashlib

import torch


def mix(*parts: int | str) -> int:
    """A seed of 63 bits from the parts; nearby parts give unrelated seeds."""
    digest = hashlib.sha256("\x1f".join(f"{type(part).__name__}:{part}" for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, purpose: str, *position: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator for one purpose ("augment", "rule", ...) at one position."""
    return torch.Generator(device=device).manual_seed(mix(seed, purpose, *position))
