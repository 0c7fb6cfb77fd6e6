"""The results of `bispike analyse`, for runs whose folder contains them."""

from __future__ import annotations

from ...experiments.analysis_files import analysis_figures
from ...experiments.analysis_tables import AnalysisTable, analysis_tables
from ...figures import to_data_uri
from ..html import Html, figure, gallery, join, table, tag
from ..registry import section
from ..run import ReportRun


@section("Analysis", order=70, applies=lambda record: bool(record.analysis))
def analysis(run: ReportRun) -> Html:
    """The figures and the tables behind them."""
    found = run.record.analysis or {}
    tables = analysis_tables(found)
    figures = analysis_figures(found).values()
    shown = [
        figure(
            to_data_uri(drawn),
            alt=_words(made),
            caption=f"{made.title}. {made.reading}",
            wide=drawn.get_figwidth() > 2 * drawn.get_figheight(),
        )
        for drawn, made in zip(figures, tables, strict=True)
    ]
    numbers = [
        join([tag("h4", made.title), table(made.head, made.rows, numeric=range(1, len(made.head)))]) for made in tables
    ]
    return join([gallery(*shown), *numbers])


def _words(made: AnalysisTable) -> str:
    rows = "; ".join(
        f"{row[0]}: {', '.join(f'{h} {c}' for h, c in zip(made.head[1:], row[1:], strict=True) if c)}"
        for row in made.rows
    )
    return f"{made.title}. {rows}."
