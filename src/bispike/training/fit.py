"""The two ways to start a training: `fit` with objects, `run_config` with settings that name everything.

Both write the same folder and resume in the same way. A finished run is not trained further: the schedule of the
learning rate spans the epochs of the settings, so that ten epochs and then five more are not the same as fifteen.
Resuming a finished run returns it; asking it for more epochs is an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from .. import data as datasets
from .. import models, rules
from ..arguments import expect, raise_problems, switch
from ..config.differences import differences
from ..config.resolve import validate, validate_training
from ..config.train_config import CONFIG_FILE, TrainConfig, read_config
from ..data import Dataset
from ..errors import CheckpointError, ConfigurationError
from ..nn import Group, Network
from ..nn.inference import learning
from ..rules import Rule
from ..runs.checkpoint import load_weights, read_tensors
from ..runs.epochs import read_metrics
from ..runs.folder import CHECKPOINT, MODEL, check_target, is_finished, prepare
from ..runs.lock import locked
from ..runs.run import Run, load_run
from ..runs.saved_model import load_decision, network_tensors
from ..runs.saved_results import read_summary
from ..runs.source import expect_trusted
from . import distributed
from .compatibility import check_device, check_fit, config_of
from .interrupt import explained
from .lost_terminal import Losable
from .progress import Progress
from .progress import create as create_progress
from .trainer import Trainer

PathLike = str | Path


def fit(
    network: Network,
    rule: Rule | str,
    data: Dataset,
    *,
    out: PathLike | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: str | Progress | None = "auto",
    **settings: Any,
) -> Run:
    """Train a network with a rule on a data set, validate after each epoch, test once at the end.

    Args:
        network: trained in place.
        rule: a rule on this network, or the name of one.
        data: with stimuli and classes (or quantities) of the network's shape.
        out: folder of the run; None keeps everything in memory.
        resume: continue the run in `out` bit for bit, or begin it if the folder is empty.
        overwrite: replace the run in `out`.
        progress: "auto" (a bar on a terminal, one line per epoch otherwise), "bar", "plain", "none" or None.
        **settings: of `TrainConfig`: epochs, batch_size, lr, optimizer, schedule, seed, validation, patience,
            augment, device, checkpoint_seconds, ...

    Returns:
        Run: network, rule, summary with the test accuracy, metrics of each epoch.

    Raises:
        ConfigurationError: all wrong settings together, or objects that do not fit each other.
        CheckpointError: the run in `out` cannot be resumed with these settings, or is damaged.
        DivergenceError, TrainingInterrupted, ProcessLost: the message states what was saved and how to resume.
    """
    _check_call(out, resume=resume, overwrite=overwrite)
    config = config_of(network, rule, data, settings)
    _expect_precision(network)
    validate_training(config)
    target = _target(out, network, resume=resume, overwrite=overwrite)
    with learning(network), explained(target, resume=resume), distributed.processes(config.device) as group:
        reporter = _reporter(group, progress)
        if _finished(group, target, resume=resume, overwrite=overwrite) and target is not None:
            _expect_unchanged(target, config, reporter)
            weights = read_tensors(target / MODEL)
            load_weights(network, network_tensors(weights), target / MODEL)
            known = rules.create(rule, network) if isinstance(rule, str) else rule
            load_decision(known, weights, target / MODEL)
            summary = read_summary(target) or {}
            return Run(target, config, network, known, summary, read_metrics(target), schema=data.schema)
        check_fit(network, data, config)
        device = distributed.device_here(config.device)
        if isinstance(rule, str):
            network.to(device)
            rule = rules.create(rule, network)
        else:
            check_device(network, device)
        return _train(
            config, network, rule, data, target, resume=resume, overwrite=overwrite, progress=reporter, group=group
        )


def run_config(
    config: TrainConfig | None,
    *,
    out: PathLike | None = None,
    resume: bool = False,
    overwrite: bool = False,
    trust: bool = False,
    progress: str | Progress | None = "auto",
) -> Run:
    """Train from settings alone: data set, model and rule are built from their names.

    Args:
        config: the settings; None takes those of the run in `out` (with `resume`).
        out, resume, overwrite, progress: as in `fit`.
        trust: whether somebody else's run is resumed although its settings name a path or a download (`runs.source`).

    Raises:
        As `fit`, and what loading the data raises.
    """
    _check_call(out, resume=resume, overwrite=overwrite)
    if config is None:
        if out is None or not resume:
            raise ConfigurationError(
                "run_config: expected settings, received none. They can be left out only to resume the run in a folder "
                "(out=..., resume=True)."
            )
        config = read_config(out)
    expect("config", config, TrainConfig, "a TrainConfig")
    validate(config)
    target = None if out is None else Path(out)
    with learning(), explained(target, resume=resume), distributed.processes(config.device) as group:
        reporter = _reporter(group, progress)
        if _finished(group, target, resume=resume, overwrite=overwrite) and target is not None:
            _expect_unchanged(target, config, reporter)
            return load_run(target)
        if resume and target is not None and any((target / name).exists() for name in (CONFIG_FILE, CHECKPOINT)):
            expect_trusted(target, trust=trust)
        dataset, network, rule = _built(config, group)
        for sentence in dataset.notes:
            reporter.note(sentence)
        check_fit(network, dataset, config)
        return _train(
            config, network, rule, dataset, target, resume=resume, overwrite=overwrite, progress=reporter, group=group
        )


def _check_call(out: PathLike | None, *, resume: bool, overwrite: bool) -> None:
    """Raise a ConfigurationError unless a folder is a path, and what to do with it true or false."""
    raise_problems(
        lambda: expect("out", out, (str, Path, type(None)), "the path of a folder"),
        lambda: switch("resume", resume),
        lambda: switch("overwrite", overwrite),
    )
    if out is not None and not str(out).strip():
        raise ConfigurationError(f"out: expected the path of a folder, received {out!r}.")


def _expect_precision(network: Network) -> None:
    """Raise a ConfigurationError unless the weights have the precision of stimuli, float32, or more."""
    precision = network.stimulus_mean.dtype
    if torch.promote_types(precision, torch.float32) != precision:
        name = str(precision).removeprefix("torch.")
        raise ConfigurationError(
            f"network: expected weights of float32 or float64, received {name}, too coarse for training. Train "
            "network.float(), and convert it afterwards."
        )


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


def _reporter(group: Group, progress: str | Progress | None) -> Progress:
    """The progress that this process shows; of several processes only process 0 shows any."""
    reporter = progress if isinstance(progress, Progress) else Losable(create_progress(progress))
    return reporter if group.rank == 0 else Progress()


def _finished(group: Group, target: Path | None, *, resume: bool, overwrite: bool) -> bool:
    """Whether a finished run is to be resumed; process 0 reads the folder and all processes get the answer.

    Raises:
        UserError: the folder cannot be used.
    """

    def look() -> bytes:
        if target is None:
            return b""
        check_target(target, resume=resume, overwrite=overwrite)
        return b"finished" if resume and is_finished(target) else b""

    return bool(distributed.from_first(group, look))


def _train(
    config: TrainConfig,
    network: Network,
    rule: Rule,
    data: Dataset,
    target: Path | None,
    *,
    resume: bool,
    overwrite: bool,
    progress: Progress,
    group: Group,
) -> Run:
    trainer = Trainer(config, network, rule, data, folder=target, progress=progress, group=group)
    if target is None or group.rank > 0:
        return trainer.run()
    with locked(target, note=progress.note) as lock:
        prepare(target, resume=resume, overwrite=overwrite)
        if is_finished(target):
            raise CheckpointError(f"{target}: another process has just finished this run. Load it, or resume it again.")
        trainer.checkpointer.lock = lock
        return trainer.run()


def _target(out: PathLike | None, network: Network, *, resume: bool, overwrite: bool) -> Path | None:
    if out is None:
        if resume or overwrite:
            raise ConfigurationError("resume and overwrite: expected a folder, received none. Name it with out=...")
        return None
    if not network.spec:
        raise ConfigurationError(
            "out: expected a network that can be built again from its spec, received one that has no spec. "
            "Build it with bispike.models, or train it in memory (out=None)."
        )
    return Path(out)


def _expect_unchanged(target: Path, config: TrainConfig, progress: Progress) -> None:
    """Raise a CheckpointError unless a finished run is resumed with its own settings."""
    found = differences(read_config(target).to_dict(), config)
    if found:
        raise CheckpointError(
            f"{target}: this run is finished, with other settings: {'; '.join(found)}. A finished run cannot be "
            "trained further, because its schedule of the learning rate has ended. Choose another folder."
        )
    progress.note(f"{target}: this run is finished already; nothing was trained.")
