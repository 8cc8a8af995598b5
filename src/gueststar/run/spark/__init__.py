"""Runs the same pipeline on Apache Spark: over archives, and on Kafka by Structured Streaming.

Packets are decoded and scored on the workers (``mapInArrow``, :mod:`gueststar.run.spark.worker`);
the driver writes the results into the same sinks as the local runner
(:mod:`gueststar.run.spark.results`). See ``docs/spark.md``.
"""

from gueststar.run.spark.archives import run_batch
from gueststar.run.spark.results import Done
from gueststar.run.spark.session import CONNECTOR, spark_session
from gueststar.run.spark.streams import run_stream

__all__ = ["CONNECTOR", "Done", "run_batch", "run_stream", "spark_session"]
