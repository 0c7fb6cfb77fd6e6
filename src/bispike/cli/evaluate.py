"""`bispike evaluate`: measure a run on a split, also on damaged stimuli. The run's folder is unchanged."""

from __future__ import annotations

from pathlib import Path

import click

from ._options import COUNT, SEED, data_root_option, json_option, run_argument, trust_option
from ._output import Answer, note, pairs


@click.command("evaluate")
@run_argument
@click.option("--dataset", metavar="D", help="Another data set with the same stimuli.  [default: the run's]")
@click.option("--split", default="test", show_default=True, metavar="test|validation|train")
@click.option("--corrupt", metavar="KIND:SEVERITY", help="Damage the stimuli first, such as blur:3 (1 to 5).")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of random draws.")
@click.option("--batch-size", type=COUNT, default=256, show_default=True, metavar="B")
@click.option("--device", default="cpu", show_default=True, metavar="cpu|cuda")
@data_root_option
@trust_option
@json_option
def command(
    run: Path,
    dataset: str | None,
    split: str,
    corrupt: str | None,
    seed: int,
    batch_size: int,
    device: str,
    data_root: Path | None,
    trust: bool,  # noqa: FBT001
) -> Answer:
    """Test a trained RUN.

    Corruptions: gaussian-noise, blur, occlusion, contrast.
    """
    from ..analysis import accuracy_interval, corruptions
    from ..training import evaluation

    summary = evaluation.evaluate_run(
        run,
        dataset=dataset,
        split=split,
        transform=corruptions.transform(corrupt) if corrupt else None,
        seed=seed,
        batch_size=batch_size,
        device=device,
        data_root=data_root,
        trust=trust,
    )
    is_share = summary["metric"] == "accuracy"
    interval = accuracy_interval(summary[split], summary["samples"]) if is_share else None
    measures = summary.get("measures", {}).get(split, {})
    for line in summary["notes"]:
        note(f"note: {line}")
    shown = {
        "run": summary["run"],
        "data": f"{summary['dataset']}, {split} split, {summary['samples']} {'places' if measures else 'stimuli'}",
        "corrupted": corrupt,
        summary["metric"]: f"{100 * summary[split]:.2f} %" if is_share else f"{summary[split]:.5f}",
        "95 % interval": f"{100 * interval[0]:.2f} to {100 * interval[1]:.2f} %" if interval else None,
        "measures": ", ".join(f"{name} {value:.4f}" for name, value in measures.items()) or None,
        "reconstruction MSE": f"{summary['reconstruction'][split]:.5f}" if "reconstruction" in summary else None,
    }
    return Answer({**summary, "corrupt": corrupt, "interval": interval}, pairs(shown))
