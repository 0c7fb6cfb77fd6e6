"""Settings of a training: one table, checks, presets, and the way from a command line to a complete configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .train_config import TrainConfig, register_setting

if TYPE_CHECKING:
    from .options import describe_options


def __getattr__(name: str) -> Any:
    if name == "describe_options":  # waits for torch
        from .options import describe_options

        return describe_options
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["TrainConfig", "describe_options", "register_setting"]
