"""The one place that decides which rows a request may see."""

from __future__ import annotations

from typing import Any

from litestar import Request

from gueststar.serve.portal.house import house_of
from gueststar.store import Store


def store_of(request: Request[Any, Any, Any]) -> Store:
    """Return the store as this request may see it.

    Every route reads through it, and through nothing else (tests/serve/test_api.py). There are
    no accounts: whoever reaches the server sees all rows. Where there are, a store that shows
    fewer is returned here.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    return house_of(request).store
