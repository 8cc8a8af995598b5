"""What is to be exported: which view, and which of its rows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from gueststar.errors import BadInput, did_you_mean
from gueststar.store.selection import AlertSelection, ObjectSelection

WHAT = ("alerts", "objects", "lightcurves", "scores")
ROWS = "rows"  # of an SQL query, as they are

_OF_ALERTS = tuple(field.name for field in fields(AlertSelection))
_OF_OBJECTS = tuple(field.name for field in fields(ObjectSelection))


@dataclass(frozen=True)
class Wanted:
    """What is to be exported; made by :meth:`of`.

    Parameters
    ----------
    what : str
        ``alerts``, ``objects``, ``lightcurves`` or ``scores``; or ``rows``, those of ``sql``.
    alerts : AlertSelection or None
        Alerts, or those whose objects are wanted; None where conditions speak of objects alone.
    objects : ObjectSelection or None
        Objects; None where alerts select them.
    sql : str or None
        A SELECT whose column ``alert_id`` or ``object_id`` selects, or whose rows are wanted.
    conditions : tuple of (str, object)
        As they were given, for the file's own description.
    """

    what: str
    alerts: AlertSelection | None
    objects: ObjectSelection | None
    sql: str | None
    conditions: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def of(cls, what: str | None = None, *, sql: str | None = None, **conditions: Any) -> Wanted:
        """Check what is asked for.

        Parameters
        ----------
        what : str, optional
            Default ``alerts``; with ``sql`` the rows of the query themselves.
        sql : str, optional
            See :class:`Wanted`.
        **conditions
            Of :class:`~gueststar.store.selection.AlertSelection`, and for objects and light
            curves those of :class:`~gueststar.store.selection.ObjectSelection`. Objects that
            conditions on alerts select are those with such an alert. None asks for nothing.

        Raises
        ------
        BadInput
            If there is no such view or condition, or they cannot stand together.
        """
        if what is not None and what not in WHAT:
            raise BadInput(f"what: {what!r} cannot be exported.{did_you_mean(what, WHAT)}")
        given = {name: value for name, value in conditions.items() if value is not None}
        known = sorted({*_OF_ALERTS, *_OF_OBJECTS})
        for name in given:
            if name not in known:
                raise BadInput(f"{name!r} is no condition here.{did_you_mean(name, known)}")
        listed = tuple(given.items())
        if sql is not None:
            if given:
                raise BadInput(f"sql: it selects alone: put {', '.join(given)} into the query")
            return cls(what or ROWS, None, None, sql)
        if what in ("objects", "lightcurves"):
            return cls(what, *_for_objects(given), None, listed)
        _refuse(
            given, _OF_ALERTS, f"of objects; {what or 'alerts'} are selected by those of alerts"
        )
        return cls(what or "alerts", AlertSelection(**given), None, None, listed)


def _for_objects(
    given: dict[str, Any],
) -> tuple[AlertSelection | None, ObjectSelection | None]:
    """Return conditions on objects, if these are all; else on alerts."""
    of_alerts = [name for name in given if name not in _OF_OBJECTS]
    if not of_alerts:
        return None, ObjectSelection(**given)
    _refuse(given, _OF_ALERTS, f"of objects, but {', '.join(of_alerts)} of alerts: give one kind")
    return AlertSelection(**given), None


def _refuse(given: dict[str, Any], known: tuple[str, ...], why: str) -> None:
    others = [name for name in given if name not in known]
    if others:
        raise BadInput(f"{others[0]}: {', '.join(others)} is a condition {why}")
