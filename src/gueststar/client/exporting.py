"""Files of all that is selected, from a store or from a server."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from gueststar.client.progress import bar
from gueststar.client.remote import RemoteStore
from gueststar.client.searching import Searches

_MOST_SQL = 100_000  # rows that a server gives of a query


class Exporting(Searches):
    """Gives a Broker its exports, of what its searches select."""

    def export(
        self,
        to: str | PathLike[str],
        what: str | None = None,
        *,
        format: str | None = None,
        sql: str | None = None,
        position: Any = None,
        radius: Any = 5.0,
        region: Any = None,
        overwrite: bool = False,
        rows_per_file: int = 500_000,
        **conditions: Any,
    ) -> Path:
        """Write alerts, objects, light curves or scores into a file, with a progress bar.

        Rows are pulled page by page. Of a server, each page is asked for again when it fails, so
        a connection that breaks costs one page; when the server stays away, nothing is left
        behind.

        Parameters
        ----------
        to : str or path
            It appears whole or not at all.
        what : {"alerts", "objects", "lightcurves", "scores"}, optional
            Default ``alerts``; with ``sql`` the rows of the query.
        format : {"parquet", "csv", "votable", "fits", "arrow", "hats"}, optional
            Default: what the name's ending says.
        sql : str, optional
            A SELECT: its rows, or with ``what`` those of its ``alert_id`` or ``object_id``. At
            most 1,000,000 rows, of a server 100,000.
        position, radius, region
            As for :meth:`alerts`.
        overwrite : bool
            Replace what is there.
        rows_per_file : int
            Of ``hats``.
        **conditions
            As of :meth:`alerts` and, for objects and light curves, of :meth:`objects`.

        Returns
        -------
        Path

        Raises
        ------
        BadInput
            If that cannot be selected, or not be written there.
        ExportError
            If the file cannot be written.
        ServerError
            If the server fails, or stays away.
        """
        from gueststar.export import Wanted, export
        from gueststar.export.rows import MOST_SQL

        given = self._given(position, radius, region, conditions)
        wanted = Wanted.of(what, sql=sql, **given)
        with bar("exporting", None, self._progress) as tell:
            done = export(
                self._store,
                wanted,
                Path(to),
                form=format,
                overwrite=overwrite,
                rows_per_file=rows_per_file,
                most_sql=_MOST_SQL if isinstance(self._store, RemoteStore) else MOST_SQL,
                tell=tell,
            )
        return done.path
