"""``/export``: all rows of a selection in one answer, for ``curl`` and its like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from gueststar.export import STREAMED, WHAT, Wanted, pieces
from gueststar.serve.api.fields import (
    BAND,
    CELL,
    MAG_MAX,
    MAG_MIN,
    MAX_SCORE,
    MIN_SCORE,
    MODULE,
    NIGHT,
    SURVEY,
    since,
    until,
)
from gueststar.serve.api.operation import Field, Operation
from gueststar.serve.api.questions import regions
from gueststar.serve.api.routing import asks
from gueststar.store import Store
from gueststar.store.regions import region_of

_OF_OBJECTS = "of objects and lightcurves: "


@asks(
    Operation(
        "/export",
        "export",
        "All rows of a selection, however many",
        "Conditions on alerts select alerts and scores, and the objects and light curves that have "
        "such an alert; conditions on objects select objects and light curves. The answer is sent "
        "while it is read, without its length: when it ends without the last chunk of its "
        "transfer encoding, it is not whole. Alerts that are stored meanwhile may be among it.",
        fields=(
            Field("what", "choice", "rows of which view", among=WHAT, default=WHAT[0]),
            Field("object_id", "text", "only alerts of this object"),
            SURVEY,
            BAND,
            NIGHT,
            since("since", "mid-exposure"),
            until("until", "mid-exposure"),
            MAG_MIN,
            MAG_MAX,
            MODULE,
            MIN_SCORE,
            MAX_SCORE,
            CELL,
            Field("prefix", "text", f"{_OF_OBJECTS}only names that begin so"),
            since("first_since", f"{_OF_OBJECTS}first detected"),
            until("first_until", f"{_OF_OBJECTS}first detected"),
            since("last_since", f"{_OF_OBJECTS}last detected"),
            until("last_until", f"{_OF_OBJECTS}last detected"),
            Field("min_detections", "whole", f"{_OF_OBJECTS}at least so many", low=0, high=10**9),
            *regions.FIELDS,
        ),
        forms=STREAMED,
        effort="export",
    )
)
def export(store: Store, given: dict[str, Any]) -> Callable[[str], Iterator[bytes]]:
    """Answer all rows."""
    region = region_of(given.pop("polygon"), given.pop("moc"))
    what, radius = given.pop("what"), given.pop("radius")
    wanted = Wanted.of(what, **given, radius_arcsec=radius, region=region)
    return lambda form: pieces(store, wanted, form)
