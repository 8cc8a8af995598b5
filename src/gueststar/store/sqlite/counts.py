"""How many alerts: by night, band, survey, class, or cell of the sky."""

from __future__ import annotations

import sqlite3

import pyarrow as pa

from gueststar.store import nightly
from gueststar.store.selection import CountBy, check_count
from gueststar.store.sqlite.pages import in_time
from gueststar.store.tables import typed

_N = pa.field("n_alerts", pa.int64())
_SCHEMAS = {
    "night": pa.schema([pa.field("night", pa.int32()), _N]),
    "band": pa.schema([pa.field("survey", pa.string()), pa.field("band", pa.string()), _N]),
    "survey": pa.schema([pa.field("survey", pa.string()), _N]),
    "class": pa.schema(
        [
            pa.field("module", pa.string()),
            pa.field("class", pa.string()),
            _N,
            pa.field("n_scored", pa.int64()),
            pa.field("n_unscored", pa.int64()),
        ]
    ),
    "healpix": pa.schema([pa.field("cell", pa.int64()), _N]),
}
_WHICH = "(:night IS NULL OR night = :night)"
_QUERIES = {
    "night": f"""SELECT night, count(*) FROM alert_rows WHERE {_WHICH}
                 GROUP BY night ORDER BY night DESC""",
    "band": f"""SELECT survey, band, count(*) FROM alert_rows WHERE {_WHICH}
                GROUP BY survey, band ORDER BY survey, band""",
    "survey": f"""SELECT survey, count(*) FROM alert_rows WHERE {_WHICH}
                  GROUP BY survey ORDER BY survey""",
    "class": f"""SELECT n.module, n.class, sum(s.value >= :least), count(s.value),
                        count(*) - count(s.value)
                 FROM score_rows AS s JOIN score_names AS n ON n.name_id = s.name_id
                 WHERE s.latest AND {_WHICH} GROUP BY n.name_id ORDER BY n.name_id""",
    "healpix": f"""SELECT healpix29 >> :shift AS cell, count(*) FROM alert_rows WHERE {_WHICH}
                   GROUP BY cell ORDER BY cell""",
}


def counts(
    connection: sqlite3.Connection, by: CountBy, night: int | None, order: int, min_score: float
) -> pa.Table:
    """Count; see :meth:`gueststar.store.interface.Store.counts`."""
    check_count(by, order)
    nightly.check_night(night)
    values = {"night": night, "shift": 2 * (29 - order), "least": min_score}
    with in_time(connection):
        return typed(connection.execute(_QUERIES[by], values).fetchall(), _SCHEMAS[by])
