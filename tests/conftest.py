"""Fixtures that every test may ask for."""

import importlib.util
import os
import re
import tempfile
import uuid
from contextlib import contextmanager
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
    "docs": "sphinx|extra docs",
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


def _tool(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"tools/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def kafka_tool():
    """The module tools/kafka_server.py."""
    return _tool("kafka_server")


class Databases:
    """Fresh databases on one PostgreSQL server."""

    def __init__(self, url, server=None):
        self.base, self.server = url, server

    def execute(self, statement, url=None):
        import psycopg

        with psycopg.connect(url or self.base, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else None

    @contextmanager
    def fresh(self):
        """URL of a new database, which is dropped in the end."""
        name = f"gueststar_test_{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name}")
        head, _, tail = self.base.rpartition("/")
        yield f"{head}/{name}{''.join(tail.partition('?')[1:])}"
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _started_postgres():
    """A PostgreSQL of our own, in a folder that its user can reach: pytest's own is closed."""
    pytest.importorskip("psycopg", reason="no psycopg: extra postgres")
    pytest.importorskip("sqlglot", reason="no sqlglot: extra postgres")
    tool = _tool("postgres_server")
    with tempfile.TemporaryDirectory(prefix="gueststar-pg-") as folder:
        try:
            server = tool.Postgres(
                Path(folder), more="fsync = off\n"
            ).start()  # no test cuts the power
        except tool.Missing as reason:
            pytest.skip(f"no PostgreSQL: {reason}")
        try:
            yield Databases(server.url, server)
        finally:
            server.stop()


@pytest.fixture(scope="session")
def postgres():
    """A real PostgreSQL: the one of GUESTSTAR_POSTGRES, else one of our own."""
    if url := os.environ.get("GUESTSTAR_POSTGRES"):
        pytest.importorskip("psycopg", reason="no psycopg: extra postgres")
        yield Databases(url)
        return
    with _started_postgres() as databases:
        yield databases


@pytest.fixture
def own_postgres():
    """A PostgreSQL of one's own, to be stopped and killed at will."""
    with _started_postgres() as databases:
        yield databases


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
