"""One alert, or one object, as a line of a table: what the store says, made readable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from gueststar.serve.portal import formats


@dataclass(frozen=True)
class AlertRow:
    """One alert as lists show it; ids are strings, since they exceed what JavaScript can count."""

    alert_id: str
    name: str
    href: str
    survey: str
    band: str | None
    position: str
    time: str
    mjd: str
    change: tuple[str, str, str]
    age: str
    detections: str
    module: str | None
    score: float | None
    reason: str | None
    published: float | None
    mag: float | None
    age_days: float | None

    @property
    def caption(self) -> str:
        """One line under the stamps."""
        sign, text, error = self.change
        spread = f" ±{error}" if error else ""
        return f"{self.time} UTC · {self.band or 'no band'} · {text}{spread} {sign}"


def alert_rows(table: Sequence[Mapping[str, Any]]) -> list[AlertRow]:
    """Make lines of alerts.

    Parameters
    ----------
    table : sequence of mapping
        Rows of the store's view ``alerts``, with ``module``, ``score``, ``reason``,
        ``first_mjd_tai`` and ``n_detections`` where they are known.
    """
    times = formats.utc([row["mjd_tai"] for row in table])
    return [_alert_row(row, time) for row, time in zip(table, times, strict=True)]


def _alert_row(row: Mapping[str, Any], time: str) -> AlertRow:
    first = row.get("first_mjd_tai")
    detections = row.get("n_detections")
    return AlertRow(
        alert_id=str(row["alert_id"]),
        name=row["object_id"] or f"alert {row['alert_id']}",
        href=alert_address(row["object_id"], row["alert_id"]),
        survey=row["survey"],
        band=row["band"],
        position=formats.sexagesimal(row["ra"], row["dec"]),
        time=time,
        mjd=repr(row["mjd_tai"]),
        change=formats.difference(row["flux"], row["flux_err"]),
        age=formats.age(None if first is None else row["mjd_tai"] - first),
        detections=formats.NOTHING if detections is None else f"{detections:,}",
        module=row.get("module"),
        score=row.get("score"),
        reason=row.get("reason"),
        published=row["published_rb"],
        mag=row.get("mag"),
        age_days=None if first is None else row["mjd_tai"] - first,
    )


@dataclass(frozen=True)
class ObjectRow:
    """One object as searches show it."""

    name: str
    href: str
    survey: str
    position: str
    separation: str
    detections: str
    first: str
    last: str
    alert_id: str | None


def object_rows(table: Sequence[Mapping[str, Any]]) -> list[ObjectRow]:
    """Make lines of objects, from rows of the store's ``cone`` or ``find_objects``."""
    first = formats.utc([row["first_mjd_tai"] for row in table])
    last = formats.utc([row["last_mjd_tai"] for row in table])
    return [
        ObjectRow(
            name=row["object_id"],
            href=alert_address(row["object_id"]),
            survey=row["survey"],
            position=formats.sexagesimal(row["ra"], row["dec"]),
            separation=formats.NOTHING
            if row.get("separation_arcsec") is None
            else f"{row['separation_arcsec']:.2f}″",
            detections=f"{row['n_detections']:,}",
            first=one,
            last=other,
            alert_id=None if row.get("alert_id") is None else str(row["alert_id"]),
        )
        for row, one, other in zip(table, first, last, strict=True)
    ]


def alert_address(object_id: str | None, alert_id: int | str | None = None) -> str:
    """Return where an alert is shown: at its object, or alone where it has none.

    Examples
    --------
    >>> alert_address("ZTF18abc", 1), alert_address(None, 1), alert_address("a/b")
    ('/object/ZTF18abc?alert=1', '/alert/1', '/object/a%2Fb')
    """
    if object_id is None:
        return f"/alert/{alert_id}"
    address = f"/object/{quote(object_id, safe='')}"
    return address if alert_id is None else f"{address}?alert={alert_id}"
