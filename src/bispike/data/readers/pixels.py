"""A decoded image becomes pixels 0..255 by the rules of its set: depth of what is stored, ground, channels, size.

    bits of the depth d >= 8     pixel = floor(stored / 2^(d - 8))
    bits of the depth d < 8      pixel = floor(stored * 255 / (2^d - 1))

So 16 bits keep their upper 8, and fractions 0..1 (depth 1) are multiplied by 255 and cut. No scale is chosen by a
single image: a dark image of a set stays dark.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ...errors import DataError

if TYPE_CHECKING:
    from PIL import Image

Ground = Literal["white", "black"]
GROUNDS: tuple[Ground, ...] = ("white", "black")

BITS, BYTES, TWELVE, DECLARED, WORDS, LONGS, FRACTIONS, COLOURS = (
    "1 bit",
    "8 bits",
    "12 bits",
    "a declared largest value",
    "16 bits",
    "32 bits",
    "floating point",
    "16-bit colour",
)
FULL_DEPTH = {
    BITS: 8,
    BYTES: 8,
    TWELVE: 12,
    DECLARED: 16,
    WORDS: 16,
    LONGS: 32,
    FRACTIONS: 1,
    COLOURS: 16,
}
"""What images can be stored as, and the bits that each holds at most; fractions are in 0..1."""
FIXED = (BITS, TWELVE, DECLARED, COLOURS)
"""Kinds of storage whose depth the file itself says."""
WIDE = (WORDS, LONGS, FRACTIONS)
"""Kinds of storage whose depth the values of the whole set decide."""
DEEPEST = 32
GREY_MODES = ("1", "L", "LA", "La", "I", "F")
ORIENTATION_TAG = 0x0112
_PHOTOMETRIC, _BITS_PER_SAMPLE = 262, 258
_ROUNDING = 1 / 1024
"""Fractions k/255 in float32 lie up to 2e-5 below k after multiplication."""
LIMIT = 1 + 1e-6
"""By this factor values may exceed the full scale, from rounding."""
_MULTIPAGE = ("GIF", "TIFF", "WEBP", "PNG", "AVIF")


@dataclass(frozen=True)
class Form:
    """Shape that every image is converted to: 1 (grey) or 3 (colour) channels, height and width in pixels."""

    channels: int
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Axes `(channels, height, width)`."""
        return (self.channels, self.height, self.width)


@dataclass(frozen=True)
class Reading:
    """The rules by which all images of a set become pixels.

    Args:
        form: of the pixels.
        depths: bits of each kind of storage that the training part has (keys of `FULL_DEPTH`).
        background: what transparent pixels are laid on; None: the training part has none.
    """

    form: Form
    depths: Mapping[str, int] = field(default_factory=lambda: {BYTES: 8})
    background: Ground | None = None


@dataclass(frozen=True)
class Decoded:
    """One image, upright, in the values that are stored.

    Args:
        stored: kind of storage, a key of `FULL_DEPTH`.
        grey: whether it has no colour.
        picture: mode L or RGB for 1 and 8 bits; else None.
        values: `[H, W]` of the wider kinds; else None.
        alpha: mode L, opacity 0..255; None: all pixels are opaque.
        pages: whether the file holds several frames or pages, of which this is the first.
        size: width and height in pixels.
    """

    stored: str
    _: KW_ONLY
    grey: bool
    picture: Image.Image | None = None
    values: np.ndarray | None = None
    alpha: Image.Image | None = None
    pages: bool = False
    size: tuple[int, int]


def decode_image(image: Image.Image) -> Decoded:
    """Decode an opened image.

    Raises:
        ValueError: values that are no brightness: not finite, or stored in a way that cannot be told.
        Exception: of many kinds, from Pillow, for damaged files.
    """
    pages = image.format in _MULTIPAGE and bool(getattr(image, "is_animated", False))
    stored = _storage(image)
    tags: Any = getattr(image, "tag_v2", {})
    inverted = tags.get(_PHOTOMETRIC) == 0
    image.load()
    image = _upright(image)
    if image.mode.startswith(("I", "F")):
        values, alpha = _wide_values(image, stored, inverted=inverted)
        return Decoded(stored, grey=True, values=values, alpha=alpha, pages=pages, size=image.size)
    grey = _is_grey(image)
    if image.mode == "LAB":
        image = _from_lab(image)
    alpha = None
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        if alpha.getextrema()[0] == 255:
            alpha = None
    wanted = "L" if grey else "RGB"
    picture = image if image.mode == wanted else image.convert(wanted)
    return Decoded(stored, grey=grey, picture=picture, alpha=alpha, pages=pages, size=image.size)


