"""Run fuzzing cases of all targets, or of some, and list the findings by place.

    python -m tests.fuzz.run --files 10000 --tensors 5000 --jobs 2     # what `make fuzz` does
    python -m tests.fuzz.run --target npz --first 17 --files 1 --show  # one case again

Cases run in forked processes. A process that dies or hangs costs its one case; another takes its place.
"""

from __future__ import annotations

import argparse
import collections
import importlib
import json
import math
import pkgutil
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from . import targets as area_package
from .case import Outcome
from .target import Target
from .workers import Job, run_jobs

CPU_SECONDS = 10.0
"""Processor time after which a case counts as a hang."""


def all_targets() -> list[Target]:
    """The targets of all areas.

    Raises:
        ValueError: two have one name.
    """
    found: list[Target] = []
    for module in pkgutil.iter_modules(area_package.__path__):
        found += importlib.import_module(f"{area_package.__name__}.{module.name}").TARGETS
    names = [target.name for target in found]
    if len(set(names)) < len(names):
        raise ValueError(f"targets of one name: {[name for name in names if names.count(name) > 1]}")
    return found


def shares(targets: Sequence[Target], total: int) -> list[tuple[Target, int]]:
    """How many cases each target gets of a total, by weight; rounded up, so that each gets one."""
    weights = sum(target.weight for target in targets)
    return [(target, math.ceil(total * target.weight / weights)) for target in targets]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases; the exit status is 1 if there are findings."""
    options = _options(arguments)
    importlib.import_module("torch._dynamo")  # every optimizer imports it, for seconds: here once for all processes
    chosen = [
        target
        for target in all_targets()
        if (not options.target or _matches(target, options.target)) and not _matches(target, options.without)
    ]
    if options.target:
        plan = shares(chosen, options.files)
    else:
        plan = shares([target for target in chosen if not target.tensors], options.files)
        plan += shares([target for target in chosen if target.tensors], options.tensors)
    work = Path(tempfile.mkdtemp(prefix="bispike-fuzz-"))
    started, counts = time.monotonic(), collections.Counter[str]()
    findings: list[Outcome] = []
    slowest = Outcome("", 0, "fine")
    try:
        cases = _jobs(plan, options, work)
        until = started + options.seconds
        for outcome in run_jobs(cases, jobs_at_a_time=options.jobs, cpu=CPU_SECONDS, until=until):
            counts[outcome.kind] += 1
            slowest = max(slowest, outcome, key=lambda one: one.seconds)
            if outcome.is_finding:
                findings.append(outcome)
            if options.show:
                print(f"{outcome.target} {outcome.number}: {outcome.kind}: {outcome.done}\n    {outcome.detail}")
            if options.out is not None:
                with options.out.open("a") as file:
                    file.write(json.dumps(outcome.__dict__) + "\n")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _print(findings)
    total = sum(counts.values())
    print(
        f"{total} cases of {len(plan)} targets in {time.monotonic() - started:.0f} s: "
        + ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
        + f". Slowest: {slowest.target} {slowest.number}, {slowest.seconds:.1f} s."
    )
    return 1 if findings else 0


def _matches(target: Target, patterns: Sequence[str]) -> bool:
    return any(fnmatch(target.name, pattern) for pattern in patterns)


def _jobs(plan: list[tuple[Target, int]], options: argparse.Namespace, work: Path) -> Iterator[Job]:
    """One job per target and block of cases, so that all targets advance together."""
    blocks = [(start, index) for index, (_, count) in enumerate(plan) for start in range(0, count, options.block)]
    for start, index in sorted(blocks):
        target, count = plan[index]
        seeds, scratch = work / f"seeds-{index}", work / f"scratch-{index}"
        yield Job(
            target=target,
            numbers=range(options.first + start, options.first + min(start + options.block, count)),
            seeds=seeds,
            scratch=scratch,
            seed=options.seed,
        )


def _print(findings: list[Outcome]) -> None:
    places: dict[tuple[str, str], list[Outcome]] = collections.defaultdict(list)
    for outcome in findings:
        key = outcome.detail.split(":")[0:2] if outcome.kind == "foreign" else [outcome.target]
        places[outcome.kind, ":".join(key)].append(outcome)
    for (kind, place), found in sorted(places.items(), key=lambda item: -len(item[1])):
        one = found[0]
        print(f"{kind}, {len(found)} times: {place}")
        print(f"    first: {one.target} {one.number}: {one.done}\n    {one.detail}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000, help="cases with damaged files; with --target, all cases")
    parser.add_argument("--tensors", type=int, default=5_000, help="cases with replaced tensors")
    parser.add_argument("--target", action="append", default=[], help="name or pattern of targets; may be repeated")
    parser.add_argument("--without", action="append", default=[], help="name or pattern of targets that are left out")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--block", type=int, default=50, help="cases per process")
    parser.add_argument("--seconds", type=float, default=3600.0, help="no new block of cases starts after them")
    parser.add_argument("--out", type=Path, help="file that gets one JSON line per case")
    parser.add_argument("--show", action="store_true", help="print each case")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
