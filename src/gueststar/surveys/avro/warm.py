"""The first decode of a machine compiles; this does it before, and says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gueststar.surveys.avro.containers import read_messages
from gueststar.surveys.avro.kernel import decode_blocks

_SMALL = {
    "type": "record",
    "name": "warm",
    "fields": [{"name": "value", "type": ["null", "float"]}],
}


def is_compiled() -> bool:
    """Tell whether an earlier process has left the compiled decoder on disk."""
    if decode_blocks.signatures:
        return True
    folder = Path(decode_blocks.stats.cache_path)
    return folder.is_dir() and any(folder.glob("kernel.decode_blocks-*.nbc"))


def warm_up(progress: Callable[[str], None] | None = None) -> None:
    """Load the compiled decoder, compiling it when this is the first use.

    Parameters
    ----------
    progress : callable, optional
        Is told, in a sentence, when something slow begins.
    """
    if progress is not None and not is_compiled():
        progress("compiling the alert decoder (once, some seconds)")
    read_messages([b"\x00"], _SMALL)
