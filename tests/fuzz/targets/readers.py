"""Readers of data files: one target per format, and files that ask for too much memory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from bispike import data
from bispike.data.published import cifar, n_mnist, svhn, tiny_imagenet
from bispike.data.readers.frequency import Frequency
from bispike.data.readers.series_table import Policy
from bispike.data.readers.time_columns import TimeColumns
from bispike.data.schema import EventsSchema, ImageSchema, SeriesSchema
from bispike.data.user_files import read_inputs
from bispike.errors import BispikeError, DataError
from tests.data.makers import schema

from ..data_bombs import BOMBS
from ..data_files import (
    make_cifar,
    make_deep_images,
    make_event_files,
    make_events,
    make_hdf,
    make_idx,
    make_images,
    make_inputs,
    make_n_mnist,
    make_npz,
    make_odd_tables,
    make_series,
    make_svhn,
    make_tables,
    make_texts,
    make_tiny_imagenet,
)
from ..target import Damage, Target

GREY = schema(1, 4, 4)
BYTES = replace(GREY, classes=("cat", "dog"))
IMAGES = ImageSchema((1, 4, 4), {"8 bits": 8, "16 bits": 16}, None, ("cat", "dog"))
CAMERA = EventsSchema((6, 6), "us", 3, 300_000.0, span=300_000.0, classes=("0", "1"))
DATED = SeriesSchema(
    ("u", "v"),
    ("u", "v"),
    ("u",),
    horizon=1,
    window=3,
    mean=(0.0, 3.0),
    std=(1.0, 1.0),
    change_mean=(0.0,),
    change_std=(1.0,),
    time=TimeColumns(("date",), ("ymd",)),
    frequency=Frequency("microseconds", 86_400_000_000),
    policy=Policy(missing="previous"),
)
"""How `series.csv` of `make_series` is read."""


def look(found: data.Dataset) -> None:
    """What every use of a data set needs."""
    found.train[:4]
    found.test[0]
    found.describe()
    found.suspicions()


def each(*uses: Callable[[], object]) -> None:
    """Do all of them, also after an error that is meant for people; the first such error is raised at the end."""
    first = None
    for use in uses:
        try:
            use()
        except BispikeError as error:
            first = first or str(error)  # the error itself would keep alive what its readers held
    if first is not None:
        raise DataError(first)


def use_files(folder: Path, **options: Any) -> None:
    """Load and check each file of a folder."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    each(*(partial(lambda path: look(data.load(path, **options)), path) for path in files))
    for path in files:
        data.check(path, **options)


def use_tables(folder: Path) -> None:
    """Load each table with gaps filled, show its columns, and predict it by the schema of a sound one and its own."""
    sound = data.from_table({"a": range(24), "b": range(24), "label": ["0", "1"] * 12}, target="label").schema
    assert sound is not None

    def use(path: Path) -> None:
        with suppress(BispikeError):  # it has other columns
            read_inputs([path], sound)
        each(lambda: data.check(path), lambda: again(path))

    def again(path: Path) -> None:
        found = data.load(path, task="tabular", missing="most-frequent", drop=["note"] if "quoted" in path.name else [])
        look(found)
        assert found.schema is not None
        read_inputs([path], found.schema)

    each(*(partial(use, path) for path in sorted(folder.iterdir()) if path.is_file()))


def use_series(folder: Path) -> None:
    """Load and check each file of a folder as a series, mended in every way, and as a series in use."""
    use_files(folder, task="series", window=3)
    mended: dict[str, Any] = {"missing": "previous", "holes": "fill", "duplicates": "mean"}
    for path in sorted(folder.iterdir()):
        uses = [partial(data.load, path, task="series", window=3, **mended)]
        if path.name.startswith("series.csv"):
            uses.append(partial(data.load, path, like=DATED))
        each(*uses)


def use_folder(folder: Path) -> None:
    """Load and check a folder that is one data set."""
    data.check(folder)
    look(data.load(folder))


def use_inputs(folder: Path) -> None:
    """Stimuli for a network from each file."""
    each(*(partial(read_inputs, [path], GREY) for path in sorted(folder.iterdir())))


