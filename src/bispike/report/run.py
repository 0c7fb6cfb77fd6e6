"""One run on a page: its record, its data set, and what sections measure of it, each measurement once and on demand."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import torch

from ..data import Dataset
from ..errors import BispikeError
from ..runs.record import RunRecord, read_run
from ..runs.source import open_data

SAMPLES = 400  # test stimuli of the measurements
T = TypeVar("T")


class ReportRun:
    """What a section gets.

    Args:
        record: the run.
        load: reads the data set, or returns a sentence that explains why there is none.
        samples: test stimuli to measure with, at least 1.
    """

    def __init__(self, record: RunRecord, load: Callable[[], Dataset | str], *, samples: int = SAMPLES) -> None:
        self.record = record
        self.samples = samples
        self._load = load
        self._measured: dict[Callable[..., Any], Any] = {}

    @cached_property
    def _loaded(self) -> Dataset | str:
        return self._load()

    @property
    def without_data(self) -> str | None:
        """Why there is no data set, in a sentence; None if there is one."""
        return self._loaded if isinstance(self._loaded, str) else None

    @property
    def dataset(self) -> Dataset:
        """The data set of the run, for measurements.

        Raises:
            BispikeError: there is none.
        """
        if isinstance(self._loaded, str):
            raise BispikeError(self._loaded)
        return self._loaded

    def measure(self, measurement: Callable[[ReportRun], T]) -> T | None:
        """The result of a measurement, which is made once per run; None without the data set.

        Stochastic stimulus codes draw the same in every call, so that a run always gives the same report.
        """
        if self.without_data is not None:
            return None
        if measurement not in self._measured:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                self._measured[measurement] = measurement(self)
        return self._measured[measurement]

    def need(self, measurement: Callable[[ReportRun], T]) -> T:
        """As `measure`, for measurements that build on others.

        Raises:
            BispikeError: there is no data set.
        """
        _ = self.dataset
        return cast(T, self.measure(measurement))

    def release(self) -> None:
        """Forget the data set and the measurements."""
        self.__dict__.pop("_loaded", None)
        self._measured.clear()


def open_run(
    path: str | Path,
    *,
    dataset: str | None = None,
    data_root: str | Path | None = None,
    samples: int = SAMPLES,
    trust: bool = False,
) -> ReportRun:
    """Read a run's folder; its data set is read when it is first needed.

    Args:
        path: the folder.
        dataset: where the data of the run are now; None: where its training found them.
        data_root: folder where data sets lie; None looks where the run found them and in the usual places.
        samples: test stimuli to measure with, at least 1.
        trust: whether to open what the settings of somebody else's run name.

    Raises:
        CheckpointError: it is not the folder of a run, or it is damaged.
    """
    record = read_run(path)
    loaded = dataset_of(record, dataset, data_root, trust=trust) if dataset is not None else None  # or refused now
    return ReportRun(record, lambda: loaded or dataset_of(record, None, data_root, trust=trust), samples=samples)


def dataset_of(
    record: RunRecord, dataset: str | None = None, data_root: str | Path | None = None, *, trust: bool = False
) -> Dataset | str:
    """The data set of a run, or a sentence that explains why there is none: a report can do without.

    Raises:
        BispikeError: the caller names a data set, and it cannot be read.
    """
    try:
        loaded = open_data(
            record.path,
            record.config,
            dataset=dataset,
            data_root=data_root,
            download=False,
            trust=trust,
            like=record.schema,
        )
    except BispikeError as error:
        if dataset is not None:
            raise
        why = " ".join(error.lines)
        return f"The data set could not be read here, so the page shows only what the run recorded: {why}"
    network, known = record.network, record.summary.get("data_fingerprint")
    fits = loaded.stimulus.shape == network.stimulus.shape and loaded.concept.names == network.concept.names
    if not fits or known not in (None, loaded.fingerprint):
        return "The data set has changed since this training, so the page shows only what the run recorded."
    return loaded
