"""Folders that bispike wrote itself: runs, learners, associative memories, what a study measured.

Files are damaged as they are, and single tensors are replaced by others, with checksum and file name right again.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from bispike import models
from bispike.data import Dataset, Split
from bispike.data.series_windows import windowed
from bispike.errors import BispikeError
from bispike.experiments.analysis_tables import analysis_tables
from bispike.memory import AssociativeMemory
from bispike.nn import Classifier, Network, SequenceForecaster, SequenceNetwork
from bispike.online import Learner
from bispike.report.run import ReportRun
from bispike.report.sections.criteria import criteria
from bispike.runs.record import read_run
from bispike.runs.run import load_run
from bispike.spaces import Concept, Stimulus
from bispike.studies import costs
from bispike.training import fit
from bispike.training.measures import evaluate
from bispike.training.progress import Progress
from bispike.training.summary import of_run
from tests.tasks.makers import fox, walk

from ..target import Target

CLASSES = ("ant", "bee", "cat")
SHAPE = (1, 4, 4)
STEPS = 3  # in an epoch
Make = Callable[[], Network]


@cache
def _dataset() -> Dataset:
    stimuli = torch.randint(0, 256, (24, *SHAPE), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    split = Split(stimuli, torch.arange(24) % 3)
    return Dataset("tiny", Stimulus(SHAPE, (0.5,), (0.3,)), Concept(CLASSES), split, split)


def _mlp(**options: Any) -> Classifier:
    return models.mlp(_dataset().stimulus, [6, 5], _dataset().concept, time_steps=2, **options)


def _cnn() -> Network:
    return models.cnn(_dataset().stimulus, [2, 3], _dataset().concept, time_steps=2)


def _rnn() -> Network:
    return models.rnn(fox().stimulus, [5], fox().concept, threshold=0.5, excitability=0.5, top_down_recurrent=True)


def _forecaster() -> Network:
    return models.rnn(_series().stimulus, [5], _series().concept, threshold=0.5, excitability=0.5)


def _autoencoder() -> Network:
    return models.autoencoder(_dataset().stimulus, [6], _dataset().concept, latent=4, time_steps=2)


class _Stop(Exception):
    """Ends a training as a kill would."""


class _Dying(Progress):
    """Raises after a number of training steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self, loss: float) -> None:
        self.left -= 1
        if self.left == 0:
            raise _Stop


# ------------------------------------------------------------------ runs


@cache
def _series() -> Dataset:
    return windowed(walk(90), window=6)


def _data_of(network: Network) -> Dataset:
    if isinstance(network, SequenceForecaster):
        return _series()
    return fox() if isinstance(network, SequenceNetwork) else _dataset()


def _train(folder: Path, make: Make, rule: str, settings: dict[str, Any], **how: Any) -> None:
    network = make()
    values = {"epochs": 2, "batch_size": 6, "checkpoint_steps": 1, "keep": "best", "validation": 0.25, **settings}
    fit(network, rule, _data_of(network), out=folder / "run", **{"progress": "none", **how}, **values)


def make_interrupted(folder: Path, make: Make, rule: str, settings: dict[str, Any]) -> None:
    """A run that was killed in its second epoch."""
    try:
        _train(folder, make, rule, settings, progress=_Dying(STEPS + 2))
    except _Stop:
        return
    raise AssertionError("the training was not interrupted")


def make_finished(folder: Path, make: Make, rule: str, settings: dict[str, Any]) -> None:
    """A finished run with an analysis and an audit."""
    _train(folder, make, rule, settings)
    run = folder / "run"
    shares = [0.5, 0.4, 0.3, 0.2, 0.1]
    angles = [{"name": "layer1", "degrees": 80.0, "error": 1.0, "spread": 2.0}]
    level = {"name": "layer1", "own": 0.5, "other": 0.4, "chance": 0.3, "margin": 0.1, "error": 0.01}
    analysis = {
        "model_sha256": hashlib.sha256((run / "model.safetensors").read_bytes()).hexdigest(),
        "activity": "spikes",
        "classes": 3,
        "samples": 24,
        "agreement": [level],
        "update_angle": {"reference": "bptt", "batches": 1, "batch_size": 8, "trained": angles, "initial": angles},
        "probe": {"input": 0.5, "train": 18, "test": 6, "trained": {"layer1": 0.5}, "untrained": {"layer1": 0.4}},
        "robustness": {
            "clean": 0.6,
            "corruptions": {"noise": shares, "blur": None},
            "spike_loss": {"accuracy": shares, "probability": shares},
        },
        "operations": {},
    }
    verdict = {"brief": "b", "finding": "f", "measured": {}, "how": "h", "holds": True}
    names = ("C1", "C2", "C3", "C4", "C5")
    audit = {"criteria": dict.fromkeys(names, verdict), "data": "noise", "network": "mlp", "batch": 4, "notes": ["n"]}
    (run / "analysis.json").write_text(json.dumps(analysis))
    (run / "audit.json").write_text(json.dumps({**audit, "published": dict.fromkeys(names, True)}))


