"""From what was asked for to a complete and sound `TrainConfig`: preset, then options, then `key=value` texts.

Later ones override earlier ones. All are merged into one dict of plain values, from which the settings are made once.
A preset (or a saved configuration) stays usable when its rule or model is replaced: options that the new rule or model
does not know, or that have no effect there, are left out, so that `--preset P --rule bptt` is the twin of `--preset P`.
What the user wrote is never left out silently; all that is wrong with it is listed before any work starts.

Types and ranges follow from the declarations of the settings; the checks in the second half need several settings at
once, or the machine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from .. import data, models, rules
from ..errors import BispikeError, ConfigurationError, unknown_name
from ..settings import Setting, no_effects
from . import optimizers
from .combinations import combination_problems
from .options import GROUPS, Table, model_options, rule_option_class, rule_options, signals_of
from .start import choose, starting_values
from .train_config import OPTIONS, REGISTERED, SETTINGS, TrainConfig, from_dict

_FIRST = ("rule", "model", "optimizer", "dataset")  # decide which options there are


@dataclass(frozen=True)
class Plain:
    """A value that stands for itself, as a study file has it, in place of a text; its type must be the setting's."""

    value: Any


@dataclass(frozen=True)
class Request:
    """What a user asked for.

    Args:
        options: values by any key that `texts` takes, besides `preset` (a name) and `config` (a file or run folder);
            None stands for "not given".
        texts: `key=value` pairs, the key plain or as `rule.key`, `model.key`, `optimizer.key`; options of the data
            set's format as `data.key`. Later ones override earlier ones, and options.
    """

    options: Mapping[str, Any]
    texts: Sequence[tuple[str, str | Plain]] = field(default=())

    @classmethod
    def of(cls, options: Mapping[str, Any], words: Iterable[str]) -> Request:
        """A request with `key=value` words as `--set` takes them.

        Raises:
            ConfigurationError: a word without `=` or without a key.
        """
        pairs = []
        for word in words:
            key, separator, value = (part.strip() for part in word.partition("="))
            if not separator or not key:
                raise ConfigurationError(f"--set: expected KEY=VALUE, received {word!r}.")
            pairs.append((key, value))
        return cls(options, pairs)

    def values(self) -> list[tuple[str, str | Plain]]:
        """All keys with what was given for them, in order."""
        given = [(key, value) for key, value in self.options.items() if value is not None]
        plain = [(key, Plain(str(value) if isinstance(value, Path) else value)) for key, value in given]
        return [*(pair for pair in plain if pair[0] not in ("preset", "config")), *self.texts]


@dataclass(frozen=True)
class Attempt:
    """What became of a request: the settings as far as they could be read, and what stood in the way.

    Args:
        config: without the values that are wrong.
        problems: a sentence for each value that does not fit.
        unknown: keys that neither the training nor its rule, model or optimizer knows, with a sentence about each.
        idle: keys that have no effect with the other options, likewise.
    """

    config: TrainConfig
    problems: list[str]
    unknown: dict[str, str]
    idle: dict[str, str]

    @property
    def unused(self) -> dict[str, str]:
        """Keys that reach nothing in this training, with the reason."""
        return self.unknown | self.idle


def resolve(request: Request, *, resume_from: Path | None = None) -> TrainConfig:
    """The complete settings.

    Args:
        request: what was asked for.
        resume_from: folder whose run is resumed: its settings are the starting point if it has any, and must
            be there if nothing else was asked for.

    Raises:
        ConfigurationError: everything that is unknown, cannot be read or has no effect, together.
    """
    found = attempt(request, resume_from=resume_from)
    problems = [*found.problems, *found.unused.values()]
    if problems:
        raise ConfigurationError([*problems, *problems_of(found.config)])
    return found.config


def data_options(dataset: str, given: Mapping[str, Any], words: Iterable[str]) -> dict[str, Any]:
    """The options of a data set alone: those of the command line and `key=value` words, as `data.load` takes them.

    Raises:
        ConfigurationError: a key that is no option of the data, or a value that cannot be read.
    """
    request = Request.of(given, words)
    table = Table(**{**{name: SETTINGS[name].default for name in _FIRST}, "dataset": dataset}, task=given.get("task"))
    options = {key: value for key, value in given.items() if value is not None}
    for key, value in request.texts:
        place = table.find(key if key.startswith("data.") else f"data.{key}")
        if place is None:
            raise ConfigurationError(table.unknown(key))
        options[place[1].name] = place[1].read(str(value))
    return options


