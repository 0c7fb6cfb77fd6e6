"""The forecast of a user's own series: a trained network reads a table and gives the values that come next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..data.readers.series_table import read_table
from ..errors import DataError
from ..nn import SequenceNetwork
from .choice import expect
from .forecasting import Forecasting


@dataclass(frozen=True)
class Forecast:
    """One forecast.

    Args:
        rows: number of rows of the table.
        ahead: steps from the last row to the forecast.
        names: of the K quantities.
        values: `[K]` in the units of the data.
    """

    rows: int
    ahead: int
    names: tuple[str, ...]
    values: Tensor


def forecast(
    network: SequenceNetwork,
    path: str | Path,
    *,
    inputs: tuple[str, ...],
    ahead: int,
    missing: str = "error",
    delimiter: str | None = None,
) -> Forecast:
    """Read a table to its end and forecast the values `ahead` steps later.

    Args:
        network: trained on a series.
        path: the table; it has the columns that the network was trained on.
        inputs: names of those columns.
        ahead: the horizon of the training, in steps.
        missing, delimiter: see `read_table`.

    Raises:
        ConfigurationError: a network of another task.
        DataError: the table cannot be read, or lacks a column.
    """
    expect(network, Forecasting, "forecast")
    table = read_table(Path(path), missing=missing, delimiter=delimiter)
    absent = [name for name in inputs if name not in table.columns]
    if absent:
        raise DataError(
            f"{path}: expected the columns that the network was trained on; missing: {', '.join(absent)}; found: "
            f"{', '.join(table.columns)}. Check the header of the table."
        )
    chosen = [table.columns.index(name) for name in inputs]
    values = torch.from_numpy(table.values[:, chosen]).to(network.stimulus_mean)
    predicted = network.logits(values[None])[0, -1]
    return Forecast(len(values), ahead, network.concept.names, predicted.cpu())