def use_images(folder: Path) -> None:
    """A folder of images as a data set, by a schema of its own, and each image as a stimulus."""
    files = [path for path in sorted(folder.glob("train/*/*")) if path.is_file()]
    each(
        lambda: look(data.load(folder)),
        lambda: look(data.load(folder, like=IMAGES)),
        lambda: look(data.load(folder / "test", like=BYTES)),
        lambda: read_inputs([folder], IMAGES),
        *(
            partial(read_inputs, [path], known)
            for path in files
            for known in (IMAGES, BYTES)
            if path.stem not in ("longs", "notes")
        ),
    )


def use_event_files(folder: Path) -> None:
    """Recordings as stimuli in use, and those with classes as a data set."""
    files = sorted(folder.iterdir())
    sets = [path for path in files if path.suffix in (".npz", ".zip")]
    each(
        *(partial(read_inputs, [path], CAMERA) for path in files),
        *(partial(lambda path: look(data.load(path, bins=3)), path) for path in sets),
    )


def use_cifar(folder: Path) -> None:
    places = (folder / "plain", folder / cifar.CIFAR10.archive)
    each(*(partial(lambda place: look(cifar.read(place, version=cifar.CIFAR10)), place) for place in places))


def use_everything(folder: Path) -> None:
    """Each file and the folder itself, as a data set and as inputs, in the ways that fit their names."""
    uses: list[Callable[[], object]] = []
    for path in sorted(folder.iterdir()):
        ending = path.name.partition(".")[2]
        if ending in ("csv", "csv.gz", "npz", "txt", "txt.gz", "h5", "tar.gz") and not path.is_dir():
            uses.append(partial(lambda path: look(data.load(path)), path))
        if ending in ("csv", "npz", "npy", "png"):
            uses.append(partial(read_inputs, [path], GREY))
        if ending in ("csv", "txt.gz"):
            uses.append(partial(data.load, path, task="series"))
    each(*uses, partial(use_folder, folder))


def make_place(folder: Path) -> None:
    """A sound data set, and a file beside which the damages write theirs."""
    make_images(folder)
    (folder / "here").write_bytes(b"")


def target(
    name: str,
    make: Callable[[Path], object],
    use: Callable[[Path], object],
    *,
    weight: float = 1.0,
    damages: tuple[Damage, ...] = (),
    files: tuple[str, ...] = ("**/*",),
) -> Target:
    """A target whose folder holds nothing but its files, since users read the folder as a whole."""
    return Target(name, make, use, files=files, damages=damages, weight=weight, guests=False)


def beside(damage: Damage) -> Damage:
    """A damage that is given a file and writes its own files beside it."""
    return lambda path, draws: damage(path.parent, draws)


TARGETS = [
    target("npz", make_npz, use_files, weight=2),
    target("inputs", make_inputs, use_inputs),
    target("table", make_tables, use_files),
    target("odd tables", make_odd_tables, use_tables),
    target("series", make_series, use_series),
    target("hdf", make_hdf, partial(use_files, window=3)),
    target("text", make_texts, partial(use_files, window=3)),
    target("idx", make_idx, use_folder),
    target("images", make_images, use_folder, weight=2),
    target("deep images", make_deep_images, use_images, weight=2),
    target("events", make_events, partial(use_files, bins=3)),
    target("event files", make_event_files, use_event_files),
    target("n-mnist", make_n_mnist, lambda folder: look(n_mnist.read(folder, bins=2)), weight=0.3),
    target("cifar", make_cifar, use_cifar, weight=0.5),
    target("svhn", make_svhn, lambda folder: look(svhn.read(folder)), weight=0.5),
    target(
        "tiny-imagenet",
        make_tiny_imagenet,
        lambda folder: look(tiny_imagenet.read(folder / tiny_imagenet.ARCHIVE)),
        weight=0.5,
    ),
    target("data bombs", make_place, use_everything, damages=tuple(map(beside, BOMBS)), files=("here",), weight=0.2),
]
