"""The two ways to start a training: `fit` with objects, `run_config` with settings that name everything.

Both write the same folder and resume the same way. A finished run is not trained further: the learning rate
schedule spans the epochs that were asked for, so ten epochs and five more are not fifteen. Resuming a finished run
returns it; asking it for more epochs is an error that says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from .. import data as datasets
from .. import models, rules
from ..config.checks import validate, validate_training
from ..config.train_config import TrainConfig, differences, from_dict, read_config
from ..data import Dataset
from ..data.sequence_dataset import SequenceDataset
from ..errors import CheckpointError, ConfigurationError
from ..nn import Group, Network
from ..rules import Rule
from ..runs.checkpoint import load_weights, read_tensors
from ..runs.folder import MODEL, check_target, clear, is_finished, is_occupied, locked
from ..runs.run import Run, load_run, read_metrics, read_summary
from . import distributed
from . import progress as telling
from .loop import Training

PathLike = str | Path
_ENDS = ("stimulus_shape", "stimulus_mean", "stimulus_std", "concept_names")


def fit(
    network: Network,
    rule: Rule | str,
    data: Dataset,
    *,
    out: PathLike | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: str | telling.Progress | None = "auto",
    **settings: Any,
) -> Run:
    """Train a network with a rule on a data set, validate after each epoch, test once at the end.

    Args:
        network: trained in place.
        rule: a rule on this network, or the name of one.
        data: fits the network's two ends.
        out: folder of the run; None keeps everything in memory.
        resume: go on with the run in `out`, bit for bit, or begin it if nothing is there.
        overwrite: replace the run in `out`.
        progress: "auto" (a bar on a terminal, a line an epoch otherwise), "bar", "plain", "none" or None.
        **settings: of `TrainConfig`: epochs, batch_size, lr, optimizer, schedule, seed, validation, patience,
            augment, device, checkpoint_seconds, ...

    Returns:
        Run: network, rule, summary with the test accuracy, metrics of each epoch.

    Raises:
        ConfigurationError: all wrong settings together, or objects that do not fit each other.
        CheckpointError: the run in `out` cannot be resumed with these settings, or is damaged.
        DivergenceError, TrainingInterrupted: what was saved is named.
    """
    config = _config_of(network, rule, data, settings)
    validate_training(config)
    target = _target(out, network, resume=resume, overwrite=overwrite)
    with distributed.processes(config.device) as group:
        teller = _teller(group, progress)
        if _finished(group, target, resume=resume, overwrite=overwrite) and target is not None:
            _expect_unchanged(target, config, teller)
            load_weights(network, read_tensors(target / MODEL), target / MODEL)
            known = rules.create(rule, network) if isinstance(rule, str) else rule
            return Run(target, config, network, known, read_summary(target) or {}, read_metrics(target))
        _check_fit(network, data, config)
        device = distributed.device_here(config.device)
        if isinstance(rule, str):
            network.to(device)
            rule = rules.create(rule, network)
        elif not _is_on(network, device):
            # A rule may hold tensors beside the network's; it has no way to move them.
            raise ConfigurationError(
                f"device: expected the network on {device!r} before the rule was made, it is on "
                f"'{_device(network)}'. Call network.to({device!r}) first, or give the rule by name."
            )
        return _train(config, network, rule, data, target, overwrite=overwrite, teller=teller, group=group)


def run_config(
    config: TrainConfig | None,
    *,
    out: PathLike | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: str | telling.Progress | None = "auto",
) -> Run:
    """Train from settings alone: data set, model and rule are built from their names.

    Args:
        config: the settings; None takes those of the run in `out` (with `resume`).
        out, resume, overwrite, progress: as in `fit`.

    Raises:
        As `fit`, and what loading the data raises.
    """
    if config is None:
        if out is None or not resume:
            raise ConfigurationError("run_config: settings can only be left out to resume the run in a folder.")
        config = read_config(out)
    validate(config)
    target = None if out is None else Path(out)
    with distributed.processes(config.device) as group:
        teller = _teller(group, progress)
        if _finished(group, target, resume=resume, overwrite=overwrite) and target is not None:
            _expect_unchanged(target, config, teller)
            return load_run(target)
        dataset, network, rule = _built(config, group)
        for sentence in dataset.notes:
            teller.note(sentence)
        _check_fit(network, dataset, config)
        return _train(config, network, rule, dataset, target, overwrite=overwrite, teller=teller, group=group)


def _built(config: TrainConfig, group: Group) -> tuple[Dataset, Network, Rule]:
    """Data set, network and rule from their names."""
    dataset = distributed.in_turn(
        group, lambda: datasets.load(config.dataset, root=config.data_root, **config.data_options)
    )
    options = {"seed": config.seed, **config.model_options}
    try:
        network = models.create(config.model, dataset.stimulus, dataset.concept, **options)
    except TypeError as error:
        raise ConfigurationError(f"settings of model {config.model!r}: {error}.") from error
    network.to(distributed.device_here(config.device))
    return dataset, network, rules.create(config.rule, network, **config.rule_options)


def _teller(group: Group, progress: str | telling.Progress | None) -> telling.Progress:
    """Of several processes the first one tells."""
    teller = telling.create(progress)
    return teller if group.rank == 0 else telling.Progress()


def _finished(group: Group, target: Path | None, *, resume: bool, overwrite: bool) -> bool:
    """Whether a finished run is asked for again; process 0 looks at the folder and all hear what it found.

    Raises:
        UserError: the folder cannot be used.
    """

    def look() -> bytes:
        if target is None:
            return b""
        check_target(target, resume=resume, overwrite=overwrite)
        return b"finished" if resume and is_finished(target) else b""

    return bool(distributed.first(group, look))


def _train(
    config: TrainConfig,
    network: Network,
    rule: Rule,
    data: Dataset,
    target: Path | None,
    *,
    overwrite: bool,
    teller: telling.Progress,
    group: Group,
) -> Run:
    training = Training(config, network, rule, data, folder=target, progress=teller, group=group)
    if target is None or group.rank > 0:
        return training.run()
    with locked(target):
        if overwrite and is_occupied(target):
            clear(target)
        return training.run()


def _config_of(network: Network, rule: Rule | str, data: Dataset, settings: dict[str, Any]) -> TrainConfig:
    """The settings that describe objects."""
    spec = {key: value for key, value in network.spec.items() if key not in _ENDS}
    if isinstance(rule, str):
        name, options = rule, {}
    else:
        name, options = rule.name, rule.options
        if rule.network is not network:
            raise ConfigurationError("rule: expected a rule on the network that is trained, received one on another.")
    recommended = rules.registry[name].recommended if name in rules.registry else {}
    described: dict[str, Any] = {
        "dataset": data.name,
        "model": spec.pop("model", type(network).__name__),
        "model_options": spec,
        "rule": name,
        "rule_options": options,
    }
    given = sorted(described.keys() & settings.keys())
    if given:
        raise ConfigurationError(f"fit: {', '.join(given)} follow from the objects and cannot be set.")
    return from_dict({**recommended, **described, **settings})


def _target(out: PathLike | None, network: Network, *, resume: bool, overwrite: bool) -> Path | None:
    if out is None:
        if resume or overwrite:
            raise ConfigurationError("resume and overwrite: expected a folder (out), received none.")
        return None
    if not network.spec:
        raise ConfigurationError(
            "out: a run's folder needs a network that can be built again; this one has no spec. "
            "Build it with bispike.models, or train it in memory (out=None)."
        )
    return Path(out)


def _check_fit(network: Network, data: Dataset, config: TrainConfig) -> None:
    problems = []
    if network.recurrent != isinstance(data, SequenceDataset):
        fitting = "model 'rnn'" if not network.recurrent else "a model for single stimuli, such as 'mlp'"
        raise ConfigurationError(
            f"model: data set {data.name!r} is for the task {data.task!r}; expected {fitting}, received a "
            f"{'recurrent network' if network.recurrent else 'network for single stimuli'}."
        )
    given = (network.stimulus_code, network.time_steps)
    if data.task == "events" and not network.recurrent and given != ("given", data.stimulus.shape[0]):
        raise ConfigurationError(
            f"model: data set {data.name!r} holds events in {data.stimulus.shape[0]} bins of time; expected "
            f"stimulus_code 'given' and time_steps {data.stimulus.shape[0]}, received {network.stimulus_code!r} and "
            f"{network.time_steps}: --set stimulus_code=given time_steps={data.stimulus.shape[0]}."
        )
    if network.stimulus.shape != data.stimulus.shape:
        problems.append(
            f"stimulus: the network expects {list(network.stimulus.shape)}, data set {data.name!r} has "
            f"{list(data.stimulus.shape)}."
        )
    if network.concept.classes != data.concept.classes:
        problems.append(
            f"concept: the network tells {network.concept.classes} classes apart, data set {data.name!r} has "
            f"{data.concept.classes}."
        )
    if config.augment != "none" and len(data.stimulus.shape) != 3:
        problems.append(
            f"augment: {config.augment!r} changes images [C, H, W]; the stimuli have shape {list(data.stimulus.shape)}."
        )
    if config.limit is not None and config.limit > len(data.train):
        problems.append(f"limit: expected at most the {len(data.train)} training samples, received {config.limit}.")
    if config.test and len(data.test) == 0:
        problems.append(f"data set {data.name!r} has no test samples.")
    if problems:
        raise ConfigurationError(problems)


def _expect_unchanged(target: Path, config: TrainConfig, teller: telling.Progress) -> None:
    """A finished run may be asked for again with its own settings only."""
    found = differences(read_config(target).to_dict(), config)
    if found:
        raise CheckpointError(
            f"{target}: this run is finished, with other settings: {'; '.join(found)}. A finished run cannot be "
            "trained further (its learning rate schedule has come to its end): choose another folder."
        )
    teller.note(f"{target}: this run is finished already; nothing was trained.")


def _device(network: Network) -> torch.device:
    return next(network.parameters()).device


def _is_on(network: Network, name: str) -> bool:
    """Whether the network is on a device; "cuda" without a number is whichever it is on."""
    here, asked = _device(network), torch.device(name)
    return here.type == asked.type and asked.index in (None, here.index)
