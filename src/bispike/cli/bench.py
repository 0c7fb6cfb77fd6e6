"""`bispike bench`: the cost of a training step, in time and memory."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import click

from ._options import COUNT, FILE, json_option
from ._output import Answer, note, table

HISTORY = Path("bench/history.jsonl")
WIDTH = 100  # columns of a terminal


@click.command("bench")
@click.option("--suite", default="quick", show_default=True, metavar="S", help="What is measured; see below.")
@click.option("--peers", is_flag=True, help="snnTorch, SpikingJelly and Norse take part (installed apart, once).")
@click.option("--out", type=FILE, default=Path("runs/bench"), show_default=True, metavar="DIR")
@click.option("--case", "only", multiple=True, metavar="NAME", help="Only this case; may be repeated.")
@click.option("--repeats", type=COUNT, metavar="N", help="Timed turns.  [default: the suite's]")
@click.option(
    "--warmup", type=click.IntRange(min=0), metavar="N", help="Untimed turns before them.  [default: the suite's]"
)
@click.option("--batch-size", type=COUNT, metavar="B", help="Stimuli in a step.  [default: the suite's]")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--check", is_flag=True, help="Fail if a ratio is 20 % worse than in the history.")
@click.option("--record", is_flag=True, help="Append the ratios to the history.")
@click.option("--history", type=FILE, default=HISTORY, show_default=True, metavar="FILE")
@json_option
def command(
    suite: str,
    out: Path,
    only: tuple[str, ...],
    repeats: int | None,
    warmup: int | None,
    batch_size: int | None,
    device: str,
    history: Path,
    *,
    peers: bool,
    check: bool,
    record: bool,
) -> Answer:
    """Measure what a training step costs, on one thread, as ratios.

    \b
    Suites: quick (the default; some minutes), card1, card2, card3-mlp,
    card3-cnn, depth, batch, width, density.

    Each case is measured under BSD and backpropagation through time on the same network. DIR receives bench.json,
    bench.md and a picture.
    """
    from rich.console import Group

    from ..bench import history as past
    from ..bench import results
    from ..bench.run import Result, run_suite
    from ..bench.suites import cases_of
    from ..figures import files as picture_files

    cases = cases_of(suite, only=only, repeats=repeats, warmup=warmup, batch_size=batch_size)
    before = past.runs_of(past.read(history), suite, device) if check else []

    def document(result: Result) -> dict[str, Any]:
        return results.document(suite, result.rows, result.problems, device)

    results.claim_folder(out)
    result = run_suite(
        cases,
        with_peers=peers,
        device=device,
        note=note,
        keep=lambda so_far: results.write_results(document(so_far), out),
    )
    found = document(result)
    files = results.write_results(found, out)
    if result.rows:
        files["picture"] = str(picture_files.write_costs(out / results.PICTURE, result.rows))
    worse = past.worse(found, before) if check and result.rows else []
    for sentence in worse:
        note(f"error: worse than before: {sentence}")
    if record and result.rows:
        past.record(found, history)
    shown = table(results.HEADINGS, map(results.cells, result.rows), right=results.HEADINGS[2:])
    same = [part for line in results.comparisons(result.rows) for part in textwrap.wrap(line, WIDTH)]
    written = f"written to {out}: {', '.join(Path(path).name for path in files.values())}"
    payload = {**found, "worse": worse, "out": str(out), "files": files}
    below = ["", *results.LEGEND.splitlines(), "", *same, written]
    return Answer(payload, Group(shown, *below), 1 if result.problems or worse else 0)
