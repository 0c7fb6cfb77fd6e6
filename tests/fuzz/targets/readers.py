"""Readers of data files: one target per format with its smallest files, and files that ask for too much memory."""

from __future__ import annotations

import gzip
import io
import os
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bispike import data
from bispike.data.published import cifar, n_mnist, svhn, tiny_imagenet
from bispike.data.user_files import read_inputs
from bispike.errors import BispikeError, DataError
from bispike.spaces import Stimulus

from ..target import Damage, Target

ROWS = 12
GREY = Stimulus((1, 4, 4))


# ------------------------------------------------------------------ small files of every format


def arrays(*, seed: int = 0) -> dict[str, Any]:
    """Stimuli and labels of three classes."""
    draws = np.random.default_rng(seed)
    return {
        "x_train": draws.integers(0, 256, (ROWS, 4, 4), dtype=np.uint8),
        "y_train": np.arange(ROWS) % 3,
        "x_test": draws.integers(0, 256, (6, 4, 4), dtype=np.uint8),
        "y_test": np.arange(6) % 3,
    }


def make_npz(folder: Path) -> None:
    np.savez(folder / "stored.npz", **arrays(), class_names=np.array(["a", "b", "c"]))
    np.savez_compressed(folder / "packed.npz", x=arrays()["x_train"].reshape(ROWS, 16) / 7.0, y=arrays()["y_train"])


def make_inputs(folder: Path) -> None:
    np.save(folder / "x.npy", arrays()["x_train"])
    np.savez_compressed(folder / "x.npz", x=arrays()["x_train"])
    (folder / "x.csv").write_text("\n".join(",".join(map(str, row.reshape(-1))) for row in arrays()["x_train"][:3]))
    Image.fromarray(arrays()["x_train"][0]).save(folder / "x.png")


def make_tables(folder: Path) -> None:
    rows = [f"{i / 3:.3f},{'red' if i % 2 else 'blue'},{'yes' if i % 3 else 'no'}" for i in range(ROWS)]
    text = "\n".join(["size,colour,label", *rows, ""])
    (folder / "table.csv").write_text(text)
    (folder / "packed.csv.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


def make_series(folder: Path) -> None:
    rows = [f"2020-01-{i + 1:02d},{np.sin(i):.3f},{i * i % 7}" for i in range(28)]
    (folder / "series.csv").write_text("\n".join(["date,u,v", *rows, ""]))
    plain = "\n".join(f"{np.cos(i):.3f},{i % 5}" for i in range(28))
    (folder / "series.txt.gz").write_bytes(gzip.compress(plain.encode(), mtime=0))


def make_hdf(folder: Path) -> None:
    import h5py

    with h5py.File(folder / "series.h5", "w", track_order=False) as file:
        group = file.create_group("df")
        group["axis0"], group["block0_values"] = np.array([b"u", b"v"]), np.arange(56.0).reshape(28, 2) % 9


def make_texts(folder: Path) -> None:
    text = "the quick brown fox jumps over the lazy dog; " * 3 + "äöü "
    (folder / "text.txt").write_text(text, encoding="utf-8")
    (folder / "text.txt.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


def make_idx(folder: Path) -> None:
    given = arrays()
    values = (given["x_train"], given["y_train"], given["x_test"], given["y_test"])
    for number, (name, array) in enumerate(zip(data.formats.idx.FILES, values, strict=True)):
        content = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
        content += array.astype(np.uint8).tobytes()
        if number % 2:
            (folder / name).write_bytes(content)
        else:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))


def make_images(folder: Path) -> None:
    draws = np.random.default_rng(0)
    for number, name in enumerate(("cat", "dog")):
        (folder / name).mkdir()
        for ending in ("png", "jpg", "bmp", "gif", "tif", "webp", "ppm"):
            values = draws.integers(0, 256, (8, 8, 3), dtype=np.uint8) // 2 + 100 * number
            Image.fromarray(values.astype(np.uint8)).save(folder / name / f"1.{ending}")


