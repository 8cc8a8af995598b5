"""Links to other services, as plain addresses that only a person's click opens.

Nothing here is fetched: the portal speaks to its own server only.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode


@dataclass(frozen=True)
class Link:
    """A name for the eye, an address, and what is behind it."""

    name: str
    href: str
    what: str


def links_out(survey: str, object_id: str | None, ra: float, dec: float) -> list[Link]:
    """List the places where astronomers look next.

    Parameters
    ----------
    survey : str
        ``ztf`` or ``lsst``.
    object_id : str or None
        The survey's name of the object; None for Solar-System sources.
    ra, dec : float
        Degrees, ICRS.

    Returns
    -------
    list of Link
        Catalogues and images at the position, then other brokers' pages of the object.

    Examples
    --------
    >>> [link.name for link in links_out("ztf", "ZTF18abcdefg", 153.05, -2.05)][:3]
    ['SIMBAD', 'NED', 'TNS']
    """
    links = [*_catalogues(ra, dec), *_images(ra, dec)]
    if survey == "ztf" and object_id:
        links += _ztf_brokers(quote(object_id, safe=""))
    if survey == "lsst" and object_id:
        links += _lsst_brokers(quote(object_id, safe=""))
    return links


def _catalogues(ra: float, dec: float) -> list[Link]:
    position = f"{ra:.6f} {dec:+.6f}"
    simbad = urlencode({"Coord": position, "Radius": "10", "Radius.unit": "arcsec"})
    ned = urlencode(
        {
            "search_type": "Near Position Search",
            "in_csys": "Equatorial",
            "in_equinox": "J2000.0",
            "lon": f"{ra:.6f}d",
            "lat": f"{dec:.6f}d",
            "radius": "0.5",
        }
    )
    tns = urlencode(
        {"ra": f"{ra:.6f}", "decl": f"{dec:.6f}", "radius": "10", "coords_unit": "arcsec"}
    )
    vizier = urlencode({"-c": position, "-c.rs": "5", "-out.add": "_r"})
    return [
        Link("SIMBAD", f"https://simbad.cds.unistra.fr/simbad/sim-coo?{simbad}", "known objects"),
        Link("NED", f"https://ned.ipac.caltech.edu/cgi-bin/objsearch?{ned}", "galaxies"),
        Link("TNS", f"https://www.wis-tns.org/search?{tns}", "reported transients"),
        Link("VizieR", f"https://vizier.cds.unistra.fr/viz-bin/VizieR-4?{vizier}", "catalogues"),
    ]


def _images(ra: float, dec: float) -> list[Link]:
    legacy = urlencode({"ra": f"{ra:.6f}", "dec": f"{dec:.6f}", "layer": "ls-dr10", "zoom": "16"})
    mark = urlencode({"mark": f"{ra:.6f},{dec:.6f}"})
    aladin = urlencode({"target": f"{ra:.6f} {dec:+.6f}", "fov": "0.05", "survey": "P/PanSTARRS"})
    return [
        Link("Legacy Survey", f"https://www.legacysurvey.org/viewer?{legacy}&{mark}", "images"),
        Link("Aladin Lite", f"https://aladin.cds.unistra.fr/AladinLite/?{aladin}", "image surveys"),
    ]


def _ztf_brokers(name: str) -> list[Link]:
    return [
        Link("ALeRCE", f"https://alerce.online/object/{name}", "ZTF broker"),
        Link("Fink", f"https://ztf.fink-portal.org/{name}", "ZTF broker"),
        Link("Lasair", f"https://lasair-ztf.lsst.ac.uk/objects/{name}/", "ZTF broker"),
        Link("ANTARES", f"https://antares.noirlab.edu/loci?query={name}", "ZTF broker"),
    ]


def _lsst_brokers(name: str) -> list[Link]:
    return [
        Link("Lasair", f"https://lasair.lsst.ac.uk/objects/{name}/", "Rubin broker"),
        Link("Fink", f"https://lsst.fink-portal.org/{name}", "Rubin broker"),
    ]
