"""The five plausibility criteria, measured for any rule: `measure("bsd")`, or `measure(MyRule)`.

C1 asymmetric weights, C2 local plasticity, C3 no separate phases, C4 spikes for inference and learning, C5 unsigned
errors. Rules declare nothing about them. The audit trains a rule shortly on a small network (`subject`), records the
signals of all synapses (`signals`, `links`) and perturbs weights and samples (`perturbations`). One file per criterion
holds its definition and its measurement; docs/criteria.md describes all of them.
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
