"""What a training step costs: time and memory, measured the same way for every rule and for the peers."""

from .cases import Case
from .memory import network_tensors, peak_step_bytes, saved_bytes
from .run import run_suite
from .suites import SUITES, Suite

__all__ = ["SUITES", "Case", "Suite", "network_tensors", "peak_step_bytes", "run_suite", "saved_bytes"]
