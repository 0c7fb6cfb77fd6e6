"""The command line: `bispike VERB ...`, also `python -m bispike`. One file a verb, and no logic in them."""

from ._app import main

__all__ = ["main"]
