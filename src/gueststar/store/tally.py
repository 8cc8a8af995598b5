"""How many alerts each night has, by survey, band and program: kept in every write.

Counting a night by its alerts costs milliseconds, counting all nights seconds once there are
millions of alerts, and every page of the portal begins with the list of nights.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from gueststar.store.session import Session
from gueststar.store.sorting import NEW, Sorted

_KEY = ("night", "survey", "band", "program")
_GIVEN = (*_KEY, "mjd_tai")
_NONE = {"band": "", "program": -1}  # keys hold no null

#: Counts what is stored; the table must be empty.
FILL = """
INSERT INTO night_rows
    SELECT night, survey, COALESCE(band, ''), COALESCE(program, -1), count(*), min(mjd_tai),
           max(mjd_tai)
    FROM alert_rows GROUP BY night, survey, COALESCE(band, ''), COALESCE(program, -1)"""

_ADD = """
INSERT INTO night_rows VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (night, survey, band, program) DO UPDATE SET
    n_alerts = night_rows.n_alerts + excluded.n_alerts,
    first_mjd_tai = CASE WHEN excluded.first_mjd_tai < night_rows.first_mjd_tai
                         THEN excluded.first_mjd_tai ELSE night_rows.first_mjd_tai END,
    last_mjd_tai = CASE WHEN excluded.last_mjd_tai > night_rows.last_mjd_tai
                        THEN excluded.last_mjd_tai ELSE night_rows.last_mjd_tai END"""


def tables(word: str, integer: str, real: str, end: str) -> str:
    """Return the table, filled, in an engine's own types.

    Parameters
    ----------
    word, integer, real : str
        Types of names, of counts and of times.
    end : str
        What stands behind the columns.
    """
    return f"""
CREATE TABLE night_rows (
    night INTEGER NOT NULL, survey {word} NOT NULL, band {word} NOT NULL,
    program INTEGER NOT NULL, n_alerts {integer} NOT NULL, first_mjd_tai {real} NOT NULL,
    last_mjd_tai {real} NOT NULL, PRIMARY KEY (night, survey, band, program)){end};
{FILL};
"""


def add(connection: Session, parts: Sequence[Sorted]) -> None:
    """Count the new alerts of a write.

    Two writers may meet here in the same night: the second waits until the first has committed,
    so this comes last in a write. Keys ascend, so that none waits in a circle.
    """
    fresh = [_columns(part) for part in parts if len(part.rows(NEW))]
    if not fresh:
        return
    groups = pa.TableGroupBy(pa.concat_tables(fresh), list(_KEY)).aggregate(
        [("mjd_tai", "count"), ("mjd_tai", "min"), ("mjd_tai", "max")]
    )
    names = (*_KEY, "mjd_tai_count", "mjd_tai_min", "mjd_tai_max")
    rows = zip(*(groups[name].to_pylist() for name in names), strict=True)
    connection.executemany(_ADD, sorted(rows))


def _columns(part: Sorted) -> pa.Table:
    arrow = part.batch.arrow.select(list(_GIVEN)).take(pa.array(part.rows(NEW)))
    columns = [
        pc.fill_null(arrow.column(name), _NONE[name]) if name in _NONE else arrow.column(name)
        for name in _GIVEN
    ]
    return pa.table(columns, list(_GIVEN))
