"""`bispike recall`: stimuli that the top-down pathway recalls from concepts, parts of a stimulus, or a latent code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ._options import COUNT, FILE, SEED, dataset_option, json_option, memory_limit_option, run_argument, trust_option
from ._output import Answer, note, pairs


@click.command("recall")
@run_argument
@click.option("--concept", "concepts", multiple=True, metavar="NAME ...", help="Only these classes.  [default: all]")
@click.argument("more_concepts", nargs=-1, metavar="")
@click.option("--layers", is_flag=True, help="Draw the top-down rates of every layer as well.")
@click.option("--cue", type=FILE, metavar="FILE", help="Complete this stimulus; --hide hides a part of it.")
@click.option("--hide", metavar="bottom|top|left|right|none", help="Hidden part of the cue.  [default: bottom]")
@click.option(
    "--passes",
    type=COUNT,
    metavar="N",
    help="Bottom-up and top-down passes to complete a cue.  [default: 3]",
)
@click.option("--samples", type=COUNT, metavar="N", help="Draw N new images, all classes alike (autoencoders).")
@click.option("--judge", type=FILE, metavar="RUN2", help="Judge an autoencoder by this classifier.")
@click.option("--components", type=COUNT, metavar="N", help="Gaussians per class.  [default: 1]")
@click.option("--seed", type=SEED, default=0, show_default=True, metavar="S", help="Seed of the drawn images.")
@click.option("--out", type=FILE, metavar="FILE.png", help="The picture.  [default: RUN/recall.png]")
@click.option("--overwrite", is_flag=True, help="Replace FILE even if bispike did not write it.")
@dataset_option
@memory_limit_option
@trust_option
@json_option
def command(
    run: Path,
    concepts: tuple[str, ...],
    more_concepts: tuple[str, ...],
    layers: bool,  # noqa: FBT001
    cue: Path | None,
    hide: str | None,
    passes: int | None,
    samples: int | None,
    judge: Path | None,
    components: int | None,
    seed: int,
    out: Path | None,
    overwrite: bool,  # noqa: FBT001
    dataset: str | None,
    memory_limit: float | None,
    trust: bool,  # noqa: FBT001
) -> Answer:
    """Draw the stimulus that a trained RUN recalls for each concept, or how it completes a cue."""
    from ..experiments import recall as recalling
    from ..figures import files as picture_files
    from ..runs.outputs import expect_own
    from ..runs.run import expect_single_stimuli, load_run
    from ..training import evaluation

    asked = [name for name, given in (("--cue", cue), ("--samples", samples), ("--layers", layers)) if given]
    if len(asked) > 1 or (judge and (cue or layers)):
        raise click.UsageError(
            f"expected one of {', '.join(asked + (['--judge'] if judge else []))}, received all of them."
        )
    needed = {
        "--hide": (hide, cue, "--cue"),
        "--passes": (passes, cue, "--cue"),
        "--components": (components, judge, "--judge"),
        "--memory-limit": (memory_limit, cue, "--cue"),
    }
    for name, (given, other, option) in needed.items():
        if given is not None and other is None:
            raise click.UsageError(f"{name}: received {given}, which has no effect without {option}.")
    if dataset is not None and samples is None and judge is None:
        raise click.UsageError(f"--dataset: received {dataset!r}, which has no effect without --samples or --judge.")
    trained = load_run(run)
    for line in trained.notes:
        note(f"note: {line}")
    network = expect_single_stimuli(trained, "recall")
    foreign: dict[str, Any] = {"dataset": dataset, "trust": trust, "note": note}
    wanted = [*concepts, *more_concepts]
    path = out or run / "recall.png"
    if judge is not None:
        found = recalling.judge(
            trained,
            judge,
            samples=1000 if samples is None else samples,
            components=1 if components is None else components,
            seed=seed,
            **foreign,
        )
        return Answer({"run": str(run), **found}, pairs({"run": str(run), **_flat(found)}))
    expect_own(path, overwrite=overwrite)
    if cue is not None:
        count = 3 if passes is None else passes
        found = recalling.complete_cue(
            trained,
            cue,
            path,
            hidden=hide or "bottom",
            passes=count,
            overwrite=overwrite,
            memory_limit=memory_limit,
        )
        shown = f"decision from the cue: {found['decision']}; after {count} passes: {found['settled']}; figure: {path}"
        return Answer({"run": str(run), "cue": str(cue), **found, "out": str(path)}, shown)
    if samples is not None:
        recalling.draw_samples(trained, samples, path, seed=seed, overwrite=overwrite, **foreign)
        return Answer({"run": str(run), "samples": samples, "out": str(path)}, f"drew {samples} images: {path}")
    if layers:
        names = recalling.draw_layers(trained, wanted, path, overwrite=overwrite)
    else:
        names, stimuli = evaluation.recall(network, wanted)
        path = picture_files.write_recall(path, names, stimuli, overwrite=overwrite)
    return Answer({"run": str(run), "concepts": names, "out": str(path)}, f"recalled {len(names)} concepts: {path}")


def _flat(found: dict[str, Any]) -> dict[str, str]:
    """Names and values, one line each."""
    lines = {}
    for name, value in found.items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        for key, number in inner:
            lines[f"{name} {key}".strip()] = f"{number:.4g}" if isinstance(number, float) else str(number)
    return lines
