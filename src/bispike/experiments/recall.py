"""What `bispike recall` draws and measures, from a run's folder and its training data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from .. import tasks
from ..analysis import ClassifierFeatures, LatentDensity
from ..analysis.generation import draw_images, evaluate_autoencoder
from ..arguments import checked
from ..data.schema import EventsSchema
from ..data.user_files import read_inputs
from ..errors import ConfigurationError, DataError, unknown_name
from ..figures.files import write_picture
from ..figures.recall import completion_figure, image_rows, layer_gallery
from ..functional.cues import HALVES, half_cue
from ..memory import complete
from ..nn import Autoencoder, Network
from ..runs.run import Run, expect_single_stimuli, load_run
from ..runs.saved_schema import expect_schema
from ..runs.source import Note, open_data, silent
from ..tasks import Reconstruction
from ..training.evaluation import recall, split_of

PER_ROW = 10
JUDGED = 5000  # test images of a judgement


@checked
def draw_layers(run: Run, concepts: Sequence[str], path: Path, *, overwrite: bool = False) -> list[str]:
    """Draw what the network recalls for concepts, in every layer and as a stimulus; returns their names.

    `overwrite` is that of `write_picture`, here and below.
    """
    network = expect_single_stimuli(run, "recall")
    names, stimuli = recall(network, concepts)
    known = list(network.concept.names)
    records = network.imagine(torch.tensor([known.index(name) for name in names]))
    write_picture(
        path, layer_gallery(names, [(record.name, record.rate) for record in records], stimuli), overwrite=overwrite
    )
    return names


@checked
def draw_samples(
    run: Run,
    count: int,
    path: Path,
    *,
    seed: int,
    overwrite: bool = False,
    dataset: str | None = None,
    trust: bool = False,
    note: Note = silent,
) -> None:
    """Draw new images, one row per class; `dataset`, `trust` and `note` are those of `runs.source.open_data`."""
    network = _expect_images(run.network)
    if count < 1:
        raise ConfigurationError(f"samples: expected at least 1, received {count}.")
    loaded = open_data(run.path, run.config.to_dict(), dataset=dataset, trust=trust, note=note, like=run.schema)
    density = LatentDensity.fit(network, split_of(loaded, run.config, "train"), seed=seed)
    images, labels = draw_images(network, density, count, seed=seed)
    rows = [(name, images[labels == i]) for i, name in enumerate(network.concept.names)]
    shown = [(name, some[:PER_ROW]) for name, some in rows if len(some)]
    write_picture(path, image_rows(shown), overwrite=overwrite)


@checked
def complete_cue(
    run: Run,
    cue: Path,
    path: Path,
    *,
    hidden: str,
    passes: int,
    overwrite: bool = False,
    memory_limit: float | None = None,
) -> dict[str, Any]:
    """Complete a stimulus of which a part is hidden, and draw the passes.

    Returns:
        Names of classes: the "decision" from the cue, and the one after all passes ("settled").
    """
    network = expect_single_stimuli(run, "recall")
    if hidden not in HALVES:
        raise ConfigurationError(unknown_name("hide", hidden, HALVES))
    if isinstance(run.schema, EventsSchema):
        raise ConfigurationError(
            "recall: expected a run on images or features to complete a cue; this run is on events, and the hidden "
            "part of a cue would need values between 0 and 1, which are no events. Recall classes without --cue."
        )
    stimuli = read_inputs([cue], expect_schema(run.schema, run.path), memory_limit=memory_limit).stimuli
    known = half_cue(network.stimulus.shape, hidden)
    completed = complete(network, stimuli, known, passes=passes)
    seen = torch.where(known > 0, stimuli, network.stimulus_mean)
    original = stimuli if hidden != "none" else None
    write_picture(path, completion_figure(seen, completed.stimuli, original), overwrite=overwrite)
    names = network.concept.names
    return {
        "decision": names[int(completed.concepts[0].argmax())],
        "settled": names[int(completed.concept.argmax())],
    }


@checked
def judge(
    run: Run,
    classifier: str | Path,
    *,
    samples: int,
    components: int,
    seed: int,
    dataset: str | None = None,
    trust: bool = False,
    note: Note = silent,
) -> dict[str, Any]:
    """Judge an autoencoder by the features and the decisions of another run.

    `dataset`, `trust` and `note` are those of `runs.source.open_data`.
    """
    network = _expect_images(run.network)
    judging = expect_single_stimuli(load_run(classifier), "judge")
    if judging.stimulus.shape != network.stimulus.shape:
        raise DataError(
            f"{classifier}: expected a run on stimuli {list(network.stimulus.shape)}, it is on "
            f"{list(judging.stimulus.shape)}."
        )
    loaded = open_data(run.path, run.config.to_dict(), dataset=dataset, trust=trust, note=note, like=run.schema)
    test = loaded.test.subset(slice(0, JUDGED))
    return evaluate_autoencoder(
        network.eval(),
        split_of(loaded, run.config, "train"),
        test,
        ClassifierFeatures(judging.eval(), Path(classifier).name),
        classifier=judging,
        samples=samples,
        components=components,
        seed=seed,
    )


def _expect_images(network: Network) -> Autoencoder:
    task = tasks.of(network)
    if not isinstance(task, Reconstruction) or len(network.stimulus.shape) != 3:
        raise ConfigurationError(
            "recall: expected an autoencoder of images, to draw new ones from; train one with "
            "--model autoencoder (see 'bispike presets')."
        )
    return task.network
