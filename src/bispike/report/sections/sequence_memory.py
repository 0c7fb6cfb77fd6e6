"""Memory of a training step on sequences, of the run's rule and of those that it is compared with."""

from __future__ import annotations

from ...figures import to_data_uri
from ...figures.sequences import memory_over_lengths
from ..html import NEEDS_DATA, Html, figure, gallery, join, table
from ..registry import section, sequences
from ..run import ReportRun
from ..sequence_measurements import SEQUENCES, memory_of_step
from ..wording import number


@section("Memory", order=40, applies=sequences)
def memory(run: ReportRun) -> Html:
    """Memory of a training step against the length of the sequences."""
    found = run.measure(memory_of_step)
    if found is None:
        return NEEDS_DATA
    lengths = list(next(iter(found.values())))
    rows: list[list[object]] = []
    for rule, sizes in found.items():
        growth = number(sizes[lengths[-1]] / sizes[lengths[0]], ".2f")
        rows.append([rule, *[number(sizes[length] / 2**20, ".1f") for length in lengths], f"{growth} ×"])
    header = ["rule", *[f"{length} positions, MiB" for length in lengths], f"{lengths[-1]} against {lengths[0]}"]
    growths = "; ".join(
        f"{row[0]} takes {row[-1]} as much at {lengths[-1]} as at {lengths[0]} positions" for row in rows
    )
    drawn = figure(
        to_data_uri(memory_over_lengths(found)),
        alt=f"Memory of a training step against the length of the sequences: {growths}.",
        caption=f"Tensors alive at once beyond weights, gradients and the batch, for {SEQUENCES} random sequences "
        "in new networks of this shape. A rule that propagates errors back through the positions stores the activity "
        "of all of them.",
    )
    return join([gallery(drawn), table(header, rows, numeric=range(1, len(header)))])
