"""The only file of the golden cases that uses the library: from a case to what is compared.

When the library changes a name, this file is edited and nothing else: `OPTIONS`, `VALUES` and `NAMES` translate the
words of `cases.py`, and the functions below call the library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import bispike
from bispike import analysis, data, models, rules
from bispike.analysis import corruptions
from bispike.config.options import model_options, signals_of
from bispike.data.memory_limit import Room
from bispike.data.schema import SeriesSchema
from bispike.functional.backends import native
from bispike.memory import AssociativeMemory
from bispike.nn import Network, SequenceNetwork
from bispike.online import Learner
from bispike.settings import no_effects
from bispike.tasks import continue_text, decisions, forecast
from bispike.training import Run, TrainConfig, evaluation, fit, load_run, run_config

from .cases import Case

OPTIONS: dict[str, dict[str, str]] = {
    "data": {"says": "target_mode"},
    "model": {"steps": "time_steps", "leak": "decay"},
}
"""By group: the word of `cases.py` for an option -> the library's name; words that are left out are unchanged."""
VALUES: dict[str, Any] = {"in-sweep": "in-pass"}
"""Texts that stand as values in `cases.py` -> the library's, such as the name of a loss."""
NAMES: dict[str, str] = {}
"""Names of models, rules and data sets in `cases.py` -> the library's."""
WITHOUT_KERNELS = {"BISPIKE_NATIVE": "0"}
"""Environment in which the library takes its paths without compiled kernels."""
MEASURES = ("bits", "mse", "mae", "mase", "smape", "reconstruction")


@dataclass
class Measured:
    """What a case left.

    Args:
        weights: tensors of the network, with buffers, by names that are not compared.
        parameters: those of them that are parameters, likewise.
        rule_state: tensors of the rule beside the network, likewise.
        numbers: nested dicts and lists of numbers, texts and None; the keys are chosen here.
        tensors: further results that are compared bit for bit, by a name that is chosen here.
    """

    weights: dict[str, Tensor]
    parameters: dict[str, Tensor]
    rule_state: dict[str, Tensor]
    numbers: dict[str, Any]
    tensors: dict[str, Tensor]


def source() -> Path:
    """The folder of the library that is measured."""
    return Path(bispike.__file__).resolve().parent


def kernels() -> str:
    """Which kernels the library uses for float32 on the processor: "compiled" or "torch"."""
    return "torch" if native.library() is None else "compiled"


def measure(case: Case, files: dict[str, Path], folder: Path) -> Measured:
    """Do what a case says.

    Args:
        case: of `cases.CASES`.
        files: what `inputs.make` returned.
        folder: empty, for what the case writes.
    """
    torch.set_num_threads(1)
    if case["kind"] == "training":
        assert kernels() == case["kernels"], f"expected the kernels {case['kernels']!r}, have {kernels()!r}"
        return train(case, files, folder)
    return {"audit": audit, "online": stream, "memory": associate}[case["kind"]](case)


# ---------------------------------------------------------------------- trainings


def train(case: Case, files: dict[str, Path], folder: Path) -> Measured:
    """One training, its curve and test, and what `asks` names."""
    saved = folder / "run" if "folder" in case["asks"] else None
    config = _config(case, files)
    run = _train_double(config) if case["precision"] == "float64" else run_config(config, out=saved, progress=None)
    numbers, tensors = _curve(run), {}
    for ask in case["asks"]:
        found = ASKS[ask](run, files)
        numbers |= {ask: found} if not isinstance(found, Tensor) else {}
        tensors |= {ask: found} if isinstance(found, Tensor) else {}
    return Measured(*_weights(run.network), dict(run.rule.state_dict()), numbers, tensors)