def use_run(folder: Path, make: Make, rule: str, settings: dict[str, Any]) -> None:
    """Load the run and measure it, then resume it; a refusal of the first does not keep the second from its turn."""
    refusal: BispikeError | None = None
    try:
        run = load_run(folder / "run")
        evaluate(run.network, _data_of(run.network).test)
        of_run(run)
    except BispikeError as error:
        refusal = error
    _train(folder, make, rule, settings, resume=True)
    if refusal is not None:
        raise refusal


def use_record(folder: Path) -> None:
    """Read the run for a report, with all that is known of it."""
    record = read_run(folder / "run")
    record.confusion  # noqa: B018
    if record.analysis is not None:
        analysis_tables(record.analysis)
    if record.audit:
        criteria(ReportRun(record, lambda: "no data"))
    evaluate(record.network, _dataset().test)


# ------------------------------------------------------------------ tensors


def replace_tensor(path: Path, rng: random.Random) -> str:
    """Replace, drop or add a tensor of a safetensors file; a checkpoint names the new file and its checksum."""
    try:
        tensors = load(path.read_bytes())
    except SafetensorError:
        return "nothing: the file was damaged before"
    name = rng.choice(sorted(tensors))
    value = tensors[name]
    way, new = rng.choice(_other_tensors(value, rng))
    if way == "dropped":
        del tensors[name]
    elif way == "renamed":
        tensors[rng.choice((f"{name}.other", "x", "optimizer/x/y", "optimizer/99/exp_avg", "best/x", "rule/x"))] = (
            tensors.pop(name)
        )
    elif way == "exchanged":
        other = rng.choice(sorted(tensors))
        tensors[name], tensors[other] = tensors[other], value
    else:
        tensors[name] = new
    _write(path, {key: item.contiguous() for key, item in tensors.items()})
    return f"{name} {list(value.shape)}: {way}"


def _other_tensors(value: Tensor, rng: random.Random) -> list[tuple[str, Tensor]]:
    real = value.is_floating_point()
    flat = value.flatten()
    one = value.clone()
    if flat.numel() and real:
        one.view(-1)[rng.randrange(flat.numel())] = rng.choice((float("nan"), float("inf"), -float("inf"), 1e38, -1.0))
    shapes = [(), (0,), (1,), (7,), (3, 3), tuple(value.shape)[::-1], (*value.shape, 1), (2000, 50)]
    dtypes = (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int8, torch.bool, torch.complex64)
    return [
        ("dropped", value),
        ("renamed", value),
        ("exchanged", value),
        *(("shape", torch.ones(shape, dtype=value.dtype)) for shape in shapes),
        *(("type", value.to(dtype)) for dtype in dtypes),
        *[("a value", one)] * 6,
        ("negative", -value.abs() - 1 if value.dtype != torch.bool else value),
        ("huge", torch.full_like(value, 3e38 if real and value.dtype != torch.float16 else 1)),
        ("many", torch.full_like(value, 1e15 if value.dtype in (torch.float32, torch.float64) else 1)),
    ]


def _write(path: Path, tensors: dict[str, Tensor]) -> None:
    content = save(tensors)
    names = [entry for entry in (path.with_name("latest.json"), path.with_name("previous.json")) if entry.exists()]
    digest = hashlib.sha256(content).hexdigest()
    if not names:
        path.write_bytes(content)
        return
    name = f"{path.name[:13]}-{digest[:8]}.safetensors"
    for entry in names:
        values = json.loads(entry.read_text())
        if values["file"] == path.name:
            entry.write_text(json.dumps({**values, "file": name, "sha256": digest}))
    path.unlink()
    path.with_name(name).write_bytes(content)


# ------------------------------------------------------------------ learners, memories, studies


def make_learner(folder: Path, *, consolidated: bool, optimizer: str = "adam") -> None:
    """A learner that has seen each class, and, consolidated, has a new one."""
    learner = Learner(_mlp(), optimizer=optimizer, rule_options={"centre": "running", "prior": "running"})
    stimuli, labels = _dataset().train[torch.arange(9)]
    stream = list(zip(stimuli, labels, strict=True))
    learner.run(stream)
    if consolidated:
        learner.consolidate(stream)
        learner.add_class("dog")
        learner.observe(stimuli[0])
        learner.teach("dog")
    learner.save(folder / "learner")


