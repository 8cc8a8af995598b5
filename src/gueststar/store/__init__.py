"""Where alerts are kept: one interface, engines behind it.

>>> from gueststar.store import open_store
>>> store = open_store("sqlite:///night.db")       # doctest: +SKIP
>>> store.cone(10.68, 41.27, 5.0)                  # doctest: +SKIP
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote

from gueststar.errors import BadInput
from gueststar.store.interface import ObjectRecord, Store
from gueststar.store.reports import WriteReport
from gueststar.store.sqlite.connection import BUSY_SECONDS
from gueststar.store.sqlite.store import SqliteStore

__all__ = [
    "DEFAULT_URL",
    "ObjectRecord",
    "Store",
    "WriteReport",
    "is_server",
    "open_store",
    "store_exists",
    "store_name",
    "store_path",
]

DEFAULT_URL = "sqlite:///gueststar.db"
_SCHEME = "sqlite:///"
_SERVERS = ("postgresql://", "postgres://")


def open_store(
    url: str | None = None, *, read_only: bool = False, busy_s: float = BUSY_SECONDS
) -> Store:
    """Open a store; a new one is made unless ``read_only``.

    Parameters
    ----------
    url : str, optional
        ``sqlite:///night.db`` (relative) or ``sqlite:////data/night.db`` (absolute), or
        ``postgresql://user:password@host:port/database`` (extra ``postgres``). Default: the
        environment's ``GUESTSTAR_STORE``, else ``sqlite:///gueststar.db``.
    read_only : bool
        Never write; the store must exist.
    busy_s : float
        How long a write waits while another process holds the store.

    Raises
    ------
    BadInput
        If the URL is of no known kind.
    MissingExtra
        If it is one of PostgreSQL, and psycopg is not installed.
    StoreError
        If the store cannot be opened; :class:`~gueststar.errors.NewerStore` if a newer
        gueststar wrote it.
    """
    if server := _server(url):
        from gueststar.store.postgres.store import PostgresStore

        return PostgresStore(server, read_only=read_only, busy_s=busy_s)
    return SqliteStore(store_path(url), read_only=read_only, busy_s=busy_s)


def store_exists(url: str | None = None) -> bool:
    """Tell whether something has been stored at a URL; nothing is made.

    Raises
    ------
    BadInput
        If the URL is of no known kind.
    StoreError
        If a server does not answer.
    """
    if server := _server(url):
        from gueststar.store.postgres.store import exists

        return exists(server)
    return store_path(url).exists()


def store_name(url: str | None = None) -> str:
    """Return what messages call a store: its file, or the server's URL without the password.

    Examples
    --------
    >>> store_name("postgresql://me:secret@db.example:5432/alerts")
    'postgresql://db.example:5432/alerts'
    """
    if server := _server(url):
        return _SERVERS[0] + server.partition("://")[2].rpartition("@")[2].partition("?")[0]
    return str(store_path(url))


def is_server(url: str | None = None) -> bool:
    """Tell whether a store URL names a server, and no file."""
    return _server(url) is not None


def _server(url: str | None) -> str | None:
    """Return the URL if a server has the store."""
    url = url or os.environ.get("GUESTSTAR_STORE") or DEFAULT_URL
    return url if url.startswith(_SERVERS) else None


def store_path(url: str | None = None) -> Path:
    """Return the file that a store URL names.

    Raises
    ------
    BadInput
        If the URL names no file.

    Examples
    --------
    >>> store_path("sqlite:///night.db").name
    'night.db'
    """
    url = url or os.environ.get("GUESTSTAR_STORE") or DEFAULT_URL
    name = unquote(url.removeprefix(_SCHEME))
    if not url.startswith(_SCHEME) or not name or "\0" in name:
        raise BadInput(
            f"the store {url!r} is of no known kind: give a file as sqlite:///night.db "
            "(sqlite:////data/night.db for an absolute path), or a server as "
            "postgresql://user:password@host:port/database"
        )
    return Path(name).expanduser().absolute()
