"""Cost of a training step in time and memory, measured in the same way for every rule and for other libraries."""

from .cases import Case
from .memory import network_tensors, peak_step_bytes, saved_bytes
from .run import run_suite
from .suites import SUITES, Suite

__all__ = ["SUITES", "Case", "Suite", "network_tensors", "peak_step_bytes", "run_suite", "saved_bytes"]
