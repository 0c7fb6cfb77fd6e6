"""Options that several verbs share. An option that is not given is None."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ..config.train_config import SETTINGS
from ..settings import Setting

Function = TypeVar("Function", bound=Callable[..., Any])

FILE = click.Path(path_type=Path)
SEED = click.IntRange(0, 2**62)
COUNT = click.IntRange(min=1)


class Finite(click.FloatRange):
    """A number in a range that is neither NaN nor infinite."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number.", param, ctx)
        return number


NOT_NEGATIVE = Finite(min=0)

json_option = click.option(
    "--json", is_flag=True, expose_value=False, help="Print exactly one JSON object on standard output."
)
data_root_option = click.option(
    "--data-root",
    type=FILE,
    help="Folder with data sets; else $BISPIKE_DATA, else the user's cache folder.",
)
trust_option = click.option(
    "--trust", is_flag=True, help="Open and download what the settings of somebody else's run name."
)
dataset_option = click.option(
    "--dataset", metavar="PATH", help="Where the data of the run are now.  [default: where its training found them]"
)
memory_limit_option = click.option(
    "--memory-limit", type=float, metavar="GIB", help="What reading a file may take.  [default: from its size]"
)
run_argument = click.argument("run", type=FILE)


def stacked(*options: Callable[[Any], Any]) -> Callable[[Function], Function]:
    """Several option decorators as one, shown by --help in the order given."""

    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def setting_option(one: Setting, flag: str) -> Callable[[Any], Any]:
    """The option of the command line that a setting declares with its flag."""
    kinds: dict[str, tuple[Any, str]] = {"whole number": (int, "N"), "number": (float, "F")}
    kind, metavar = kinds.get(one.kind.name, (str, "NAME"))
    default = "" if one.default is None else f"  [default: {one.default}]"
    help_text = f"{one.meaning[0].upper()}{one.meaning[1:]}.{default}"
    return click.option(flag, one.name, type=kind, metavar=one.metavar or metavar, help=help_text)


def training_options(*left_out: str) -> Callable[[Function], Function]:
    """All that says what is trained: preset, saved settings, and each setting that declares a flag."""
    settings = [(one, one.flag) for one in SETTINGS.values() if one.flag and one.name not in left_out]
    return stacked(
        click.option("--preset", metavar="P", help="Complete settings by name; other options override them."),
        click.option("--config", type=FILE, metavar="FILE", help="Settings from a run's config.toml; likewise."),
        *(setting_option(one, flag) for one, flag in settings),
        click.option("--task", metavar="T", help="What a file is used for: tabular, series or text."),
        click.option("--target", metavar="COLUMN", help="Class column of a table; columns of a series to forecast."),
        click.option("--time-steps", "--steps", "time_steps", type=int, metavar="T", help="Time steps of the neurons."),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="KEY=VALUE ...",
            help="Any other setting of the training, the rule or the model; may be repeated.",
        ),
    )


study_options = stacked(
    click.option("--seeds", type=COUNT, metavar="N", help="Runs of each row.  [default: 3, or a study file's]"),
    click.option("--seed", type=SEED, metavar="S", help="The first seed.  [default: 0]"),
    click.option("--jobs", type=COUNT, metavar="N", help="Runs at a time, one thread each.  [default: all cores]"),
    click.option(
        "--sort",
        type=click.Choice(["given", "accuracy"]),
        default="given",
        show_default=True,
        help="Order of the table's rows.",
    ),
    click.option(
        "--validation-only",
        is_flag=True,
        help="Do not look at the test data: settings are chosen by validation.",
    ),
    click.option("--out", type=FILE, metavar="DIR", help="Folder of the study.  [default: one below runs/]"),
)
