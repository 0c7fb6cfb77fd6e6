"""A fuzzing target: how to make valid files, how to damage them, and what a user then does with them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Damage = Callable[[Path, random.Random], str]
"""Changes files of a folder; returns what was done, in a phrase for the message of a finding."""


@dataclass(frozen=True)
class Target:
    """One reader and its files.

    Args:
        name: of the target, such as "npz" or "checkpoint tensors".
        make: writes valid files into an empty folder; called once, each case works on a copy.
        use: what a user does with the folder. It may return, or raise a `BispikeError` whose message is for people;
            every other exception, a crash, a hang, a large allocation, or a change of a file that is not bispike's
            is a finding.
        files: patterns (`Path.glob`) of the files that are damaged.
        damages: how they are damaged; () stands for the harness's own ways: bytes for every file, and the structure of
            JSON, TOML and text files.
        tensors: whether a case replaces tensors rather than bytes; such cases are counted apart.
        weight: share of the cases, relative to the other targets.
        guests: whether the harness also puts files of somebody else into the folder; it always puts some beside it.
    """

    name: str
    make: Callable[[Path], object]
    use: Callable[[Path], object]
    files: tuple[str, ...] = ("**/*",)
    damages: tuple[Damage, ...] = ()
    tensors: bool = False
    weight: float = 1.0
    guests: bool = True
