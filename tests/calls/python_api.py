"""Good calls of the public Python functions, and which arguments are replaced by bad values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch

import bispike
from bispike import analysis, data, experiments, functional, memory, models, online, rules, tasks, training
from bispike.config import describe_options, optimizers, presets, register_setting
from bispike.config.schedules import schedule_factor
from bispike.experiments import predict, recall, robustness
from bispike.memory.curves import capacity_curve, random_pairs
from bispike.memory.sequence_memory import SequenceMemory

experiments = experiments  # the room is imported with its modules


@dataclass(frozen=True)
class Call:
    """A public function with good arguments.

    Args:
        name: of the function.
        function: what is called.
        good: its arguments.
        kinds: by argument a key of `values.WRONG`; with "?" behind it None is right too.
    """

    name: str
    function: Callable[..., Any]
    good: dict[str, Any]
    kinds: dict[str, str] = field(default_factory=dict)


@cache
def dataset() -> data.Dataset:
    images = torch.rand(60, 4, 4, generator=torch.Generator().manual_seed(0))
    return data.from_arrays(images, torch.arange(60) % 3)


@cache
def network() -> Any:
    return models.mlp(dataset().stimulus, [6, 5], dataset().concept)


@cache
def autoencoder() -> Any:
    return models.autoencoder(dataset().stimulus, [6], dataset().concept, latent=4)


@cache
def sequences() -> Any:
    return models.rnn(5, [6], 5)


def stimuli() -> torch.Tensor:
    return dataset().train[:3][0]


def labels() -> torch.Tensor:
    return dataset().train[:3][1]


@cache
def rule() -> Any:
    return rules.create("bsd", network())


def rates(rows: int = 8, columns: int = 4) -> torch.Tensor:
    return torch.rand(rows, columns, generator=torch.Generator().manual_seed(1))


def model_calls() -> list[Call]:
    ends = {"stimulus": (1, 8, 8), "concept": 3}
    kinds = {"stimulus": "stimulus", "concept": "concept"}
    image = {**ends}
    calls = [
        Call("models.mlp", models.mlp, {**ends, "widths": [4]}, {**kinds, "widths": "widths"}),
        Call("models.cnn", models.cnn, {**image, "channels": [3, 3]}, {**kinds, "channels": "widths"}),
        Call("models.resnet", models.resnet, {**image, "widths": [3], "depth": 4}, {**kinds, "widths": "widths"}),
        Call("models.rnn", models.rnn, {"stimulus": 5, "concept": 5, "widths": [4]}, {**kinds, "widths": "widths"}),
        Call(
            "models.autoencoder",
            models.autoencoder,
            {**ends, "widths": [4], "latent": 3},
            {**kinds, "widths": "widths", "latent": "int"},
        ),
        Call(
            "models.conv_autoencoder",
            models.conv_autoencoder,
            {**image, "channels": [3], "latent": 3},
            {**kinds, "channels": "widths", "latent": "int", "kernel": "int", "top_down": "str"},
        ),
        Call(
            "models.create",
            models.create,
            {**ends, "name": "mlp", "widths": [4]},
            {**kinds, "name": "str", "widths": "widths"},
        ),
    ]
    shared = {
        "time_steps": "int",
        "threshold": "float",
        "decay": "float",
        "reset": "str",
        "top_down_threshold": "float",
        "norm": "bool",
        "excitability": "float",
        "gain": "float",
        "stimulus_code": "str",
        "concept_code": "str",
        "concept_size": "int",
        "decoder": "str",
        "seed": "int",
    }
    calls += [Call("models.mlp", models.mlp, {**ends, "widths": [4]}, shared)]
    own = {"strides": "widths", "pools": "widths", "kernel": "int", "top_down": "str"}
    calls += [Call("models.cnn", models.cnn, {**image, "channels": [3, 3]}, own)]
    residual = {"depth": "int", "stem_stride": "int", "shortcut_gain": "float"}
    calls += [Call("models.resnet", models.resnet, {**image, "widths": [3], "depth": 4}, residual)]
    recurrent = {"carry": "bool", "top_down_recurrent": "bool", "symbols": "bool?"}
    calls += [Call("models.rnn", models.rnn, {"stimulus": 5, "concept": 5, "widths": [4]}, recurrent)]
    grow = {"network": models.mlp(4, [4], 3), "name": "new", "generator": torch.Generator()}
    calls += [
        Call(
            "models.add_concept", models.add_concept, grow, {"network": "Network", "name": "str", "generator": "Generator"}
        ),
        Call("models.settings_of", models.settings_of, {"name": "mlp"}, {"name": "str"}),
        Call("models.find", models.find, {"name": "mlp"}, {"name": "str"}),
        Call("models.build", models.build, {"spec": network().spec}, {"spec": "Mapping"}),
        Call(
            "Stimulus",
            bispike.Stimulus,
            {"shape": (2, 3), "mean": (0.0, 0.0), "std": (1.0, 1.0)},
            {"shape": "widths", "mean": "Sequence[str]", "std": "Sequence[str]"},
        ),
        Call("Concept", bispike.Concept, {"names": ("a", "b")}, {"names": "Sequence[str]"}),
    ]
    return calls


def training_calls() -> list[Call]:
    fit = partial(bispike.fit, progress=None, epochs=1)
    good = {"network": network(), "rule": "bsd", "data": dataset()}
    objects = {"network": "Network", "rule": "Rule", "data": "Dataset"}
    settings = {
        "epochs": "int",
        "batch_size": "int",
        "lr": "float",
        "top_down_lr": "float?",
        "optimizer": "str",
        "optimizer_options": "Mapping",
        "schedule": "str",
        "warmup_steps": "int",
        "weight_decay": "float",
        "clip_norm": "float?",
        "update": "str",
        "seed": "int",
        "validation": "float",
        "patience": "int?",
        "keep": "str",
        "test": "bool",
        "augment": "str",
        "limit": "int?",
        "imbalance": "float",
        "label_noise": "float",
        "device": "str",
        "threads": "int?",
        "checkpoint_seconds": "float",
        "checkpoint_steps": "int?",
        "resume": "bool",
        "overwrite": "bool",
        "out": "path?",
        "extra": "Mapping",
        "data_root": "str?",
    }
    split = {"network": network(), "split": dataset().test}
    train = training
    return [
        Call("fit", fit, good, {**objects, **settings}),
        Call("run_config", partial(bispike.run_config, progress=None), {"config": None}, {"config": "Dataset"}),
        Call("load_run", bispike.load_run, {"path": "nowhere"}, {"path": "path"}),
        Call("read_summary", train.read_summary, {"path": "nowhere"}, {"path": "path"}),
        Call("read_config", train.read_config, {"folder": "nowhere"}, {"folder": "path"}),
        Call(
            "evaluate",
            train.evaluate,
            split,
            {"network": "Network", "split": "Split", "batch_size": "int", "seed": "int", "transform": "Callable?"},
        ),
        Call(
            "schedule_factor",
            schedule_factor,
            {"name": "cosine", "step": 0, "total": 3},
            {"name": "str", "step": "int", "total": "int", "warmup_steps": "int"},
        ),
        Call("optimizer_class", optimizers.optimizer_class, {"name": "adam"}, {"name": "str"}),
        Call("optimizer_settings", optimizers.optimizer_settings, {"name": "adam"}, {"name": "str"}),
        Call("presets.find", presets.find, {"name": "digits-mlp"}, {"name": "str"}),
        Call("presets.config", presets.config, {"name": "digits-mlp"}, {"name": "str"}),
        Call("presets.describe", presets.describe, {"name": "digits-mlp"}, {"name": "str"}),
        Call("describe_options", describe_options, {"kind": "rule", "name": "bsd"}, {"kind": "str", "name": "str"}),
        Call("register_setting", register_setting, {"name": "mine", "default": 1.0}, {"name": "str"}),
        Call("tasks.of", tasks.of, {"network": network()}, {"network": "Network"}),
        Call(
            "continue_text",
            tasks.continue_text,
            {"network": sequences(), "beginning": "0", "count": 1},
            {"network": "Network", "beginning": "str", "count": "int", "temperature": "float", "seed": "int"},
        ),
    ]


def rule_calls() -> list[Call]:
    options = {
        "loss": "str",
        "feature": "str",
        "template": "str",
        "contrast": "str",
        "prior": "str",
        "strength": "float",
        "temperature": "float",
        "reduction": "str",
        "centre": "str",
        "pool": "int",
        "slope": "str",
    }
    step = {"stimulus": stimuli(), "labels": labels()}
    return [
        Call(
            "rules.create",
            rules.create,
            {"name": "bsd", "network": network()},
            {"name": "str", "network": "Network", **options},
        ),
        Call("rules.BSD", rules.BSD, {"network": network()}, {"network": "Network"}),
        Call("rules.BPTT", rules.BPTT, {"network": network()}, {"network": "Network"}),
        Call("rules.find", rules.find, {"name": "bsd"}, {"name": "str", "network": "class?"}),
        Call("rules.classes_of", rules.classes_of, {"name": "bsd"}, {"name": "str"}),
        Call("rules.defined_for", rules.defined_for, {"network": type(network())}, {"network": "class"}),
        Call("rules.register", rules.register, {"rule": rules.BSD}, {"rule": "class"}),
        Call("rules.check_rule", rules.check_rule, {"rule": None}, {"rule": "class"}),
        Call(
            "compute_gradients",
            rule().compute_gradients,
            step,
            {"stimulus": "Tensor", "labels": "Tensor", "generator": "Generator?"},
        ),
    ]


def network_calls() -> list[Call]:
    x, y = stimuli(), labels()
    return [
        Call("network", network(), {"stimulus": x}, {"stimulus": "Tensor"}),
        Call("perceive", network().perceive, {"stimulus": x}, {"stimulus": "Tensor"}),
        Call("logits", network().logits, {"stimulus": x}, {"stimulus": "Tensor"}),
        Call("encode", network().encode, {"stimulus": x}, {"stimulus": "Tensor"}),
        Call("observe", network().observe, {"stimulus": x}, {"stimulus": "Tensor"}),
        Call("recall", network().recall, {"labels": y}, {"labels": "Tensor"}),
        Call("imagine", network().imagine, {"labels": y}, {"labels": "Tensor"}),
        Call("compress", autoencoder().compress, {"stimulus": x}, {"stimulus": "Tensor"}),
        Call("reconstruct", autoencoder().reconstruct, {"stimulus": x}, {"stimulus": "Tensor"}),
        Call("expand", autoencoder().expand, {"rate": rates(3)}, {"rate": "Tensor"}),
        Call("rnn.perceive", sequences().perceive, {"stimulus": torch.zeros(2, 3).long()}, {"stimulus": "Tensor"}),
        Call("rnn.logits", sequences().logits, {"stimulus": torch.zeros(2, 3).long()}, {"stimulus": "Tensor"}),
    ]


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
        Call("SequenceMemory.store", SequenceMemory(5).store, {"sequences": torch.ones(1, 2, 5)}, {"sequences": "Tensor"}),
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
        Call("augment.create", data.augment.create, {"name": "crop"}, {"name": "str", "shift": "int?", "padding": "str"}),
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
        Call("class_means", analysis.class_means, {"features": x, "labels": y, "classes": 3}, {"features": "Tensor", "labels": "Tensor", "classes": "int"}),
        Call("diversity", analysis.diversity, {"real": rates(), "generated": rates()}, {"real": "Tensor", "generated": "Tensor"}),
        Call("fan_out", analysis.fan_out, {"synapse": network().readout}, {"synapse": "Network"}),
        Call("firing", analysis.firing, {"rates": rates()}, {"rates": "Tensor"}),
        Call("read_layers", analysis.read_layers, {"network": network(), "stimuli": x}, {"network": "Network", "stimuli": "Tensor", "batch_size": "int"}),
        Call("layer_rates", analysis.layer_rates, {"network": network(), "stimuli": x}, {"network": "Network", "stimuli": "Tensor", "batch_size": "int"}),
        Call("inference_operations", analysis.inference_operations, {"network": network(), "stimuli": x}, {"network": "Network", "stimuli": "Tensor", "batch_size": "int"}),
        Call("pathway_angles", analysis.pathway_angles, {"network": network()}, {"network": "Network"}),
        Call("random_angle_spread", analysis.random_angle_spread, {"entries": 9}, {"entries": "int"}),
        Call("recall_match", analysis.recall_match, {"recalled": x, "means": x}, {"recalled": "Tensor", "means": "Tensor"}),
        Call("mean_squared_error", analysis.mean_squared_error, {"a": images, "b": images}, pair),
        Call("psnr", analysis.psnr, {"a": images, "b": images}, {**pair, "peak": "float"}),
        Call("ssim", analysis.ssim, {"a": images, "b": images}, {**pair, "peak": "float"}),
        Call("set_quality", analysis.set_quality, {"real": rates(), "generated": rates()}, {"real": "Tensor", "generated": "Tensor", "neighbours": "int"}),
        Call("summarise_affinity", analysis.summarise_affinity, {"matrix": rates(3, 3)}, one),
        Call("spike_loss", analysis.spike_loss, {"network": network(), "probability": 0.5, "generator": torch.Generator()}, {"network": "Network", "probability": "float", "generator": "Generator"}),
        Call("update_angles", analysis.update_angles, {"rule": rule(), "batches": [(x, y)]}, {"rule": "Dataset", "batches": "int", "seed": "int"}),
        Call("analysis.audit", analysis.audit, {"rule": "bsd"}, {"rule": "Rule", "network": "Network?", "stimuli": "Tensor?", "batch": "int", "training": "int", "seed": "int"}),
        Call("audit_network", analysis.audit_network, {"model": "mlp"}, {"model": "str?", "seed": "int"}),
        Call("predict.decide", predict.decide, {"run": None, "inputs": [], "best": 3}, {"run": "Network", "inputs": "int", "best": "int"}),
        Call("recall.judge", recall.judge, {"run": None, "classifier": Path(), "samples": 1, "components": 1, "seed": 0}, {"run": "Network"}),
        Call("robust_rows", robustness.robust_rows, {"paths": []}, {"paths": "int"}),
    ]  # fmt: skip


def functional_calls() -> list[Call]:
    """Every public function of `functional` whose arguments are tensors, neurons and numbers, by its annotations."""
    found = []
    kinds = {"Tensor": "Tensor", "int": "int", "float": "float", "Neuron": "Neuron", "str": "str", "bool": "bool"}
    for name in functional.__all__:
        function = getattr(functional, name)
        if isinstance(function, type) or not callable(function) or not hasattr(function, "__annotations__"):
            continue
        given = {key: kinds[text] for key, text in function.__annotations__.items() if key != "return" and text in kinds}
        good: dict[str, Any] = {
            key: {"Tensor": rates(4, 4), "int": 4, "float": 0.5, "Neuron": functional.Neuron(), "str": "atan", "bool": True}[kind]
            for key, kind in given.items()
        }  # fmt: skip
        found.append(Call(f"functional.{name}", function, good, given))
    return found


def every() -> list[Call]:
    return [
        *model_calls(),
        *training_calls(),
        *rule_calls(),
        *network_calls(),
        *memory_calls(),
        *online_calls(),
        *data_calls(),
        *analysis_calls(),
        *functional_calls(),
    ]
