"""Text that goes on: a network reads a beginning and draws one character after the other."""

from __future__ import annotations

import torch

from ..errors import ConfigurationError
from ..nn import SequenceNetwork


@torch.no_grad()
def write_on(network: SequenceNetwork, beginning: str, count: int, *, temperature: float = 0.7, seed: int = 0) -> str:
    """Characters that a network draws after a beginning.

    The state goes on from character to character, however long the text becomes.

    Args:
        network: trained on text.
        beginning: at least one character; those that it does not know are left out.
        count: characters to draw.
        temperature: 0 takes the likeliest; 1 draws as the network believes.
        seed: of the draws.
    """
    if network.continuous or not network.symbols:
        raise ConfigurationError("write_on: expected a network of text, received one of another task.")
    if count < 0 or temperature < 0:
        raise ConfigurationError(
            f"write_on: expected a count and a temperature of at least 0, received {count} and {temperature}."
        )
    names = network.concept.names
    known = {name: i for i, name in enumerate(names)}
    read = [known[character] for character in beginning if character in known]
    if not read:
        raise ConfigurationError(
            f"write_on: none of the characters of {beginning!r} is in the network's vocabulary: {''.join(names)!r}."
        )
    device = next(network.parameters()).device
    draws = torch.Generator(device=device).manual_seed(seed)
    written: list[int] = []
    with network.inference():
        reader = network.reader()
        scores = reader(torch.tensor([read], device=device))
        for _ in range(count):
            if temperature == 0:
                chosen = int(scores.argmax())
            else:
                chosen = int(torch.multinomial((scores / temperature).softmax(0), 1, generator=draws))
            written.append(chosen)
            scores = reader(torch.tensor([[chosen]], device=device))
    return "".join(names[i] for i in written)
