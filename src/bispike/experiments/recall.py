"""What `bispike recall` draws and measures, from a run's folder and its training data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from .. import data
from ..analysis import ClassifierFeatures, LatentDensity
from ..analysis.generation import draw_images, evaluate_autoencoder
from ..data.user_files import read_inputs
from ..errors import ConfigurationError, DataError, unknown_name
from ..figures.files import write_picture
from ..figures.recall import completion_figure, image_rows, layer_gallery
from ..functional.cues import HALVES, half_cue
from ..memory import complete
from ..nn import Network
from ..runs.run import Run, load_run
from ..training.evaluation import recall, split_of
from .kinds import Kind, kind_of

PER_ROW = 10
JUDGED = 5000  # test images of a judgement


def draw_layers(run: Run, concepts: Sequence[str], path: Path) -> list[str]:
    """Draw what the network recalls for concepts, in every layer and as a stimulus; returns their names."""
    names, stimuli = recall(run.network, concepts)
    known = list(run.network.concept.names)
    records = run.network.imagine(torch.tensor([known.index(name) for name in names]))
    write_picture(path, layer_gallery(names, [(record.name, record.rate) for record in records], stimuli))
    return names


def draw_samples(run: Run, count: int, path: Path, *, seed: int) -> None:
    """Draw new images, one row per class."""
    _expect_images(run.network)
    if count < 1:
        raise ConfigurationError(f"samples: expected at least 1, received {count}.")
    loaded = _data_of(run)
    density = LatentDensity.fit(run.network, split_of(loaded, run.config, "train"), seed=seed)
    images, labels = draw_images(run.network, density, count, seed=seed)
    rows = [(name, images[labels == i]) for i, name in enumerate(run.network.concept.names)]
    shown = [(name, some[:PER_ROW]) for name, some in rows if len(some)]
    write_picture(path, image_rows(shown))


def complete_cue(run: Run, cue: Path, path: Path, *, hidden: str, passes: int) -> dict[str, Any]:
    """Complete a stimulus of which a part is hidden, and draw the passes.

    Returns:
        Names of classes: the "decision" from the cue, and the one after all passes ("settled").
    """
    network = run.network
    if hidden not in HALVES:
        raise ConfigurationError(unknown_name("hide", hidden, HALVES))
    stimuli = read_inputs([cue], network.stimulus).stimuli
    known = half_cue(network.stimulus.shape, hidden)
    completed = complete(network, stimuli, known, passes=passes)
    seen = torch.where(known > 0, stimuli, network.stimulus_mean)
    original = stimuli if hidden != "none" else None
    write_picture(path, completion_figure(seen, completed.stimuli, original))
    names = network.concept.names
    return {
        "decision": names[int(completed.concepts[0].argmax())],
        "settled": names[int(completed.concept.argmax())],
    }


def judge(run: Run, classifier: str | Path, *, samples: int, components: int, seed: int) -> dict[str, Any]:
    """Judge an autoencoder by the features and the decisions of another run."""
    _expect_images(run.network)
    other = load_run(classifier)
    if other.network.stimulus.shape != run.network.stimulus.shape:
        raise DataError(
            f"{classifier}: expected a run on stimuli {list(run.network.stimulus.shape)}, it is on "
            f"{list(other.network.stimulus.shape)}."
        )
    loaded = _data_of(run)
    test = loaded.test.subset(slice(0, JUDGED))
    return evaluate_autoencoder(
        run.network.eval(),
        split_of(loaded, run.config, "train"),
        test,
        ClassifierFeatures(other.network.eval(), Path(classifier).name),
        classifier=other.network,
        samples=samples,
        components=components,
        seed=seed,
    )


def _data_of(run: Run) -> data.Dataset:
    return data.load(run.config.dataset, root=run.config.data_root, **run.config.data_options)


def _expect_images(network: Network) -> None:
    if kind_of(network) is not Kind.AUTOENCODER or len(network.stimulus.shape) != 3:
        raise ConfigurationError(
            "recall: expected an autoencoder of images, to draw new ones from; train one with "
            "--model autoencoder (see 'bispike presets')."
        )