def resolve_rows(rows: Mapping[str, Request], own: Collection[str] = ()) -> dict[str, TrainConfig]:
    """The settings of each row of a study; a key reaches the rows in which it has an effect.

    Args:
        rows: what was asked for, by the name of the row.
        own: keys that must have an effect in every row; the others in one at least.

    Raises:
        ConfigurationError: as `resolve`, and for a key that has an effect in no row.
    """
    found = {name: attempt(request) for name, request in rows.items()}
    problems = [problem for one in found.values() for problem in one.problems]
    problems += [reason for one in found.values() for key, reason in one.unused.items() if key in own]
    nowhere = set.intersection(*({*one.unused} for one in found.values())) if found else set()
    for key in sorted(nowhere):
        reasons = [one.idle[key] for one in found.values() if key in one.idle]
        problems += reasons or [list(found.values())[-1].unknown[key]]
    if problems:
        raise ConfigurationError(list(dict.fromkeys(problems)))
    return {name: one.config for name, one in found.items()}


def resolve_each(request: Request, names: Sequence[str]) -> dict[str, TrainConfig]:
    """The settings for each of several rules, as `resolve_rows`."""
    return resolve_rows({name: Request({**request.options, "rule": name}, request.texts) for name in names})


def attempt(request: Request, *, resume_from: Path | None = None) -> Attempt:
    """As `resolve`, but what is wrong with single values is returned and not raised.

    Raises:
        UserError: what they start from cannot be had: preset, configuration, rule, model.
    """
    given = request.values()
    values = starting_values(request.options, resume_from, anything=bool(given))
    for name in _FIRST:
        chosen = [_text(value) for key, value in given if key.replace("-", "_") == name]
        if chosen and isinstance(chosen[-1], str):
            choose(values, name, chosen[-1])
    wrong = [SETTINGS[name].problem(values[name]) for name in _FIRST if not isinstance(values[name], str)]
    wrong += [SETTINGS[name].problem(values[name]) for name in OPTIONS if not isinstance(values[name], dict)]
    if wrong:
        raise ConfigurationError(wrong)
    tasks = [_text(value) for key, value in given if key in ("task", "data.task")]
    task = tasks[-1] if tasks else values["data_options"].get("task")
    table = Table(**{name: values[name] for name in _FIRST}, task=task)
    problems: list[str] = []
    unknown: dict[str, str] = {}
    idle: dict[str, str] = {}
    used: dict[tuple[str, str], str] = {}
    for key, value in given:
        place = table.find(key)
        if place is None:
            unknown[key] = table.unknown(key)
            continue
        group, one = place
        try:
            read = one.accept(value.value) if isinstance(value, Plain) else one.read(value)
        except ConfigurationError as error:
            problems += error.problems
            continue
        used[group, one.name] = key
        (values[GROUPS[group]] if group else values)[one.name] = read
    if values["model"] not in models.registry or values["rule"] not in rules.registry:
        validate(from_dict(values))  # raises for these, with all else that is wrong
    for group, known in table.groups.items():
        options = values[GROUPS[group]]
        others = signals_of(values["rule"], values["model"]) if group == "model" else {}
        idle_here = no_effects(known, options, defaults_too=True, others=others)
        for name, reason in idle_here.items():
            given_as = used.get((group, name))
            if given_as is not None:
                idle[given_as] = reason
            if given_as is not None or options[name] != known[name].default:
                del options[name]
    return Attempt(from_dict(values), problems, unknown, idle)


def _text(given: str | Plain) -> Any:
    return given.value if isinstance(given, Plain) else given


# ---------------------------------------------------------------------- checks


def validate(config: TrainConfig) -> None:
    """Check settings that name everything: data set, model, rule.

    Raises:
        ConfigurationError: with all problems.
    """
    problems = problems_of(config)
    if problems:
        raise ConfigurationError(problems)


def problems_of(config: TrainConfig) -> list[str]:
    """What is wrong with settings that name everything, a sentence each."""
    problems = [*training_problems(config)]
    if all(isinstance(getattr(config, name), str) for name in ("dataset", "model", "rule")):
        problems += name_problems(config)
        if not problems:
            problems = combination_problems(config)
    return problems


def validate_training(config: TrainConfig) -> None:
    """Check the settings of the training itself, where network, rule and data are given as objects."""
    problems = list(training_problems(config))
    if problems:
        raise ConfigurationError(problems)


