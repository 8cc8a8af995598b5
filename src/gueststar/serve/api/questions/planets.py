"""``/minor-planets``: minor planets at the places of alerts, and the alerts of one."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from gueststar.serve.api.fields import ALERT_ID
from gueststar.serve.api.operation import Field, Operation
from gueststar.serve.api.questions.alerts import number_of
from gueststar.serve.api.routing import asks
from gueststar.store import Store
from gueststar.store.orbit_files import ORBIT_FILES
from gueststar.store.planet_match import MOST_ALERTS, PLANETS

_GROUP = "Minor planets"


@asks(
    Operation(
        "/alerts/{alert_id}/minor-planets",
        "minor_planets",
        "The minor planets that are predicted at the place of an alert, nearest first",
        "As seen from the survey's telescope at mid-exposure. `separation_arcsec` and "
        "`position_angle` go from the alert to the prediction, whose place is `ra`, `dec`.",
        places=(ALERT_ID,),
        answer=PLANETS,
        group=_GROUP,
        missing=True,
    )
)
def of_alert(store: Store, given: dict[str, Any]) -> pa.Table:
    """Answer what an alert matches."""
    return store.minor_planets(number_of(given))


@asks(
    Operation(
        "/minor-planets/{planet}",
        "minor_planet",
        "The alerts that match a minor planet",
        f"In the order of their ids, {MOST_ALERTS:,} at most; none where nothing matches.",
        places=(Field("planet", "text", "a number (433), a name (Eros) or a designation"),),
        answer=PLANETS,
        group=_GROUP,
        effort="search",
    )
)
def of_planet(store: Store, given: dict[str, Any]) -> pa.Table:
    """Answer the alerts of a minor planet."""
    return store.minor_planet_alerts(given["planet"])


@asks(
    Operation(
        "/minor-planets",
        "orbits",
        "The orbits of minor planets that alerts are matched with",
        "`n_matched` alerts match one, `n_waiting` have not been matched so far.",
        answer=ORBIT_FILES,
        group=_GROUP,
    )
)
def orbits(store: Store, given: dict[str, Any]) -> pa.Table:
    """Answer the files of orbits."""
    return store.orbit_files()
