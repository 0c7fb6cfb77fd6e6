"""Resident memory of a step: what the process occupies beyond its weights, data, optimizer state and code.

Linux records the largest resident set of a process (VmHWM), which can be reset. Freed memory that the C library has not
returned to the system is returned first, as it would hide a part of the step. Where the system offers neither, the
result is None. On CUDA the result is the peak of the allocator above the allocated memory before the step.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path

import torch

_PROCESS = Path("/proc/self")
_RESET_PEAK = "5"  # see proc(5), clear_refs


def resident_step_bytes(step: Callable[[], object], device: torch.device) -> int | None:
    """Largest memory in bytes during `step()` above the memory before it; None where the system cannot tell.

    Args:
        step: one training step that has run at least once, so that its code and buffers are loaded.
        device: device of the step; on a CPU nothing else may run in the process.
    """
    gc.collect()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        step()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    try:
        ctypes.CDLL(None).malloc_trim(0)
        (_PROCESS / "clear_refs").write_text(_RESET_PEAK)
        resident = _status("VmRSS")
        step()
        return max(0, _status("VmHWM") - resident)
    except (OSError, AttributeError, TypeError, KeyError):
        return None


def _status(key: str) -> int:
    """A size of /proc/self/status in bytes."""
    fields = dict(line.split(":", 1) for line in (_PROCESS / "status").read_text().splitlines() if ":" in line)
    return int(fields[key].split()[0]) * 1024
