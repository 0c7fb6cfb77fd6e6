"""Thin modules over `functional`: synapses, layers with two pathways, and the network of them."""

from .concept_code import ConceptCode
from .layer import SLOPES, Activity, Layer, Pathway, RateActivity
from .network import Network
from .norm import DriveNorm
from .passes import LayerRecord, RateStep, rate_leaving
from .process_group import ALONE, Group
from .quantity_code import QuantityCode
from .recurrent import RecurrentPathway, RecurrentState, RunningNorm
from .residual import Arrivals, IdentityShortcut, Residual
from .sequence_network import SequenceNetwork, State
from .synapse import Conv, Dense, Synapse, TransposedConv, UpsampleConv
from .top_down_pass import TopDownPass
from .trajectory import SpikeStep, Trajectory, bottom_up_trajectories

__all__ = [
    "ALONE",
    "SLOPES",
    "Activity",
    "Arrivals",
    "ConceptCode",
    "Conv",
    "Dense",
    "DriveNorm",
    "Group",
    "IdentityShortcut",
    "Layer",
    "LayerRecord",
    "Network",
    "Pathway",
    "QuantityCode",
    "RateActivity",
    "RateStep",
    "RecurrentPathway",
    "RecurrentState",
    "Residual",
    "RunningNorm",
    "SequenceNetwork",
    "SpikeStep",
    "State",
    "Synapse",
    "TopDownPass",
    "Trajectory",
    "TransposedConv",
    "UpsampleConv",
    "bottom_up_trajectories",
    "rate_leaving",
]
