"""What Prometheus reads: the numbers of ``gueststar health``, as text.

``gueststar serve`` answers at ``/metrics``; a running broker at the address ``metrics`` of its
``broker.toml``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from gueststar.errors import BadInput

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
KEPT_S = 5.0  # an answer is good for so long: counting a large ledger takes a while

_STATES = ("received", "stored", "duplicate", "dead_letter")
_GAUGES = {
    "lag": ("lag_messages", "Messages that wait to be read"),
    "missing": ("missing_offsets", "Offsets between first and last that the ledger lacks"),
    "alerts_per_s": ("alerts_per_second", "Alerts settled per second, newest five minutes"),
    "last_unix": ("last_settled_timestamp_seconds", "When a message was settled last"),
}


class Health:
    """A collector over :meth:`gueststar.store.Store.health`.

    Parameters
    ----------
    health : callable
        Gives the counts, and ``counted_unix`` where they are not of this moment.
    """

    def __init__(self, health: Callable[[], dict[str, Any]]) -> None:
        self._health = health
        self._lock = threading.Lock()
        self._at, self._facts = 0.0, {}  # type: tuple[float, dict[str, Any]]

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics, as the client library asks for them."""
        facts = self._fresh()
        yield from _totals(facts)
        yield from _topics(facts["topics"])

    def _fresh(self) -> dict[str, Any]:
        with self._lock:
            if not self._facts or time.monotonic() - self._at > KEPT_S:
                self._facts, self._at = self._health(), time.monotonic()
            return self._facts


def _totals(facts: dict[str, Any]) -> Iterator[Metric]:
    inputs = CounterMetricFamily(
        "gueststar_inputs", "Input positions by how they ended", labels=["state"]
    )
    for state in _STATES[1:]:
        inputs.add_metric([state.replace("_", "-")], facts[state])
    yield inputs
    yield CounterMetricFamily("gueststar_received", "Input positions", value=facts["received"])
    yield GaugeMetricFamily(
        "gueststar_in_equals_out",
        "1 when every input position ended in exactly one state",
        value=float(facts["in_equals_out"]),
    )
    for name in ("objects", "scores"):
        yield GaugeMetricFamily(f"gueststar_{name}", f"{name} in the store", value=facts[name])
    yield GaugeMetricFamily("gueststar_store_bytes", "Size of it", value=facts["size_mb"] * 1e6)
    yield GaugeMetricFamily(
        "gueststar_unsent", "Alerts that a topic out did not take", value=facts["unsent"]
    )
    yield GaugeMetricFamily(
        "gueststar_counted_timestamp_seconds",
        "When all this was counted: a large store is counted behind, for the next reader",
        value=facts.get("counted_unix", time.time()),
    )
    newest = max((alarm["at_unix"] for alarm in facts["alarms"]), default=0.0)
    yield GaugeMetricFamily(
        "gueststar_last_alarm_timestamp_seconds", "When the last alarm was raised", value=newest
    )


def _topics(topics: list[dict[str, Any]]) -> Iterator[Metric]:
    messages = CounterMetricFamily(
        "gueststar_topic_messages", "Messages by how they ended", labels=["topic", "state"]
    )
    for topic in topics:
        for state in _STATES[1:]:
            messages.add_metric([topic["topic"], state.replace("_", "-")], topic[state])
    yield messages
    for key, (name, text) in _GAUGES.items():
        gauge = GaugeMetricFamily(f"gueststar_topic_{name}", text, labels=["topic"])
        for topic in topics:
            if topic[key] is not None:
                gauge.add_metric([topic["topic"]], topic[key])
        yield gauge
    yield _latency(topics)


def _latency(topics: list[dict[str, Any]]) -> Metric:
    gauge = GaugeMetricFamily(
        "gueststar_topic_latency_seconds",
        "Time from arrival to stored, newest hour with messages",
        labels=["topic", "quantile"],
    )
    for topic in topics:
        for quantile, key in (("0.5", "latency_p50_s"), ("0.98", "latency_p98_s")):
            if topic[key] is not None:
                gauge.add_metric([topic["topic"], quantile], topic[key])
    return gauge


def registry_of(health: Callable[[], dict[str, Any]]) -> CollectorRegistry:
    """Return a registry that holds the metrics of one store, and of nothing else."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Health(health))  # type: ignore[arg-type]
    return registry


@contextmanager
def answering(address: str | None, health: Callable[[], dict[str, Any]]) -> Iterator[None]:
    """Answer Prometheus at ``host:port`` while this context lasts; nobody when None.

    Raises
    ------
    BadInput
        If the address cannot be, or is taken.
    """
    if address is None:
        yield
        return
    host, port = host_and_port(address)
    try:
        server, thread = start_http_server(port, host, registry_of(health))
    except OSError as error:
        raise BadInput(f"metrics cannot be served at {address}: {error.strerror}") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def host_and_port(address: str) -> tuple[str, int]:
    """Read ``host:port``.

    Raises
    ------
    BadInput

    Examples
    --------
    >>> host_and_port("127.0.0.1:9464")
    ('127.0.0.1', 9464)
    """
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise BadInput(f"metrics = {address!r} should be host:port, such as 127.0.0.1:9464")
    return host, int(port)


def text_of(registry: CollectorRegistry) -> bytes:
    """Return what Prometheus reads."""
    return generate_latest(registry)
