"""The process in which a training runs: threads, deterministic kernels, and memory that runs out.

Settings of the process are restored at the end.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator

import torch

from ..errors import WorkError


@contextlib.contextmanager
def deterministic(device: torch.device, *, threads: int | None) -> Iterator[None]:
    """While entered, use deterministic kernels where torch has them.

    Args:
        device: of the computation.
        threads: number of threads of the processor; None leaves it as it is.
    """
    before = torch.get_num_threads()
    strict, only_warned = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    filling = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if threads is not None:
        torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*does not have a deterministic implementation")
            yield
    finally:
        torch.utils.deterministic.fill_uninitialized_memory = filling  # type: ignore[attr-defined]
        torch.use_deterministic_algorithms(strict, warn_only=only_warned)
        if threads is not None:
            torch.set_num_threads(before)


@contextlib.contextmanager
def explain_out_of_memory(batch_size: int) -> Iterator[None]:
    """While entered, an allocation that fails raises a WorkError that states what to try."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory(batch_size) from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):
            raise
        raise _out_of_memory(batch_size) from error


def _out_of_memory(batch_size: int) -> WorkError:
    return WorkError(
        f"out of memory at batch size {batch_size}; a smaller batch_size, fewer time steps or a smaller network need "
        "less. The last checkpoint, if there was one, is untouched."
    )
