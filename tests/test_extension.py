"""A stranger's package adds a rule, a model, a data format, a training setting, a report section and a verb.

Each is one file and one line of the package's `__init__`. Nothing of the library is edited: the package is installed as
`importlib.metadata` sees it, names itself under `bispike.packages`, and the commands run in processes of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_digits

from bispike import models
from bispike.errors import ConfigurationError
from bispike.training.health import FiringWatch

LIMIT = 0.125  # a float32 exactly, the standard deviation of the first weights of the lowest layer
FILES = {
    "delta_rule": '''
"""The delta rule at the readout of random layers: ΔW = −η (d − t) r."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from bispike.rules import Rule, RuleOptions, StepReport, option, register
from bispike.rules.options import POSITIVE


@dataclass(frozen=True)
class DeltaOptions(RuleOptions):
    target: float = option(1.0, POSITIVE, "drive of the right class")


@register
class Delta(Rule):
    name = "delta"
    summary = "random layers, the readout learns by the delta rule"
    Options = DeltaOptions

    def parameters(self):
        return list(self.network.readout.parameters())

    @torch.no_grad()
    def learn(self, stimulus, labels, *, generator):
        leaving = self.network.encode(stimulus, generator=generator)
        rates = []
        for step in self.network.bottom_up_pass(leaving):
            rates.append(step.activity.rate.mean())
            leaving = step.leaving
        drive = self.network.readout(leaving)
        error = drive - self.settings.target * F.one_hot(labels, drive.shape[1])
        self.network.readout.write_gradient(error / len(labels), leaving)
        loss = error.square().sum(1).mean() / 2
        return StepReport(loss, (drive.argmax(1) == labels).sum(), spike_rate=rates)
''',
    "funnel_model": '''
"""A funnel: dense layers, each half as wide as the one below."""

from bispike.models import Model, register
from bispike.models.mlp import dense_network
from bispike.nn import Classifier


