"""The neuron's CUDA kernels, on a machine that may have no GPU: run by Triton's interpreter, compiled by its compiler.

Both need a process of their own: whether Triton interprets or compiles is settled when it is imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from bispike.errors import ShapeError
from bispike.functional import Neuron, lif
from bispike.functional.backends import triton_neuron

CHECKS = Path(__file__).with_name("triton_neuron_checks.py")
NEURON = Neuron()
needs_triton = pytest.mark.skipif(find_spec("triton") is None, reason="Triton exists for Linux on x86-64 only")


def run(arguments: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "TRITON"))}
    command = [sys.executable, *arguments]
    return subprocess.run(command, env={**inherited, **environment}, capture_output=True, text=True, check=False)


@needs_triton
def test_the_kernels_compute_the_neuron() -> None:
    interpreted = {} if torch.cuda.is_available() else {"TRITON_INTERPRET": "1"}
    done = run(["-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider", str(CHECKS)], **interpreted)
    assert done.returncode == 0, done.stdout + done.stderr


# `forward` and `backward` as on a GPU, up to the launch: each call ends once Triton has made the machine code.
COMPILE = """
import sys
sys.modules["triton"] = None
import torch, bispike
from bispike.functional import Neuron, lif
from bispike.functional.backends import triton_neuron
lif(torch.ones(2, 3), Neuron())
del sys.modules["triton"]

import triton
from triton.backends.compiler import GPUTarget
from bispike.functional.backends import triton_kernels as kernels

class Driver:
    def __init__(self, architecture): self.number, self.target = architecture, GPUTarget("cuda", architecture, 32)
    def get_current_device(self): return self.number
    def get_current_stream(self, device): return 0
    def get_current_target(self): return self.target

class Compiled:
    def __init__(self, kernel): self.kernel = kernel
    def __getitem__(self, grid): return lambda *a, **k: codes.append(self.kernel.run(*a, grid=grid, warmup=True, **k))

codes = []
for name in ("fire_steps", "walk_back"):
    setattr(kernels, name, Compiled(getattr(kernels, name)))

def code():
    made = codes.pop()
    assert made.asm["cubin"]
    assert "fma." not in made.asm["ptx"], "a fused multiply-add rounds otherwise than the reference"
    return made.asm["ptx"]

def shapes(dtype):
    yield torch.ones(4, 2, 512, dtype=dtype), None
    yield torch.ones(2, 3, 5, 5, dtype=dtype), 1
    yield torch.ones(1, 1, 1, dtype=dtype), None

for architecture in (80, 90):
    triton.runtime.driver.set_active(Driver(architecture))
    for neuron, dtype in (
        (Neuron(0.6, 0.3, "hard"), torch.float32),
        (Neuron(0.6, 0.3, "soft"), torch.float64),
        (Neuron(0.7, 1.0, "hard"), torch.bfloat16),
    ):
        for drive, steps in shapes(dtype):
            weight = torch.ones(drive.shape[2 if steps is None else 1])
            _, _, _, history = triton_neuron.forward(drive, neuron, steps, weight, weight, history=True)
            forward = code()
            assert "div.full" not in forward, "a division that is not correctly rounded: rates beside k / T"
            spikes = triton_neuron.spikes(drive, neuron, time_steps=steps)
            code()
            triton_neuron.backward(spikes, history, neuron, constant=steps is not None)
            backward = code()
            if dtype == torch.float64:
                for constant in ("3FE3333333333333", "3FD3333333333333"):  # 0.6 and 0.3 in 64 bits
                    assert constant in forward, constant
                assert "3FE3333340000000" not in forward + backward, "0.6 rounded to 32 bits"
            if dtype == torch.float32 and drive.shape[-1] == 512:
                assert "ld.global.v4.b32" in forward and "ld.global.v4.b32" in backward, "narrow loads"
