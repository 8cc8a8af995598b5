"""The Python client: one :class:`Broker` over a local store or a server, with the same methods."""

from gueststar.client.broker import Broker
from gueststar.client.results import Result
from gueststar.client.things import BrokerObject

__all__ = ["Broker", "BrokerObject", "Result"]
