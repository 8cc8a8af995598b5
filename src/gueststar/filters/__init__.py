"""Filters: a batch of alerts in, a mask out that says which of them somebody wants.

One kind a file: an SQL expression (:mod:`gueststar.filters.sql`), a plain Python function
(:mod:`gueststar.filters.python`). See ``docs/filters.md``.
"""

from __future__ import annotations

import re

from gueststar import registry
from gueststar.contracts import Filter
from gueststar.errors import BadInput

__all__ = ["make_filter"]


def make_filter(name: str, kind: str, text: str) -> Filter:
    """Make a filter of a registered kind.

    Parameters
    ----------
    name : str
        Lower-case letters, digits and underscores.
    kind : str
        ``sql``, ``python``, or what another package has registered in ``gueststar.filters``.
    text : str
        What the kind makes a filter of: an expression, or ``package.module:function``.

    Raises
    ------
    BadInput
        If the name or the text cannot be.
    BadModule
        If nothing of this kind is registered.

    Examples
    --------
    >>> make_filter("bright", "sql", "mag < 18").needs
    ('flux',)
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise BadInput(f"filter name {name!r} must be lower-case letters, digits and _")
    made: Filter = registry.load("filters", kind)(name, text)
    return made
