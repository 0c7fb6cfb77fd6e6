"""The settings of the process are the same after a training as before."""

from __future__ import annotations

import pytest
import torch

from bispike.errors import WorkError
from bispike.training.environment import deterministic, explain_out_of_memory


def test_settings_of_the_process_are_restored_even_after_an_error() -> None:
    threads = torch.get_num_threads()
    seen = []

    def fail() -> None:
        with deterministic(torch.device("cpu"), threads=threads + 1):
            seen.extend([torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()])
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert seen == [threads + 1, True]
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(
    "error",
    [MemoryError(), torch.OutOfMemoryError("x"), RuntimeError("DefaultCPUAllocator: can't allocate memory")],
)
def test_memory_that_runs_out_names_the_batch_size(error: Exception) -> None:
    with pytest.raises(WorkError, match="batch size 512"), explain_out_of_memory(512):
        raise error


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="other"), explain_out_of_memory(1):
        raise RuntimeError("other")
