"""The same source seen by another survey: objects joined by position."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from gueststar.store import sky
from gueststar.store.reading import unknown_object
from gueststar.store.session import Session


def counterparts(connection: Session, object_id: str, radius_arcsec: float) -> pa.Table:
    """Return the objects of other surveys; see :meth:`Crossmatches.counterparts`."""
    query = "SELECT survey, ra, dec FROM object_rows WHERE object_id = ?"
    found = connection.execute(query, (object_id,)).fetchone()
    if found is None:
        raise unknown_object(connection, object_id)
    survey, ra, dec = found
    near = sky.cone(connection, ra, dec, radius_arcsec)
    return near.filter(pc.not_equal(near.column("survey"), survey))
