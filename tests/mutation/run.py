"""Plants faults, runs the tests that reach them, and lists those that no test noticed.

    python -m tests.mutation.run --folders functional,rules --sample 60 --seconds 600 --out runs/mutation/1.jsonl

The score of a folder is the share of its faults that were caught, without those listed in `equivalent.toml`. A test
that takes ten times as long as without the fault has caught it. A survivor is a gap in the tests or an equivalent
fault: add a test, or an entry with the reason.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from . import forks, mutants, native, plugin, select
from .mutants import Mutant

REPOSITORY = Path(__file__).parents[2]
PACKAGE = "src/bispike"
CAUGHT = ("caught", "timeout")
LONGEST = 60.0  # seconds for one fault, unless three times the unchanged tests are more


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    package = REPOSITORY / PACKAGE
    groups = {folder: mutants.in_folder(package, folder) for folder in options.folders.split(",")}
    for folder, found in groups.items():
        if not found:
            raise SystemExit(f"there is nothing to change in {PACKAGE}/{folder}")
    if options.lines:
        places = set(options.lines.split(","))
        chosen = [m for found in groups.values() for m in found if f"{m.path}:{m.line}" in places]
    else:
        chosen = mutants.sample(groups, options.sample, options.seed)
    rows, known = _read(options.out), mutants.equivalent()
    done = {(row["path"], row["line"], row["original"], row["mutated"]) for row in rows}
    todo = [mutant for mutant in chosen if mutant.key not in done]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.state.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder, options.out.open("a") as out:
        for row in _work(todo, options, Path(folder)):
            rows.append(row)
            out.write(json.dumps(row) + "\n")
            out.flush()
    keys = {mutant.key for mutant in chosen}
    rows = [row for row in rows if (row["path"], row["line"], row["original"], row["mutated"]) in keys]
    for row in rows:  # listed since it ran
        if reason := known.get((row["path"], row["original"].strip(), row["mutated"].strip())):
            row |= {"status": "equivalent", "reason": reason}
    print(report(rows, {folder: sum(m.folder == folder for m in chosen) for folder in groups}))
    return 0


def _work(todo: list[Mutant], options: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    """Rows in the order in which they end."""
    known = mutants.equivalent()
    for mutant in todo:
        if reason := known.get((mutant.path, mutant.original.strip(), mutant.mutated.strip())):
            yield _row(mutant, "equivalent", reason=reason)
    todo = [m for m in todo if (m.path, m.original.strip(), m.mutated.strip()) not in known]
    if not todo:
        return
    forks.preload()
    cache = options.state / "cache"
    cache.mkdir(exist_ok=True)
    copies = []
    for number in range(options.jobs):
        (folder / str(number)).mkdir()
        copies.append(forks.Copy.make(REPOSITORY, PACKAGE, folder / str(number), cache))
    files = select.test_files(REPOSITORY, (options.tests or options.folders).split(","))
    mapped = select.make_map(copies[0], files, options.state / "map.json", cache)
    selector = select.Selector(mapped, REPOSITORY / PACKAGE, options.budget)
    failed = [test for test, outcome in selector.dropped.items() if outcome == "failed"]
    if failed:
        print(f"\nnot used, they fail without a fault: {', '.join(failed)}", file=sys.stderr)
    pending: list[Mutant] = list(reversed(todo))
    running: list[Iterator[dict[str, Any] | None]] = []
    first: set[str] = set()
    began = time.monotonic()
    deadline = began + options.seconds
    while pending or running:
        while pending and copies and time.monotonic() < deadline:
            running.append(_task(pending.pop(), selector, copies.pop(), cache))
        if not running:
            break
        for task in list(running):
            row = next(task)
            if row is not None:
                running.remove(task)
                copies.append(row.pop("copy"))
                if row.get("first") in selector.seconds:
                    first.add(row["first"])
                if row["status"] != "invalid":
                    count = len(todo) - len(pending)
                    print(f"\r{count}/{len(todo)} {row['status']:<10} {row['path']:<70.70}", end="", file=sys.stderr)
                    yield row
        time.sleep(0.01)
    seconds = time.monotonic() - began
    _control(sorted(first), copies[0], cache)
    ended = len(todo) - len(pending)
    print(f"\n{ended} faults in {seconds:.0f} s, {seconds / max(ended, 1):.1f} s each", file=sys.stderr)


def _control(tests: list[str], copy: forks.Copy, cache: Path) -> None:
    """The tests that caught the faults must pass without one, in the same way of running them."""
    copy.refresh(cache)
    result = forks.wait(forks.start(copy, lambda there: plugin.run_chosen(there, tests), 600))
    if result.get("failed", "") is not None:
        raise RuntimeError(f"a test that caught a fault fails without one, so the score is void: {result}")
    print(f"\nthe {len(tests)} tests that caught faults pass without them", file=sys.stderr)


def _task(mutant: Mutant, selector: select.Selector, copy: forks.Copy, cache: Path) -> Iterator[dict[str, Any] | None]:
    """Nothing while the tests run, then the row."""
    selection = selector.choose(mutant)
    limit = max(10 + 3 * selection.seconds, min(LONGEST, 10 + 10 * selection.seconds))
    copy.refresh(cache)
    with copy.changed(mutant.path, mutant.apply):
        is_valid = mutant.path.endswith(".py") or native.compiles(copy.root / PACKAGE / mutant.path)
        if is_valid:
            job = forks.start(copy, lambda there: plugin.run_chosen(there, selection.tests), limit)
            try:
                while (result := job.result()) is None:
                    yield None
            finally:
                job.kill()
    if not is_valid:
        yield {"status": "invalid", "copy": copy}
        return
    assert result is not None
    found = {"tests": result.get("count", 0), "seconds": round(result["seconds"], 2)}
    if result.get("timeout"):
        row = _row(mutant, "timeout", **found)
    elif first := result.get("failed") or result.get("crashed"):
        row = _row(mutant, "caught", **found, first=first)
    else:
        row = _row(mutant, "survived", **found, complete=selection.is_complete, reached=selection.is_reached)
    yield {**row, "copy": copy}


def _row(mutant: Mutant, status: str, **more: object) -> dict[str, Any]:
    values = {name: getattr(mutant, name) for name in ("folder", "path", "line", "scope", "operator")}
    return {**values, "original": mutant.original, "mutated": mutant.mutated, "status": status, **more}


def _read(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def report(rows: list[dict[str, Any]], sizes: dict[str, int]) -> str:
    """A line per folder, then each survivor as a difference."""
    names = ("sample", "run", "caught", "time-out", "equal", "survived", "score")
    lines = [f"{'folder':<24}" + "".join(f"{name:>10}" for name in names)]
    for folder in [*sizes, "all"]:
        count = Counter(row["status"] for row in rows if folder in (row["folder"], "all"))
        judged = count.total() - count["equivalent"]
        caught = sum(count[status] for status in CAUGHT)
        numbers = [sizes.get(folder, sum(sizes.values())), count.total(), caught]
        numbers += [count[status] for status in ("timeout", "equivalent", "survived")]
        score = f"{caught / judged:.1%}" if judged else "-"
        lines.append(f"{folder:<24}" + "".join(f"{value:>10}" for value in [*numbers, score]))
    for row in sorted(rows, key=lambda row: (row["path"], row["line"])):
        if row["status"] in ("survived", "equivalent"):
            note = f"equivalent: {row['reason']}" if row["status"] == "equivalent" else _note(row)
            lines += ["", f"{row['path']}:{row['line']} in {row['scope']} ({note})"]
            lines += [f"- {row['original'].strip()}", f"+ {row['mutated'].strip()}"]
    return "\n".join(line[:100] for line in lines)


def _note(row: dict[str, Any]) -> str:
    if not row["reached"]:
        return f"no test runs it; {row['tests']} tests of the folder passed"
    return f"{row['tests']} tests passed" + ("" if row["complete"] else ", not all for want of time")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.run", description=__doc__.partition("\n")[0])
    parser.add_argument("--folders", required=True, help="folders of the package, by commas: functional,rules/bsd")
    parser.add_argument("--tests", help="folders of tests that count, or `all`; without it, those of --folders")
    parser.add_argument("--sample", type=int, default=60, help="faults, the same number per folder (60)")
    parser.add_argument("--seed", type=int, default=1, help="chooses the sample (1)")
    parser.add_argument("--lines", help="no sample, but every fault of these lines: functional/lif.py:100,...")
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="start no fault after this time, the map aside"
    )
    parser.add_argument("--budget", type=float, default=15.0, help="seconds of unchanged tests for one fault (15)")
    parser.add_argument("--jobs", type=int, default=1, help="faults at a time (1)")
    parser.add_argument("--state", type=Path, default=REPOSITORY / "runs/mutation", help="where the map is kept")
    parser.add_argument("--out", type=Path, required=True, help="one JSON row per fault; rows in it are not run again")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