def _weights(network: Network) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Everything that a network keeps, and its parameters alone."""
    return dict(network.state_dict()), dict(network.named_parameters())


def _config(case: Case, files: dict[str, Path]) -> TrainConfig:
    dataset = str(files.get(case["data"], NAMES.get(case["data"], case["data"])))
    return TrainConfig(
        dataset=dataset,
        data_options=_translated("data", case["data_options"]),
        model=NAMES.get(case["model"], case["model"]),
        model_options=_acting(case),
        rule=NAMES.get(case["rule"], case["rule"]),
        rule_options={
            k: v for k, v in _translated("rule", case["rule_options"]).items() if (case["rule"], k) != ("bsd", "order")
        },
        threads=1,
        checkpoint_seconds=0.0,
        **_translated("settings", case["settings"]),
    )


def _acting(case: Case) -> dict[str, Any]:
    """Options of the model without those that have no effect under the rule, which are refused."""
    model, rule = (NAMES.get(case[part], case[part]) for part in ("model", "rule"))
    options = _translated("model", case["model_options"])
    idle = no_effects(model_options(model), options, others=signals_of(rule, model))
    return {name: value for name, value in options.items() if name not in idle}


def _translated(group: str, options: dict[str, Any]) -> dict[str, Any]:
    values = {name: VALUES.get(value, value) if isinstance(value, str) else value for name, value in options.items()}
    return {OPTIONS.get(group, {}).get(name, name): value for name, value in values.items()}


def _train_double(config: TrainConfig) -> Run:
    dataset = data.load(config.dataset, **config.data_options)
    options = {"seed": config.seed, **config.model_options}
    network = models.create(config.model, dataset.stimulus, dataset.concept, **options).double()
    rule = rules.create(config.rule, network, **config.rule_options)
    kept = ("epochs", "batch_size", "lr", "validation", "seed", "limit", "keep", "threads", "checkpoint_seconds")
    return fit(network, rule, dataset, progress=None, **{name: getattr(config, name) for name in kept})


def _curve(run: Run) -> dict[str, Any]:
    """Values of each epoch, and of the test; lists over layers are sorted where their order is nobody's business."""
    rows, summary = run.metrics, run.summary
    found: dict[str, Any] = {
        "loss": [row["loss"] for row in rows],
        "train_accuracy": [row["train_accuracy"] for row in rows],
        "validation": [row["validation"] for row in rows],
        "rates": [list(row["spike_rate"]) for row in rows],
        "layer_losses": [sorted(row["layer_losses"].values()) for row in rows],
        "angles": [sorted(row["angle"].values()) for row in rows],
        "test": summary["test"],
        "confusion": summary["confusion"],
        "parameters": summary["parameters"],
        "trained_parameters": summary["parameters_trained"],
        "epoch_kept": summary["kept_epoch"],
        "samples": [summary["train_samples"], summary["validation_samples"], summary["test_samples"]],
    }
    found |= {name: [row[name] for row in rows] for name in MEASURES if name in rows[-1]}
    tested = summary.get("measures", {}).get("test", {})
    found |= {f"test_{name}": tested[name] for name in MEASURES if name in tested}
    if "reconstruction" in summary:
        found["test_reconstruction"] = summary["reconstruction"]["test"]
    return found


def _some_digits(run: Run) -> Tensor:
    stimuli, _ = data.load("digits").test[:6]
    return stimuli.to(run.network.stimulus_mean)


def _decide(run: Run, files: dict[str, Path]) -> Any:
    return [
        [[name, share] for name, share in best] for best in decisions.decide(run.network, _some_digits(run), best=3)
    ]


def _recall(run: Run, files: dict[str, Path]) -> Any:
    return evaluation.recall(run.network)[1]


@torch.no_grad()
def _reconstruct(run: Run, files: dict[str, Path]) -> Any:
    run.network.eval()
    return run.network.reconstruct(_some_digits(run))


def _continue(run: Run, files: dict[str, Path]) -> Any:
    drawn = continue_text(run.network, "the quick ", 40, temperature=0.7, seed=1)  # type: ignore[arg-type]
    return [drawn, continue_text(run.network, "a lazy ", 20, temperature=0.0)]  # type: ignore[arg-type]


def _forecast(run: Run, files: dict[str, Path]) -> Any:
    """The forecast after all rows of the table, which is more than one window."""
    assert isinstance(run.schema, SeriesSchema)
    series = run.schema.series(run.schema.read(files["series"]), Room.of(files["series"]))
    whole = replace(run.schema, window=len(series.values))
    return forecast(run.network, series, whole).values  # type: ignore[arg-type]


def _from_folder(run: Run, files: dict[str, Path]) -> Any:
    """The run as it is read again: measured on the parts of its data, and on blurred stimuli."""
    assert run.path is not None
    again = load_run(run.path)
    same = [torch.equal(value, again.network.state_dict()[name]) for name, value in run.network.state_dict().items()]
    found = {"same_weights": all(same)}
    found |= {part: evaluation.evaluate_run(run.path, split=part)[part] for part in ("test", "validation", "train")}
    if not isinstance(again.network, SequenceNetwork):
        blurred = evaluation.evaluate_run(run.path, transform=corruptions.transform("blur:3"))
        found["blurred"] = blurred["test"]
    return found


