"""Situations of arrays in memory and in NumPy files."""

from __future__ import annotations

from . import Situation

SITUATIONS: list[Situation] = []