def funnel(stimulus, width, concept, *, depth=2, **options):
    widths = [width // 2**i for i in range(depth)]
    spec = {"model": "funnel", "width": width, "depth": depth}
    return dense_network(Classifier, stimulus, widths, concept, options, spec)


register(Model("funnel", "each layer half as wide as the one below", funnel, "width", Classifier, {"width": 64}))
''',
    "points_format": '''
"""Points: one stimulus per line, numbers separated by spaces, then a bar and the class."""

import numpy as np

from bispike.data import from_arrays
from bispike.data.formats import Format, register


def read(path, like=None):
    rows = [line.partition("|") for line in path.read_text().splitlines()]
    values = np.array([row[0].split() for row in rows], dtype=np.float32)
    return from_arrays(values, np.array([row[2].strip() for row in rows]), name=path.stem, like=like)


register(Format(name="points", summary="a file of points", read=read, endings=(".points",)))
''',
    "weight_limit": '''
"""A bound on the absolute value of each bottom-up weight of the layers."""

from bispike.config import register_setting
from bispike.settings import POSITIVE


def clamp(network, limit):
    if limit is not None:
        for layer in network.layers:
            layer.up.synapse.weight.clamp_(-limit, limit)


register_setting(
    "weight_limit",
    None,
    POSITIVE,
    "largest absolute bottom-up weight; none: no limit",
    annotation="float | None",
    after_update=clamp,
)
''',
    "weights_section": '''
"""A section of the report: the largest weight of each layer."""

from bispike.report import section
from bispike.report.html import table


@section("Largest weights", order=45)
def largest_weights(run):
    layers = run.record.network.layers
    rows = [[layer.name, f"{layer.up.synapse.weight.abs().max():.4f}"] for layer in layers]
    return table(["layer", "largest weight"], rows)
''',
    "largest_weight_verb": '''
"""`bispike largest-weight RUN`."""

import click

from bispike.cli import Answer, json_option, run_argument


@click.command("largest-weight")
@run_argument
@json_option
def command(run):
    """Show the largest absolute bottom-up weight of RUN."""
    import bispike

    layers = bispike.load_run(run).network.layers
    largest = max(layer.up.synapse.weight.abs().max().item() for layer in layers)
    return Answer({"run": str(run), "largest": largest}, f"{largest:.4f}")
''',
}
INIT = '''
"""What the package adds to bispike, one line each."""

from bispike.cli import register_verb

from . import delta_rule
from . import funnel_model
from . import points_format
from . import weight_limit
from . import weights_section
register_verb("largest-weight", "newcomers.largest_weight_verb")
'''
TRAIN = ["--model", "funnel", "--rule", "delta", "--set", "width=128", "target=2", f"weight_limit={LIMIT}"]
TRAIN += ["--epochs", "3", "--time-steps", "4", "--batch-size", "16", "--lr", "0.02"]


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a user with the package installed, and a file of the new format."""
    folder = tmp_path_factory.mktemp("user")
    package, information = folder / "newcomers", folder / "newcomers-1.dist-info"
    package.mkdir()
    information.mkdir()
    (package / "__init__.py").write_text(INIT)
    for name, source in FILES.items():
        (package / f"{name}.py").write_text(source)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: newcomers\nVersion: 1\n")
    (information / "entry_points.txt").write_text("[bispike.packages]\nnewcomers = newcomers\n")
    digits = load_digits()
    lines = (
        f"{' '.join(map(str, values))} | {label}"
        for values, label in zip(digits.data[:400].tolist(), digits.target[:400].tolist(), strict=True)
    )
    (folder / "digits.points").write_text("\n".join(lines))
    return folder


def called(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own that sees the packages in the folder."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


def answer(folder: Path, *words: str) -> dict[str, Any]:
    """The JSON object that a verb of `bispike` prints."""
    done = called(folder, "-m", "bispike", *words, "--json")
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


@pytest.fixture(scope="module")
def summary(user: Path) -> dict[str, Any]:
    """The answer of a training of the new model by the new rule on a file of the new format."""
    return answer(user, "train", "--dataset", "digits.points", *TRAIN, "--out", "run")


def test_each_addition_is_one_file_and_one_line(user: Path) -> None:
    files = {path.stem for path in (user / "newcomers").glob("*.py")} - {"__init__"}
    body = INIT.partition("register_verb\n")[2].split("\n")
    lines = [line for line in body if line]
    assert files == set(FILES)
    assert len(lines) == len(files) == 6
    assert all(sum(name in line for line in lines) == 1 for name in files)


def test_the_model_is_trained_by_the_rule_on_the_format(user: Path, summary: dict[str, Any]) -> None:
    assert (summary["model"], summary["rule"], summary["dataset"]) == ("funnel", "delta", "digits.points")
    assert summary["test"] > 0.5  # of ten classes
    code = """if 1:
        import bispike
        run = bispike.load_run("run")
        print([list(layer.up.synapse.weight.shape) for layer in run.network.layers], run.rule.options)
    """
    without = called(user, "-c", code)
    assert "UnknownNameError" in without.stderr
    done = called(user, "-c", code.replace("import bispike", "import bispike, newcomers"))
    assert done.stdout.strip() == "[[128, 64], [64, 128]] {'target': 2.0}", done.stderr


def test_the_setting_acts_and_is_kept(user: Path, summary: dict[str, Any]) -> None:
    """The verb reads the weights: none exceeds the limit, and the first ones did."""
    assert answer(user, "largest-weight", "run") == {"run": "run", "largest": LIMIT}
    assert f"weight_limit = {LIMIT}" in (user / "run" / "config.toml").read_text()
    wrong = called(user, "-m", "bispike", "train", "--dataset", "digits.points", "--set", "weight_limit=-1")
    assert wrong.returncode == 2
    assert "weight_limit: expected" in wrong.stderr


def test_the_report_shows_the_section(user: Path, summary: dict[str, Any]) -> None:
    page = Path(user / answer(user, "report", "run")["out"]).read_text()
    assert "Largest weights" in page
    assert f"{LIMIT:.4f}" in page


def test_the_lists_name_the_newcomers(user: Path) -> None:
    rules = {row["name"]: row["summary"] for row in answer(user, "rules")["rules"]}
    assert rules["delta"] == "random layers, the readout learns by the delta rule"
    models = {row["name"]: row["settings"] for row in answer(user, "models")["models"]}
    assert (models["funnel"]["width"], models["funnel"]["depth"]) == (64, 2)
    assert "weight_limit" in {row["name"] for row in answer(user, "train", "--settings")["settings"]}
    assert "Show the largest absolute bottom-up weight of RUN." in called(user, "-m", "bispike", "--help").stdout


def test_a_report_without_rates_is_an_error_that_names_them() -> None:
    with pytest.raises(ConfigurationError, match="expected one rate for each of 2 layers, received 0"):
        FiringWatch.of(models.mlp(4, [5, 6], 3)).count([])


def test_the_rule_keeps_the_contract_of_all_rules(user: Path) -> None:
    done = called(user, "-c", "import newcomers; from bispike.rules import check_rule, find; check_rule(find('delta'))")
    assert done.returncode == 0, done.stderr
