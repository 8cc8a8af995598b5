"""Where on the sky alerts came in and were not fully processed."""

from __future__ import annotations

import numpy as np

from gueststar.score import FAILED
from gueststar.store.interface import Unprocessed
from gueststar.store.session import Session
from gueststar.surveys import sky
from gueststar.surveys.salvage import position_of

LOOKED_INTO = 10_000  # dead letters, the newest


def unprocessed(connection: Session) -> Unprocessed:
    """Collect the cells of alerts whose scoring failed, and of dead letters."""
    rows = connection.execute(_UNSCORED + connection.same_night, (FAILED,)).fetchall()
    count = connection.execute("SELECT count(*) FROM dead_rows").fetchone()[0]
    query = "SELECT packet FROM dead_rows ORDER BY dead_id DESC LIMIT ?"
    letters = (position_of(packet) for (packet,) in connection.execute(query, (LOOKED_INTO,)))
    found = [position for position in letters if position is not None]
    ra, dec = (np.array([position[k] for position in found]) for k in (0, 1))
    dead = sky.healpix29(ra, dec).to_numpy()
    cells = np.concatenate([np.array([row[0] for row in rows], np.int64), dead])
    return Unprocessed(cells, len(rows), int(count), int(count) - len(found))


_UNSCORED = f"""
    SELECT DISTINCT a.healpix29, a.alert_id
    FROM score_rows AS s JOIN alert_rows AS a ON a.alert_id = s.alert_id
    WHERE s.latest AND s.value IS NULL AND substr(s.reason, 1, {len(FAILED)}) = ?"""
