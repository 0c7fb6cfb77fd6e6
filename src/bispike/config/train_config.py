"""The settings of a training: plain values, everything that is needed to repeat it, each declared once.

Names, types, ranges, meanings and flags stand here and nowhere else: checks, `--set`, the flags and the help of the
command line and the reference page (docs/settings.md) follow from them.

They are what the command line fills, what `config.toml` in a run's folder holds, and what a resumed training is
compared with. `write_config` and `read_config` are exact inverses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..arguments import checked
from ..errors import CheckpointError, ConfigurationError, unknown_name
from ..files import write_atomic
from ..settings import (
    BELOW_ONE,
    FRACTION,
    NOT_NEGATIVE,
    POSITIVE,
    SEED,
    Limit,
    Setting,
    at_least,
    in_range,
    one_of,
    option,
    setting,
    settings_of,
)
from . import toml
from .recovery import lacks, settings_in_checkpoint
from .schedules import SCHEDULES

if TYPE_CHECKING:
    from ..nn import Network

FILLED = Limit("a text that is not empty", without=("",))
RATE = Limit("a positive number of at most 1000", 0, 1000, above=True)
FORMAT = 2  # of a run's folder: config.toml, metrics.jsonl, summary.json
CONFIG_FILE = "config.toml"

OPTIONS = ("data_options", "model_options", "rule_options", "optimizer_options")
"""Settings that are tables of options of something that another setting names."""


def _augmentations() -> list[str]:
    from ..data.augment import NAMES

    return list(NAMES)


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one training. Fractions are of 1; None means off unless said otherwise.

    A setting is one declaration: default, limit, meaning, flag. `extra` holds those of other packages
    (`register_setting`).
    """

    dataset: str = option("digits", FILLED, "name of a data set, or the path of a file or folder", flag="--dataset")
    data_root: str | None = option(
        None,
        FILLED,
        "folder with data sets; none: $BISPIKE_DATA, else the user's cache folder",
        flag="--data-root",
        incidental=True,
    )
    data_options: dict[str, Any] = field(
        default_factory=dict, metadata={"meaning": "options of the reader of the data's format"}
    )
    model: str = option("mlp", None, "name of a model; see 'bispike models'", flag="--model")
    model_options: dict[str, Any] = field(default_factory=dict, metadata={"meaning": "options of the model"})
    rule: str = option("bsd", None, "name of a learning rule; see 'bispike rules'", flag="--rule")
    rule_options: dict[str, Any] = field(default_factory=dict, metadata={"meaning": "options of the learning rule"})
    epochs: int = option(
        10, in_range(1, 1_000_000, "at least 1 and at most 10^6"), "passes over the training samples", flag="--epochs"
    )
    batch_size: int = option(
        128, in_range(1, 2**24, "at least 1 and at most 2^24"), "samples in one step", flag="--batch-size"
    )
    lr: float = option(1e-3, RATE, "learning rate of the bottom-up pathway at the top of its schedule", flag="--lr")
    top_down_lr: float | None = option(None, in_range(0, 1000), "learning rate of the top-down pathway; none: as lr")
    optimizer: str = option(
        "adam", None, "name of an optimizer of torch.optim, such as adam or sgd", flag="--optimizer"
    )
    optimizer_options: dict[str, Any] = field(default_factory=dict, metadata={"meaning": "options of the optimizer"})
    schedule: str = option(
        "cosine", one_of(tuple(SCHEDULES)), "course of the learning rate over the whole training", flag="--schedule"
    )
    warmup_steps: int = option(0, NOT_NEGATIVE, "steps over which the learning rate rises before the schedule starts")
    weight_decay: float = option(0.0, NOT_NEGATIVE, "weight decay as the optimizer defines it", flag="--weight-decay")
    clip_norm: float | None = option(None, POSITIVE, "largest norm of all gradients together; none: no clipping")
    update: str = option(
        "after",
        one_of(("after", "in-pass")),
        "when weights change: after the step, or in the pass as soon as the gradients of a layer are ready; the same "
        "bits, but in-pass needs less memory and cannot clip",
        incidental=True,
    )
    seed: int = option(
        0,
        SEED,
        "seed of the initial weights, the order of the samples, augmentation and stochastic codes",
        flag="--seed",
    )
    validation: float = option(
        0.05, BELOW_ONE, "share of the training samples held out and measured after each epoch", flag="--validation"
    )
    patience: int | None = option(
        None, at_least(1), "epochs without a better validation after which the training ends", flag="--patience"
    )
    keep: str = option(
        "last", one_of(("last", "best")), "weights that are tested and saved: the last, or the best on validation"
    )
    test: bool = option(
        default=True,
        meaning="whether the test part is measured, once at the end; false for a search decided by validation",
    )
    augment: str = option(
        "none",
        one_of(_augmentations),
        "random changes of the training images: none, crop, flip or crop-flip",
        flag="--augment",
    )
    limit: int | None = option(
        None, at_least(1), "train on this many samples, the first of each class in proportion", flag="--limit"
    )
    imbalance: float = option(
        1.0,
        at_least(1, "a ratio of at least 1"),
        "how often the first class occurs in the training samples for one of the last; between them frequencies fall "
        "exponentially",
    )
    label_noise: float = option(0.0, FRACTION, "share of the training samples that get the label of another class")
    device: str = option("cpu", None, "where to compute: cpu, cuda or cuda:N", flag="--device")
    threads: int | None = option(
        None,
        in_range(1, 1024, "at least 1 and at most 1024"),
        "processor threads; none: as the process has",
        flag="--threads",
        incidental=True,
    )
    checkpoint_seconds: float = option(
        30.0, NOT_NEGATIVE, "seconds between checkpoints; 0: none by time", incidental=True
    )
    checkpoint_steps: int | None = option(None, at_least(1), "steps between checkpoints", incidental=True)
    extra: dict[str, Any] = field(
        default_factory=dict, metadata={"meaning": "settings that other packages have registered"}
    )

    def __post_init__(self) -> None:
        for name, one in SETTINGS.items():
            object.__setattr__(self, name, one.convert(getattr(self, name)))
        if isinstance(self.extra, dict):
            defaults = {name: one.default for name, one in REGISTERED.items()}
            given = {name: REGISTERED[name].convert(v) if name in defaults else v for name, v in self.extra.items()}
            object.__setattr__(self, "extra", defaults | given)

    def to_dict(self) -> dict[str, Any]:
        """All settings by name, in the order of the class."""
        return asdict(self)


