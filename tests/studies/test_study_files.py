"""A study file gives its rows their settings, or an error that names file and row for all that is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bispike import data, models, rules
from bispike.config import presets
from bispike.config.resolve import Request
from bispike.errors import ConfigurationError
from bispike.spaces import Concept, Stimulus
from bispike.studies.study_file import StudyFile, read_study

STUDIES = Path(__file__).parents[2] / "studies"
CODES = """
question = "Which code?"
seeds = 2
[base]
preset = "fashion-cnn"
limit = 1000
temperature = 0.3
seed = 4
[rows.one-hot]
[rows."population 100"]
concept_code = "population"
concept_size = 100
clip_norm = {}
"rule.temperature" = 0.5
[rows.bptt]
rule = "bptt"
lr = 0.02
"""


def study(folder: Path, text: str, request: Request | None = None) -> StudyFile:
    path = folder / "codes.toml"
    path.write_text(text)
    return read_study(path, request)


def problems(folder: Path, text: str, **options: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        study(folder, text, Request(options))
    prefix = f"{folder / 'codes.toml'}: "
    assert all(problem.startswith(prefix) and "\n" not in problem for problem in caught.value.problems)
    return [problem.removeprefix(prefix) for problem in caught.value.problems]


def test_rows_differ_from_the_base_in_what_they_name(tmp_path: Path) -> None:
    found = study(tmp_path, CODES)
    base, population, bptt = found.rows.values()
    preset = presets.config("fashion-cnn")
    assert (found.question, list(found.rows)) == ("Which code?", ["one-hot", "population 100", "bptt"])
    assert (base.limit, base.lr, base.rule_options) == (1000, preset.lr, {**preset.rule_options, "temperature": 0.3})
    assert population.model_options == {**preset.model_options, "concept_code": "population", "concept_size": 100}
    assert population.rule_options["temperature"] == 0.5
    assert (bptt.rule, bptt.rule_options, bptt.lr, bptt.dataset) == ("bptt", {}, 0.02, preset.dataset)
    assert [cell.config.seed for cell in found.cells()] == [4, 5] * 3
    assert len(found.cells(seeds=1)) == 3


def test_the_command_line_overrides_the_base_and_rows_override_both(tmp_path: Path) -> None:
    request = Request(
        {"epochs": 1, "limit": 50, "lr": 0.5, "preset": None, "data_root": Path("d"), "time_steps": 7},
        [("temperature", "0.9"), ("test", "false")],
    )
    base, population, bptt = study(tmp_path, CODES, request).rows.values()
    assert (base.epochs, base.limit, base.lr, base.data_root, base.test) == (1, 50, 0.5, "d", False)
    assert (base.rule_options["temperature"], population.rule_options["temperature"]) == (0.9, 0.5)
    assert base.model_options["time_steps"] == 7
    assert bptt.lr == 0.02


def test_the_target_of_the_command_line_is_an_option_of_the_data(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("a,b,kind\n1,2,x\n3,4,y\n")
    text = f'question = "?"\n[base]\ndataset = "{tmp_path / "own.csv"}"\n[rows.bsd]\nrule = "bsd"\n'
    assert study(tmp_path, text, Request({"target": "kind"})).rows["bsd"].data_options == {"target": "kind"}


def test_a_rule_gets_what_it_advises_unless_it_is_given(tmp_path: Path) -> None:
    text = 'question = "?"\n[rows.bsd]\n[rows.sym-stdp]\nrule = "sym-stdp"\n'
    assert study(tmp_path, text).rows["sym-stdp"].optimizer == "sgd"
    assert study(tmp_path, text, Request({"optimizer": "adam"})).rows["sym-stdp"].optimizer == "adam"


def test_options_of_an_optimizer_reach_the_rows_that_use_it(tmp_path: Path) -> None:
    text = 'question = "?"\n[base]\nmomentum = 0.9\n[rows.adam]\n[rows.sgd]\nnesterov = true\noptimizer = "sgd"\n'
    rows = study(tmp_path, text).rows
    assert rows["sgd"].optimizer_options == {"momentum": 0.9, "nesterov": True}
    assert rows["adam"].optimizer_options == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "question: expected a sentence"),
        ('question = "?"\n', "rows: expected at least one table"),
        ('question = "?"\n[rows]\n', "rows: expected at least one table"),
        ('question = "?"\n[rows.""]\nlr = 1.0\n', "rows: expected a name"),
        ('question = "?"\nrows = [{lr = 1.0}]\n', "rows: expected at least one table"),
        ('question = "?"\n[rows]\na = 3\n', "row 'a': expected a table"),
        ('question = "?"\nbase = 3\n[rows.a]\n', "base: expected a table"),
        ('question = "?"\nseeds = 0\n[rows.a]\n', "seeds: expected a whole number"),
        ('question = "?"\nepochs = 3\n[rows.a]\n', "unknown key 'epochs'"),
        ('question = "?"\n[base]\nlearning = 3\n[rows.a]\n', "base: unknown setting 'learning'"),
        ('question = "?"\n[base]\npreset = "fashion"\n[rows.a]\n', "row 'a': unknown preset"),
        ('question = "?"\n[rows.a]\nrule = "bptt"\nstrength = 0.1\n', "row 'a': unknown setting 'strength'"),
        ('question = "?"\n[rows.a]\nrule = 3\n', "row 'a': rule: expected text, received 3"),
        ('question = "?"\n[rows.a]\nepochs = "3"\n', "row 'a': epochs: expected a whole number, received '3'"),
        ('question = "?"\n[rows.a]\nstrength = true\n', "row 'a': strength: expected a number, received True"),
        ('question = "?"\n[rows.a]\nconcept_code = 3\n', "row 'a': concept_code: expected text"),
        ('question = "?"\n[rows.a]\nmodel.threshold = 1.0\n', "row 'a': model: expected a value, received a table"),
        ('question = "?"\n[rows.a]\nlr = -1.0\n', "row 'a': lr: expected a positive number"),
        ('question = "?"\n[base]\nlr = -1.0\n[rows.a]\n[rows.b]\nepochs = 3\n', "every row: lr: expected a positive"),
        ('question = "?"\n[rows.a]\n[rows.b]\n', "row 'b': has the same settings as row 'a'"),
        ("question = ", "is not valid TOML"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_row(text: str, message: str, tmp_path: Path) -> None:
    if "TOML" in message:
        with pytest.raises(ConfigurationError, match=r"codes\.toml: is not valid TOML"):
            study(tmp_path, text)
        return
    assert any(problem.startswith(message) for problem in problems(tmp_path, text)), problems(tmp_path, text)


def test_all_problems_come_together(tmp_path: Path) -> None:
    text = "seeds = 0\n[base]\nlearning = 3\n[rows.a]\nlr = -1.0\n[rows.b]\nepochs = 'x'\n"
    assert [problem.split(":")[0] for problem in problems(tmp_path, text)] == [
        "question",
        "seeds",
        "base",
        "row 'a'",
        "row 'b'",
    ]


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"nothing\.toml"):
        read_study(tmp_path / "nothing.toml")


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_study_of_the_repository_can_be_run(path: Path) -> None:
    found = read_study(path)
    assert len(found.rows) > 1
    for config in found.rows.values():
        shape, classes = (data.info(config.dataset)[key] for key in ("shape", "classes"))
        channels = shape[0]
        stimulus = Stimulus(tuple(shape), (0.5,) * channels, (0.3,) * channels)
        concept = Concept(tuple(map(str, range(classes))))
        network = models.create(config.model, stimulus, concept, **config.model_options)
        rules.create(config.rule, network, **config.rule_options)
    readme = (STUDIES / "README.md").read_text()
    assert f"| [{path.stem}]({path.name}) | {found.question} | `bispike ablate studies/{path.name} " in readme
