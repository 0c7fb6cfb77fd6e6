"""Recording of all signals between populations during a step or a decision, and replay of recorded ones.

Every signal between two populations passes through a `Synapse`. `SignalRecorder` wraps the methods of all synapses:
`forward` and its variants (a signal in the direction of the synapse), `backward_input` and the gradients of autograd (a
signal against it), and `write_gradient` (the drive gradient at the target). It can also replace computed signals
by those of an earlier step. In this way a trial changes one thing while all other inputs of a layer stay the same.
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

FORWARD, BACK, TAPE, DRIVE_GRADIENT = "forward", "back", "tape", "drive gradient"
METHODS = ("forward", "forward_taped", "forward_packed", "forward_linear")
"""Methods by which a signal passes a synapse in its direction; a synapse may lack some of them."""
AGAINST = (BACK, TAPE)
"""Ways from the target of a synapse to its source: by `backward_input`, or by the tape of autograd."""


@dataclass(frozen=True)
class Signal:
    """One signal through one synapse.

    Attributes:
        synapse: name of the synapse.
        way: `"forward"`; `"back"` (`backward_input`) or `"tape"` (autograd), both from target to source; or
            `"drive gradient"`: dL/d drive at the target, which does not leave the target.
        sent: `[N, ...]` input of the synapse.
        arrived: `[N, ...]` output of the synapse; equal to `sent` for a drive gradient.
        weight: the weights that `backward_input` used, if not those of the synapse.
    """

    synapse: str
    way: str
    sent: Tensor
    arrived: Tensor
    weight: Tensor | None = None


Replay = Callable[[str, str], bool]
"""Whether the output of a synapse (name, way) is replaced by that of the earlier record."""


class SignalRecorder:
    """Records the signals of synapses while it is active; a synapse can have one active recorder.

    Args:
        synapses: by name.
        earlier: signals of an earlier step, to be replayed call by call.
        replay: which of them are replayed; None: none.

    Attributes:
        signals: in the order of their arrival.
    """

    def __init__(
        self, synapses: Mapping[str, Synapse], *, earlier: Sequence[Signal] = (), replay: Replay | None = None
    ) -> None:
        self.synapses, self.replay = synapses, replay
        self.signals: list[Signal] = []
        self._earlier: dict[tuple[str, str], list[Tensor]] = {}
        for signal in earlier:
            self._earlier.setdefault((signal.synapse, signal.way), []).append(signal.arrived)
        self._calls: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()  # a rule may run its passes on two threads
        self._inside = threading.local()

    @contextmanager
    def active(self) -> Iterator[SignalRecorder]:
        """Wrap the methods of all synapses within the context."""
        for name, synapse in self.synapses.items():
            for method in METHODS:
                if hasattr(synapse, method):
                    setattr(synapse, method, self._record_forward(name, getattr(synapse, method)))
            synapse.backward_input = self._record_backward(name, synapse.backward_input)  # type: ignore[method-assign]
            synapse.write_gradient = self._record_learn(name, synapse.write_gradient)  # type: ignore[method-assign]
        try:
            yield self
        finally:
            for synapse in self.synapses.values():
                for method in (*METHODS, "backward_input", "write_gradient"):
                    synapse.__dict__.pop(method, None)

    def _record_forward(self, name: str, method: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def call(source: Received, *rest: Any, **options: Any) -> Tensor:
            if getattr(self._inside, "busy", False):  # `forward_taped` calls `forward`: one signal, not two
                return method(source, *rest, **options)
            if isinstance(source, JoinedSpikes) and isinstance(source.near, Tensor):
                source = dense_spikes(source, like=source.near)  # one signal, whose gradient can be recorded
            taped = isinstance(source, Tensor) and source.requires_grad and torch.is_grad_enabled()
            passed = source.view_as(source) if taped and isinstance(source, Tensor) else source
            self._inside.busy = True
            try:
                result = method(passed, *rest, **options)
            finally:
                self._inside.busy = False
            sent = source if isinstance(source, Tensor) else dense_spikes(source, like=result)
            result = self._replayed(name, FORWARD, sent, result)
            if result.requires_grad:
                self._record_tape(name, passed if taped else None, result)
            return result

        return call

    def _record_tape(self, name: str, source: Any, result: Tensor) -> None:
        """Record the gradients of autograd at the drive, and from there at the source."""
        at_target: list[Tensor] = []

        def at_drive(grad: Tensor) -> None:
            at_target.append(grad)
            self._add(Signal(name, DRIVE_GRADIENT, grad.detach().clone(), grad.detach().clone()))

        def at_source(grad: Tensor) -> Tensor:
            return self._replayed(name, TAPE, at_target[-1] if at_target else grad, grad)

        result.register_hook(at_drive)
        if source is not None:
            source.register_hook(at_source)

    def _record_backward(self, name: str, method: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def call(grad: Tensor, weight: Tensor | None = None, **options: Any) -> Tensor:
            return self._replayed(name, BACK, grad, method(grad, weight, **options), weight)

        return call

    def _record_learn(self, name: str, method: Callable[..., None]) -> Callable[..., None]:
        def call(grad: Tensor, *rest: Any, **options: Any) -> None:
            self._add(Signal(name, DRIVE_GRADIENT, grad.detach().clone(), grad.detach().clone()))
            method(grad, *rest, **options)

        return call

    def _replayed(self, name: str, way: str, sent: Tensor, result: Tensor, weight: Tensor | None = None) -> Tensor:
        """The result, or the output of the same call in the earlier record; either is recorded."""
        with self._lock:
            count = self._calls[name, way]
            self._calls[name, way] += 1
        earlier = self._earlier.get((name, way), [])
        replayed = self.replay is not None and self.replay(name, way) and count < len(earlier)
        if replayed and earlier[count].shape == result.shape:
            # the earlier value with the current autograd graph
            result = result + (earlier[count] - result).detach() if result.requires_grad else earlier[count].clone()
        used = None if weight is None else weight.detach().clone()
        self._add(Signal(name, way, sent.detach().clone(), result.detach().clone(), used))
        return result

    def _add(self, signal: Signal) -> None:
        with self._lock:
            self.signals.append(signal)
