"""How well runs decide on damaged stimuli and with lost spikes, side by side: `bispike robustness`.

Runs that differ in their seed only make one row, the mean over them. Of a damage, the relative drop is the share of
the undamaged accuracy that is lost on average over its kinds and severities: 1 - mean(damaged) / clean.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..analysis import LOST, corruptions, spike_loss
from ..arguments import checked
from ..config.differences import differences
from ..data import Dataset, Split
from ..errors import CheckpointError, ConfigurationError, ShapeError
from ..escaping import markdown_row
from ..figures.files import write_picture
from ..figures.robustness import robustness_of_rows
from ..files import write_atomic, write_json
from ..nn import Network
from ..runs.marker import RESULTS, check_claim, claim
from ..runs.run import expect_single_stimuli
from ..runs.source import open_data
from ..seeds import generator
from ..training import Run, TrainConfig, evaluate, load_run
from ..training.evaluation import split_of

SEVERITIES = (1, 2, 3, 4, 5)
SAMPLES = 1000
FILES = {"json": "robustness.json", "markdown": "robustness.md", "picture": "robustness.png"}


@dataclass(frozen=True)
class RobustRow:
    """One run, or the mean over runs of several seeds. All values are shares of 1.

    Args:
        name: the rule if all rows have different ones, otherwise the name of the folder.
        runs: folders.
        activity: what is lost between layers, `"spikes"` or `"rates"`.
        clean: accuracy without damage.
        corruptions: mean accuracy over the severities of each damage of the stimulus that fits the stimuli.
        spike_loss: accuracy with each share `LOST` of the spikes lost.
        stimulus_drop, spike_drop: relative drop by damage of the stimulus and by loss; None where clean is 0 or
            nothing was damaged.
    """

    name: str
    runs: list[str]
    activity: str
    clean: float
    corruptions: dict[str, float]
    spike_loss: list[float]
    stimulus_drop: float | None
    spike_drop: float | None


@checked
def damaged_accuracies(network: Network, split: Split, seed: int) -> dict[str, Any]:
    """Accuracy of a network on a split, undamaged and damaged.

    Returns:
        "clean"; "corruptions": for each kind a value a severity 1..5, None where it does not fit the stimuli;
        "spike_loss": "probability" and "accuracy" by severity.
    """

    def share(text: str) -> float:
        return evaluate(network, split, seed=seed, transform=corruptions.transform(text))["accuracy"]

    damaged: dict[str, list[float] | None] = {}
    for kind in corruptions.registry:
        try:
            damaged[kind] = [share(f"{kind}:{severity}") for severity in SEVERITIES]
        except ShapeError:  # a damage of images, and these are none
            damaged[kind] = None
    lossy = []
    for place, probability in enumerate(LOST):
        with spike_loss(network, probability, generator=generator(seed, "spike loss", place)):
            lossy.append(evaluate(network, split, seed=seed)["accuracy"])
    clean = evaluate(network, split, seed=seed)["accuracy"]
    return {"clean": clean, "corruptions": damaged, "spike_loss": {"probability": list(LOST), "accuracy": lossy}}


@checked
def robust_rows(
    paths: Sequence[str | Path],
    *,
    split: str = "test",
    samples: int = SAMPLES,
    seed: int = 0,
    dataset: str | None = None,
    data_root: str | Path | None = None,
    trust: bool = False,
    note: Callable[[str], None] = lambda message: None,
) -> tuple[list[RobustRow], list[dict[str, Any]]]:
    """Measure finished runs; their folders stay as they are.

    Args:
        paths: folders of runs, each once.
        split: "test" or "validation".
        samples: stimuli to measure with, at least 1, in the class proportions of all.
        seed: of what is drawn at random.
        dataset: where the data of the runs are now; None: where their trainings found them.
        data_root: folder where data sets lie; None looks where the runs found them and in the usual places.
        trust: whether to open and download what the settings of somebody else's run name (see `runs.source`).
        note: receives a line for each run.

    Returns:
        The rows, and what was measured of each run.

    Raises:
        ConfigurationError: no run, one given twice, too few samples.
        CheckpointError: no run, or one that has not ended.
        DataError: a data set cannot be read.
    """
    places = [str(Path(path)) for path in paths]
    if not places or len({*places}) < len(places):
        raise ConfigurationError(f"runs: expected folders of runs, each once, received {', '.join(places) or 'none'}.")
    if samples < 1:
        raise ConfigurationError(f"samples: expected at least 1, received {samples}.")
    opened: list[tuple[Run, str, Split]] = []  # all of them before the first one is measured, which takes minutes
    loaded: dict[str, Dataset] = {}
    for place in places:
        run = load_run(place)
        run.tell(note)
        expect_single_stimuli(run, "robustness")
        if not run.summary:
            raise CheckpointError(f"{place}: this training has not ended; --resume goes on with it.")
        settings = run.config.to_dict()
        load = partial(
            open_data, run.path, settings, dataset=dataset, data_root=data_root, trust=trust, note=note, like=run.schema
        )
        part = split_of(_dataset(run.config, load, loaded), run.config, split)
        if not len(part):
            raise ConfigurationError(f"split: {place} has no {split} data; choose test.")
        opened.append((run, place, part.subset(part.spread_rows(samples))))
    configs, measured = [run.config for run, _, _ in opened], []
    for run, place, part in opened:
        note(place)
        measured.append({**_what(run, place), "samples": len(part), **damaged_accuracies(run.network, part, seed)})
    groups = _groups(configs)
    names = _names([measured[group[0]] for group in groups])
    return [_row(name, [measured[i] for i in group]) for name, group in zip(names, groups, strict=True)], measured


@checked
def check_folder(out: str | Path) -> None:
    """Check that results can be written into a folder, before the measurements. Nothing is changed.

    Raises:
        UserError: it holds files of these names that bispike did not write.
    """
    check_claim(out, RESULTS, FILES.values())


def write_robustness(
    rows: Sequence[RobustRow], measured: Sequence[Mapping[str, Any]], out: str | Path, *, split: str
) -> dict[str, str]:
    """Write `robustness.json`, `.md` and `.png` into a folder; returns the paths by kind.

    Raises:
        UserError: the folder holds files of these names that bispike did not write, or cannot be written.
    """
    folder = Path(out)
    paths = {kind: folder / name for kind, name in FILES.items()}
    claim(folder, RESULTS, FILES.values())
    write_json(paths["json"], {"split": split, "rows": [asdict(row) for row in rows], "runs": list(measured)})
    heads = headings(rows)
    lines = [markdown_row(heads), "|---|" + "---:|" * (len(heads) - 1)]
    lines += [markdown_row(cells(row, rows)) for row in rows]
    write_atomic(paths["markdown"], "\n".join([*lines, "", reading(measured, split)]) + "\n")
    write_picture(paths["picture"], robustness_of_rows(rows, losses=LOST, split=split))
    return {kind: str(path) for kind, path in paths.items()}


@checked
def headings(rows: Sequence[RobustRow]) -> list[str]:
    """Headings of the table, values in percent."""
    lost = [f"loss {probability:g}" for probability in LOST]
    return ["row", "seeds", "clean", *_kinds(rows), *lost, "stimulus drop", "loss drop"]


@checked
def cells(row: RobustRow, rows: Sequence[RobustRow]) -> list[str]:
    """A row as texts under `headings`."""
    damaged = [row.corruptions.get(kind) for kind in _kinds(rows)]
    shares = [row.clean, *damaged, *row.spike_loss, row.stimulus_drop, row.spike_drop]
    return [row.name, str(len(row.runs)), *("" if share is None else f"{100 * share:.1f}" for share in shares)]


@checked
def reading(measured: Sequence[Mapping[str, Any]], split: str) -> str:
    """How to read the table."""
    counts = sorted({run["samples"] for run in measured})
    return (
        f"Accuracy in % on {' or '.join(map(str, counts))} {split} stimuli, mean over seeds; under a damage of the "
        "stimulus: mean over five severities. loss p: each spike that a layer emits (of rates: each value) "
        "is lost with probability p. Drops: share of the clean accuracy that is lost on average, in %."
    )


def _kinds(rows: Sequence[RobustRow]) -> list[str]:
    return [kind for kind in corruptions.registry if any(kind in row.corruptions for row in rows)]


def _dataset(config: TrainConfig, opened: Callable[[], Dataset], loaded: dict[str, Dataset]) -> Dataset:
    """The data set of a run, which is opened once for all runs with the same settings of the data."""
    key = repr((config.dataset, config.data_root, config.data_options))
    if key not in loaded:
        loaded[key] = opened()
    return loaded[key]


def _what(run: Run, place: str) -> dict[str, Any]:
    config = run.config
    named = {name: getattr(config, name) for name in ("dataset", "model", "rule", "seed")}
    return {"run": place, **named, "activity": run.rule.signals.name}


def _groups(configs: Sequence[TrainConfig]) -> list[list[int]]:
    """Places of the runs that differ in their seed only."""
    groups: list[list[int]] = []
    for i, config in enumerate(configs):
        for group in groups:
            if not differences(configs[group[0]].to_dict(), replace(config, seed=configs[group[0]].seed)):
                group.append(i)
                break
        else:
            groups.append([i])
    return groups


def _names(firsts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of the rows, by the first run of each."""
    folders = [Path(first["run"]).resolve() for first in firsts]
    ways = [
        [first["rule"] for first in firsts],
        [re.sub(r"-seed\d+$", "", folder.name) for folder in folders],
        [str(folder) for folder in folders],
    ]
    return next(names for names in ways if len({*names}) == len(names))


def _row(name: str, runs: Sequence[Mapping[str, Any]]) -> RobustRow:
    clean = statistics.fmean(run["clean"] for run in runs)
    kinds = [kind for kind, values in runs[0]["corruptions"].items() if values is not None]
    damaged = {kind: statistics.fmean(v for run in runs for v in run["corruptions"][kind]) for kind in kinds}
    lossy = [statistics.fmean(shares) for shares in zip(*(run["spike_loss"]["accuracy"] for run in runs), strict=True)]
    return RobustRow(
        name=name,
        runs=[run["run"] for run in runs],
        activity=runs[0]["activity"],
        clean=clean,
        corruptions=damaged,
        spike_loss=lossy,
        stimulus_drop=_drop(clean, list(damaged.values())),
        spike_drop=_drop(clean, lossy),
    )


def _drop(clean: float, damaged: Sequence[float]) -> float | None:
    return 1 - statistics.fmean(damaged) / clean if clean and damaged else None
