"""The associative memory beside Kosko's BAM and a modern Hopfield network: `bispike study memory`.

Capacity, robustness and replay are measured on random patterns; replay and completion also on images, and completion of
unseen images with a trained network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from .. import data
from ..analysis.generation import BATCH
from ..arguments import checked
from ..errors import ConfigurationError
from ..figures.files import write_picture
from ..figures.recall import capacity_figure, completion_figure, replay_figure, robustness_figure
from ..files import write_json
from ..functional.cues import half_cue
from ..memory import (
    AssociativeMemory,
    CompletionQuality,
    KoskoBAM,
    ModernHopfield,
    SequenceMemory,
    capacity,
    capacity_curve,
    complete,
    replay_accuracy,
    robustness_curve,
    stored_completion,
)
from ..memory.completion_quality import COMPLETION_SETTINGS, class_means, hidden_error
from ..memory.curves import Memory
from ..runs.marker import RESULTS, claim
from ..runs.run import Run, expect_single_stimuli, load_run
from ..runs.source import open_data
from ..training.environment import deterministic

OURS = "bispike 784 × 100"
PAIRS = (10, 20, 30, 34, 38, 42, 50, 60, 70, 76, 80, 84, 90, 100)
SHARES = (0.0, 0.1, 0.2, 0.25, 0.3, 0.4)
MASKED = (0.0, 0.25, 0.5, 0.6, 0.75)
FILES = (
    "memory.json",
    "memory-capacity.png",
    "memory-robustness.png",
    "memory-replay.png",
    "completion-stored.png",
    "completion-unseen.png",
)
STORED = ((50, 100), (100, 100), (100, 400), (200, 400), (400, 400))  # images, concept units


@checked
def makers(passes: int) -> dict[str, Callable[[int, int, int], Memory]]:
    """A new memory of each kind, from (stimulus units, concept units, seed)."""
    return {
        OURS: lambda n, m, seed: AssociativeMemory(n, m, passes=passes, seed=seed),
        "Kosko's BAM": lambda n, m, seed: KoskoBAM(n, m),
        "modern Hopfield": lambda n, m, seed: ModernHopfield(),
    }


@checked
def measure_memories(
    out: Path, *, seeds: int = 3, passes: int = 30, dataset: str | None = None, run: str | Path | None = None
) -> dict[str, Any]:
    """Measure the memories on one thread; write `memory.json` and the figures.

    Args:
        out: folder of the results.
        seeds: memories of each kind, at least 1.
        passes: how often each pair is shown to ours, at least 1.
        dataset: images for replay and completion; None for random patterns only.
        run: folder of a trained network that completes unseen images.

    Returns:
        Plain values, as in `memory.json`.

    Raises:
        ConfigurationError: too few seeds or passes.
        UserError: the data set or the run cannot be read, or the folder not be written, or it holds
            files of these names that bispike did not write.
    """
    if seeds < 1 or passes < 1:
        raise ConfigurationError(f"seeds and passes: expected at least 1, received {seeds} and {passes}.")
    images = None if dataset is None else data.load(dataset).train[:10000]
    network = None if run is None else load_run(run)
    claim(out, RESULTS, FILES)
    with deterministic(torch.device("cpu"), threads=1):
        found = _measure(out, seeds, passes)
        if images is not None:
            found |= _on_images(str(dataset), images, out, found["replay"])
        if network is not None:
            found["network"] = complete_unseen(network, out / "completion-unseen.png")
    write_json(out / "memory.json", found)
    return found


def _measure(out: Path, seeds: int, passes: int) -> dict[str, Any]:
    """What is measured on random patterns."""
    made = makers(passes)
    curves = {name: capacity_curve(make, PAIRS, seeds=seeds) for name, make in made.items()}
    write_picture(out / "memory-capacity.png", capacity_figure(curves))
    kinds = {
        kind: {name: robustness_curve(make, shares, kind=kind, seeds=seeds) for name, make in made.items()}
        for kind, shares in (("flipped", SHARES), ("masked", MASKED))
    }
    write_picture(out / "memory-robustness.png", robustness_figure(kinds, pairs=40))
    generator = torch.Generator().manual_seed(0)
    bits = torch.randint(0, 2, (3, 20, 784), generator=generator).float()
    return {
        "seeds": seeds,
        "passes": passes,
        "capacity": {name: capacity(points) for name, points in curves.items()},
        "one_pass": capacity(capacity_curve(makers(1)[OURS], (10, 20, 30, 40, 50), seeds=seeds)),
        "curves": {name: [asdict(point) for point in points] for name, points in curves.items()},
        "robustness": {
            kind: {name: [asdict(p) for p in points] for name, points in of.items()} for kind, of in kinds.items()
        },
        "replay": {"3 random sequences of 20": replay_accuracy(bits)},
    }


def _on_images(
    dataset: str, images: tuple[torch.Tensor, torch.Tensor], out: Path, replay: dict[str, Any]
) -> dict[str, Any]:
    """Replay and completion of stored images, which come with their labels."""
    stimuli, labels = images
    sequence = (stimuli[:60] > 0.5).float()
    replay[f"3 sequences of 20 from {dataset}"] = replay_accuracy(sequence.flatten(1).view(3, 20, -1))
    memory = SequenceMemory(stimuli.shape[1:])
    memory.store(sequence[None, :20])
    forward = memory.replay(sequence[:1], 19)[0]
    backward = memory.replay_backward(sequence[19:20], 19)[0].flip(0)
    write_picture(out / "memory-replay.png", replay_figure(sequence[:20], forward, backward))
    known = half_cue(tuple(stimuli.shape[1:]), "bottom")
    rows = [stored_completion(stimuli, labels, known, stored=count, units=units) for count, units in STORED]
    shown = AssociativeMemory(stimuli.shape[1:], 400, **COMPLETION_SETTINGS)
    concepts = torch.randint(0, 2, (100, 400), generator=torch.Generator().manual_seed(0)).float()
    shown.store(stimuli[:100], concepts)
    completed = shown.complete(stimuli[:6], known=known, passes=3)
    cues = torch.where(known > 0, stimuli[:6], 0.3)
    write_picture(out / "completion-stored.png", completion_figure(cues, completed.stimuli, stimuli[:6]))
    return {"stored": [{**asdict(row), "units": units} for row, (_, units) in zip(rows, STORED, strict=True)]}


@checked
def complete_unseen(run: Run, path: Path | None = None, *, passes: int = 4, trust: bool = False) -> dict[str, Any]:
    """Completion of a run's test images, the bottom half hidden: `CompletionQuality` and the accuracies per pass."""
    loaded = open_data(run.path, run.config.to_dict(), trust=trust, like=run.schema)
    train, train_labels = loaded.train[: len(loaded.train)]
    stimuli, labels = loaded.test[: len(loaded.test)]
    network = expect_single_stimuli(run, "completion").eval()
    known = half_cue(network.stimulus.shape, "bottom")
    parts = [complete(network, part, known, passes=passes) for part in stimuli.split(BATCH)]
    steps = [torch.cat([part.stimuli[i] for part in parts]) for i in range(passes)]
    scores = [torch.cat([part.concepts[i] for part in parts]) for i in range(passes)]
    scores.append(torch.cat([part.concept for part in parts]))
    right = [float((values.argmax(1) == labels).double().mean()) for values in scores]
    base = hidden_error(class_means(train, train_labels)[labels], stimuli, known)
    ratios = [hidden_error(values, stimuli, known) / base for values in steps]
    if path is not None:
        cues = torch.where(known > 0, stimuli[:6], network.stimulus_mean)
        write_picture(path, completion_figure(cues, [values[:6] for values in steps], stimuli[:6]))
    summary = CompletionQuality(len(stimuli), ratios[-1], ratios[0], right[0], right[-1])
    return {**asdict(summary), "ratios": ratios, "accuracies": right}


