"""The audit of a run: its rule on its trained network and its data, saved in its folder for the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from .. import analysis, rules
from ..analysis import Audit
from ..analysis.criteria import LOCAL, left_in_earlier_positions
from ..analysis.criteria.measure import SAMPLES
from ..arguments import checked
from ..data import Dataset
from ..errors import BispikeError
from ..files import write_json
from ..nn import Classifier, Network
from ..runs.folder import AUDIT
from ..runs.marker import RESULTS, check_claim, claim
from ..runs.run import Run, load_run
from ..runs.source import ForeignDataError, open_data


@checked
def audit_run(
    path: str | Path,
    *,
    dataset: str | None = None,
    data_root: str | Path | None = None,
    batch: int = 4,
    seed: int = 0,
    trust: bool = False,
    note: Callable[[str], None] = lambda message: None,
) -> Audit:
    """Measure C1 to C5 of a run and save the result in its folder.

    Args:
        path: folder of the run.
        dataset: where the data of the run are now; None: where its training found them.
        data_root: folder where data sets lie; None looks where the run found them and in the usual places. Without
            the run's data the stimuli are noise.
        batch: samples per step.
        seed: of all random draws.
        trust: whether to open what the settings of somebody else's run name (see `runs.source`).
        note: receives a sentence about the data of somebody else's run.

    Raises:
        CheckpointError: it is no run, or a damaged one.
        ForeignDataError: its settings name data that are not opened without being asked.
        UserError: the result cannot be written.
    """
    run = load_run(path)
    run.tell(note)
    check_claim(path, RESULTS, [AUDIT])
    opened = partial(
        open_data,
        run.path,
        run.config.to_dict(),
        dataset=dataset,
        data_root=data_root,
        download=False,
        trust=trust,
        note=note,
        like=run.schema,
    )
    if dataset is not None:  # the caller names data, so that noise in their place would be no answer
        given = opened()
        opened = partial(lambda: given)
    if run.task.sequential:
        return _saved(_of_sequences(run, opened, batch, seed), Path(path))
    stimuli, labels, words = _samples(run, opened, max(SAMPLES, 2 * batch), seed)
    found = analysis.audit(
        run.config.rule,
        network=run.network,
        stimuli=stimuli,
        labels=labels,
        stimuli_description=words,
        batch=batch,
        trained=True,
        seed=seed,
        **run.rule.options,
    )
    return _saved(found, Path(path))


def _saved(found: Audit, folder: Path) -> Audit:
    claim(folder, RESULTS, [AUDIT])
    write_json(folder / AUDIT, found.to_dict())
    return found


def _of_sequences(run: Run, opened: Callable[[], Dataset], batch: int, seed: int) -> Audit:
    """A recurrent run: the rule on the small dense network, and on the run's own network locality in time (C2)."""
    config = run.config
    known = rules.find(config.rule, Classifier).defaults()
    options = {name: value for name, value in run.rule.options.items() if name in known}
    found = analysis.audit(config.rule, batch=batch, seed=seed, **options)
    stimuli, targets = opened().train[:8]
    left = left_in_earlier_positions(run.rule, stimuli, targets)
    local = left <= LOCAL
    when = "at its own position only" if local else f"at earlier positions too ({100 * left:.0f} % of a change)"
    c2 = found.criteria["C2"]
    in_time = replace(
        c2,
        brief=f"{c2.brief}; {'its position' if local else 'earlier positions'}",
        finding=f"{c2.finding} In time: an error moves weights {when}.",
        measured={**c2.measured, "left_in_earlier_positions": left},
        how=f"{c2.how} Time: the target of the last position was changed, and the change of the gradients compared "
        "with what the synapses received there, on the run's own network, norms as constants.",
        holds=c2.holds and local,
    )
    note = "All but locality in time was measured on the small dense network, not on the run's recurrent one."
    return replace(found, criteria={**found.criteria, "C2": in_time}, notes=[*found.notes, note])


def _samples(run: Run, opened: Callable[[], Dataset], count: int, seed: int) -> tuple[Tensor, Tensor, str]:
    """Training stimuli of the run, or noise of their shape, with labels and a description."""
    config, network = run.config, run.network
    try:
        loaded = opened()
    except ForeignDataError:
        raise
    except BispikeError:
        return *_noise(network, count, seed), "noise, since the run's data was not found,"
    if loaded.stimulus.shape != network.stimulus.shape or loaded.concept.classes != network.concept.classes:
        return *_noise(network, count, seed), "noise, since the run's data has changed,"
    if len(loaded.train) < count:
        return *_noise(network, count, seed), "noise, since the run's data has too few stimuli,"
    return *loaded.train[torch.arange(count)], config.dataset


def _noise(network: Network, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Stimuli `[count, *shape]` that are uniform in [0, 1], or 0 and 1 where spikes are expected."""
    generator = torch.Generator().manual_seed(seed)
    stimuli = torch.rand(count, *network.stimulus.shape, generator=generator)
    if network.stimulus_code == "given":
        stimuli = stimuli.round()
    return stimuli, torch.arange(count) % network.concept.classes
