"""``/notes``: what people have written about an object or an alert, for a page that is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response
from litestar.exceptions import NotFoundException

from gueststar.errors import BadInput
from gueststar.positions import alert_number
from gueststar.serve.portal import formats
from gueststar.serve.portal.house import House, house_of
from gueststar.serve.portal.parameters import Parameters
from gueststar.serve.portal.routing import reads
from gueststar.store.selection import next_of

MOST = 500


@reads("/notes")
def notes(request: Request[Any, Any, Any]) -> Response[str]:
    """Answer the list of notes alone; the API writes, changes and removes them."""
    given = Parameters(request.query_params, ("object", "alert"))
    house = house_of(request)
    alert = given.text("alert")
    number = None if alert is None else alert_number(alert)
    if alert is not None and number is None:
        raise BadInput(f"alert: {alert[:40]!r} is none: they are whole numbers")
    try:
        shown = notes_of(house, given.text("object"), number)
    except BadInput as unknown:
        raise NotFoundException(str(unknown)) from None
    return house.page("notes_list.html", **shown)


def notes_of(house: House, object_id: str | None, alert_id: int | None = None) -> dict[str, Any]:
    """Gather notes for a template, in the order of writing.

    Parameters
    ----------
    object_id : str or None
    alert_id : int, optional
        Only those about this alert.

    Returns
    -------
    dict
        ``notes``, and ``more_notes``: whether some were left out.
    """
    page = house.store.annotations(object_id, alert_id=alert_id, limit=MOST)
    return {
        "notes": [_note(row) for row in page.to_pylist()],
        "more_notes": next_of(page) is not None,
    }


def _note(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["annotation_id"]),
        "alert": None if row["alert_id"] is None else str(row["alert_id"]),
        "author": row["author"],
        "at": formats.moment(row["at"]),
        "edited": None if row["edited_at"] is None else formats.moment(row["edited_at"]),
        "kind": row["kind"],
        "text": row["text"],
    }
