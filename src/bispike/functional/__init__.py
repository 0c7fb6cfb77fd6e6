"""Pure tensor functions: the neuron, the codes, the alignment losses. No state, no modules."""

from .activation import ACTIVATIONS, activate, activation_slope
from .affinity import affinity, match_affinity
from .alignment import CONTRASTS, LOSSES, REDUCTIONS, Alignment, AlignmentLoss, align, negative_counts, unit_rows
from .angle import angle_between
from .backends.compiled import serves as native_usable
from .backends.wiring import Wiring, convolution_gather
from .centring import (
    CENTRES,
    align_centred,
    centre_rows,
    centre_rows_backward,
    centre_templates,
    centre_templates_backward,
)
from .coding import (
    CONCEPT_CODES,
    STIMULUS_CODES,
    bernoulli_code,
    even_code,
    given_spikes,
    latency_code,
    one_hot_code,
    poisson_code,
    population_code,
)
from .cues import HALVES, half_cue, random_cue
from .decoding import DECODERS, cosine_scores, cross_entropy, drive_scores, unit_code
from .eligibility import PSEUDO_DERIVATIVES, drive_gradient, eligibility_traces
from .frechet import frechet_distance, gaussian_of
from .lif import fire, integrate, lif, lif_onward, lif_reference, lif_with_history
from .neuron import Neuron
from .norm import (
    batch_statistics,
    channel_view,
    normalise,
    normalise_backward,
    normalise_backward_fixed,
    normalise_backward_reference,
)
from .pooling import spread_average
from .similarity import decorrelate, match_classes, unit_rows_backward
from .spectrum import split_bands, weigh_bands
from .spikes import JoinedSpikes, PackedSpikes, Received, Spikes, dense_spikes, map_of, pool_spikes, rate_of, rows_of
from .stdp import causal_contrast, fired_by, first_spikes, symmetric_trace
from .surrogate import UnrolledSlope, atan_surrogate, mean_field_rate, mean_field_slope, triangular_surrogate

__all__ = [
    "ACTIVATIONS",
    "CENTRES",
    "CONCEPT_CODES",
    "CONTRASTS",
    "DECODERS",
    "HALVES",
    "LOSSES",
    "PSEUDO_DERIVATIVES",
    "REDUCTIONS",
    "STIMULUS_CODES",
    "Alignment",
    "AlignmentLoss",
    "JoinedSpikes",
    "Neuron",
    "PackedSpikes",
    "Received",
    "Spikes",
    "UnrolledSlope",
    "Wiring",
    "activate",
    "activation_slope",
    "affinity",
    "align",
    "align_centred",
    "angle_between",
    "atan_surrogate",
    "batch_statistics",
    "bernoulli_code",
    "causal_contrast",
    "centre_rows",
    "centre_rows_backward",
    "centre_templates",
    "centre_templates_backward",
    "channel_view",
    "convolution_gather",
    "cosine_scores",
    "cross_entropy",
    "decorrelate",
    "dense_spikes",
    "drive_gradient",
    "drive_scores",
    "eligibility_traces",
    "even_code",
    "fire",
    "fired_by",
    "first_spikes",
    "frechet_distance",
    "gaussian_of",
    "given_spikes",
    "half_cue",
    "integrate",
    "latency_code",
    "lif",
    "lif_onward",
    "lif_reference",
    "lif_with_history",
    "map_of",
    "match_affinity",
    "match_classes",
    "mean_field_rate",
    "mean_field_slope",
    "native_usable",
    "negative_counts",
    "normalise",
    "normalise_backward",
    "normalise_backward_fixed",
    "normalise_backward_reference",
    "one_hot_code",
    "poisson_code",
    "pool_spikes",
    "population_code",
    "random_cue",
    "rate_of",
    "rows_of",
    "split_bands",
    "spread_average",
    "symmetric_trace",
    "triangular_surrogate",
    "unit_code",
    "unit_rows",
    "unit_rows_backward",
    "weigh_bands",
]
