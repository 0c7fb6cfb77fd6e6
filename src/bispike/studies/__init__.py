"""Studies: grids and study files, their runs, and the results as rows, tables and figures."""

from .answer import StudyAnswer, write_study
from .rows import TableRow, aggregate
from .texts import SORTS, cells, headings

__all__ = ["SORTS", "StudyAnswer", "TableRow", "aggregate", "cells", "headings", "write_study"]
