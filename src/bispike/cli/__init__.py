"""The command line: `bispike VERB ...`, also `python -m bispike`. One file per verb, and no logic in them."""

from ._app import main
from ._options import json_option, run_argument
from ._output import Answer
from ._verbs import register_verb

__all__ = ["Answer", "json_option", "main", "register_verb", "run_argument"]
