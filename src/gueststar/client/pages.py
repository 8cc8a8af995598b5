"""Long answers, pulled page by page."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from gueststar.client.progress import bar
from gueststar.client.results import Result
from gueststar.errors import BadInput
from gueststar.store.selection import next_of, with_next

PAGE = 5_000  # rows


def pulled(
    find: Callable[[str | None, int], pa.Table], limit: int, what: str, shown: bool | None
) -> Result:
    """Pull pages until there are ``limit`` rows, or no more.

    Parameters
    ----------
    find : callable
        Gives one page: behind a cursor, and of so many rows.
    limit : int
    what : str
        Label of the bar.
    shown : bool or None
        Whether there is one; see :func:`gueststar.client.progress.bar`.

    Raises
    ------
    BadInput
        If the limit cannot be.
    """
    if limit < 1:
        raise BadInput(f"limit: {limit} cannot be: give 1 or more")
    parts: list[pa.Table] = []
    there, after = 0, None
    with bar(what, None, shown if limit > PAGE else False) as more:
        while there < limit and (after is not None or not parts):
            page = find(after, min(PAGE, limit - there))
            parts.append(with_next(page, None))
            there, after = there + page.num_rows, next_of(page)
            more(page.num_rows)
    result = Result.from_arrow(pa.concat_tables(parts))
    if after is not None:
        result.meta["truncated"] = True
    return result