SETTINGS: dict[str, Setting] = settings_of(TrainConfig)
REGISTERED: dict[str, Setting] = {}
"""Settings of other packages by name; their values are in `TrainConfig.extra`."""
AFTER_UPDATE: dict[str, Callable[[Network, Any], None]] = {}
"""What a training calls after each update for a registered setting, by its name."""


@checked
def register_setting(
    name: str,
    default: Any,
    limit: Limit | None = None,
    meaning: str = "",
    *,
    annotation: Any = None,
    incidental: bool = False,
    after_update: Callable[[Network, Any], None] | None = None,
) -> None:
    """Declare a training setting of another package.

    `--set`, `fit(...)` and config.toml then know it, it is checked, compared when a training is resumed and listed in
    the reference; its value is `config.extra[name]`.

    Args:
        name: an identifier that no training setting has.
        default: its default.
        limit: the values that it takes, as for `option`.
        meaning: what it is, in a phrase.
        annotation: its type, such as "float | None", if the default does not show it.
        incidental: whether it may differ when a training is resumed.
        after_update: called with the network and the value after each update of the weights. It may change the weights;
            it must depend on its arguments alone, so that a resumed training continues bit for bit.

    Raises:
        ConfigurationError: the name is taken or no identifier, or the default does not fit.
    """
    one = setting(name, default, annotation, limit=limit, meaning=meaning, incidental=incidental)
    if name in SETTINGS or not name.isidentifier():
        raise ConfigurationError(f"setting {name!r}: expected a new name of letters, digits and underscores.")
    if one.problem(default):
        raise ConfigurationError(one.problem(default))
    REGISTERED[name] = one
    AFTER_UPDATE.pop(name, None)
    if after_update is not None:
        AFTER_UPDATE[name] = after_update


