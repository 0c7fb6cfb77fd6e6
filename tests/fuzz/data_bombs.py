"""Files of data that declare or unpack to too much, that wait for ever, or that point elsewhere."""

from __future__ import annotations

import gzip
import io
import os
import random
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from bispike.data.published import cifar

from .data_files import ROWS

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
