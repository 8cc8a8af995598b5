"""What the columns of answers mean: a unit and a sentence each, for tables, the API and docs."""

from __future__ import annotations

from typing import NamedTuple


class Meaning(NamedTuple):
    """Unit (as astropy writes it, ``""`` for none) and description of a column."""

    unit: str
    text: str


#: By name; a name means the same in every table.
COLUMNS = {
    "alert_id": Meaning("", "ZTF candid, LSST diaSourceId"),
    "object_id": Meaning("", "ZTF objectId, LSST diaObjectId; null for a Solar-System source"),
    "survey": Meaning("", "ztf or lsst"),
    "band": Meaning("", "filter: g r i of ZTF, u g r i z y of LSST"),
    "mjd_tai": Meaning("d", "mid-exposure, MJD, TAI"),
    "night": Meaning("", "observing night, YYYYMMDD"),
    "ra": Meaning("deg", "right ascension, ICRS"),
    "dec": Meaning("deg", "declination, ICRS"),
    "healpix29": Meaning("", "HEALPix cell, nested, order 29"),
    "cell": Meaning("", "HEALPix cell, nested, of the order asked for"),
    "flux": Meaning("nJy", "difference flux with its sign, AB zero point 31.4"),
    "flux_err": Meaning("nJy", "1 sigma error of flux"),
    "mag": Meaning("mag", "AB magnitude of flux; null where it is not positive"),
    "mag_err": Meaning("mag", "1 sigma error of mag"),
    "total_flux": Meaning("nJy", "flux of reference and difference together"),
    "total_flux_err": Meaning("nJy", "1 sigma error of total_flux"),
    "limit": Meaning("mag", "5 sigma limit of the exposure, AB"),
    "kind": Meaning("", "of a point: detection, forced, limit; of an annotation: note, tag, ..."),
    "exposure_id": Meaning("", "exposure: ZTF pid, LSST visit"),
    "published_rb": Meaning("", "the survey's own deep real/bogus score"),
    "program": Meaning("", "ZTF programid"),
    "score": Meaning("", "newest score of the module asked for, 0 to 1; null when not scored"),
    "reason": Meaning("", "why there is no score"),
    "module": Meaning("", "science module"),
    "version": Meaning("", "code version and digest of the weights"),
    "class": Meaning("", "class that the score speaks of"),
    "value": Meaning("", "score, 0 to 1; null when not scored"),
    "age": Meaning("d", "time from the object's first detection to the alert"),
    "n_alerts": Meaning("", "alerts in this store"),
    "n_scored": Meaning("", "alerts with a score"),
    "n_unscored": Meaning("", "alerts without, for which a reason is kept"),
    "n_detections": Meaning("", "detections in the merged light curve"),
    "n_points": Meaning("", "points of all kinds in the merged light curve"),
    "first_mjd_tai": Meaning("d", "first detection, MJD, TAI"),
    "last_mjd_tai": Meaning("d", "last detection, MJD, TAI"),
    "separation_arcsec": Meaning("arcsec", "distance from the position asked for"),
    "catalogue": Meaning("", "a catalogue of sources"),
    "source_id": Meaning("", "name of the source in its catalogue"),
    "source_kind": Meaning("", "what the sources of a catalogue are: star, galaxy, agn, ..."),
    "mode": Meaning("", "which sources match: nearest, all, or host"),
    "kept": Meaning("", "columns of the catalogue that are kept"),
    "rank": Meaning("", "place among the matches in this catalogue, 0 the best"),
    "position_angle": Meaning("deg", "direction to the source, from north over east"),
    "separation_kpc": Meaning("kpc", "projected distance at the redshift of the source"),
    "light_radii": Meaning("", "distance in directional light radii of the source"),
    "columns": Meaning("", "what the catalogue keeps of the source, JSON"),
    "radius_arcsec": Meaning("arcsec", "within which sources match"),
    "n_sources": Meaning("", "sources of the catalogue"),
    "n_left_out": Meaning("", "rows of its file without a position"),
    "n_matched": Meaning("", "objects that match a source"),
    "n_waiting": Meaning("", "objects that have not been matched so far"),
    "added_unix": Meaning("s", "Unix time at which it was brought in"),
    "orbits": Meaning("", "orbits of minor planets, as they are called in the store"),
    "designation": Meaning("", "number of a minor planet, or its provisional designation"),
    "number": Meaning("", "number of a minor planet; null when it has none"),
    "name": Meaning("", "name of a numbered minor planet, or its provisional designation"),
    "v_mag": Meaning("mag", "predicted V magnitude, by H and G; null when H is unknown"),
    "r_au": Meaning("AU", "distance from the Sun"),
    "delta_au": Meaning("AU", "distance from the observer"),
    "phase_deg": Meaning("deg", "angle Sun, body, observer"),
    "elongation_deg": Meaning("deg", "angle Sun, observer, body"),
    "motion": Meaning("arcsec / h", "predicted motion on the sky"),
    "motion_angle": Meaning("deg", "where it goes, from north over east"),
    "epoch_mjd_tt": Meaning("d", "commonest epoch of the orbits, MJD, TT"),
    "n_orbits": Meaning("", "orbits of the file"),
    "source": Meaning("", "where something comes from: a file, a stream"),
    "annotation_id": Meaning("", "number of an annotation, in the order of writing"),
    "author": Meaning("", "who wrote it"),
    "at": Meaning("s", "when it was written, Unix time"),
    "text": Meaning("", "what was written"),
    "edited_at": Meaning("s", "when it was last changed, Unix time; null when it never was"),
    "row": Meaning("", "which of the positions asked for, from 0"),
}

#: Whole numbers that name something: strings in JSON, whatever their size.
IDS = frozenset(("alert_id", "exposure_id", "healpix29", "cell", "annotation_id"))


def units_of(names: list[str]) -> dict[str, str]:
    """Return the units of those columns that have one.

    Examples
    --------
    >>> units_of(["ra", "band", "flux"])
    {'ra': 'deg', 'flux': 'nJy'}
    """
    return {n: COLUMNS[n].unit for n in names if n in COLUMNS and COLUMNS[n].unit}
