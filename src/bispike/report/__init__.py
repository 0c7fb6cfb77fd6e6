"""Reports: what runs learned, see, do and recall, as one self-contained HTML page."""

from ..experiments.audit import audit_run
from .page import write_report

__all__ = ["audit_run", "write_report"]
