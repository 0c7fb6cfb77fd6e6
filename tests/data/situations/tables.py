"""Situations of tables: what real files and DataFrames look like."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from click.testing import CliRunner
from sklearn.datasets import load_iris

from bispike import data
from bispike.cli._app import app
from bispike.data.readers.table import Table, read_table_file
from bispike.data.schema import Inputs, TableSchema, from_dict, to_dict
from bispike.data.user_files import read_inputs
from bispike.errors import ConfigurationError, DataError

from . import Situation

NAMES = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
SPECIES = ["setosa", "versicolor", "virginica"]


def iris() -> list[list[str]]:
    """Rows of cells, every fifth of the published table."""
    found = load_iris()
    rows = [[*map(str, row), SPECIES[label]] for row, label in zip(found.data, found.target, strict=True)]
    return rows[::5]


def written(rows: Sequence[Sequence[object]], header: Sequence[str] | None = (*NAMES, "species"), by: str = ",") -> str:
    """The text of a table."""
    lines = [by.join(header)] if header else []
    return "\n".join([*lines, *(by.join(map(str, row)) for row in rows), ""])


def file(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def run_cli(*words: object) -> tuple[int, dict[str, Any], str]:
    """Status, JSON answer and standard error of a call."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, json.loads(result.stdout) if result.stdout.startswith("{") else {}, result.stderr


def learned(path: Path, **options: Any) -> TableSchema:
    """The schema of a table, as a run's folder gives it back."""
    found = data.load(path, task="tabular", **options).schema
    again = from_dict(json.loads(json.dumps(to_dict(found))), "schema.json")
    assert isinstance(again, TableSchema)
    assert again == found
    return again


def used(schema: TableSchema, folder: Path, content: str | bytes, name: str = "use.csv") -> Inputs:
    """What a run makes of another file."""
    return read_inputs([file(folder, content, name)], schema)


def numbers(path: Path, **options: Any) -> list[list[float]]:
    """Columns of numbers of a table."""
    table = read_table_file(path, **options)
    found = [table.numbers(name) for name in table.names]
    assert all(values is not None for values in found)
    return [values.tolist() for values in found if values is not None]


SITUATIONS: list[Situation] = []


def situation(what: str, right: str) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    """Add a check as a situation."""

    def add(check: Callable[[Path], None]) -> Callable[[Path], None]:
        SITUATIONS.append(Situation(what, right, check))
        return check

    return add


def reads(what: str, right: str, content: str | bytes, expected: list[list[float]], name: str = "table.csv") -> None:
    """A file whose columns are these numbers."""

    def check(folder: Path) -> None:
        assert numbers(file(folder, content, name)) == expected

    SITUATIONS.append(Situation(what, right, check))


def refuses(what: str, right: str, content: str | bytes, match: str, name: str = "table.csv", **options: Any) -> None:
    """A file that no training takes."""

    def check(folder: Path) -> None:
        with pytest.raises((DataError, ConfigurationError), match=match):
            data.load(file(folder, content, name), task="tabular", **options)

    SITUATIONS.append(Situation(what, right, check))


def cells(make: Callable[[int], object], header: str = "a,y") -> str:
    """Thirty rows: a cell and one of two classes."""
    return "\n".join([header, *(f"{make(i)},{'pq'[i % 2]}" for i in range(30)), ""])


# ------------------------------------------------------------------ a run and its files


@situation("a run on iris.csv predicts a file with the columns in reverse order", "the same stimuli, by column name")
def _(folder: Path) -> None:
    schema = learned(file(folder, written(iris())))
    rows = [row[:4] for row in iris()]
    straight = used(schema, folder, written(rows, NAMES))
    turned = used(schema, folder, written([row[::-1] for row in rows], NAMES[::-1]))
    assert straight.stimuli.equal(turned.stimuli)


@situation("the same run predicts iris.csv itself", "one decision per row; the class column is known and judged")
def _(folder: Path) -> None:
    path = file(folder, written(iris()))
    found = read_inputs([path], learned(path))
    assert found.labels is not None
    assert found.labels.tolist() == [i // 10 for i in range(30)]


@situation("train, predict and evaluate from the command line on a table", "one command each, decisions are judged")
def _(folder: Path) -> None:
    path, run = file(folder, air()), folder / "run"
    options = ["--target", "cbwd", "--set", "data.missing=mean", "--model", "mlp-small", "--epochs", "1"]
    status, _, err = run_cli("train", "--dataset", path, *options, "--out", run, "--json")
    assert (status, "'No' only counts" in err) == (0, True), err
    status, found, err = run_cli("predict", run, path, "--json")
    assert (status, found["judged"]) == (0, 60), err
    other = file(folder, air().replace(",", ";"), "other.csv")
    status, found, err = run_cli("evaluate", run, "--dataset", other, "--json")
    assert (status, found["samples"]) == (0, 12), err


def air() -> str:
    """A stand-in for the air quality of Beijing: a row count, a date in four columns, gaps, and the wind direction."""
    head = "No,year,month,day,hour,pm2.5,DEWP,cbwd,Iws"
    rows = [
        f"{i + 1},2010,{1 + i // 28},{1 + i % 28},{i % 24},{'NA' if i < 4 else i * 3 % 50},{i % 7 - 21},"
        f"{['NW', 'SE', 'cv', 'NE'][i % 4]},{1.5 * i}"
        for i in range(60)
    ]
    return "\n".join([head, *rows, ""])


@situation("a column of the training is not in the file to predict", "refused by its name")
def _(folder: Path) -> None:
    schema = learned(file(folder, written(iris())))
    with pytest.raises(DataError, match="found no 'petal_width'"):
        used(schema, folder, written([row[:3] for row in iris()], NAMES[:3]))


@situation("a file to predict has a further column", "ignored with a note")
def _(folder: Path) -> None:
    schema = learned(file(folder, written(iris())))
    rows = [[*row[:4], "me"] for row in iris()]
    found = used(schema, folder, written(rows, [*NAMES, "measured_by"]))
    assert any("'measured_by'" in note and "ignored" in note for note in found.notes)


@situation("a file to predict has no column names, the training had", "refused")
def _(folder: Path) -> None:
    schema = learned(file(folder, written(iris())))
    with pytest.raises(DataError, match="expected column names in the first row"):
        used(schema, folder, written([row[:4] for row in iris()], None))


@situation("a numeric column holds a text in use", "refused with the line of the file")
def _(folder: Path) -> None:
    schema = learned(file(folder, written(iris())))
    rows = [row[:4] for row in iris()]
    rows[4][1] = "wide"
    with pytest.raises(DataError, match="line 6: 'wide' is not a number"):
        used(schema, folder, written(rows, NAMES))


@situation("a category column holds numbers only in use", "they stay categories")
def _(folder: Path) -> None:
    text = cells(lambda i: ["1", "2", "3+"][i % 3])
    schema = learned(file(folder, text), one_hot=["a"])
    assert used(schema, folder, "a\n2\n1\n").stimuli.tolist() == [[0, 1, 0], [1, 0, 0]]


@situation("a category of the file to predict did not occur in training", "refused with its line; all 0 by unseen=zero")
def _(folder: Path) -> None:
    path = file(folder, cells(lambda i: ["red", "blue"][i % 2]))
    with pytest.raises(DataError, match=r"line 3, column 'a': expected a category .*received 'green'"):
        used(learned(path), folder, "a\nred\ngreen\n")
    found = used(learned(path, unseen="zero"), folder, "a\nred\ngreen\n")
    assert found.stimuli.tolist() == [[0, 1], [0, 0]]
    assert "1 rows hold a category" in " ".join(found.notes)


@situation("a missing value in use, a run trained with missing=median", "filled with the median of the training part")
def _(folder: Path) -> None:
    path = file(folder, cells(lambda i: "NA" if i == 3 else i))
    found = data.load(path, missing="median")
    known = found.train.stimuli[:, 0]
    schema = learned(path, missing="median")
    assert schema.features[0].fill == pytest.approx(float(known.quantile(0.5)), abs=1)
    assert used(schema, folder, "a\n?\n7\n").stimuli.tolist() == [[schema.features[0].fill], [7]]


@situation("a missing value in use, a run trained on a complete table", "refused with its line")
def _(folder: Path) -> None:
    schema = learned(file(folder, written(iris())))
    with pytest.raises(DataError, match="one missing value in 'sepal_width', line 3"):
        used(schema, folder, written([["1", "2", "3", "4"], ["1", "", "3", "4"]], NAMES))


@situation("values in another unit in use (millimetres, not centimetres)", "noted, with the range of the training")
def _(folder: Path) -> None:
    schema = learned(file(folder, written(iris())))
    rows = [[10 * float(cell) for cell in row[:4]] for row in iris()]
    assert "is the unit the same" in " ".join(used(schema, folder, written(rows, NAMES)).notes)


@situation("percent signs in training, fractions without a sign in use", "refused")
def _(folder: Path) -> None:
    schema = learned(file(folder, cells(lambda i: f"{i} %")))
    with pytest.raises(DataError, match="expected numbers with '%'"):
        used(schema, folder, "a\n0.12\n")


@situation("an array [N, D] for a run on a table of numbers", "taken in the order of the columns, noted")
def _(folder: Path) -> None:
    schema = learned(file(folder, written(iris())))
    array = np.array([row[:4] for row in iris()], dtype=float)
    found = read_inputs([array], schema)
    assert found.stimuli.equal(used(schema, folder, written([row[:4] for row in iris()], NAMES)).stimuli)
    assert "order of the training" in " ".join(found.notes)
    with pytest.raises(DataError, match=r"expected \[N, 4\]"):
        read_inputs([array[:, :3]], schema)


@situation("the training file has semicolons and decimal commas, the file in use commas and points", "the same stimuli")
def _(folder: Path) -> None:
    local = written([[cell.replace(".", ",") for cell in row] for row in iris()], by=";")
    schema = learned(file(folder, local))
    rows = [row[:4] for row in iris()]
    assert used(schema, folder, written(rows, NAMES)).stimuli.equal(
        used(learned(file(folder, written(iris()))), folder, written(rows, NAMES)).stimuli
    )


@situation("decimal commas in training, only 1.234 in use", "one thousand two hundred and thirty-four, as in training")
def _(folder: Path) -> None:
    lines = ["a;y", *(f"{i}.234,5;{'pq'[i % 2]}" for i in range(1, 30)), ""]
    schema = learned(file(folder, "\n".join(lines)))
    assert used(schema, folder, "a;b\n1.234;1\n").stimuli.tolist() == [[1234]]


@situation("semicolons and decimal commas in training, 1.234 between commas in use", "a decimal point: 1.234")
def _(folder: Path) -> None:
    schema = learned(file(folder, "a;b;y\n" + "".join(f"{i},5;{i};{'pq'[i % 2]}\n" for i in range(30))))
    assert used(schema, folder, "a,b\n1.234,1\n").stimuli.tolist() == [[pytest.approx(1.234), 1]]


@situation("true and false in use, in a column of numbers from 0 to 29", "refused")
def _(folder: Path) -> None:
    with pytest.raises(DataError, match="received true and false"):
        used(learned(file(folder, cells(lambda i: i))), folder, "a\nTrue\nFalse\n")


@situation("a class in use that the training did not have", "refused with its line")
def _(folder: Path) -> None:
    schema = learned(file(folder, written(iris())))
    with pytest.raises(DataError, match="line 2, column 'species': expected a class of the training"):
        used(schema, folder, written([["1", "2", "3", "4", "rose"]]))


@situation("a table without names whose class stands first, and rows without the class in use", "the other columns")
def _(folder: Path) -> None:
    rows = [[i % 2, i, i / 2] for i in range(20)]
    schema = learned(file(folder, written(rows, None)), target=1)
    assert used(schema, folder, "5,2.5\n6,3.5\n").stimuli.tolist() == [[5, 2.5], [6, 3.5]]


@situation("digits as rows of a CSV file with a label column, for a run on arrays", "decisions, judged by the labels")
def _(folder: Path) -> None:
    x, y = np.random.default_rng(0).integers(0, 256, (20, 12)), np.arange(20) % 3
    schema = data.from_arrays(x.astype(np.uint8), y).schema
    rows = [[label, *row] for label, row in zip(y, x, strict=True)]
    found = read_inputs([file(folder, written(rows, ["label", *(f"pixel{i}" for i in range(12))]))], schema)
    assert found.labels is not None
    assert found.labels.tolist() == y.tolist()
    plain = read_inputs([file(folder, written(x.tolist(), None))], schema)
    assert plain.stimuli.equal(found.stimuli)


@situation("rows of digits with columns sorted as texts (p0, p1, p10, p11, p2), for a run on arrays", "refused")
def _(folder: Path) -> None:
    schema = data.from_arrays(np.arange(240).reshape(20, 12), np.arange(20) % 3).schema
    names = sorted(f"p{i}" for i in range(12))
    with pytest.raises(DataError, match="in the order of the numbers"):
        read_inputs([file(folder, written([range(12), range(12)], names))], schema)


@situation("a table without a heading and with names=..., then a file without the class column", "by the given names")
def _(folder: Path) -> None:
    schema = learned(file(folder, written(iris(), None)), names=[*NAMES, "kind"], target="kind")
    rows = [row[:4] for row in iris()]
    assert used(schema, folder, written(rows, None)).stimuli.equal(used(schema, folder, written(rows, NAMES)).stimuli)
    assert used(schema, folder, written(iris(), None)).labels is not None


# ------------------------------------------------------------------ missing values

for _mark in ("NA", "?", "", "NaN", "null", "None", "-", "--", ".", "#N/A", "#DIV/0!", "n/a", "missing", "  ", "N/A"):
    _rows = iris()
    _rows[5][3] = _mark
    refuses(
        f"iris with one cell {_mark!r}",
        "one missing value, its column and the line of the file, and the option that fills it",
        written(_rows),
        r"one missing value in 'petal_width', line 7.*missing=median",
    )


@situation("gaps that are written -999", "numbers, unless missing_marks names them")
def _(folder: Path) -> None:
    path = file(folder, cells(lambda i: -999 if i == 2 else i))
    assert numbers(file(folder, "a\n1\n-999\n", "b.csv")) == [[1, -999]]
    assert data.load(path).train.stimuli.min() in (-999, 0)
    with pytest.raises(DataError, match="one missing value in 'a', line 4"):
        data.load(path, missing_marks=["-999"])
    assert learned(path, missing_marks=["-999"], missing="mean").features[0].low >= 0


@situation("two gaps below blank lines and a comment", "the line of the file, as an editor counts it")
def _(folder: Path) -> None:
    text = "# measured by hand\n\na,y\n1,p\n\n# second day\n2,q\n" + 'x"y,p\n'.replace('x"y', "3") + ",q\n,p\n"
    with pytest.raises(DataError, match=r"2 missing values in 'a' \(2\); the first in 'a', line 9"):
        data.load(file(folder, text))


@situation("a gap below a cell with line ends in quotes", "the line of the file")
def _(folder: Path) -> None:
    text = 'a,t,y\n1,"two\nlines",p\n2,one,q\n,one,p\n'
    with pytest.raises(DataError, match="one missing value in 'a', line 5"):
        data.load(file(folder, text))


@situation("NA means 'none of them' in a column of categories", "refused; a category of its own by an option")
def _(folder: Path) -> None:
    path = file(folder, cells(lambda i: ["NA", "Pave", "Gravel"][i % 3]))
    with pytest.raises(DataError, match="own-category"):
        data.load(path)
    assert learned(path, missing="own-category").features[0].categories == ("Gravel", "Pave", "(missing)")


@situation("'none' is one of the classes and of the categories", "refused; values by not_missing=[none]")
def _(folder: Path) -> None:
    text = "damage,y\n" + "".join(f"{['none', 'mild'][i % 2]},{['None', 'p'][i % 2]}\n" for i in range(30))
    path = file(folder, text)
    with pytest.raises(DataError, match=r"not_missing=\[none\]"):
        data.load(path)
    schema = learned(path, not_missing="none")
    assert (schema.classes, schema.features[0].categories) == (("None", "p"), ("mild", "none"))
    assert used(schema, folder, "damage\nnone\n").stimuli.tolist() == [[0, 1]]


@situation("rows without a class", "refused with the line; left out by missing=drop-rows, with their number")
def _(folder: Path) -> None:
    path = file(folder, "a,y\n" + "".join(f"{i},{'' if i == 5 else 'pq'[i % 2]}\n" for i in range(30)))
    with pytest.raises(DataError, match="line 7"):
        data.load(path, missing="mean")
    found = data.load(path, missing="drop-rows")
    assert len(found.train) + len(found.test) == 29
    assert any("1 rows with missing values are left out" in note for note in found.notes)


@situation("lines of nothing but delimiters below the table, as spreadsheets write them", "left out with their number")
def _(folder: Path) -> None:
    table = read_table_file(file(folder, "a,b\n1,2\n3,4\n,\n,\n"))
    assert (len(table), table.notes) == (2, ("2 rows without any value are left out.",))


# ------------------------------------------------------------------ notations of numbers

reads("semicolons and decimal commas", "decimal points", "a;b\n1,5;2\n3,25;4\n", [[1.5, 3.25], [2, 4]])
reads("German thousands 1.234,5", "1234.5", "a;b\n1.234,5;2\n3;4\n", [[1234.5, 3], [2, 4]])
reads("American thousands in quotes", "1234.5", 'a,b\n"1,234.5",2\n3,4\n', [[1234.5, 3], [2, 4]])
reads(
    "thousands by spaces, also those that do not break",
    "1234.5",
    "a,b\n1 234.5,1\u00a0234\n2,3\n",
    [[1234.5, 2], [1234, 3]],
)
reads("Swiss thousands 1'234.5", "1234.5", "a,b\n1'234.5,2\n3,4\n", [[1234.5, 3], [2, 4]])
reads("decimal commas in quotes between commas", "decimal points", 'a,b\n"1,5",2\n"3,25",4\n', [[1.5, 3.25], [2, 4]])
reads("Fortran's 1.0D+03", "1000", "a,b\n1.0D+03,2\n2.5d0,4\n", [[1000, 2.5], [2, 4]])
reads(
    "a minus sign of typography, and digits of full width", "-5 and 3", "a,b\n\u22125,1\n\uff13,2\n", [[-5, 3], [1, 2]]
)
reads("percent signs", "the numbers as written", "a,b\n12 %,1\n13%,2\n", [[12, 13], [1, 2]])
reads("dollar signs and thousands", "the numbers", 'a,b\n"$1,200.50",1\n$5,2\n', [[1200.5, 5], [1, 2]])
reads("integers of 30 digits", "the nearest number", f"a,b\n{'1' * 30},1\n2,2\n", [[float("1" * 30), 2], [1, 2]])
reads("spaces around names and cells", "none", " a , b \n 1 , 2 \n3,4\n", [[1, 3], [2, 4]])
reads("true and false", "1 and 0", "a,b\nTrue,1\nfalse,2\n", [[1, 0], [1, 2]])

refuses(
    "1,234 between semicolons, all alike",
    "refused: thousands or decimals? option decimal",
    "a;y\n1,234;p\n5,678;q\n",
    "decimal='.'",
)
refuses(
    "decimal commas in one column, points in another",
    "refused with both",
    "a;b;y\n1,5;2.5;p\n2,5;3.5;q\n",
    "line 2, column 'b'",
)
refuses(
    "numbers with a few texts between them",
    "refused with the line of the first",
    cells(lambda i: "low" if i in (7, 9) else i),
    "line 9, column 'a'.*'low'",
)
refuses(
    "numbers with a unit in each cell",
    "refused with the line",
    cells(lambda i: f"{i} kg"),
    "line 2.*'0 kg' .a number with a unit.",
)
refuses(
    "numbers with underscores",
    "refused, although Python reads them",
    cells(lambda i: f"1_{i:03d}"),
    "an underscore in a number",
)
refuses(
    "infinite numbers",
    "refused with the line",
    cells(lambda i: "inf" if i == 3 else i),
    "line 5, column 'a': expected a finite number",
)
refuses(
    "a number beyond the largest double",
    "refused with the line",
    cells(lambda i: "1e999" if i == 3 else i),
    "line 5.*finite",
)
refuses(
    "values below a limit of detection, <0.5",
    "refused with the line",
    cells(lambda i: "<0.5" if i == 4 else i),
    "line 6.*'<0.5'",
)
refuses(
    "dates as features",
    "refused, with the option that leaves them out",
    cells(lambda i: f"2020-01-{i + 1:02d}"),
    r"a date or time.*drop=\[a\]",
)
refuses(
    "dollars and euros in one column",
    "refused with the line",
    cells(lambda i: "€5" if i == 6 else "$5"),
    "line 8, column 'a'",
)


@situation("codes with zeros in front (01234)", "numbers with a note; categories by one_hot")
def _(folder: Path) -> None:
    path = file(folder, cells(lambda i: f"0{1000 + i % 3}"))
    assert "zeros in front" in " ".join(data.load(path).notes)
    assert learned(path, one_hot="a").features[0].categories == ("1000", "1001", "1002")


@situation("the same numbers in .csv, DataFrame and array", "bit-identical stimuli")
def _(folder: Path) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(40, 3)) * 10.0 ** draw.integers(-30, 30, (40, 3))
    frame = pandas.DataFrame(x, columns=["a", "b", "c"]).assign(y=["p", "q"] * 20)
    frame.to_csv(folder / "t.csv", index=False)
    of_file, of_frame = data.load(folder / "t.csv"), data.from_table(frame, target="y")
    of_array = data.from_arrays(x, np.array(["p", "q"] * 20))
    assert of_file.train.stimuli.equal(of_frame.train.stimuli)
    assert of_file.train.stimuli.equal(of_array.train.stimuli)
    assert np.array_equal(read_rows(folder / "t.csv"), x)


def read_rows(path: Path) -> np.ndarray:
    """The numbers of columns a, b and c, float64 `[N, 3]`."""
    table = read_table_file(path)
    return np.stack([np.asarray(table.numbers(name)) for name in "abc"], axis=1)


refuses(
    "numbers behind an apostrophe, as spreadsheets mark texts",
    "refused with the line",
    cells(lambda i: f"'{i}"),
    "line 2.*behind an apostrophe",
)
refuses(
    "all pixels of an image in one cell",
    "refused with the line",
    cells(lambda i: f"{i} 80 82 {i % 3}"),
    "line 2.*several numbers",
)


refuses(
    "decimal commas with exponents, between points",
    "refused",
    "a;b;y\n1,5E+00;1.5;p\n2,5E+00;2.5;q\n",
    "line 2, column 'b'",
)
reads("decimal commas with exponents", "numbers", "a;b\n1,5E+00;1\n2,5E+01;2\n", [[1.5, 25], [1, 2]])
refuses("a minus sign behind each number", "refused with the line", cells(lambda i: f"{i}-"), "minus sign behind")
refuses("a unit in front (USD 5)", "refused with the line", cells(lambda i: f"USD {i}"), "a number with a unit")


@situation("categories 1st, 2nd, 3rd", "categories")
def _(folder: Path) -> None:
    path = file(folder, cells(lambda i: ["1st", "2nd", "3rd"][i % 3]))
    assert learned(path).features[0].categories == ("1st", "2nd", "3rd")


@situation("a DataFrame with texts 1,500 in a column", "refused: thousands or decimals?")
def _(folder: Path) -> None:
    with pytest.raises(DataError, match=r"may be 1500 or 1\.500"):
        data.from_table(pandas.DataFrame({"a": ["1,500", "2,500"] * 10, "y": ["p", "q"] * 10}), target="y")


# ------------------------------------------------------------------ forms of files

reads("single quotes around all cells", "cells", "'a','b'\n'1','2'\n'3','4'\n", [[1, 3], [2, 4]])
reads("the end-of-file character of DOS", "left out", "a,b\n1,2\n3,4\n\x1a", [[1, 3], [2, 4]])
refuses(
    "two files joined, so that the names come twice",
    "refused with the line",
    "a,y\n" + "u,p\nv,q\n" * 9 + "a,y\nu,p\n",
    "line 20: repeats the names",
)

reads(
    "a title with commas, and one in a row of empty cells",
    "left out",
    "Air, by me\nStation 5,,,\na,b,c,d\n1,2,3,4\n",
    [[1], [2], [3], [4]],
)
reads("several empty columns without a name at the end", "no columns", "a,b,,\n1,2,,\n3,4,,\n", [[1, 3], [2, 4]])

reads(
    "white space of any width between columns",
    "columns",
    "  a   b\n  5.1  3.5\n 4 \t2\n",
    [[5.1, 4], [3.5, 2]],
    "table.tab",
)
reads("bars between columns", "columns", "a|b\n1|2\n3|4\n", [[1, 3], [2, 4]])
reads("line ends of an old Mac", "rows", "a,b\r1,2\r3,4\r", [[1, 3], [2, 4]])
reads("the line sep=; of a spreadsheet", "the delimiter", "sep=;\na;b\n1;2\n3;4\n", [[1, 3], [2, 4]])
reads(
    "a title and an author above the column names", "left out", "Air quality\nby me\na,b\n1,2\n3,4\n", [[1, 3], [2, 4]]
)
reads("a heading in a comment, as numpy.savetxt writes it", "names", "# a b\n1 2\n3 4\n", [[1, 3], [2, 4]])
reads("UTF-16 with a byte order mark", "columns", "a,é\n1,2\n3,4\n".encode("utf-16"), [[1, 3], [2, 4]])
reads("a byte order mark of UTF-8", "not part of the first name", "\ufeffa,b\n1,2\n3,4\n", [[1, 3], [2, 4]])
reads("a delimiter at the end of each line", "no column", "a,b,\n1,2,\n3,4,\n", [[1, 3], [2, 4]])
reads("gzip content under the name .csv", "unpacked", gzip.compress(b"a,b\n1,2\n3,4\n"), [[1, 3], [2, 4]])
reads("a file packed by bzip2", "unpacked", bz2.compress(b"a,b\n1,2\n3,4\n"), [[1, 3], [2, 4]], "table.csv.bz2")
reads("a file packed by xz", "unpacked", lzma.compress(b"a,b\n1,2\n3,4\n"), [[1, 3], [2, 4]], "table.csv.xz")


def zipped(**members: str) -> bytes:
    """A zip file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/"), text)
    return stream.getvalue()


reads("a zip file with one table", "unpacked", zipped(table="a,b\n1,2\n3,4\n"), [[1, 3], [2, 4]], "table.csv.zip")
refuses("a zip file with two tables", "refused", zipped(one="a,y\n1,2\n", two="a,y\n1,2\n"), "found 2", "table.csv.zip")
refuses(
    "a spreadsheet that was renamed to .csv",
    "refused: save its sheet as CSV",
    zipped(xl__workbook="x"),
    "a spreadsheet",
)
refuses("a web page in place of the file", "refused", "<!DOCTYPE html>\n<html></html>\n", "a web page")
refuses("JSON in a .csv file", "refused", '{"a": 1, "y": 2}\n{"a": 2, "y": 3}\n', "a JSON file")
refuses("an ARFF file of Weka", "refused", "% c\n@relation r\n@attribute a numeric\n@data\n1\n", "an ARFF file")
refuses("a Parquet file", "refused: give the DataFrame", b"PAR1\x00\x00", "a Parquet file")
refuses("a pointer of Git LFS", "refused", "version https://git-lfs.github.com/spec/v1\noid x\n", "git lfs pull")
refuses(
    "Latin-1 without an option",
    "refused with the line and encoding=latin-1",
    "name,y\ncafé,p\n".encode("latin-1"),
    "line 2.*encoding=latin-1.*'café,p'",
)
refuses("a short row", "refused with its line", "a,b,y\n1,2,p\n\n3,q\n", "line 4: expected 3 columns, received 2")
refuses(
    "a cell with an unquoted delimiter",
    "refused with its line",
    "a,b,y\n1,2,p\n3,4,5,q\n",
    "line 3: expected 3 columns, received 4",
)
refuses("a quote that is never closed", "refused", 'a,y\n1,"p\n2,q\n3,p\n', "Is a quote not closed")
refuses("two columns of one name", "refused", "a,a,y\n1,2,p\n3,4,q\n", "'a' occurs twice")
refuses("a file of nothing but names", "refused", "a,b,y\n", "found none")
refuses("an empty file", "refused", "", "is empty")


@situation("Latin-1 with encoding=latin-1, and a file in use in the same encoding", "read; the run keeps the encoding")
def _(folder: Path) -> None:
    text = cells(lambda i: ["café", "thé"][i % 2]).encode("latin-1")
    schema = learned(file(folder, text), encoding="latin-1")
    assert schema.features[0].categories == ("café", "thé")
    assert used(schema, folder, "a\nthé\n".encode("latin-1")).stimuli.tolist() == [[0, 1]]
    assert used(schema, folder, "a\nthé\n").stimuli.tolist() == [[0, 1]]


@situation("the first column is named '#'", "a column, not a comment")
def _(folder: Path) -> None:
    assert read_table_file(file(folder, "#,name,hp\n1,x,45\n2,y,60\n")).names == ("#", "name", "hp")


@situation("rows whose first cell begins with #", "rows, not comments")
def _(folder: Path) -> None:
    table = read_table_file(file(folder, "colour,b\n#ff0000,1\n#00ff00,2\n#ff0000,3\n"))
    assert table.texts("colour").tolist() == ["#ff0000", "#00ff00", "#ff0000"]


@situation("quoted cells with delimiters, doubled quotes and line ends", "their text")
def _(folder: Path) -> None:
    table = read_table_file(file(folder, 'a,b\n"x,y",1\n"say ""hi""",2\n"two\nlines",3\n'))
    assert table.texts("a").tolist() == ["x,y", 'say "hi"', "two\nlines"]
    assert [table.line(row) for row in range(3)] == [2, 3, 4]


# ------------------------------------------------------------------ headings and row counts


@situation("a table without a heading (numbers and a text in the first row)", "every row is data; target by number")
def _(folder: Path) -> None:
    path = file(folder, written(iris(), None))
    with pytest.raises(DataError, match=r"Give target \(--target 5\)"):
        data.load(path)
    found = data.load(path, target=5)
    assert len(found.train) + len(found.test) == 30
    assert data.load(path, target=-1).concept == found.concept


@situation("letters only, without a heading (mushrooms)", "every row is data")
def _(folder: Path) -> None:
    rows = [["pe"[i % 2], "xbs"[i % 3], "yw"[i % 2]] for i in range(30)]
    table = read_table_file(file(folder, written(rows, None)))
    assert len(table) == 30


@situation("the heading counts the columns: 0,1,2", "names")
def _(folder: Path) -> None:
    table = read_table_file(file(folder, "0,1,2\n5,3,1\n7,8,2\n"))
    assert (table.names, len(table)) == (("0", "1", "2"), 2)


@situation("the heading is a row of years", "names")
def _(folder: Path) -> None:
    table = read_table_file(file(folder, "2018,2019,2020,2021\n5.5,3,1,2\n7,8,2,3\n"))
    assert (table.names[0], len(table)) == ("2018", 2)


@situation("the heading counts the columns beside a name: 0,1,2,y", "names")
def _(folder: Path) -> None:
    text = "0,1,2,y\n" + "".join(f"{i},{i * 2},3,{'pq'[i % 2]}\n" for i in range(20))
    assert read_table_file(file(folder, text)).names == ("0", "1", "2", "y")


@situation("pixels without a heading, the label first", "every row is data")
def _(folder: Path) -> None:
    rows = [[i % 3, 0, 0, 255, i] for i in range(30)]
    found = data.load(file(folder, written(rows, None)), target=1)
    assert (len(found.train) + len(found.test), found.stimulus.shape) == (30, (4,))


@situation("the index of a DataFrame as first column", "left out, noted")
def _(folder: Path) -> None:
    frame = pandas.DataFrame({"a": range(30), "y": list("pq" * 15)})
    frame.to_csv(folder / "t.csv")
    found = data.load(folder / "t.csv")
    assert found.stimulus.shape == (1,)
    assert any("only counts or names the rows" in note for note in found.notes)


@situation("the names of R's rows, without a name of their own", "left out, noted")
def _(folder: Path) -> None:
    text = '"a" "y"\n' + "".join(f'"{i + 1}" {i * 2} "{"pq"[i % 2]}"\n' for i in range(30))
    found = data.load(file(folder, text))
    assert found.stimulus.shape == (1,)


@situation("a column PassengerId of all different numbers", "left out, noted")
def _(folder: Path) -> None:
    text = "PassengerId,a,y\n" + "".join(f"{800 + 3 * i},{i},{'pq'[i % 2]}\n" for i in range(30))
    found = data.load(file(folder, text))
    assert found.stimulus.shape == (1,)
    assert any("'PassengerId'" in note for note in found.notes)


@situation("a column of names that differ in each row", "refused, with the option that leaves it out")
def _(folder: Path) -> None:
    path = file(folder, cells(lambda i: f"Mr {chr(65 + i)}"))
    with pytest.raises(DataError, match=r"30 different texts.*drop=\[a\]"):
        data.load(path)


@situation("columns to leave out and columns of codes, as they are typed: drop=a,b one_hot=[zip]", "as asked")
def _(folder: Path) -> None:
    text = "a,b,zip,y\n" + "".join(f"{i},{i},{i % 3},{'pq'[i % 2]}\n" for i in range(30))
    found = data.load(file(folder, text), drop="a,b", one_hot="[zip]")
    assert found.stimulus.shape == (3,)
    with pytest.raises(ConfigurationError, match="drop: unknown column 'c'"):
        data.load(file(folder, text), drop=["c"])


# ------------------------------------------------------------------ the class column

refuses(
    "prices as target",
    "refused: ranges, another target or a series",
    "a,price\n" + "".join(f"{i},{1000 + 13 * i}\n" for i in range(50)),
    "50 different numbers",
    target="price",
)
refuses(
    "fractions as target", "refused", "a,y\n" + "".join(f"{i},{0.37 * i}\n" for i in range(30)), "different numbers"
)
refuses("one class in all rows", "refused", "a,y\n" + "".join(f"{i},p\n" for i in range(30)), "at least 2 classes")


@situation("classes 1 to 12", "twelve classes in the order of their numbers")
def _(folder: Path) -> None:
    found = data.load(file(folder, "a,y\n" + "".join(f"{i},{i % 12 + 1}\n" for i in range(72))))
    assert found.concept.names == tuple(map(str, range(1, 13)))


@situation("classes 0.0 and 1.0", "classes 0 and 1")
def _(folder: Path) -> None:
    schema = learned(file(folder, "a,y\n" + "".join(f"{i},{i % 2}.0\n" for i in range(30))))
    assert schema.classes == ("0", "1")
    judged = used(schema, folder, "a,y\n1,1\n2,0\n").labels
    assert judged is not None
    assert judged.tolist() == [1, 0]


@situation("classes True and False, in use TRUE and FALSE", "the same classes")
def _(folder: Path) -> None:
    schema = learned(file(folder, "a,y\n" + "".join(f"{i},{bool(i % 2)}\n" for i in range(30))))
    judged = used(schema, folder, "a,y\n1,TRUE\n2,FALSE\n").labels
    assert judged is not None
    assert judged.tolist() == [1, 0]


@situation("classes 'Cat', 'cat ' and ' dog'", "spaces are no part of a name; a note on 'Cat' and 'cat'")
def _(folder: Path) -> None:
    found = data.load(file(folder, "a,y\n" + "".join(f"{i},{['Cat', 'cat ', ' dog'][i % 3]}\n" for i in range(30))))
    assert found.concept.names == ("Cat", "cat", "dog")
    assert any("differ only in capitals" in note for note in found.notes)


@situation("columns 'label' and 'class'", "the first is the class, with a note on the other")
def _(folder: Path) -> None:
    found = data.load(file(folder, "class,label,a\n" + "".join(f"{i % 3},{'pq'[i % 2]},{i}\n" for i in range(30))))
    assert found.concept.names == ("p", "q")
    assert any("'class' as a feature" in note for note in found.notes)


@situation("the class column is named in the heading by a usual name", "found without an option")
def _(folder: Path) -> None:
    assert learned(file(folder, "Species,a\n" + "".join(f"{'pq'[i % 2]},{i}\n" for i in range(30)))).target == "Species"


# ------------------------------------------------------------------ DataFrames


@situation("a DataFrame with categories, nullable integers, strings and truth values", "as a file with the same cells")
def _(folder: Path) -> None:
    frame = pandas.DataFrame(
        {
            "n": pandas.array([1, 2, None] * 10, dtype="Int64"),
            "c": pandas.Categorical(["x", "y", "z"] * 10),
            "s": pandas.array(["u", "v", "u"] * 10, dtype="string"),
            "b": pandas.array([True, False, True] * 10, dtype="boolean"),
            "y": ["p", "q"] * 15,
        }
    )
    frame.to_csv(folder / "t.csv", index=False)
    with pytest.raises(DataError, match="10 missing values in 'n'"):
        data.from_table(frame, target="y")
    of_frame = data.from_table(frame, target="y", missing="median")
    of_file = data.load(folder / "t.csv", target="y", missing="median")
    assert of_frame.train.stimuli.equal(of_file.train.stimuli)


@situation("a DataFrame to predict", "as the file with the same cells; its index is ignored")
def _(folder: Path) -> None:
    schema = learned(file(folder, written(iris())))
    frame = pandas.read_csv(folder / "table.csv").set_index(np.arange(100, 130))
    found = read_inputs([frame], schema)
    assert found.stimuli.equal(read_inputs([folder / "table.csv"], schema).stimuli)
    assert found.labels is not None


@situation("a run on a DataFrame, and a file without column names", "refused; a file with names is read by them")
def _(folder: Path) -> None:
    frame = pandas.DataFrame({"a": range(30), "b": range(30), "y": list("pq" * 15)})
    schema = data.from_table(frame, target="y").schema
    assert isinstance(schema, TableSchema)
    assert used(schema, folder, "b;a\n1;2,5\n").stimuli.tolist() == [[2.5, 1]]
    with pytest.raises(DataError, match="expected column names"):
        used(schema, folder, "1,2\n3,4\n")
    with pytest.raises(DataError, match="may be 1234 or"):
        used(schema, folder, 'a,b\n"1,234",1\n')


@situation("a DataFrame with headings in two rows", "refused: join them")
def _(folder: Path) -> None:
    frame = pandas.DataFrame(np.ones((3, 2)), columns=pandas.MultiIndex.from_tuples([("a", "x"), ("a", "y")]))
    with pytest.raises(DataError, match="expected one row of column names, received 2"):
        data.from_table(frame, target="y")


@situation("a DataFrame with a column of dates as feature", "refused, with the option that leaves it out")
def _(folder: Path) -> None:
    frame = pandas.DataFrame({"d": pandas.date_range("2020", periods=30), "a": range(30), "y": list("pq" * 15)})
    with pytest.raises(DataError, match=r"'d' holds dates.*drop=\[d\]"):
        data.from_table(frame, target="y")
    assert data.from_table(frame, target="y", drop=["d"]).stimulus.shape == (1,)


@situation("a DataFrame whose cells hold lists", "refused with the row")
def _(folder: Path) -> None:
    frame = pandas.DataFrame({"a": [[1, 2], [3]], "y": ["p", "q"]})
    with pytest.raises(DataError, match="row 0, column 'a': expected a number or a text, received list"):
        Table.of(frame)


# ------------------------------------------------------------------ data check


@situation("data check of a table whose class is not known", "its columns, and commands for what may be the class")
def _(folder: Path) -> None:
    status, found, _ = run_cli("data", "check", file(folder, air()), "--json")
    assert status == 0
    columns = {one["name"]: one for one in found["table"]["columns"]}
    assert (columns["pm2.5"]["missing"], columns["cbwd"]["values"]) == (4, 4)
    assert columns["No"]["note"] == "counts the rows"
    assert any("--target cbwd --set data.missing=median" in command for command in found["table"]["next"])


@situation("data check --target", "the report on that class column")
def _(folder: Path) -> None:
    path = file(folder, written(iris(), [*NAMES, "kind"]))
    status, found, _ = run_cli("data", "check", path, "--target", "kind", "--json")
    assert (status, found["classes"]) == (0, 3)


@situation("a dict of columns, of one row, a list of rows, a row of a DataFrame, a structured array", "read by name")
def _(folder: Path) -> None:
    schema = learned(file(folder, written(iris())))
    frame = pandas.read_csv(folder / "table.csv")[[*NAMES[::-1], "species"]].iloc[:2]
    right = read_inputs([frame], schema).stimuli
    for source in (frame.to_dict("list"), frame.to_dict("records"), frame.to_records(index=False)):
        assert read_inputs([source], schema).stimuli.equal(right)
    for row in (frame.iloc[0], frame.iloc[0].to_dict(), frame[NAMES[::-1]].iloc[0]):
        assert read_inputs([row], schema).stimuli.equal(right[:1])


@situation(
    "data check of a series with a column of texts, or with a hole", "the command leaves texts out; the hole is noted"
)
def _(folder: Path) -> None:
    rows = [[f"2020-01-{day:02d}", day * day, "ok"] for day in range(1, 29)]
    for kept, noted in ((rows, False), ([*rows[:9], *rows[12:]], True)):
        path = file(folder, written(kept, ["date", "load", "note"]))
        found = run_cli("data", "check", path, "--json")[1]["table"]
        assert found["next"][-1].endswith("--task series --model rnn --set 'data.drop=[note]'")
        assert any("rows are missing" in note for note in found["notes"]) == noted


@situation("data check of a table of which a column to leave out has a comma in its name", "its command can be typed")
def _(folder: Path) -> None:
    rows = [[*row[:2], f"n{i}", row[4]] for i, row in enumerate(iris())]
    path = file(folder, written(rows, ["a", "b", '"Owner, name"', "class"]))
    found = run_cli("data", "check", path, "--target", "class", "--json")[1]
    assert 'data.drop=["Owner, name"]' in json.dumps(found, ensure_ascii=False).replace('\\"', '"')
    assert data.load(path, task="tabular", target="class", drop=["Owner, name"]).train.stimuli.shape[1] == 2