def make_events(folder: Path) -> None:
    draws = np.random.default_rng(0)
    count = 120
    np.savez_compressed(
        folder / "events.npz",
        t=draws.integers(0, 1000, count),
        x=draws.integers(0, 6, count),
        y=draws.integers(0, 6, count),
        p=draws.integers(0, 2, count),
        sample=np.arange(count) % ROWS,
        labels=np.arange(ROWS) % 3,
    )


def make_n_mnist(folder: Path) -> None:
    for part in n_mnist.PARTS:
        for digit in range(10):
            (folder / part / str(digit)).mkdir(parents=True)
            events = b"".join(bytes([digit, i, 128 * (i % 2), 4, i]) for i in range(20))
            (folder / part / str(digit) / "1.bin").write_bytes(events)


def make_cifar(folder: Path) -> None:
    draws = np.random.default_rng(0)
    records = np.concatenate(
        [np.arange(10, dtype=np.uint8)[:, None], draws.integers(0, 256, (10, 3072), dtype=np.uint8)], axis=1
    ).tobytes()
    plain = folder / "plain"
    plain.mkdir()
    for name in cifar.CIFAR10.files:
        (plain / name).write_bytes(records)
    with tarfile.open(folder / cifar.CIFAR10.archive, "w:gz") as archive:
        for name in cifar.CIFAR10.files:
            archive.add(plain / name, f"cifar-10-batches-bin/{name}")


def make_svhn(folder: Path) -> None:
    from scipy.io import savemat

    images = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 10), dtype=np.uint8)
    for number, name in enumerate(svhn.FILES):
        savemat(folder / name, {"X": images, "y": np.arange(1, 11)[:, None]}, do_compression=bool(number))


