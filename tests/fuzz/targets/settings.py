"""Fuzzing of settings: a run's config.toml, a study file, and the words of `--set`."""

from __future__ import annotations

from pathlib import Path

from bispike.config import optimizers
from bispike.config.resolve import Request, attempt, problems_of, resolve
from bispike.config.train_config import TrainConfig, read_config, read_in_force, write_config
from bispike.studies.study_file import read_study

from ..damage import damage_bytes, damage_text
from ..target import Target

STUDY = """
question = "Which loss?"
seeds = 2

[base]
preset = "digits-mlp"
epochs = 2
widths = [8, 6]
"rule.pool" = 2
top_down_lr = {}

[rows.bsd]
rule = "bsd"
loss = "infonce"

[rows."without norm"]
rule = "bptt"
norm = false
betas = [0.9, 0.99]
"""
WORDS = """strength=0.1
widths=[8,6]
epochs=3
model.norm=false
betas=[0.9,0.99]
top_down_lr=none
contrast=batch
data.window=32
seed=4
"""


def make_config(folder: Path) -> None:
    config = TrainConfig(
        model="mlp-small",
        model_options={"widths": [8, 6], "norm": False},
        rule_options={"strength": 0.3, "loss": "infonce"},
        optimizer_options={"betas": [0.9, 0.99], "eps": 1e-8},
        top_down_lr=0.1,
    )
    list(optimizers.problems("adam", {"eps": 1e-8}))  # imports what a first optimizer imports
    write_config(folder, config, network={"model": "mlp", "widths": [8, 6]}, rule={"strength": 0.3, "centre": None})


def use_config(folder: Path) -> None:
    problems_of(read_config(folder))
    read_in_force(folder)
    resolve(Request({"epochs": 3}), resume_from=folder)


def make_study(folder: Path) -> None:
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")


def use_study(folder: Path) -> None:
    read_study(folder / "study.toml").cells()


def make_words(folder: Path) -> None:
    (folder / "words.txt").write_text(WORDS, encoding="utf-8")


def use_words(folder: Path) -> None:
    words = (folder / "words.txt").read_bytes().decode("utf-8", errors="replace").splitlines()
    found = attempt(Request.of({"rule": "bsd", "model": "mlp-small"}, words))
    if not found.problems:
        problems_of(found.config)


TARGETS = (
    Target("config.toml of a run", make_config, use_config),
    Target("study file", make_study, use_study),
    Target("words of --set", make_words, use_words, damages=(damage_bytes, damage_text), weight=0.5),
)
