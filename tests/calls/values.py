"""Bad values by the type that an argument has: what a slip, a wrong unit or another library hands over."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

HUGE = 10**30

WRONG: dict[str, list[Any]] = {
    "Tensor": [None, "text", 3, [[1.0, 2.0]], np.zeros((2, 3)), torch.Tensor, {}],
    "int": [None, "3", 2.5, True, math.nan, [3], b"3", torch.tensor([1, 2])],
    "float": [None, "x", math.nan, True, [1.0], 1j, np.zeros(2)],
    "str": [None, 3, b"text", ["text"], 2.5, object()],
    "bool": [None, "yes", 1, 2.5, [True]],
    "Sequence[int]": [3, "abc", [2.5], [True], ["4"], [None], np.zeros(2), {1: 2}],
    "Sequence[str]": [3, "abc", [1], [None], {"a": 1}],
    "path": [3, 2.5, [], object(), True],
    "Network": [None, "mlp", nn.Linear(2, 2), nn.Module, 3],
    "Rule": [3, nn.Linear(2, 2), ["bsd"]],
    "Dataset": [None, "digits", (1, 2), np.zeros((2, 2)), {}],
    "Split": [None, "test", (1, 2)],
    "Mapping": [3, "a=1", [1]],
    "Generator": [3, "seed", np.random.default_rng(0)],
    "Neuron": [None, 3, "lif", (0.6, 0.5)],
    "stimulus": [None, "image", 0, -3, 2.5, True, [], [0], ["a"], [2.5], HUGE, [HUGE, 2], math.nan],
    "concept": [None, 1, 0, -1, 2.5, True, "ab", ["a"], ["a", "a"], ["a", ""], [1, 2], HUGE, math.inf],
    "widths": [3, None, "8", [], [0], [-1], [2.5], [True], ["8"], [math.nan], [HUGE], [1] * 2000],
    "Callable": [None, 3, "f"],
    "class": [None, 3, "BSD", object()],
}
"""Values of another type, or of the right type and without any sense."""

BAD_STIMULI: dict[str, Any] = {
    "without batch axis": lambda good: good[0],
    "another shape": lambda good: torch.zeros(2, 99),
    "integers": lambda good: good.long(),
    "bytes": lambda good: (good * 255).to(torch.uint8),
    "another precision": lambda good: good.double(),
    "half precision": lambda good: good.half(),
    "complex": lambda good: good.to(torch.complex64),
    "booleans": lambda good: good > 0,
    "NaN": lambda good: good * math.nan,
    "infinite": lambda good: good / 0,
    "sparse": lambda good: good.to_sparse(),
    "meta": lambda good: good.to("meta"),
    "numpy": lambda good: good.numpy(),
    "list": lambda good: good.tolist(),
    "none": lambda good: None,
    "number": lambda good: 1,
    "text": lambda good: "image",
    "path": lambda good: Path("image.png"),
    "class": lambda good: torch.Tensor,
}
"""What stands for a batch of stimuli though no network could take it, made from a good one."""

BAD_LABELS: dict[str, Any] = {
    "floats": lambda good: good.float(),
    "bytes": lambda good: good.to(torch.uint8),
    "negative": lambda good: good - 5,
    "too large": lambda good: good + 99,
    "two axes": lambda good: good[:, None],
    "no axis": lambda good: good[0],
    "numpy": lambda good: good.numpy(),
    "list": lambda good: good.tolist(),
    "number": lambda good: 1,
    "none": lambda good: None,
    "text": lambda good: "cat",
    "sparse": lambda good: good.to_sparse(),
    "meta": lambda good: good.to("meta"),
    "class": lambda good: int,
}
