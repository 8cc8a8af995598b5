"""Surveys: packet bytes in, alerts in one vocabulary out. The only home of survey field names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Protocol

import pyarrow as pa

from gueststar import registry
from gueststar.surveys.stamps import StampGeometry


class Survey(Protocol):
    """Turns the records of one survey into the vocabulary.

    A package adds one by the entry point group ``gueststar.surveys``; the object named there is
    called without arguments and returns the survey.
    """

    @property
    def name(self) -> str:
        """Value of the ``survey`` column."""
        ...

    @property
    def detection(self) -> str:
        """Field of a record that holds the detection which the alert is about."""
        ...

    @property
    def ids(self) -> tuple[str, ...]:
        """Fields, wherever they stand, that hold ids: whole numbers too large for JSON."""
        ...

    @property
    def has_programs(self) -> bool:
        """Whether alerts and points belong to programs that not everybody may see."""
        ...

    @property
    def site(self) -> str | None:
        """From where it looks, a name of :data:`gueststar.sites.SITES`; None: not from one."""
        ...

    def recognises(self, fields: Iterable[str]) -> bool:
        """Tell from the names of a record's fields whether it is this survey's."""
        ...

    def alerts(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return :data:`~gueststar.surveys.columns.ALERT_COLUMNS` and ``native``, same rows."""
        ...

    def seen(self, native: pa.StructArray, programs: frozenset[int]) -> pa.StructArray:
        """Return records without what belongs to other programs than these, same rows."""
        ...


@cache
def surveys() -> dict[str, Survey]:
    """All surveys that are installed, by name.

    Examples
    --------
    >>> sorted(surveys())
    ['lsst', 'ztf']
    """
    return {name: registry.load("surveys", name)() for name in registry.names("surveys")}


def recognise(fields: Iterable[str]) -> Survey | None:
    """Return the survey that a record with these fields comes from; None for a stranger.

    Examples
    --------
    >>> recognise(["objectId", "candid", "candidate"]).name
    'ztf'
    >>> recognise(["temperature"])
    """
    names = list(fields)
    return next((s for s in surveys().values() if s.recognises(names)), None)


@cache
def with_programs() -> tuple[str, ...]:
    """Names of the surveys whose data belong to programs.

    Examples
    --------
    >>> with_programs()
    ('ztf',)
    """
    return tuple(sorted(name for name, survey in surveys().items() if survey.has_programs))


def seen(native: pa.StructArray, programs: frozenset[int]) -> pa.StructArray:
    """Return survey records without what belongs to other programs than these, same rows.

    Records of a stranger are returned as they are: nothing is known of their parts.
    """
    survey = recognise(field.name for field in native.type)
    return native if survey is None else survey.seen(native, programs)


def detection_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a survey's own record that the alert is about; empty for a stranger.

    Examples
    --------
    >>> detection_of({"objectId": "ZTF18abc", "candid": 1, "candidate": {"fid": 2}})
    {'fid': 2}
    """
    survey = recognise(record)
    return dict(record.get(survey.detection) or {}) if survey else {}


def stamp_geometry(survey: str) -> StampGeometry:
    """Return what is known of a survey's stamps where their headers are silent.

    A survey says it by its attribute ``stamps``, which it need not have.

    Examples
    --------
    >>> stamp_geometry("ztf").pixel, stamp_geometry("nobody").pixel
    (1.01, None)
    """
    return getattr(surveys().get(survey), "stamps", StampGeometry())


@cache
def id_names() -> frozenset[str]:
    """Names of the fields of all surveys that hold ids.

    Examples
    --------
    >>> "candid" in id_names()
    True
    """
    return frozenset(name for survey in surveys().values() for name in survey.ids)