def training_settings() -> dict[str, Setting]:
    """The settings of a training by name, those of other packages included, tables of options left out."""
    own = {name: one for name, one in SETTINGS.items() if name not in (*OPTIONS, "extra")}
    return own | REGISTERED


@checked
def from_dict(values: dict[str, Any]) -> TrainConfig:
    """Settings from plain values; what is left out keeps its default. Registered settings stand beside the others.

    Raises:
        ConfigurationError: for all unknown names together.
    """
    known = [*SETTINGS, *REGISTERED]
    problems = [unknown_name("setting", name, known) for name in values if name not in known]
    if problems:
        raise ConfigurationError(problems)
    extra = {name: value for name, value in values.items() if name in REGISTERED}
    own = {name: value for name, value in values.items() if name in SETTINGS}
    return TrainConfig(**{**own, "extra": {**own.get("extra", {}), **extra}} if extra else own)


@checked
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
    values, tables = config.to_dict(), (*OPTIONS, "extra")
    table: dict[str, Any] = {"format": FORMAT}
    table |= {name: value for name, value in values.items() if value is not None and name not in tables}
    table |= {name: values[name] for name in tables if values[name]}
    table |= {name: value for name, value in (("network", network), ("rule_in_force", rule)) if value}
    heading = "Everything needed to repeat this run. Written by bispike; {} in a table of options stands for none."
    write_atomic(Path(folder) / CONFIG_FILE, toml.dumps(table, heading=heading))


@checked
def read_config(folder: str | Path, *, note: Callable[[str], None] = lambda message: None) -> TrainConfig:
    """The settings in a run's folder, or in a file like its config.toml.

    Args:
        folder: of the run, or the file.
        note: receives a message if `config.toml` of a run is damaged and a checkpoint of the run holds the settings.

    Raises:
        CheckpointError: the folder holds no run, or one of a later format.
        ConfigurationError: the file is damaged.
    """
    table, problem = _read_table(folder)
    if problem:
        note(problem)
    for name in ("format", "network", "rule_in_force"):
        table.pop(name, None)
    for name in (*OPTIONS, "extra"):
        if name in table:
            if not isinstance(table[name], dict):
                raise ConfigurationError(f"{folder}: {name}: expected a table, received {table[name]!r}.")
            table[name] = toml.with_none(table[name])
    return from_dict(table)


def read_in_force(folder: str | Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values that rebuild a run's network, and the options of its rule in force; {} where there are none.

    Raises:
        CheckpointError, ConfigurationError: as for `read_config`.
    """
    table, _ = _read_table(folder)
    found = []
    for name in ("network", "rule_in_force"):
        value = table.get(name, {})
        if not isinstance(value, dict):
            raise ConfigurationError(f"{folder}: {name}: expected a table, received {value!r}.")
        found.append(toml.with_none(value))
    return found[0], found[1]


def config_problem(folder: str | Path) -> str:
    """What is wrong with `config.toml` of a run that a checkpoint holds the settings of; empty if nothing is."""
    return _read_table(folder)[1]


def _read_table(folder: str | Path) -> tuple[dict[str, Any], str]:
    """The table of a config.toml, and what was damaged so that a checkpoint had to give it; empty if nothing was."""
    path = Path(folder)
    held = None if path.is_file() else settings_in_checkpoint(path)
    path = path if path.is_file() else path / CONFIG_FILE
    try:
        if not path.is_file():
            raise CheckpointError(f"{folder}: is not the folder of a run (it has no {CONFIG_FILE}).")
        table = toml.load(path)
    except (CheckpointError, ConfigurationError) as error:
        if held is None:
            raise
        return held, f"{error} The settings were taken from the checkpoint of the run."
    if table.get("format", FORMAT) != FORMAT:
        raise CheckpointError(
            f"{path}: has format {table['format']}; this version of bispike reads format {FORMAT}. "
            "Use the version that wrote it, or a later one."
        )
    missing = [] if held is None else lacks(table, held)
    if held is not None and missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        return held, (
            f"{path}: is damaged: it lacks {', '.join(missing[:3])}{more}. The settings were taken from the checkpoint "
            "of the run."
        )
    return table, ""
