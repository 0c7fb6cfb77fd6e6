"""Training on several processes, started by `torchrun`: each takes its share of every batch.

    torchrun --nproc-per-node 2 -m bispike train ...

All processes hold the whole network. In a step each passes its own samples; sums over samples (statistics, centres,
counts) are taken over all processes on the way (`nn.Group`), a layer's gradients are summed while the next layer
passes, and every process then makes the same update. Process 0 alone reads and writes the run's folder.

N processes equal one on the same global batch up to the order of summation. In float64 that is 1e-9 after epochs. In
float32 a step's gradients agree to some 1e-6 of the largest, but trainings part: a drive that lies at the threshold
tips its spike, and Adam makes a step of size lr even of a gradient that is nothing but rounding. The same N repeats
bit for bit. Machines must round alike: what the processes hold is not compared while they train.
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
from ..nn import ALONE, Group, Network
from ..rules import Rule

TIMEOUT = timedelta(minutes=10)  # that a process waits for another; one that is gone is noticed at once

Result = TypeVar("Result")


class ProcessLost(WorkError):
    """Another process of this training is gone, or does not answer."""


def launched() -> bool:
    """Whether this process was started as one of several."""
    return "RANK" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


def is_first() -> bool:
    """Whether this is the process that speaks and writes: process 0, or the only one."""
    return not launched() or os.environ["RANK"] == "0"


def device_here(name: str) -> str:
    """The device of this process: "cuda" is the one with its number on this machine."""
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if name == "cuda" and launched() else name


@contextlib.contextmanager
def processes(device: str) -> Iterator[Group]:
    """The processes of this training: `ALONE`, or those that the launcher started.

    Args:
        device: where each trains: "cpu" (they talk through gloo) or "cuda" (nccl).

    Raises:
        WorkError: they do not find each other.
    """
    if not launched():
        yield ALONE
        return
    ours = not dist.is_initialized()
    if ours:
        if device.startswith("cuda"):
            torch.cuda.set_device(device_here(device))
        try:
            dist.init_process_group("nccl" if device.startswith("cuda") else "gloo", timeout=TIMEOUT)
        except (RuntimeError, ValueError) as error:
            raise WorkError(
                f"the {os.environ['WORLD_SIZE']} processes of this training (WORLD_SIZE) do not find each other: "
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
        device: where what is sent lies.
    """

    def __init__(self, device: torch.device) -> None:
        super().__init__(rank=dist.get_rank(), size=dist.get_world_size())
        self.device = device
        # Gradients are large and have time; small sums that the pass waits for must not queue behind them.
        self.gradients = dist.new_group(timeout=TIMEOUT)

    def add_(self, values: Tensor) -> Tensor:
        """Sum over all processes, in place.

        Raises:
            ProcessLost: one does not take part.
        """
        with _named_loss():
            dist.all_reduce(values)
        return values

    def start_sum(self, parameters: Sequence[nn.Parameter]) -> Callable[[], None]:
        """Begin to sum the gradients of these parameters over the processes; the result waits for it.

        Raises:
            ProcessLost: one does not take part (also when waiting).
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
        """What process 0 gives, in every process."""
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


def first(group: Group, work: Callable[[], bytes]) -> bytes:
    """What `work` returns in process 0, in every process; an error of the family is raised in every process."""
    if not isinstance(group, Processes):
        return work()
    content, failure = b"", None
    if group.rank == 0:
        try:
            content = work()
        except BispikeError as error:
            failure = error
    said = group.broadcast(b"" if failure is None else f"{failure.exit_status}{failure}".encode())
    if failure is not None:
        raise failure
    if said:
        kind = UserError if said[:1] == b"2" else WorkError
        raise kind(f"process 0: {said[1:].decode()}")
    return group.broadcast(content)


def in_turn(group: Group, work: Callable[[], Result]) -> Result:
    """`work` in process 0, then in the others: what it downloads, it downloads once."""
    done: list[Result] = []

    def ahead() -> bytes:
        done.append(work())
        return b""

    first(group, ahead)
    return done[0] if done else work()


def sum_report(group: Group, values: Tensor, *, means: int, rows: int, stop: bool) -> tuple[list[float], bool]:
    """What a step found, for the whole batch, and whether any process wants to stop.

    Args:
        group: who shares the batch.
        values: `[N]` sums over this process's samples; the last `means` of them are means.
        means: how many.
        rows: samples of this process.
        stop: whether this process was asked to stop.
    """
    if group.size == 1:
        return values.tolist(), stop
    weights = torch.ones_like(values)
    if group.shares:
        weights[len(values) - means :] = rows / group.count(rows)
    else:  # every process has the whole batch; the first one's values stand for all
        weights.fill_(float(group.rank == 0))
    *found, stops = group.add_(torch.cat([values * weights, values.new_tensor([float(stop)])])).tolist()
    return found, stops > 0


@contextlib.contextmanager
def undone_if_lost(group: Group, network: Network, rule: Rule) -> Iterator[None]:
    """A step that loses a process leaves buffers and the rule's memory as they were; weights have not moved yet."""
    if group.size == 1:
        yield
        return
    buffers = [(buffer, buffer.clone()) for buffer in network.buffers()]
    memory = {name: value.clone() for name, value in rule.state_dict().items()}
    try:
        yield
    except ProcessLost:
        for buffer, before in buffers:
            buffer.copy_(before)
        rule.load_state_dict(memory)
        raise
