"""The five plausibility criteria, measured for any rule: `measure("bsd")`, or `measure(MyRule)`.

C1 asymmetric weights, C2 local plasticity, C3 no separate phases, C4 spikes for inference and learning, C5 unsigned
errors. Nothing is declared: a rule is trained for a moment on a small network, watched at its synapses and perturbed.
A file a criterion holds its definition and its tests; docs/criteria.md gives all of it on one page.
"""

from .measure import CRITERIA, Audit, audit_network, measure
from .positions import LOCAL, left_in_earlier_positions
from .published import published
from .verdict import Verdict

__all__ = [
    "CRITERIA",
    "LOCAL",
    "Audit",
    "Verdict",
    "audit_network",
    "left_in_earlier_positions",
    "measure",
    "published",
]
