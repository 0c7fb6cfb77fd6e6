"""The compiled kernels against torch's dense products and the neuron as its equation is written.

Weights and drives are small multiples of a power of two, so every sum is exact in float32 and the comparison is one of
equality, whatever the order of summation.
"""

import ctypes
import os
import subprocess
import sys
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bispike.functional import (
    Neuron,
    PackedSpikes,
    UnrolledSlope,
    lif,
    lif_reference,
    map_of,
    rows_of,
)
from bispike.functional.backends import compiled, native, reference
from bispike.functional.backends.native import build
from bispike.nn import Conv, Dense, Synapse, TransposedConv, UpsampleConv

pytestmark = pytest.mark.skipif(native.library() is None, reason=f"no compiled kernels: {native.reason()}")

SYNAPSES = {
    "dense": lambda: Dense((70,), (83,)),
    "dense from maps": lambda: Dense((5, 3, 4), (20,)),
    "dense to maps": lambda: Dense((9,), (5, 4, 3)),
    "dense to pooled maps": lambda: Dense((9,), (5, 5, 3), unpool=2),
    "convolution": lambda: Conv((35, 6, 5), 18),
    "strided convolution": lambda: Conv((3, 7, 6), 70, stride=2),
    "upsampling": lambda: UpsampleConv((6, 3, 2), (5, 7, 4)),
    "transposed convolution": lambda: TransposedConv((6, 3, 4), (5, 6, 8), stride=2),
}


