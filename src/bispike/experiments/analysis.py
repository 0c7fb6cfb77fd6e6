"""Measurements of a finished run beyond its accuracy: `bispike analyse`.

Similarity of the pathways, angle between weight changes and gradient, linear separability of each layer, accuracy on
damaged stimuli and with lost spikes. The result is plain values in `analysis.json`, with the digest of the weights.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from .. import rules
from ..analysis import (
    Sample,
    agreement,
    inference_operations,
    layer_rates,
    linear_probe,
    read_layers,
    reference_rule,
    update_angles,
)
from ..arguments import checked
from ..data import Split
from ..errors import CheckpointError, ConfigurationError
from ..nn import Network, StimulusNetwork
from ..rules import Rule
from ..runs.record import initial_network
from ..runs.run import Run, expect_single_stimuli, load_run
from ..runs.saved_results import model_digest
from ..runs.source import open_data
from ..training.batches import epoch_order
from ..training.evaluation import split_of
from .kinds import stimulus_network
from .robustness import damaged_accuracies
from .untrained import calibrated

SAMPLES = 1000  # test stimuli
PROBE_SAMPLES = 2000  # training stimuli of the probes; every fourth chooses the ridge
BATCHES = 8  # of the angles
INPUT = "input"


@checked
def analyse_run(
    path: str | Path,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    dataset: str | None = None,
    data_root: str | Path | None = None,
    trust: bool = False,
    note: Callable[[str], None] = lambda message: None,
) -> dict[str, Any]:
    """Analyse a finished run; its folder is unchanged.

    Args:
        path: folder of the run.
        samples: test stimuli to measure with, at least 2.
        seed: of what is drawn at random.
        dataset: where the data of the run are now; None: where its training found them.
        data_root: folder where data sets lie; None looks where the run found them and in the usual places.
        trust: whether to open and download what the settings of somebody else's run name (see `runs.source`).
        note: receives a line as each part begins.

    Returns:
        Plain values: "agreement", "update_angle", "probe", "robustness", "operations", and what they were measured on.

    Raises:
        ConfigurationError: too few samples.
        CheckpointError: no run, or one that has not ended.
        DataError: the data set cannot be read.
    """
    if samples < 2:
        raise ConfigurationError(f"samples: expected at least 2, received {samples}.")
    run = load_run(path)
    run.tell(note)
    network = expect_single_stimuli(run, "analyse")
    if not run.summary:
        raise CheckpointError(f"{path}: this training has not ended; --resume goes on with it.")
    config = run.config
    loaded = open_data(
        run.path, config.to_dict(), dataset=dataset, data_root=data_root, trust=trust, note=note, like=run.schema
    )
    test, train = _first(loaded.test, samples), split_of(loaded, config, "train")
    initial = initial_network(path, network)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # stochastic stimulus codes
        note("similarity of the pathways")
        similar = _agreement(run.rule, network, test)
        note("angle of the weight changes to the gradient")
        angles = _angles(run, initial, train, seed)
        note("linear probes")
        probes = _probes(network, initial, train, test)
        note("robustness")
        robust = damaged_accuracies(network, test, seed)
        operations = inference_operations(network, test[:256][0], own=run.rule.state)
    return {
        "run": str(path),
        "model_sha256": model_digest(path),
        "dataset": config.dataset,
        "model": config.model,
        "rule": config.rule,
        "activity": run.rule.signals.name,
        "classes": network.concept.classes,
        "test": run.summary["test"],
        "samples": len(test),
        "seed": seed,
        "agreement": similar,
        "update_angle": angles,
        "probe": probes,
        "robustness": robust,
        "operations": {
            **asdict(operations),
            "synaptic_operations": operations.synaptic_operations,
            "energy_nj": operations.energy_nj,
            "energy_nj_nonzero": operations.energy_nj_nonzero,
        },
    }


def _first(split: Split, count: int) -> Split:
    return split.subset(split.spread_rows(count))


def _agreement(rule: Rule, network: StimulusNetwork, test: Split) -> list[dict[str, Any]] | None:
    """None for a rule without a top-down pathway or without spikes."""
    if not rule.trains_top_down or not rule.signals.spiking:
        return None
    stimuli, labels = test[: len(test)]
    return [asdict(level) for level in agreement(read_layers(network, stimuli), labels)]


def _angles(run: Run, initial: Network | None, train: Split, seed: int) -> dict[str, Any]:
    size = min(run.config.batch_size, len(train))
    order = epoch_order(len(train), seed, 0)
    batches = [train[part] for part in order.split(size)[:BATCHES] if len(part) == size]
    found: dict[str, Any] = {"reference": reference_rule(run.rule), "batches": len(batches), "batch_size": size}
    found["trained"] = [asdict(angle) for angle in update_angles(run.rule, batches, seed=seed)]
    found["initial"] = None
    if initial is not None:
        fresh = rules.create(run.rule.name, copy.deepcopy(initial), **run.rule.options)
        found["initial"] = [asdict(angle) for angle in update_angles(fresh, batches, seed=seed)]
    return found


def _probes(network: StimulusNetwork, initial: Network | None, train: Split, test: Split) -> dict[str, Any]:
    part = _first(train, PROBE_SAMPLES)
    stimuli, labels = part[: len(part)]
    shown, answers = test[: len(test)]
    validating = torch.arange(len(labels)) % 4 == 3
    classes = network.concept.classes

    def accuracies(seen: dict[str, torch.Tensor], tested: dict[str, torch.Tensor]) -> dict[str, float]:
        return {
            name: linear_probe(
                Sample(values[~validating], labels[~validating]),
                Sample(values[validating], labels[validating]),
                Sample(tested[name], answers),
                classes=classes,
            ).accuracy
            for name, values in seen.items()
        }

    found: dict[str, Any] = {"train": int((~validating).sum()), "test": len(answers)}
    found[INPUT] = accuracies({INPUT: stimuli.flatten(1)}, {INPUT: shown.flatten(1)})[INPUT]
    found["trained"] = accuracies(layer_rates(network, stimuli), layer_rates(network, shown))
    found["untrained"] = None
    if initial is not None:
        untrained = calibrated(stimulus_network(initial), stimuli)
        found["untrained"] = accuracies(layer_rates(untrained, stimuli), layer_rates(untrained, shown))
    return found
