"""The smallest sound files of every format of data."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, features

from bispike import data
from bispike.data.published import cifar, n_mnist, svhn, tiny_imagenet

ROWS = 12


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


def make_odd_tables(folder: Path) -> None:
    """Tables in many notations: quotes, comments, gaps, decimal commas, white space, other encodings, packed."""
    lines = ["# measured", "", "size;price;note;label"]
    lines += [f'{i},25;{i + 1}.234,5;"a; ""{i % 3}""";{"yes" if i % 3 else "no"}' for i in range(ROWS)]
    (folder / "quoted.csv").write_text("\n".join(lines))
    rows = [["a", "b", "label"]] + [[f"{i}.0", "NA" if i % 5 == 1 else f"{i} %", str(i % 2)] for i in range(ROWS)]
    plain = "\n".join(",".join(row) for row in rows)
    (folder / "wide.tab").write_text("\n".join("  ".join(row).replace(" %", "%") for row in rows))
    (folder / "sixteen.csv").write_bytes(plain.encode("utf-16"))
    (folder / "mac.csv").write_bytes(plain.replace("\n", "\r").encode())
    with zipfile.ZipFile(folder / "packed.csv.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo("table.csv"), plain)
    (folder / "packed.csv.xz").write_bytes(lzma.compress(plain.encode()))
    (folder / "packed.csv.bz2").write_bytes(bz2.compress(plain.encode()))


def make_series(folder: Path) -> None:
    rows = [f"2020-01-{i + 1:02d},{np.sin(i):.3f},{i * i % 7}" for i in range(28)]
    (folder / "series.csv").write_text("\n".join(["date,u,v", *rows, ""]))
    plain = "\n".join(f"{np.cos(i):.3f},{i % 5}" for i in range(28))
    (folder / "series.txt.gz").write_bytes(gzip.compress(plain.encode(), mtime=0))
    clocks = [f"{1 + i // 24}/2/2020;{i % 24}:00;{np.sin(i):.3f};{i * i % 7}" for i in range(28)]
    (folder / "clocks.txt").write_text("\n".join(["Date;Time;u;v", *clocks, ""]))
    apart = [f"{i},{2019 + i // 12},{1 + i % 12},{np.sin(i):.3f}" for i in range(28)]
    (folder / "months.csv").write_text("\n".join(["No,year,month,u", *apart, ""]))
    unix = [f"{1577836800 + 60 * i},{np.sin(i):.3f},{i * i % 7}" for i in range(28)]
    (folder / "unix.csv").write_text("\n".join(["timestamp,u,v", *unix, ""]))


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


def make_deep_images(folder: Path) -> None:
    """Images of every depth, with transparency, several pages, a palette, and other colour modes."""
    draws = np.random.default_rng(0)
    colours = draws.integers(0, 256, (8, 8, 4), dtype=np.uint8)
    images = {
        "words.png": Image.fromarray((colours[..., 0].astype(np.uint16) << 8) + 3),
        "clear.png": Image.fromarray(colours),
        "words.tif": Image.fromarray((colours[..., 0].astype(np.uint16) << 8) + 3),
        "longs.tif": Image.fromarray(colours[..., 0].astype(np.int32) << 8),
        "fractions.tiff": Image.fromarray(colours[..., 0].astype(np.float32) / 255),
        "clear.webp": Image.fromarray(colours),
        "palette.png": Image.fromarray(colours[..., :3]).convert("P", palette=Image.Palette.ADAPTIVE),
        "cmyk.jpg": Image.fromarray(colours[..., :3]).convert("CMYK"),
        "lab.tif": Image.new("LAB", (8, 8), (112, 188, 173)),
        "one.bmp": Image.fromarray(colours[..., 0] > 99),
        **({"x.avif": Image.fromarray(colours)} if features.check("avif") else {}),
        "words.pgm": Image.fromarray(colours[..., 0].astype(np.uint16) << 8),
        "plain": Image.fromarray(colours[..., 0]),
    }
    for part in ("train", "val", "test"):
        for name in ("cat", "dog"):
            (folder / part / name).mkdir(parents=True)
            for file, image in images.items() if (part, name) == ("train", "cat") else [*images.items()][:3]:
                image.save(folder / part / name / file, format=None if "." in file else "PNG")
    pages = [Image.fromarray(colours[..., i]) for i in range(3)]
    for file in ("pages.tif", "film.gif"):
        pages[0].save(folder / "train" / "dog" / file, save_all=True, append_images=pages[1:])
    (folder / "train" / "dog" / "notes.txt").write_text("which are no image, but longer than any signature is")


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


def make_event_files(folder: Path) -> None:
    """Recordings as a structured array, as N-MNIST, as columns, and in an archive."""
    draws = np.random.default_rng(0)
    recording = np.zeros(40, dtype=[("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "?")])
    for name, most in (("x", 6), ("y", 6), ("t", 300_000), ("p", 2)):
        recording[name] = draws.integers(0, most, 40)
    recording["t"].sort()
    np.save(folder / "r.npy", recording)
    np.save(folder / "four.npy", np.stack([recording[name] for name in "txyp"], 1))
    np.savez(folder / "r.npz", events=recording, sample=np.arange(40) // 10, labels=np.arange(4) % 2)
    (folder / "r.bin").write_bytes(bytes(draws.integers(0, 6, 200, dtype=np.uint8)))
    for ending in ("npy", "bin"):
        with zipfile.ZipFile(folder / f"{ending}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(6):
                part = "Test" if number % 3 == 2 else "Train"
                archive.writestr(f"{part}/{number % 2}/{number}.{ending}", (folder / f"r.{ending}").read_bytes())


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
