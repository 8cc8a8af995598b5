"""What takes long to count is shown as it was, and counted again behind."""

import threading

import pytest

from gueststar.errors import StoreError
from gueststar.serve import counted
from gueststar.serve.counted import Counted


def slow(monkeypatch):
    """Take whatever was counted for slow."""
    monkeypatch.setattr(counted, "QUICK_S", -1.0)


def test_what_is_quick_is_counted_for_everybody():
    numbers = iter(range(10))
    kept = Counted(lambda: next(numbers))
    assert [kept.now().value for _ in range(3)] == [0, 1, 2]
    assert not kept.now().renewing
    kept.close()


def test_what_is_slow_is_shown_as_it_was(monkeypatch):
    slow(monkeypatch)
    numbers, threads = iter(range(10)), set()

    def count():
        threads.add(threading.current_thread())
        return next(numbers)

    kept = Counted(count)
    first = kept.now()
    assert (first.value, first.renewing) == (0, False)
    seen = kept.now()
    assert (seen.value, seen.at, seen.renewing) == (0, first.at, True)
    kept.close()
    assert kept.now().value > seen.value
    kept.close()
    assert len(threads) <= 2  # one until it was closed, one after


def test_nobody_waits_long_for_the_first_count(monkeypatch):
    slow(monkeypatch)
    go = threading.Event()
    kept = Counted(lambda: go.wait(60))
    assert kept.now(0.0) is None
    assert kept.now(0.01) is None
    go.set()
    assert kept.now().value is True
    kept.close()


def test_a_count_that_fails_is_told_and_tried_again(monkeypatch):
    slow(monkeypatch)
    answers = iter([StoreError("gone"), 7])

    def count():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    kept = Counted(count)
    with pytest.raises(StoreError, match="gone"):
        kept.now()
    assert kept.now().value == 7
    kept.close()
