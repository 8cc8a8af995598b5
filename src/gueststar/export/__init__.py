"""Bulk export: what a store holds, streamed into files that other programs read.

>>> from gueststar.export import Wanted, export
>>> export(store, Wanted.of("alerts", night=20240101), "night.parquet")      # doctest: +SKIP
"""

from gueststar.export.jobs import Exported, export
from gueststar.export.streaming import STREAMED, pieces
from gueststar.export.wanted import WHAT, Wanted
from gueststar.export.writers import FORMATS

__all__ = ["FORMATS", "STREAMED", "WHAT", "Exported", "Wanted", "export", "pieces"]
