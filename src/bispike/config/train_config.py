"""The settings of a training: plain values, everything that is needed to repeat it.

They are what the command line fills, what `config.toml` in a run's folder holds, and what a resumed training is
compared with. `write_config` and `read_config` are exact inverses.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, ConfigurationError, unknown_name
from ..files import write_atomic
from . import toml

FORMAT = 2  # of a run's folder: config.toml, metrics.jsonl, summary.json
CONFIG_FILE = "config.toml"

# Where and how a training runs, not what it computes: these may differ when it is resumed.
INCIDENTAL = frozenset({"data_root", "checkpoint_seconds", "checkpoint_steps", "threads", "update"})
UPDATES = ("after", "in-pass")
OPTIONS = ("data_options", "model_options", "rule_options", "optimizer_options")


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one training. Fractions are of 1; None means off unless said otherwise.

    Args:
        dataset: name of a data set, or the path of a file or folder.
        data_root: folder where data sets lie; None looks in the usual places.
        data_options: what the reader of the data's format takes (`size`, `target`, ...).
        model, model_options: name of a model and what its builder takes (`widths`, `time_steps`, `threshold`, ...).
        rule, rule_options: name of a learning rule and its options.
        epochs: passes over the training samples.
        batch_size: samples in one step.
        lr: learning rate of the bottom-up pathway at the top of its schedule.
        top_down_lr: the same of the top-down pathway; None is `lr`.
        optimizer, optimizer_options: name of a `torch.optim` class and what it takes.
        schedule: "constant", "cosine", "linear" or "step", over the steps of the whole training.
        warmup_steps: steps over which the learning rate rises before the schedule starts.
        weight_decay: as the optimizer defines it.
        clip_norm: largest norm of all gradients together.
        update: when weights move: "after" the step, or "in-pass", as soon as a layer's gradients are there. The same
            bits; in-pass needs less memory and cannot clip.
        seed: of the initial weights, the order of the samples, augmentation, stochastic codes.
        validation: fraction of the training samples that is held out and measured after each epoch.
        patience: end after this many epochs without a better validation.
        keep: the weights that are tested and kept: "last", or "best" on validation.
        test: whether the test part is looked at, once at the end; false for a search, which validation decides.
        augment: name of an augmentation of the training images.
        limit: train on the first samples only, with the class proportions of all.
        imbalance: how often the first class occurs in the training samples for one of the last, at least 1 (off);
            between them the frequencies fall exponentially.
        label_noise: share of the training samples, 0 to 1, that are given the label of another class.
        device: "cpu", "cuda" or "cuda:N".
        threads: of the processor; None leaves what the process has.
        checkpoint_seconds: seconds between checkpoints; 0 for none by time.
        checkpoint_steps: steps between checkpoints.
    """

    dataset: str = "digits"
    data_root: str | None = None
    data_options: dict[str, Any] = field(default_factory=dict)
    model: str = "mlp"
    model_options: dict[str, Any] = field(default_factory=dict)
    rule: str = "bsd"
    rule_options: dict[str, Any] = field(default_factory=dict)
    epochs: int = 10
    batch_size: int = 128
    lr: float = 1e-3
    top_down_lr: float | None = None
    optimizer: str = "adam"
    optimizer_options: dict[str, Any] = field(default_factory=dict)
    schedule: str = "cosine"
    warmup_steps: int = 0
    weight_decay: float = 0.0
    clip_norm: float | None = None
    update: str = "after"
    seed: int = 0
    validation: float = 0.05
    patience: int | None = None
    keep: str = "last"
    test: bool = True
    augment: str = "none"
    limit: int | None = None
    imbalance: float = 1.0
    label_noise: float = 0.0
    device: str = "cpu"
    threads: int | None = None
    checkpoint_seconds: float = 30.0
    checkpoint_steps: int | None = None

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            if setting.name in OPTIONS and isinstance(value, dict):
                value = {key: _plain(inner) for key, inner in value.items()}
            elif is_number(setting) and isinstance(value, int) and not isinstance(value, bool):
                value = float(value)
            object.__setattr__(self, setting.name, value)

    def to_dict(self) -> dict[str, Any]:
        """All settings by name, in the order of the class."""
        return asdict(self)


