"""Where on the sky alerts came in and were not fully processed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gueststar.score import FAILED
from gueststar.store.session import Session

if TYPE_CHECKING:
    from mocpy import MOC


@dataclass(frozen=True)
class Unprocessed:
    """Alerts that came in and were not fully processed.

    Parameters
    ----------
    cells : numpy.ndarray of int64
        HEALPix cells (nested, order 29) of those whose position is known.
    unscored : int
        Stored alerts whose newest score of a module is missing because the module failed.
    dead_letters : int
        Inputs that could not be used.
    without_position : int
        Of these, how many do not tell their position.
    """

    cells: np.ndarray
    unscored: int
    dead_letters: int
    without_position: int

    def moc(self, order: int = 10) -> MOC:
        """Return the region that these alerts lie in (IVOA MOC).

        Parameters
        ----------
        order : int
            HEALPix order of its cells, 0 to 29; 10 is 3.4 arcmin.
        """
        from mocpy import MOC

        cells = np.unique(self.cells >> 2 * (29 - order)).astype(np.uint64)
        depth = np.full(len(cells), order, np.uint8)
        return MOC.from_healpix_cells(cells, depth, max_depth=order)

    def as_dict(self) -> dict[str, Any]:
        """Return what ``gueststar health --json`` prints; the MOC in its ASCII form."""
        moc = self.moc()
        return {
            "unscored": self.unscored,
            "dead_letters": self.dead_letters,
            "without_position": self.without_position,
            "sky_fraction": moc.sky_fraction,
            "moc": moc.to_string("ascii").strip(),
        }


def unprocessed(connection: Session) -> Unprocessed:
    """Collect the cells of alerts whose scoring failed, and of dead letters."""
    query = _UNSCORED.format(index=connection.index("score_missing"))
    alerts = connection.execute(query + connection.same_night, (FAILED,)).fetchall()
    letters = connection.execute(_LETTERS).fetchall()
    told = [cell for (cell,) in letters if cell is not None]
    cells = np.array([row[0] for row in alerts] + told, np.int64)
    return Unprocessed(cells, len(alerts), len(letters), len(letters) - len(told))


_UNSCORED = f"""
    SELECT DISTINCT a.healpix29, a.alert_id
    FROM score_rows AS s{{index}} CROSS JOIN alert_rows AS a
    WHERE a.alert_id = s.alert_id AND s.latest AND s.value IS NULL
          AND substr(s.reason, 1, {len(FAILED)}) = ?"""
_LETTERS = "SELECT healpix29 FROM dead_rows"