def training_problems(config: TrainConfig) -> Iterator[str]:
    """What is wrong with the settings of the training itself."""
    found = {name: _problem(name, one, getattr(config, name)) for name, one in SETTINGS.items()}
    wrong = {name: problem for name, problem in found.items() if problem}
    yield from wrong.values()
    if "extra" not in wrong:
        yield from _extra_problems(config.extra)
    if not {"optimizer", "optimizer_options"} & wrong.keys():
        yield from optimizers.problems(config.optimizer, config.optimizer_options)
    if "device" not in wrong:
        yield from _device_problems(config.device)
    if not {"update", "clip_norm"} & wrong.keys() and config.update == "in-pass" and config.clip_norm is not None:
        yield (
            "clip_norm: needs all gradients at once, but update 'in-pass' applies each as soon as it is ready; "
            "use update 'after', or no clip_norm."
        )
    if "validation" not in wrong and config.validation == 0:
        if config.patience is not None:
            yield "patience: ends a training by its validation, but validation is 0; set validation to 0.05, say."
        if config.keep == "best":
            yield 'keep: "best" chooses by validation, but validation is 0; set validation to 0.05, say.'
        if config.test is False:
            yield "test: false leaves validation to measure by, but validation is 0; set validation to 0.1, say."


def _no_data(name: str) -> str:
    """The sentence on a data set that is neither a name nor a path."""
    if Path(name).suffix or Path(name).parent != Path():
        return f"data set: expected a name or a path, found no file or folder {name} in {Path.cwd()}. Give its path."
    return f"{unknown_name('data set', name, data.registry)} A file or folder would do too."


def name_problems(config: TrainConfig) -> Iterator[str]:
    """What is wrong with the names of data set, model and rule, and with the options of the last two."""
    if config.dataset not in data.registry and not Path(config.dataset).expanduser().exists():
        yield _no_data(config.dataset)
    if config.model not in models.registry:
        yield unknown_name("model", config.model, models.registry)
    elif isinstance(config.model_options, dict):
        known = model_options(config.model)
        yield from _unknown_options("model", config.model, config.model_options, known)
        wrong = [known[k].problem(v) for k, v in config.model_options.items() if k in known]
        yield from filter(None, wrong)
        others = signals_of(config.rule, config.model)
        yield from no_effects(known, config.model_options, others=others).values()
    if config.rule not in rules.registry:
        yield unknown_name("rule", config.rule, rules.registry)
    elif isinstance(config.rule_options, dict):
        if config.model in models.registry:
            try:
                rules.find(config.rule, models.registry[config.model].network)
            except ConfigurationError as error:
                yield from error.problems
                return
        known = rule_options(config.rule, config.model)
        unknown = [*_unknown_options("rule", config.rule, config.rule_options, known)]
        yield from unknown or _construction_problems(config)


def _problem(name: str, one: Setting, value: Any) -> str:
    if name in (*OPTIONS, "extra") and isinstance(value, dict):
        if any(not isinstance(key, str) for key in value):
            return f"{name}: expected text as names of the options, received {list(value)}."
        if name in ("rule_options", "model_options", "extra"):  # their own declarations check the values
            return ""
    return one.problem(value)


def _extra_problems(extra: Mapping[str, Any]) -> Iterator[str]:
    for name, value in extra.items():
        if name not in REGISTERED:
            known = f"registered are {', '.join(REGISTERED)}" if REGISTERED else "none is registered"
            yield f"{name}: expected a setting that an imported package has registered; {known}."
        else:
            yield from filter(None, [REGISTERED[name].problem(value)])


def _unknown_options(kind: str, name: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    yield from (unknown_name(f"option of {kind} {name!r}:", key, known) for key in given if key not in known)


def _construction_problems(config: TrainConfig) -> list[str]:
    try:
        rule_option_class(config.rule, config.model)(**config.rule_options)
    except ConfigurationError as error:
        return error.problems
    except (TypeError, ValueError, BispikeError) as error:
        return [f"options of rule {config.rule!r}: {error}."]
    return []


def _device_problems(name: str) -> Iterator[str]:
    try:
        device = torch.device(name)
    except RuntimeError:
        yield f"device: expected 'cpu', 'cuda' or 'cuda:N', received {name!r}."
        return
    if device.type == "cuda" and not torch.cuda.is_available():
        yield f"device: {name!r} was asked for, but torch finds no CUDA device here; use 'cpu'."
    elif device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        yield f"device: {name!r} was asked for, but there are {torch.cuda.device_count()} CUDA devices."
    elif device.type not in ("cpu", "cuda"):
        yield f"device: expected 'cpu', 'cuda' or 'cuda:N', received {name!r}."
