"""Results of the benchmark: `bench.json` for programs and `bench.md` for readers."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ..escaping import for_markdown, markdown_row
from ..files import write_atomic, write_json
from ..runs.marker import RESULTS, claim
from .peers import NAMES

JSON, MARKDOWN, PICTURE = "bench.json", "bench.md", "bench.png"
HEADINGS = ("case", "contender", "step ms", "x bptt", "x best", "x infer", "MB", "x bptt", "RSS MB")
LEGEND = """step ms: median. x bptt: relative to bptt of bispike, for the time (turn by turn) and for the
memory. x best: time relative to the fastest backpropagation through time of the case, in bispike
or a peer. x infer: training step relative to inference step. MB: tensors alive beyond weights,
gradients and optimizer state. RSS: resident memory beyond weights, gradients, optimizer state
and data.
"""


def document(suite: str, rows: Sequence[Mapping[str, Any]], problems: Sequence[str], device: str) -> dict[str, Any]:
    """A run as plain values: rows, machine, settings, and the problems of what could not be measured."""
    return {
        "suite": suite,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": torch.cuda.get_device_name() if device == "cuda" else processor(),
        "device": device,
        "threads": 1,
        "dtype": "float32",
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "optimizer": "Adam, fused",
        "rows": list(rows),
        "problems": list(problems),
    }


def write_results(found: Mapping[str, Any], out: str | Path) -> dict[str, str]:
    """Write `bench.json` and `bench.md` into a folder; returns the paths by kind."""
    folder = claim_folder(out)
    write_json(folder / JSON, found)
    write_atomic(folder / MARKDOWN, as_markdown(found))
    return {"json": str(folder / JSON), "markdown": str(folder / MARKDOWN)}


def claim_folder(out: str | Path) -> Path:
    """Create or open the folder of the results; best before they are measured.

    Raises:
        UserError: it holds files of these names that bispike did not write, or cannot be written.
    """
    claim(out, RESULTS, (JSON, MARKDOWN, PICTURE))
    return Path(out)


def as_markdown(found: Mapping[str, Any]) -> str:
    """The table, with the machine above and the settings and the comparison with peers below."""
    machine = f"{found['machine']}, torch {found['torch']}, Python {found['python']}, one thread, {found['dtype']}"
    rule = "|---|---" + "|---:" * (len(HEADINGS) - 2) + "|"
    lines = [
        f"# Cost of a training step: {found['suite']}",
        "",
        f"{machine}.",
        f"{found['optimizer']}; {found['date']}.",
    ]
    lines += ["", markdown_row(HEADINGS), rule, *(markdown_row(cells(row)) for row in found["rows"]), "", LEGEND]
    for title, texts in (
        ("Settings", settings(found["rows"])),
        ("The same work", comparisons(found["rows"])),
        ("Not measured", found["problems"]),
    ):
        if texts:
            lines += [f"## {title}", "", *(f"- {for_markdown(text)}" for text in texts), ""]
    return "\n".join(lines)


def cells(row: Mapping[str, Any]) -> list[str]:
    """A row as texts under HEADINGS; unknown values are empty."""
    return [
        row["case"],
        row["library"] if row["library"] in NAMES else row["rule"],
        _number(row["step_ms"], 1),
        _number(row["ratio_time"], 2),
        _number(row["ratio_fastest"], 2),
        _number(row["ratio_inference"], 2),
        _number(row["peak_memory_mb"], 1),
        _number(row["ratio_memory"], 2),
        _number(row["rss_memory_mb"], 1),
    ]


def settings(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line per case: T, B, turns, and the share of ones in the spikes of each layer."""
    lines = {}
    for row in rows:
        rates = [f"{rate:.2f}" for rate in row["spike_rate"]]
        shown = " ".join(rates) if len(rates) <= 8 else f"{min(rates)} to {max(rates)}"
        turns = f"{row['warmup']} untimed and {row['repeats']} timed turns"
        lines[row["case"]] = f"{row['case']}: T = {row['time_steps']}, B = {row['batch_size']}, {turns}, spikes {shown}"
    return list(lines.values())


def comparisons(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line per peer: the lowest agreement with `bptt` of bispike over all cases, and how its neuron differs."""
    lines = []
    for library in dict.fromkeys(row["library"] for row in rows if row["equal_spikes"] is not None):
        own = [row for row in rows if row["library"] == library]
        equal = 100 * min(row["equal_spikes"] for row in own)
        text = f"{library} {own[0]['version']}: at least {equal:.4f} % equal spikes"
        cosines = [row["gradient_cosine"] for row in own if row["gradient_cosine"] is not None]
        text += f", cosine of the gradients at least {min(cosines):.4f}" if cosines else ""
        lines.append(f"{text}; {own[0]['difference'] or 'the same neuron'}")
    return lines


def processor() -> str:
    """Name of the processor, or of the machine where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
