"""What a training step costs: time and memory, measured the same way for every rule."""

from .memory import network_tensors, peak_step_bytes
from .step import compare_steps

__all__ = ["compare_steps", "network_tensors", "peak_step_bytes"]
