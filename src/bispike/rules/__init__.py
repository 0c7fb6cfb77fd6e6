"""Learning rules, one file each. `create(name, network)` or the classes themselves."""

from .backprop import Backprop
from .base import Rule, StepReport, create, register, registry
from .bptt import BPTT
from .bsd import BSD, BSDOptions
from .ccl import CCL
from .check import check_rule
from .decolle import DECOLLE
from .dfa import DFA
from .dfa_snn import DFASNN
from .dll import DLL
from .dtp import DTP
from .eprop import EProp
from .fa import FA
from .forward_forward import ForwardForward
from .frozen import Frozen
from .local_loss import LocalLoss
from .microcircuit import Microcircuit
from .options import RateOptions, RuleOptions, option
from .pc import PC
from .r_stdp import RSTDP
from .sign_symmetry import SignSymmetry
from .sym_stdp import SymSTDP

__all__ = [
    "BPTT",
    "BSD",
    "CCL",
    "DECOLLE",
    "DFA",
    "DFASNN",
    "DLL",
    "DTP",
    "FA",
    "PC",
    "RSTDP",
    "BSDOptions",
    "Backprop",
    "EProp",
    "ForwardForward",
    "Frozen",
    "LocalLoss",
    "Microcircuit",
    "RateOptions",
    "Rule",
    "RuleOptions",
    "SignSymmetry",
    "StepReport",
    "SymSTDP",
    "check_rule",
    "create",
    "option",
    "register",
    "registry",
]