SETTINGS: dict[str, Field[Any]] = {setting.name: setting for setting in fields(TrainConfig)}


def is_number(setting: Field[Any]) -> bool:
    """Whether a setting holds real numbers."""
    return str(setting.type).startswith("float")


def default_of(setting: Field[Any]) -> Any:
    """The default value of a setting."""
    if setting.default is not MISSING:
        return setting.default
    return {}


def from_dict(values: dict[str, Any]) -> TrainConfig:
    """Settings from plain values; what is left out keeps its default.

    Raises:
        ConfigurationError: for all unknown names together.
    """
    problems = [unknown_name("setting", name, SETTINGS) for name in values if name not in SETTINGS]
    if problems:
        raise ConfigurationError(problems)
    return TrainConfig(**values)


def differences(saved: dict[str, Any], asked: TrainConfig) -> list[str]:
    """The settings that change the result and differ, as "name: saved -> asked"."""
    now = asked.to_dict()
    was = {name: saved.get(name, default_of(setting)) for name, setting in SETTINGS.items()}
    found = []
    for name in now:
        if name in INCIDENTAL or was[name] == now[name]:
            continue
        if name in OPTIONS:
            keys = sorted(was[name].keys() | now[name].keys())
            prefix = name.removesuffix("_options")
            found += [
                f"{prefix}.{key}: {was[name].get(key, 'default')!r} -> {now[name].get(key, 'default')!r}"
                for key in keys
                if was[name].get(key, MISSING) != now[name].get(key, MISSING)
            ]
        else:
            found.append(f"{name}: {was[name]!r} -> {now[name]!r}")
    return found


def write_config(
    folder: str | Path,
    config: TrainConfig,
    *,
    network: dict[str, Any] | None = None,
    rule: dict[str, Any] | None = None,
) -> None:
    """Write `config.toml`.

    Args:
        folder: where.
        config: the settings as they were asked for.
        network: values that rebuild the network, defaults included; go under [network].
        rule: options of the rule in force, defaults included; go under [rule_in_force].
    """
    values = config.to_dict()
    table: dict[str, Any] = {"format": FORMAT}
    table |= {name: value for name, value in values.items() if value is not None and name not in OPTIONS}
    table |= {name: values[name] for name in OPTIONS if values[name]}
    table |= {name: value for name, value in (("network", network), ("rule_in_force", rule)) if value}
    heading = "Everything needed to repeat this run. Written by bispike; {} in a table of options stands for none."
    write_atomic(Path(folder) / CONFIG_FILE, toml.dumps(table, heading=heading))


def read_config(folder: str | Path) -> TrainConfig:
    """The settings in a run's folder, or in a file like its config.toml.

    Raises:
        CheckpointError: the folder holds no run, or one of a later format.
        ConfigurationError: the file is damaged.
    """
    table = _read_table(folder)
    for name in ("format", "network", "rule_in_force"):
        table.pop(name, None)
    for name in OPTIONS:
        if name in table:
            table[name] = toml.with_none(table[name])
    return from_dict(table)


def read_in_force(folder: str | Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values that rebuild a run's network, and the options of its rule in force; {} where there are none."""
    table = _read_table(folder)
    return toml.with_none(table.get("network", {})), toml.with_none(table.get("rule_in_force", {}))


def _read_table(folder: str | Path) -> dict[str, Any]:
    path = Path(folder)
    path = path if path.is_file() else path / CONFIG_FILE
    if not path.is_file():
        raise CheckpointError(f"{folder}: is not the folder of a run (it has no {CONFIG_FILE}).")
    table = toml.load(path)
    if table.get("format", FORMAT) != FORMAT:
        raise CheckpointError(
            f"{path}: has format {table['format']}; this version of bispike reads format {FORMAT}. "
            "Use the version that wrote it, or a later one."
        )
    return table


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
