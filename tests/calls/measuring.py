"""Good calls of memories, learners, data and measurements, and which of their arguments are replaced by bad values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from bispike import analysis, data, functional, memory, models, online
from bispike.experiments import recall, robustness
from bispike.memory.curves import capacity_curve, random_pairs
from bispike.memory.sequence_memory import SequenceMemory

from .things import Call, labels, network, rates, rule, stimuli

UNTYPED = ("native_usable",)
"""Functions of `functional` that are called for every kernel and check nothing."""


def memory_calls() -> list[Call]:
    made = memory.AssociativeMemory(6, 4, passes=1)
    pairs = {"stimuli": torch.ones(2, 6), "concepts": torch.ones(2, 4)}
    sizes = {"stimulus": "stimulus", "concept": "stimulus"}
    settings = {
        "time_steps": "int",
        "rate": "float",
        "passes": "int",
        "flipped": "float",
        "flipped_concept": "float",
        "hidden": "float",
        "seed": "int",
    }
    return [
        Call("AssociativeMemory", memory.AssociativeMemory, {"stimulus": 6, "concept": 4}, {**sizes, **settings}),
        Call("store", made.store, pairs, {"stimuli": "Tensor", "concepts": "Tensor"}),
        Call("recall_concept", made.recall_concept, {"stimuli": torch.ones(2, 6)}, {"stimuli": "Tensor"}),
        Call("recall_stimulus", made.recall_stimulus, {"concepts": torch.ones(2, 4)}, {"concepts": "Tensor"}),
        Call(
            "memory.complete",
            made.complete,
            {"cue": torch.ones(2, 6)},
            {"cue": "Tensor", "known": "Tensor?", "passes": "int"},
        ),
        Call("memory.save", made.save, {"folder": "nowhere/x"}, {"folder": "path"}),
        Call("memory.load", memory.AssociativeMemory.load, {"folder": "nowhere"}, {"folder": "path"}),
        Call(
            "SequenceMemory.store", SequenceMemory(5).store, {"sequences": torch.ones(1, 2, 5)}, {"sequences": "Tensor"}
        ),
        Call(
            "random_pairs",
            random_pairs,
            {"pairs": 2, "stimulus": 3, "concept": 3, "seed": 0},
            {"pairs": "int", "stimulus": "int", "concept": "int", "seed": "int"},
        ),
        Call(
            "capacity_curve",
            capacity_curve,
            {"make": None, "pairs": [1]},
            {"make": "Callable", "pairs": "Sequence[int]"},
        ),
    ]


def online_calls() -> list[Call]:
    make = lambda **given: online.Learner(given.pop("network", models.mlp(4, [4], 3)), **given)  # noqa: E731
    learner = online.Learner(models.mlp(4, [4], 3))
    learner.observe(torch.zeros(4))
    settings = {
        "network": "Network",
        "rule": "str",
        "rule_options": "Mapping",
        "optimizer": "str",
        "optimizer_options": "Mapping",
        "lr": "float",
        "top_down_lr": "float?",
        "shrink": "float",
        "lift": "float",
        "seed": "int",
    }
    return [
        Call("Learner", make, {}, settings),
        Call("Learner.observe", learner.observe, {"stimulus": torch.zeros(4)}, {"stimulus": "Tensor"}),
        Call("Learner.teach", learner.teach, {"label": 0}, {"label": "float"}),
        Call("Learner.add_class", learner.add_class, {"name": "new"}, {"name": "str"}),
        Call("Learner.consolidate", learner.consolidate, {"stream": ()}, {"stream": "int"}),
        Call("Learner.run", learner.run, {"stream": ()}, {"stream": "int"}),
        Call("Learner.save", learner.save, {"folder": "nowhere/x"}, {"folder": "path"}),
        Call("Learner.load", online.Learner.load, {"folder": "nowhere"}, {"folder": "path"}),
    ]


def data_calls() -> list[Call]:
    arrays = {"x_train": torch.rand(30, 4), "y_train": torch.arange(30) % 3}
    return [
        Call("data.load", data.load, {"name_or_path": "digits"}, {"name_or_path": "path", "root": "path?"}),
        Call("data.info", data.info, {"name": "digits"}, {"name": "str"}),
        Call("data.fetch", data.fetch, {"name": "digits"}, {"name": "str"}),
        Call("data.options_of", data.options_of, {"name_or_path": "digits"}, {"name_or_path": "path"}),
        Call("data.check", data.check, {"path_or_name": "digits"}, {"path_or_name": "path"}),
        Call(
            "data.stratified",
            data.stratified,
            {"labels": labels(), "fraction": 0.5, "seed": 0},
            {"labels": "Tensor", "fraction": "float", "seed": "int"},
        ),
        Call("data.as_float", data.as_float, {"stimuli": stimuli()}, {"stimuli": "Tensor"}),
        Call(
            "data.from_arrays",
            data.from_arrays,
            arrays,
            {"layout": "str", "test_fraction": "float", "class_names": "Sequence[str]?"},
        ),
        Call(
            "augment.create", data.augment.create, {"name": "crop"}, {"name": "str", "shift": "int?", "padding": "str"}
        ),
    ]


def analysis_calls() -> list[Call]:
    x, y = stimuli(), labels()
    matrix = torch.tensor([[3, 1, 0], [0, 4, 0], [1, 0, 2]])
    readings = analysis.read_layers(network(), x)
    images = torch.rand(4, 1, 12, 12)
    one = {"matrix": "Tensor"}
    pair = {"a": "Tensor", "b": "Tensor"}
    return [
        Call("analysis.accuracy", analysis.accuracy, {"matrix": matrix}, one),
        Call("analysis.per_class_accuracy", analysis.per_class_accuracy, {"matrix": matrix}, one),
        Call("frequent_confusions", analysis.frequent_confusions, {"matrix": matrix}, {**one, "count": "int"}),
        Call(
            "confusion_matrix",
            analysis.confusion_matrix,
            {"labels": y, "decisions": y, "classes": 3},
            {"labels": "Tensor", "decisions": "Tensor", "classes": "int"},
        ),
        Call(
            "accuracy_interval",
            analysis.accuracy_interval,
            {"share": 0.5, "samples": 10},
            {"share": "float", "samples": "int"},
        ),
        Call(
            "analysis.affinity",
            analysis.affinity,
            {"features": rates(), "templates": rates()},
            {"features": "Tensor", "templates": "Tensor", "centred": "bool"},
        ),
        Call("agreement", analysis.agreement, {"readings": readings, "labels": y}, {"labels": "Tensor"}),
        Call(
            "class_means",
            analysis.class_means,
            {"features": x, "labels": y, "classes": 3},
            {"features": "Tensor", "labels": "Tensor", "classes": "int"},
        ),
        Call(
            "diversity",
            analysis.diversity,
            {"real": rates(), "generated": rates()},
            {"real": "Tensor", "generated": "Tensor"},
        ),
        Call("fan_out", analysis.fan_out, {"synapse": network().readout}, {"synapse": "Network"}),
        Call("firing", analysis.firing, {"rates": rates()}, {"rates": "Tensor"}),
        Call(
            "read_layers",
            analysis.read_layers,
            {"network": network(), "stimuli": x},
            {"network": "Network", "stimuli": "Tensor", "batch_size": "int"},
        ),
        Call(
            "layer_rates",
            analysis.layer_rates,
            {"network": network(), "stimuli": x},
            {"network": "Network", "stimuli": "Tensor", "batch_size": "int"},
        ),
        Call(
            "inference_operations",
            analysis.inference_operations,
            {"network": network(), "stimuli": x},
            {"network": "Network", "stimuli": "Tensor", "batch_size": "int"},
        ),
        Call("pathway_angles", analysis.pathway_angles, {"network": network()}, {"network": "Network"}),
        Call("random_angle_spread", analysis.random_angle_spread, {"entries": 9}, {"entries": "int"}),
        Call(
            "recall_match",
            analysis.recall_match,
            {"recalled": x, "means": x},
            {"recalled": "Tensor", "means": "Tensor"},
        ),
        Call("mean_squared_error", analysis.mean_squared_error, {"a": images, "b": images}, pair),
        Call("psnr", analysis.psnr, {"a": images, "b": images}, {**pair, "peak": "float"}),
        Call("ssim", analysis.ssim, {"a": images, "b": images}, {**pair, "peak": "float"}),
        Call(
            "set_quality",
            analysis.set_quality,
            {"real": rates(), "generated": rates()},
            {"real": "Tensor", "generated": "Tensor", "neighbours": "int"},
        ),
        Call("summarise_affinity", analysis.summarise_affinity, {"matrix": rates(3, 3)}, one),
        Call(
            "spike_loss",
            analysis.spike_loss,
            {"network": network(), "probability": 0.5, "generator": torch.Generator()},
            {"network": "Network", "probability": "float", "generator": "Generator"},
        ),
        Call(
            "update_angles",
            analysis.update_angles,
            {"rule": rule(), "batches": [(x, y)]},
            {"rule": "Dataset", "batches": "int", "seed": "int"},
        ),
        Call(
            "analysis.audit",
            analysis.audit,
            {"rule": "bsd"},
            {
                "rule": "Rule",
                "network": "Network?",
                "stimuli": "Tensor?",
                "batch": "int",
                "training": "int",
                "seed": "int",
            },
        ),
        Call("audit_network", analysis.audit_network, {"model": "mlp"}, {"model": "str?", "seed": "int"}),
        Call(
            "recall.judge",
            recall.judge,
            {"run": None, "classifier": Path(), "samples": 1, "components": 1, "seed": 0},
            {"run": "Network"},
        ),
        Call("robust_rows", robustness.robust_rows, {"paths": []}, {"paths": "int"}),
    ]


def functional_calls() -> list[Call]:
    """Every public function of `functional` whose arguments are tensors, neurons and numbers, by its annotations."""
    found = []
    kinds = {"Tensor": "Tensor", "int": "int", "float": "float", "Neuron": "Neuron", "str": "str", "bool": "bool"}
    values: dict[str, Any] = {"Tensor": rates(4, 4), "int": 4, "float": 0.5, "str": "atan", "bool": True}
    values["Neuron"] = functional.Neuron()
    for name in functional.__all__:
        function = getattr(functional, name)
        if (
            name in UNTYPED
            or isinstance(function, type)
            or not callable(function)
            or not hasattr(function, "__annotations__")
        ):
            continue
        given = {
            key: kinds[text] for key, text in function.__annotations__.items() if key != "return" and text in kinds
        }
        good: dict[str, Any] = {key: values[kind] for key, kind in given.items()}
        good |= {"padding": (1, 1, 1, 1)} if "padding" in function.__annotations__ else {}
        found.append(Call(f"functional.{name}", function, good, given))
    return found
