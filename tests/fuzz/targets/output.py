"""What leaves the library, and the compiled library: hostile names at every border, a cache that was tampered with."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
from pathlib import Path

import numpy as np
from click.testing import CliRunner
from PIL import Image
from rich.console import Group

from bispike import escaping
from bispike.cli import _output
from bispike.cli._app import app, describe
from bispike.config import toml
from bispike.errors import BispikeError
from bispike.figures.canvas import label_text
from bispike.functional.backends.native import cache
from bispike.report.html import tag
from bispike.studies.tables import as_csv

from ...hostile import HOSTILE, acting
from ..target import Target

RANGES = ((0, 0x20), (0x7F, 0xA0), (0xAD, 0xAE), (0x600, 0x620), (0x2000, 0x2070), (0xD800, 0xE000), (0xE0000, 0xE0200))
NAMES, KEY = "names.json", "0123456789abcdef"


def hostile_name(draw: random.Random) -> str:
    """A text of characters that act, between others."""
    parts = [draw.choice(HOSTILE)]
    for _ in range(draw.randrange(12)):
        first, last = draw.choice((*RANGES, (0x20, 0x7F), (0x20, 0x10FFFF)))
        parts.append(chr(draw.randrange(first, last)))
    draw.shuffle(parts)
    return "".join(parts)


# ---------------------------------------------------------------------- names at every border


def write_names(folder: Path) -> None:
    (folder / NAMES).write_text(json.dumps([]))


def hostile_names(file: Path, draw: random.Random) -> str:
    names = [hostile_name(draw) for _ in range(6)]
    file.write_text(json.dumps(names))
    return f"names {names!a}"


def show_names(folder: Path) -> None:
    """Every border shows every name, in lines that are the library's own."""
    for name in json.loads((folder / NAMES).read_text()):
        shown = io.StringIO()
        table = _output.table([name], [[name], [Group(name, _output.brief(name))]])
        _output.show(_output.Answer({}, Group(name, table, _output.pairs({name: name}))), as_json=False, stream=shown)
        borders = [
            shown.getvalue(),
            _output.as_json_text({name: name}),
            describe(BispikeError(f"{name}: no such file"))[1],
            describe(OSError(2, "No such file", name))[1],
            escaping.markdown_row([name, name]),
            escaping.for_latex(name),
            as_csv([{"run": name, name: [name]}]),
            tag("p", name, title=name),
            label_text(name),
        ]
        try:
            text = toml.dumps({"dataset": name, "data_options": {name: name}})
        except BispikeError:  # half a surrogate pair cannot be stored
            text = ""
        for number, border in enumerate([*borders, text]):
            assert not acting(border, "\n"), f"border {number} lets {acting(border)} of {name!a} pass"
            border.encode()


# ---------------------------------------------------------------------- a data set whose classes and files are hostile


def write_images(folder: Path) -> None:
    draw = np.random.default_rng(0)
    for name in ("a", "b"):
        (folder / "images" / name).mkdir(parents=True)
        for number in range(3):
            picture = draw.integers(0, 256, (4, 4), dtype=np.uint8)
            Image.fromarray(picture).save(folder / "images" / name / f"{number}.png")


def rename_images(file: Path, draw: random.Random) -> str:
    changed = []
    for path in sorted(file.parents[1].rglob("*"), reverse=True):  # the files of a folder before the folder
        encoded = hostile_name(draw).encode(errors="surrogatepass").replace(b"/", b"").replace(b"\0", b"")[:200]
        target = os.fsencode(path.parent) + b"/" + encoded + (b".png" if path.is_file() else b"")
        if not os.path.lexists(target):
            os.rename(path, target)
            changed.append(encoded)
    return f"renamed to {changed!r}"


def check_images(folder: Path) -> None:
    """`bispike data check` reports on the images, for people and for programs."""
    for extra in ((), ("--json",)):
        called = CliRunner().invoke(app, ["data", "check", str(folder / "images"), *extra])
        printed = called.stdout + called.stderr
        assert not acting(printed, "\n"), f"{acting(printed)} in {printed!a}"
        assert called.exit_code in (0, 2), printed
        assert "internal error" not in printed, printed


# ---------------------------------------------------------------------- the compiled library


def write_cache(folder: Path) -> None:
    content = b"\x7fELF" + bytes(range(256)) * 40
    place = folder / "cache"
    place.mkdir(mode=0o700)
    file = place / f"kernels-{KEY}-{hashlib.sha256(content).hexdigest()[:32]}.so"
    file.write_bytes(content)
    file.chmod(0o700)


def find_library(folder: Path) -> None:
    """What a process would load is what was compiled, or nothing."""
    place = folder / "cache"
    with cache.open_folder(place) as opened:
        found = opened.find(KEY)
        if found is None:
            return
        digest = hashlib.sha256(Path(found.address).read_bytes()).hexdigest()
        os.close(found.descriptor)
        assert f"-{digest[:32]}." in found.path.name
        assert place.stat().st_mode & 0o077 == 0


TARGETS = [
    Target("names at borders", write_names, show_names, files=(NAMES,), damages=(hostile_names,), weight=0.5),
    Target(
        "images of hostile names",
        write_images,
        check_images,
        files=("images/*/*.png",),
        damages=(rename_images,),
        weight=0.3,
    ),
    Target("compiled library", write_cache, find_library, files=("cache/*",), weight=0.5),
]
