"""Checks of arguments: a public function names each argument that has another type than its annotation says.

    @checked
    def angle_between(a: Tensor, b: Tensor) -> float: ...

    angle_between(x, 3)      # angle_between: b: expected a tensor, received 3.

A type hint alone stops nobody: a wrong value fails somewhere inside, in words of another library. What a value has to
be beyond its type (a shape, a range) is checked by the function itself, or by `whole` and `number`.

A bool is no number, 2.0 is no whole number, NaN is no number, and a class does not stand for its instances. A scalar of
numpy is handed on as a plain number, text or truth value: torch and JSON take no others.
"""

from __future__ import annotations

import collections.abc
import inspect
import math
import reprlib
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from numbers import Integral, Real
from typing import Any, TypeVar

from .errors import ConfigurationError

F = TypeVar("F", bound=Callable[..., Any])
Fits = Callable[[Any], bool]
Wanted = tuple[Fits, str]
"""Whether a value has a type, and the type in words for messages."""

NUMPY_BOOLS = ("bool_", "bool")
"""Names of the type of truth values of numpy, which is not imported for its sake."""
LONGEST = 80
"""Characters of a received value in a message."""


def checked(function: F) -> F:
    """Decorator: arguments of another type than their annotation says raise a ConfigurationError that names them all.

    Annotations are read at the first call. An annotation that names no type that is known there is not checked.
    """
    expected: dict[str, Wanted] = {}
    fits: list[tuple[str, Fits]] = []

    def prepare() -> None:
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                continue
            wanted = _wanted(_resolved(parameter.annotation, function))
            if wanted is not None and parameter.kind is not parameter.VAR_POSITIONAL:
                expected[parameter.name] = wanted
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
                fits.append((parameter.name, wanted[0] if wanted else _anything))

    @wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        if not fits and not expected:
            prepare()
        if not _PLAIN.issuperset(map(type, args)):
            args = tuple(_without_numpy(value) for value in args)
        if not _PLAIN.issuperset(map(type, named.values())):
            named = {name: _without_numpy(value) for name, value in named.items()}
        for (_, fit), value in zip(fits, args, strict=False):
            if not fit(value):
                break
        else:
            for name, value in named.items():
                if name in expected and not expected[name][0](value):
                    break
            else:
                return function(*args, **named)
        given = {name: value for (name, _), value in zip(fits, args, strict=False)} | named
        wrong = {name: value for name, value in given.items() if name in expected and not expected[name][0](value)}
        who = _who(function)
        raise ConfigurationError(
            [
                f"{who}{name}: expected {expected[name][1]}, received {shown(value)}.{_maker(expected[name][1], value)}"
                for name, value in wrong.items()
            ]
        )

    return typing.cast(F, call)


def expect(name: str, value: Any, kind: type | tuple[type, ...], words: str) -> None:
    """Check that a value is an instance of a class.

    Args:
        name: of the argument.
        value: as received.
        kind: the class or classes.
        words: what is expected, with its article.

    Raises:
        ConfigurationError: it is something else.
    """
    if not isinstance(value, kind):
        raise ConfigurationError(f"{name}: expected {words}, received {shown(value)}.")


def switch(name: str, value: Any) -> bool:
    """A truth value, as a bool.

    Raises:
        ConfigurationError: it is something else.
    """
    if not is_switch(value):
        raise ConfigurationError(f"{name}: expected true or false, received {shown(value)}.")
    return bool(value)


def whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """A whole number in a range, as an int.

    Raises:
        ConfigurationError: it is something else.
    """
    if not is_whole(value) or value < least or (most is not None and value > most):
        limits = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ConfigurationError(f"{name}: expected a whole number {limits}, received {shown(value)}.")
    return int(value)


def number(name: str, value: Any, least: float, most: float = math.inf) -> float:
    """A finite number in a range, as a float.

    Raises:
        ConfigurationError: it is something else.
    """
    if not is_number(value) or not least <= value <= most or math.isinf(value):
        limits = f"of at least {least}" if most == math.inf else f"from {least} to {most}"
        raise ConfigurationError(f"{name}: expected a finite number {limits}, received {shown(value)}.")
    return float(value)


