"""Whatever happens to a broker: nothing lost, nothing doubled, and the ledger says so.

What a second worker makes of a rebalance may come twice in the topic out (at least once); with one
worker, nothing may. Seeded: ``GUESTSTAR_FAULT_SEED`` is the number that a failing run has printed.
``GUESTSTAR_FAULTS`` is how many faults the last test injects; by default as many as there are kinds.
"""

import os
import random
import signal
import time

import pytest

pytest.importorskip("confluent_kafka", reason="no confluent-kafka: extra kafka")

from faults import kinds
from faults.child import PLACES
from faults.driver import Driver, check, packets_for
from faults.soak import soak

SEED = int(os.environ.get("GUESTSTAR_FAULT_SEED", "20261125"))
FAULTS = int(os.environ.get("GUESTSTAR_FAULTS", len(kinds.KINDS)))


@pytest.fixture(scope="module")
def packets():
    return packets_for(1_000)


@pytest.fixture
def driver(kafka, packets, tmp_path, request):
    """A broker that is not started yet, on the Kafka that all tests share."""
    made = Driver(tmp_path / "broker", kafka, packets, **getattr(request, "param", {}))
    yield made
    made.close()


@pytest.fixture
def chance():
    print("seed", SEED)
    return random.Random(SEED)


def started(driver):
    driver.start()
    driver.recovery()
    return driver


def faulted(driver, fault, lasts=0.0):
    """Let one fault happen to a running broker, and see everything in its place after it."""
    with fault:
        time.sleep(lasts)
    driver.recovery()
    return driver.finish()


@pytest.mark.parametrize("driver", [{"modules": ["rb"], "workers": 1}], indirect=True)
def test_without_any_fault_nothing_comes_twice(driver):
    started(driver).send(300)
    check(driver.finish(), received=308, repeated_output=0, dead_letters=0)


@pytest.mark.slow
def test_workers_killed_between_any_two_stages(driver, chance):
    started(driver)
    places = sorted(PLACES)
    chance.shuffle(places)
    for place in places:
        kinds.kill(driver, chance, place)
    driver.recovery()
    verdict = driver.finish()
    assert driver.fired() == len(PLACES)
    check(verdict, received=verdict["sent"], duplicates=0, dead_letters=0)
    assert driver.said("ended with -9")


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_kafka_stopped_and_restarted(own_kafka, packets, tmp_path, chance, how):
    driver = Driver(tmp_path / "broker", own_kafka, packets)
    try:
        started(driver)
        verdict = faulted(driver, kinds.kafka_stopped(driver, chance, how), lasts=3)
        check(verdict, received=verdict["sent"], duplicates=0, dead_letters=0)
        assert not driver.said("ended with"), driver.tail()
    finally:
        driver.close()


@pytest.mark.slow
@pytest.mark.parametrize("what", ["store", "archive", "files"])
@pytest.mark.parametrize("driver", [{"small": True, "workers": 1}], indirect=True)
def test_a_disk_that_is_full_and_then_free(driver, chance, what):
    if what != "files" and driver.disks[what] is None:
        pytest.skip("nobody may mount a small file system here")
    started(driver)
    verdict = faulted(driver, kinds.disk_full(driver, chance, what), lasts=14)
    check(verdict, received=verdict["sent"], repeated_output=0, duplicates=0, dead_letters=0)
    assert driver.said("ALARM: the stream waits"), driver.tail()
    assert driver.said("the stream goes on")
    assert not driver.said("ended with"), driver.tail()


@pytest.mark.slow
@pytest.mark.parametrize("fault", [kinds.rebalanced, kinds.second_broker])
def test_members_that_come_and_go_in_mid_batch(driver, chance, fault):
    started(driver)
    verdict = faulted(driver, fault(driver, chance), lasts=2)
    check(verdict, received=verdict["sent"], duplicates=0, dead_letters=0)


def test_poison_and_duplicates(driver, chance):
    started(driver)
    with kinds.poisoned(driver, chance), kinds.duplicated(driver, chance):
        pass
    verdict = driver.finish()
    check(verdict, duplicates=driver.repeated)
    assert verdict["dead_letters"] + verdict["damaged_but_readable"] >= driver.poisoned
    assert verdict["dead_letters"] >= 9  # a flipped bit may leave an alert that can be read


def test_a_topic_that_appears_later(driver, chance):
    started(driver)
    verdict = faulted(driver, kinds.later_topic(driver, chance))
    check(verdict, received=verdict["sent"], duplicates=0, dead_letters=0)


def test_a_clock_that_jumps(driver, chance):
    started(driver)
    for _ in range(2):
        with kinds.clock_jump(driver, chance):
            driver.settle()
    verdict = driver.finish()
    check(verdict, received=verdict["sent"], duplicates=0, dead_letters=0)


def test_a_schema_id_that_is_unknown_until_the_registry_returns(driver, chance):
    started(driver)
    with kinds.registry_down(driver, chance):
        time.sleep(2)
        before = driver.count()
        assert before < sum(driver.sent.values()), "alerts of an unknown schema wait"
    driver.settle()
    with kinds.schema_unknown(driver, chance):
        pass
    verdict = driver.finish()
    check(verdict, received=verdict["sent"], duplicates=0, dead_letters=5)
    assert not driver.said("ended with"), driver.tail()


@pytest.mark.parametrize("driver", [{"workers": 1}], indirect=True)
def test_a_store_that_another_process_holds(driver, chance):
    started(driver)
    verdict = faulted(driver, kinds.store_locked(driver, chance), lasts=14)
    check(verdict, received=verdict["sent"], repeated_output=0, duplicates=0, dead_letters=0)
    assert driver.said("ALARM: the stream waits"), driver.tail()


def test_stopped_while_it_waits(driver, chance):
    """SIGTERM ends the wait; nothing was committed, the exit code says so, a rerun completes it."""
    started(driver)
    with kinds.store_locked(driver, chance):
        time.sleep(4)
        assert driver.stop() == 1
    assert driver.said("stopped while it waited"), driver.tail()
    assert driver.said("could not finish"), driver.tail()
    assert driver.count() < sum(driver.sent.values())
    driver.start()
    verdict = driver.finish()
    check(verdict, received=verdict["sent"], duplicates=0, dead_letters=0)


def test_sigterm_ends_gracefully_and_a_rerun_has_nothing_left(driver):
    started(driver).send(100)
    driver.settle()
    time.sleep(1.5)
    assert driver.stop() == 0
    assert driver.ended(driver.start("--until-caught-up")) == 0
    verdict = driver.verdict()
    check(verdict, received=verdict["sent"])


def test_an_error_that_no_restart_mends_ends_at_once(driver):
    driver.schemas = str(driver.folder / "no folder")
    driver.send(20)
    assert driver.ended(driver.start()) == 1
    assert driver.said("no folder of schemas"), driver.tail()
    assert driver.said("starting it again cannot mend")
    assert not driver.said("restart 1")
    driver.schemas = driver.registry.url
    driver.start()
    check(driver.finish(), received=20)


@pytest.mark.slow
def test_random_faults(own_kafka, packets, tmp_path):
    print("seed", SEED)
    driver = Driver(tmp_path / "broker", own_kafka, packets, small=True)
    try:
        found = soak(driver, 40 * FAULTS, FAULTS, SEED, longest=2.0, say=print)
    finally:
        driver.close()
    assert not found["wrong"], found
