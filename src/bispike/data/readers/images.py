"""Sets of image files become arrays by one rule for all, decoded on several threads.

Each file is opened once where all images have one size: it is decoded by a guess of the set's rules (those of the first
image). When all images have been seen the rules are decided, and only images that the guess would have read otherwise
are decoded again. Files that cannot be decoded are all named together. A small file can declare any number of pixels,
so the size is compared with a limit before any pixel is decoded, and large images are decoded one after the other.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ...errors import BispikeError, ConfigurationError, DataError
from ..memory_limit import Room
from .contents import read_file
from .image_rules import Choice, Facts, decide, facts_of, usage_notes
from .pixels import FULL_DEPTH, Decoded, Form, Reading, decode_image, to_pixels

if TYPE_CHECKING:
    from PIL import Image

DECODERS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "AVIF")
"""What Pillow may take a file for, whatever its ending; others run programs (EPS) or open parts of office files."""
LARGEST_PIXELS = 64_000_000
PER_PIXEL = 8
"""Bytes of a decoded pixel, with copies of another mode."""
LARGE_PIXELS = 4_000_000
"""From here on images are decoded one after the other."""
LFS = b"version https://git-lfs"
HEIC = (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypmif1")
_BLOCK = 64
_SHOWN = 5

Opener = Callable[[], bytes]


@dataclass(frozen=True)
class Picture:
    """An image file: the name for messages, and a function that reads its bytes."""

    name: str
    opener: Opener

    @classmethod
    def at(cls, path: Path, room: Room) -> Picture:
        """The image in a file, which is read when it is needed."""
        return cls(str(path), partial(read_file, path, room))


@dataclass
class ImageSet:
    """The images of a training part, and the rules by which they and all others are read."""

    stimuli: Tensor
    reading: Reading
    notes: list[str] = field(default_factory=list)


def parse_size(size: int | str | Sequence[int]) -> tuple[int, int]:
    """Height and width from 32, "32", "24x32" (height x width) or (24, 32)."""
    try:
        numbers = [int(n) for n in (str(size).lower().split("x") if isinstance(size, int | str) else size)]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) not in (1, 2) or min(numbers) < 1:
        raise ConfigurationError(f"image size: expected 32, or height and width as 24x32, received {size!r}.")
    return numbers[0], numbers[-1]


def learn(pictures: Sequence[Picture], choice: Choice, room: Room) -> ImageSet:
    """Decode the images of a training part, and decide how the set is read.

    Args:
        pictures: at least one.
        choice: what the user has chosen.
        room: what decoding may take.

    Raises:
        DataError: images that cannot be read, by name, or whose depth cannot be told.
    """
    decoder = _Decoder(room)
    guess = _guess(pictures, choice, decoder)
    guessed = _guessed_room(len(pictures), guess.form, room, fixed=choice.size is not None)
    rows = None if guessed is None else guessed.numpy()
    facts = _pass(pictures, range(len(pictures)), partial(_place, rows, guess, choice, decoder))
    reading, notes = decide(facts, choice)
    if guessed is not None and reading.form == guess.form:
        stimuli = guessed
    else:
        stimuli = _empty(len(pictures), reading.form, room)
        if guessed is not None and guessed.shape[2:] == stimuli.shape[2:]:
            stimuli[:] = guessed  # one grey channel becomes three equal ones
    rest = [i for i, one in enumerate(facts) if not _is_final(one, guess, reading)]
    _pass(pictures, rest, partial(_place, stimuli.numpy(), reading, None, decoder))
    return ImageSet(stimuli, reading, notes + _colour_notes(stimuli, facts, choice))


def decode(pictures: Sequence[Picture], reading: Reading, room: Room, what: str = "images") -> tuple[Tensor, list[str]]:
    """uint8 `[N, channels, height, width]` by rules that are known, and notes on what was converted.

    Raises:
        DataError: images that cannot be decoded, exceed the depth of the set, or have more pixels than the limit.
    """
    stimuli = _empty(len(pictures), reading.form, room)
    facts = _pass(pictures, range(len(pictures)), partial(_place, stimuli.numpy(), reading, None, _Decoder(room)))
    return stimuli, usage_notes(facts, reading, what)


def each_image(pictures: Sequence[Picture], work: Callable[[Image.Image, str], Any], room: Room) -> list[Any]:
    """What `work` makes of each opened image and its name, in order.

    Raises:
        DataError: images that cannot be decoded, or that `work` refuses, by name.
    """
    return _pass(pictures, range(len(pictures)), _opened(work, _Decoder(room)))


def one_image(picture: Picture, work: Callable[[Image.Image, str], Any], room: Room) -> Any:
    """What `work` makes of a single image and its name.

    Raises:
        DataError: the file is no image, or `work` refuses it.
    """
    try:
        return _pass([picture], [0], _opened(work, _Decoder(room)), alone=True)[0]
    except BispikeError:
        raise
    except Exception as error:  # Pillow raises many unrelated kinds for damaged files
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"{picture.name}: is not a readable image, and no other format reads such a file ({said})."
        ) from error


class _Decoder:
    """Opens images whose size is within the limit; of the large ones a single one at a time."""

    def __init__(self, room: Room) -> None:
        from PIL import Image, TiffImagePlugin, WebPImagePlugin  # noqa: F401 (each registers its decoder)

        with contextlib.suppress(ImportError):
            from PIL import AvifImagePlugin  # noqa: F401
        Image.preinit()
        self._room = room
        self._large = threading.Lock()
        self._formats = tuple(name for name in DECODERS if name in Image.OPEN)

    @contextlib.contextmanager
    def open(self, picture: Picture) -> Iterator[Image.Image]:
        from PIL import Image, UnidentifiedImageError

        content = picture.opener()
        if content.startswith(LFS):
            raise ValueError("is a pointer of Git LFS and no image; fetch the files with: git lfs pull")
        if not content:
            raise ValueError("is empty")
        if content[4:12] in HEIC:
            raise ValueError("is a HEIC image, whatever its name; convert it to PNG or JPEG")
        try:
            opened = Image.open(io.BytesIO(content), formats=self._formats)
        except UnidentifiedImageError:
            raise ValueError(f"cannot identify image file; its first bytes are {content[:8]!r}") from None
        with opened as image:
            pixels = image.width * image.height
            if pixels > LARGEST_PIXELS:
                raise ValueError(f"{image.width}x{image.height} pixels are more than {LARGEST_PIXELS}; scale it down")
            self._room.expect(PER_PIXEL * pixels, f"an image of {image.width}x{image.height} pixels")
            with self._large if pixels > LARGE_PIXELS else contextlib.nullcontext():
                yield image


def _guess(pictures: Sequence[Picture], choice: Choice, decoder: _Decoder) -> Reading:
    """The rules if all images were like a few of them, by the most frequent size and the most colour."""
    found = []
    for number in sorted({0, len(pictures) // 2, len(pictures) - 1}):
        with contextlib.suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with decoder.open(pictures[number]) as image:
                found.append(decode_image(image))
    (width, height), _ = Counter(one.size for one in found).most_common(1)[0] if found else ((1, 1), 0)
    if choice.size is not None:
        height, width = choice.size
    channels = choice.channels or (1 if all(one.grey for one in found) else 3)
    return Reading(Form(channels, height, width), FULL_DEPTH, choice.background)


def _place(
    rows: np.ndarray | None,
    reading: Reading,
    provisional: Choice | None,
    decoder: _Decoder,
    number: int,
    picture: Picture,
) -> Facts:
    """Decode an image into its row; under provisional rules only where they could be the final ones."""
    with decoder.open(picture) as image:
        found: Decoded = decode_image(image)
    facts = facts_of(found, reading)
    if rows is None:
        return facts
    if provisional is None:
        rows[number] = to_pixels(found, reading)
        return facts
    fits = provisional.size is not None or found.size == (reading.form.width, reading.form.height)
    bright = facts.low >= 0 and facts.high <= 2.0 ** FULL_DEPTH[found.stored] - 1
    if not (fits and bright) or (facts.transparent and reading.background is None):
        return facts
    rows[number] = to_pixels(found, reading)
    return replace(facts, placed=True)


def _is_final(facts: Facts, guess: Reading, reading: Reading) -> bool:
    """Whether the pixels that the guess gave are those that the rules give."""
    form = replace(guess.form, channels=reading.form.channels)
    expands = guess.form.channels == reading.form.channels or facts.grey
    return (
        facts.placed and form == reading.form and expands and reading.depths[facts.stored] == guess.depths[facts.stored]
    )


def _colour_notes(stimuli: Tensor, facts: Sequence[Facts], choice: Choice) -> list[str]:
    if stimuli.shape[1] == 1 or choice.channels is not None:
        return []
    grey = sum(one.grey for one in facts)
    if grey:
        return [f"{grey} of {len(facts)} training images are grey and are read in colour, like the others."]
    blocks = stimuli.split(max(1, 2**22 // stimuli[0].numel()))
    if all(bool((block[:, :1] == block).all()) for block in blocks):
        return ["all training images are stored in colour but are grey; channels=1 reads one channel instead of three."]
    return []


def _opened(work: Callable[[Image.Image, str], Any], decoder: _Decoder) -> Callable[[int, Picture], Any]:
    def attempt(number: int, picture: Picture) -> Any:
        with decoder.open(picture) as image:
            return work(image, picture.name)

    return attempt


def _guessed_room(count: int, form: Form, room: Room, *, fixed: bool) -> Tensor | None:
    """Room for all images of a guessed form; None if it is too large for that, and may be wrong."""
    try:
        return _empty(count, form, room)
    except DataError:
        if fixed:
            raise
        return None


def _empty(count: int, form: Form, room: Room) -> Tensor:
    needed = count * math.prod(form.shape)
    room.expect(needed, f"{count} images of {form.height}x{form.width} (choose a smaller size?)")
    return torch.empty((count, *form.shape), dtype=torch.uint8)


def _pass(
    pictures: Sequence[Picture], numbers: Sequence[int], work: Callable[[int, Picture], Any], *, alone: bool = False
) -> list[Any]:
    """What `work` gives for some of the pictures, in order; those that fail are named together, unless one is alone."""

    def attempt(block: Sequence[int]) -> list[tuple[Any, str | None]]:
        if alone:
            return [(work(number, pictures[number]), None) for number in block]
        return [_attempted(work, number, pictures[number]) for number in block]

    blocks = [numbers[first : first + _BLOCK] for first in range(0, len(numbers), _BLOCK)]
    with warnings.catch_warnings():
        from PIL import Image

        warnings.simplefilter("ignore")  # damaged tags; what keeps an image from being decoded is an error
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        workers = min(8, _cores(), len(blocks))
        if workers > 1:
            with ThreadPoolExecutor(max_workers=workers) as pool:
                outcomes = [one for found in pool.map(attempt, blocks) for one in found]
        else:
            outcomes = [one for block in blocks for one in attempt(block)]
    broken = [message for _, message in outcomes if message is not None]
    if broken:
        more = [f"  and {len(broken) - _SHOWN} more"] if len(broken) > _SHOWN else []
        listed = [f"  {message}" for message in broken[:_SHOWN]]
        raise DataError(
            f"{len(broken)} of {len(numbers)} images cannot be decoded:", *listed, *more, "Remove or repair them."
        )
    return [value for value, _ in outcomes]


def _attempted(work: Callable[[int, Picture], Any], number: int, picture: Picture) -> tuple[Any, str | None]:
    try:
        return work(number, picture), None
    except Exception as error:  # Pillow raises many unrelated kinds for damaged files
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, BispikeError):
            said = said.removeprefix(f"{picture.name}: ")
        return None, f"{picture.name} ({said})"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
