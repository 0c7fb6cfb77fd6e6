"""What a checkpoint of a training holds beside its tensors: position, sums, metrics and counts, and whether they fit.

They are compared with the training that is to continue: its layers, and the number of its steps in an epoch.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..json_values import Check, expect, is_table, is_text, list_of, number, optional, record, table_of, whole
from ..runs.checkpoint import Checkpoint
from ..runs.epochs import ROW

COUNTS = ("silent", "saturated")


def check_values(checkpoint: Checkpoint, *, layers: Sequence[str], steps: int, source: str) -> None:
    """Check the plain values of a checkpoint.

    Args:
        checkpoint: that was read from a file.
        layers: names of the network's layers.
        steps: of the training, in an epoch.
        source: the file, for messages.

    Raises:
        DamagedError: a value is missing, has another type, or cannot be of this training.
    """
    epoch, step = checkpoint.epoch, checkpoint.step
    whole(0, steps)(step, f"{source}: step")
    expect(
        checkpoint.updates == epoch * steps + step,
        f"{source}: updates",
        f"{epoch * steps + step}, in epoch {epoch + 1} after {step} of {steps} steps",
        checkpoint.updates,
    )
    _values(epoch, step, len(layers))(checkpoint.values, f"{source}: values")
    for place, row in enumerate(checkpoint.values["metrics"], start=1):
        expect(row["epoch"] == place, f"{source}: values: metrics: epoch", str(place), row["epoch"])


def _values(epoch: int, step: int, layers: int) -> Check:
    sums = record(
        {
            "steps": whole(step, step),
            "samples": whole(),
            "correct": number(0),
            "loss": number(),
            "layer_losses": table_of(number()),
            "spike_rate": list_of(number(), length=layers if step else 0),
            "seconds": number(0),
            "step_ms": list_of(number(0), length=step),
        },
        others=False,
    )
    return record(
        {
            "sums": sums,
            "metrics": list_of(ROW, length=epoch),
            "best": optional(number()),
            "best_epoch": whole(0, epoch),
            "ended": optional(is_text),
            "health": record({name: list_of(whole(), length=layers) for name in COUNTS}, others=False),
            "peak_memory_mb": number(0),
            "optimizer": is_table,
        },
        others=False,
    )
