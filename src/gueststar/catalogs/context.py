"""What an object probably is, by what lies at its place: one word, by a rule that can be read.

The classes are those of Sherlock (Smith et al. 2020, PASP 132, 085002), which asks
the same of larger catalogues: AGN, variable star, star, nuclear transient, supernova, orphan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

COINCIDENT_ARCSEC = 1.5  # as ZTF joins detections to one object
POINTLIKE = ("agn", "variable", "star")  # the first that coincides wins where distances are equal


def context_of(matches: Iterable[Mapping[str, Any]]) -> str | None:
    """Return one word for the surroundings of an object.

    Parameters
    ----------
    matches : iterable of mapping
        ``source_kind``, ``separation_arcsec`` and ``rank`` of what it matches.

    Returns
    -------
    str or None
        ``agn``, ``variable`` or ``star`` when such a source lies within 1.5 arcsec and no galaxy
        is nearer; else ``nuclear`` when the nearest best galaxy lies within 1.5 arcsec, ``hosted``
        when one matches farther off; None when none of these matches.

    Examples
    --------
    >>> star = {"source_kind": "star", "separation_arcsec": 0.3, "rank": 0}
    >>> galaxy = {"source_kind": "galaxy", "separation_arcsec": 0.2, "rank": 0}
    >>> context_of([star]), context_of([star, galaxy]), context_of([])
    ('star', 'nuclear', None)
    """
    best = [match for match in matches if match["rank"] == 0]
    galaxies = [one["separation_arcsec"] for one in best if one["source_kind"] == "galaxy"]
    nearest = min(galaxies, default=float("inf"))
    reach = min(nearest, COINCIDENT_ARCSEC)
    points = [
        (one["separation_arcsec"], POINTLIKE.index(one["source_kind"]))
        for one in best
        if one["source_kind"] in POINTLIKE and one["separation_arcsec"] <= reach
    ]
    if points:
        return POINTLIKE[min(points)[1]]
    if galaxies:
        return "nuclear" if nearest <= COINCIDENT_ARCSEC else "hosted"
    return None
