"""Sections of the report on a run: each is a file of `sections` with one decorated function.

    @section("Learning", order=10, applies=single_stimuli)
    def learning(run: ReportRun) -> Html: ...

The page shows the sections that apply to a run, in their order. A module outside the package adds a section with the
same decorator.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from ..runs.record import RunRecord
from ..tasks import Reconstruction
from .html import Html
from .run import ReportRun

Build = Callable[[ReportRun], Html]


@dataclass(frozen=True)
class Section:
    """A part of the page about one run.

    Args:
        title: its heading; a section without one stands above the list of links.
        order: sections with smaller numbers come first.
        applies: whether a run has this section.
        build: its contents. What needs the data set is measured with `ReportRun.measure`.
    """

    title: str
    order: int
    applies: Callable[[RunRecord], bool]
    build: Build


registered: list[Section] = []


def section(
    title: str = "", *, order: int, applies: Callable[[RunRecord], bool] = lambda record: True
) -> Callable[[Build], Build]:
    """Register a function as a section; see `Section`."""

    def register(build: Build) -> Build:
        registered.append(Section(title, order, applies, build))
        return build

    return register


def sections_of(record: RunRecord) -> list[Section]:
    """The sections of a run in their order."""
    package = importlib.import_module(f"{__package__}.sections")
    for entry in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{entry.name}")
    return sorted((one for one in registered if one.applies(record)), key=lambda one: one.order)


def single_stimuli(record: RunRecord) -> bool:
    """For `applies`: runs on single stimuli, with or without reconstruction."""
    return not record.task.sequential


def sequences(record: RunRecord) -> bool:
    """For `applies`: runs on texts, series or other sequences."""
    return record.task.sequential


def autoencoders(record: RunRecord) -> bool:
    """For `applies`: runs that reconstruct their stimuli."""
    return isinstance(record.task, Reconstruction)
