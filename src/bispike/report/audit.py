"""The audit of a run: its rule on its trained network and its data, kept in its folder for the report."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from .. import analysis, data
from ..analysis import Audit
from ..analysis.criteria.measure import SAMPLES
from ..errors import BispikeError
from ..nn import Network
from ..training.files import write_json
from ..training.folder import AUDIT
from ..training.runs import Run, expect_single_stimuli, load_run


def audit_run(path: str | Path, *, data_root: str | Path | None = None, batch: int = 4, seed: int = 0) -> Audit:
    """Measure C1 to C5 of a run and leave the result in its folder.

    Args:
        path: folder of the run.
        data_root: folder where data sets lie; None looks where the run found them and in the usual places. Without
            the run's data the stimuli are noise.
        batch: samples a step.
        seed: of all that is drawn.

    Raises:
        CheckpointError: it is no run, or a damaged one.
        UserError: the result cannot be written.
    """
    run = load_run(path)
    expect_single_stimuli(run, "audit")
    stimuli, labels, words = _samples(run, data_root, max(SAMPLES, 2 * batch), seed)
    found = analysis.audit(
        run.config.rule,
        network=run.network,
        stimuli=stimuli,
        labels=labels,
        stimuli_are=words,
        batch=batch,
        trained=True,
        seed=seed,
        **run.rule.options,
    )
    write_json(Path(path) / AUDIT, found.to_dict())
    return found


def _samples(run: Run, data_root: str | Path | None, count: int, seed: int) -> tuple[Tensor, Tensor, str]:
    """Training stimuli of the run, or noise of their shape, with labels and what they are in words."""
    config, network = run.config, run.network
    try:
        loaded = data.load(config.dataset, root=data_root or config.data_root, download=False, **config.data_options)
    except BispikeError:
        return *_noise(network, count, seed), "noise, since the run's data was not found,"
    if loaded.stimulus.shape != network.stimulus.shape or loaded.concept.classes != network.concept.classes:
        return *_noise(network, count, seed), "noise, since the run's data has changed,"
    if len(loaded.train) < count:
        return *_noise(network, count, seed), "noise, since the run's data has too few stimuli,"
    return *loaded.train.batch(torch.arange(count)), config.dataset


def _noise(network: Network, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Stimuli `[count, *shape]` that are uniform in [0, 1], or 0 and 1 where spikes are expected."""
    generator = torch.Generator().manual_seed(seed)
    stimuli = torch.rand(count, *network.stimulus.shape, generator=generator)
    if network.stimulus_code == "given":
        stimuli = stimuli.round()
    return stimuli, torch.arange(count) % network.concept.classes
