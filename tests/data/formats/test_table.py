"""Tables in CSV files."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from bispike.data import load
from bispike.errors import ConfigurationError, DataError

ROWS = "length;colour;species\n" + "".join(f"{i}.5;{'red' if i % 3 else 'blue'};{'ab'[i % 2]}x\n" for i in range(12))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("compress", [False, True])
def test_numbers_stay_and_texts_become_one_feature_a_value(tmp_path, separator, compress):
    path = tmp_path / ("t.csv.gz" if compress else "t.csv")
    content = ("\ufeff" + ROWS.replace(";", separator)).encode()
    path.write_bytes(gzip.compress(content) if compress else content)
    data = load(path, task="tabular", target="species", test_fraction=0.01)
    assert (data.name, data.stimulus.shape, data.concept.names) == ("t", (3,), ("ax", "bx"))
    rows = np.concatenate([data.train.stimuli.numpy(), data.test.stimuli.numpy()])
    expected = [(i + 0.5, float(i % 3 == 0), float(i % 3 > 0)) for i in range(12)]
    assert sorted(map(tuple, rows.tolist())) == expected


def test_the_usual_names_of_the_class_column_are_known(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,Label,b\n" + "".join(f"{i},{i % 2},{i}\n" for i in range(10)))
    assert load(path).concept.names == ("0", "1")
    path.write_text("a,Label,b\n" + "".join(f"{i},{i % 2 + 7},{i}\n" for i in range(10)))
    assert load(path).concept.names == ("7", "8")


BAD = {
    "no such column": ("a,b\n1,2\n", {"target": "c"}, "unknown column 'c'"),
    "which column": ("a,b\n1,2\n", {}, r"Give target \(--target b\); columns: a, b"),
    "missing value": ("a,y\n1,0\n,1\n", {}, "one missing value in 'a', line 3"),
    "short row": ("a,y\n1,0\n1\n", {}, "line 3: expected 2 columns, received 1"),
    "no rows": ("a,y\n", {}, "found none"),
    "empty": ("", {}, "empty"),
    "blank lines": ("\n\n", {}, "empty"),
    "endless cell": ("a,y\n" + "1" * 200_000 + ",0\n", {}, "not a readable table"),
    "no features": ("y\n1\n0\n", {}, "at least one column besides 'y'"),
    "no number": ("a,y\n1,0\nnan,1\n2,0\n3,1\n", {}, "one missing value in 'a', line 3"),
    "one class": ("a,y\n1,0\n2,0\n", {}, "at least 2 classes"),
    "free text": ("a,y\n" + "".join(f"t{i},{i % 2}\n" for i in range(60)), {}, "60 different texts"),
}


@pytest.mark.parametrize("case", BAD)
def test_each_mistake_is_named(tmp_path, case):
    content, options, message = BAD[case]
    path = tmp_path / "t.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        load(path, **options)
    assert str(path) in str(caught.value)


def test_bytes_that_are_no_text_and_other_tasks_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,y\n\xff\xfe,1\n")
    with pytest.raises(DataError, match="UTF-8"):
        load(path)
    with pytest.raises(ConfigurationError, match="unknown task for a table 'pictures'"):
        load(path, task="pictures")
