"""The two-pathway network written once more, from its equations alone: slow, plain, with automatic differentiation.

    H[t] = β U[t−1] + z[t],  S[t] = [H[t] ≥ θ],  U[t] = H[t] (1 − S[t])  (hard)  or  H[t] − θ S[t]  (soft)
    bottom-up:  a_i[t] = W_i s_{i−1}[t] + V_i s_{i−2}[t] + bias,    s_i = pool(LIF(norm(a_i)))
    top-down:   b_i[t] = Θ_i s'_{i+1}[t] + V'_i s'_{i+2}[t] + bias, s'_i = LIF(norm(b_i))

No code of `functional` or `nn` runs: `read` alone knows the library's attributes. Sources: docs/mathematics.md,
sections 1 to 6 and 10. `test_reference.py` checks this file by hand, then the library against this file.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

# ------------------------------------------------------------------ the adapter: what is read from the library


def read(net: Any) -> Reference:
    """Copy weights and constants of a library network; the copies are leaves of their own."""
    leaves = {name: value.detach().clone().requires_grad_() for name, value in net.named_parameters()}
    own = {id(value): leaves[name] for name, value in net.named_parameters()}
    code = own[id(net.code.embedding)] if hasattr(net.code, "embedding") else net.code.fixed.clone()
    return Reference(
        up=[_population(layer.name, layer.up, own, pool=layer.pool) for layer in net.layers],
        down=[_population(layer.name, layer.down, own, pool=1) for layer in net.layers],
        readout=_linear(net.readout, own),
        stimulus_readout=_linear(net.stimulus_readout, own),
        code=code,
        code_neuron=_neuron(net.code.neuron) if hasattr(net.code, "embedding") else None,
        mean=net.stimulus_mean.clone(),
        deviation=net.stimulus_std.clone(),
        time_steps=net.time_steps,
        parameters=leaves,
    )


def _neuron(neuron: Any) -> Neuron:
    return Neuron(neuron.threshold, neuron.decay, neuron.reset)


def _linear(synapse: Any, own: dict[int, Tensor]) -> Linear:
    kind = type(synapse).__name__
    bias = None if synapse.bias is None else own[id(synapse.bias)]
    names = ("stride", "padding", "extra", "unpool")
    settings = {name: getattr(synapse, name) for name in names if name in vars(synapse)}
    return Linear(kind, tuple(synapse.target), own[id(synapse.weight)], bias, **settings)


def _population(name: str, path: Any, own: dict[int, Tensor], *, pool: int) -> Population:
    synapse, far, far_pool, itself = path.synapse, None, 1, None
    if hasattr(synapse, "shortcut"):
        shortcut, far_pool = synapse.shortcut, synapse.pool
        far = _linear(shortcut, own) if hasattr(shortcut, "weight") else float(shortcut.gain)
        synapse = synapse.main
    near = _linear(synapse, own)
    if hasattr(path, "inputs"):
        itself = near.weight[:, path.inputs :]
        near = replace(near, weight=near.weight[:, : path.inputs])
    norm = None
    if path.norm is not None:
        running = hasattr(path.norm, "seen")  # a norm of sequences always goes by its running statistics
        norm = Norm(
            own[id(path.norm.weight)],
            own[id(path.norm.bias)],
            path.norm.running_mean.clone(),
            path.norm.running_variance.clone(),
            path.norm.eps,
            path.norm.least,
            path.norm.memory,
            trains=path.norm.training and not running,
        )
    carry = getattr(path, "carry", False)
    return Population(name, near, far, far_pool, itself, carry, norm, _neuron(path.neuron), pool)


# ------------------------------------------------------------------ the parts


@dataclass
class Neuron:
    """θ, β and the kind of reset."""

    threshold: float
    decay: float
    reset: str


@dataclass
class Linear:
    """A synapse as a linear map of `[N, *source]` to `[N, *target]`."""

    kind: str
    target: tuple[int, ...]
    weight: Tensor
    bias: Tensor | None
    stride: int = 1
    padding: int = 0
    extra: tuple[int, ...] = (0, 0)
    unpool: int = 1

    def __call__(self, source: Tensor) -> Tensor:
        if self.kind == "Dense":
            drive = source.flatten(1) @ self.weight.T
            drive = drive if self.bias is None else drive + self.bias
            if len(self.target) == 1:
                return drive
            channels, height, width = self.target
            rows, columns = torch.arange(height) // self.unpool, torch.arange(width) // self.unpool
            drive = drive.reshape(len(source), channels, int(rows[-1]) + 1, int(columns[-1]) + 1)
            return drive[:, :, rows][:, :, :, columns]
        if self.kind == "Conv":
            return F.conv2d(source, self.weight, self.bias, self.stride, self.padding)
        if self.kind == "UpsampleConv":
            (h, w), (height, width) = source.shape[2:], self.target[1:]
            source = source[:, :, torch.arange(height) * h // height][:, :, :, torch.arange(width) * w // width]
            return F.conv2d(source, self.weight, self.bias, 1, self.padding)
        assert self.kind == "TransposedConv", f"the reference knows no synapse {self.kind}"
        return F.conv_transpose2d(source, self.weight, self.bias, self.stride, self.padding, self.extra)


@dataclass
class Norm:
    """Batch norm by its definition; `[C]` each. Statistics are those of the time-mean drive."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_variance: Tensor
    eps: float
    least: int
    memory: int
    trains: bool

    def __call__(self, drive: Tensor) -> Tensor:
        """`[T, N, C, ...]`, normalised."""
        channels_last = drive.movedim(2, -1)
        mean, variance = self._statistics(channels_last.mean(0).flatten(0, -2), drive.shape[1])
        unit = (channels_last - mean) / (variance + self.eps).sqrt()
        return (self.weight * unit + self.bias).movedim(-1, 2)

    def _statistics(self, values: Tensor, samples: int) -> tuple[Tensor, Tensor]:
        """Of the batch `[n, C]` in training; too few values only move the running ones, which then serve."""
        if not self.trains:
            return self.running_mean, self.running_variance
        if len(values) >= self.least:
            return values.mean(0), (values - values.mean(0)).square().mean(0)
        share = 1 - (1 - 1 / self.memory) ** samples
        values = values.detach()
        distance = (values - self.running_mean).square().mean(0)
        mean = (1 - share) * self.running_mean + share * values.mean(0)
        return mean, (1 - share) * self.running_variance + share * distance