def to_pixels(decoded: Decoded, reading: Reading) -> np.ndarray:
    """uint8 `[channels, height, width]` of an image by the rules of its set.

    Raises:
        DataError: the values exceed the depth of the set, or the depth cannot be told.
    """
    from PIL import Image

    form = reading.form
    image = decoded.picture
    if decoded.values is not None:
        depth = depth_of(decoded, reading.depths)
        image = Image.fromarray(scaled(decoded.values, depth))
    assert image is not None
    if decoded.stored == BYTES and reading.depths.get(BYTES, 8) < 8:
        depth = reading.depths[BYTES]
        values = np.asarray(image)
        expect_within(float(values.max()), depth, BYTES)
        image = Image.fromarray(scaled(values, depth))
    if decoded.alpha is not None:
        ground = 255 if background_of(decoded, reading) == "white" else 0
        image = Image.composite(
            image, Image.new(image.mode, image.size, (ground,) * len(image.getbands())), decoded.alpha
        )
    mode = "L" if form.channels == 1 else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    if image.size != (form.width, form.height):
        image = image.resize((form.width, form.height), Image.Resampling.BILINEAR)
    pixels = np.asarray(image)
    return pixels[None] if form.channels == 1 else pixels.transpose(2, 0, 1)


def to_unit(decoded: Decoded, form: Form) -> np.ndarray:
    """float32 `[channels, height, width]` in 0..1: stored values over their own full scale, without loss.

    Raises:
        DataError: the full scale cannot be told.
    """
    from PIL import Image

    if decoded.values is None:
        pixels = to_pixels(decoded, Reading(form)).astype(np.float32)
        pixels /= 255
        return pixels
    depth = depth_of(decoded, {})
    image = Image.fromarray(decoded.values.astype(np.float32))
    if decoded.alpha is not None:
        ground = 2.0**depth - 1 if background_of(decoded, Reading(form)) == "white" else 0.0
        image = Image.fromarray(np.where(np.asarray(decoded.alpha) > 0, np.asarray(image), np.float32(ground)))
    if image.size != (form.width, form.height):
        image = image.resize((form.width, form.height), Image.Resampling.BILINEAR)
    values = np.array(image, dtype=np.float32)
    values /= np.float32(2.0**depth - 1)
    return np.repeat(values[None], form.channels, axis=0)


def scaled(values: np.ndarray, depth: int) -> np.ndarray:
    """uint8 of values from 0 to `2**depth - 1`, whole numbers or fractions."""
    if depth >= 8:
        if values.dtype.kind in "ui":
            return (values >> (depth - 8)).astype(np.uint8)
        return (values.astype(np.float32) / np.float32(2.0 ** (depth - 8))).clip(0, 255).astype(np.uint8)
    factor = np.float32(255 / (2**depth - 1))
    return (values.astype(np.float32) * factor + np.float32(_ROUNDING)).clip(0, 255).astype(np.uint8)


def depth_of(decoded: Decoded, depths: Mapping[str, int]) -> int:
    """Bits of an image by the depths of its set.

    What the set does not have is read by its own full scale, if that can be told from this image alone.

    Raises:
        DataError: the values exceed the depth, or the depth cannot be told.
    """
    assert decoded.values is not None
    low, high = float(decoded.values.min()), float(decoded.values.max())
    expect_brightness(low, decoded.stored)
    depth = depths.get(decoded.stored)
    if depth is None and decoded.stored not in FIXED:
        wide = [depths[kind] for kind in WIDE if kind in depths and kind != FRACTIONS]
        fraction = decoded.stored == FRACTIONS and high <= LIMIT
        depth = wide[0] if wide and not fraction else _own_depth(decoded, high)
    if depth is None:
        depth = FULL_DEPTH[decoded.stored]
    expect_within(high, depth, decoded.stored)
    return depth


def _own_depth(decoded: Decoded, high: float) -> int:
    if high == 0 or (decoded.stored == FRACTIONS and high <= LIMIT):
        return FULL_DEPTH[decoded.stored]
    if decoded.stored == WORDS and high > 4095:
        return 16
    raise DataError(
        f"is stored in {decoded.stored} with values up to {high:g}, which no image of the training was: its full scale "
        "cannot be told. Store it as the training's images"
    )


def expect_brightness(low: float, stored: str) -> None:
    """Refuse negative values."""
    if low < 0:
        raise DataError(
            f"is stored in {stored} with values down to {low:g}; expected a brightness of at least 0. Scale the "
            "values to 0..255 or 0..1"
        )


