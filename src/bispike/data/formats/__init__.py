"""File formats of a user's own data, one per file; here they are registered.

Recognition follows the order of registration: the first format that recognises a path reads it. So a format that looks
into a file is registered before one that knows the ending only.
"""

from __future__ import annotations

from pathlib import Path

from ...errors import ConfigurationError, DataError, unknown_name
from ..readers.contents import exists
from . import event_folder, events, idx, image_folder, npz, series, table, text
from .format import Format as Format

_SHEET = "is a spreadsheet. Save its sheet as CSV, or give the DataFrame of pandas.read_excel (data.from_table)."
ADVICE = {
    ".npy": "is one array without labels. Save stimuli and labels together: "
    "numpy.savez('data.npz', x_train=x, y_train=y).",
    ".json": "is JSON. Save it as CSV: pandas.read_json(...).to_csv('data.csv', index=False).",
    ".jsonl": "is JSON, one object per line. Save it as CSV: "
    "pandas.read_json(..., lines=True).to_csv('data.csv', index=False).",
    ".parquet": "is a Parquet file. Give the DataFrame of pandas.read_parquet (data.from_table), or save it as CSV.",
    ".feather": "is a Feather file. Give the DataFrame of pandas.read_feather (data.from_table), or save it as CSV.",
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".ods"), _SHEET),
    **dict.fromkeys(
        (".pkl", ".pickle", ".pt", ".pth", ".joblib"),
        "is a pickle, which can run code when it is opened, so none is read. Save the arrays as .npz with x_train "
        "and y_train.",
    ),
    ".mat": "is a file of MATLAB. Save its arrays as .npz (scipy.io.loadmat reads them) with x_train and y_train.",
}
"""What to do with files of other programs, by their endings."""

registry: dict[str, Format] = {}
"""The formats by name, in the order of recognition."""


def register(new: Format, *, before: str | None = None) -> Format:
    """Add a format, so that `data.load`, `data.check`, training and `predict` read its files.

    Args:
        new: the format.
        before: name of the format that this one precedes; None: this one is the last.

    Raises:
        ConfigurationError: the name is taken, or `before` is unknown.
    """
    if new.name in registry:
        raise ConfigurationError(f"format {new.name!r}: expected a new name; a format of this name is registered.")
    if before is not None and before not in registry:
        raise ConfigurationError(unknown_name("format", before, registry))
    listed = list(registry.values())
    listed.insert(list(registry).index(before) if before is not None else len(listed), new)
    registry.clear()
    registry.update({known.name: known for known in listed})
    return new


register(events.FORMAT)
register(npz.FORMAT)
register(series.FORMAT)
register(text.FORMAT)
register(table.FORMAT)
register(idx.FORMAT)
register(event_folder.FORMAT)
register(image_folder.FORMAT)


def find(path: Path, task: str | None = None) -> Format:
    """The format of an existing file or folder.

    Args:
        path: file or folder.
        task: what the user wants to use it for; decides where several formats could read it.

    Raises:
        DataError: no format recognises it.
        ConfigurationError: none reads it for this task.
    """
    if not (path.is_file() or path.is_dir()):
        raise DataError(f"{path}: expected a file or a folder, received a pipe, a device or a socket.")
    known = [format for format in registry.values() if format.recognises(path)]
    requested = [format for format in registry.values() if format.on_request and path.is_file()]
    fitting = [format for format in [*known, *requested] if task is None or format.task == task]
    if known and task is None:
        return known[0]
    if fitting and task is not None:
        return fitting[0]
    if known and task is not None:
        tasks = dict.fromkeys(format.task for format in [*known, *requested])
        raise ConfigurationError(unknown_name(f"task for {known[0].summary}", task, tasks))
    if path.is_file() and (hint := image_folder.instead(path)):
        raise DataError(f"{path}: {hint}")
    if path.is_file() and (advice := ADVICE.get(path.suffix.lower())):
        raise DataError(f"{path}: {advice}")
    endings = dict.fromkeys(f".{ending.split('.')[1]}" for format in registry.values() for ending in format.endings)
    folders = [format.summary for format in registry.values() if not format.endings]
    raise DataError(
        f"{path}: expected a file that ends with {', '.join(endings)} (tables and texts also packed, such as .csv.gz), "
        f"or {', or '.join(folders)}."
    )


def likely(path: Path, task: str | None = None) -> list[Format]:
    """Formats that a path could be of, whether or not it exists; used where its options are listed."""
    try:
        if exists(path):
            return [find(path, task)]
    except (ConfigurationError, DataError, OSError):
        return []
    if task is not None:
        return [format for format in registry.values() if format.task == task]
    return [format for format in registry.values() if format.endings and format.has_ending(path)]


def for_inputs(path: Path, kind: str) -> Format | None:
    """The format that reads stimuli for a network from a file or folder; None if there is none.

    Args:
        path: an existing file or folder.
        kind: of the schema of the training; of a folder it decides before its content does.
    """
    if path.is_dir():
        folders = [format for format in registry.values() if format.input_folders]
        same = [format for format in folders if format.task == kind]
        return next((format for format in (*same, *folders) if format in same or format.recognises(path)), None)
    name = path.name.lower()
    fitting = [
        (len(ending), format)
        for format in registry.values()
        if format.inputs is not None
        for ending in format.input_endings
        if name.endswith(ending)
    ]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None
