"""The pytest plugins of a child process: one that maps tests to functions, one that runs chosen tests until one fails.

Imported before the fork, used after it; the package is not imported here.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from .forks import Copy
from .trace import Recorder, Touched

OPTIONS = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:randomly", "--no-header", "--tb=line"]
OPTIONS += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # plugins were imported before the fork
EXAMPLES = [hypothesis.Phase.explicit, hypothesis.Phase.generate]


def _pytest(copy: Copy, files: Sequence[str], plugin: object, *options: str) -> int:
    hypothesis.settings.register_profile(
        "mutation", derandomize=True, database=None, deadline=None, phases=EXAMPLES, print_blob=False
    )
    hypothesis.settings.load_profile("mutation")
    temporary = ["--basetemp", str(copy.root / ".tmp" / "pytest")]
    return int(pytest.main([*OPTIONS, *temporary, *options, *files], plugins=[plugin]))


class Mapping:
    """What each test of a file runs; what collection and wider fixtures run belongs to all tests of the file."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.whole: Touched = recorder.touched
        self.tests: dict[str, Touched] = {}
        self.seconds: dict[str, float] = {}
        self.dropped: dict[str, str] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        os.environ["MUTATION_TEST"] = item.nodeid
        self.recorder.into(self.tests.setdefault(item.nodeid, set()))
        self.recorder.start()
        try:
            return (yield)
        finally:
            self.recorder.into(self.whole)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        if fixturedef.scope == "function":
            return (yield)
        before = self.recorder.touched
        self.recorder.into(self.whole)
        try:
            return (yield)
        finally:
            self.recorder.into(before)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration
        if report.outcome != "passed":
            self.dropped[report.nodeid] = report.outcome

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.dropped[report.nodeid] = "failed"


def map_file(copy: Copy, file: str) -> dict[str, Any]:
    """Run one test file unchanged: seconds per test, the functions of each, and which tests do not count."""
    records = copy.root / ".tmp" / "records"
    records.mkdir()
    package = str(copy.root / copy.package)
    os.environ |= {"MUTATION_TRACE": str(records), "MUTATION_PACKAGE": package}
    recorder = Recorder(package)
    mapping = Mapping(recorder)
    recorder.start()
    _pytest(copy, [file], mapping)
    sys.settrace(None)
    for record in records.glob("*.json"):
        test, touched = json.loads(record.read_text())
        mapping.tests.get(test, mapping.whole).update(map(tuple, touched))
    names = list(mapping.tests)
    touched_by: dict[str, dict[str, list[int]]] = {}
    for number, functions in enumerate(mapping.tests.values()):
        for path, function in sorted(functions):
            touched_by.setdefault(path, {}).setdefault(function, []).append(number)
    whole: dict[str, list[str]] = {}
    for path, function in sorted(mapping.whole):
        whole.setdefault(path, []).append(function)
    seconds = {test: round(value, 4) for test, value in mapping.seconds.items()}
    return {"names": names, "durations": seconds, "touched": touched_by, "whole": whole, "dropped": mapping.dropped}


class Chosen:
    """Runs the chosen tests in the order given; one that is gone is replaced by the cases that took its place."""

    def __init__(self, copy: Copy, tests: Sequence[str]) -> None:
        self.copy = copy
        self.order = {test: rank for rank, test in enumerate(tests)}
        self.count = 0
        self.failed: str | None = None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        there = {item.nodeid for item in items}
        gone: dict[str, int] = {}
        for test, rank in self.order.items():
            if test not in there:
                gone.setdefault(test.partition("[")[0], rank)
        ranks = {}
        for item in items:
            found = self.order.get(item.nodeid, gone.get(item.nodeid.partition("[")[0]))
            if found is not None:
                ranks[item] = found
        items[:] = sorted(ranks, key=ranks.__getitem__)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.count += report.when == "call" and report.passed
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed and self.failed is None:
            self.failed = report.nodeid or "collection"


def run_chosen(copy: Copy, tests: Sequence[str]) -> dict[str, Any]:
    """Run tests until one fails, a few files first; the result names it."""
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    count = 0
    for part in filter(None, (files[:3], files[3:12], files[12:])):
        plugin = Chosen(copy, [test for test in tests if test.partition("::")[0] in part])
        status = _pytest(copy, part, plugin, "-x")
        count += plugin.count
        loaded = getattr(sys.modules.get("bispike"), "__file__", None)
        assert loaded is None or Path(loaded).is_relative_to(copy.root), f"the tests ran {loaded}, not the copy"
        if plugin.failed or status not in (0, 5):
            return {"failed": plugin.failed or f"pytest ended with status {status}", "count": count}
    return {"failed": None, "count": count}