@dataclass
class Population:
    """One population of a layer and the synapses that lead to it."""

    name: str
    near: Linear
    far: Linear | float | None
    far_pool: int
    itself: Tensor | None
    carry: bool
    norm: Norm | None
    neuron: Neuron
    pool: int

    def drive(self, near: Tensor, far: Tensor | None, own: Tensor | None = None) -> Tensor:
        """a `[T, N, *shape]` before the norm, time step by time step."""
        steps = []
        for t in range(len(near)):
            drive = self.near(near[t])
            if self.far is not None:
                assert far is not None
                shortcut = F.max_pool2d(far[t], self.far_pool, ceil_mode=True)
                drive = drive + (self.far * shortcut if isinstance(self.far, float) else self.far(shortcut))
            if self.itself is not None:
                assert own is not None
                drive = drive + own @ self.itself.T
            steps.append(drive)
        return torch.stack(steps)


@dataclass
class Reference:
    """A network: populations bottom to top, the two ends, and the leaves by the library's names."""

    up: list[Population]
    down: list[Population]
    readout: Linear
    stimulus_readout: Linear
    code: Tensor
    code_neuron: Neuron | None
    mean: Tensor
    deviation: Tensor
    time_steps: int
    parameters: dict[str, Tensor]


@dataclass
class Activity:
    """What a population did: `[T, N, *shape]` each; `received` is what its nearer synapse received."""

    received: Tensor
    raw: Tensor
    drive: Tensor
    spikes: Tensor
    leaving: Tensor

    @property
    def rate(self) -> Tensor:
        return self.spikes.mean(0)

    @property
    def mean_drive(self) -> Tensor:
        return self.drive.mean(0)


