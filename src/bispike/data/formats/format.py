"""What a file format is: how its files are recognised, how one becomes a data set, and stimuli for a network.

A new format is one file in this folder with a `Format`, and one line in `formats/__init__.py`; or, outside the
library, one call of `register`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError
from ..dataset import Dataset
from ..memory_limit import Room
from ..option import Option, problems
from ..schema import Inputs, Schema

MANY_CLASSES = 4096
"""As many classes are compared with the limit of memory; fewer always have room."""


@dataclass(frozen=True)
class Format:
    """A file format of data sets.

    Args:
        name: unique, for example "npz".
        summary: what such a file or folder is, with its article, for messages ("a table").
        read: called with the path, the keyword `like` (the schema of a training, by which the data are read, or None)
            and the options by keyword; returns the data set, with its schema, or raises `DataError`.
        options: keywords of `read`.
        endings: lower-case endings of file names by which the format is recognised, such as ".csv.gz".
        belongs: whether a path is of this format, by more than its ending; None: the ending alone decides.
        task: name under which users ask for this format where several could read a file.
        on_request: whether files of any ending are read where the user names the task.
        inputs: reads stimuli for a trained network from one file (`bispike predict`); None: not from such files. It is
            called with the path and the schema of the training, whose method for the form of the content it calls, and
            with the keyword `memory_limit` where the user gives one.
        input_endings: endings that `inputs` reads; the longest one that fits a file decides, "" fits every file.
        input_folders: whether `inputs` reads folders too, those that the format recognises.
    """

    name: str
    summary: str
    read: Callable[..., Dataset]
    options: tuple[Option, ...] = ()
    endings: tuple[str, ...] = ()
    belongs: Callable[[Path], bool] | None = None
    task: str = "classification"
    on_request: bool = False
    inputs: Callable[..., Inputs] | None = None
    input_endings: tuple[str, ...] = ()
    input_folders: bool = False

    def has_ending(self, path: Path) -> bool:
        """Whether the name of a path has one of the endings."""
        return path.name.lower().endswith(self.endings)

    def recognises(self, path: Path) -> bool:
        """Whether an existing file or folder is of this format."""
        if self.endings and not (path.is_file() and self.has_ending(path)):
            return False
        return self.belongs(path) if self.belongs is not None else bool(self.endings)

    def load(self, path: Path, *, like: Schema | None = None, **options: Any) -> Dataset:
        """The data set at a path, read as in a training if its schema is given.

        Raises:
            ConfigurationError: unknown options or wrong values, all of them together.
            DataError: the file is damaged or unsound, or has more classes than the memory for their decisions allows.
        """
        if wrong := problems(self.options, options, of=path.name):
            raise ConfigurationError(wrong)
        found = self.read(path, like=like, **options)
        if found.concept.classes > MANY_CLASSES:
            Room.of(path, options.get("memory_limit")).expect_classes(found.concept.classes)
        return found
