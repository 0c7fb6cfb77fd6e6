"""Learning rules, one file each. `create(name, network)` or the classes themselves."""

from .backprop import Backprop
from .base import NoOptions, RateOptions, Rule, StepReport, create, register, registry
from .bptt import BPTT
from .bsd import BSD, BSDOptions
from .check import check_rule
from .dfa import DFA
from .dtp import DTP
from .fa import FA
from .forward_forward import ForwardForward
from .frozen import Frozen
from .local_loss import LocalLoss
from .sign_symmetry import SignSymmetry

__all__ = [
    "BPTT",
    "BSD",
    "DFA",
    "DTP",
    "FA",
    "BSDOptions",
    "Backprop",
    "ForwardForward",
    "Frozen",
    "LocalLoss",
    "NoOptions",
    "RateOptions",
    "Rule",
    "SignSymmetry",
    "StepReport",
    "check_rule",
    "create",
    "register",
    "registry",
]
