"""The golden cases as plain data: short seeded trainings, audits, a stream, a memory.

A case is a dict with `name` and `kind` (`training`, `audit`, `online` or `memory`). Of a training:

    data, data_options      "digits", or a file of `inputs.py`: "text", "series", "events"
    model, model_options    network
    rule, rule_options      learning rule
    settings                of the training, over `SETTINGS`
    kernels                 "compiled", or "torch" for the paths without compiled kernels
    precision               "float32" or "float64"
    asks                    what the trained network is asked beside its test: "decide" (single stimuli), "recall"
                            (stimuli of concepts), "reconstruct", "continue" (a text), "forecast" (a series), "folder"
                            (save, load, and measure the loaded run also on blurred stimuli)

The names of options are those of the time when the cases were written; `adapter.py` translates them if they change.
"""

from __future__ import annotations

from typing import Any

Case = dict[str, Any]

SETTINGS: dict[str, Any] = {"epochs": 2, "batch_size": 32, "lr": 5e-3, "validation": 0.2, "seed": 3}
DIGITS: dict[str, Any] = {"limit": 200}
MLP: dict[str, Any] = {"widths": [20, 16], "steps": 3}
CONV: dict[str, Any] = {"channels": [4, 6], "pools": [2, 1], "dense": [12], "steps": 3}
RESIDUAL: dict[str, Any] = {"widths": [4, 6], "depth": 6, "stem_stride": 2, "steps": 3}
DENSE_CODE: dict[str, Any] = {"widths": [24], "latent": 12, "steps": 4}
CONV_CODE: dict[str, Any] = {"channels": [4, 6], "latent": 12, "steps": 4}
RNN: dict[str, Any] = {"widths": [16], "threshold": 0.5, "excitability": 0.3}
CLASSIFYING = {"loss": "cross-entropy", "temperature": 0.3, "template": "drive", "slope": "unrolled"}


def training(name: str, data: str, model: str, rule: str, **parts: Any) -> Case:
    """A case of the kind `training` with all keys."""
    case: Case = {
        "name": name,
        "kind": "training",
        "data": data,
        "data_options": {},
        "model": model,
        "model_options": {},
        "rule": rule,
        "rule_options": {},
        "kernels": "compiled",
        "precision": "float32",
        "asks": [],
    }
    assert not parts.keys() - case.keys() - {"settings"}, name
    case |= {"settings": {**SETTINGS, **(DIGITS if data == "digits" else {}), **parts.pop("settings", {})}, **parts}
    return case


def dense(name: str, rule: str, options: dict[str, Any] | None = None, **parts: Any) -> Case:
    """A training of a dense network on the digits; `model_options` go over those of `MLP`."""
    model = {**MLP, **parts.pop("model_options", {})}
    return training(f"dense {name}", "digits", "mlp", rule, model_options=model, rule_options=options or {}, **parts)


def conv(name: str, rule: str, options: dict[str, Any] | None = None, **parts: Any) -> Case:
    """A training of a convolutional network on the digits."""
    model = {**CONV, **parts.pop("model_options", {})}
    return training(f"conv {name}", "digits", "cnn", rule, model_options=model, rule_options=options or {}, **parts)


def code(name: str, model: str, rule: str, options: dict[str, Any] | None = None, **parts: Any) -> Case:
    """A training of an autoencoder on the digits."""
    sizes = DENSE_CODE if model == "autoencoder" else CONV_CODE
    return training(f"{model} {name}", "digits", model, rule, model_options=sizes, rule_options=options or {}, **parts)


def sequence(name: str, data: str, rule: str, options: dict[str, Any] | None = None, **parts: Any) -> Case:
    """A training of a recurrent network on a file of `inputs.py`."""
    ways = {"text": {"window": 16}, "series": {"task": "series", "window": 8}, "events": {"bins": 5, "sequence": True}}
    settings = {"batch_size": 16 if data != "events" else 8, **parts.pop("settings", {})}
    return training(
        f"{data} {name}",
        data,
        "rnn",
        rule,
        data_options={**ways[data], **parts.pop("data_options", {})},
        model_options={**RNN, **parts.pop("model_options", {})},
        rule_options=options or {},
        settings=settings,
        **parts,
    )


