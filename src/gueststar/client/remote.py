"""A store behind a server: methods of :class:`gueststar.store.Store`, over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa

from gueststar.catalogs.declaration import Mode
from gueststar.client.http import Server
from gueststar.client.login import Credentials
from gueststar.points import HISTORY_SCHEMA
from gueststar.score import Score
from gueststar.store.annotates import Annotation
from gueststar.store.crossmatches import RADIUS_ARCSEC
from gueststar.store.interface import ObjectRecord, Sort
from gueststar.store.selection import (
    MAX_PAGE,
    AlertSelection,
    AlertSort,
    CountBy,
    ObjectSelection,
    ObjectSort,
    Placed,
)

if TYPE_CHECKING:
    from gueststar.alert import Alert
    from gueststar.cutouts import Cutouts
    from gueststar.lightcurve import LightCurve

_WAYS = {None: None, True: "down", False: "up"}


class RemoteStore:
    """Reads from a server what :class:`gueststar.store.Store` reads from a file.

    Parameters
    ----------
    address : str
        As ``http://127.0.0.1:8765``.
    timeout : float
        Seconds without an answer after which a try counts as failed.
    retries : int
        Tries after the first one.
    token : str, optional
        Says who asks.
    credentials : Credentials, optional
        Of who logs in.
    """

    def __init__(
        self,
        address: str,
        *,
        timeout: float = 60.0,
        retries: int = 4,
        token: str | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self._address = address.rstrip("/")
        self._server = Server(address, timeout, retries, token, credentials)

    def __repr__(self) -> str:
        return f"<RemoteStore {self._address}>"

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    def alert(self, alert_id: int) -> Alert:
        """Return one alert."""
        from gueststar.store.records import alert_of

        return alert_of(self._server.table(f"/alerts/{alert_id}"))

    def object(self, object_id: str) -> ObjectRecord:
        """Return one object with its alerts, curve and scores."""
        from gueststar.store.records import object_of

        return object_of(self._server.table(f"/objects/{quote(object_id, safe='')}"))

    def light_curve(self, object_id: str) -> LightCurve:
        """Return the merged light curve of an object."""
        from gueststar.lightcurve import LightCurve

        found = self._server.table(f"/lightcurves/{quote(object_id, safe='')}")
        points = found.select(HISTORY_SCHEMA.names).combine_chunks().to_batches()
        batch = points[0] if points else pa.RecordBatch.from_pylist([], HISTORY_SCHEMA)
        survey = (found.schema.metadata or {}).get(b"survey", b"").decode() or None
        return LightCurve(batch.cast(HISTORY_SCHEMA), object_id, survey)

    def cutouts(self, alert_id: int) -> Cutouts:
        """Return the cutouts of an alert as received."""
        from gueststar.cutouts import Cutouts

        (row,) = self._server.table(f"/alerts/{alert_id}/cutouts").to_pylist()
        return Cutouts(**row)

    def native(self, alert_id: int) -> dict[str, Any]:
        """Return the survey's own record of an alert."""
        return dict(self.alert(alert_id).native)

    def scores(self, alert_id: int) -> list[Score]:
        """Return all scores of an alert."""
        rows = self._server.table(f"/alerts/{alert_id}/scores").drop_columns("alert_id")
        return [Score(*row.values()) for row in rows.to_pylist()]

    def cone(self, ra: float, dec: float, radius_arcsec: float) -> pa.Table:
        """Return the objects within a radius, nearest first; at most 10,000."""
        return self._server.table("/cone", ra=ra, dec=dec, radius=radius_arcsec, limit=MAX_PAGE)

    def cones(self, ra: Any, dec: Any, radius_arcsec: Any, *, nearest: bool = False) -> pa.Table:
        """Return the objects of many cones."""
        numbers = {"ra": ra, "dec": dec, "radius": radius_arcsec}
        body: dict[str, Any] = {n: np.asarray(v, np.float64).tolist() for n, v in numbers.items()}
        if np.ndim(radius_arcsec) == 0 or len(set(body["radius"])) == 1:
            body["radius"] = float(np.ravel(radius_arcsec)[0])
        body["nearest"] = nearest
        return self._server.post("/cones", body)

    def catalogues(self) -> pa.Table:
        """Return the catalogues."""
        return self._server.table("/catalogs")

    def matches(self, object_id: str) -> pa.Table:
        """Return what an object matches in all catalogues."""
        return self._server.table(f"/matches/{quote(object_id, safe='')}")

    def counterparts(self, object_id: str, radius_arcsec: float = RADIUS_ARCSEC) -> pa.Table:
        """Return the objects of other surveys at the place of an object."""
        path = f"/counterparts/{quote(object_id, safe='')}"
        return self._server.table(path, radius=radius_arcsec)

    def xmatch(
        self,
        ra: Any,
        dec: Any,
        catalogue: str,
        radius_arcsec: float | None = None,
        mode: Mode | None = None,
    ) -> pa.Table:
        """Match positions with a catalogue."""
        body = {n: np.asarray(v, np.float64).tolist() for n, v in (("ra", ra), ("dec", dec))}
        path = f"/catalogs/{quote(catalogue, safe='')}/xmatch"
        return self._server.post(path, body, radius=radius_arcsec, mode=mode)

    def orbit_files(self) -> pa.Table:
        """Return the orbits of minor planets."""
        return self._server.table("/minor-planets")

    def minor_planets(self, alert_id: int) -> pa.Table:
        """Return the minor planets at the place of an alert."""
        return self._server.table(f"/alerts/{alert_id}/minor-planets")

    def minor_planet_alerts(self, who: str) -> pa.Table:
        """Return the alerts of a minor planet."""
        return self._server.table(f"/minor-planets/{quote(who, safe='')}")

    def find_alerts(
        self,
        selection: AlertSelection,
        *,
        sort: AlertSort = "time",
        descending: bool | None = None,
        after: str | None = None,
        limit: int = 1_000,
    ) -> pa.Table:
        """Return one page of alerts."""
        shown = {"sort": sort, "order": _WAYS[descending], "after": after, "limit": limit}
        return self._found("/alerts", selection, shown)

    def find_objects(
        self,
        selection: ObjectSelection,
        *,
        sort: ObjectSort = "name",
        descending: bool | None = None,
        after: str | None = None,
        limit: int = 1_000,
    ) -> pa.Table:
        """Return one page of objects."""
        shown = {"sort": sort, "order": _WAYS[descending], "after": after, "limit": limit}
        return self._found("/objects", selection, shown)

    def _found(self, path: str, selection: Placed, shown: dict[str, Any]) -> pa.Table:
        given = {field.name: getattr(selection, field.name) for field in fields(selection)}
        given["radius"], region = given.pop("radius_arcsec"), given.pop("region")
        if region is None:
            return self._server.table(path, **given, **shown)
        return self._server.post(path, region.as_json(), **given, **shown)

    def counts(
        self, by: CountBy, *, night: int | None = None, order: int = 6, min_score: float = 0.5
    ) -> pa.Table:
        """Count alerts."""
        return self._server.table("/counts", by=by, night=night, order=order, min_score=min_score)

    def nights(self) -> pa.Table:
        """Return the nights."""
        return self._server.table("/nights")

    def night(
        self,
        night: int | None = None,
        *,
        sort: Sort = "score",
        descending: bool = True,
        module: str = "rb",
        limit: int = 50,
        **filters: Any,
    ) -> pa.Table:
        """Return the first alerts of a night."""
        return self._server.table(
            f"/nights/{'latest' if night is None else night}",
            sort=sort,
            order="down" if descending else "up",
            module=module,
            limit=limit,
            **filters,
        )

    def modules(self) -> list[str]:
        """Return the names of the modules that have scored alerts."""
        return list(self._server.table("/modules").column("module").to_pylist())

    def sql(self, query: str, *, limit: int = 10_000) -> pa.Table:
        """Run a read-only query."""
        return self._server.post("/sql", {"query": query, "limit": limit})

    def rows_of(self, what: str, keys: Sequence[Any]) -> pa.Table:
        """Return rows of many alerts or objects."""
        return self._server.post("/rows", {"what": what, "keys": [str(key) for key in keys]})

    def annotations(
        self,
        object_id: str | None = None,
        *,
        alert_id: int | None = None,
        author: str | None = None,
        kind: str | None = None,
        after: str | None = None,
        limit: int = 1_000,
    ) -> pa.Table:
        """Return one page of annotations."""
        given = {"object_id": object_id, "alert_id": alert_id, "author": author, "kind": kind}
        return self._server.table("/annotations", **given, after=after, limit=limit)

    def annotation_history(self, annotation_id: int) -> pa.Table:
        """Return every change of an annotation."""
        return self._server.table(f"/annotations/{annotation_id}")

    def annotate(
        self,
        object_id: str | None,
        text: str,
        *,
        alert_id: int | None = None,
        kind: str = "note",
        key: str | None = None,
    ) -> Annotation:
        """Write an annotation; the server says by whom."""
        given = {"object_id": object_id, "alert_id": alert_id, "kind": kind, "key": key}
        body = {name: str(value) for name, value in given.items() if value is not None}
        return _annotation(self._server.send("POST", "/annotations", {**body, "text": text}))

    def edit_annotation(self, annotation_id: int, text: str) -> Annotation:
        """Change the text of an annotation."""
        where = f"/annotations/{annotation_id}"
        return _annotation(self._server.send("PATCH", where, {"text": text}))

    def remove_annotation(self, annotation_id: int) -> Annotation:
        """Take an annotation out of sight."""
        return _annotation(self._server.send("DELETE", f"/annotations/{annotation_id}"))

    def health(self) -> dict[str, Any]:
        """Return counts that prove that nothing was lost."""
        return dict(self._server.json("/health"))


def _annotation(table: pa.Table) -> Annotation:
    (row,) = table.to_pylist()
    return Annotation(**row)
