"""How many alerts: by night, band, survey, class, or cell of the sky."""

from __future__ import annotations

import pyarrow as pa

from gueststar.store import nightly
from gueststar.store.selection import MAX_SECONDS, CountBy, check_count
from gueststar.store.session import Session
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
_QUERIES = {
    "night": """SELECT night, CAST(sum(n_alerts) AS BIGINT) FROM night_rows {which}
                GROUP BY night ORDER BY night DESC""",
    "band": """SELECT survey, NULLIF(band, '') AS band, CAST(sum(n_alerts) AS BIGINT)
               FROM night_rows {which}
               GROUP BY survey, NULLIF(band, '') ORDER BY survey, 2 NULLS FIRST""",
    "survey": """SELECT survey, CAST(sum(n_alerts) AS BIGINT) FROM night_rows {which}
                 GROUP BY survey ORDER BY survey""",
    "class": """SELECT n.module, n.class, c.above, c.scored, c.every - c.scored FROM (
                    SELECT name_id, count(*) FILTER (WHERE s.value >= :least) AS above,
                           count(s.value) AS scored, count(*) AS every
                    FROM score_rows AS s{index} {which} AND {latest} GROUP BY name_id) AS c
                JOIN score_names AS n ON n.name_id = c.name_id ORDER BY n.name_id""",
    "healpix": """SELECT healpix29 >> {shift} AS cell, count(*) FROM alert_rows AS a {which}
                  GROUP BY cell ORDER BY cell""",
}


def counts(
    connection: Session, by: CountBy, night: int | None, order: int, min_score: float
) -> pa.Table:
    """Count; see :meth:`gueststar.store.interface.Store.counts`."""
    check_count(by, order)
    nightly.check_night(night)
    which = "WHERE TRUE" if night is None else "WHERE night = :night"
    query = _QUERIES[by].format(which=which, shift=2 * (29 - order), **_scores(connection, night))
    with connection.within(MAX_SECONDS, whole=True):
        found = connection.execute(query, {"night": night, "least": min_score})
        return typed(found.fetchall(), _SCHEMAS[by])


def _scores(connection: Session, night: int | None) -> dict[str, str]:
    """Return the index that scores are read by, and the condition that they are the newest.

    All scores are read as they lie: SQLite looks every row up that it finds in an index of the
    newest, to see whether it is one, and ``IS TRUE`` keeps it from that index.
    """
    if night is not None:
        return {"index": connection.index("score_by_night"), "latest": "s.latest"}
    named = bool(connection.index("score_by_value"))
    return {"index": "", "latest": "s.latest IS TRUE" if named else "s.latest"}
