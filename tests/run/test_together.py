"""Jobs in threads: all to their end, or all to an early one."""

import threading

import pytest

from gueststar.errors import StreamError
from gueststar.run.together import Either, together


def test_all_run_to_their_end():
    done = []
    together([lambda stop, n=n: done.append(n) for n in range(3)], threading.Event())
    assert sorted(done) == [0, 1, 2]


def test_one_that_fails_ends_the_others_and_is_told():
    stop, ended = threading.Event(), []

    def waits(stop):
        ended.append(stop.wait(60))

    def fails(stop):
        raise StreamError("no Kafka answers")

    with pytest.raises(StreamError, match="no Kafka"):
        together([waits, fails, waits], stop)
    assert ended == [True, True]
    assert not stop.is_set()  # whoever asked did not ask for the end


def test_the_request_to_stop_reaches_all():
    stop, ended = threading.Event(), []
    timer = threading.Timer(0.2, stop.set)
    timer.start()
    together([lambda stop: ended.append(stop.wait(60)) for _ in range(2)], stop)
    assert ended == [True, True]


def test_either_of_two_events():
    outer = threading.Event()
    either = Either(outer)
    assert not either.wait(0.01)
    outer.set()
    assert either.is_set()
    assert either.wait()