ASKS: dict[str, Callable[[Run, dict[str, Path]], Any]] = {
    "decide": _decide,
    "recall": _recall,
    "reconstruct": _reconstruct,
    "continue": _continue,
    "forecast": _forecast,
    "folder": _from_folder,
}

# ---------------------------------------------------------------------- the rest


def audit(case: Case) -> Measured:
    """The numbers behind the five criteria; those of one criterion are sorted, since their names may change."""
    rule = NAMES.get(case["rule"], case["rule"])
    options = _translated("rule", case["rule_options"])
    found = analysis.audit(rule, training=case["steps"], seed=case["seed"], **options)
    numbers = {
        name: {"holds": verdict.holds, "measured": sorted(_numbers(verdict.measured))}
        for name, verdict in found.criteria.items()
    }
    return Measured({}, {}, {}, numbers, {})


def _numbers(value: Any) -> list[float]:
    """All numbers in nested dicts and lists."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [number for item in value for number in _numbers(item)]
    return [float(value)] if isinstance(value, int | float) else []


def stream(case: Case) -> Measured:
    """A learner on a stream: plastic, then consolidated, then with one class more."""
    network = _stream_network(case)
    learner = Learner(network, **case["options"])
    known = len(network.concept.names)
    stimuli, labels = _clouds(case["samples"], case["features"], known, seed=1)
    half, size = case["samples"] // 2, case["batch"]
    first = learner.observe(stimuli[0])
    learner.teach(int(labels[0]))
    plastic = learner.run(_pairs(stimuli[1:half], labels[1:half], size))
    frozen = learner.consolidate(_pairs(stimuli[half:], labels[half:], size))
    new = learner.add_class("emu")
    more, of_them = _clouds((known + 1) * case["shots"], case["features"], known + 1, seed=2)
    fresh = learner.run((x, new) for x in more[of_them == known])
    last = learner.observe(more)
    numbers = {
        "first": first.labels.tolist(),
        "right": [plastic.correct, frozen.correct, fresh.correct],
        "seen": [plastic.samples, frozen.samples, fresh.samples],
        "label": new,
        "last": last.labels.tolist(),
    }
    return Measured(*_weights(network), {}, numbers, {"first": first.scores, "last": last.scores})


def _stream_network(case: Case) -> Network:
    names = ("ant", "bee", "cat", "dog")
    return models.mlp(case["features"], case["widths"], names, **_translated("model", {"steps": case["steps"]}))


def _clouds(count: int, features: int, classes: int, *, seed: int) -> tuple[Tensor, Tensor]:
    centres = torch.randn(5, features, generator=torch.Generator().manual_seed(7))
    labels = torch.arange(count) % classes
    noise = torch.randn(count, features, generator=torch.Generator().manual_seed(seed))
    return centres[labels] + 0.4 * noise, labels


def _pairs(stimuli: Tensor, labels: Tensor, size: int) -> list[tuple[Tensor, Tensor]]:
    return list(zip(stimuli.split(size), labels.split(size), strict=True))


def associate(case: Case) -> Measured:
    """An associative memory: pairs are stored, recalled both ways, and called up by damaged cues."""
    draws = torch.Generator().manual_seed(4)
    below, above = (
        torch.randint(0, 2, (case["pairs"], n), generator=draws).float() for n in (case["below"], case["above"])
    )
    memory = AssociativeMemory(case["below"], case["above"], passes=case["passes"], hidden=case["hidden"], seed=5)
    memory.store(below[:-2], above[:-2])
    memory.store(below[-2:], above[-2:])
    known = (torch.arange(case["below"]) < case["below"] // 2).float()
    free, held = memory.complete(1 - (1 - below) * known, passes=3), memory.complete(below, known=known, passes=3)
    tensors = {
        "concepts": memory.recall_concept(below),
        "stimuli": memory.recall_stimulus(above),
        "settled": free.stimulus,
        "settled_with_known": held.stimulus,
        "settled_concept": held.concept,
    }
    weights = {"up": memory.up, "down": memory.down, "below": memory.stimulus_mean, "above": memory.concept_mean}
    numbers = {
        "right": [
            int(((value > 0.5) == (true > 0.5)).sum())
            for value, true in (
                (tensors["concepts"], above),
                (tensors["stimuli"], below),
                (tensors["settled"], below),
            )
        ]
    }
    return Measured(weights, {}, {}, numbers, tensors)
