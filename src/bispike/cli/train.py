"""`bispike train`: train one network with one rule on one data set, and test it once at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ._options import FILE, json_option, training_options, trust_option
from ._output import Answer, pairs, table

PARTS = ("test", "validation")


@click.command("train")
@training_options()
@click.option("--out", type=FILE, metavar="DIR", help="Folder of the run.  [default: runs/<what it is>]")
@click.option("--resume", is_flag=True, help="Go on with the run in --out; alone, it takes its settings from there.")
@click.option("--overwrite", is_flag=True, help="Replace a run in --out.")
@click.option("--settings", "listing", is_flag=True, help="List every setting of a training, and do nothing else.")
@trust_option
@click.argument("more_settings", nargs=-1, metavar="")
@json_option
def command(
    out: Path | None,
    settings: tuple[str, ...],
    more_settings: tuple[str, ...],
    resume: bool,  # noqa: FBT001
    overwrite: bool,  # noqa: FBT001
    listing: bool,  # noqa: FBT001
    trust: bool,  # noqa: FBT001
    **options: Any,
) -> Answer | None:
    """Train a network; show how well it does on the test split.

    --set takes options of the rule, of the model and of the training: --set strength=0.05 widths=[256,128]
    """
    from ..config.folders import default_folder
    from ..config.resolve import Request, resolve
    from ..training import distributed, run_config

    if listing:
        return _settings()
    if resume and out is None:
        raise click.UsageError("--resume: --out DIR must say which run is to go on.")
    request = Request.of(options, (*settings, *more_settings))
    config = resolve(request, resume_from=out if resume else None)
    run = run_config(config, out=out or default_folder(config), resume=resume, overwrite=overwrite, trust=trust)
    if not distributed.is_first():  # of several processes the first one answers
        return None
    summary = {**run.summary, "run": str(run.path)}  # a finished run may have been moved since
    return Answer(summary, pairs(_shown(summary)))


def _settings() -> Answer:
    """The table of settings."""
    from ..config import describe_options

    rows = describe_options("training")
    heads = ["setting", "flag", "default", "values", "meaning"]
    shown = [
        [
            row["name"],
            row["flag"] or "",
            _text(row["default"]),
            ", ".join(row["choices"] or [row["range"] or row["type"]]),
        ]
        for row in rows
    ]
    listed = [[*cells, row["meaning"]] for cells, row in zip(shown, rows, strict=True)]
    return Answer({"settings": rows}, table(heads, listed))


def _text(value: Any) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _shown(summary: dict[str, Any]) -> dict[str, Any]:
    form = "{:.5f}".format if summary["metric"] == "mse" else "{:.2%}".format
    shown = {key: None if summary[key] is None else form(summary[key]).replace("%", " %") for key in PARTS}
    return {
        "run": summary["run"],
        "what": f"{summary['dataset']}, {summary['model']}, {summary['rule']}, seed {summary['seed']}",
        f"test {summary['metric']}": shown["test"],
        "validation": shown["validation"],
        **_reconstruction(summary),
        **_sequences(summary),
        "parameters": f"{summary['parameters']:,}",
        "time": f"{summary['train_seconds']:.1f} s, {summary['step_ms']:.2f} ms per step",
        "spike rates": " ".join(f"{rate:.3f}" for rate in summary["spike_rate"]),
    }


def _sequences(summary: dict[str, Any]) -> dict[str, str]:
    """Of a text or a series: all measures of the test part, and the baselines."""
    measures = summary.get("measures", {}).get("test", {})
    shown = {}
    if measures:
        shown["measures"] = _listed(measures)
    for name, found in summary.get("baselines", {}).items():
        shown[f"baseline: {name}"] = _listed(found)
    if summary.get("protocol") == "paper":
        shown["protocol"] = "paper: chosen on the test part; to compare with the published table only"
    return shown


def _listed(measures: dict[str, float]) -> str:
    names = {"mse": "MSE", "mae": "MAE", "mase": "MASE", "smape": "sMAPE", "bits": "bits per character"}
    return ", ".join(f"{names[name]} {value:.4f}" for name, value in measures.items())


def _reconstruction(summary: dict[str, Any]) -> dict[str, str]:
    """Of an autoencoder: the mean squared error of its reconstructions."""
    errors = summary.get("reconstruction", {})
    shown = [f"{part} {error:.5f}" for part, error in errors.items() if error is not None]
    return {"reconstruction MSE": ", ".join(shown)} if shown else {}
