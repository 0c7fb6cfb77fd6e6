"""Learning rules, one file each. `create(name, network)` or the classes themselves."""

from .bsd import BSD, BSDOptions
from .contract import check_rule
from .feedback.dfa import DFA
from .feedback.dfa_snn import DFASNN
from .feedback.eprop import EProp
from .feedback.fa import FA
from .feedback.sign_symmetry import SignSymmetry
from .gradient.backprop import Backprop
from .gradient.bptt import BPTT
from .local.ccl import CCL
from .local.decolle import DECOLLE
from .local.forward_forward import ForwardForward
from .local.frozen import Frozen
from .local.local_loss import LocalLoss
from .options import RateOptions, RuleOptions, option
from .plasticity.microcircuit import Microcircuit
from .plasticity.r_stdp import RSTDP
from .plasticity.sym_stdp import SymSTDP
from .rule import Rule, StepReport, classes_of, create, defined_for, find, register, registry
from .target.dll import DLL
from .target.dtp import DTP
from .target.pc import PC

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
    "classes_of",
    "create",
    "defined_for",
    "find",
    "option",
    "register",
    "registry",
]
