"""Learning rules, one file each. `create(name, network)` or the classes themselves."""

from .backprop import Backprop
from .base import NoOptions, RateOptions, Rule, StepReport, create, register, registry
from .bptt import BPTT
from .bsd import BSD, BSDOptions
from .ccl import CCL
from .check import check_rule
from .decolle import DECOLLE
from .dfa_snn import DFASNN
from .dll import DLL
from .eprop import EProp
from .fa import FA
from .frozen import Frozen
from .microcircuit import Microcircuit
from .pc import PC
from .sym_stdp import SymSTDP

__all__ = [
    "BPTT",
    "BSD",
    "CCL",
    "DECOLLE",
    "DFASNN",
    "DLL",
    "FA",
    "PC",
    "BSDOptions",
    "Backprop",
    "EProp",
    "Frozen",
    "Microcircuit",
    "NoOptions",
    "RateOptions",
    "Rule",
    "StepReport",
    "SymSTDP",
    "check_rule",
    "create",
    "register",
    "registry",
]
