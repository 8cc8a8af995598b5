"""For ``spark-submit``: the broker of a ``broker.toml``, with the master that it was given.

::

    spark-submit --master spark://host:7077 --packages CONNECTOR submit.py broker.toml

``python -m gueststar.run.spark.submit --where`` prints the path of this file.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from gueststar.errors import GueststarError
from gueststar.run import logs
from gueststar.run.check import check
from gueststar.run.config import read_config
from gueststar.run.spark.broker import run_on_spark


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a broker on Spark; SIGTERM finishes the micro-batch in flight.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the command line by default.

    Returns
    -------
    int
        Exit code: 0, or 1 after one sentence on stderr.
    """
    parser = argparse.ArgumentParser(prog="submit.py", description=__doc__)
    parser.add_argument("config", nargs="?", type=Path, help="broker.toml")
    parser.add_argument("--until-caught-up", action="store_true", help="stop when all is read")
    parser.add_argument("--where", action="store_true", help="print the path of this file")
    given = parser.parse_args(arguments)
    if given.where:
        sys.stdout.write(f"{Path(__file__).resolve()}\n")
        return 0
    if given.config is None:
        parser.error("which broker.toml?")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        config = read_config(given.config)
        logs.set_up(config.logs)
        config = config.until_caught_up() if given.until_caught_up else config
        check(config, "spark")
        done = run_on_spark(config, stop)
    except GueststarError as error:
        sys.stderr.write(f"gueststar: {error}\n")
        return 1
    rows = sum(one.alerts + one.dead_letters for one in done)
    sys.stderr.write(f"done; {rows} rows\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
