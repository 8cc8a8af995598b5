"""Finds modules, surveys, sources, sinks and kinds of filters by entry point; the built-ins, too.

A package adds a science module with::

    [project.entry-points."gueststar.modules"]
    mymodule = "mypackage.module:MyModule"

The object named must be callable without arguments and return the module. That of a kind of
filter (``gueststar.filters``) is called with the filter's name and its text.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from gueststar.errors import BadModule, did_you_mean

GROUPS = ("modules", "surveys", "sources", "sinks", "filters")


@cache
def _points(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"gueststar.{group}")}


def names(group: str) -> tuple[str, ...]:
    """Names that are registered in a group, sorted.

    Parameters
    ----------
    group : {'modules', 'surveys', 'sources', 'sinks', 'filters'}

    Examples
    --------
    >>> names("surveys")
    ('lsst', 'ztf')
    """
    return tuple(sorted(_points(group)))


def load(group: str, name: str) -> Any:
    """Import what is registered under a name: a class or a factory.

    Raises
    ------
    BadModule
        If the name is unknown (the message lists the names), or its package cannot be imported.
    """
    try:
        point = _points(group)[name]
    except KeyError:
        hint = did_you_mean(name, _points(group))
        raise BadModule(f"nothing named {name!r} in gueststar.{group}.{hint}") from None
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise BadModule(f"{name!r} ({point.value}) cannot be imported: {error}") from error
