"""SQL over the Parquet archive, by DuckDB: the views that the store has, over the same names.

The files need no server and may be read by any number of processes. Objects and light curves
are merged from the alerts of the files when a query asks for them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa

from gueststar.batch import AlertBatch
from gueststar.errors import ArchiveError, BadInput, did_you_mean
from gueststar.score import Score
from gueststar.sinks.archive import opened

if TYPE_CHECKING:
    from gueststar.alert import Alert
    from gueststar.sinks.archive import Archive

MAX_ROWS = 10_000_000

#: The public views; ``native_<survey>`` has the survey's own record beside ``alert_id``.
VIEWS = {
    "alerts": """
        SELECT alert_id, object_id, survey, band, mjd_tai, night, ra, dec, healpix29, flux,
               flux_err,
               CASE WHEN flux > 0 THEN 31.4 - 2.5 * log10(flux::DOUBLE) END AS mag,
               published_rb, program
        FROM files""",
    "scores": """
        SELECT alert_id, s.module AS module, s.version AS version, s.class AS class,
               s.value AS value, s.reason AS reason
        FROM (SELECT alert_id, unnest(scores) AS s FROM files)""",
    "lightcurves": """
        SELECT object_id, p.mjd_tai AS mjd_tai, p.band AS band, p.flux AS flux,
               p.flux_err AS flux_err, p.kind AS kind, p."limit" AS "limit",
               p.total_flux AS total_flux, p.total_flux_err AS total_flux_err,
               p.exposure_id AS exposure_id, p.program AS program
        FROM (SELECT DISTINCT ON (object_id, mark, p.band, p.kind, p.program) object_id, p
              FROM (SELECT object_id, p,
                           coalesce(p.exposure_id::VARCHAR, 't' || p.mjd_tai::VARCHAR) AS mark
                    FROM (SELECT object_id, unnest(history) AS p FROM files
                          WHERE object_id IS NOT NULL)
                    QUALIFY p.program IS NOT NULL OR count(p.program) OVER
                        (PARTITION BY object_id, mark, p.band, p.kind) = 0)
              ORDER BY p.flux_err NULLS LAST, p.flux NULLS LAST, p.mjd_tai,
                       p.total_flux NULLS LAST, p.total_flux_err NULLS LAST,
                       p."limit" NULLS LAST)""",
    "objects": """
        SELECT b.object_id, b.survey, b.ra, b.dec, coalesce(c.n_detections, 0) AS n_detections,
               c.first_mjd_tai, c.last_mjd_tai, b.n_alerts, coalesce(c.n_points, 0) AS n_points,
               b.healpix29
        FROM (SELECT object_id, count(*) AS n_alerts, min_by(survey, k) AS survey,
                     min_by(ra, k) AS ra, min_by(dec, k) AS dec, min_by(healpix29, k) AS healpix29
              FROM (SELECT *, (coalesce(-abs(flux::DOUBLE) / flux_err, 1), alert_id) AS k
                    FROM files WHERE object_id IS NOT NULL)
              GROUP BY object_id) AS b
        LEFT JOIN (SELECT object_id, count(*) AS n_points,
                          count(*) FILTER (WHERE kind = 'detection') AS n_detections,
                          min(mjd_tai) FILTER (WHERE kind = 'detection') AS first_mjd_tai,
                          max(mjd_tai) FILTER (WHERE kind = 'detection') AS last_mjd_tai
                   FROM lightcurves GROUP BY object_id) AS c USING (object_id)""",
}


def run_sql(archive: Archive, query: str, limit: int) -> pa.Table:
    """Run one query over the files of an archive.

    Parameters
    ----------
    archive : Archive
    query : str
        Over the views ``alerts``, ``scores``, ``lightcurves``, ``objects`` of ``docs/sql.md``,
        and ``native_ztf``, ``native_lsst``.
    limit : int
        Rows at most.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    BadInput
        If it is no readable query; the message names the nearest view.
    ArchiveError
        If the archive is empty, damaged or of a newer format.
    """
    if not 1 <= limit <= MAX_ROWS:
        raise BadInput(f"limit = {limit} cannot be: give 1 to {MAX_ROWS}")
    with duckdb.connect(config={"threads": 2}) as connection:
        _make_views(connection, archive, query)
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        try:
            statements = connection.extract_statements(query)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise BadInput("only one SELECT is allowed here")
            return connection.sql(statements[0]).limit(limit).to_arrow_table()
        except duckdb.Error as error:
            raise _meaning(error) from error


def _make_views(connection: duckdb.DuckDBPyConnection, archive: Archive, query: str) -> None:
    paths = [str(path) for path in archive.files()]
    if not paths:
        raise ArchiveError(
            f"no archive at {archive.folder}: `gueststar ingest --archive` makes one"
        )
    stats = {str(path): path.stat() for path in archive.files()}
    whole = {p: _tells_programs(Path(p), s.st_mtime_ns, s.st_size) for p, s in stats.items()}
    connection.execute("SET allowed_directories = [$1]", [str(archive.folder)])
    _view_files(connection, [p for p in paths if whole[p]], [p for p in paths if not whole[p]])
    for name, text in VIEWS.items():
        connection.execute(f"CREATE VIEW {name} AS {text}")
    for survey in {word.lower() for word in re.findall(r"\bnative_(\w+)", query, re.IGNORECASE)}:
        mine = [str(path) for path in archive.files() if path.name.startswith(f"{survey}-")]
        if mine:
            _view(connection, f"files_{survey}", mine, union=True)
            connection.execute(
                f"CREATE VIEW native_{survey} AS SELECT alert_id, native FROM files_{survey}"
            )


@lru_cache(maxsize=100_000)
def _tells_programs(path: Path, mtime_ns: int, size: int) -> bool:
    """Tell whether points have their program; refuse files that are damaged, newer or not ours.

    Each file is looked into once.
    """
    with opened(path) as file:
        points = file.schema_arrow.field("history").type.value_type
        return bool(points.get_field_index("program") >= 0)


_COLUMNS = """alert_id, object_id, survey, band, mjd_tai, night, ra, dec, healpix29, flux, flux_err,
              published_rb, program, scores"""
_NO_PROGRAM = "list_transform(history, lambda p: struct_insert(p, program := NULL::INTEGER))"


def _view_files(connection: duckdb.DuckDBPyConnection, whole: list[str], older: list[str]) -> None:
    """Show all files as one; those of format 1 have points without ``program``."""
    parts = []
    for name, paths, history in (("new", whole, "history"), ("old", older, _NO_PROGRAM)):
        if paths:
            _view(connection, f"{name}_files", paths, union=False)  # one schema, but for native
            parts.append(f"SELECT {_COLUMNS}, {history} AS history FROM {name}_files")
    connection.execute(f"CREATE VIEW files AS {' UNION ALL '.join(parts)}")


def _view(
    connection: duckdb.DuckDBPyConnection, name: str, paths: list[str], *, union: bool
) -> None:
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    connection.execute(
        f"""CREATE VIEW {name} AS SELECT * FROM
            read_parquet([{listed}], union_by_name = {union}, hive_partitioning = false)"""
    )


def _meaning(error: duckdb.Error) -> BadInput | ArchiveError:
    text = str(error).splitlines()[0]
    if isinstance(error, duckdb.IOException | duckdb.FatalException):
        return ArchiveError(f"the archive cannot be read: {text}")
    found = re.search(r"Table with name (\S+) does not exist", text)
    return BadInput(f"{text}{did_you_mean(found[1], VIEWS) if found else ''}")


def find_alert(archive: Archive, alert_id: int) -> Alert:
    """Return one alert of an archive.

    Raises
    ------
    BadInput
        If no file has it.
    ArchiveError
        If a file cannot be read.

    Notes
    -----
    Reads the column of ids of every file, so it takes milliseconds a file; the store answers by
    an index.
    """
    for path in archive.files():
        with opened(path) as file:
            for group in range(file.num_row_groups):
                ids = file.read_row_group(group, columns=["alert_id"]).column(0).to_numpy()
                rows = np.flatnonzero(ids == alert_id)
                if len(rows):
                    table = file.read_row_group(group).slice(int(rows[0]), 1)
                    return _alert(AlertBatch(table.combine_chunks().to_batches()[0]))
    raise BadInput(f"no alert {alert_id} in the archive {archive.folder}")


def _alert(one: AlertBatch) -> Alert:
    from dataclasses import replace

    from gueststar.alert import Alert

    scores = [
        Score(s["module"], s["version"], s["class"], s["value"], s["reason"])
        for s in one.column("scores")[0].as_py()
    ]
    found = Alert.from_batch(one, 0)
    return replace(found, scores={f"{s.module}_{s.label}": s for s in scores})
