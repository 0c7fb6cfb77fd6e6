"""The process that measures: `python -m bispike.bench.worker`, one request on standard input, one answer on output.

    {"task": "time",   "case": {...}, "contenders": [["bispike", "bsd"], ...], "device": "cpu"}
    {"task": "memory", "case": {...}, "contenders": [["bispike", "bsd"]], "device": "cpu"}

All contenders of a case, peers included, are timed in one process, so that a slow moment of the machine affects all of
them. Memory is measured in a new process for each contender. Before the timing, the spikes of each peer are compared
with those of bispike on the same weights. The optimizer is fused Adam with learning rate 0: it does its full work,
while the weights and therefore the density of the spikes stay constant.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from . import peers
from .cases import Case
from .contenders import OWN, Contender, create
from .memory import peak_step_bytes, saved_bytes
from .resident import resident_step_bytes
from .timing import Work, take_turns

Names = Sequence[tuple[str, str]]


def measure_time(case: Case, contenders: Names, device: torch.device) -> dict[str, Any]:
    """Time all contenders in turns; those that raise an error are left out and listed under `failed`.

    Returns:
        `contenders`: for each `library rule` its `times`, `version`, `check`; `spike_rate`: one value per layer;
        `failed`: messages by contender.
    """
    made: dict[str, Contender] = {}
    found: dict[str, dict[str, Any]] = {}
    failed: dict[str, str] = {}
    spikes: list[Tensor] = []  # of bispike, before a step changes the running statistics of a norm
    for library, rule in contenders:
        name = f"{library} {rule}"
        try:
            one = create(case, library, rule, device)
            spikes = spikes or one.spikes()
            checked = {}
            if library != OWN and (own := made.get(f"{OWN} bptt")) is not None:
                checked = {**compare(one, own, spikes), "difference": peers.difference(library)}
            made[name] = one
            found[name] = {"version": version_of(library), "check": checked}
        except Exception as error:
            failed[name] = f"{type(error).__name__}: {error}"
    rates = [float(layer.mean()) for layer in spikes]
    del spikes
    works = {name: Work(training_step(one, case), one.infer) for name, one in made.items()}
    times = take_turns(works, warmup=case.warmup, repeats=case.repeats, device=device) if works else {}
    for name, measured in times.items():
        found[name]["times"] = asdict(measured)
    return {"contenders": found, "spike_rate": rates, "failed": failed}


def measure_memory(case: Case, library: str, rule: str, device: torch.device) -> dict[str, Any]:
    """Peak of the tensors alive, bytes saved for the backward pass, and resident memory of one contender."""
    one = create(case, library, rule, device)
    step = training_step(one, case)
    step()
    return {
        "resident": resident_step_bytes(step, device),
        "peak": peak_step_bytes(one.learn, one.parameters(), one.tensors()),
        "saved": saved_bytes(one.learn, one.tensors()),
    }


def training_step(contender: Contender, case: Case) -> Callable[[], None]:
    """The step of the contender and of the optimizer; a layer case has no optimizer."""
    if case.kind == "layer":
        return contender.learn
    optimizer = torch.optim.Adam(contender.parameters(), lr=0.0, fused=True)

    def step() -> None:
        contender.learn()
        optimizer.step()

    return step


def compare(peer: Contender, own: Contender, spikes: Sequence[Tensor]) -> dict[str, Any]:
    """Compare a peer with `bptt` of bispike on the same weights.

    Args:
        peer, own: the two contenders; both take a step without an update.
        spikes: those of bispike, `[T, B, ...]` of each layer.

    Returns:
        `equal_spikes`: share of equal spikes over all layers and steps; `gradient_cosine`: cosine between all gradients
        of the two; None if their gradients differ in shape, as with norms, which are defined differently.
    """
    pairs = list(zip(spikes, peer.spikes(), strict=True))
    equal = sum(int((a == b).sum()) for a, b in pairs) / sum(a.numel() for a, _ in pairs)
    own.learn()
    peer.learn()
    ours, theirs = _gradients(own), _gradients(peer)
    if [gradient.shape for gradient in ours] != [gradient.shape for gradient in theirs]:
        return {"equal_spikes": equal, "gradient_cosine": None}
    left, right = (torch.cat([g.flatten() for g in gradients]).double() for gradients in (ours, theirs))
    length = float(left.norm() * right.norm())
    return {"equal_spikes": equal, "gradient_cosine": float(left @ right) / length if length else None}


def _gradients(contender: Contender) -> list[Tensor]:
    return [p.grad for p in contender.parameters() if p.grad is not None]


def version_of(library: str) -> str:
    """Installed version of the library of a contender."""
    if library == OWN:
        from .._version import __version__

        return __version__
    return importlib.metadata.version(library)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Handle one request."""
    case, device = Case.of(request["case"]), torch.device(request["device"])
    contenders = [(library, rule) for library, rule in request["contenders"]]
    if request["task"] == "memory":
        return measure_memory(case, *contenders[0], device)
    return measure_time(case, contenders, device)


def main() -> None:
    """Read the request, measure, and answer; the output of libraries goes to standard error."""
    request = json.load(sys.stdin)
    torch.set_num_threads(1)
    with contextlib.redirect_stdout(sys.stderr):
        result = answer(request)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
