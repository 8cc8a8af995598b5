"""Fixtures that every test may ask for."""

import importlib.util
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of shared real data; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("GUESTSTAR_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "README.md").exists():
        pytest.skip(f"no real data at {folder} (set GUESTSTAR_DATA)")
    return folder


def _kafka_tool():
    spec = importlib.util.spec_from_file_location("kafka_server", ROOT / "tools/kafka_server.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    """A real Kafka: its ``servers``; the one of GUESTSTAR_KAFKA, else one of our own."""
    pytest.importorskip("confluent_kafka", reason="no confluent-kafka: extra kafka")
    if address := os.environ.get("GUESTSTAR_KAFKA"):
        yield SimpleNamespace(servers=address)
        return
    tool = _kafka_tool()
    try:
        server = tool.Kafka(tmp_path_factory.mktemp("kafka")).start()
    except tool.Missing as reason:
        pytest.skip(f"no Kafka: {reason}")
    yield server
    server.stop()


@pytest.fixture
def own_kafka(tmp_path_factory):
    """A Kafka of one's own, to be stopped and killed at will."""
    pytest.importorskip("confluent_kafka", reason="no confluent-kafka: extra kafka")
    tool = _kafka_tool()
    try:
        server = tool.Kafka(tmp_path_factory.mktemp("kafka")).start()
    except tool.Missing as reason:
        pytest.skip(f"no Kafka: {reason}")
    yield server
    server.stop()
