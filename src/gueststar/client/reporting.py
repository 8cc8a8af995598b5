"""A report to the Transient Name Server as a file: a person looks at it, and sends it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from gueststar.batch import AB_ZERO_POINT
from gueststar.errors import BadInput, did_you_mean
from gueststar.rights import PUBLIC
from gueststar.surveys import with_programs
from gueststar.surveys.tns import (
    AB_MAGNITUDE,
    ARCHIVES,
    ASTEROID_ARCSEC,
    AT_TYPES,
    INSTRUMENTS,
    Instrument,
    asteroid_near,
)

if TYPE_CHECKING:
    from gueststar.client.things import BrokerObject
    from gueststar.lightcurve import LightCurve

SIGNIFICANT = 5.0  # signal to noise of a detection
UNSEEN = 3.0  # below it a forced measurement is a non-detection


@dataclass(frozen=True)
class TnsReport:
    """A report that was written, and not sent.

    Parameters
    ----------
    path : pathlib.Path
    content : dict
        The JSON of a bulk report (``at_report``) with one object.
    remarks : list of str
        What a person should think about before sending it.
    """

    path: Path
    content: dict[str, Any]
    remarks: list[str] = field(default_factory=list)

    @property
    def at_report(self) -> dict[str, Any]:
        """The report of the object."""
        return dict(self.content["at_report"]["0"])

    def __repr__(self) -> str:
        one = self.at_report
        said = f"<TnsReport of {one['internal_name']} in {self.path}, discovered "
        said += f"{one['discovery_datetime']}, not sent>"
        return "\n".join([said, *(f"  {remark}" for remark in self.remarks)])


@dataclass(frozen=True)
class Report:
    """What a person says in a report.

    Parameters
    ----------
    reporter : str
        ``"A. Person, B. Person (Institute)"``.
    reporting_group_id : int or str
        Of your group at the TNS.
    at_type : str
        A key of :data:`gueststar.surveys.tns.AT_TYPES`.
    discovery_data_source_id : int or str, optional
        Group whose data they are; known for ZTF.
    remarks, host_name : str
    host_redshift, transient_redshift : float, optional
    archive : {"Other", "SDSS", "DSS"}
        Where nothing was seen before, if the survey has no non-detection.
    archival_remarks : str, optional
    points : int
        Detections in the report, from the first on.
    private : bool
        Report points of other programs than the public one, too.
    """

    reporter: str
    reporting_group_id: int | str
    at_type: str = "PSN"
    discovery_data_source_id: int | str | None = None
    remarks: str = ""
    host_name: str = ""
    host_redshift: float | None = None
    transient_redshift: float | None = None
    archive: str = "Other"
    archival_remarks: str | None = None
    points: int = 10
    private: bool = False

    def __post_init__(self) -> None:
        if not self.reporter.strip():
            raise BadInput("reporter: say who reports, as 'A. Person (Institute)'")
        for name, known in (("at_type", AT_TYPES), ("archive", ARCHIVES)):
            value = getattr(self, name)
            if value not in known:
                raise BadInput(f"{name}: {value!r} is none.{did_you_mean(str(value), known)}")
        if self.points < 1:
            raise BadInput(f"points: {self.points} cannot be: give 1 or more")
        for name in ("reporting_group_id", "discovery_data_source_id"):
            value = getattr(self, name)
            if value is not None and not str(value).isdecimal():
                raise BadInput(f"{name}: {value!r} is none: the number of a group at the TNS")

    def of(self, thing: BrokerObject) -> tuple[dict[str, Any], list[str]]:
        """Return the content of a report about an object, and what to think about.

        Raises
        ------
        BadInput
            If the object is no candidate; the sentence says why.
        """
        known = INSTRUMENTS.get(thing.survey)
        if known is None:
            raise BadInput(f"survey: the TNS's numbers for {thing.survey!r} are not known here")
        source = self.discovery_data_source_id or known.source
        if source is None:
            raise BadInput(
                f"discovery_data_source_id: give the group at the TNS that stands for {known.label}"
            )
        _refuse_asteroids(thing)
        curve = thing.lc if self.private else _public(thing.lc, thing.survey)
        found = _detected(curve)
        if not len(found):
            hidden = len(_detected(thing.lc)) and "; in other programs there is (private=True)"
            raise BadInput(
                f"{thing.object_id}: no {'' if self.private else 'public '}detection of "
                f"{SIGNIFICANT:g} sigma is brighter than the reference: there is nothing to report"
                f"{hidden or ''}"
            )
        earlier = _last_unseen(curve, float(found["mjd_tai"][0]))
        report = {
            "ra": {"value": f"{thing.ra:.6f}"},
            "dec": {"value": f"{thing.dec:+.6f}"},
            "reporting_group_id": str(self.reporting_group_id),
            "discovery_data_source_id": str(source),
            "reporter": self.reporter.strip(),
            "discovery_datetime": _utc(found, 0),
            "at_type": AT_TYPES[self.at_type],
            "host_name": self.host_name,
            "host_redshift": _number(self.host_redshift),
            "transient_redshift": _number(self.transient_redshift),
            "internal_name": thing.object_id,
            "remarks": self.remarks,
            "non_detection": self._archival(known) if earlier is None else _unseen(earlier, known),
            "photometry": {"photometry_group": _photometry(found, known, self.points)},
        }
        content = {"at_report": {"0": report}}
        return content, _think_about(found, earlier, len(curve) < len(thing.lc))

    def _archival(self, known: Instrument) -> dict[str, str]:
        said = f"the alert packets of {known.label} have no non-detection before it"
        remarks = said if self.archival_remarks is None else self.archival_remarks
        return {"archiveid": ARCHIVES[self.archive], "archival_remarks": remarks}


def report_of(said: dict[str, Any]) -> Report:
    """Return what was said, by name.

    Raises
    ------
    BadInput
        If a name is not known, or one is missing.
    """
    known = [one.name for one in fields(Report)]
    for name in said:
        if name not in known:
            raise BadInput(f"tns_report: {name!r} is not in a report.{did_you_mean(name, known)}")
    for name in ("reporter", "reporting_group_id"):
        if name not in said:
            raise BadInput(f"{name}: it must be told: tns_report({name}=...)")
    return Report(**said)


def _refuse_asteroids(thing: BrokerObject) -> None:
    ids = thing.alerts["alert_id"]
    for alert_id in dict.fromkeys(int(ids[row]) for row in (0, -1) if len(ids)):
        name = asteroid_near(thing._broker.native(alert_id)) or _predicted_at(thing, alert_id)
        if name is not None:
            raise BadInput(
                f"{thing.object_id}: alert {alert_id} is at a known Solar-System object ({name}): "
                "these are reported to the Minor Planet Center"
            )


def _predicted_at(thing: BrokerObject, alert_id: int) -> str | None:
    """Return the minor planet that the store's own orbits predict there."""
    for row in thing._broker.minor_planets(alert_id):
        if row["separation_arcsec"].to_value("arcsec") <= ASTEROID_ARCSEC:
            return str(row["designation"])
    return None


