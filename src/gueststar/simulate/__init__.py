"""Nights of packets: offline, seeded, with the truth beside them."""

from gueststar.simulate.night import Night, write_night

__all__ = ["Night", "write_night"]
