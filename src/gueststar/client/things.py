"""One object as a person holds it; what it is not asked for is not fetched."""

from __future__ import annotations

from functools import cached_property
from html import escape
from os import PathLike
from typing import TYPE_CHECKING, Any

from astropy.coordinates import SkyCoord

from gueststar.client.results import Result
from gueststar.errors import BadInput

if TYPE_CHECKING:
    from gueststar.alert import Alert
    from gueststar.client.broker import Broker
    from gueststar.client.reporting import TnsReport
    from gueststar.client.visibility import Observability
    from gueststar.cutouts import Cutouts
    from gueststar.lightcurve import LightCurve
    from gueststar.store.annotates import Annotation
    from gueststar.store.interface import ObjectRecord


class BrokerObject:
    """An object; made by ``broker["ZTF18abcdefg"]``.

    Parameters
    ----------
    broker : Broker
    record : ObjectRecord
    """

    def __init__(self, broker: Broker, record: ObjectRecord) -> None:
        self._broker = broker
        self._record = record
        self.object_id = record.object_id
        self.survey = record.survey
        self.ra, self.dec = record.ra, record.dec
        self.n_detections = record.n_detections
        self.first_mjd_tai, self.last_mjd_tai = record.first_mjd_tai, record.last_mjd_tai

    @property
    def coord(self) -> SkyCoord:
        """Position, ICRS."""
        return SkyCoord(self.ra, self.dec, unit="deg")

    @property
    def lc(self) -> LightCurve:
        """The light curve, merged from all packets: ``lc.plot()``, ``lc.total()``."""
        return self._record.light_curve

    @cached_property
    def alerts(self) -> Result:
        """Its alerts in order of time, columns of the view ``alerts``."""
        return Result.from_arrow(self._record.alerts)

    @cached_property
    def scores(self) -> Result:
        """Scores of its alerts, of every module and version."""
        return Result.from_arrow(self._record.scores)

    @property
    def annotations(self) -> Result:
        """What people have written about it, as it is now."""
        return self._broker.annotations(self.object_id)

    def annotate(
        self, text: str, *, kind: str = "note", alert_id: int | str | None = None
    ) -> Annotation:
        """Write a note or a tag about it, or about one of its alerts; see `Broker.annotate`."""
        return self._broker.annotate(self.object_id, text, kind=kind, alert_id=alert_id)

    @cached_property
    def matches(self) -> Result:
        """What it matches in the catalogues, fetched when first asked for; the best have rank 0.

        ``columns`` holds a dict of what a catalogue keeps, ``meta["context"]`` a word for what
        surrounds it.
        """
        return self._broker.matches(self.object_id)

    @cached_property
    def counterparts(self) -> Result:
        """The same source in other surveys: their objects within 1.5 arcsec, nearest first."""
        return self._broker.counterparts(self.object_id)

    @cached_property
    def newest(self) -> Alert:
        """Its newest alert, fetched when first asked for.

        Raises
        ------
        BadInput
            If the store has none of its alerts.
        """
        ids = self._record.alerts.column("alert_id")
        if not len(ids):
            raise BadInput(f"{self.object_id} has no alerts in this store")
        return self._broker.alert(ids[-1].as_py())

    @property
    def cutouts(self) -> Cutouts:
        """Cutouts of the newest alert."""
        return self.newest.cutouts

    def observability(self, site: Any, night: Any = None) -> Observability:
        """Return how well it can be observed in a night; see `Broker.observability`."""
        from gueststar.client.visibility import observability

        return observability([self.object_id], self.ra, self.dec, site, night)

    def tns_report(
        self, to: str | PathLike[str] | None = None, *, overwrite: bool = False, **said: Any
    ) -> TnsReport:
        """Write a report to the Transient Name Server into a file; nothing is sent.

        The first detection of 5 sigma with the last non-detection before it, in the JSON of its
        bulk reports. A person looks at it, and sends it.

        Parameters
        ----------
        to : str or path, optional
            Default ``tns_NAME.json``.
        overwrite : bool
            Replace what is there.
        **said
            ``reporter`` and ``reporting_group_id`` must be told; also ``at_type`` (``PSN``),
            ``discovery_data_source_id``, ``remarks``, ``host_name``, ``host_redshift``,
            ``transient_redshift``, ``archive``, ``archival_remarks``, ``points``, ``private``: see
            :class:`gueststar.client.reporting.Report`.

        Returns
        -------
        TnsReport

        Raises
        ------
        BadInput
            If it is no candidate: nothing brighter than the reference, a Solar-System object, a
            survey that the TNS has no number for.
        """
        from gueststar.client.reporting import report_of, write

        return write(self, to, report_of(said), overwrite=overwrite)

    def __repr__(self) -> str:
        return (
            f"<{self.object_id}: {self.survey}, {self.ra:.5f} {self.dec:+.5f}, "
            f"{self.n_detections} detections, {len(self.alerts)} alerts>"
        )

    def _repr_html_(self) -> str:
        from gueststar.plots import sparkline

        newest = self.newest._repr_html_() if len(self.alerts) else ""
        title = escape(repr(self)[1:-1])
        return f"<div><b>{title}</b><br>{sparkline(self.lc)}{newest}</div>"
