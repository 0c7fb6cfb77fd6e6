"""Ways to damage a file: its bytes, its structure, what it is in the file system.

`any_damage` chooses one that fits the file. Compressed files and archives are also damaged inside, with checksums that
are right again, so that a reader comes further than the checksum.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import re
import struct
import zipfile
from pathlib import Path

from .structure import damage_json, damage_jsonl, damage_toml

BOUNDARIES = (0, 1, -1, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, -(2**31), 2**32 - 1, 2**40, 2**62, 2**63 - 1)
NUMBERS = ("-1", "0", "1e400", "nan", "inf", "9" * 30, "-9223372036854775809", "1e-320", "0x1f", "1_0", "", "١", "2.5")
SURROGATE = "\ud800".encode("utf-8", "surrogatepass")
WORDS = ("nan", "\x1b[2J", "\u202e", "../../x", "/etc/passwd", "=1+1", "\x00", SURROGATE, "a" * 70000)
PIECES = (
    (rb"-?\d+(?:\.\d+)?", NUMBERS),
    (rb"[A-Za-z_]+", WORDS),
    (rb"[^\n]*\n", ("", "\n\n", "x\n")),
)
"""What is looked for in a text, and what is written in its place."""
NAMES = ("../outside.txt", "/outside.txt", "x" * 300, "", "a\x1b[2J")


def any_damage(path: Path, rng: random.Random) -> str:
    """Damage a file in a way that fits its name and content; returns what was done."""
    kinds = [damage_bytes, damage_bytes, damage_text]
    name = path.name.lower()
    if name.endswith(".json"):
        kinds += [damage_json] * 6
    elif name.endswith(".jsonl"):
        kinds += [damage_jsonl] * 6
    elif name.endswith(".toml"):
        kinds += [damage_toml] * 6
    elif name.endswith(".safetensors"):
        kinds += [damage_header] * 3
    elif name.endswith(".gz"):
        kinds += [damage_gzip] * 4
    elif zipfile.is_zipfile(path):
        kinds += [damage_zip] * 6
    if rng.random() < 0.04:
        kinds = [replace_file]
    return rng.choice(kinds)(path, rng)


def damage_bytes(path: Path, rng: random.Random) -> str:
    """Flip, cut, insert, repeat or overwrite bytes."""
    content, done = damaged_bytes(path.read_bytes(), rng)
    path.write_bytes(content)
    return done


def damaged_bytes(content: bytes, rng: random.Random) -> tuple[bytes, str]:
    """Bytes after one damage, and what it was."""
    data = bytearray(content)
    if not data:
        return rng.randbytes(rng.randint(1, 64)), "an empty file filled with random bytes"
    # Headers are short: half of the damages fall into the first bytes.
    at = rng.randrange(min(len(data), 200) if rng.random() < 0.5 else len(data))
    length = min(rng.choice((1, 2, 4, 8, 64, 1000)), len(data) - at)
    way = rng.randrange(9)
    if way == 0:
        for _ in range(rng.choice((1, 1, 8, 50))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        done = "flipped bits"
    elif way == 1:
        del data[at:]
        done = f"cut at {at}"
    elif way == 2:
        data[at:at] = rng.randbytes(rng.choice((1, 3, 100)))
        done = f"inserted bytes at {at}"
    elif way == 3:
        del data[at : at + length]
        done = f"removed {length} bytes at {at}"
    elif way == 4:
        data[at:at] = data[at : at + length] * rng.choice((1, 2, 50))
        done = f"repeated {length} bytes at {at}"
    elif way == 5:
        data[at : at + length] = rng.choice((b"\0", b"\xff", b"\x80")) * length
        done = f"overwrote {length} bytes at {at}"
    elif way in (6, 7):
        number = rng.choice(BOUNDARIES)
        form = rng.choice(("<I", ">I", "<Q", ">Q", "<H", ">H", "B"))
        size = struct.calcsize(form)
        data[at : at + size] = struct.pack(form, number % 2 ** (8 * size))
        done = f"wrote {number} as {form} at {at}"
    else:
        data += rng.randbytes(rng.choice((1, 100, 5000)))
        done = "appended bytes"
    return bytes(data), done


def damage_text(path: Path, rng: random.Random) -> str:
    """Replace a number, a word or a line of a text; other files are damaged in their bytes."""
    content, done = damaged_text(path.read_bytes(), rng)
    path.write_bytes(content)
    return done


def damaged_text(content: bytes, rng: random.Random) -> tuple[bytes, str]:
    """Text after one damage, and what it was; bytes that hold few printable characters are damaged as bytes."""
    head = content[:4096]
    if not head or sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in head) < 0.8 * len(head):
        return damaged_bytes(content, rng)
    pattern, choices = rng.choice(PIECES)
    found = [match.span() for match in re.finditer(pattern, content)]
    if not found:
        return damaged_bytes(content, rng)
    start, end = rng.choice(found)
    new = rng.choice(choices)
    encoded = new if isinstance(new, bytes) else new.encode()
    return content[:start] + encoded + content[
        end:
    ], f"wrote {encoded[:20]!r} for {content[start:end][:20]!r} at {start}"


def damage_header(path: Path, rng: random.Random) -> str:
    """Change the JSON header of a safetensors file; its length is right again."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8 : 8 + length])
        name = rng.choice([key for key in header if key != "__metadata__"])
    except (ValueError, IndexError):
        return damage_bytes(path, rng)
    entry, way = header[name], rng.randrange(6)
    if way == 0:
        entry["dtype"] = rng.choice(("F64", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "X"))
    elif way == 1:
        entry["shape"] = rng.choice(
            ([2**40], [0], [], [-1], [1, *entry["shape"]], entry["shape"][::-1], [2**32, 2**32])
        )
    elif way == 2:
        entry["data_offsets"] = rng.choice(([0, 2**60], [0, 0], [8, 0], entry["data_offsets"][::-1], [1, 5]))
    elif way == 3:
        header[f"{name}.other"] = header.pop(name)
    elif way == 4:
        del header[name]
    else:
        header[name] = rng.choice((None, 1, [], {}, "x"))
    new = json.dumps(header).encode()
    path.write_bytes(len(new).to_bytes(8, "little") + new + content[8 + length :])
    return f"changed the header of tensor {name}"