assert not codes
print("compiled")
"""


@needs_triton
def test_the_kernels_compile_for_two_generations_of_gpus_and_the_library_needs_no_triton(tmp_path: Path) -> None:
    done = run(["-W", "error", "-c", COMPILE], TRITON_CACHE_DIR=str(tmp_path))
    assert done.stdout == "compiled\n", done.stdout + done.stderr


def test_lif_leaves_other_devices_to_the_plain_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the kernel was called")

    monkeypatch.setattr(triton_neuron, "spikes", refuse)
    assert lif(torch.ones(2, 3), NEURON).sum() == 6


def test_cuda_without_triton_has_the_plain_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "triton", None)
    triton_neuron._launches.cache_clear()
    assert not triton_neuron.available(torch.device("cuda"))
    triton_neuron._launches.cache_clear()


def test_a_triton_that_cannot_launch_is_named_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    class Driver:
        @property
        def active(self) -> object:
            raise RuntimeError("Failed to find C compiler.")

    monkeypatch.setitem(sys.modules, "triton", SimpleNamespace(runtime=SimpleNamespace(driver=Driver())))
    triton_neuron._launches.cache_clear()
    with pytest.warns(RuntimeWarning, match=r"plain loop.*C compiler.*python3-dev"):
        assert not triton_neuron.available(torch.device("cuda"))
    triton_neuron._launches.cache_clear()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_steps": 0}, "at least 1 time step"),
        ({"scale": torch.ones(3)}, "expected shift"),
        ({"shift": torch.ones(3)}, "expected scale"),
        ({"scale": torch.ones(2), "shift": torch.ones(3)}, "expected scale"),
        ({"time_steps": 2, "scale": torch.ones(4, 3), "shift": torch.ones(4, 3)}, "expected scale"),
    ],
)
def test_what_does_not_fit_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        triton_neuron.forward(torch.ones(5, 4, 3), NEURON, **options)


def test_spikes_as_drive_are_refused() -> None:
    with pytest.raises(ShapeError, match="floating"):
        triton_neuron.forward(torch.ones(5, 4, 3, dtype=torch.int8), NEURON)


def test_a_gradient_of_another_shape_is_refused() -> None:
    with pytest.raises(ShapeError, match="grad_spikes"):
        triton_neuron.backward(torch.ones(4, 3), torch.ones(5, 3), NEURON, constant=False)


class RecordingKernel:
    """Takes the place of a kernel: `kernel[grid](*arguments, **constants)`."""

    def __init__(self) -> None:
        self.calls: list[tuple[tuple[int, ...], tuple[object, ...], dict[str, object]]] = []

    def __getitem__(self, grid: tuple[int, ...]) -> Callable[..., None]:
        return lambda *arguments, **constants: self.calls.append((grid, arguments, constants))


@pytest.mark.parametrize(("count", "programs"), [(1, 1), (512, 1), (513, 2), (5 * 512, 5)])
@pytest.mark.parametrize("reset", ["hard", "soft"])
@pytest.mark.parametrize("constant", [False, True])
def test_a_launch_covers_every_neuron_with_its_constants(count: int, programs: int, reset: str, constant: bool) -> None:
    kernel, tensor = RecordingKernel(), torch.ones(1)
    triton_neuron._launch(kernel, count, (tensor, None), (7, 8), Neuron(0.7, 0.3, reset), constant=constant)
    ((grid, arguments, constants),) = kernel.calls
    assert grid == (programs,)
    assert arguments == (tensor, None, 7, 8)
    assert constants == {
        "THRESHOLD": 0.7,
        "LEAK": 0.3,
        "HARD": reset == "hard",
        "CONSTANT": constant,
        "BLOCK": 512,
        "enable_fp_fusion": False,
    }


def test_nothing_is_launched_for_no_neurons_or_for_more_than_an_index_can_count() -> None:
    kernel = RecordingKernel()
    triton_neuron._launch(kernel, 0, (torch.ones(0),), (), NEURON, constant=False)
    for count in (2**31 - 512, 2**33):
        with pytest.raises(ShapeError, match=rf"2\^31 values a step on CUDA, received {count}"):
            triton_neuron._launch(kernel, count, (torch.ones(1),), (), NEURON, constant=False)
    assert kernel.calls == []
    triton_neuron._launch(kernel, 2**31 - 513, (torch.ones(1),), (), NEURON, constant=False)
    assert len(kernel.calls) == 1


def test_only_cuda_has_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton_neuron, "_launches", lambda: True)
    assert triton_neuron.available(torch.device("cuda"))
    assert not triton_neuron.available(torch.device("cpu"))


def test_channels_of_a_drive() -> None:
    """C, and the neurons of one channel that lie side by side."""
    per_channel = torch.ones(3)
    assert triton_neuron._channels(torch.Size((2, 3)), per_channel, per_channel) == (3, 1)
    assert triton_neuron._channels(torch.Size((2, 3, 4, 5)), per_channel, per_channel) == (3, 20)


@pytest.mark.parametrize("drive", [torch.tensor(1.0), torch.ones(0, 3)])
def test_a_drive_without_time_is_refused(drive: torch.Tensor) -> None:
    with pytest.raises(ShapeError, match="T >= 1"):
        triton_neuron.forward(drive, NEURON)
