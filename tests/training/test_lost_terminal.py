"""A training whose terminal is lost goes on to the same bits."""

from __future__ import annotations

import errno
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from bispike.data import Dataset
from bispike.training import fit
from bispike.training.lost_terminal import Losable
from bispike.training.progress import Bar, Plain, Progress

from .conftest import FAST, assert_equal, tiny_network, weights


class Gone(io.StringIO):
    """A stream that fails after some writes."""

    def __init__(self, error: Exception, after: int) -> None:
        super().__init__()
        self.error, self.left = error, after

    def write(self, text: str) -> int:
        self.left -= 1
        if self.left < 0:
            raise self.error
        return super().write(text)


ERRORS = [
    OSError(errno.EIO, "Input/output error"),
    BrokenPipeError(errno.EPIPE, "Broken pipe"),
    OSError(errno.ENOSPC, "No space left on device"),
    ValueError("I/O operation on closed file."),
]


@pytest.mark.parametrize("error", ERRORS, ids=str)
@pytest.mark.parametrize("after", [0, 3])
@pytest.mark.parametrize("kind", [Plain, Bar])
def test_the_training_goes_on(kind: type[Plain | Bar], error: Exception, after: int, dataset: Dataset) -> None:
    whole = fit(tiny_network(dataset), "bsd", dataset, **FAST)
    stream = Gone(error, after)
    run = fit(tiny_network(dataset), "bsd", dataset, **{**FAST, "progress": Losable(kind(stream))})
    assert stream.left < 0
    assert_equal(weights(run.network), weights(whole.network))


def test_an_error_of_the_display_itself_is_raised() -> None:
    class Wrong(Progress):
        def note(self, message: str) -> None:
            raise ValueError("a fault of the program")

    with pytest.raises(ValueError, match="a fault of the program"):
        Losable(Wrong()).note("x")


@pytest.fixture
def closed_error_stream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    with open(tmp_path / "terminal", "w") as stream:
        stream.write("")
    monkeypatch.setattr("sys.stderr", stream)
    yield
    monkeypatch.undo()


@pytest.mark.usefixtures("closed_error_stream")
def test_a_closed_standard_error_is_no_error(dataset: Dataset) -> None:
    assert fit(tiny_network(dataset), "bsd", dataset, **{**FAST, "progress": "auto"}).summary["epochs"] == 3


def test_no_standard_error_is_no_error(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", None)
    assert fit(tiny_network(dataset), "bsd", dataset, **{**FAST, "progress": "auto"}).summary["epochs"] == 3
