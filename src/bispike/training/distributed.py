"""Training on several processes, started by `torchrun`: each takes its share of every batch.

    torchrun --nproc-per-node 2 -m bispike train ...

Every process holds the whole network and computes the gradients of its own samples. Sums over samples (statistics,
centres, counts) are taken over all processes during the pass (`nn.Group`). The gradients of a layer are summed while
the next layer computes, and every process then makes the same update. Process 0 alone reads and writes the folder.

N processes give the same result as one process on the same global batch, up to the order of summation: within 1e-9
after epochs in float64. In float32 the gradients of a step agree to about 1e-6 of the largest, but the trainings
diverge from each other, because rounding decides whether a drive at the threshold spikes, and Adam makes a step of
size lr even from a gradient that is only rounding. The same number of processes repeats bit for bit. All machines must
round in the same way: the weights of the processes are not compared while they train.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ..errors import BispikeError, UserError, WorkError
from ..nn import ALONE, Group

TIMEOUT = timedelta(minutes=10)  # for which a process waits for another; one that has ended is noticed at once

Result = TypeVar("Result")


class ProcessLost(WorkError):
    """Another process of this training has ended, or does not answer."""


def launched() -> bool:
    """Whether this process was started as one of several.

    Raises:
        UserError: the environment counts the processes by something else than a number.
    """
    return "RANK" in os.environ and _number("WORLD_SIZE", "1") > 1


def is_first() -> bool:
    """Whether this is the process that prints and writes: process 0, or the only one."""
    return not launched() or os.environ["RANK"] == "0"


def device_here(name: str) -> str:
    """The device of this process: "cuda" is the one with its number on this machine."""
    return f"cuda:{_number('LOCAL_RANK', '0')}" if name == "cuda" and launched() else name


def _number(name: str, default: str) -> int:
    """A whole number of the environment."""
    text = os.environ.get(name, default)
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise UserError(f"{name}: expected a whole number, received {text[:40]!r}. torchrun sets it; else unset it.")
    return int(text)


@contextlib.contextmanager
def processes(device: str) -> Iterator[Group]:
    """The processes of this training: `ALONE`, or those that the launcher started.

    Args:
        device: where each trains: "cpu" (communication by gloo) or "cuda" (by nccl).

    Raises:
        UserError: the environment names a process that is none of them.
        WorkError: the processes cannot connect.
    """
    if not launched():
        yield ALONE
        return
    rank, size = _number("RANK", "0"), _number("WORLD_SIZE", "1")
    if not 0 <= rank < size:  # it would wait for the others until the time is up
        raise UserError(f"RANK: expected a number from 0 to {size - 1} (WORLD_SIZE is {size}), received {rank}.")
    ours = not dist.is_initialized()
    if ours:
        if device.startswith("cuda"):
            torch.cuda.set_device(device_here(device))
        try:
            dist.init_process_group("nccl" if device.startswith("cuda") else "gloo", timeout=TIMEOUT)
        except (RuntimeError, ValueError) as error:
            raise WorkError(
                f"the {os.environ['WORLD_SIZE']} processes of this training (WORLD_SIZE) cannot connect: "
                f"{error}. Start them with torchrun, or unset RANK and WORLD_SIZE to train in one process."
            ) from error
    try:
        yield Processes(torch.device(device_here(device)))
    finally:
        if ours:
            dist.destroy_process_group()


class Processes(Group):
    """This process among those of a torch.distributed group.

    Args:
        device: of the tensors that are exchanged.
    """

    def __init__(self, device: torch.device) -> None:
        super().__init__(rank=dist.get_rank(), size=dist.get_world_size())
        self.device = device
        # Gradients are large and not urgent; the small sums for which a pass waits must not queue behind them.
        self.gradients = dist.new_group(timeout=TIMEOUT)

    def add_(self, values: Tensor) -> Tensor:
        """Sum over all processes, in place.

        Raises:
            ProcessLost: another process does not answer.
        """
        with _named_loss():
            dist.all_reduce(values)
        return values

    def start_sum(self, parameters: Sequence[nn.Parameter]) -> Callable[[], None]:
        """Start to sum the gradients of some parameters over the processes.

        Returns:
            A function that waits for the sum and writes it into the gradients.

        Raises:
            ProcessLost: another process does not answer, at the start or while waiting.
        """
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if not self.shares or not gradients:
            return lambda: None
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        with _named_loss():
            work = dist.all_reduce(flat, group=self.gradients, async_op=True)

        def wait() -> None:
            with _named_loss():
                work.wait()
            parts = flat.split([gradient.numel() for gradient in gradients])
            for gradient, part in zip(gradients, parts, strict=True):
                gradient.copy_(part.view(gradient.shape))

        return wait

    def broadcast(self, content: bytes) -> bytes:
        """The content that process 0 passes, in every process."""
        with _named_loss():
            size = torch.tensor([len(content)], device=self.device)
            dist.broadcast(size, 0)
            if not int(size):
                return b""
            block = torch.empty(int(size), dtype=torch.uint8)
            if self.rank == 0:
                block = torch.frombuffer(bytearray(content), dtype=torch.uint8)
            block = block.to(self.device)
            dist.broadcast(block, 0)
            return block.cpu().numpy().tobytes()


@contextlib.contextmanager
def _named_loss() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        line = (str(error) or type(error).__name__).splitlines()[0]
        reason = re.sub(r"^\[\S*\] ", "", line).split(". ")[0]  # without the place in gloo's source, and its advice
        raise ProcessLost(f"another process of this training is gone or does not answer ({reason}).") from error


def reduce_of(group: Group) -> Callable[[Sequence[nn.Parameter]], Callable[[], None]] | None:
    """How gradients are summed over the processes; None where one process has the whole batch."""
    return group.start_sum if isinstance(group, Processes) else None


def from_first(group: Group, work: Callable[[], bytes]) -> bytes:
    """What `work` returns in process 0, in every process; a `BispikeError` there is raised in every process."""
    if not isinstance(group, Processes):
        return work()
    content, failure = b"", None
    if group.rank == 0:
        try:
            content = work()
        except BispikeError as error:
            failure = error
    message = group.broadcast(b"" if failure is None else f"{failure.exit_status}{failure}".encode())
    if failure is not None:
        raise failure
    if message:
        kind = UserError if message[:1] == b"2" else WorkError
        raise kind(*f"process 0: {message[1:].decode()}".split("\n"))
    return group.broadcast(content)


def in_turn(group: Group, work: Callable[[], Result]) -> Result:
    """The result of `work`, done in process 0 before the others, so that it downloads a file only once."""
    results: list[Result] = []

    def work_first() -> bytes:
        results.append(work())
        return b""

    from_first(group, work_first)
    return results[0] if results else work()