def expect_within(high: float, depth: int, stored: str) -> None:
    """Refuse values above the full scale of a depth."""
    full = 2.0**depth - 1
    if high > full * LIMIT:
        raise DataError(
            f"is stored in {stored} with values up to {high:g}, but the training's images of this kind go up to "
            f"{full:g} (depth={depth}). Train with a larger depth if they belong together"
        )


def brightness(decoded: Decoded) -> tuple[float, float]:
    """Sums of the opacity (0..1 per pixel) and of opacity times stored value; 0 of an image without transparency."""
    if decoded.alpha is None:
        return 0.0, 0.0
    alpha = np.asarray(decoded.alpha)
    if decoded.values is not None:
        light = decoded.values
    else:
        assert decoded.picture is not None
        light = np.asarray(decoded.picture.convert("L"))
    light = light.astype(np.float32)
    light *= alpha
    return float(alpha.sum(dtype=np.float64)) / 255, float(light.sum(dtype=np.float64)) / 255


def contrasting(opacity: float, light: float) -> Ground:
    """The ground on which what is visible stands out: white below dark pixels, black below light ones."""
    return "white" if light < opacity / 2 else "black"


def white_of(stored: str, depths: Mapping[str, int]) -> float:
    """The stored value of white; pictures of 1 bit and of 16-bit colour are decoded to 0..255."""
    return 255.0 if stored in (BITS, COLOURS) else 2.0 ** depths.get(stored, FULL_DEPTH[stored]) - 1


def background_of(decoded: Decoded, reading: Reading) -> Ground:
    """The ground of the set, or the one that contrasts with this image where the set has none."""
    opacity, light = brightness(decoded)
    return reading.background or contrasting(opacity, light / white_of(decoded.stored, reading.depths))


# ------------------------------------------------------------------ what is stored


def _storage(image: Image.Image) -> str:
    tiles: Any = getattr(image, "tile", None)  # only images of files have them
    raw = str(tiles[0].args) if tiles else ""
    mode = image.mode
    if mode == "1":
        return BITS
    if mode == "F":
        return FRACTIONS
    if mode.startswith("I"):
        if getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE) == (12,):
            return TWELVE
        if image.format == "PPM":
            return DECLARED  # Pillow scales by the largest value in the heading
        return WORDS if mode.startswith("I;16") or ";16" in raw else LONGS
    return COLOURS if ";16" in raw and mode in ("RGB", "RGBA", "RGBX", "RGBa") else BYTES


def _wide_values(image: Image.Image, stored: str, *, inverted: bool) -> tuple[np.ndarray, Image.Image | None]:
    """Stored values `[H, W]` in native byte order with 0 for black; and the opacity where a pixel is transparent."""
    from PIL import Image as pillow

    values = np.asarray(image)
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError("holds values that are not finite (NaN or infinite); fill them")
    key = image.info.get("transparency")
    alpha = None
    if isinstance(key, int) and bool((values == key).any()):
        alpha = pillow.fromarray(np.where(values == key, np.uint8(0), np.uint8(255)))
    if inverted and stored not in (WORDS, TWELVE):  # of 1 and 8 bits Pillow inverts by itself, of others not
        raise ValueError("is stored inverted (0 is white) in 32 bits; store it with 0 for black")
    return (2 ** FULL_DEPTH[stored] - 1) - values if inverted else values, alpha


def _upright(image: Image.Image) -> Image.Image:
    from PIL import ImageOps

    info = image.info
    marked = "exif" in info or "Raw profile type exif" in info or "XML:com.adobe.xmp" in info or "xmp" in info
    if not (marked or image.format in ("TIFF", "MPO")):
        return image
    return image if image.getexif().get(ORIENTATION_TAG, 1) == 1 else ImageOps.exif_transpose(image)


def _is_grey(image: Image.Image) -> bool:
    if image.mode in ("P", "PA"):
        palette = np.array(image.getpalette("RGB") or [], dtype=np.uint8)
        colours = palette[: len(palette) // 3 * 3].reshape(-1, 3)
        used = np.unique(np.asarray(image if image.mode == "P" else image.getchannel(0)))
        colours = colours[used[used < len(colours)]]
        return bool((colours[:, :1] == colours).all())
    return image.mode in GREY_MODES


def _from_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    lab, rgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    found = ImageCms.applyTransform(image, ImageCms.buildTransform(lab, rgb, "LAB", "RGB"))
    if found is None:
        raise ValueError("is stored in LAB colours. Store it as RGB")
    return found
