"""Continuations of a text or series of the user: characters that a network draws, or values that it forecasts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..arguments import checked
from ..data.readers.series_table import read_table
from ..errors import ConfigurationError, DataError
from ..nn import SequenceNetwork
from .choice import expect
from .forecasting import Forecasting
from .next_symbols import NextSymbols

MOST_DRAWN = 1_000_000
"""Largest number of characters of a continuation: each needs a pass through the network."""


@checked
@torch.no_grad()
def continue_text(
    network: SequenceNetwork, beginning: str, count: int, *, temperature: float = 0.7, seed: int = 0
) -> str:
    """Characters that a network draws after the beginning of a text.

    The state of the network passes from character to character, for any length of the text.

    Args:
        network: trained on text.
        beginning: at least one character in the vocabulary of the network; others are skipped.
        count: characters to draw, from 0 to a million.
        temperature: 0 selects the most likely character; 1 draws from the probabilities of the network.
        seed: seed of the draws.

    Returns:
        The `count` drawn characters, without the beginning.

    Raises:
        ConfigurationError: a network of another task, a negative count or temperature, or no known character.
    """
    expect(network, NextSymbols, "continue_text")
    if not network.symbols:
        raise ConfigurationError(
            "continue_text: expected a network of text, received one of recordings, which are not symbols."
        )
    if count > MOST_DRAWN:
        raise ConfigurationError(f"continue_text: expected a count of at most {MOST_DRAWN:,}, received {count}.")
    if count < 0 or not 0 <= temperature < math.inf:
        raise ConfigurationError(
            f"continue_text: expected a count of at least 0 and a finite temperature of at least 0; received "
            f"{count} and {temperature}."
        )
    names = network.concept.names
    known = {name: i for i, name in enumerate(names)}
    read = [known[character] for character in beginning if character in known]
    if not read:
        raise ConfigurationError(
            f"continue_text: expected at least one character of the network's vocabulary {''.join(names)!r}, received "
            f"{beginning!r}. Begin with characters that occur in the training text."
        )
    device = next(network.parameters()).device
    draws = torch.Generator(device=device).manual_seed(seed)
    drawn: list[int] = []
    with network.inference():
        reader = network.reader()
        scores = reader(torch.tensor([read], device=device))
        for _ in range(count):
            sharpened = scores / temperature if temperature else scores
            if temperature == 0 or not bool(torch.isfinite(sharpened).all()):  # too near to 0 to divide by
                chosen = int(scores.argmax())
            else:
                chosen = int(torch.multinomial(sharpened.softmax(0), 1, generator=draws))
            drawn.append(chosen)
            scores = reader(torch.tensor([[chosen]], device=device))
    return "".join(names[i] for i in drawn)


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


@checked
def forecast(
    network: SequenceNetwork,
    path: str | Path,
    *,
    inputs: tuple[str, ...],
    ahead: int,
    missing: str = "error",
    delimiter: str | None = None,
    memory_limit: float | None = None,
) -> Forecast:
    """Read a table to its end and forecast the values `ahead` steps later.

    Args:
        network: trained on a series.
        path: the table; it has the columns that the network was trained on.
        inputs: names of those columns.
        ahead: the horizon of the training, in steps.
        missing, delimiter, memory_limit: see `read_table`.

    Raises:
        ConfigurationError: a network of another task.
        DataError: the table cannot be read, or lacks a column.
    """
    expect(network, Forecasting, "forecast")
    table = read_table(Path(path), missing=missing, delimiter=delimiter, memory_limit=memory_limit)
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
