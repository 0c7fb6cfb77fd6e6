"""Thin modules over `functional`: synapses, stages with two pathways, and the network of them."""

from .concept_code import ConceptCode
from .layer import SLOPES, Activity, Pathway, RateActivity, Stage
from .network import Network
from .norm import DriveNorm
from .passes import RateStep, SweepRecord, rate_leaving
from .process_group import ALONE, Group
from .quantity_code import QuantityCode
from .recurrent import Past, PastNorm, RecurrentPathway
from .residual import Arrivals, Residual, Straight
from .sequence_network import RecurrentNetwork, State
from .synapse import Conv, Dense, Synapse, TransposedConv, UpsampleConv
from .top_down_pass import Descent
from .trajectory import SpikeStep, Trajectory, sweep_steps

__all__ = [
    "ALONE",
    "SLOPES",
    "Activity",
    "Arrivals",
    "ConceptCode",
    "Conv",
    "Dense",
    "Descent",
    "DriveNorm",
    "Group",
    "Network",
    "Past",
    "PastNorm",
    "Pathway",
    "QuantityCode",
    "RateActivity",
    "RateStep",
    "RecurrentNetwork",
    "RecurrentPathway",
    "Residual",
    "SpikeStep",
    "Stage",
    "State",
    "Straight",
    "SweepRecord",
    "Synapse",
    "Trajectory",
    "TransposedConv",
    "UpsampleConv",
    "rate_leaving",
    "sweep_steps",
]
