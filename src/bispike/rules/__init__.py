"""Learning rules, one file each. `create(name, network)` or the classes themselves."""

from .backprop import Backprop
from .base import NoOptions, RateOptions, Rule, StepReport, create, register, registry
from .bptt import BPTT
from .bsd import BSD, BSDOptions
from .check import check_rule
from .fa import FA
from .frozen import Frozen
from .microcircuit import Microcircuit

__all__ = [
    "BPTT",
    "BSD",
    "FA",
    "BSDOptions",
    "Backprop",
    "Frozen",
    "Microcircuit",
    "NoOptions",
    "RateOptions",
    "Rule",
    "StepReport",
    "check_rule",
    "create",
    "register",
    "registry",
]