def damage_gzip(path: Path, rng: random.Random) -> str:
    """Damage what a gzip file holds, or make it a bomb."""
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError):
        return damage_bytes(path, rng)
    if rng.random() < 0.1:
        return inflate(path, content)
    inside, done = rng.choice((damaged_bytes, damaged_text))(content, rng)
    path.write_bytes(gzip.compress(inside, compresslevel=1, mtime=0))
    return f"inside: {done}"


def inflate(path: Path, start: bytes) -> str:
    """Make a gzip bomb of some GiB in some MiB: the content, then zeros as one member repeated."""
    member = gzip.compress(bytes(1 << 26), compresslevel=9, mtime=0)
    path.write_bytes(gzip.compress(start, mtime=0) + member * 48)
    return "a bomb: 3 GiB of zeros behind the content"


def damage_zip(path: Path, rng: random.Random) -> str:
    """Damage one member of a zip archive, or its name; checksums are right again."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        return damage_bytes(path, rng)
    if not members:
        return damage_bytes(path, rng)
    name, way = rng.choice(sorted(members)), rng.random()
    if way < 0.7:
        members[name], done = rng.choice((damaged_bytes, damaged_text))(members[name], rng)
    elif way < 0.8:
        members[rng.choice(("../outside.txt", "/outside.txt", "x" * 300, "", name + "/y", "a\x1b[2J"))] = members.pop(
            name
        )
        done = "renamed"
    elif way < 0.9:
        del members[name]
        done = "removed"
    else:
        members[name] += bytes(1 << 26) * 2
        done = "128 MiB of zeros appended"
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, value in members.items():
            archive.writestr(zipfile.ZipInfo(key or "_"), value, zipfile.ZIP_DEFLATED)
    path.write_bytes(target.getvalue())
    return f"member {name!r}: {done}"


def replace_file(path: Path, rng: random.Random) -> str:
    """Put something else in place of the file: a folder, a pipe, a link, a device, nothing."""
    path.unlink()
    way = rng.choice(("folder", "pipe", "loop", "dangling", "endless", "missing", "empty"))
    if way == "folder":
        path.mkdir()
    elif way == "pipe":
        os.mkfifo(path)
    elif way == "loop":
        path.symlink_to(path.name)
    elif way == "dangling":
        path.symlink_to("nothing-there")
    elif way == "endless":
        path.symlink_to("/dev/zero")
    elif way == "empty":
        path.touch()
    return f"replaced by: {way}"
