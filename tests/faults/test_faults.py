"""Whatever happens to a broker: nothing lost, nothing doubled, and the ledger says so.

What a second worker makes of a rebalance may come twice in the topic out (at least once); with one
worker, nothing may. Most tests share a broker that runs on.

Seeded: ``GUESTSTAR_FAULT_SEED`` is the number that a failing run has printed. ``GUESTSTAR_FAULTS``
is how many faults the last test injects.
"""

import os
import random
import signal
import time
from contextlib import nullcontext

import pytest

pytest.importorskip("confluent_kafka", reason="no confluent-kafka: extra kafka")

from faults import kinds
from faults.child import PLACES
from faults.driver import Driver, check, packets_for
from faults.soak import soak

SEED = int(os.environ.get("GUESTSTAR_FAULT_SEED", "20261125"))
FAULTS = int(os.environ.get("GUESTSTAR_FAULTS", "6"))


@pytest.fixture(scope="module")
def packets():
    return packets_for(1_000)


@pytest.fixture
def driver(kafka, packets, tmp_path):
    """A broker of one worker that is not started yet."""
    made = Driver(tmp_path / "broker", kafka, packets, workers=1)
    yield made
    made.close()


def started(folder, kafka, packets, **options):
    made = Driver(folder / "broker", kafka, packets, **options)
    made.start()
    made.recovery()
    return made


@pytest.fixture(scope="module")
def alone(kafka, packets, tmp_path_factory):
    """A broker of one worker that runs on from test to test, each store on a small disk."""
    options = {"workers": 1, "small": True, "modules": ["rb"]}
    made = started(tmp_path_factory.mktemp("alone"), kafka, packets, **options)
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(kafka, packets, tmp_path_factory):
    """A broker of two workers that runs on from test to test."""
    made = started(tmp_path_factory.mktemp("running"), kafka, packets)
    yield made
    made.close()


@pytest.fixture
def chance():
    print("seed", SEED)
    return random.Random(SEED)


def survived(driver, fault, lasts=0.0, said=None, **more):
    """Let one fault happen to a running broker, and see everything in its place after it.

    It lasts so many seconds, and until the broker has said something.
    """
    dead = driver.count("dead_letters")
    with fault:
        time.sleep(lasts)
        if said is not None:
            driver.wait(lambda: driver.said(said), said)
    driver.recovery()
    verdict = driver.rested()
    known = {"received": verdict["sent"], "duplicates": driver.repeated, "dead_letters": dead}
    check(verdict, **{**known, **more})
    return verdict


def test_without_any_fault_nothing_comes_twice(alone):
    alone.send(300)
    check(alone.rested(), received=308, duplicates=0, repeated_output=0, dead_letters=0)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["store", "archive", "files"])
def test_a_disk_that_is_full_and_then_free(alone, chance, what):
    if what != "files" and alone.disks[what] is None:
        pytest.skip("nobody may mount a small file system here")
    survived(alone, kinds.disk_full(alone, chance, what), lasts=3, repeated_output=0)
    assert not alone.said("ended with"), alone.tail()


@pytest.mark.slow
def test_a_store_that_another_process_holds(alone, chance):
    waits = "ALARM: the stream waits"
    survived(alone, kinds.store_locked(alone, chance), said=waits, repeated_output=0)
    assert alone.said("the stream goes on")
    assert not alone.said("ended with"), alone.tail()


@pytest.mark.slow
@pytest.mark.parametrize("fault", [kinds.rebalanced, kinds.second_broker])
def test_members_that_come_and_go_in_mid_batch(running, chance, fault):
    survived(running, fault(running, chance), lasts=2)


def test_everything_twice(running, chance):
    survived(running, kinds.duplicated(running, chance))


def test_a_topic_that_appears_later(running, chance):
    survived(running, kinds.later_topic(running, chance))


def test_a_clock_that_jumps(running, chance):
    survived(running, kinds.clock_jump(running, chance), lasts=2)
    survived(running, kinds.clock_jump(running, chance))


