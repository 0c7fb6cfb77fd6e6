"""Standard streams that are closed or lost neither end a command with a traceback nor receive what is not theirs."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bispike.cli._streams import Losable

WRITE = """
import os, sys
from bispike.cli._streams import lasting_streams
with lasting_streams():
    with open(sys.argv[1], "wb") as file:
        os.write(2, b"a library prints")
        print("we print")
        print("we note", file=sys.stderr, flush=True)
        file.write(b"a checkpoint")
"""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_file_never_gets_the_number_of_a_closed_stream(tmp_path: Path, closed: str) -> None:
    script, target = tmp_path / "write.py", tmp_path / "target"
    script.write_text(WRITE)
    found = subprocess.run(["sh", "-c", f'"{sys.executable}" "{script}" "{target}" {closed}'], timeout=60, check=False)
    assert found.returncode == 0
    assert target.read_bytes() == b"a checkpoint"


def test_a_stream_whose_reader_is_gone_is_silent() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as pipe:
        lasting = Losable(pipe)
        for _ in range(3):
            print("a line", file=lasting, flush=True)  # type: ignore[arg-type]
        assert lasting.writable()


def test_a_stream_that_is_well_shows_everything() -> None:
    stream = io.StringIO()
    lasting = Losable(stream)
    assert lasting.write("a line") == 6
    lasting.flush()
    assert stream.getvalue() == "a line"
    stream.close()
    assert lasting.write("more") == 4


def test_a_command_whose_answer_nobody_reads_ends_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    found = subprocess.run(
        [sys.executable, "-m", "bispike", "presets"], stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False
    )
    os.close(writer)
    assert (found.returncode, found.stderr) == (1, b"")
