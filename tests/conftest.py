"""Fixtures that every test may ask for."""

import importlib.util
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: GUESTSTAR_REQUIRE=kafka,spark,...: what must be here, and what a skip for want of it says.
WANTS = {
    "kafka": "kafka|maven|mvn",
    "spark": "spark|java",
    "browser": "chromium|playwright",
    "postgres": "postgres|psycopg",
    "train": "torch|extra train",
}


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Fail a run in which tests were skipped for want of what it requires."""
    required = [word for word in os.environ.get("GUESTSTAR_REQUIRE", "").split(",") if word]
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not required or reporter is None:
        return
    pattern = "|".join(WANTS[word] for word in required)
    for report in reporter.stats.get("skipped", []):
        reason = str(report.longrepr[-1])
        if re.search(pattern, reason, re.IGNORECASE):
            reporter.write_line(f"REQUIRED: {report.nodeid} was skipped: {reason}", red=True)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of shared real data; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("GUESTSTAR_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "README.md").exists():
        pytest.skip(f"no real data at {folder} (set GUESTSTAR_DATA)")
    return folder


def kafka_tool():
    """The module tools/kafka_server.py."""
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
    tool = kafka_tool()
    try:
        server = tool.broker(tmp_path_factory.mktemp("kafka")).start()
    except tool.Missing as reason:
        pytest.skip(f"no Kafka: {reason}")
    yield server
    server.close()


@pytest.fixture
def own_kafka(tmp_path_factory):
    """A Kafka of one's own, to be stopped and killed at will."""
    pytest.importorskip("confluent_kafka", reason="no confluent-kafka: extra kafka")
    tool = kafka_tool()
    try:
        server = tool.broker(tmp_path_factory.mktemp("kafka")).start()
    except tool.Missing as reason:
        pytest.skip(f"no Kafka: {reason}")
    yield server
    server.close()
