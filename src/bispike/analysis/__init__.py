"""What a network does, measured: firing, agreement of the two pathways, affinity, decisions, recall; and
how plausible a rule is (`audit`).

Everything here only looks. `read_stages` runs both pathways once over a sample; the other functions turn
what it saw into numbers.
"""

from .confusion import (
    Confusion,
    accuracy,
    accuracy_interval,
    confusion_matrix,
    frequent_confusions,
    per_class_accuracy,
)
from .criteria import Audit, Verdict, audit_network
from .criteria import measure as audit
from .energy import Operations, fan_out, inference_operations
from .firing import Firing, StageFiring, firing, firing_health
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
from .recall import RecallMatch, recall_match
from .spike_loss import LOST, spike_loss
from .sweeps import StageReading, read_stages, stage_rates
from .update_angle import UpdateAngle, reference_rule, update_angles

__all__ = [
    "LOST",
    "Affinity",
    "Agreement",
    "Angle",
    "Audit",
    "Confusion",
    "Firing",
    "Operations",
    "Probe",
    "RecallMatch",
    "Sample",
    "StageFiring",
    "StageReading",
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
    "fan_out",
    "firing",
    "firing_health",
    "frequent_confusions",
    "inference_operations",
    "linear_probe",
    "pathway_angles",
    "per_class_accuracy",
    "random_angle_spread",
    "read_stages",
    "recall_match",
    "reference_rule",
    "spike_loss",
    "stage_rates",
    "summarise_affinity",
    "update_angles",
]
