"""The first decode on a machine compiles; this does it before, and says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numba

from gueststar.surveys.avro.containers import read_containers, read_messages
from gueststar.surveys.avro.header import MAGIC
from gueststar.surveys.avro.kernel import decode_blocks
from gueststar.surveys.avro.scan import SYNC
from gueststar.surveys.avro.sources import SOURCES

_SMALL = {
    "type": "record",
    "name": "warm",
    "fields": [{"name": "value", "type": ["null", "float"]}],
}


def _container() -> bytes:
    """Return a small container of one record."""
    text = json.dumps(_SMALL).encode()
    length = bytes([(2 * len(text)) & 0x7F | 0x80, 2 * len(text) >> 7])
    sync = bytes(SYNC)
    return MAGIC + b"\x02\x16avro.schema" + length + text + b"\x00" + sync + b"\x02\x02\x00" + sync


def _mark() -> Path | None:
    """Name the file that says: compiled from these sources by this numba."""
    folder = decode_blocks.stats.cache_path
    if folder is None:  # nothing can be kept here
        return None
    return Path(folder) / f"decoder-{SOURCES:012x}-numba-{numba.__version__}.compiled"


def is_compiled() -> bool:
    """Tell whether this process or an earlier one has compiled the decoder."""
    mark = _mark()
    return bool(decode_blocks.signatures) or (mark is not None and mark.exists())


def warm_up(progress: Callable[[str], None] | None = None) -> None:
    """Load the compiled decoder, compiling it when this is its first use.

    It is kept beside the package, or in the user's cache folder when that cannot be written
    (``NUMBA_CACHE_DIR`` overrides both).

    Parameters
    ----------
    progress : callable, optional
        Is told, in a sentence, when something slow begins.
    """
    if progress is not None and not is_compiled():
        progress("compiling the alert decoder (once on this machine, some seconds)")
    read_messages([b"\x00"], _SMALL)
    read_containers([_container(), _container()])
    if mark := _mark():
        with suppress(OSError):  # the mark only spares a message
            mark.touch()
