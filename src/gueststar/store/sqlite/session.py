"""A connection to SQLite that speaks the store's own language; one writer has the whole file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import orjson

from gueststar.rights import UNRESTRICTED, Rights
from gueststar.store.session import Kind, too_long

OPS_BETWEEN_LOOKS = 20_000


class SqliteSession(sqlite3.Connection):
    """See :class:`gueststar.store.session.Session`; claims need nothing under the write lock."""

    keys: ClassVar[str] = "alert_rows"
    by_id: ClassVar[str] = "alert_rows"
    same_night: ClassVar[str] = ""
    skip_locked: ClassVar[str] = ""
    spans: ClassVar[str] = """(SELECT json_extract(value, '$[0]') AS low,
            json_extract(value, '$[1]') AS high FROM json_each(:spans)) AS span"""
    rights: Rights = UNRESTRICTED
    #: Of a connection for SQL by anybody: the word that names of its own views end in, and the
    #: columns of the public views.
    fence: str = ""
    views: Mapping[str, Sequence[str]] = MappingProxyType({})

    def wanted(self, kind: Kind, name: str = "") -> str:
        """Return a table of one parameter, which is a JSON text."""
        return f"json_each({':' + name if name else '?'}) AS wanted"

    def pack(self, values: Iterable[Any], /) -> str:
        """Return the parameter of :meth:`wanted`."""
        return orjson.dumps(list(values)).decode()

    def pack_spans(self, spans: np.ndarray, /) -> dict[str, Any]:
        """Return the parameters of :attr:`spans`."""
        return {"spans": orjson.dumps(spans.tolist()).decode()}

    @contextmanager
    def within(self, seconds: float, whole: bool = False) -> Iterator[None]:
        """Stop what takes longer."""
        deadline = time.monotonic() + seconds
        self.set_progress_handler(lambda: time.monotonic() > deadline, OPS_BETWEEN_LOOKS)
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_INTERRUPT:
                raise
            raise too_long(seconds) from None
        finally:
            self.set_progress_handler(None, 0)

    def index(self, name: str) -> str:
        """Return the word that makes a query use an index; views, which hide rows, take none."""
        return "" if self.rights.restricted else f" INDEXED BY {name}"

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        *,
        key: Sequence[str] = (),
        renew: Sequence[str] = (),
    ) -> None:
        """Insert many rows."""
        query = f"""INSERT INTO {table} ({",".join(columns)})
                    VALUES ({",".join("?" * len(columns))})"""
        if renew:
            news = ", ".join(f"{name} = excluded.{name}" for name in renew)
            query += f" ON CONFLICT ({','.join(key)}) DO UPDATE SET {news}"
        elif key:
            query += " ON CONFLICT DO NOTHING"
        self.executemany(query, rows)

    def claim_alerts(self, alerts: Mapping[int, tuple[int, str]]) -> dict[int, str]:
        """Return the surveys of those alerts that are in the store."""
        query = """SELECT a.alert_id, a.survey FROM json_each(?) AS wanted
                   CROSS JOIN alert_rows AS a WHERE a.alert_id = wanted.value"""
        return dict(self.execute(query, (self.pack(alerts),)))

    def claim_curves(self, table: str, key: str, owners: Sequence[Any]) -> None:
        """Do nothing."""

    def only(self, word: str) -> bool:
        """Return True."""
        return True

    def share(self, word: str) -> None:
        """Do nothing."""

    def alone(self, word: str) -> None:
        """Do nothing."""
