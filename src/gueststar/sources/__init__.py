"""Where batches come from: files, memory, the simulator; and what a SOURCE argument means."""

from gueststar.sources.files import FileSource
from gueststar.sources.memory import MemorySource
from gueststar.sources.parse import open_source

__all__ = ["FileSource", "MemorySource", "open_source"]