def dyadic(*shape: int, seed: int = 0, unit: float = 1 / 8) -> torch.Tensor:
    """Multiples of `unit` in −1..1: sums of thousands of them are exact in float32."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-8, 9, shape, generator=generator) * unit


def spikes(*shape: int, density: float, seed: int = 0) -> torch.Tensor:
    return (torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < density).float()


def exact(synapse: Synapse) -> Synapse:
    with torch.no_grad():
        synapse.weight.copy_(dyadic(*synapse.weight.shape, seed=1))
        if synapse.bias is not None:
            synapse.bias.copy_(dyadic(*synapse.bias.shape, seed=2))
    return synapse


@pytest.mark.parametrize("name", SYNAPSES)
@pytest.mark.parametrize("density", [0.0, 0.05, 0.5, 1.0])
def test_a_product_with_spikes_is_the_dense_product(name: str, density: float) -> None:
    synapse = exact(SYNAPSES[name]())
    train = spikes(3, 4, *synapse.source, density=density)
    with torch.no_grad():
        expected = rows_of(synapse(train.flatten(0, 1)))
        assert torch.equal(synapse.forward_packed(PackedSpikes.pack(train)), expected)


@pytest.mark.parametrize("density", [0.03, 0.4])
def test_many_rows_and_threads_change_nothing(density: float) -> None:
    synapse = exact(Dense((130,), (200,)))
    packed = PackedSpikes.pack(spikes(7, 700, 130, density=density))
    with torch.no_grad():
        expected = synapse(packed.dense().flatten(0, 1))[:, None]
        before = torch.get_num_threads()
        try:
            for threads in (1, 2, 3):
                torch.set_num_threads(threads)
                assert torch.equal(
                    compiled.spike_product(packed, synapse.weight, synapse.bias, synapse.wiring), expected
                )
        finally:
            torch.set_num_threads(before)


@given(
    shape=st.sampled_from([(1,), (10,), (32,), (49,), (3, 4, 6), (40, 5, 2)]),
    time_steps=st.integers(1, 5),
    density=st.sampled_from([0.0, 0.3, 1.0]),
)
@settings(max_examples=25, deadline=None)
def test_packing(shape: tuple[int, ...], time_steps: int, density: float) -> None:
    train = spikes(time_steps, 3, *shape, density=density)
    packed = PackedSpikes.pack(train)
    assert packed.shape == train.shape
    assert torch.equal(packed.dense(), train)
    assert packed.count == int(train.sum())
    torch.testing.assert_close(packed.rate(), train.mean(0))
    if len(shape) == 3:
        pooled = torch.nn.functional.max_pool2d(train.flatten(0, 1), 2).unflatten(0, train.shape[:2])
        assert torch.equal(packed.pool(2).dense(), pooled)


@given(
    channels=st.sampled_from([1, 16, 33, 80]),
    time_steps=st.integers(1, 6),
    constant=st.booleans(),
    reset=st.sampled_from(["hard", "soft"]),
    affine=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_neurons_fire_as_the_equation_says(
    channels: int, time_steps: int, constant: bool, reset: str, affine: bool
) -> None:
    neuron = Neuron(threshold=0.5, decay=0.5, reset=reset)  # powers of two: the membrane is exact
    drive = dyadic(*([] if constant else [time_steps]), 4, 6, channels)
    scale, shift = torch.full((channels,), 2.0), dyadic(channels, seed=3)
    received = drive * scale + shift if affine else drive
    per_step = received.expand(time_steps, *received.shape) if constant else received
    expected = lif_reference(per_step, neuron)
    drives = compiled.Drives(drive, map_of(drive, (2, 3)) if constant else drive, (2, 3), time_steps)
    fired = compiled.fire(drives, neuron, affine=(scale, shift) if affine else None, unrolled=True)
    got = fired.spikes.dense().flatten(3).transpose(2, 3)
    assert torch.equal(got, expected)
    torch.testing.assert_close(rows_of(fired.rate), expected.mean(0))
    slope, membrane = UnrolledSlope(per_step[0], neuron), torch.zeros_like(per_step[0])
    for current, fires in zip(per_step, expected, strict=True):
        membrane = neuron.decay * membrane + current
        slope.watch(membrane)
        membrane = membrane * (1 - fires) if reset == "hard" else membrane - neuron.threshold * fires
    assert fired.slope is not None
    torch.testing.assert_close(rows_of(fired.slope), slope.result())


@pytest.mark.parametrize("reset", ["hard", "soft"])
@pytest.mark.parametrize("constant", [False, True])
def test_the_way_back_through_the_neuron(reset: str, constant: bool) -> None:
    neuron = Neuron(threshold=0.5, decay=0.5, reset=reset)
    drive = dyadic(*([] if constant else [5]), 3, 21)
    weights = dyadic(5, 3, 21, seed=4)
    gradients = []
    for dtype, neurons in ((torch.float32, lif), (torch.float64, None)):
        leaf = drive.to(dtype).requires_grad_()
        if neurons is not None:
            result = neurons(leaf, neuron, time_steps=5 if constant else None)
        else:
            result = lif_reference(leaf.expand(5, *leaf.shape) if constant else leaf, neuron)
        (gradient,) = torch.autograd.grad((result * weights.to(dtype)).sum(), leaf)
        gradients.append(gradient.double())
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-5, atol=1e-6)


def test_without_a_compiler_the_same_is_computed_by_torch() -> None:
    code = (
        "import torch; from bispike import models, rules; from bispike.functional.backends import native\n"
        "net = models.mlp(12, [40, 20], 3); rule = rules.create('bsd', net)\n"
        "x = torch.rand(64, 12, generator=torch.Generator().manual_seed(0))\n"
        "rule.compute_gradients(x, torch.arange(64) % 3)\n"
        "print(native.library() is None, *[round(float(p.grad.double().norm()), 4) for p in rule.parameters()])"
    )
    found = []
    for switch in ("0", "1"):
        environment = {**os.environ, "BISPIKE_NATIVE": switch}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        found.append(done.stdout.split())
    assert [words[0] for words in found] == ["True", "False"]
    torch.testing.assert_close(*(torch.tensor([float(w) for w in words[1:]]) for words in found), rtol=1e-3, atol=1e-3)


def test_a_missing_compiler_is_named(tmp_path: object) -> None:
    code = "from bispike.functional.backends import native; print(native.reason())"
    environment = {**os.environ, "BISPIKE_CXX": "no-such-compiler"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert "no-such-compiler" in done.stdout


def test_kernels_that_are_not_there_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "_obtain", lambda: build.Found(None, "no C++ compiler"))
    native.kernels.cache_clear()
    native.library.cache_clear()
    try:
        with pytest.raises(RuntimeError, match="not available: no C\\+\\+ compiler"):
            native.kernels()
        assert native.library() is None
        assert not native.usable(torch.ones(1))
        assert not compiled.serves(torch.ones(1))
    finally:
        native.kernels.cache_clear()
        native.library.cache_clear()


def test_kernels_serve_single_precision_on_the_processor_alone() -> None:
    for serves in (native.usable, compiled.serves):
        assert serves(torch.ones(1))
        assert not serves(torch.ones(1, dtype=torch.float64))
        assert not serves(torch.ones(1, device="meta"))


def test_every_kernel_is_declared_with_its_arguments() -> None:
    """An address for p, 64 bits for i, a float for f; only `count` returns a number."""
    kinds = {"p": ctypes.c_void_p, "i": ctypes.c_int64, "f": ctypes.c_float}
    for name, arguments in build.SIGNATURES.items():
        kernel = getattr(native.kernels(), name)
        assert kernel.argtypes == [kinds[kind] for kind in arguments]
        assert kernel.restype is (ctypes.c_int64 if name == "count" else None)


class Threads:
    """A number of threads of torch, for the length of a `with`."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __enter__(self) -> None:
        self.before = torch.get_num_threads()
        torch.set_num_threads(self.count)

    def __exit__(self, *error: object) -> None:
        torch.set_num_threads(self.before)


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
@pytest.mark.parametrize(("total", "unit"), [(1, 4), (4, 4), (5, 4), (64, 16), (70, 16), (200, 64)])
def test_shares_cover_everything_once_in_whole_units(threads: int, total: int, unit: int) -> None:
    """An address that moves 4 bytes per channel names the first channel of a share; a null address stays one."""
    calls: list[tuple[int, int, None, float]] = []

    def kernel(address: int, count: int, nothing: None, constant: float) -> None:
        calls.append((address, count, nothing, constant))

    with Threads(threads):
        compiled._over_threads(kernel, [1000, total, None, 0.5], 1, unit, {0: 4, 2: 4})
    assert all(nothing is None and constant == 0.5 for _, _, nothing, constant in calls)
    found = sorted(((address - 1000) // 4, count) for address, count, _, _ in calls)
    assert all((address - 1000) % 4 == 0 for address, *_ in calls)
    assert [first for first, _ in found] == [0, *[first + count for first, count in found[:-1]]]
    assert sum(count for _, count in found) == total
    assert all(first % unit == 0 and count > 0 for first, count in found)
    assert len(found) <= min(threads, -(-total // unit))


def test_shares_are_spread_over_the_threads_with_memory_of_their_own() -> None:
    calls: list[tuple[int, int, int]] = []
    with Threads(2):
        compiled._over_threads(lambda *given: calls.append(given), [0, 64, 5000], 1, 16, {0: 4}, scratch=(2, 700))
    assert sorted(calls) == [(0, 32, 5000), (128, 32, 5700)]


def test_bytes_per_channel_may_be_less_than_one() -> None:
    """Of spikes a channel takes one bit: 64 channels are 8 bytes."""
    calls: list[tuple[int, int]] = []
    with Threads(2):
        compiled._over_threads(lambda *given: calls.append(given), [0, 128], 1, 32, {0: 4 / 32})
    assert sorted(calls) == [(0, 64), (8, 64)]


def test_a_share_that_fails_is_an_error() -> None:
    def fail(count: int) -> None:
        raise ValueError("in a thread")

    with Threads(2), pytest.raises(ValueError, match="in a thread"):
        compiled._over_threads(fail, [8], 0, 2, {})


@pytest.mark.parametrize("name", SYNAPSES)
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_drives_are_those_of_the_reference_whatever_the_threads(name: str, constant: bool, threads: int) -> None:
    """Weights and drives are exact in float32, so both backends must agree bit for bit."""
    synapse: Any = exact(SYNAPSES[name]())
    neuron = Neuron(0.5, 0.5)
    channels = synapse.target[0]
    affine = torch.full((channels,), 2.0), dyadic(channels, seed=4)
    source = dyadic(3, *synapse.source, seed=5) if constant else spikes(4, 3, *synapse.source, density=0.4)
    with torch.no_grad(), Threads(threads):
        there = reference.drive(synapse, source, 4, constant=constant)
        given = source if constant else PackedSpikes.pack(source)
        here = compiled.drive(synapse, given, 4, constant=constant)
        assert here.positions == synapse.target[1:]
        assert here.time_steps == 4
        assert torch.equal(here.mean, there.mean)
        found = compiled.fire(here, neuron, affine=affine, unrolled=True)
        expected = reference.fire(there, neuron, affine=affine, unrolled=True)
    assert found.spikes.shape == expected.spikes.shape == (4, 3, *synapse.target)
    assert torch.equal(found.spikes.dense(), expected.spikes.float())
    assert torch.equal(found.rate, expected.rate)
    torch.testing.assert_close(found.slope, expected.slope, rtol=1e-5, atol=1e-6)
    assert 0 < float(found.rate.mean()) < 1


@pytest.mark.parametrize("density", [0.03, 0.4])
@pytest.mark.parametrize("kind", ["dense", "strided convolution", "dense to pooled maps"])
def test_the_number_of_threads_changes_no_bit(kind: str, density: float) -> None:
    """With weights of any kind, whose sums depend on their order."""
    synapse: Any = SYNAPSES[kind]()
    synapse.initialise(1.5, torch.Generator().manual_seed(1))
    train = PackedSpikes.pack(spikes(5, 9, *synapse.source, density=density))
    draw = torch.Generator().manual_seed(2)
    affine = torch.rand(synapse.target[0], generator=draw) + 0.5, torch.rand(synapse.target[0], generator=draw)
    results = []
    for threads in (1, 2, 3):
        with torch.no_grad(), Threads(threads):
            drives = compiled.drive(synapse, train, 5, constant=False)
            fired = compiled.fire(drives, Neuron(0.6, 0.7, "soft"), affine=affine, unrolled=True)
            assert fired.slope is not None
            results.append([drives.rows, drives.mean, fired.spikes.dense(), fired.rate, fired.slope])
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("constant", [False, True])
def test_neurons_take_rows_that_do_not_lie_in_one_piece(threads: int, constant: bool) -> None:
    neuron = Neuron(0.5, 0.5)
    drive = dyadic(*([] if constant else [3]), 4, 6, 150)
    scale, shift = dyadic(150, seed=5), dyadic(150, seed=6)
    received = drive * scale + shift
    expected = lif_reference(received.expand(3, *received.shape) if constant else received, neuron)
    strided = torch.stack([drive, drive], -1)[..., 0]
    doubled = torch.stack([scale, scale], -1)[..., 0], torch.stack([shift, shift], -1)[..., 0]
    with Threads(threads):
        fired = compiled.fire(compiled.Drives(strided, strided, (2, 3), 3), neuron, affine=doubled)
    assert torch.equal(fired.spikes.dense().flatten(3).transpose(2, 3), expected)
    torch.testing.assert_close(rows_of(fired.rate), expected.mean(0))
    assert fired.slope is None
    assert fired.spikes.shape == (3, 4, 150, 2, 3)


@pytest.mark.parametrize("size", [1, 255, 256, 300, 513])
@pytest.mark.parametrize("time_steps", [1, 2, 5])
def test_the_time_mean_of_a_drive(size: int, time_steps: int) -> None:
    drive, mean = dyadic(time_steps, size), torch.empty(size)
    native.kernels().mean_over_time(drive.data_ptr(), time_steps, size, mean.data_ptr())
    torch.testing.assert_close(mean, drive.double().mean(0).float(), rtol=1e-6, atol=1e-7)
