"""From what was asked for to a complete `TrainConfig`: preset, then options, then `key=value` texts.

Later ones override earlier ones. All are merged into one dict of plain values, from which the settings are made once.
A preset (or a saved configuration) stays usable when its rule or model is replaced: options that the new rule or model
does not know, or that have no effect there, are left out, so that `--preset P --rule bptt` is the twin of `--preset P`.
What the user wrote is never left out silently; all that is wrong with it is listed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import models, rules
from ..errors import ConfigurationError
from ..settings import no_effects
from .checks import problems_of, validate
from .options import GROUPS, Table
from .start import choose, starting_values
from .train_config import TrainConfig, from_dict

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
        for name, reason in no_effects(known, options, defaults_too=True).items():
            given_as = used.get((group, name))
            if given_as is not None:
                idle[given_as] = reason
            if given_as is not None or options[name] != known[name].default:
                del options[name]
    return Attempt(from_dict(values), problems, unknown, idle)


def _text(given: str | Plain) -> Any:
    return given.value if isinstance(given, Plain) else given
