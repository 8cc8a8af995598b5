"""Where on the sky alerts came in and were not fully processed."""

from __future__ import annotations

import numpy as np

from gueststar.score import FAILED
from gueststar.store.interface import Unprocessed
from gueststar.store.session import Session


def unprocessed(connection: Session) -> Unprocessed:
    """Collect the cells of alerts whose scoring failed, and of dead letters."""
    alerts = connection.execute(_UNSCORED + connection.same_night, (FAILED,)).fetchall()
    letters = connection.execute(_LETTERS).fetchall()
    told = [cell for (cell,) in letters if cell is not None]
    cells = np.array([row[0] for row in alerts] + told, np.int64)
    return Unprocessed(cells, len(alerts), len(letters), len(letters) - len(told))


_UNSCORED = f"""
    SELECT DISTINCT a.healpix29, a.alert_id
    FROM score_rows AS s JOIN alert_rows AS a ON a.alert_id = s.alert_id
    WHERE s.latest AND s.value IS NULL AND substr(s.reason, 1, {len(FAILED)}) = ?"""
_LETTERS = "SELECT healpix29 FROM dead_rows"