CAPTION = "Wrong bits (%) of concept / stimulus, a quarter of the cue flipped"


@checked
def capacity_table(found: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Head and rows: wrong bits by the number of stored pairs, one column per memory."""
    curves = found["curves"]
    rows = [
        [str(count), *(f"{100 * of[i]['concept']:.2f} / {100 * of[i]['stimulus']:.2f}" for of in curves.values())]
        for i, count in enumerate(PAIRS)
    ]
    return ["pairs", *curves], rows


@checked
def sentences(found: Mapping[str, Any]) -> list[str]:
    """The other results, one line each."""
    stored = ", ".join(f"{name} {value}" for name, value in found["capacity"].items())
    lines = [f"pairs stored with at most 5 % wrong bits: {stored}"]
    lines.append(f"{OURS}, each pair shown once: {found['one_pass']}")
    for name, values in found["replay"].items():
        lines.append(f"replay, {name}: forward {values['forward']:.3f}, backward {values['backward']:.3f}")
    completed = [(f"{row['stored']} stored with {row['units']} units", row) for row in found.get("stored", [])]
    if "network" in found:
        completed.append((f"{found['network']['stored']} unseen", found["network"]))
    for what, row in completed:
        lines.append(
            f"{what}, bottom half hidden: error {row['ratio']:.3f} of the class mean's; decision from the cue right "
            f"in {100 * row['decided']:.1f} %, after the passes in {100 * row['settled']:.1f} %"
        )
    return lines
