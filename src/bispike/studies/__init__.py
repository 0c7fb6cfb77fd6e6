"""Studies: grids and study files, their runs, and the results as rows, tables and figures."""

from .results import StudyResults, write_study
from .rows import TableRow, aggregate
from .tables import SORTS, cells, headings

__all__ = ["SORTS", "StudyResults", "TableRow", "aggregate", "cells", "headings", "write_study"]
