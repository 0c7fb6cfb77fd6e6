"""Synapses, norms, layers with two pathways, the passes through them, and the networks that they make up."""

from .concept_code import ConceptCode
from .layer import Layer, LayerList
from .network import Network
from .norm import DriveNorm, RunningNorm, Statistics
from .passes import Arrivals, LayerRecord, RateStep, SpikeStep, TopDownPass, TrajectoryStep
from .pathway import SLOPES, Activity, Pathway, RateActivity
from .process_group import ALONE, Group
from .quantity_code import QuantityCode
from .recurrent import RecurrentActivity, RecurrentPathway, RecurrentState
from .residual import IdentityShortcut, Residual
from .sequence_network import SequenceClassifier, SequenceForecaster, SequenceNetwork, State
from .signals import RATES, SPIKES, Signals
from .stimulus_network import Autoencoder, Classifier, StimulusNetwork
from .synapse import Conv, Dense, Synapse, TransposedConv, UpsampleConv
from .trajectory import Trajectory

__all__ = [
    "ALONE",
    "RATES",
    "SLOPES",
    "SPIKES",
    "Activity",
    "Arrivals",
    "Autoencoder",
    "Classifier",
    "ConceptCode",
    "Conv",
    "Dense",
    "DriveNorm",
    "Group",
    "IdentityShortcut",
    "Layer",
    "LayerList",
    "LayerRecord",
    "Network",
    "Pathway",
    "QuantityCode",
    "RateActivity",
    "RateStep",
    "RecurrentActivity",
    "RecurrentPathway",
    "RecurrentState",
    "Residual",
    "RunningNorm",
    "SequenceClassifier",
    "SequenceForecaster",
    "SequenceNetwork",
    "Signals",
    "SpikeStep",
    "State",
    "Statistics",
    "StimulusNetwork",
    "Synapse",
    "TopDownPass",
    "Trajectory",
    "TrajectoryStep",
    "TransposedConv",
    "UpsampleConv",
]
