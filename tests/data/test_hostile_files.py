"""Files that ask for too much, wait for ever, lead elsewhere, or are damaged: an error that says so, and no more."""

from __future__ import annotations

import gzip
import os
import random
import signal
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bispike import data
from bispike.data import from_arrays, memory_limit
from bispike.data.published import cifar, svhn
from bispike.data.user_files import read_inputs
from bispike.errors import ConfigurationError, DataError, UserError
from tests.data.makers import schema

from ..fuzz import data_bombs as files
from .makers import cifar_records, class_folders, cycle, idx_folder, tar_gz

GREY = schema(1, 4, 4)
LIMIT = r"would take .* of memory|would take more memory"


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    """A reader that waits for a pipe fails the test."""

    def ring(*_: object) -> None:
        raise TimeoutError("the reader waits")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files may take a megabyte, so that small ones are large."""
    monkeypatch.setattr(memory_limit, "FLOOR", 2**20)
    monkeypatch.setattr(memory_limit, "CEILING", 2**20)


class Chosen(random.Random):
    """Draws what the test says."""

    def __init__(self, *wanted: object) -> None:
        super().__init__(0)
        self.wanted = list(wanted)

    def choice(self, seq: Any) -> Any:
        return self.wanted.pop(0) if self.wanted else super().choice(seq)


# ------------------------------------------------------------------ one limit


def test_the_limit_follows_from_the_size_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for size, expected in ((0, 2**28), (10 * 2**20, 640 * 2**20)):
        path.write_bytes(os.urandom(size))
        assert memory_limit.Room.of(path).limit == expected
    with path.open("wb") as stream:
        stream.truncate(2**40)  # a hole
    assert memory_limit.Room.of(path).limit == 2**28
    assert memory_limit.Room.of(path, 3).limit == 3 * 2**30


def test_no_small_file_may_take_two_gibibytes() -> None:
    assert memory_limit.PER_BYTE * 4 * 2**20 <= memory_limit.FLOOR <= 2**31 // 6  # copies on the way come on top


def large_npz(folder: Path) -> Path:
    np.savez_compressed(folder / "a.npz", x=np.zeros((4000, 400)), y=cycle(4000, 2))
    return folder / "a.npz"


def large_table(folder: Path) -> Path:
    (folder / "a.csv").write_text("u,label\n" + "1,a\n2,b\n" * 20_000)
    return folder / "a.csv"


def large_text(folder: Path) -> Path:
    (folder / "a.txt.gz").write_bytes(gzip.compress(b"ab" * 2**19))
    return folder / "a.txt.gz"


def large_images(folder: Path) -> Path:
    class_folders(folder, size=400)
    return folder


def large_idx(folder: Path) -> Path:
    idx_folder(folder, train=16_000)
    return folder


def large_events(folder: Path) -> Path:
    columns = {key: np.arange(300) // 3 for key in ("x", "y", "sample")}
    np.savez(folder / "a.npz", t=np.arange(300), p=cycle(300, 2), labels=cycle(100, 2), **columns)
    return folder / "a.npz"


def large_series(folder: Path) -> Path:
    (folder / "a.csv").write_text("u,v\n" + "1,2\n3,1\n" * 20_000)
    return folder / "a.csv"


LARGE: dict[Callable[[Path], Path], dict[str, Any]] = {
    large_npz: {},
    large_table: {},
    large_text: {},
    large_images: {},
    large_idx: {},
    large_events: {},
    large_series: {"task": "series"},
}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("make", LARGE)
def test_every_format_has_the_limit_and_the_option_that_raises_it(make: Callable[[Path], Path], tmp_path: Path) -> None:
    path = make(tmp_path)
    with pytest.raises(DataError, match=rf"(?s)({LIMIT}).*memory_limit=1 ") as caught:
        data.load(path, **LARGE[make])
    assert str(tmp_path) in str(caught.value)
    assert len(data.load(path, memory_limit=1, **LARGE[make]).train) > 0


@pytest.mark.usefixtures("small")
def test_inputs_of_a_network_have_the_limit_too(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((40_000, 16), dtype=np.uint8))
    with pytest.raises(DataError, match=LIMIT):
        read_inputs([tmp_path / "x.npy"], GREY)
    assert len(read_inputs([tmp_path / "x.npy"], GREY, memory_limit=1).stimuli) == 40_000
    with pytest.raises(ConfigurationError, match="memory_limit: expected a positive number of GiB"):
        read_inputs([tmp_path / "x.npy"], GREY, memory_limit=-1)


# ------------------------------------------------------------------ what is declared


@pytest.mark.parametrize("shape", [(2**40,), (2**62, 4), (2**63,), (10, 2**31)])
@pytest.mark.parametrize("kind", ["|u1", "<f8", "<U1000000"])
def test_arrays_that_are_only_declared_are_not_allocated(tmp_path: Path, shape: tuple[int, ...], kind: str) -> None:
    files.declared_array(tmp_path, Chosen(shape, kind))
    for name in ("a.npz", "a.npy"):
        with pytest.raises(DataError, match=LIMIT):
            read_inputs([tmp_path / name], GREY)


@pytest.mark.parametrize(
    ("shape", "kind", "message"),
    [((-1, 4), "|u1", "damaged"), ((2**62, 0), "|V0", "damaged"), ((4,), "|O", "pickles")],
)
def test_arrays_that_cannot_be_are_damage(tmp_path: Path, shape: tuple[int, ...], kind: str, message: str) -> None:
    files.declared_array(tmp_path, Chosen(shape, kind))
    with pytest.raises(DataError, match=message):
        data.load(tmp_path / "a.npz")


@pytest.mark.parametrize("far", [10**5, 2**31, 2**62])
def test_one_far_pixel_does_not_make_all_recordings_large(tmp_path: Path, far: int) -> None:
    files.far_pixel(tmp_path, Chosen(far, np.array([0, far])))
    with pytest.raises(DataError, match=rf"{far + 1} x {far + 1} pixels would take"):
        data.load(tmp_path / "events.npz")


def test_five_million_labels_of_two_events_are_refused(tmp_path: Path) -> None:
    events = {key: np.zeros(2, dtype=np.int64) for key in ("t", "x", "y", "p", "sample")}
    np.savez_compressed(tmp_path / "events.npz", labels=np.zeros(5_000_000, dtype=np.uint8), **events)
    with pytest.raises(DataError, match="5000000 recordings of 10 bins"):
        data.load(tmp_path / "events.npz")


@pytest.mark.parametrize("top", [10**6, 2**62, 2**63 - 1])
def test_a_large_label_makes_no_list_of_classes(top: int) -> None:
    labels = cycle(12, 3)
    labels[-1] = top
    with pytest.raises(DataError, match=rf"12 labels for {top + 1} classes"):
        from_arrays(np.zeros((12, 2)), labels)


def test_more_names_than_labels_are_refused(tmp_path: Path) -> None:
    files.large_label(tmp_path, Chosen(10**6))
    with pytest.raises(DataError, match="received 2000000 names for 12 labels"):
        data.load(tmp_path / "names.npz")


def test_labels_that_are_numbers_of_the_stimuli_are_no_classes() -> None:
    with pytest.raises(DataError, match="3000 classes for 5000 stimuli; expected at least two stimuli per class"):
        from_arrays(np.zeros((5000, 2)), np.array([f"name {i % 3000}" for i in range(5000)]))


@pytest.mark.usefixtures("small")
def test_the_confusion_matrix_of_many_classes_has_the_limit(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((10_000, 1), dtype=np.uint8), y=cycle(10_000, 5000))
    with pytest.raises(DataError, match=r"a confusion matrix of 5000 classes would take 0\.19 GiB"):
        data.load(tmp_path / "a.npz")


def test_a_long_text_does_not_widen_every_label(tmp_path: Path) -> None:
    rows = [f"{i},{'x' * 100_000 if i == 0 else 'ab'[i % 2]}" for i in range(3000)]
    (tmp_path / "a.csv").write_text("\n".join(["u,label", *rows, f"1,{'x' * 100_000}"]))
    tracemalloc.start()
    try:
        data.load(tmp_path / "a.csv")
        assert tracemalloc.get_traced_memory()[1] < 50 * 2**20  # as an array of texts: 1.2 GB
    finally:
        tracemalloc.stop()


def test_a_text_of_different_characters_is_no_text(tmp_path: Path) -> None:
    files.many_characters(tmp_path, Chosen(10))
    with pytest.raises(DataError, match=r"different characters in \d+; expected that each occurs 10 times"):
        data.load(tmp_path / "text.txt")


@pytest.mark.parametrize("side", [7_900, 20_000, 60_000])
def test_images_of_many_pixels_are_not_decoded(tmp_path: Path, side: int) -> None:
    files.large_image(tmp_path, Chosen(side))
    with pytest.raises(DataError, match=rf"(?s)16 of 16 images cannot be decoded:.*({LIMIT}|pixels)"):
        data.load(tmp_path)


def test_a_program_is_not_run_as_an_image(tmp_path: Path) -> None:
    files.script_as_image(tmp_path, random.Random(0))
    with pytest.raises(DataError, match="cannot identify image file"):
        data.load(tmp_path)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", ["a.txt.gz", "a.csv.gz", "train-images-idx3-ubyte.gz", "cifar-10-binary.tar.gz"])
def test_packed_zeros_are_not_unpacked(tmp_path: Path, name: str) -> None:
    idx_folder(tmp_path)
    (tmp_path / name).write_bytes(files.packed_zeros(64 * 2**20))
    with pytest.raises(DataError, match=r"unpacks to \d.* or more, which would take more memory"):
        data.load(tmp_path if "idx" in name else tmp_path / name)


@pytest.mark.usefixtures("small")
def test_packed_zeros_of_matlab_are_not_unpacked(tmp_path: Path) -> None:
    from scipy.io import savemat

    savemat(tmp_path / svhn.FILES[0], {"X": np.zeros((32, 32, 3, 1000), np.uint8)}, do_compression=True)
    with pytest.raises(DataError, match="an array, unpacked, would take more memory"):
        svhn.read_mat(tmp_path / svhn.FILES[0])


@pytest.mark.parametrize("kind", ["link", "device", "hole", "xz"])
def test_only_plain_members_of_an_archive_are_read(tmp_path: Path, kind: str) -> None:
    files.hostile_archive(tmp_path, Chosen(kind))
    with pytest.raises(DataError, match="cifar-10-binary"):
        cifar.read(tmp_path / cifar.CIFAR10.archive, version=cifar.CIFAR10)


@pytest.mark.parametrize("place", ["../../../{}", "/tmp/{}"])
def test_members_with_foreign_places_are_read_and_written_nowhere(tmp_path: Path, place: str) -> None:
    content = {place.format(name): cifar_records(10, classes=10)[0] for name in cifar.CIFAR10.files}
    (tmp_path / "in").mkdir()
    tar_gz(tmp_path / "in" / cifar.CIFAR10.archive, content)
    assert len(cifar.read(tmp_path / "in" / cifar.CIFAR10.archive, version=cifar.CIFAR10).test) == 10
    assert [path.name for path in tmp_path.rglob("*")] == ["in", cifar.CIFAR10.archive]


@pytest.mark.parametrize(
    ("kind", "message"),
    [("declared", LIMIT), ("link", "as arrays in the file"), ("external", "in other files"), ("chunk", LIMIT)],
)
def test_hdf_files_hold_their_own_values(tmp_path: Path, kind: str, message: str) -> None:
    pytest.importorskip("h5py")
    files.elsewhere_in_hdf(tmp_path, Chosen(kind))
    with pytest.raises(DataError, match=message):
        data.load(tmp_path / "a.h5")


# ------------------------------------------------------------------ what is no file


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.csv", "x.png", "x.txt"])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_pipes_and_devices_are_not_opened(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / name
    os.mkfifo(path) if kind == "pipe" else path.symlink_to("/dev/zero")
    with pytest.raises(DataError, match="expected an ordinary file"):
        read_inputs([path], GREY)
    with pytest.raises(DataError, match="expected a file or a folder, received a pipe"):
        data.load(path)


def test_a_hole_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("wb") as stream:
        stream.truncate(2**40)
    with pytest.raises(DataError, match=r"a file of this size, would take 1,024.00 GiB"):
        data.load(tmp_path / "a.csv")


@pytest.mark.parametrize(
    "name", ["x" * 300 + ".csv", "x" * 5000, "a\0b.csv", "~nobody-of-this-name/a.csv", "", "loop.csv"]
)
def test_names_that_the_system_refuses_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loop.csv").symlink_to("loop.csv")
    with pytest.raises(UserError, match=r"cannot be read|no such file|unknown data set|expected a name or a path"):
        data.load(name)
    with pytest.raises(UserError):
        read_inputs([name], GREY)
