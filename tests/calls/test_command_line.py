"""Bad calls of the command line: each ends with status 2 (or 1) and one message that names the option."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from bispike import data
from bispike.studies import study
from tests.cli.conftest import bispike
from tests.cli.conftest import trained as trained  # the fixture

from .command_line import bad_words

BY_VERB: dict[str, dict[str, list[str]]] = defaultdict(dict)
for _what, _words in bad_words().items():
    BY_VERB[_words[0]][_what] = _words


class BegunError(Exception):
    """Work was about to begin though the call is bad."""


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def begin(name: object = "digits", *args: object, **options: object) -> object:
        if isinstance(name, str):
            data.catalogue.as_path(name)  # raises for an unknown name, as loading does
        raise BegunError("work began")

    for place, name in ((data, "load"), (data.catalogue, "_fetch"), (study, "run_jobs")):
        monkeypatch.setattr(place, name, begin)


def test_there_are_many() -> None:
    assert sum(len(calls) for calls in BY_VERB.values()) >= 400


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("verb", BY_VERB)
def test_a_bad_call_is_one_message(verb: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "input.npy", np.zeros((8, 8), dtype=np.uint8))
    wrong = []
    for what, words in BY_VERB[verb].items():
        called = bispike(*(word.format(run=trained, input=tmp_path / "input.npy") for word in words))
        text = called.err
        flag = words[-2].lstrip("-").replace("-", "_") if words[-2:-1] and words[-2].startswith("--") else ""
        one = text.count("error:") == 1 and "internal error" not in text and "Traceback" not in text
        named = flag.rstrip("s") in text.replace("-", "_") or (words[-1] and repr(words[-1]) in text)
        if called.status not in (1, 2) or not one or not named or len(text) > 2000:
            wrong.append(f"{what}: status {called.status}: {text[-200:]}")
    assert wrong == []
    assert [path.name for path in tmp_path.iterdir()] == ["input.npy"]
