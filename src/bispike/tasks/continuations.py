"""Continuations of a text or series of the user: characters that a network draws, or values that it forecasts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..arguments import checked
from ..data.readers.series_table import Series
from ..data.schema import SeriesSchema
from ..errors import ConfigurationError
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
        rows: number of rows of the series.
        ahead: steps from the last row to the forecast.
        names: of the K quantities.
        values: `[K]` in the units of the data.
        time: that the forecast is for; None where the series has no times.
        notes: on how much of the past was known.
    """

    rows: int
    ahead: int
    names: tuple[str, ...]
    values: Tensor
    time: str | None = None
    notes: tuple[str, ...] = ()


@checked
@torch.no_grad()
def forecast(network: SequenceNetwork, series: Series, schema: SeriesSchema) -> Forecast:
    """Forecast from the last window of a series, as windows were forecast in training.

    Args:
        network: trained on a series.
        series: read as in training (`SeriesSchema.series`).
        schema: of the training, with the inputs, the window and the horizon.

    Raises:
        ConfigurationError: a network of another task.
        DataError: the series has no row.
    """
    expect(network, Forecasting, "forecast")
    given = schema.of_series(series, series.name)
    predicted = network.logits(given.stimuli.to(network.stimulus_mean))[0, -1]
    return Forecast(
        rows=len(series.values),
        ahead=schema.horizon,
        names=network.concept.names,
        values=predicted.cpu(),
        time=series.time_ahead(schema.horizon),
        notes=given.notes,
    )
