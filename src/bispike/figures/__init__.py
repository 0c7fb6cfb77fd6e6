"""Figures of a report, one function each; every one returns a `matplotlib.figure.Figure`."""

from .canvas import to_data_uri, to_svg
from .cost import cost_bars, cost_curves
from .learning import accuracy_curve, angle_curves, layer_loss_curves, layer_loss_names, loss_curve, validation_curves
from .matrices import affinity_pair, confusion_heatmap
from .pictures import Recollection, recall_gallery, show_stimulus
from .spikes import PATHWAYS, Raster, agreement_levels, firing_rates, idle_units, raster

__all__ = [
    "PATHWAYS",
    "Raster",
    "Recollection",
    "accuracy_curve",
    "affinity_pair",
    "agreement_levels",
    "angle_curves",
    "confusion_heatmap",
    "cost_bars",
    "cost_curves",
    "firing_rates",
    "idle_units",
    "layer_loss_curves",
    "layer_loss_names",
    "loss_curve",
    "raster",
    "recall_gallery",
    "show_stimulus",
    "to_data_uri",
    "to_svg",
    "validation_curves",
]
