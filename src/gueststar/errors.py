"""Every error that gueststar raises on purpose.

::

    GueststarError
    ├── BadInput           what was given cannot be used: a file, an argument, a URL
    │   ├── BadPacket      an alert packet that cannot be decoded
    │   └── UnknownSchema  a schema id or version that nobody has told us about
    ├── BadModule          a science module, filter, source, sink or pipeline breaks its contract
    ├── BadBundle          a model bundle is incomplete, altered or gives other scores
    ├── StoreError         the store cannot be opened, read or written
    │   ├── NewerStore     it was written by a newer gueststar
    │   └── StoreBusy      another process holds it for longer than we wait
    ├── ArchiveError       the Parquet archive cannot be read or written
    ├── StreamError        a Kafka broker cannot be reached, or refuses
    ├── EngineError        an engine under us (Spark) does not start, or gave up
    └── MissingExtra       an optional package is not installed

A message names the value, the place and the way out.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class GueststarError(Exception):
    """The root: catch this to catch everything that gueststar raises on purpose."""


class BadInput(GueststarError):
    """What was given cannot be used."""


class BadPacket(BadInput):
    """An alert packet that cannot be decoded."""


class UnknownSchema(BadInput):
    """A schema id or version that nobody has told us about."""


class BadModule(GueststarError):
    """A science module, filter, source, sink or pipeline breaks its contract."""


class BadBundle(GueststarError):
    """A model bundle is incomplete, altered, or gives other scores than it should."""


class StoreError(GueststarError):
    """The store cannot be opened, read or written."""


class NewerStore(StoreError):
    """The store was written by a newer gueststar."""


class StoreBusy(StoreError):
    """Another process holds the store for longer than we wait."""


class ArchiveError(GueststarError):
    """The Parquet archive cannot be read or written."""


class StreamError(GueststarError):
    """A Kafka broker cannot be reached, or refuses what was asked."""


class EngineError(GueststarError):
    """An engine under us (Spark) does not start, or gave up."""


class MissingExtra(GueststarError):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"this needs {package}, which is not installed: pip install 'gueststar[{extra}]'"
        )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Say which names exist and which is nearest, for the end of an error message.

    Parameters
    ----------
    name : str
        What was asked for.
    known : iterable of str
        What there is.

    Returns
    -------
    str
        ``" Did you mean 'x'? Known: ..."``.

    Examples
    --------
    >>> did_you_mean("candidat", ["candidate", "history"])
    " Did you mean 'candidate'? Known: candidate, history."
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{hint} Known: {', '.join(names) or 'none'}."
