"""Each operator yields the expected line, and what is no program is left alone."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from . import mutants, native
from .select import Selector
from .trace import Recorder, Touched

LINES = {
    "y = a + b": {"y = a - b"},
    "y = (a) * (b)": {"y = (a) / (b)"},
    "y = a // b": {"y = a * b"},
    "y = a < b": {"y = a <= b", "y = a >= b"},
    "y = a >= b": {"y = a > b", "y = a < b"},
    "y = a is not b": {"y = a is b"},
    "y = a in b": {"y = a not in b"},
    "y = a < b < c": {"y = a <= b < c", "y = a >= b < c", "y = a < b <= c", "y = a < b >= c"},
    "y = 0": {"y = 1"},
    "y = 1": {"y = 2", "y = -1"},
    "y = 0.5": {"y = 1.5", "y = -0.5"},
    "y = -a": {"y = a"},
    "y = not a": {"y = a"},
    "y = a and b": {"y = a or b"},
    "y = True": {"y = False"},
    "y = x.detach()": {"y = x"},
    "y = x.clone() + z": {"y = x + z", "y = x.clone() - z"},
    "y = f(a, b=c)": {"y = f(a)"},
    "y = f(b=c, d=e)": {"y = f(d=e)", "y = f(b=c)"},
    "y = f(b=c)": {"y = f()"},
    "f(a)": {"pass"},
    "x += a": {"pass", "x -= a"},
    "x.grad = a": {"pass"},
    "y = max(a, b)": {"y = min(a, b)"},
    "y = x.sum(a)": {"y = x.mean(a)"},
    "x.mul_(a)": {"x.add_(a)", "pass"},
    'y = "Ä", a + b': {'y = "Ä", a - b'},
}


def changed(text: str) -> set[str]:
    """The lines that take the place of one, over all faults of a text."""
    return {mutant.mutated for mutant in mutants.of_text(text, "some.py")}


@pytest.mark.parametrize("line", LINES)
def test_a_line_has_these_faults(line: str) -> None:
    assert changed(line) == LINES[line]


@pytest.mark.parametrize(
    "text",
    [
        '"""A module, 1 + 1."""',
        'def f() -> None:\n    """Adds 1 + 1."""',
        "import a",
        '__all__ = ["a" + "b"]',
        "def f(a: Literal[1]) -> Literal[2]: ...",
        "x: Tensor | None",
        "Argument = Tensor | int",
        'y = f"{a + b}"',
        'y = "a" + b',
        "logger.info(1)",
        'warnings.warn("a", stacklevel=2)',
        "y = ValueError(1)",
        "@dataclass(frozen=True)\nclass A:\n    a: int",
        "if TYPE_CHECKING:\n    y = 1",
        "y = a  # 1 + 1",
    ],
)
def test_what_does_not_run_or_only_tells_has_no_fault(text: str) -> None:
    assert changed(text) == set()


def test_a_refusal_may_be_missing_but_its_text_is_not_changed() -> None:
    assert changed("if a:\n    raise ValueError(1 + 1)") == {"    pass"}


def test_a_return_of_nothing_may_be_missing() -> None:
    assert changed("def f():\n    return") == {"    pass"}
    assert changed("def f():\n    return None") == {"    pass"}


def test_a_fault_in_several_lines_is_none() -> None:
    assert changed("y = f(\n    a,\n)") == set()
    assert changed("f(\n    a,\n)") == set()


def test_a_fault_changes_its_line_alone_and_compiles() -> None:
    text = Path(mutants.__file__).read_text()
    for mutant in mutants.of_text(text, "some.py"):
        before, after = text.splitlines(), mutant.apply(text).splitlines()
        assert [n for n, pair in enumerate(zip(before, after, strict=True), start=1) if pair[0] != pair[1]] == [
            mutant.line
        ]
        compile(mutant.apply(text), "some.py", "exec")


def test_the_scope_is_the_name_that_python_gives_the_function() -> None:
    text = """
class A:
    x = a + b
    def f(self, d=a + b):
        if d:
            def g():
                return [a + b for a in c]
        class B:
            def h(self):
                return a + b