def lif(drive: Tensor, neuron: Neuron, membrane: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Spikes of drives `[T, ...]`, and U[T]; backwards dS/dH = 1/(1 + (π (H − θ))²), the reset being a constant."""
    membrane = torch.zeros_like(drive[0]) if membrane is None else membrane
    spikes = []
    for t in range(len(drive)):
        membrane = neuron.decay * membrane + drive[t]
        smooth = torch.atan(math.pi * (membrane - neuron.threshold)) / math.pi
        fired = (membrane >= neuron.threshold).to(drive.dtype)
        spikes.append(fired + (smooth - smooth.detach()))
        membrane = membrane * (1 - fired) if neuron.reset == "hard" else membrane - neuron.threshold * fired
    return torch.stack(spikes), membrane


# ------------------------------------------------------------------ the two passes


def bottom_up(net: Any, stimulus: Tensor, *, local: bool = False) -> list[Activity]:
    """From stimuli `[B, *shape]` in the units of the data, a current that is constant over time.

    Args:
        net: network of the library, or what `read` returned.
        stimulus: the batch.
        local: whether no gradient leaves a layer.
    """
    ref = net if isinstance(net, Reference) else read(net)
    current = (stimulus - ref.mean) / ref.deviation
    return _pass(ref.up, current.expand(ref.time_steps, *current.shape), local=local)


def top_down(net: Any, concepts: Tensor, *, local: bool = False) -> list[Activity]:
    """From concepts `[N]`, int64; activities bottom to top. Arguments as for `bottom_up`."""
    ref = net if isinstance(net, Reference) else read(net)
    return _pass(ref.down[::-1], concept_spikes(ref)[:, concepts], local=local)[::-1]


def concept_spikes(ref: Reference) -> Tensor:
    """Spike trains `[T, C, K]` of all concepts."""
    code = ref.code.expand(ref.time_steps, *ref.code.shape)
    return code if ref.code_neuron is None else lif(code, ref.code_neuron)[0]


def _pass(populations: list[Population], source: Tensor, *, local: bool) -> list[Activity]:
    sent = [source]
    found = []
    for population in populations:
        near, far = sent[-1], sent[-2] if len(sent) > 1 else None
        if local:
            near, far = near.detach(), None if far is None else far.detach()
        raw = population.drive(near, far)
        drive = raw if population.norm is None else population.norm(raw)
        spikes, _ = lif(drive, population.neuron)
        leaving = spikes
        if population.pool > 1:
            leaving = torch.stack([F.max_pool2d(step, population.pool) for step in spikes])
        sent.append(leaving)
        found.append(Activity(near, raw, drive, spikes, leaving))
    return found


def scores(ref: Reference, rate: Tensor) -> Tensor:
    """Scores `[B, C]` of rates that leave the last layer: the readout's drive on each concept's unit code."""
    code = _code_rate(ref)
    return ref.readout(rate) @ (code / code.norm(dim=1, keepdim=True)).T


def recalled(ref: Reference, rate: Tensor) -> Tensor:
    """Stimuli in the units of the data from rates of the lowest top-down population."""
    return ref.stimulus_readout(rate) * ref.deviation + ref.mean


def positions_up(net: Any, source: Tensor) -> list[Activity]:
    """Sequences `[S, B, D]` of currents through recurrent populations: `[T, S, B, H]` each.

    Position by position, and at each the layers from the bottom up. A population receives its own rate at the position
    before; its membrane starts at rest, or with `carry` goes on.
    """
    ref = net if isinstance(net, Reference) else read(net)
    return _positions(ref.up, source.expand(ref.time_steps, *source.shape))


def positions_down(net: Any, concepts: Tensor) -> list[Activity]:
    """The same for recurrent top-down populations, from classes `[S, B]`; activities bottom to top."""
    ref = net if isinstance(net, Reference) else read(net)
    return _positions(ref.down[::-1], concept_spikes(ref)[:, concepts])[::-1]


def _positions(populations: list[Population], source: Tensor) -> list[Activity]:
    batch = source.shape[2]
    own = [source.new_zeros(batch, *population.near.target) for population in populations]
    membranes: list[Tensor | None] = [None] * len(populations)
    found: list[list[Activity]] = [[] for _ in populations]
    for p in range(source.shape[1]):
        near = source[:, p]
        for i, population in enumerate(populations):
            raw = population.drive(near, None, own[i])
            drive = raw if population.norm is None else population.norm(raw)
            spikes, left = lif(drive, population.neuron, membranes[i])
            membranes[i] = left if population.carry else None
            own[i] = spikes.mean(0)
            found[i].append(Activity(near, raw, drive, spikes, spikes))
            near = spikes
    fields = ("received", "raw", "drive", "spikes", "leaving")
    return [Activity(*(torch.stack([getattr(a, name) for a in each], 1) for name in fields)) for each in found]


# ------------------------------------------------------------------ the losses of a layer


def layer_loss_by_autograd(
    net: Any,
    stimulus: Tensor,
    labels: Tensor,
    pair_loss: Callable[[Tensor, Tensor], Tensor],
    *,
    centred: bool = False,
    slope: str = "mean-field",
    feature: str = "rate",
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Losses of all layers and both ends, and the gradient of each parameter; none crosses a layer.

    Args:
        net: network of the library, in the mode in which it learns.
        stimulus, labels: the batch.
        pair_loss: scalar of features `[B, D]` and the templates of their samples `[B, D]` (`oracles.literal_*`).
        centred: whether features lose the mean of the batch, and templates that of all classes.
        slope: d rate / d (time-mean drive): `mean-field`, or `unrolled` through the time steps.
        feature: what is aligned: `rate` or `drive`.

    Returns:
        Losses by layer, with `top` (cross-entropy) and `recall` (mean squared error); gradients by the library's names.
    """
    ref = read(net)
    up = bottom_up(ref, stimulus, local=True)
    down = top_down(ref, torch.arange(len(ref.code)), local=True)
    losses = {}
    for population, below, above in zip(ref.up, up, down, strict=True):
        values = [
            activity.mean_drive if feature == "drive" else _sloped_rate(activity.drive, neuron, slope)
            for activity, neuron in ((below, population.neuron), (above, _down_neuron(ref, population.name)))
        ]
        a, templates = (value.flatten(1) for value in values)
        if centred:
            a, templates = a - a.mean(0), templates - templates.mean(0)
        losses[population.name] = pair_loss(a, templates[labels])
    losses["top"] = F.cross_entropy(scores(ref, up[-1].leaving.mean(0).detach()), labels)
    standard = (stimulus - ref.mean) / ref.deviation
    losses["recall"] = (ref.stimulus_readout(down[0].rate.detach())[labels] - standard).square().mean()
    names = list(ref.parameters)
    grads = torch.autograd.grad(
        torch.stack(list(losses.values())).sum(), [ref.parameters[name] for name in names], allow_unused=True
    )
    return (
        {name: value.detach() for name, value in losses.items()},
        {name: grad for name, grad in zip(names, grads, strict=True) if grad is not None},
    )


def _down_neuron(ref: Reference, name: str) -> Neuron:
    return next(population.neuron for population in ref.down if population.name == name)


def _sloped_rate(drive: Tensor, neuron: Neuron, slope: str) -> Tensor:
    """The rate of drives `[T, N, ...]`, whose derivative by the time-mean drive is the stand-in."""
    mean = drive.mean(0)
    if slope == "unrolled":  # a shift of the drive at every step
        return lif(drive.detach() + (mean - mean.detach()), neuron)[0].mean(0)
    steep = math.pi / math.sqrt(2)
    smooth = torch.atan(steep * (mean - 0.6 * neuron.threshold)) / steep
    return lif(drive.detach(), neuron)[0].mean(0).detach() + (smooth - smooth.detach())


def _code_rate(ref: Reference) -> Tensor:
    if ref.code_neuron is None:
        return ref.code
    return _sloped_rate(ref.code.expand(ref.time_steps, *ref.code.shape), ref.code_neuron, "mean-field")
