"""Names of folders that say which part of a data set they hold."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORDS = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
_ROLES = {
    word + tail: role for role, words in _WORDS.items() for word in words for tail in ("", "set", "data", "images")
}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")


def role_of(name: str) -> str | None:
    """ "train", "validation" or "test" if a name says so and nothing else."""
    return _ROLES.get(re.sub(r"[\s_\-\d]", "", name.lower()))


def roles_of(names: Iterable[str]) -> dict[str, str]:
    """Roles of the folders in one folder, by name.

    Where none is called "train", names such as `seg_train` and `seg_test` are the parts: they differ in that word only.
    """
    names = list(names)
    found = {name: role for name in names if (role := role_of(name))}
    if "train" in found.values():
        return found
    groups: dict[tuple[str, ...], dict[str, str]] = {}
    for name in names:
        words = [word.lower() for word in _WORD.findall(name)]
        roles = [role for word in words if (role := _ROLES.get(word))]
        if len(roles) == 1 and len(words) > 1:
            groups.setdefault(tuple(word for word in words if word not in _ROLES), {})[name] = roles[0]
    parts = [group for group in groups.values() if "train" in group.values() and len({*group.values()}) > 1]
    return found | {name: role for group in parts for name, role in group.items()}