def wholes(name: str, value: Any, least: int = 1, *, empty: bool = False, most: int = 100_000) -> list[int]:
    """A list of whole numbers, each at least `least`, as a list of int.

    Args:
        name: of the argument.
        value: as received.
        least: the smallest number.
        empty: whether the list may be empty.
        most: the largest length.

    Raises:
        ConfigurationError: it is something else.
    """
    sound = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    if not sound or not all(is_whole(one) and one >= least for one in value) or not (empty or len(value)):
        some = "" if empty else "one or more "
        raise ConfigurationError(
            f"{name}: expected a list of {some}whole numbers of at least {least}, such as [256, 128], received "
            f"{shown(value)}."
        )
    if len(value) > most:
        raise ConfigurationError(f"{name}: expected at most {most:,} numbers, received {len(value):,}.")
    return [int(one) for one in value]


def pair(name: str, item: Any, words: str = "a stimulus and its label") -> tuple[Any, Any]:
    """The two parts of an item of a stream.

    Raises:
        ConfigurationError: it is no pair.
    """
    if not isinstance(item, (tuple, list)) or len(item) != 2:
        raise ConfigurationError(f"{name}: expected pairs of {words}, received {shown(item)}.")
    return item[0], item[1]


def problems(*checks: Callable[[], object]) -> list[str]:
    """What several checks find, so that all of it is listed together; empty if nothing is wrong."""
    found: list[str] = []
    for check in checks:
        try:
            check()
        except ConfigurationError as error:
            found += error.problems
    return found


def raise_problems(*checks: Callable[[], object]) -> None:
    """Run several checks.

    Raises:
        ConfigurationError: everything that they find.
    """
    found = problems(*checks)
    if found:
        raise ConfigurationError(found)


def plain(value: Any) -> Any:
    """Scalars of numpy as plain numbers, texts or truth values, also in dicts and lists; tuples become lists."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.item() if hasattr(value, "dtype") and getattr(value, "shape", None) == () else value


def with_article(name: str) -> str:
    """A noun with "a" or "an" before it."""
    return f"{'an' if name[:1].lower() in set('aeiou') or name == 'ndarray' else 'a'} {name}"


def shown(value: Any) -> str:
    """A value in a message: short, and an array by its type and shape."""
    if inspect.isclass(value):
        return f"the class {value.__name__} itself"
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        kind = "a tensor" if type(value).__name__ in ("Tensor", "Parameter") else with_article(type(value).__name__)
        size = [*value.shape]
        found = f"{kind} of {str(value.dtype).removeprefix('torch.')} and shape {size}"
        return repr(value.item()) if kind != "a tensor" and not size else found
    if value is None or isinstance(value, str | bytes | int | float | complex | list | tuple | dict | set):
        text = _SHORT.repr(value)
        return text if len(text) <= 2 * LONGEST else f"{text[: 2 * LONGEST]}..."
    return with_article(type(value).__name__)


class _Short(reprlib.Repr):
    """Texts, numbers and lists, cut to a readable length at any depth."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = LONGEST
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = 12
        self.maxlevel = 4

    def repr_int(self, x: int, level: int) -> str:
        digits = int(abs(x).bit_length() * math.log10(2))
        return repr(x) if digits < 40 else f"a number of about {digits + 1} digits"


_SHORT = _Short()


def _who(function: Callable[..., Any]) -> str:
    """The name that the messages of a function begin with: that of the class for a constructor."""
    names = function.__qualname__.split(".")
    return f"{names[-2] if names[-1] == '__init__' else names[-1]}: "


def _resolved(annotation: Any, function: Callable[..., Any]) -> Any:
    """The type that an annotation stands for; Any where it names what only type checkers import."""
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(
            annotation, inspect.unwrap(function).__globals__
        )  # the text of an annotation in the source of the function
    except NameError:
        return Any


