"""Tables of a TOML file into dataclasses; what cannot be is told with the nearest that can."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from datetime import date
from typing import Any

from gueststar.errors import BadInput, did_you_mean

#: A number of things: one at least.
Count = int


def made(kind: type, given: Any, place: str) -> Any:
    """Make a dataclass of a table.

    Values that begin with ``$`` are taken from the environment.

    Parameters
    ----------
    kind : type
        A dataclass with fields of text, numbers, tuples and mappings of text.
    given : Any
        What stands in the file.
    place : str
        For error messages.

    Raises
    ------
    BadInput
        If a key is unknown, missing or of another type.
    """
    known = {f.name: f for f in fields(kind)}
    for name in table(given, place):
        if name not in known:
            raise BadInput(f"{place} has no {name!r}.{did_you_mean(name, known)}")
    lacking = [name for name, f in known.items() if _is_needed(f) and name not in given]
    if lacking:
        raise BadInput(f"{place} lacks {', '.join(map(repr, lacking))}")
    return kind(
        **{name: _typed(str(known[name].type), value, place, name) for name, value in given.items()}
    )


def table(given: Any, place: str) -> Mapping[str, Any]:
    """Return a table, or say that it should be one."""
    if not isinstance(given, Mapping):
        raise BadInput(f"{place} should be a table, not {given!r}")
    return given


def tables(given: Any, place: str) -> list[tuple[Mapping[str, Any], str]]:
    """Return the tables of ``[[name]]``, or the one of ``[name]``, each with its place.

    Parameters
    ----------
    given : Any
        What stands in the file.
    place : str
        ``broker.toml: [source]``.
    """
    if not isinstance(given, list):
        return [(table(given, place), place)]
    numbered = [(item, f"{place} {number}") for number, item in enumerate(given, 1)]
    return [(table(item, where), where) for item, where in numbered]


def _is_needed(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _typed(kind: str, value: Any, place: str, name: str) -> Any:
    """Turn a value of TOML into one of a field, or say what it should be."""
    where = f"{place}: {name!r}"
    words, read = _KINDS[kind.split(" ")[0]]
    given = read(value, where)
    if given is None:
        raise BadInput(f"{where} cannot be {value!r}: it should be {words}")
    return given


def _int(value: Any, place: str) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _count(value: Any, place: str) -> int | None:
    return value if type(value) is int and value >= 1 else None


def _str(value: Any, place: str) -> str | None:
    return text(value, place) if type(value) in (str, int) or isinstance(value, date) else None


def _texts(value: Any, place: str) -> tuple[str, ...] | None:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(item, str) for item in names):
        return None
    return tuple(secret(item, place) for item in names)


def _mapping(value: Any, place: str) -> dict[str, str]:
    return {key: text(item, f"{place} {key!r}") for key, item in table(value, place).items()}


#: By the first word of a field's annotation: how it is called, and what reads it.
_KINDS: dict[str, tuple[str, Callable[[Any, str], Any]]] = {
    "int": ("a whole number", _int),
    "Count": ("a whole number, at least 1", _count),
    "str": ("a text", _str),
    "tuple[str,": ("a list of texts", _texts),
    "Mapping[str,": ("a table of texts", _mapping),
}


def text(value: Any, place: str) -> str:
    """Return a text, number or truth as the text that a library wants."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):  # a time of TOML
        return value.isoformat()
    if isinstance(value, str | int | float):
        return secret(str(value), place)
    raise BadInput(f"{place} cannot be {value!r}: it should be a text or a number")


def secret(value: str, place: str) -> str:
    """Return a value, taken from the environment if it begins with ``$``."""
    if not value.startswith("$"):
        return value
    if value[1:] not in os.environ:
        raise BadInput(f"{place} is {value}, which is not in the environment")
    return os.environ[value[1:]]
