"""Reports: what runs learned, see, do and recall, as one self-contained HTML page."""

from ..experiments.audit import audit_run
from .page import write_report
from .registry import Section, section
from .run import ReportRun

__all__ = ["ReportRun", "Section", "audit_run", "section", "write_report"]