def _wanted(hint: Any) -> Wanted | None:
    """The check for a type, and the type in words; None where every value would do."""
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _any_of([_wanted(part) for part in parts])
    if origin is type:
        base = parts[0] if inspect.isclass(parts[0]) else object
        return (lambda value: inspect.isclass(value) and issubclass(value, base)), f"a subclass of {base.__name__}"
    if origin is collections.abc.Callable or hint is collections.abc.Callable:
        return callable, "a function"
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return (lambda value: isinstance(value, origin)), "a dict"
    if inspect.isclass(origin) and issubclass(origin, Sequence):
        return _items(origin, parts)
    if inspect.isclass(origin) and origin is not typing.Annotated:
        return (lambda value: isinstance(value, origin)), _WORDS.get(
            origin.__name__, f"a value of type {origin.__name__}"
        )
    if (
        not inspect.isclass(hint)
        or hint in (Any, object, inspect.Parameter.empty)
        or getattr(hint, "_is_protocol", False)
    ):
        return None
    return (lambda value: isinstance(value, hint)), _WORDS.get(hint.__name__, with_article(hint.__name__))


def _any_of(found: Sequence[Wanted | None]) -> Wanted | None:
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    checks = [fit for fit, _ in known]
    return (lambda value: any(fit(value) for fit in checks)), " or ".join(dict.fromkeys(words for _, words in known))


def _items(origin: type, parts: tuple[Any, ...]) -> Wanted:
    """A list or tuple with items of a type; a text is none."""
    inner = [_wanted(part) for part in parts if part is not Ellipsis]
    what = _SEVERAL.get(parts[0] if parts else None, "values")
    words = f"a {'tuple' if origin is tuple else 'list'} of {what}"
    same = inner[0][0] if len(inner) == 1 and inner[0] is not None else _anything

    def fit(value: Any) -> bool:
        items: Any = value
        return isinstance(value, origin) and not isinstance(value, str | bytes) and all(same(item) for item in items)

    return fit, words


def _anything(value: Any) -> bool:
    return True


def _without_numpy(value: Any) -> Any:
    if type(value).__module__ == "numpy":
        return value.item() if value.shape == () else value
    if type(value).__module__.startswith("torch"):  # only these: the set must not grow with types that a program makes
        _PLAIN.add(type(value))
    return value


_PLAIN: set[type] = {int, float, bool, str, type(None), list, tuple, dict}
"""Types that are none of numpy: most arguments need no second look."""


def _maker(expected: str, value: Any) -> str:
    """How to make the tensor or list that is expected out of an array."""
    if type(value).__name__ != "ndarray":
        return ""
    ways = (("a tensor", "torch.from_numpy(...) makes one."), ("a list", ".tolist() makes one."))
    return next((f" {how}" for kind, how in ways if kind in expected), "")


def is_switch(value: Any) -> bool:
    """Whether a value is true or false, of Python or of numpy."""
    return isinstance(value, bool) or type(value).__name__ in NUMPY_BOOLS


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number; True is none, and 2.0 is none."""
    return type(value) is int or (isinstance(value, Integral) and not isinstance(value, bool))


def is_number(value: Any) -> bool:
    """Whether a value is a number; True and NaN are none."""
    return (type(value) in (int, float) and value == value) or (
        isinstance(value, Real) and not isinstance(value, bool) and not math.isnan(value)
    )


_SIMPLE: dict[Any, Wanted] = {
    int: (is_whole, "a whole number"),
    float: (is_number, "a number"),
    bool: (is_switch, "true or false"),
    str: (lambda value: isinstance(value, str), "text"),
    None: (lambda value: value is None, "none"),
    type(None): (lambda value: value is None, "none"),
}
_SEVERAL: dict[Any, str] = {int: "whole numbers such as [256, 128]", float: "numbers", str: "texts"}
_WORDS = {
    "Tensor": "a tensor",
    "Parameter": "a parameter",
    "Generator": "a torch.Generator",
    "Network": "a network of bispike.models",
    "StimulusNetwork": "a network for single stimuli",
    "SequenceNetwork": "a recurrent network",
    "Classifier": "a classifier",
    "Autoencoder": "an autoencoder",
    "Rule": "a learning rule",
    "Dataset": "a data set of bispike.data",
    "Split": "a part of a data set",
    "Iterable": "a list, or something else with a loop over its items",
    "PathLike": "a path",
    "Path": "a path",
}
