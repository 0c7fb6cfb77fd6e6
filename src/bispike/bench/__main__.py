"""`python -m bispike.bench`: the cost of a BSD step against backpropagation through time, as a table."""

from rich.console import Console
from rich.table import Table

from .step import compare_steps


def main() -> None:
    """Print the table of `compare_steps`."""
    table = Table(title="784-1024-512-256-10, batch 128, one thread, medians; ratios against bptt")
    for column in ("case", "rule", "step ms", "inference ms", "peak MB", "time ratio", "memory ratio"):
        table.add_column(column, justify="left" if column in ("case", "rule") else "right", no_wrap=column == "case")
    for row in compare_steps():
        table.add_row(
            row["case"],
            row["rule"],
            f"{row['step_ms']:.1f}",
            f"{row['inference_ms']:.1f}",
            f"{row['peak_memory_mb']:.2f}",
            f"{row['ratio_time']:.2f}",
            f"{row['ratio_memory']:.2f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
