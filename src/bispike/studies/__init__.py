"""What a study found: its rows, what each costs and satisfies, its tables and its pictures."""

from .answer import StudyAnswer, write_study
from .rows import TableRow, aggregate
from .texts import SORTS, cells, headings

__all__ = ["SORTS", "StudyAnswer", "TableRow", "aggregate", "cells", "headings", "write_study"]
