"""Measurements on networks: firing, agreement and affinity of the two pathways, decisions, recall, generated images.

No measurement changes the network. `read_layers` runs both pathways once over a sample, and most functions compute
numbers from its readings. `audit` measures how plausible a learning rule is.
"""

from .confusion import Confusion, accuracy, accuracy_interval, confusion_matrix, frequent_confusions, per_class_accuracy
from .criteria import Audit, Verdict, audit_network
from .criteria import measure as audit
from .energy import Operations, fan_out, inference_operations
from .extractors import ClassifierFeatures, FeatureExtractor, Inception, frechet_between, generation_quality
from .firing import Firing, LayerFiring, firing, firing_health
from .pathways import (
    Affinity,
    Agreement,
    Angle,
    affinity,
    agreement,
    class_affinity,
    class_means,
    pathway_angles,
    random_angle_spread,
    summarise_affinity,
)
from .probe import Probe, Sample, linear_probe
from .quality import SetQuality, diversity, mean_squared_error, psnr, set_quality, ssim
from .recall import RecallMatch, recall_match
from .recorded_passes import LayerReading, layer_rates, read_layers
from .sampling import LatentDensity
from .spike_loss import LOST, spike_loss
from .update_angle import UpdateAngle, reference_rule, update_angles

__all__ = [
    "LOST",
    "Affinity",
    "Agreement",
    "Angle",
    "Audit",
    "ClassifierFeatures",
    "Confusion",
    "FeatureExtractor",
    "Firing",
    "Inception",
    "LatentDensity",
    "LayerFiring",
    "LayerReading",
    "Operations",
    "Probe",
    "RecallMatch",
    "Sample",
    "SetQuality",
    "UpdateAngle",
    "Verdict",
    "accuracy",
    "accuracy_interval",
    "affinity",
    "agreement",
    "audit",
    "audit_network",
    "class_affinity",
    "class_means",
    "confusion_matrix",
    "diversity",
    "fan_out",
    "firing",
    "firing_health",
    "frechet_between",
    "frequent_confusions",
    "generation_quality",
    "inference_operations",
    "layer_rates",
    "linear_probe",
    "mean_squared_error",
    "pathway_angles",
    "per_class_accuracy",
    "psnr",
    "random_angle_spread",
    "read_layers",
    "recall_match",
    "reference_rule",
    "set_quality",
    "spike_loss",
    "ssim",
    "summarise_affinity",
    "update_angles",
]
