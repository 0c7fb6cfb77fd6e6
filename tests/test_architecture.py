"""The structure of the package: rooms import downward only, names differ, kinds are types, nothing is pickled."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import bispike

ROOT = Path(bispike.__file__).parent
ROOMS = [
    ("_version", "escaping"),
    ("errors",),
    ("arguments",),
    ("files", "restoring", "json_values", "seeds", "settings", "spaces", "stopping"),
    ("functional",),
    ("nn",),
    ("models",),
    ("rules",),
    ("data",),
    ("tasks",),
    ("config",),
    ("runs",),
    ("training",),
    ("memory", "online"),
    ("analysis", "bench"),
    ("figures",),
    ("experiments",),
    ("studies",),
    ("report",),
    ("cli",),
]
"""Folders and files of the package from the lowest to the highest; each imports from those before its own row only."""
LEVEL = {room: level for level, row in enumerate(ROOMS) for room in row}


SIDES = {"cli", "cli.study", "experiments", "figures", "report.sections", "analysis"}
"""Folders that say what they do with a subject: its verb, its experiment, its picture, its section, its measurement."""
SAME_NAME = {
    "autoencoder": "models: the builder; rules.bsd: how BSD trains what it builds",
    "baselines": "tasks: of forecasts; memory: other associative memories",
    "environment": "training: of the process that trains; bench.peers: of the other libraries",
    "history": "training: epochs of a run; bench: results of the benchmark over commits",
    "network": "nn: the base class; bench.peers: the same network in other libraries",
    "norm": "functional: the formulas; nn: the module that holds the statistics",
    "options": "config: of what a setting names; rules: of every rule; rules.bsd: of BSD",
    "parts": "rules.bsd: of its loss; experiments.few_shot: of the data",
    "positions": "rules: positions as rows of a batch; analysis.criteria: criteria over positions",
    "reference": "functional.backends: the reference backend; config: the reference page of all settings",
    "registry": "models, report: each holds what is registered in its room",
    "results": "studies: of a study; bench: of the benchmark",
    "rows": "studies: of a study's table; bench: of the benchmark's",
    "rule": "rules: the protocol of all rules; rules.bsd: BSD",
    "run": "runs: a trained run; report: a run on a page; bench: running a suite",
    "sequences": "tasks: evaluation on sequences; rules.bsd: BSD on sequences",
    "series": "data.published: data sets; data.formats: the format of a user's file",
    "signals": "nn: spikes or rates; analysis.criteria: what passes through synapses in an audit",
    "spikes": "functional: packed spikes; analysis.criteria: the criterion C4",
    "storage": "data, memory, online: each stores what its room makes",
    "table": "data.readers: any table as columns; data.formats: a table with a class column as a data set",
}
"""Why several modules have one name: what the folder says that differs."""
KINDS = {
    "Autoencoder",
    "Classifier",
    "Quantities",
    "QuantityCode",
    "RecordingDataset",
    "Recordings",
    "RecurrentPathway",
    "SequenceClassifier",
    "SequenceDataset",
    "SequenceForecaster",
    "SequenceNetwork",
    "StimulusNetwork",
    "Windows",
}
"""Classes that say what a network, its signals or its data are."""
QUESTIONS = 25
"""How many questions about kinds the package may ask; what differs by kind is a method of the kind."""


def room_of(module: str) -> str:
    return module.split(".")[1]


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imported_names(name: str) -> Iterator[tuple[ast.alias, str]]:
    """Names that a module imports from the package, each with the module or package that it is imported from.

    Imports for type checkers and imports inside functions count too.
    """
    path = MODULES[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("bispike")):
            base = ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])
            base = base if node.level else str(node.module)
            for alias in node.names:
                target = f"{base}.{alias.name}"
                yield alias, target if target in MODULES else base
        elif isinstance(node, ast.Import):
            yield from ((alias, alias.name) for alias in node.names if alias.name in MODULES)


@pytest.mark.parametrize("room", sorted(LEVEL))
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    for name in MODULES:
        if name.count(".") and room_of(name) == room:
            for _, target in imported_names(name):
                other = room_of(target) if "." in target else "_version"
                assert other == room or LEVEL[other] < LEVEL[room], f"{name} imports {target}"


def test_every_room_has_its_place() -> None:
    assert {room_of(name) for name in MODULES if "." in name} - {"__main__"} == set(LEVEL)


def test_no_module_imports_itself_in_a_circle() -> None:
    """A name that a package re-exports stands for the module that defines it. Imports for type checkers count."""
    exports = {
        package: {alias.asname or alias.name: target for alias, target in imported_names(package)}
        for package, path in MODULES.items()
        if path.name == "__init__.py"
    }

    def defined_in(target: str, name: str) -> str:
        """The module behind a name that is imported from a package."""
        while target in exports and name in exports[target] and exports[target][name] != target:
            target = exports[target][name]
        return target

    graph = {
        name: {found for alias, target in imported_names(name) if (found := defined_in(target, alias.name)) != name}
        for name, path in MODULES.items()
        if path.name != "__init__.py"
    }
    finished: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join([*way[way.index(name) :], name])
        if name in finished:
            return
        for target in sorted(graph.get(name, ())):
            visit(target, (*way, name))
        finished.add(name)

    for name in sorted(graph):
        visit(name, ())


def test_no_two_modules_have_one_name_unless_the_folder_says_what_differs() -> None:
    places = defaultdict(set)
    for name, path in MODULES.items():
        if path.name != "__init__.py":
            folder, _, module = name.removeprefix("bispike.").rpartition(".")
            places[module].add(folder)
    unexplained = {
        module: sorted(folders)
        for module, folders in places.items()
        if len(folders - SIDES) > 1 and module not in SAME_NAME
    }
    assert not unexplained
    for module, reason in SAME_NAME.items():
        explained = {folder for part in reason.split("; ") for folder in part.partition(":")[0].split(", ")}
        assert places[module] - SIDES <= explained, f"{module}: {sorted(places[module] - SIDES)}"


def asks_about_a_kind(node: ast.AST) -> bool:
    """Whether a piece of code asks what a network, its signals or its data are."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        asked = {name.id for argument in node.args[1:] for name in ast.walk(argument) if isinstance(name, ast.Name)}
        by_class = node.func.id in ("isinstance", "issubclass") and bool(asked & KINDS)
        return by_class or node.func.id in ("kind_of", "follows_sequences")
    if isinstance(node, ast.Attribute):
        owner = getattr(node.value, "attr", getattr(node.value, "id", ""))
        flag = node.attr in ("recurrent", "latent", "continuous") and isinstance(node.ctx, ast.Load)
        return flag or (node.attr == "spiking" and owner == "signals")
    return isinstance(node, ast.Compare) and getattr(node.left, "attr", "") == "activity"


