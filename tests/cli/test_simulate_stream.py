"""``gueststar simulate stream``: a night in a real Kafka."""

import subprocess
import sys
import threading
import time

import pytest

from gueststar.errors import StreamError
from gueststar.simulate.night import Night
from gueststar.streams.send import send
from streams import read


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "gueststar", "simulate", "stream", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_simulated_night_arrives_whole(kafka):
    topic = f"night-{time.time_ns()}"
    done = run("--alerts", "40", "--seed", "3", "--to", f"kafka://{kafka.servers}/{topic}")
    assert done.returncode == 0, done.stderr
    assert "40 packets" in done.stderr
    messages = read(kafka.servers, topic, 40)
    assert {m.value() for m in messages} == set(Night(40, 3))
    assert len({m.partition() for m in messages}) > 1


def test_a_rate_is_kept(kafka):
    """Timestamps of the messages, not our clock: the n-th leaves no earlier than it should."""
    topic = f"paced-{time.time_ns()}"
    assert send([b"x"] * 30, kafka.servers, topic, rate=30.0, partitions=1) == 30
    stamps = [m.timestamp()[1] for m in read(kafka.servers, topic, 30)]
    assert stamps[-1] - stamps[0] >= 29 / 30 * 1000 - 20


def test_a_request_to_stop_is_heard(kafka):
    stop = threading.Event()
    sent = send(
        [b"x"] * 1000, kafka.servers, f"stop-{time.time_ns()}", rate=50.0, partitions=1, stop=stop,
        progress=lambda n: stop.set() if n == 5 else None,
    )  # fmt: skip
    assert sent == 5


def test_nobody_answers():
    with pytest.raises(StreamError, match=r"127\.0\.0\.1:1"):
        send([b"x"], "127.0.0.1:1", "x", options={"log_level": 0})


@pytest.mark.parametrize("to", ["localhost:9092/x", "kafka://localhost:9092", "kafka://h:1/a,b"])
def test_addresses_that_cannot_be(to):
    done = run("--to", to)
    assert done.returncode == 1
    assert "kafka://" in done.stderr or "one topic" in done.stderr
