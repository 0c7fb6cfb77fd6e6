"""Golden values: `python -m tests.golden.record write` keeps them, `check` compares the library with them.

    check [NAME...]     exit 1 with every case that differs; in another environment (versions, processor, kernels) a
                        note and exit 0, since bits are promised for one environment only
    write [NAME...]     measure and write `expected.json`

NAME is a pattern such as "dense*"; none means all cases. Weights are compared by a SHA-256 that depends on dtype, shape
and bytes of the tensors and on nothing else: neither their names nor their order. What differs is either a defect or a
change that was meant; then write.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from . import adapter, inputs
from .cases import CASES, Case

EXPECTED = Path(__file__).parent / "expected.json"
ROOT = Path(__file__).parents[2]


def digest(tensors: Iterable[Tensor]) -> str:
    """SHA-256 over a bag of tensors: dtype, shape and bytes of each, whatever their order."""
    each = []
    for tensor in tensors:
        value = tensor.detach().cpu().contiguous()
        head = f"{value.dtype} {tuple(value.shape)} ".encode()
        each.append(hashlib.sha256(head + value.reshape(-1).view(torch.uint8).numpy().tobytes()).hexdigest())
    return hashlib.sha256("\n".join(sorted(each)).encode()).hexdigest()


def environment() -> dict[str, str]:
    """What bits depend on beside the code."""
    compiler = os.environ.get("BISPIKE_CXX") or os.environ.get("CXX") or "c++"
    told = subprocess.run([*compiler.split(), "--version"], capture_output=True, text=True, check=False)
    return {
        "torch": torch.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "machine": platform.machine(),
        "kernels": adapter.kernels(),
        "compiler": told.stdout.partition("\n")[0],
    }


def measure_here(cases: list[Case]) -> dict[str, Any]:
    """Results of cases by name, in this process."""
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as made:
        files = inputs.make(Path(made))
        for case in cases:
            started = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    results[case["name"]] = _result(adapter.measure(case, files, Path(folder)))
                except Exception as error:  # the others are still worth knowing
                    results[case["name"]] = {"raised": f"{type(error).__name__}: {error}"}
            print(f"{time.perf_counter() - started:6.2f} s  {case['name']}", file=sys.stderr)
    return results


def _result(measured: adapter.Measured) -> dict[str, Any]:
    result: dict[str, Any] = {
        "weights": digest(measured.weights.values()),
        "parameters": digest(measured.parameters.values()),
        "rule_state": digest(measured.rule_state.values()),
        "numbers": measured.numbers,
        "tensors": {name: digest([tensor]) for name, tensor in measured.tensors.items()},
    }
    return json.loads(json.dumps(result))


def measure(cases: list[Case]) -> dict[str, Any]:
    """Results of cases by name; those without compiled kernels in a process of their own."""
    plain = [case for case in cases if case.get("kernels") == "torch"]
    results = measure_here([case for case in cases if case not in plain])
    if plain:
        command = [sys.executable, "-m", "tests.golden.record", "measure", *(case["name"] for case in plain)]
        variables = {**os.environ, **adapter.WITHOUT_KERNELS}
        done = subprocess.run(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True, check=True)
        results |= json.loads(done.stdout)
    return {case["name"]: results[case["name"]] for case in cases}


def differences(expected: Any, found: Any, where: str = "") -> Iterator[str]:
    """What differs between two nested values, one sentence per place."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in [*expected, *(key for key in found if key not in expected)]:
            yield from differences(expected.get(key), found.get(key), f"{where}.{key}" if where else key)
    elif json.dumps(expected) != json.dumps(found):
        shown = [text if len(text) <= 90 else f"{text[:87]}..." for text in map(json.dumps, (expected, found))]
        yield f"{where}: expected {shown[0]}, found {shown[1]}"


def check(cases: list[Case], *, everything: bool) -> int:
    """Compare with `expected.json`; the exit status."""
    kept = json.loads(EXPECTED.read_text(encoding="utf-8"))
    changed = list(differences(kept["environment"], environment()))
    if changed:
        print(f"golden: not compared, the environment is another one: {'; '.join(changed)}")
        return 0
    found = measure(cases)
    expected = kept["cases"]
    wrong = {name: list(differences(expected.get(name), result)) for name, result in found.items()}
    if everything:
        wrong |= {name: ["is kept but no longer a case"] for name in expected if name not in found}
    wrong = {name: lines for name, lines in wrong.items() if lines}
    for name, lines in wrong.items():
        print(f"DIFFERS  {name}")
        for line in lines:
            print(f"         {line}")
    same = sum(name not in wrong for name in found)
    print(f"golden: {same} of {len(found)} cases are the same bit for bit.")
    return 1 if wrong else 0


def write(cases: list[Case], *, everything: bool) -> int:
    """Measure and keep; a part of the cases goes over what is kept."""
    found = measure(cases)
    broken = {name: result["raised"] for name, result in found.items() if "raised" in result}
    if broken:
        print("golden: nothing was written.", *(f"{name}: {error}" for name, error in broken.items()), sep="\n")
        return 1
    known = {} if everything else json.loads(EXPECTED.read_text(encoding="utf-8"))["cases"]
    kept = {"environment": environment(), "cases": {**known, **found}}
    EXPECTED.write_text(_compact(kept) + "\n", encoding="utf-8")
    print(f"golden: {len(found)} cases written to {EXPECTED.name}.")
    return 0


def _compact(kept: dict[str, Any]) -> str:
    """JSON with one line per case."""
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(result)}" for name, result in kept["cases"].items())
    return f'{{"environment": {json.dumps(kept["environment"])},\n"cases": {{\n{lines}\n}}}}'


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tests.golden.record", description="Golden values of the library.")
    parser.add_argument("verb", choices=("check", "write", "measure"))
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args()
    if not adapter.source().is_relative_to(ROOT):
        parser.error(
            f"expected the library of this checkout ({ROOT / 'src'}), received the one in {adapter.source()}. "
            "Set PYTHONPATH=src."
        )
    if given.verb == "measure":
        print(json.dumps(measure_here([case for case in CASES if case["name"] in given.names])))
        return 0
    chosen = [c for c in CASES if not given.names or any(fnmatch(c["name"], name) for name in given.names)]
    if not chosen:
        parser.error(f"no case is called {', '.join(given.names)}")
    return {"check": check, "write": write}[given.verb](chosen, everything=not given.names)


if __name__ == "__main__":
    sys.exit(main())
