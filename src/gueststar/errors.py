"""Every error that gueststar raises on purpose.

::

    GueststarError
    ├── BadInput           what was given cannot be used: a file, an argument, a URL
    │   ├── NotThere       what was named is not there
    │   ├── NotAllowed     others only may do it
    │   │   ├── NotKnown   who asks could not be made out: a password, a token
    │   │   └── TooSoon    it was tried too often
    │   ├── BadPacket      an alert packet that cannot be decoded
    │   ├── UnknownSchema  a schema id or version that nobody has told us about
    │   └── RegistryUnavailable*  a schema registry that does not answer
    ├── BadModule          a science module, filter, source, sink or pipeline breaks its contract
    ├── BadBundle          a model bundle is incomplete, altered or gives other scores
    ├── StoreError         the store cannot be opened, read or written
    │   ├── NewerStore     it was written by a newer gueststar
    │   ├── CutoutsLost    cutouts that it keeps elsewhere are not there, or damaged
    │   └── StoreUnavailable*  its disk is full or fails, its server is away
    │       ├── StoreBusy      another process holds it for longer than we wait
    │       └── UnknownCommit  its server went away while it committed
    ├── ArchiveError       the Parquet archive cannot be read or written
    │   └── ArchiveUnavailable*  its disk is full or fails
    ├── ExportError        a file of an export cannot be written
    │   └── ExportUnavailable*  its disk is full or fails
    ├── StreamError        Kafka cannot be used
    │   ├── StreamRefused  it does not let us: a login, a permission
    │   │   └── MessageRefused  it does not take this one message
    │   └── StreamUnavailable*  it does not answer
    ├── ServerError        a gueststar server failed, or is something else
    │   └── ServerUnavailable*  it does not answer, or says that it is busy
    ├── Unavailable        * the parent of those that may pass by themselves: try again
    ├── EngineError        an engine under us (Spark) does not start, or gave up
    └── MissingExtra       an optional package is not installed

A message names the value, the place and the way out. What is under us and may come back (a
star) has :class:`Unavailable` as a second parent: a broker waits for it, everything else ends.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from difflib import get_close_matches


class GueststarError(Exception):
    """The root: catch this to catch everything that gueststar raises on purpose."""


class Unavailable(GueststarError):
    """What is under us is away, busy or full, and may come back: the same call may work later.

    Its children are errors of their own rooms too.
    """


class BadInput(GueststarError):
    """What was given cannot be used."""


class NotThere(BadInput):
    """What was named is not there."""


class NotAllowed(BadInput):
    """What was asked for may be done by others only."""


class NotKnown(NotAllowed):
    """Who asks could not be made out: a password, a token or a login that does not count."""


class TooSoon(NotAllowed):
    """It was tried too often; ``wait_s`` seconds later it may be tried again."""

    def __init__(self, message: str, wait_s: float) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class BadPacket(BadInput):
    """An alert packet that cannot be decoded."""


class UnknownSchema(BadInput):
    """A schema id or version that nobody has told us about."""


class RegistryUnavailable(BadInput, Unavailable):
    """A schema registry does not answer; no fault of the message that needs it."""


class BadModule(GueststarError):
    """A science module, filter, source, sink or pipeline breaks its contract."""


class BadBundle(GueststarError):
    """A model bundle is incomplete, altered, or gives other scores than it should."""


class StoreError(GueststarError):
    """The store cannot be opened, read or written."""


class NewerStore(StoreError):
    """The store was written by a newer gueststar."""


class CutoutsLost(StoreError):
    """Cutouts that the store keeps outside of its database are not there, or are damaged."""


class StoreUnavailable(StoreError, Unavailable):
    """The disk of the store is full or fails, or its server is away; nothing was written."""


class StoreBusy(StoreUnavailable):
    """Another process holds the store for longer than we wait."""


class UnknownCommit(StoreUnavailable):
    """The server went away while it committed: the last write is there whole, or not at all."""


class ArchiveError(GueststarError):
    """The Parquet archive cannot be read or written."""


class ArchiveUnavailable(ArchiveError, Unavailable):
    """The disk of the archive is full or fails."""


class ExportError(GueststarError):
    """A file of an export cannot be written."""


class ExportUnavailable(ExportError, Unavailable):
    """The disk of an export is full or fails."""


class StreamError(GueststarError):
    """Kafka cannot be used."""


class StreamRefused(StreamError):
    """Kafka does not let us: a login, a permission, a name that cannot be."""


class MessageRefused(StreamRefused):
    """Kafka does not take this one message, and takes others."""


class StreamUnavailable(StreamError, Unavailable):
    """Kafka does not answer, or does not acknowledge."""


class ServerError(GueststarError):
    """A gueststar server failed, or is something else."""


class ServerUnavailable(ServerError, Unavailable):
    """A gueststar server does not answer, or says that it is busy."""


class EngineError(GueststarError):
    """An engine under us (Spark) does not start, or gave up."""


class MissingExtra(GueststarError):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"this needs {package}, which is not installed: pip install 'gueststar[{extra}]'"
        )


#: Troubles of the system that pass when somebody makes room or a disk comes back.
_PASSING = frozenset(
    getattr(errno, name)
    for name in (
        "ENOSPC", "EDQUOT", "EFBIG", "EIO", "EAGAIN", "ENOMEM", "EMFILE", "ENFILE", "ESTALE",
        "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH",
    )
    if hasattr(errno, name)
)  # fmt: skip


def may_pass(error: OSError) -> bool:
    """Tell a full or failing disk from what stays so, such as a permission that is missing."""
    return error.errno in _PASSING


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
