"""`python -m bispike.bench`: print the table of the quick suite. `bispike bench` has all options."""

from __future__ import annotations

import sys

from .results import as_markdown, document
from .run import run_suite
from .suites import cases_of


def main() -> None:
    """Measure the quick suite and print its table."""
    result = run_suite(cases_of("quick"), note=lambda message: print(message, file=sys.stderr, flush=True))
    print(as_markdown(document("quick", result.rows, result.problems, "cpu")))


if __name__ == "__main__":
    main()