y = a + b
"""
    found = [m.scope for m in mutants.of_text(text, "some.py")]
    assert found == ["A.<body>", "A.f", "A.f.<locals>.g", "A.f.<locals>.B.h", "<module>"]


def test_a_sample_is_seeded_takes_a_line_once_and_as_much_of_each_folder() -> None:
    groups = {
        folder: mutants.of_text("\n".join(f"y{n} = a + b * {n}" for n in range(size)), f"{folder}.py", folder)
        for folder, size in (("a", 40), ("b", 90), ("c", 3))
    }
    chosen = mutants.sample(groups, 31, seed=4)
    assert chosen == mutants.sample(groups, 31, seed=4)
    assert chosen != mutants.sample(groups, 31, seed=5)
    assert len({(mutant.path, mutant.line) for mutant in chosen}) == 31
    assert [sum(mutant.folder == folder for mutant in chosen) for folder in "abc"] == [14, 14, 3]


def test_equivalent_faults_are_read_with_their_reason(tmp_path: Path) -> None:
    file = tmp_path / "listed.toml"
    entry = {"path": "a.py", "original": " x = 1", "mutated": "x = 2", "reason": "x is not used"}
    file.write_text("[[equivalent]]\n" + "\n".join(f'{key} = "{value}"' for key, value in entry.items()))
    assert mutants.equivalent(file) == {("a.py", "x = 1", "x = 2"): "x is not used"}
    assert mutants.equivalent(tmp_path / "none.toml") == {}


def test_listed_faults_exist_and_have_a_reason() -> None:
    package = mutants.EQUIVALENT.parents[2] / "src/bispike"
    listed = list(mutants.equivalent())
    found = {path: mutants.of_text((package / path).read_text(), path) for path in {path for path, _, _ in listed}}
    faults = {path: {(m.original.strip(), m.mutated.strip()) for m in several} for path, several in found.items()}
    for path, original, mutated in listed:
        assert (original, mutated) in faults[path], f"{path} has no such fault now: {original}"


KERNEL = """
// 1 + 1
#include <a>
template <int N = 1>
inline float half(float x) {
    return x * y;  // 1 + 1
}
EXPORT void run(const float* from, int64_t size) {
    for (int64_t i = 0; i < size; i++) to[i] += half("1 + 1");
}
"""


def test_kernels_have_faults_outside_comments_texts_and_directives() -> None:
    found = {(m.scope, m.mutated.strip()) for m in mutants.of_text(KERNEL, "some.cpp")}
    assert found == {
        ("half", "return x / y;  // 1 + 1"),
        ("run", 'for (int64_t i = 1; i < size; i++) to[i] += half("1 + 1");'),
        ("run", 'for (int64_t i = 0; i <= size; i++) to[i] += half("1 + 1");'),
        ("run", 'for (int64_t i = 0; i >= size; i++) to[i] += half("1 + 1");'),
        ("run", 'for (int64_t i = 0; i < size; i++) to[i] -= half("1 + 1");'),
    }
    assert native.defined(KERNEL) == {"half", "run"}


def test_tests_that_run_the_function_are_chosen_near_and_fast_ones_first(tmp_path: Path) -> None:
    file, far = "tests/a/test_some.py", "tests/b/test_other.py"
    mapped: dict[str, dict[str, Any]] = {
        file: {
            "names": [f"{file}::slow", f"{file}::fast", f"{file}::fails"],
            "durations": {f"{file}::slow": 2.0, f"{file}::fast": 1.0, f"{file}::fails": 0.1},
            "dropped": {f"{file}::fails": "failed"},
            "touched": {"a/some.py": {"f": [0, 1, 2]}},
            "whole": {},
        },
        far: {
            "names": [f"{far}::near", f"{far}::unrelated"],
            "durations": {f"{far}::near": 0.5, f"{far}::unrelated": 0.1},
            "dropped": {},
            "touched": {"a/some.py": {"f.<locals>.<listcomp>": [0], "g": [1]}},
            "whole": {},
        },
    }
    mapped[far]["touched"]["a/some.py"][":6"] = [1]
    in_f, in_h, on_line = mutants.of_text(
        "def f():\n    return a + b\ndef h():\n    return a + b\ndef f():\n    return a + b", "a/some.py", "a"
    )
    chosen = Selector(mapped, tmp_path, budget=10).choose(in_f)
    assert chosen.tests == (f"{file}::fast", f"{file}::slow", f"{far}::near")
    assert (chosen.seconds, chosen.is_complete, chosen.is_reached) == (3.5, True, True)
    short = Selector(mapped, tmp_path, budget=1.6).choose(in_f)
    assert (short.tests, short.is_complete) == ((f"{file}::fast", f"{far}::near"), False)
    assert Selector(mapped, tmp_path, budget=10).choose(on_line).tests == (f"{far}::unrelated",)
    unreached = Selector(mapped, tmp_path, budget=10).choose(in_h)
    assert (unreached.tests, unreached.is_reached) == ((f"{file}::fast", f"{file}::slow"), False)


def test_a_recorder_notes_functions_and_lines_of_the_package_alone(tmp_path: Path) -> None:
    (tmp_path / "some.py").write_text("def f(x):\n    if x:\n        return 1\n    return 2\n")
    space: dict[str, Any] = {}
    exec(compile((tmp_path / "some.py").read_text(), str(tmp_path / "some.py"), "exec"), space)
    recorder, before = Recorder(str(tmp_path)), sys.gettrace()
    first: Touched = set()
    second: Touched = set()
    try:
        for touched, value in ((first, True), (second, False)):
            recorder.into(touched)
            recorder.start()
            space["f"](value)
            tmp_path.with_name("other")  # not of the package
    finally:
        threading.settrace(before)
        sys.settrace(before)
    assert first == {("some.py", "f"), ("some.py", ":2"), ("some.py", ":3")}
    assert second == {("some.py", "f"), ("some.py", ":2"), ("some.py", ":4")}
