"""The report: one HTML file that shows what runs learned, see, do and recall.

The file needs nothing else: pictures and style are inside, nothing is fetched. Names and settings that come
from outside are escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .. import data
from .._version import __version__
from ..data.sequence_dataset import SequenceDataset
from ..errors import BispikeError, ConfigurationError
from ..files import make_folder, write_atomic
from ..nn import SequenceNetwork
from ..runs.record import RunRecord, read_run
from . import sections
from .forecasts import SequenceMeasurements, measure_sequences
from .html import Html, tag
from .measurements import SAMPLES, Measurements, measure
from .theme import CSS

Found = Measurements | SequenceMeasurements | str
"""What was measured of a run, or a sentence that says why nothing was."""

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write_report(
    runs: Sequence[str | Path],
    out: str | Path,
    *,
    data_root: str | Path | None = None,
    samples: int = SAMPLES,
) -> Path:
    """Write the report on one or several runs.

    Args:
        runs: folders of runs, at least one.
        out: the file; an older one is replaced when the new one is complete.
        data_root: folder where data sets lie; None looks where the run found them and in the usual places.
        samples: test stimuli to measure with, at least 1.

    Returns:
        The path of the file.

    Raises:
        ConfigurationError: no run, or no sample.
        CheckpointError: a folder holds no run, or a damaged one.
        UserError: the file cannot be written.
    """
    if not runs:
        raise ConfigurationError("report: expected the folder of at least one run, received none.")
    if samples < 1:
        raise ConfigurationError(f"samples: expected at least 1, received {samples}.")
    records = [read_run(run) for run in runs]
    measured = [_measured(record, data_root=data_root, samples=samples) for record in records]
    target = Path(out)
    make_folder(target.parent)
    write_atomic(target, page(records, measured))
    return target


def _measured(record: RunRecord, *, data_root: str | Path | None, samples: int) -> Found:
    """The measurements of a run, or why there are none: a report without its data is still a report."""
    root = data_root or record.config.get("data_root")
    try:
        options = record.config.get("data_options") or {}
        loaded = data.load(str(record.config["dataset"]), root=root, download=False, **options)
    except BispikeError as error:
        return f"The data set could not be read here, so only what the run noted is shown: {error}"
    network, known = record.network, record.summary.get("data_fingerprint")
    fits = loaded.stimulus.shape == network.stimulus.shape and loaded.concept.names == network.concept.names
    if not fits or known not in (None, loaded.fingerprint):
        return "The data set has changed since this training, so only what the run noted is shown."
    if isinstance(loaded, SequenceDataset):
        return measure_sequences(record, loaded)
    return measure(record, loaded, samples=samples)


def page(records: Sequence[RunRecord], measured: Sequence[Found]) -> str:
    """The report as text.

    Args:
        records: the runs.
        measured: for each run its measurements, or a sentence that says why there are none.
    """
    names = _display_names(records)
    several = len(records) > 1
    anchors = [f"run{i + 1}" for i in range(len(records))]
    title = f"{len(records)} runs compared" if several else f"Report on {names[0]}"
    body: list[object] = [tag("h1", title)]
    if several:
        listed = dict(zip(names, records, strict=True))
        body.append(sections.comparison(listed, dict(zip(names, anchors, strict=True))))
    for name, anchor, record, found in zip(names, anchors, records, measured, strict=True):
        body.append(_run(name, anchor, record, found, heading=several))
    body.append(tag("footer", tag("p", f"Written by bispike {__version__}. This file needs no network.")))
    return "<!DOCTYPE html>\n" + tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("title", title),
            tag("style", Html(CSS)),
        ),
        tag("body", tag("main", *body)),
        lang="en",
    )


def _run(name: str, anchor: str, record: RunRecord, found: Found, *, heading: bool) -> Html:
    if isinstance(record.network, SequenceNetwork):
        contents = _of_sequences(record, found if isinstance(found, SequenceMeasurements) else None)
        lead = sections.sequences.summary_of(record)
    else:
        numbers = found if isinstance(found, Measurements) else None
        contents = _of_stimuli(record, numbers)
        lead = sections.result(record, numbers)
    places = {title: f"{anchor}-{title.lower().replace(' ', '-')}" for title in contents}
    links = [tag("a", title, href=f"#{place}") for title, place in places.items()]
    parts: list[object] = [
        tag("h2", name) if heading else None,
        lead,
        tag("p", found, class_="note") if isinstance(found, str) else None,
        tag("nav", *links, aria_label=f"Sections of {name}"),
    ]
    for title, content in contents.items():
        parts += [tag("h3", title, id=places[title]), content]
    return tag("section", *[part for part in parts if part is not None], id=anchor)


def _of_sequences(record: RunRecord, found: SequenceMeasurements | None) -> dict[str, Html]:
    return {
        "Learning": sections.sequences.learning(record),
        "What it forecasts": sections.sequences.forecasts(record, found),
        "Firing": sections.sequences.firing(found),
        "Memory": sections.sequences.memory(found),
        **({"Criteria": sections.criteria(record.audit)} if record.audit else {}),
        "Settings": sections.settings(record),
    }


def _of_stimuli(record: RunRecord, numbers: Measurements | None) -> dict[str, Html]:
    return {
        "Learning": sections.learning(record),
        "What it sees": sections.sees(record, numbers),
        "What it does": sections.does(record, numbers),
        "What it recalls": sections.recalls(record, numbers),
        "Health": sections.health(record, numbers),
        **({"Criteria": sections.criteria(record.audit)} if record.audit else {}),
        **({"Analysis": sections.analysis(record.analysis)} if record.analysis else {}),
        "Settings": sections.settings(record),
    }


def _display_names(records: Sequence[RunRecord]) -> list[str]:
    """The last part of each folder, or the whole path where several are the same."""
    counts = Counter(record.name for record in records)
    names = [record.name if counts[record.name] == 1 else str(record.path) for record in records]
    repeated = Counter(names)
    return [f"{name} ({i + 1})" if repeated[name] > 1 else name for i, name in enumerate(names)]
