"""Bad calls of the command line: every option of every verb with values of another type, out of range, or empty."""

from __future__ import annotations

from collections.abc import Iterator

import click

from bispike.cli._app import app
from tests.cli.conftest import TINY

RUN, INPUT = "{run}", "{input}"
WITHOUT_EPOCHS = [word for word in TINY if word not in ("--epochs",)]
BASES: dict[str, list[str]] = {
    "train": TINY,
    "compare": ["--rules", "bsd", *TINY],
    "ablate": ["--over", "strength=0.1,0.2", *TINY],
    "audit": ["--rule", "bsd"],
    "evaluate": [RUN],
    "predict": [RUN, INPUT],
    "recall": [RUN],
    "report": [RUN],
    "robustness": [RUN],
    "analyse": [RUN],
    "bench": [],
    "presets check": ["digits-mlp"],
    "data check": ["digits"],
    "study few-shot": [],
    "study memory": [],
    "study sequence-length": [],
}
"""Words with which a verb would work."""
WRONG = {
    "integer": ["x", "2.5", "", "1e3", "nan", "true", "[1]", "-1"],
    "integer range": ["x", "2.5", "", "-1", "nan"],
    "float": ["x", "", "nan", "inf", "true", "-1"],
    "float range": ["x", "", "nan", "inf", "true", "-1"],
    "choice": ["no-such", ""],
    "text": ["no-such", ""],
    "path": [""],
}
ACCEPTED = {
    ("--data-root", "no-such"): "a folder that this data set does not need",
    ("--target", "no-such"): "the reader of a file knows its columns",
    ("--new", "no-such"): "the data set knows its classes",
}
"""Values that are right for an option, with the reason."""
WORDS: dict[str, list[str]] = {
    "unknown verb": ["no-such"],
    "unknown option": ["train", "--no-such"],
    "option without its value": ["train", "--epochs"],
    "no run": ["evaluate"],
    "empty run": ["evaluate", ""],
    "run that is missing": ["evaluate", "no-such"],
    "two verbs": ["train", "evaluate"],
    "empty data set": ["train", "--dataset="],
    "unknown preset": ["train", "--preset", "no-such"],
    "missing configuration": ["train", "--config", "no-such"],
    "unknown rule of a comparison": ["compare", "--rules", "bsd,no-such"],
    "empty rule of a comparison": ["compare", "--rules", "bsd,,bptt"],
    "no such study": ["ablate", "no-such.toml"],
    "neither study nor values": ["ablate"],
    "unknown model": ["models", "no-such"],
    "unknown rule": ["rules", "no-such"],
    "unknown data": ["data", "info", "no-such"],
}


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every verb, those in folders too, with its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        elif command is not None:
            yield " ".join((*path, name)), command


def bad_words() -> dict[str, list[str]]:
    """Every bad call by what it is."""
    found = dict(WORDS)
    for verb, command in leaves(app):
        if verb not in BASES:
            continue
        for option in command.params:
            if not isinstance(option, click.Option) or option.is_flag:
                continue
            flag = option.opts[0]
            for value in WRONG[option.type.name]:
                if (flag, value) not in ACCEPTED:
                    found[f"{verb} {flag} {value!r}"] = [*verb.split(), *BASES[verb], flag, value]
    return found
