"""How the survey's own record becomes a tree: scalars first, then structs, then tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gueststar.serve.portal.formats import as_received

Record = Mapping[str, Any]


def scalars(record: Record) -> list[tuple[str, Any]]:
    """Return the values of a record that hold nothing else."""
    return [(name, value) for name, value in record.items() if not _is_nested(value)]


def nested(record: Record) -> list[tuple[str, Any]]:
    """Return the structs and lists of a record."""
    return [(name, value) for name, value in record.items() if _is_nested(value)]


def extent(value: Record | Sequence[Any]) -> str:
    """Say how much a struct or a list holds.

    Examples
    --------
    >>> extent({"a": 1}), extent([1, 2])
    ('1 field', '2 rows')
    """
    unit = "field" if isinstance(value, Mapping) else "row"
    empty = "" if holds(value) else ", all null"
    return f"{len(value)} {unit}{'' if len(value) == 1 else 's'}{empty}"


def holds(value: Record | Sequence[Any]) -> bool:
    """Tell a struct or list that says something from one of nulls.

    Examples
    --------
    >>> holds({"a": None, "b": 0}), holds({"a": None, "b": {"c": None}})
    (True, False)
    """
    parts = value.values() if isinstance(value, Mapping) else value
    return any(holds(one) if _is_nested(one) else one not in (None, [], ()) for one in parts)


def is_table(value: Sequence[Any]) -> bool:
    """Tell a list of records from a list of values."""
    return bool(value) and all(isinstance(one, Mapping) for one in value)


def columns(records: Sequence[Record]) -> list[str]:
    """Return the fields of some records, in the order in which they first appear."""
    return list(dict.fromkeys(name for record in records for name in record))


def searchable(record: Record) -> str:
    """Return one record as the text that the page searches, lower case."""
    return " ".join(f"{name} {as_received(value)}" for name, value in record.items()).lower()


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, Sequence) and not isinstance(value, str | bytes) and len(value) > 0
    )
