"""The layout of a folder of images: which folders are the training, validation and test part, and which the classes.

    photos/cat/1.png            photos/train/cat/1.png      photos/archive/Training/cat/1.png
    photos/dog/2.jpg            photos/val/cat/5.png        photos/archive/Testing/cat/9.png
                                photos/test/cat/9.png

What could mean two things is refused with the path or the change that decides it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import DataError
from ..readers.image_files import composed, files_in, folders_in, has_images, is_image
from ..readers.part_names import role_of, roles_of

_WRAPPERS = frozenset(
    {"image", "images", "imgs", "img", "data", "dataset", "datasets", "archive", "pictures", "photos", "raw", "all"}
    | {"files", "input"}
)
"""Names of folders that are no classes but hold them."""
_UNLABELLED = frozenset({"images", "image", "unknown", "unlabelled", "unlabeled", "all", "test", "none"})
"""Names of the single folder of a part whose images have no classes."""
_TABLES = (".csv", ".tsv", ".txt", ".json", ".xlsx", ".xls", ".parquet", ".mat")
_DEEPEST = 6


@dataclass
class Layout:
    """Where the parts of a set are.

    Args:
        root: folder that holds the parts, or the classes.
        train: folder whose folders are the classes.
        validation, test: folders with folders of the same classes; None: there is none.
        notes: what was decided, one sentence each.
    """

    root: Path
    train: Path
    validation: Path | None = None
    test: Path | None = None
    notes: list[str] = field(default_factory=list)


def find_layout(path: Path, known: Sequence[str] = ()) -> Layout:
    """The layout of a folder.

    Args:
        path: the folder.
        known: names of the classes of a training, if the folder is read by its schema.

    Raises:
        DataError: no folders of classes, or a layout that could mean two things.
    """
    found = _unwrap(path, known)
    layout = _layout(found, known)
    if found != path:
        layout.notes.insert(0, f"the data set is the folder {found.relative_to(path)} of {path.name or path}.")
    return layout


def class_folders(part: Path) -> dict[str, Path]:
    """The folders of a part by the names of their classes, sorted.

    Raises:
        DataError: two folders of one name.
    """
    folders = folders_in(part)
    names = composed(folder.name for folder in folders)
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"{part}: two folders are called {twice[0]!r}, in different Unicode forms. Rename one of them.")
    return dict(sorted(zip(names, folders, strict=True)))


# ------------------------------------------------------------------ parts


def _layout(path: Path, known: Sequence[str]) -> Layout:
    folders = folders_in(path)
    named = roles_of(folder.name for folder in folders if not _in(folder, known))
    roles = {folder: named[folder.name] for folder in folders if folder.name in named}
    train = _only(path, [folder for folder, role in roles.items() if role == "train"], "training")
    rest = [folder for folder in folders if folder not in roles]
    with_images = [folder for folder in rest if has_images(folder)]
    if train is None:
        if len(roles) > 1 and not with_images:
            raise DataError(
                f"{path}: found {_listed(roles)} but no folder for training. Call it 'train', or rename these folders "
                "if they are classes."
            )
        _expect_parts_above_classes(path, folders)
        return Layout(path, path)
    inner = [folder for folder in folders_in(train) if has_images(folder)]
    if with_images and not inner:
        return Layout(path, path)  # a class that is called so
    if not inner:
        raise DataError(
            f"{train}: expected one folder of images per class, but {_loose(train)}",
            *(_advice(train) or ["If the folders here are classes themselves, rename this one."]),
        )
    if with_images and len(roles) == 1:
        raise DataError(
            f"{path}: cannot tell whether {train.name!r} is the training part, since {_listed(with_images)} hold images"
            f" too. Give the path {train}, or rename the folder if it is a class."
        )
    layout = Layout(path, _unwrap(train, known))
    if with_images:
        layout.notes.append(f"folders left out, which are no part: {_listed(with_images)}.")
    for role in ("validation", "test"):
        part = _only(path, [folder for folder, one in roles.items() if one == role], role)
        if part is not None:
            setattr(layout, role, _labelled(part, layout))
    if layout.test is None and layout.validation is not None:
        layout.test, layout.validation = layout.validation, None
        layout.notes.append(f"no folder is called 'test', so {layout.test.name!r} is the test part.")
    return layout


def _labelled(part: Path, layout: Layout) -> Path | None:
    """The folder of a part whose folders are classes; None, with a note, if its images are in no class."""
    found = _unwrap(part, ())
    inner = [folder for folder in folders_in(found) if has_images(folder)]
    known = class_folders(layout.train)
    names = composed(folder.name for folder in inner)
    odd = len(names) == 1 and names[0] not in known and names[0].lower() in _UNLABELLED
    if names and not odd:
        return found
    what = "images without classes" if odd or _loose_images(found) else "no images"
    layout.notes.append(f"the folder {part.name!r} holds {what} and is not used.")
    return None


def _only(path: Path, parts: Sequence[Path], role: str) -> Path | None:
    if len(parts) > 1:
        raise DataError(
            f"{path}: {_listed(parts)} could each be the {role} part. Keep one of them, or rename the other."
        )
    return parts[0] if parts else None


def _expect_parts_above_classes(path: Path, folders: Sequence[Path]) -> None:
    """Refuse classes that hold training and test folders of their own, whose images would be mixed."""
    for folder in folders:
        inner = folders_in(folder)
        roles = [role_of(one.name) for one in inner]
        if len(inner) > 1 and None not in roles and "train" in roles:
            raise DataError(
                f"{folder}: holds {_listed(inner)}, so the test images would be learned. Expected parts above classes: "
                f"{path.name}/train/{folder.name}, {path.name}/test/{folder.name}."
            )


# ------------------------------------------------------------------ one level too high


def _unwrap(path: Path, known: Sequence[str]) -> Path:
    """The folder that holds the parts or the classes: the given one, or one below if it holds nothing else.

    Raises:
        DataError: a single folder that could be a class or hold the classes.
    """
    for _ in range(_DEEPEST):
        folders = folders_in(path)
        filled = [folder for folder in folders if has_images(folder)]
        if len(filled) != 1 or _loose_images(path) or any(_in(folder, known) for folder in folders):
            return path
        inner = filled[0]
        below = [folder for folder in folders_in(inner) if has_images(folder)]
        part_of_set = role_of(inner.name) is not None and role_of(path.name) is None
        if part_of_set or not below or _loose_images(inner):
            return path
        parts = any(role_of(folder.name) == "train" for folder in below)
        if not (parts or len(below) == 1 or _is_wrapper(inner, path)):
            if len(folders) > 1:
                return path
            raise DataError(
                f"{path}: expected at least 2 class folders, found only {inner.name!r}, which holds {_listed(below)}. "
                f"If these are the classes, give the path {inner}."
            )
        path = inner
    return path


def _is_wrapper(inner: Path, outer: Path) -> bool:
    """Whether the name of a folder says that it is no class but holds the classes."""
    same_role = role_of(inner.name) is not None and role_of(inner.name) == role_of(outer.name)
    return same_role or inner.name.lower() in _WRAPPERS or inner.name.lower() == outer.name.lower()


def _in(folder: Path, known: Sequence[str]) -> bool:
    """Whether a folder is one of the classes of a training."""
    return bool(known) and composed([folder.name])[0] in known


def _loose_images(path: Path) -> list[Path]:
    return [file for file in files_in(path) if is_image(file)]


# ------------------------------------------------------------------ images that are in no class


def expect_classes(part: Path, classes: Sequence[str], known: Sequence[str] = ()) -> None:
    """Refuse a part without folders, or with a single one.

    Raises:
        DataError: what is there instead, and what to do.
    """
    if not classes:
        raise DataError(f"{part}: expected one folder of images per class, but {_loose(part)}", *_advice(part))
    if len(classes) == 1 and not known:
        raise DataError(f"{part}: expected at least 2 class folders, found only {classes[0]!r}.")


def _loose(part: Path) -> str:
    return "its images are not in folders." if _loose_images(part) else "it contains no folders."


def _advice(part: Path) -> list[str]:
    """What to do with images that lie side by side: their classes may be in their names, or in a table."""
    files = files_in(part)
    images = [file for file in files if is_image(file)]
    if not images:
        return []
    tables = [file.name for file in (*files, *files_in(part.parent)) if file.suffix.lower() in _TABLES]
    starts = [re.match(r"[^\W\d_]+(?=[\W\d_])", file.name) for file in images]
    names = sorted({start.group() for start in starts if start})
    if all(starts) and 2 <= len(names) <= max(2, len(images) // 2):
        return [
            f"Their names begin with {', '.join(names[:5])}: move each image into a folder of its class, such as "
            f"{names[0]}/{next(file.name for file in images if file.name.startswith(names[0]))}."
        ]
    if tables:
        return [f"{tables[0]} may hold their classes: move each image into a folder that is named like its class."]
    return ["Move each image into a folder that is named like its class."]


def _listed(folders: Sequence[Path] | dict[Path, str]) -> str:
    names = [folder.name for folder in folders]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
