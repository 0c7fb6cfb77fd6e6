"""What crosses between populations during a step or an inference, and how to hold it fixed.

Every signal between two populations goes through a `Synapse`. `Watch` stands at all of them: at `forward` and its kin
(a signal goes the synapse's way), at `backward_input` and at the tape of autograd (a signal goes against it), and at
`learn` (what teaches the synapse's own target). It can also hand out what an earlier step recorded in place of
what is computed now: that is how a test changes one thing with everything that a layer receives held fixed.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...functional import JoinedSpikes, Received, dense_spikes
from ...nn import Synapse

FORWARD, BACK, TAPE, TAUGHT = "forward", "back", "tape", "taught"
METHODS = ("forward", "forward_taped", "forward_packed", "carry")
"""Methods by which a signal goes a synapse's way; a synapse need not have all of them."""
AGAINST = (BACK, TAPE)
"""Ways from a synapse's target to its source: by `backward_input`, or by the tape."""


@dataclass(frozen=True)
class Signal:
    """One signal through one synapse.

    Attributes:
        synapse: its name.
        way: `"forward"`; `"back"` (`backward_input`) or `"tape"` (autograd), both from its target to its source; or
            `"taught"`: dL/d drive at its own target, which does not leave.
        sent: `[N, ...]` what was given to the synapse.
        arrived: `[N, ...]` what came out at the other end; what was taught, for `"taught"`.
        weight: what `backward_input` used in place of the synapse's own.
    """

    synapse: str
    way: str
    sent: Tensor
    arrived: Tensor
    weight: Tensor | None = None


Held = Callable[[str, str], bool]
"""Whether what arrives through a synapse (by name) on a way is taken from the earlier record."""


class Watch:
    """Records the signals of all synapses while it is active; at most one may stand at a synapse.

    Args:
        synapses: by name.
        earlier: record of a step whose signals may be handed out again, call by call.
        held: which of them are.

    Attributes:
        signals: in the order in which they arrived.
    """

    def __init__(
        self, synapses: Mapping[str, Synapse], *, earlier: Sequence[Signal] = (), held: Held | None = None
    ) -> None:
        self.synapses, self.held = synapses, held
        self.signals: list[Signal] = []
        self._earlier: dict[tuple[str, str], list[Tensor]] = {}
        for signal in earlier:
            self._earlier.setdefault((signal.synapse, signal.way), []).append(signal.arrived)
        self._calls: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()  # a rule may run its passes on two threads
        self._inside = threading.local()

    @contextmanager
    def active(self) -> Iterator[Watch]:
        """Stand at the synapses."""
        for name, synapse in self.synapses.items():
            for method in METHODS:
                if hasattr(synapse, method):
                    setattr(synapse, method, self._forwards(name, getattr(synapse, method)))
            synapse.backward_input = self._backwards(name, synapse.backward_input)  # type: ignore[method-assign]
            synapse.learn = self._taught(name, synapse.learn)  # type: ignore[method-assign]
        try:
            yield self
        finally:
            for synapse in self.synapses.values():
                for method in (*METHODS, "backward_input", "learn"):
                    synapse.__dict__.pop(method, None)

    def _forwards(self, name: str, method: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def call(source: Received, *rest: Any, **options: Any) -> Tensor:
            if getattr(self._inside, "busy", False):  # `forward_taped` calls `forward`: one signal, not two
                return method(source, *rest, **options)
            if isinstance(source, JoinedSpikes) and isinstance(source.near, Tensor):
                source = dense_spikes(source, like=source.near)  # one signal, whose tape can be listened to
            taped = isinstance(source, Tensor) and source.requires_grad and torch.is_grad_enabled()
            given = source.view_as(source) if taped and isinstance(source, Tensor) else source
            self._inside.busy = True
            try:
                result = method(given, *rest, **options)
            finally:
                self._inside.busy = False
            sent = source if isinstance(source, Tensor) else dense_spikes(source, like=result)
            result = self._passed(name, FORWARD, sent, result)
            if result.requires_grad:
                self._follow(name, given if taped else None, result)
            return result

        return call

    def _follow(self, name: str, source: Any, result: Tensor) -> None:
        """Listen to the tape: what reaches the drive, and what goes on from there to the source."""
        reached: list[Tensor] = []

        def at_drive(grad: Tensor) -> None:
            reached.append(grad)
            self._add(Signal(name, TAUGHT, grad.detach().clone(), grad.detach().clone()))

        def at_source(grad: Tensor) -> Tensor:
            return self._passed(name, TAPE, reached[-1] if reached else grad, grad)

        result.register_hook(at_drive)
        if source is not None:
            source.register_hook(at_source)

    def _backwards(self, name: str, method: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def call(grad: Tensor, weight: Tensor | None = None, **options: Any) -> Tensor:
            return self._passed(name, BACK, grad, method(grad, weight, **options), weight)

        return call

    def _taught(self, name: str, method: Callable[..., None]) -> Callable[..., None]:
        def call(grad: Tensor, *rest: Any, **options: Any) -> None:
            self._add(Signal(name, TAUGHT, grad.detach().clone(), grad.detach().clone()))
            method(grad, *rest, **options)

        return call

    def _passed(self, name: str, way: str, sent: Tensor, result: Tensor, weight: Tensor | None = None) -> Tensor:
        """The result, or what arrived at the same call of the earlier record; either is recorded."""
        with self._lock:
            count = self._calls[name, way]
            self._calls[name, way] += 1
        kept = self._earlier.get((name, way), [])
        if self.held is not None and self.held(name, way) and count < len(kept) and kept[count].shape == result.shape:
            # The value of then, the tape of now.
            result = result + (kept[count] - result).detach() if result.requires_grad else kept[count].clone()
        used = None if weight is None else weight.detach().clone()
        self._add(Signal(name, way, sent.detach().clone(), result.detach().clone(), used))
        return result

    def _add(self, signal: Signal) -> None:
        with self._lock:
            self.signals.append(signal)
