"""The continuation of a text: a network reads a beginning and draws one character after the other."""

from __future__ import annotations

import torch

from ..errors import ConfigurationError
from ..nn import SequenceNetwork
from .choice import expect
from .next_symbols import NextSymbols


@torch.no_grad()
def continue_text(
    network: SequenceNetwork, beginning: str, count: int, *, temperature: float = 0.7, seed: int = 0
) -> str:
    """Characters that a network draws after the beginning of a text.

    The state of the network is carried from character to character, however long the text becomes.

    Args:
        network: trained on text.
        beginning: at least one character of the network's vocabulary; others are left out.
        count: characters to draw, at least 0.
        temperature: 0 takes the most likely character; 1 draws from the network's probabilities.
        seed: of the draws.

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
    if count < 0 or temperature < 0:
        raise ConfigurationError(
            f"continue_text: expected a count and a temperature of at least 0, received {count} and {temperature}."
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
            if temperature == 0:
                chosen = int(scores.argmax())
            else:
                chosen = int(torch.multinomial((scores / temperature).softmax(0), 1, generator=draws))
            drawn.append(chosen)
            scores = reader(torch.tensor([[chosen]], device=device))
    return "".join(names[i] for i in drawn)
