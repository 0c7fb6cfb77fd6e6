"""A run that a full disk stopped goes on as its message says, wherever the disk was full."""

from __future__ import annotations

import errno
import shlex
from pathlib import Path

import pytest

from bispike import files
from bispike.errors import WorkError
from bispike.training import TrainConfig, run_config
from tests.cli.conftest import bispike

SETTINGS = TrainConfig(model="mlp", model_options={"widths": [8], "time_steps": 2}, limit=64, epochs=1)


@pytest.mark.parametrize("name", ["schema.json", "config.toml", "initial.safetensors", ".safetensors", "summary.json"])
def test_the_command_in_the_message_goes_on(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = files.os.replace

    def full(source: str, target: str, **options: object) -> None:
        if str(target).endswith(name):
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        written(source, target, **options)

    run = tmp_path / "run"
    with monkeypatch.context() as broken:
        broken.setattr(files.os, "replace", full)
        with pytest.raises(WorkError, match="No space left") as stopped:
            run_config(SETTINGS, out=run, progress=None)
    last = str(stopped.value).splitlines()[-1]
    if "same command" in last:
        assert not (run / "config.toml").exists()
        assert run_config(SETTINGS, out=run, progress=None).summary["test"] is not None
        return
    assert bispike(*shlex.split(last)[1:]).status == 0
    assert (run / "summary.json").exists()