def _public(curve: LightCurve, survey: str) -> LightCurve:
    """Return the points that everybody may see: a report is for everybody."""
    if survey not in with_programs():
        return curve
    programs = curve.points.column("program").to_pylist()
    return _some(curve, np.array([one in (PUBLIC.programs or ()) for one in programs], bool))


def _some(curve: LightCurve, rows: np.ndarray) -> LightCurve:
    found: LightCurve = curve[rows]
    return found


def _detected(curve: LightCurve) -> LightCurve:
    best = curve.best()
    with np.errstate(divide="ignore", invalid="ignore"):
        strong = best["flux"] / best["flux_err"] >= SIGNIFICANT
    return _some(best, (best["kind"] != "limit") & strong & (best["flux"] > 0))


def _last_unseen(curve: LightCurve, before: float) -> LightCurve | None:
    """Return the last exposure before a time in which nothing was found."""
    best = curve.best()
    limit = np.isfinite(best["limit"]) & (best["kind"] == "limit")
    measured = (best["kind"] == "forced") & np.isfinite(best["flux"]) & (best["flux_err"] > 0)
    weak = measured & (best["flux"] < UNSEEN * best["flux_err"])
    (rows,) = np.nonzero((limit | weak) & (best["mjd_tai"] < before))
    return _some(best, rows[-1:]) if len(rows) else None


def _depth(point: LightCurve, row: int) -> float:
    """5 sigma limit of an exposure, AB; from the error of its flux where it is not told."""
    told = float(point["limit"][row])
    if math.isfinite(told):
        return told
    error = float(point["flux_err"][row])
    return AB_ZERO_POINT - 2.5 * math.log10(SIGNIFICANT * error) if error > 0 else math.nan


def _exposure(curve: LightCurve, row: int, known: Instrument) -> dict[str, str]:
    band = str(curve["band"][row])
    return {
        "obsdate": _utc(curve, row),
        "limiting_flux": _number(_depth(curve, row), 2),
        "flux_units": AB_MAGNITUDE,
        "filter_value": known.filters.get(band, "0"),
        "instrument_value": known.instrument,
        "exptime": known.exposure,
        "observer": "Robot",
        "comments": "",
    }


def _unseen(point: LightCurve, known: Instrument) -> dict[str, str]:
    return {**_exposure(point, 0, known), "archiveid": "", "archival_remarks": ""}


def _photometry(found: LightCurve, known: Instrument, most: int) -> dict[str, dict[str, str]]:
    return {
        str(row): {
            **_exposure(found, row, known),
            "flux": _number(found.mag[row], 3),
            "flux_error": _number(found.mag_err[row], 3),
        }
        for row in range(min(len(found), most))
    }


def _think_about(found: LightCurve, earlier: LightCurve | None, hidden: bool) -> list[str]:
    said = []
    if earlier is None:
        said.append(
            "no non-detection before it is in the store: the report says so; name an archive in "
            "which nothing is seen there (archive, archival_remarks)"
        )
    if len(found) == 1:
        said.append("one detection only: it may be an asteroid or an artefact")
    if hidden:
        said.append("points of programs that are not public were left out (private=True)")
    return said


def _utc(curve: LightCurve, row: int) -> str:
    return str(curve.time.utc[row].to_value("iso", subfmt="date_hms"))


def _number(value: float | None, digits: int | None = None) -> str:
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:g}" if digits is None else f"{value:.{digits}f}"


def write(
    thing: BrokerObject, to: str | PathLike[str] | None, report: Report, *, overwrite: bool
) -> TnsReport:
    """Write a report into a file.

    Raises
    ------
    BadInput
        If the object is no candidate, or the file is there already.
    """
    content, remarks = report.of(thing)
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in thing.object_id)
    path = Path(to if to is not None else f"tns_{safe}.json")
    if path.exists() and not overwrite:
        raise BadInput(f"{path} is there already: overwrite=True replaces it")
    try:
        path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    return TnsReport(path, content, remarks)
