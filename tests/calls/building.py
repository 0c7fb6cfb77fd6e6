"""Good calls of what builds and trains networks, and which of their arguments are replaced by bad values."""

from __future__ import annotations

from functools import partial

import torch

import bispike
from bispike import models, rules, tasks, training
from bispike.config import describe_options, optimizers, presets, register_setting
from bispike.config.schedules import schedule_factor

from .things import Call, autoencoder, dataset, labels, network, rates, rule, sequences, stimuli


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
            "models.add_concept",
            models.add_concept,
            grow,
            {"network": "Network", "name": "str", "generator": "Generator"},
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
