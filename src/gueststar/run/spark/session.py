"""A Spark session with the settings that alerts need."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gueststar.errors import BadInput, EngineError, MissingExtra

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Spark's own Kafka connector. Its version is that of Spark.
CONNECTOR = "org.apache.spark:spark-sql-kafka-0-10_2.13:4.0.0"
ARROW_ROWS = "spark.sql.execution.arrow.maxRecordsPerBatch"


def spark_session(
    app: str = "gueststar",
    *,
    packages: Sequence[str] = (),
    master: str | None = None,
    options: Mapping[str, str] | None = None,
) -> SparkSession:
    """Open a Spark session, or return the one that is open.

    Parameters
    ----------
    app : str
        Its name in Spark's pages.
    packages : sequence of str
        Maven coordinates to fetch; streams need :data:`CONNECTOR`.
    master : str, optional
        ``local[2]``, ``spark://host:7077``, ...; default: what ``spark-submit`` says, else all
        cores of this machine.
    options : mapping of str, optional
        More settings of Spark; they win over ours.

    Raises
    ------
    MissingExtra
        If pyspark is not installed.
    BadInput
        If there is no Java.
    EngineError
        If Spark does not start.
    """
    need_spark()
    from pyspark.sql import SparkSession

    # Spark looks for `python3` in the path otherwise, which may be one without gueststar.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder: Any = SparkSession.builder.appName(app)
    for key, value in {**_settings(packages, master), **(options or {})}.items():
        builder = builder.config(key, value)
    try:
        session: SparkSession = builder.getOrCreate()
    except spark_errors() as error:
        raise EngineError(f"Spark does not start: {error}") from error
    return session


def _settings(packages: Sequence[str], master: str | None) -> dict[str, str]:
    settings = {
        ARROW_ROWS: "500",  # packets are large
        "spark.cleaner.periodicGC.interval": "2min",  # forgotten shuffles leave the disks
        "spark.driver.memory": "2g",  # of the JVM, which also works where it runs on one machine
        "spark.ui.showConsoleProgress": "false",
    }
    if packages:
        settings["spark.jars.packages"] = ",".join(packages)
    if master is not None:
        settings["spark.master"] = master
    if (master or "").startswith("local"):  # nothing outside has to reach us
        settings |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    return settings


def need_spark() -> None:
    """Check that pyspark and Java are there; nothing is started.

    Raises
    ------
    MissingExtra
        If pyspark is not installed.
    BadInput
        If there is no Java.
    """
    try:
        import pyspark.sql  # noqa: F401
    except ImportError:
        raise MissingExtra("pyspark", "spark") from None
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=str(Path(home, "bin")) if home else None) is None:
        where = f"JAVA_HOME={home}" if home else "the path"
        raise BadInput(f"Spark needs Java 17, and there is no java in {where}: install it")


@cache
def spark_errors() -> tuple[type[Exception], ...]:
    """Everything that Spark raises: its own, those of the bridge to Java, broken pipes."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    return (PySparkException, Py4JError, OSError, EOFError)


def spark_error(error: Exception, where: str = "") -> EngineError:
    """Say what Spark says, without the pages of its stack."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("gueststar.")]
    if any("find data source: kafka" in line for line in lines):
        told = [f"no Kafka connector: spark-submit --packages {CONNECTOR}, in your Spark's version"]
    return EngineError(f"Spark gave up{where}: {(told or lines or [type(error).__name__])[0]}")
