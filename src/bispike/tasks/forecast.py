"""What a trained network forecasts of a user's own series: the values that come next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..data.readers.series_table import read_table
from ..errors import ConfigurationError, DataError
from ..nn import SequenceNetwork


@dataclass(frozen=True)
class Forecast:
    """One forecast.

    Args:
        rows: of the table.
        ahead: steps from the last row to what is forecast.
        names: of the quantities.
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
    """Read a table to its end and say what is expected `ahead` steps later.

    Args:
        network: trained on a series.
        path: the table, with the columns that the network learned from.
        inputs: names of those columns.
        ahead: the horizon of the training.
        missing, delimiter: see `read_table`.

    Raises:
        ConfigurationError: a network of another task. DataError: the table does not fit.
    """
    if not network.continuous:
        raise ConfigurationError("forecast: expected a network of a series, received one of another task.")
    table = read_table(Path(path), missing=missing, delimiter=delimiter)
    absent = [name for name in inputs if name not in table.columns]
    if absent:
        raise DataError(
            f"{path}: expected the columns that the network learned from; missing: {', '.join(absent)}; found: "
            f"{', '.join(table.columns)}."
        )
    chosen = [table.columns.index(name) for name in inputs]
    values = torch.from_numpy(table.values[:, chosen]).to(network.stimulus_mean)
    said = network.logits(values[None])[0, -1]
    return Forecast(len(values), ahead, network.concept.names, said.cpu())