RULES = (
    "bptt", "backprop", "pc", "dll", "e-prop", "decolle", "local-loss", "r-stdp", "sym-stdp", "fa", "sign-symmetry",
    "dfa", "dfa-snn", "dtp", "ccl", "microcircuit", "forward-forward", "frozen",
)  # fmt: skip
DENSE_CASES = [
    dense("bsd", "bsd", asks=["decide", "recall", "folder"]),
    dense(
        "bsd classes, unrolled, drive, batch",
        "bsd",
        {"contrast": "classes", "slope": "unrolled", "template": "drive", "centre": "batch"},
        settings={"epochs": 3, "keep": "best"},
        asks=["decide"],
    ),
    dense("bsd classifying", "bsd", CLASSIFYING, model_options={"leak": 1.0, "reset": "soft", "threshold": 2.0}),
    dense("bsd infonce, mean", "bsd", {"loss": "infonce", "reduction": "mean"}),
    dense("bsd infonce, sum", "bsd", {"loss": "infonce", "reduction": "sum"}),
    dense("bsd mse", "bsd", {"loss": "mse"}),
    dense("bsd as published", "bsd", {"feature": "drive", "contrast": "batch", "reduction": "mean", "centre": "none"}),
    dense(
        "bsd masked, up-first, reco at the top", "bsd", {"contrast": "masked", "order": "up-first", "top_loss": "reco"}
    ),
    dense("bsd concurrent", "bsd", {"order": "concurrent"}),
    dense("bsd running prior", "bsd", {"prior": "running"}, settings={"imbalance": 4.0, "label_noise": 0.1}),
    dense("bsd in-sweep", "bsd", settings={"update": "in-sweep"}),
    dense(
        "bsd adamw, clipped, two rates",
        "bsd",
        settings={
            "optimizer": "adamw",
            "weight_decay": 0.01,
            "clip_norm": 1.0,
            "top_down_lr": 1e-2,
            "warmup_steps": 2,
            "schedule": "linear",
            "augment": "crop",
        },
    ),
    dense("bsd without norm, given seeds", "bsd", model_options={"norm": False, "gain": 1.5, "seed": 11}),
    dense(
        "bsd bernoulli, population", "bsd", model_options={"stimulus_code": "bernoulli", "concept_code": "population"}
    ),
    dense("bsd poisson, learned", "bsd", model_options={"stimulus_code": "poisson", "concept_code": "learned"}),
    dense("bsd latency, cosine", "bsd", model_options={"stimulus_code": "latency", "decoder": "cosine"}),
    *(dense(rule, rule, asks=["decide"] if rule == "bptt" else []) for rule in RULES),
    dense("pc moving, ordered", "pc", {"predictions": "moving", "order": "ordered", "inference_steps": 4}),
    dense("dtp reconstruction", "dtp", {"feedback_loss": "reconstruction"}),
    dense("microcircuit tied", "microcircuit", {"feedback": "tied"}),
    dense("e-prop symmetric, triangular", "e-prop", {"feedback": "symmetric", "pseudo_derivative": "triangular"}),
]
SPATIAL_CASES = [
    conv("bsd", "bsd", asks=["recall"]),
    conv("bsd pool", "bsd", {**CLASSIFYING, "centre": "batch", "pool": 2}),
    conv("bsd strides, transposed", "bsd", model_options={"pools": 1, "strides": [2, 1], "top_down": "transposed"}),
    *(conv(rule, rule) for rule in ("bptt", "backprop", "pc", "dll", "e-prop", "decolle", "dfa", "dtp", "ccl")),
    conv("r-stdp", "r-stdp", model_options={"channels": [12, 12], "dense": []}),
    training("residual bsd", "digits", "resnet", "bsd", model_options=RESIDUAL),
    training("residual local-loss", "digits", "resnet", "local-loss", model_options=RESIDUAL),
    training("residual backprop", "digits", "resnet", "backprop", model_options=RESIDUAL),
    training("residual bptt", "digits", "resnet", "bptt", model_options=RESIDUAL),
    code(
        "bsd affinity", "autoencoder", "bsd", {"reconstruction": "affinity"}, asks=["reconstruct", "recall", "folder"]
    ),
    code("bsd reco", "autoencoder", "bsd", {"reconstruction": "reco"}),
    code("bsd bands", "autoencoder", "bsd", {"reconstruction": "affinity", "cutoff": 0.2}),
    code("bsd occlusion", "autoencoder", "bsd", {"occlusion": 0.5}),
    code("bptt", "autoencoder", "bptt"),
    code("bsd affinity", "conv-autoencoder", "bsd", {"reconstruction": "affinity"}),
    code("bsd reco", "conv-autoencoder", "bsd", {"reconstruction": "reco", "cutoff": 0.2}),
    code("bptt", "conv-autoencoder", "bptt"),
]
SEQUENCE_CASES = [
    sequence(
        "bsd", "text", "bsd", {"prior": "running", "contrast": "classes", "centre": "none"}, asks=["continue", "folder"]
    ),
    sequence("bsd classifying, two stages", "text", "bsd", CLASSIFYING, model_options={"widths": [16, 12]}),
    sequence("bsd top-down recurrent", "text", "bsd", {"block": 8}, model_options={"top_down_recurrent": True}),
    sequence("bptt", "text", "bptt"),
    sequence("bptt truncated", "text", "bptt", {"truncate": 4}),
    sequence("e-prop", "text", "e-prop"),
    sequence("pc", "text", "pc"),
    sequence("dll", "text", "dll"),
    sequence("backprop", "text", "backprop"),
    sequence("bsd in blocks", "series", "bsd", {"block": 4}, asks=["forecast", "folder"]),
    sequence(
        "bsd top-down recurrent, carry",
        "series",
        "bsd",
        {"block": 4},
        model_options={"top_down_recurrent": True, "carry": True, "steps": 1},
        asks=["forecast"],
    ),
    sequence("bsd as the published protocol", "series", "bsd", data_options={"protocol": "paper", "window": 8}),
    sequence("bptt", "series", "bptt", data_options={"horizon": 3, "says": "value"}, settings={"keep": "best"}),
    *(sequence(rule, "series", rule) for rule in ("e-prop", "pc", "dll")),
    sequence("bsd", "events", "bsd"),
    sequence("bptt carry", "events", "bptt", model_options={"carry": True, "steps": 1}),
    training(
        "events given, bsd",
        "events",
        "mlp",
        "bsd",
        data_options={"bins": 4},
        settings={"batch_size": 8},
        model_options={"widths": [16], "steps": 4, "stimulus_code": "given"},
    ),
    training(
        "events given, conv, bptt",
        "events",
        "cnn",
        "bptt",
        data_options={"bins": 4},
        settings={"batch_size": 8},
        model_options={"channels": [4], "pools": 1, "dense": [8], "steps": 4, "stimulus_code": "given"},
    ),
]
TORCH = (
    "dense bsd",
    "dense bsd classifying",
    "dense bsd mse",
    "dense bptt",
    "dense e-prop",
    "conv bsd pool",
    "conv bptt",
    "residual bsd",
    "autoencoder bsd affinity",
    "text bsd",
    "text e-prop",
    "series bsd top-down recurrent, carry",
)
DOUBLE = ("dense bsd classes, unrolled, drive, batch", "dense bptt", "conv bsd pool", "autoencoder bsd reco")
COMPILED: list[Case] = [*DENSE_CASES, *SPATIAL_CASES, *SEQUENCE_CASES]
AUDITS: list[Case] = [
    {"name": f"audit {rule}", "kind": "audit", "rule": rule, "rule_options": {}, "steps": 3, "seed": 2}
    for rule in ("bsd", "dfa", "pc", "bptt")
]
STREAM: dict[str, Any] = {"features": 12, "widths": [20, 16], "steps": 4, "samples": 120, "batch": 8, "shots": 6}
OTHERS: list[Case] = [
    {"name": "online stream", "kind": "online", **STREAM, "options": {"lr": 2e-3}},
    {"name": "online stream, drive", "kind": "online", **STREAM, "options": {"rule_options": CLASSIFYING, "lift": 0.3}},
    {"name": "associative memory", "kind": "memory", "below": 60, "above": 24, "pairs": 6, "passes": 8, "hidden": 0.0},
    {
        "name": "associative memory, hidden",
        "kind": "memory",
        "below": 60,
        "above": 24,
        "pairs": 6,
        "passes": 8,
        "hidden": 0.4,
    },
]


def _again(names: tuple[str, ...], **change: str) -> list[Case]:
    known = {case["name"]: case for case in COMPILED}
    word = " ".join(change.values())
    return [{**known[name], **change, "name": f"{name}, {word}"} for name in names]


CASES: list[Case] = [
    *COMPILED,
    *_again(TORCH, kernels="torch"),
    *_again(DOUBLE, precision="float64"),
    *AUDITS,
    *OTHERS,
]
"""All cases, each with a name of its own."""
