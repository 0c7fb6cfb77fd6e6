"""What holds for a set of images as a whole: size, channels, depth of the values, ground of transparent pixels.

The rules are decided once, from the facts of all images of the training part, and never from a single image.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...errors import DataError
from .pixels import (
    BYTES,
    COLOURS,
    FRACTIONS,
    FULL_DEPTH,
    LIMIT,
    WIDE,
    Decoded,
    Form,
    Ground,
    Reading,
    background_of,
    brightness,
    contrasting,
    white_of,
)

USUAL_DEPTHS = (1, 8, 12, 16)
SMALLEST_SCALED = 2.0
"""Fractional images with a value above this one are in 0..255, not in 0..1."""
BYTE_DEPTH = 8
_DARK = 32
"""Images in 8 bits of which none is as bright as this rather hold numbers of a few bits."""
_FAINT = 0.1
"""Difference of brightness, as a share of white, below which a drawing is lost on its ground."""
_DARKEST_COLOUR = 15
"""Upper 8 bits of 16-bit colours that are really of 12 bits."""


@dataclass(frozen=True)
class Choice:
    """What the user has chosen of the rules; None: the images decide.

    Args:
        size: height and width in pixels.
        channels: 1 (grey) or 3 (colour).
        depth: bits of the values, so that white is `2**depth - 1`; for images that are stored in more than 8 bits, or
            for all of them where none is.
        background: what transparent pixels are laid on.
    """

    size: tuple[int, int] | None = None
    channels: int | None = None
    depth: int | None = None
    background: Ground | None = None


@dataclass(frozen=True)
class Facts:
    """What the rules of a set need to know of one image (see `Decoded`).

    Args:
        size: width and height, upright.
        low, high: least and largest stored value.
        whole: whether all values are whole numbers.
        opacity, light: sum of the opacity, and of opacity times stored value, if pixels are transparent; else 0.
        ground: what its transparent pixels are laid on if the set has no rule; None: it has none.
        placed: whether it has been decoded.
    """

    size: tuple[int, int]
    grey: bool
    stored: str
    pages: bool
    low: float
    high: float
    whole: bool
    transparent: bool
    opacity: float
    light: float
    ground: Ground | None
    placed: bool = False


def facts_of(found: Decoded, reading: Reading) -> Facts:
    """The facts of a decoded image."""
    low, high, whole = 0.0, 255.0, True
    if found.values is not None:
        values = found.values
        low, high = float(values.min()), float(values.max())
        whole = values.dtype.kind != "f" or bool((values == values.round()).all())
    elif found.picture is not None and found.stored in (BYTES, COLOURS):
        extrema = found.picture.getextrema()
        high = float(
            max(one[1] if isinstance(one, tuple) else one for one in (extrema[-1:] if found.grey else extrema))
        )
    opacity, light = brightness(found)
    ground = background_of(found, reading) if found.alpha is not None else None
    transparent = found.alpha is not None
    return Facts(
        found.size, found.grey, found.stored, found.pages, low, high, whole, transparent, opacity, light, ground
    )


def decide(facts: Sequence[Facts], choice: Choice) -> tuple[Reading, list[str]]:
    """The rules of a set, from all images of its training part; and notes on what was decided.

    Raises:
        DataError: the depth cannot be told.
    """
    sizes = Counter(one.size for one in facts)
    (width, height), count = sizes.most_common(1)[0]
    notes = []
    if choice.size is not None:
        height, width = choice.size
    elif len(facts) > count:
        notes.append(
            f"{len(facts) - count} of {len(facts)} training images had another size than {height}x{width} "
            "(height x width) and were scaled; give a size to choose it."
        )
    channels = choice.channels or (1 if all(one.grey for one in facts) else 3)
    depths, said = _depths(facts, choice.depth)
    background, laid = _background(facts, choice.background, depths)
    notes += [*said, *laid, *_page_notes(facts, "training images")]
    return Reading(Form(channels, height, width), depths, background), notes


def usage_notes(facts: Sequence[Facts], reading: Reading, what: str | None) -> list[str]:
    """Notes on images that were read by rules that are known; `what`: which they are, None for a single one."""
    form, notes = reading.form, []

    def some(n: int) -> str:
        return "the image was" if what is None else f"{n} of {len(facts)} {what} were"

    if others := [one for one in facts if one.size != (form.width, form.height)]:
        width, height = others[0].size
        each = f"from {width}x{height} " if len({one.size for one in others}) == 1 else ""
        notes.append(
            f"{some(len(others))} scaled {each}to {form.width}x{form.height} pixels (width x height), as in training."
        )
    if form.channels == 1 and (coloured := sum(not one.grey for one in facts)):
        notes.append(f"{some(coloured)} converted from colour to grey, as in training.")
    wide = any(kind in reading.depths for kind in WIDE)
    for stored, n in Counter(one.stored for one in facts if one.stored not in reading.depths).items():
        if stored in WIDE or (stored == BYTES and wide):
            notes.append(f"{some(n)} stored in {stored}, unlike those of the training; its own full scale holds.")
    if reading.background is None:
        for ground, n in Counter(one.ground for one in facts if one.ground is not None).items():
            notes.append(f"{some(n)} laid on {ground}, where it is transparent, which no image of the training was.")
    return notes + _page_notes(facts, what or "images")


def _depths(facts: Sequence[Facts], chosen: int | None) -> tuple[dict[str, int], list[str]]:
    kinds = Counter(one.stored for one in facts)
    deep = [kind for kind in kinds if kind in WIDE]
    depths: dict[str, int] = {}
    notes = []
    for kind in sorted(kinds):
        some = [one for one in facts if one.stored == kind]
        low, high = min(one.low for one in some), max(one.high for one in some)
        depth = FULL_DEPTH[kind]
        if kind in WIDE or (kind == BYTES and not deep):
            depth, said = _depth(kind, low, high, whole=all(one.whole for one in some), chosen=chosen)
            notes += said
        elif kind == COLOURS and chosen != 16 and (chosen is not None or high <= _DARKEST_COLOUR):
            raise DataError(
                "training images: are stored in 16-bit colour, of which only the upper 8 bits can be read, and these "
                f"go up to {high:g} of 255. Store them in 8 bits per colour, or give depth=16 if they are so dark."
            )
        depths[kind] = depth
    if len([kind for kind in kinds if FULL_DEPTH[kind] != 8 or kind == BYTES]) > 1:
        listed = ", ".join(f"{n} in {kind}" for kind, n in sorted(kinds.items()))
        notes.append(
            f"the training images are stored in different ways ({listed}); each is read by its own full scale."
        )
    return depths, notes


def _depth(kind: str, low: float, high: float, *, whole: bool, chosen: int | None) -> tuple[int, list[str]]:
    """Bits of one kind of storage in the training part, and a note if they are not those that it could hold."""
    if low < 0:
        raise DataError(
            f"training images: values in {kind} go down to {low:g}; expected a brightness of at least 0. Scale them to "
            "0..1 or 0..255."
        )
    if chosen is not None:
        most = min(2.0**chosen - 1, 255.0 if kind == BYTES else math.inf)
        if high > most * LIMIT or (kind == BYTES and chosen > BYTE_DEPTH):
            raise DataError(
                f"training images: values in {kind} go up to {high:g}, but depth={chosen} means that white is "
                f"{2.0**chosen - 1:g}. Give the bits of the values, or leave depth out."
            )
        return chosen, []
    if high == 0:
        return FULL_DEPTH[kind], []
    if whole:
        usual = USUAL_DEPTHS[:2] if kind == BYTES else USUAL_DEPTHS
        depth = next((bits for bits in usual if high <= 2**bits - 1), None)
    else:
        depth = 1 if high <= LIMIT else 8 if SMALLEST_SCALED < high <= 255 else None
    if depth is None:
        hint = "Scale them to 0..1, or give" if kind == FRACTIONS else "Give"
        raise DataError(
            f"training images: values in {kind} go up to {high:g}; expected 0..1, 0..255, 0..4095 or 0..65535, so "
            f"white cannot be told. {hint} depth=N, the bits of the values (white is 2**N - 1, at most 32)."
        )
    if depth == FULL_DEPTH[kind]:
        bits = int(high).bit_length()
        note = f"training images are dark, with values up to {high:g} of 255; depth={bits} stretches them."
        return depth, [note] if kind == BYTES and high < _DARK else []
    return depth, [
        f"training images stored in {kind} have values up to {high:g}: they are read as {depth} "
        f"{'bit' if depth == 1 else 'bits'}, white is {2**depth - 1}; give depth={FULL_DEPTH[kind]} if white is "
        f"{2.0 ** FULL_DEPTH[kind] - 1:.0f}."
    ]


def _background(
    facts: Sequence[Facts], chosen: Ground | None, depths: Mapping[str, int]
) -> tuple[Ground | None, list[str]]:
    transparent = [one for one in facts if one.transparent]
    if not transparent:
        return chosen, []
    light = sum(one.light / white_of(one.stored, depths) for one in transparent)
    ground = chosen or contrasting(sum(one.opacity for one in transparent), light)
    other = "black" if ground == "white" else "white"
    if chosen is not None:
        return ground, []
    seen = "dark" if ground == "white" else "light"
    notes = [
        f"{len(transparent)} of {len(facts)} training images have transparent pixels; they were laid on {ground}, "
        f"since what is visible is {seen} (background={other} changes it)."
    ]
    shares = [one.light / white_of(one.stored, depths) / one.opacity for one in transparent if one.opacity > 0]
    lost = sum(share < _FAINT if ground == "black" else share > 1 - _FAINT for share in shares)
    if lost:
        notes.append(
            f"{lost} of {len(facts)} training images show nearly nothing but {ground}, and are lost on it; lay all of "
            "them on a ground of another shade, and store them without transparency."
        )
    return ground, notes


def _page_notes(facts: Sequence[Facts], what: str) -> list[str]:
    pages = sum(one.pages for one in facts)
    if not pages:
        return []
    return [f"{pages} of {len(facts)} {what} have several frames or pages; only the first of each is used."]