def make_tiny_imagenet(folder: Path) -> None:
    picture = io.BytesIO()
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(picture, "JPEG")
    top = tiny_imagenet.TOP
    with zipfile.ZipFile(folder / tiny_imagenet.ARCHIVE, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{top}/wnids.txt", "n1\nn2\n")
        archive.writestr(f"{top}/words.txt", "n1\tcat\nn2\tdog\n")
        archive.writestr(f"{top}/val/val_annotations.txt", "v.JPEG\tn1\t0\t0\t9\t9\n")
        for name in ("val/images/v.JPEG", "train/n1/images/a.JPEG", "train/n2/images/b.JPEG"):
            archive.writestr(f"{top}/{name}", picture.getvalue())


# ------------------------------------------------------------------ what users do with them


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


def use_folder(folder: Path) -> None:
    """Load and check a folder that is one data set."""
    data.check(folder)
    look(data.load(folder))


def use_inputs(folder: Path) -> None:
    """Stimuli for a network from each file."""
    each(*(partial(read_inputs, [path], GREY) for path in sorted(folder.iterdir())))


def use_cifar(folder: Path) -> None:
    places = (folder / "plain", folder / cifar.CIFAR10.archive)
    each(*(partial(lambda place: look(cifar.read(place, version=cifar.CIFAR10)), place) for place in places))


# ------------------------------------------------------------------ files that declare or unpack to too much

ZEROS = 3 << 30  # more than any small file may take


def packed_zeros(size: int) -> bytes:
    """A gzip file of zeros, made without holding them."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    block = bytes(1 << 22)
    parts = [packer.compress(block) for _ in range(size >> 22)]
    return b"".join([*parts, packer.flush()])


def npy(shape: tuple[int, ...], kind: str, content: bytes = b"") -> bytes:
    """An `.npy` file whose header may declare more than there is."""
    head = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape!r}, }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + content


def npz(path: Path, **members: bytes) -> None:
    """An `.npz` file of files as they are."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


def declared_array(folder: Path, draws: random.Random) -> str:
    shape = draws.choice([(2**40,), (2**20, 2**20), (2**62, 4), (10, 2**31), (2**63,), (-1, 4), (0, 2**62)])
    kind = draws.choice(["|u1", "<f8", "<U1000000", "|V0", "<c16", "|O", "<i8"])
    npz(folder / "a.npz", x=npy(shape, kind, bytes(64)), y=npy((ROWS,), "<i8", bytes(8 * ROWS)))
    (folder / "a.npy").write_bytes(npy(shape, kind, bytes(64)))
    return f"an array {shape} of {kind}"


def zeros_in_npz(folder: Path, draws: random.Random) -> str:
    count = draws.choice([200, 500, 900]) << 20
    with zipfile.ZipFile(folder / "zeros.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("x.npy", "w", force_zip64=True) as member:
            member.write(npy((count, 1), "|u1"))
            for _ in range(count >> 20):
                member.write(bytes(1 << 20))
        archive.writestr("y.npy", npy((ROWS,), "<i8", bytes(8 * ROWS)))
    return f"{count} zeros in an npz file"


def many_labels(folder: Path, draws: random.Random) -> str:
    count = 5_000_000
    events: dict[str, Any] = {key: np.zeros(2, dtype=np.int64) for key in ("t", "x", "y", "p", "sample")}
    labels: Any = draws.choice([np.zeros(count, dtype=np.uint8), np.arange(count, dtype=np.uint32) // 2])
    if draws.random() < 0.5:
        np.savez_compressed(folder / "events.npz", labels=labels, **events)
    else:
        np.savez_compressed(folder / "labels.npz", x=np.zeros((count, 1), dtype=np.uint8), y=labels)
    return "five million labels"


def far_pixel(folder: Path, draws: random.Random) -> str:
    far = draws.choice([10**5, 2**31, 2**53, 2**62])
    place = np.array([0, far])
    zero = np.zeros(2, dtype=np.int64)
    np.savez(
        folder / "events.npz", t=zero, x=place, y=draws.choice([zero, place]), p=zero, sample=zero, labels=zero[:1]
    )
    return f"an event at {far}"


def large_label(folder: Path, draws: random.Random) -> str:
    top = draws.choice([10**6, 10**9, 2**62, 2**63 - 1])
    labels = np.arange(ROWS) % 3
    labels[-1] = top
    np.savez(folder / "labels.npz", x=np.zeros((ROWS, 2)), y=labels)
    names = np.array(["a"] * 2_000_000)
    np.savez_compressed(folder / "names.npz", x=np.zeros((ROWS, 2)), y=np.arange(ROWS) % 3, class_names=names)
    return f"a label {top}, and two million names"


def packed_text(folder: Path, draws: random.Random) -> str:
    ending = draws.choice(["text.txt.gz", "table.csv.gz"])
    (folder / ending).write_bytes(packed_zeros(draws.choice([ZEROS, 1 << 29])))
    return f"zeros in {ending}"


def wide_table(folder: Path, draws: random.Random) -> str:
    what = draws.choice(["columns", "lines", "cell", "labels", "categories"])
    if what == "columns":
        text = ",".join(f"c{i}" for i in range(400_000)) + ",label\n" + (",".join("1" * 400_000) + ",a\n") * 2
    elif what == "lines":
        text = "u,label\n" + "\n" * 3_000_000 + "1,a\n2,b\n"
    elif what == "cell":
        text = "u,label\n" + f"{'x' * 130_000},a\ny,b\n" + "y,a\n" * 200_000
    elif what == "labels":
        text = "u,label\n" + "".join(f"1,{i}x\n" for i in range(100_000))
    else:
        text = "u,v,label\n" + "".join(f"{i % 50}a,{i % 49}b,{i % 2}\n" for i in range(100_000))
    (folder / "wide.csv").write_text(text)
    return f"a table with many {what}"


def many_characters(folder: Path, draws: random.Random) -> str:
    places = [*range(0x100, 0xD800), *range(0xE000, 0x10000), *range(0x10000, 0x10000 + draws.choice([10, 900_000]))]
    (folder / "text.txt").write_text("".join(map(chr, places)), encoding="utf-8")
    return f"{len(places)} different characters"


def large_image(folder: Path, draws: random.Random) -> str:
    side = draws.choice([7_900, 20_000, 60_000])
    for name in ("cat", "dog"):
        (folder / name).mkdir(exist_ok=True)
        row = zlib.compress(bytes(1 + side // 8 + 1) * (side if side < 20_000 else 1), 1)
        head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
        chunks = [(b"IHDR", head), (b"IDAT", row), (b"IEND", b"")]
        content = b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
            for kind, body in chunks
        )
        for i in range(8):
            (folder / name / f"{i}.png").write_bytes(content)
    return f"images of {side} x {side} pixels"


def script_as_image(folder: Path, draws: random.Random) -> str:
    for name in ("cat", "dog"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "1.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n")
    return "a program as an image"


def declared_idx(folder: Path, draws: random.Random) -> str:
    axes = draws.choice([(2**32 - 1,) * 3, (2**31, 1, 1), (0, 2**32 - 1, 2**32 - 1)])
    head = bytes([0, 0, draws.choice([8, 14]), 3]) + struct.pack(">3I", *axes)
    name = "train-images-idx3-ubyte"
    (folder / name).unlink(missing_ok=True)
    (folder / f"{name}.gz").write_bytes(gzip.compress(head) if draws.random() < 0.5 else packed_zeros(ZEROS))
    return f"an IDX file of axes {axes}, or of zeros"


def hostile_archive(folder: Path, draws: random.Random) -> str:
    """Members with foreign places, links, devices and holes, as a CIFAR archive."""
    kind = draws.choice(["..", "absolute", "link", "device", "hole", "zeros", "xz"])
    path = folder / cifar.CIFAR10.archive
    names = cifar.CIFAR10.files
    if kind == "zeros":
        path.write_bytes(packed_zeros(ZEROS))
        return "an archive of zeros"
    with tarfile.open(path, "w:xz" if kind == "xz" else "w:gz") as archive:
        for name in names:
            member = tarfile.TarInfo({"..": f"../../../{name}", "absolute": f"/tmp/{name}"}.get(kind, name))
            if kind == "link":
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            elif kind == "device":
                member.type = tarfile.CHRTYPE
            elif kind == "hole":
                member.size = 2**40
                archive.fileobj.write(member.tobuf())
                continue
            else:
                member.size = 3073
            archive.addfile(member, io.BytesIO(bytes(3073)))
    return f"an archive with {kind}"


def places_that_wait(folder: Path, draws: random.Random) -> str:
    """Pipes, devices, holes and loops under the names of files."""
    kind = draws.choice(["pipe", "device", "loop", "hole"])
    for name in ("a.csv", "a.npz", "a.txt", "a.npy", "a.png", "a.h5", "cat/1.png", "dog/1.png"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "hole":
            with path.open("wb") as stream:
                stream.truncate(2**40)
        else:
            path.symlink_to("/dev/zero" if kind == "device" else path.name)
    return f"a {kind} as each file"


def elsewhere_in_hdf(folder: Path, draws: random.Random) -> str:
    import h5py

    with h5py.File(folder / "a.h5", "w") as file:
        group = file.create_group("df")
        group["axis0"] = np.array([b"u", b"v"])
        kind = draws.choice(["declared", "link", "external", "chunk"])
        if kind == "declared":
            group.create_dataset("block0_values", (2**40, 2), "f8", chunks=(64, 2))
        elif kind == "link":
            group["block0_values"] = h5py.ExternalLink("/etc/other.h5", "x")
        elif kind == "external":
            group.create_dataset("block0_values", (28, 2), "f8", external=[("/etc/hostname", 0, 28 * 16)])
        else:
            group.create_dataset("block0_values", (2**22, 64), "f8", chunks=(2**22, 64), compression="gzip")
    return f"HDF5: {kind}"


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


BOMBS = (
    declared_array,
    zeros_in_npz,
    many_labels,
    far_pixel,
    large_label,
    packed_text,
    wide_table,
    many_characters,
    large_image,
    script_as_image,
    declared_idx,
    hostile_archive,
    places_that_wait,
    elsewhere_in_hdf,
)


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
    target("series", make_series, partial(use_files, task="series", window=3)),
    target("hdf", make_hdf, partial(use_files, window=3)),
    target("text", make_texts, partial(use_files, window=3)),
    target("idx", make_idx, use_folder),
    target("images", make_images, use_folder, weight=2),
    target("events", make_events, partial(use_files, bins=3)),
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
