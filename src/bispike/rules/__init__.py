"""Learning rules, one file each. `create(name, network)` or the classes themselves."""

from .backprop import Backprop
from .base import NoOptions, Rule, StepReport, create, register, registry
from .bptt import BPTT
from .bsd import BSD, BSDOptions
from .check import check_rule
from .frozen import Frozen

__all__ = [
    "BPTT",
    "BSD",
    "BSDOptions",
    "Backprop",
    "Frozen",
    "NoOptions",
    "Rule",
    "StepReport",
    "check_rule",
    "create",
    "register",
    "registry",
]
