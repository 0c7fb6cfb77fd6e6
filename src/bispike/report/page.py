"""The report: one HTML file that shows what runs learned, see, do and recall.

The file needs nothing else: figures and style are inside, nothing is fetched. Names and settings that come from
outside are escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .._version import __version__
from ..arguments import checked
from ..errors import ConfigurationError
from ..runs.outputs import MARK, expect_own, write_output
from ..runs.record import RunRecord
from .comparison import comparison
from .html import Html, tag
from .registry import sections_of
from .run import SAMPLES, ReportRun, open_run
from .theme import CSS

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@checked
def write_report(
    runs: Sequence[str | Path],
    out: str | Path,
    *,
    dataset: str | None = None,
    data_root: str | Path | None = None,
    samples: int = SAMPLES,
    overwrite: bool = False,
    trust: bool = False,
) -> Path:
    """Write the report on one or several runs.

    Args:
        runs: folders of runs, at least one.
        out: the file; an older report is replaced when the new one is complete.
        dataset: where the data of the runs are now; None: where their trainings found them.
        data_root: folder where data sets lie; None looks where the run found them and in the usual places.
        samples: test stimuli to measure with, at least 1.
        overwrite: whether a file that bispike did not write may be replaced.
        trust: whether to open what the settings of somebody else's run name (see `runs.source`).

    Returns:
        The path of the file.

    Raises:
        ConfigurationError: no run, or no sample.
        CheckpointError: a folder holds no run, or a damaged one.
        UserError: a file that bispike did not write is there, or the file cannot be written.
    """
    if not runs:
        raise ConfigurationError("report: expected the folder of at least one run, received none.")
    if samples < 1:
        raise ConfigurationError(f"samples: expected at least 1, received {samples}.")
    target = expect_own(out, overwrite=overwrite)
    opened = [open_run(run, dataset=dataset, data_root=data_root, samples=samples, trust=trust) for run in runs]
    return write_output(target, page(opened), overwrite=overwrite)


def page(runs: Sequence[ReportRun]) -> str:
    """The report on runs as text."""
    records = [run.record for run in runs]
    names = _display_names(records)
    several = len(runs) > 1
    anchors = [f"run{i + 1}" for i in range(len(runs))]
    title = f"{len(runs)} runs compared" if several else f"Report on {names[0]}"
    body: list[object] = [tag("h1", title)]
    if several:
        listed = dict(zip(names, records, strict=True))
        body.append(comparison(listed, dict(zip(names, anchors, strict=True))))
    for name, anchor, run in zip(names, anchors, runs, strict=True):
        body.append(_run(name, anchor, run, heading=several))
        run.release()
    body.append(tag("footer", tag("p", f"Written by bispike {__version__}. This file needs no network.")))
    return "<!DOCTYPE html>\n" + tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
            Html(f"<!-- {MARK} -->"),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("title", title),
            tag("style", Html(CSS)),
        ),
        tag("body", tag("main", *body)),
        lang="en",
    )


def _run(name: str, anchor: str, run: ReportRun, *, heading: bool) -> Html:
    """The sections of one run: those without a title, links to the others, the others."""
    found = sections_of(run.record)
    leads = [one.build(run) for one in found if not one.title]
    titled = [one for one in found if one.title]
    places = [f"{anchor}-{i}-{one.title.lower().replace(' ', '-')}" for i, one in enumerate(titled, start=1)]
    links = [tag("a", one.title, href=f"#{place}") for one, place in zip(titled, places, strict=True)]
    parts: list[object] = [
        tag("h2", name) if heading else None,
        *leads,
        tag("p", run.without_data, class_="note") if run.without_data else None,
        tag("nav", *links, aria_label=f"Sections of {name}"),
    ]
    for one, place in zip(titled, places, strict=True):
        parts += [tag("h3", one.title, id=place), one.build(run)]
    return tag("section", *[part for part in parts if part is not None], id=anchor)


def _display_names(records: Sequence[RunRecord]) -> list[str]:
    """The last part of each folder, or the whole path where several are the same."""
    counts = Counter(record.name for record in records)
    names = [record.name if counts[record.name] == 1 else str(record.path) for record in records]
    repeated = Counter(names)
    return [f"{name} ({i + 1})" if repeated[name] > 1 else name for i, name in enumerate(names)]
