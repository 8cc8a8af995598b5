"""Minor planets at the place of an alert, as the page says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from gueststar.catalogs.designations import called
from gueststar.store import Store

_PAGE = "https://www.minorplanetcenter.net/db_search/show_object?"


def planets_at(store: Store, alert_id: int) -> list[dict[str, Any]]:
    """Return the minor planets that are predicted at the place of an alert, nearest first."""
    return [_planet(row) for row in store.minor_planets(alert_id).to_pylist()]


def _planet(row: Mapping[str, Any]) -> dict[str, Any]:
    v_mag = row["v_mag"]
    return {
        "called": called(row["number"], row["name"], row["designation"]),
        "href": _PAGE + urlencode({"object_id": row["designation"]}),
        "orbits": row["orbits"],
        "version": row["version"],
        "separation": f"{row['separation_arcsec']:.2f}″",
        "angle": f"{row['position_angle']:.0f}°",
        "mag": "V unknown" if v_mag is None else f"V {v_mag:.1f} predicted",
        "distances": f"{row['r_au']:.2f} au from the Sun, {row['delta_au']:.2f} au from here",
        "motion": f"{row['motion']:.1f}″/h towards {row['motion_angle']:.0f}°",
    }
