"""The files of an analysis: its values and its figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from ..analysis import Agreement
from ..arguments import checked
from ..figures.analysis import gradient_angles, robustness, separability
from ..figures.files import write_picture
from ..figures.spikes import agreement_levels
from ..files import write_json
from ..runs.marker import RESULTS, claim
from ..runs.saved_results import ANALYSIS


@checked
def analysis_figures(found: Mapping[str, Any]) -> dict[str, Figure]:
    """The figures of the result of `analyse_run`, by kind."""
    figures = {}
    if found["agreement"]:
        figures["pathways"] = agreement_levels([Agreement(**level) for level in found["agreement"]])
    figures["angles"] = gradient_angles(found["update_angle"])
    figures["probe"] = separability(found["probe"])
    lost = "spikes" if found["activity"] == "spikes" else "values"
    figures["robustness"] = robustness(found["robustness"], classes=found["classes"], lost=lost)
    return figures


@checked
def write_analysis(found: Mapping[str, Any], out: str | Path) -> dict[str, str]:
    """Write `analysis.json` and one figure per part into a folder; returns the paths by kind.

    Raises:
        UserError: the folder holds files of these names that bispike did not write, or cannot be written.
    """
    folder, figures = Path(out), analysis_figures(found)
    paths = {kind: folder / f"analysis-{kind}.png" for kind in figures}
    claim(folder, RESULTS, [ANALYSIS, *(path.name for path in paths.values())])
    for kind, figure in figures.items():
        write_picture(paths[kind], figure)
    write_json(folder / ANALYSIS, found)
    return {"json": str(folder / ANALYSIS), **{kind: str(path) for kind, path in paths.items()}}