def use_learner(folder: Path) -> None:
    """Load it, decide, teach, and save it elsewhere."""
    learner = Learner.load(folder / "learner")
    stimuli, labels = _dataset().train[torch.arange(2)]
    learner.run(zip(stimuli, labels, strict=True))
    learner.save(folder / "again")


def make_memory(folder: Path) -> None:
    """A memory of three pairs."""
    memory = AssociativeMemory(SHAPE, 3, time_steps=4, passes=2)
    memory.store(_dataset().train[torch.arange(3)][0], torch.eye(3))
    memory.save(folder / "memory")


def use_memory(folder: Path) -> None:
    """Load it, recall, complete, and store one more."""
    memory = AssociativeMemory.load(folder / "memory")
    memory.recall_concept(torch.zeros(1, *memory.stimulus_shape))
    memory.complete(torch.zeros(1, *memory.stimulus_shape), passes=1)
    memory.store(torch.zeros(1, *memory.stimulus_shape), torch.zeros(1, *memory.concept_shape))


def make_costs(folder: Path) -> None:
    """The operations of a run of a study."""
    operations = dict.fromkeys(costs.OPERATIONS, 1.5)
    (folder / "run.json").write_text(
        json.dumps({"model": "0" * 64, "samples": costs.SAMPLES, "operations": operations})
    )


def use_costs(folder: Path) -> None:
    """Read them as a resumed study does."""
    costs.read_costs(folder / "run.json", "0" * 64)


def _runs(name: str, make: Make, rule: str, weight: float = 1.0, **settings: Any) -> list[Target]:
    made: dict[str, Any] = {"make": make, "rule": rule, "settings": settings}
    use, unfinished = partial(use_run, **made), partial(make_interrupted, **made)
    files = ("run/**/*.toml", "run/**/*.json", "run/**/*.jsonl", "run/**/*.safetensors")
    return [
        Target(f"run {name}", unfinished, use, files, weight=weight),
        Target(
            f"tensors of run {name}",
            unfinished,
            use,
            ("run/**/*.safetensors",),
            (replace_tensor,),
            tensors=True,
            weight=3 * weight,
        ),
    ]


def _saved(name: str, make: Callable[[Path], object], use: Callable[[Path], object]) -> list[Target]:
    return [
        Target(name, make, use, weight=1.0, files=("*/**/*",)),
        Target(f"tensors of {name}", make, use, ("*/**/*.safetensors",), (replace_tensor,), tensors=True, weight=2.0),
    ]


_FINISHED: dict[str, Any] = {"make": _mlp, "rule": "bsd", "settings": {}}
TARGETS = [
    *_runs("bsd, adam", _mlp, "bsd", 2.0),
    *_runs("bptt, in-pass adamw", partial(_mlp, norm=False), "bptt", optimizer="adamw", update="in-pass"),
    *_runs("e-prop, sgd", _mlp, "e-prop", optimizer="sgd", optimizer_options={"momentum": 0.9}),
    *_runs("pc, rmsprop", _mlp, "pc", optimizer="rmsprop"),
    *_runs("dtp, adagrad", _mlp, "dtp", optimizer="adagrad"),
    *_runs("r-stdp, nadam", _mlp, "r-stdp", optimizer="nadam"),
    *_runs("microcircuit, adam", _mlp, "microcircuit"),
    *_runs("forward-forward, adafactor", _mlp, "forward-forward", optimizer="adafactor"),
    *_runs("fa, amsgrad", _cnn, "fa", optimizer_options={"amsgrad": True}),
    *_runs("dfa, rprop", partial(_mlp, concept_code="population"), "dfa", optimizer="rprop"),
    *_runs("decolle, adamax", _mlp, "decolle", optimizer="adamax"),
    *_runs("autoencoder", _autoencoder, "bsd"),
    *_runs("text, bptt", _rnn, "bptt", 0.5, batch_size=16),
    *_runs("text, bsd", _rnn, "bsd", 0.5, batch_size=16),
    *_runs("series, bsd", _forecaster, "bsd", 0.5, batch_size=4),
    Target("finished run", partial(make_finished, **_FINISHED), partial(use_run, **_FINISHED), ("run/**/*",)),
    Target("record of a run", partial(make_finished, **_FINISHED), use_record, ("run/*",), weight=2.0),
    Target(
        "tensors of a finished run",
        partial(make_finished, **_FINISHED),
        use_record,
        ("run/*.safetensors",),
        (replace_tensor,),
        tensors=True,
        weight=2.0,
    ),
    *_saved("learner", partial(make_learner, consolidated=False), use_learner),
    *_saved("consolidated learner", partial(make_learner, consolidated=True), use_learner),
    *_saved("memory", make_memory, use_memory),
    Target("costs of a study", make_costs, use_costs, ("run.json",), weight=0.3),
]