def questions(tree: ast.AST) -> list[int]:
    """Lines of the questions about kinds in a module."""
    return sorted(node.lineno for node in ast.walk(tree) if asks_about_a_kind(node))  # type: ignore[attr-defined]


def test_kinds_are_types_not_questions() -> None:
    """`settings` is left out: its kinds are those of values."""
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for name, path in sorted(MODULES.items())
        if not name.startswith("bispike.settings")
        for line in questions(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert len(found) <= QUESTIONS, f"{len(found)}:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("isinstance(net, SequenceNetwork)", 1),
        ("isinstance(net, (Dense, Autoencoder | Classifier))", 1),
        ("issubclass(kind, Autoencoder)", 1),
        ("net.recurrent or net.latent", 2),
        ("if net.signals.spiking: kind_of(net)", 2),
        ("x.activity != 'rates'", 1),
        ("from .recurrent import RecurrentPathway", 0),
        ("isinstance(value, Tensor)", 0),
        ("self.latent = value", 0),
    ],
)
def test_a_question_is_found(code: str, count: int) -> None:
    assert len(questions(ast.parse(code))) == count


def test_nothing_is_pickled() -> None:
    for path in ROOT.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert "import pickle" not in source
        assert "torch.load(" not in source
        assert "allow_pickle=True" not in source
