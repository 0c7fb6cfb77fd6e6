"""`bispike recall`: stimuli that the top-down pathway recalls from concepts, parts of a stimulus, or a latent code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ._options import FILE, json_option, memory_limit_option, run_argument, trust_option
from ._output import Answer, note, pairs


@click.command("recall")
@run_argument
@click.option("--concept", "concepts", multiple=True, metavar="NAME ...", help="Only these classes.  [default: all]")
@click.argument("more_concepts", nargs=-1, metavar="")
@click.option("--layers", is_flag=True, help="Draw the top-down rates of every layer as well.")
@click.option("--cue", type=FILE, metavar="FILE", help="Complete this stimulus; --hide hides a part of it.")
@click.option(
    "--hide", default="bottom", show_default=True, metavar="bottom|top|left|right|none", help="Hidden part of the cue."
)
@click.option(
    "--passes",
    type=int,
    default=3,
    show_default=True,
    metavar="N",
    help="Bottom-up and top-down passes to complete a cue.",
)
@click.option("--samples", type=int, metavar="N", help="Draw N new images, all classes alike (autoencoders).")
@click.option("--judge", type=FILE, metavar="RUN2", help="Judge an autoencoder by this classifier.")
@click.option("--components", type=int, default=1, show_default=True, metavar="N", help="Gaussians per class.")
@click.option("--seed", type=int, default=0, show_default=True, metavar="S", help="Seed of the drawn images.")
@click.option("--out", type=FILE, metavar="FILE.png", help="The picture.  [default: RUN/recall.png]")
@click.option("--overwrite", is_flag=True, help="Replace FILE even if bispike did not write it.")
@memory_limit_option
@trust_option
@json_option
def command(
    run: Path,
    concepts: tuple[str, ...],
    more_concepts: tuple[str, ...],
    layers: bool,  # noqa: FBT001
    cue: Path | None,
    hide: str,
    passes: int,
    samples: int | None,
    judge: Path | None,
    components: int,
    seed: int,
    out: Path | None,
    overwrite: bool,  # noqa: FBT001
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
    trained = load_run(run)
    network = expect_single_stimuli(trained, "recall")
    foreign: dict[str, Any] = {"trust": trust, "note": note}
    wanted = [*concepts, *more_concepts]
    path = out or run / "recall.png"
    if judge is not None:
        found = recalling.judge(trained, judge, samples=samples or 1000, components=components, seed=seed, **foreign)
        return Answer({"run": str(run), **found}, pairs({"run": str(run), **_flat(found)}))
    expect_own(path, overwrite=overwrite)
    if cue is not None:
        found = recalling.complete_cue(
            trained, cue, path, hidden=hide, passes=passes, overwrite=overwrite, memory_limit=memory_limit
        )
        shown = f"decision from the cue: {found['decision']}; after {passes} passes: {found['settled']}; figure: {path}"
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
