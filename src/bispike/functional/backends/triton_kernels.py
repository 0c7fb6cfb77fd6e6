"""The two Triton kernels behind `triton_neuron`: all T steps of a population in one pass over memory.

A program computes BLOCK neurons, keeps their membranes in registers and iterates over time. Tensors are contiguous and
time comes first, so neuron i at step t lies at t·count + i, with `count` neurons in a step. The equation is that of
`lif`; products and sums are rounded one by one (no fused multiply-add), so spikes are those of `lif_reference`. The
neuron's constants are compiled in, because Triton rounds a float that is passed at launch to 32 bits; the threshold is
spelled out as a tensor, because it does so with a number that is compared too.

Only `triton_neuron` imports this file, and only for the first CUDA tensor: Triton is optional.
"""

import math

import triton
import triton.language as tl

PI = tl.constexpr(math.pi)


@triton.jit
def over_time(total, time_steps):  # type: ignore[no-untyped-def]
    """total / steps, correctly rounded in 32 bits too (Triton's own division is not)."""
    if total.dtype == tl.float32:
        return tl.div_rn(total, time_steps.to(tl.float32))
    else:
        return total / time_steps


@triton.jit(do_not_specialize=["time_steps"])
def fire_steps(  # type: ignore[no-untyped-def]
    drive,  # [T, count], or [count] if CONSTANT
    scale,  # [channels] or None
    shift,  # [channels] or None
    spikes,  # [T, count], written
    rate,  # [count], written, or None
    mean,  # [count], written, or None (with `rate`)
    history,  # [T, count], written, or None
    time_steps,
    count,
    channels,
    inner,  # neurons that share a channel and lie side by side (H·W of a map)
    THRESHOLD: tl.constexpr,
    LEAK: tl.constexpr,
    HARD: tl.constexpr,
    CONSTANT: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """H[t] = LEAK U[t−1] + a[t], S[t] = H[t] ≥ THRESHOLD, reset; with a[t] = scale · drive[t] + shift."""
    state = tl.float64 if drive.dtype.element_ty == tl.float64 else tl.float32
    neuron = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = neuron < count
    drive += neuron
    spikes += neuron
    if history is not None:
        history += neuron
    if scale is not None:
        channel = (neuron // inner) % channels
        gain = tl.load(scale + channel, mask=inside, other=0).to(state)
        offset = tl.load(shift + channel, mask=inside, other=0).to(state)
    threshold = tl.full((BLOCK,), THRESHOLD, state)
    membrane = tl.zeros((BLOCK,), dtype=state)
    fired = tl.zeros((BLOCK,), dtype=state)
    total = tl.zeros((BLOCK,), dtype=state)
    if CONSTANT:
        current = tl.load(drive, mask=inside, other=0).to(state)
        if scale is not None:
            current = current * gain + offset
    for _ in range(time_steps):
        if not CONSTANT:
            current = tl.load(drive, mask=inside, other=0).to(state)
            if scale is not None:
                current = current * gain + offset
            total += current
            drive += count
        membrane = membrane * LEAK + current
        if history is not None:
            tl.store(history, membrane, mask=inside)
            history += count
        spike = (membrane >= threshold).to(state)
        tl.store(spikes, spike.to(spikes.dtype.element_ty), mask=inside)
        spikes += count
        fired += spike
        membrane = membrane * (1.0 - spike) if HARD else membrane - spike * threshold
    if rate is not None:
        tl.store(rate + neuron, over_time(fired, time_steps), mask=inside)
        tl.store(mean + neuron, current if CONSTANT else over_time(total, time_steps), mask=inside)


@triton.jit(do_not_specialize=["time_steps"])
def walk_back(  # type: ignore[no-untyped-def]
    grad_spikes,  # [T, count]
    history,  # [T, count]
    grad_drive,  # [T, count], or [count] if CONSTANT; written
    time_steps,
    last,  # where the last step begins: (T−1)·count
    count,
    THRESHOLD: tl.constexpr,
    LEAK: tl.constexpr,
    HARD: tl.constexpr,
    CONSTANT: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """g[t] = dL/dS[t] atan'(H[t] − θ) + LEAK (1 − S[t]) g[t+1] (hard reset; without the bracket for a soft one)."""
    state = history.dtype.element_ty
    neuron = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = neuron < count
    grad_spikes += last + neuron
    history += last + neuron
    if not CONSTANT:
        grad_drive += last + neuron
    threshold = tl.full((BLOCK,), THRESHOLD, state)
    carried = tl.zeros((BLOCK,), dtype=state)
    total = tl.zeros((BLOCK,), dtype=state)
    for _ in range(time_steps):
        grad = tl.load(grad_spikes, mask=inside, other=0).to(state)
        membrane = tl.load(history, mask=inside, other=0).to(state)
        grad_spikes -= count
        history -= count
        carried = carried * LEAK
        if HARD:
            carried = carried * (1.0 - (membrane >= threshold).to(state))
        distance = (membrane - threshold) * PI
        carried += grad / (distance * distance + 1.0)
        if CONSTANT:
            total += carried
        else:
            tl.store(grad_drive, carried.to(grad_drive.dtype.element_ty), mask=inside)
            grad_drive -= count
    if CONSTANT:
        tl.store(grad_drive + neuron, total.to(grad_drive.dtype.element_ty), mask=inside)
