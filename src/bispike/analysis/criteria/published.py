"""Verdicts of the literature on the criteria of each rule, to be shown beside the measurement.

From the tables of the DLL paper (arXiv 2501.09976, which judges C1 to C3 only) and of the BSD paper (arXiv
2509.20284). Papers judge methods by argument; docs/criteria.md explains where a verdict differs from the measurement.
"""

from __future__ import annotations

_DLL = ("C1", "C2", "C3")
_BSD = ("C1", "C2", "C3", "C4", "C5")


def _table(judged: tuple[str, ...], *holding: str) -> dict[str, bool]:
    return {criterion: criterion in holding for criterion in judged}


PUBLISHED: dict[str, dict[str, bool]] = {
    "backprop": _table(_BSD),
    "bptt": _table(_BSD, "C4"),
    "bsd": _table(_BSD, *_BSD),
    "ccl": _table(_BSD, "C1", "C2", "C3"),
    "dll": _table(_BSD, "C1", "C2", "C3"),
    "dtp": _table(_DLL, "C1", "C2"),
    "fa": _table(_DLL, "C1"),
    "forward-forward": _table(_DLL, "C1", "C2", "C3"),
    "local-loss": _table(_DLL, "C2"),
    "pc": _table(_BSD, "C2"),
    "r-stdp": _table(_BSD, *_BSD),
}


def published(rule: str) -> dict[str, bool]:
    """The published verdicts on a rule by its name; empty if none is known."""
    return dict(PUBLISHED.get(rule, {}))