def test_a_schema_id_that_is_unknown_until_the_registry_returns(running, chance):
    with kinds.registry_down(running, chance):
        time.sleep(2)
        assert running.count() < sum(running.sent.values()), "alerts of an unknown schema wait"
    running.settle()
    dead = running.count("dead_letters")
    survived(running, kinds.schema_unknown(running, chance), dead_letters=dead + 5)
    assert not running.said("ended with"), running.tail()


@pytest.mark.slow
def test_workers_killed_between_any_two_stages(running, chance):
    places, before = sorted(PLACES), running.fired()
    chance.shuffle(places)
    for place in places:
        kinds.kill(running, chance, place)
    survived(running, nullcontext())
    assert running.fired() == before + len(PLACES)
    assert running.said("ended with -9")


def test_poison(running, chance):
    """The last of those that share a broker: a damaged packet may hold more than one record."""
    dead = running.count("dead_letters")
    with kinds.poisoned(running, chance):
        pass
    running.recovery()
    verdict = running.rested()
    check(verdict, duplicates=running.repeated)
    assert verdict["dead_letters"] - dead >= 9  # a flipped bit may leave an alert
    assert verdict["dead_letters"] - dead + verdict["damaged_but_readable"] >= 11


@pytest.mark.slow
def test_kafka_stopped_and_restarted(own_kafka, packets, tmp_path, chance):
    driver = started(tmp_path, own_kafka, packets)
    try:
        for how in (signal.SIGTERM, signal.SIGKILL):
            survived(driver, kinds.kafka_stopped(driver, chance, how), lasts=3)
        assert not driver.said("ended with"), driver.tail()
    finally:
        driver.close()


@pytest.mark.slow
def test_database_stopped_and_restarted(kafka, own_postgres, packets, tmp_path, chance):
    """Three workers write at once; whatever becomes of the server, none of them ends."""
    server = own_postgres.server
    options = {"workers": 3, "store": server.url, "database": server}
    driver = started(tmp_path, kafka, packets, **options)
    try:
        for how in chance.sample(kinds.DATABASE_ENDS, len(kinds.DATABASE_ENDS)):
            survived(driver, kinds.database_stopped(driver, chance, how), lasts=1)
        assert not driver.said("ended with"), driver.tail()
    finally:
        driver.close()


def test_stopped_while_it_waits(driver, chance):
    """SIGTERM ends the wait; nothing was committed, the exit code says so, a rerun completes it."""
    driver.start()
    driver.recovery()
    with kinds.store_locked(driver, chance):
        time.sleep(4)
        assert driver.stop() == 1
    assert driver.said("stopped while it waited"), driver.tail()
    assert driver.said("could not finish"), driver.tail()
    assert driver.count() < sum(driver.sent.values())
    assert driver.ended(driver.start("--until-caught-up")) == 0
    verdict = driver.verdict()
    check(verdict, received=verdict["sent"], duplicates=0, dead_letters=0)


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
def test_stopped_while_kafka_is_away(own_kafka, packets, tmp_path, chance):
    """Nothing that Kafka owes us keeps a broker from its end."""
    driver = started(tmp_path, own_kafka, packets)
    try:
        with kinds.kafka_stopped(driver, chance):
            time.sleep(chance.uniform(0, 2))
            driver.stop()
        driver.start()
        driver.recovery()
        verdict = driver.finish()
        check(verdict, received=verdict["sent"], duplicates=0, dead_letters=0)
    finally:
        driver.close()


@pytest.mark.slow
def test_random_faults(own_kafka, packets, tmp_path):
    print("seed", SEED)
    driver = Driver(tmp_path / "broker", own_kafka, packets, small=True)
    try:
        found = soak(driver, 40 * FAULTS, FAULTS, SEED, longest=2.0, say=print)
    finally:
        driver.close()
    assert not found["wrong"], found
