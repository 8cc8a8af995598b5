"""What lies around an object: catalogue matches and the store's own neighbours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import orjson

from gueststar.serve.portal.rows import alert_address
from gueststar.store import Store

NEIGHBOURS = 40
REACH = 45.0  # arcsec: the corners of a ZTF stamp
#: Names under which catalogues keep a redshift; spectroscopic ones first.
REDSHIFTS = ("z_spec", "zspec", "specz", "redshift", "z", "z_phot", "zphot", "photoz", "z_best")


def surroundings(store: Store, object_id: str, ra: float, dec: float) -> dict[str, Any]:
    """Gather matches and neighbours of an object for the page.

    Parameters
    ----------
    store : Store
    object_id : str
    ra, dec : float
        Of the object, ICRS, deg.

    Returns
    -------
    dict
        ``matches`` and ``neighbours`` as rows of tables, ``around`` for the finder chart.
    """
    matches = [_match(row) for row in store.matches(object_id).to_pylist()]
    near = store.cone(ra, dec, REACH).slice(0, NEIGHBOURS + 1).to_pylist()
    neighbours = [_neighbour(row) for row in near if row["object_id"] != object_id]
    points = [
        {"what": one["catalogue"], "name": one["source"], "ra": one["ra"], "dec": one["dec"]}
        for one in matches
    ]
    points += [
        {"what": "", "name": one["name"], "ra": one["ra"], "dec": one["dec"]} for one in neighbours
    ]
    return {
        "matches": matches,
        "neighbours": neighbours,
        "around": {"ra": ra, "dec": dec, "points": points},
    }


def _match(row: Mapping[str, Any]) -> dict[str, Any]:
    facts = orjson.loads(row["columns"] or "{}")
    return {
        "catalogue": row["catalogue"],
        "version": row["version"],
        "source": row["source_id"],
        "kind": row["source_kind"],
        "ra": row["ra"],
        "dec": row["dec"],
        "separation": f"{row['separation_arcsec']:.2f}″",
        "angle": f"{row['position_angle']:.0f}°",
        "kpc": None if row["separation_kpc"] is None else f"{row['separation_kpc']:.1f} kpc",
        "radii": None if row["light_radii"] is None else f"{row['light_radii']:.1f} radii",
        "facts": facts,
        "redshift": redshift_in(facts),
    }


def redshift_in(facts: Mapping[str, Any]) -> float | None:
    """Return a redshift that can be a distance, by the usual names of its column.

    Examples
    --------
    >>> redshift_in({"ZSPEC": 0.03, "mag": 17}), redshift_in({"z": -0.001})
    (0.03, None)
    """
    values = {name.lower(): value for name, value in facts.items()}
    for name in REDSHIFTS:
        value = values.get(name)
        if isinstance(value, int | float) and math.isfinite(value) and 0 < value < 20:
            return float(value)
    return None


def _neighbour(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": row["object_id"],
        "href": alert_address(row["object_id"]),
        "survey": row["survey"],
        "ra": row["ra"],
        "dec": row["dec"],
        "separation": f"{row['separation_arcsec']:.2f}″",
        "detections": f"{row['n_detections']:,}",
    }
