"""Avro packets to nested Arrow columns directly, no dict per record.

The writer's schema is compiled once to a flat program; one compiled call runs it over a whole
batch of packets, in place, and fills the buffers that Arrow takes as they are. fastavro reads
what this does not cover (decimals), and is the reference in the tests.
"""

from gueststar.surveys.avro.containers import Decoded, count_records, read_containers, read_messages
from gueststar.surveys.avro.run import Group, PacketError
from gueststar.surveys.avro.warm import warm_up

__all__ = [
    "Decoded",
    "Group",
    "PacketError",
    "count_records",
    "read_containers",
    "read_messages",
    "warm_up",
]
