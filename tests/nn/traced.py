"""What torch's tracers and transforms make of networks; run as a program, since a tracer that meets an address crashes.

Prints one line of JSON: for each tracer, by name, the largest difference from the scores of the networks.
"""

from __future__ import annotations

import copy
import io
import json
import logging
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from bispike import models
from bispike.errors import ConfigurationError
from bispike.nn import Classifier

Score = Callable[[Classifier, Tensor], Tensor]


def networks() -> list[Classifier]:
    """Small networks in evaluation mode, with statistics of their own."""
    shape = (1, 6, 6)
    made = [
        models.mlp(shape, [12, 10], 3),
        models.mlp(shape, [12], 3, stimulus_code="latency", decoder="cosine"),
        models.cnn(shape, [3, 4], 3, pools=[2, 1]),
        models.resnet(shape, [4, 6], 3),
    ]
    for network in made:
        for _ in range(3):
            with torch.no_grad():
                network(stimuli(20))
    return [network.eval() for network in made]


def stimuli(count: int = 5) -> Tensor:
    """Stimuli `[count, 1, 6, 6]`."""
    return torch.rand(count, 1, 6, 6, generator=torch.Generator().manual_seed(count))


def jit(network: Classifier, x: Tensor) -> Tensor:
    """A traced network, saved and loaded, on another batch size than that of its trace."""
    saved = io.BytesIO()
    torch.jit.save(torch.jit.trace(network, stimuli(2)), saved)
    saved.seek(0)
    return torch.jit.load(saved)(x)


def exported(network: Classifier, x: Tensor) -> Tensor:
    """An exported network with a batch of any size."""
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(network, (stimuli(3),), dynamic_shapes=({0: batch},))
    return program.module()(x)


def compiled(network: Classifier, x: Tensor) -> Tensor:
    """A compiled network."""
    return torch.compile(network)(x).detach()


def mapped(network: Classifier, x: Tensor) -> Tensor:
    """One stimulus at a time, by vmap."""
    return torch.func.vmap(lambda one: network(one[None])[0])(x).detach()


def called(network: Classifier, x: Tensor) -> Tensor:
    """With weights that are passed."""
    weights = {name: value.detach().clone() for name, value in network.named_parameters()}
    return torch.func.functional_call(network, weights, (x,)).detach()


def counted(network: Classifier, x: Tensor) -> Tensor:
    """While operations are counted."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        scores = network(x).detach()
    assert counter.get_total_flops() > 1000
    return scores


def graph(network: Classifier, x: Tensor) -> Tensor:
    """A graph of operators."""
    from torch.fx.experimental.proxy_tensor import make_fx

    return make_fx(network)(x)(x).detach()


def copied(network: Classifier, x: Tensor) -> Tensor:
    """A deep copy."""
    return copy.deepcopy(network)(x).detach()


TRACERS: dict[str, Score] = {
    "jit.trace": jit,
    "export": exported,
    "compile": compiled,
    "vmap": mapped,
    "functional_call": called,
    "flop_counter": counted,
    "make_fx": graph,
    "deepcopy": copied,
}
FIRST_ALONE = ("compile", "export", "make_fx")
"""Tracers that take long, and see the first network alone."""


def gradients_differ(network: Classifier, x: Tensor) -> float:
    """Largest relative difference between gradients of `torch.func.grad` and of a backward."""

    def loss(weights: dict[str, Tensor]) -> Tensor:
        return torch.func.functional_call(network, weights, (x,)).square().sum()

    found = torch.func.grad(loss)(dict(network.named_parameters()))
    network(x).square().sum().backward()
    known = {name: value.grad for name, value in network.named_parameters() if value.grad is not None}
    return max(float((found[name] - grad).abs().max() / (grad.abs().max() + 1e-6)) for name, grad in known.items())


def refusals(network: Classifier, x: Tensor) -> list[str]:
    """What is refused with an error of the library, by name."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    training = copy.deepcopy(network).train()
    attempts: dict[str, Callable[[], Any]] = {
        "symbolic_trace": lambda: torch.fx.symbolic_trace(network),
        "jvp": lambda: torch.func.jvp(network, (x,), (x,)),
        "training mode": lambda: torch.export.export(training, (x,)),
        "fake tensor": lambda: network(FakeTensorMode().from_tensor(x)),
        "meta tensor": lambda: network(x.to("meta")),
    }
    found = []
    for name, attempt in attempts.items():
        try:
            attempt()
        except ConfigurationError:
            found.append(name)
    return found


def main() -> None:
    """Print the differences."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    x, made = stimuli(), networks()
    result: dict[str, Any] = {
        name: max(
            float((score(network, x) - network.logits(x)).abs().max())
            for network in made[: 1 if name in FIRST_ALONE else None]
        )
        for name, score in TRACERS.items()
    }
    result["grad"] = max(gradients_differ(network, x) for network in made)
    result["refused"] = refusals(made[0], x)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
