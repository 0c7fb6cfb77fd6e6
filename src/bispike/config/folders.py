"""Where runs and studies go for which no folder was given."""

from __future__ import annotations

import re
from pathlib import Path

from .train_config import TrainConfig

RUNS = "runs"  # below the current folder


def default_folder(config: TrainConfig) -> Path:
    """`runs/DATASET-MODEL-RULE-seedS` below the current folder."""
    return _below_runs(_dataset_name(config), config.model, config.rule, f"seed{config.seed}")


def default_study_folder(config: TrainConfig, kind: str, *parts: str) -> Path:
    """`runs/KIND-DATASET-MODEL-...` below the current folder: where a study goes that was given no folder."""
    return _below_runs(kind, _dataset_name(config), config.model, *parts)


def study_file_folder(path: Path) -> Path:
    """`runs/NAME` below the current folder, for the study in `NAME.toml`."""
    return _below_runs(path.stem)


def _dataset_name(config: TrainConfig) -> str:
    return Path(config.dataset).expanduser().name.split(".")[0] or "data"


def _below_runs(*parts: str) -> Path:
    return Path(RUNS) / re.sub(r"[^A-Za-z0-9._-]+", "_", "-".join(parts))
