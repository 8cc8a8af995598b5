"""The faults: each is on inside its ``with`` block, and healed when the block ends.

All take the driver and a :class:`random.Random`; what they do follows from the two alone.
"""

import time
from contextlib import contextmanager

from faults.child import PLACES
from faults.driver import LONG_S
from gueststar.store import is_server

DATABASE_ENDS = ("immediate", "kill", "backend")


def some(driver, chance):
    """Send enough for a batch or two on every partition."""
    driver.send(chance.randint(1, 3) * driver.batch_size * driver.partitions // 2)


def kill(driver, chance, place=None):
    """A worker is killed (-9) between two stages."""
    place = place or chance.choice(sorted(PLACES))
    before = driver.fired()
    driver.put(place, chance.randint(1, 2))
    deadline = time.monotonic() + LONG_S
    while driver.fired() == before:
        assert time.monotonic() < deadline, f"no worker came to {place}\n{driver.tail()}"
        driver.send(driver.partitions)
        time.sleep(0.5)


@contextmanager
def killed(driver, chance):
    kill(driver, chance)
    yield


@contextmanager
def kafka_stopped(driver, chance, how=None):
    """The Kafka broker ends (SIGTERM or SIGKILL) and comes back."""
    import signal

    some(driver, chance)
    driver.kafka.stop(how or chance.choice([signal.SIGTERM, signal.SIGKILL]))
    yield
    driver.kafka.start()


@contextmanager
def database_stopped(driver, chance, how=None):
    """The server of the store ends in the middle of writes of all workers, and is started again.

    ``immediate`` leaves it as a power failure would, ``kill`` is SIGKILL to all of it, after
    ``backend``, one SIGKILL, the server recovers by itself.
    """
    how = how or chance.choice(DATABASE_ENDS)
    driver.put("slow", 0.3)  # with the locks in hand, before the commit
    some(driver, chance)
    deadline = time.monotonic() + 10  # another fault may keep all from writing
    while driver.writing() < 2 and time.monotonic() < deadline:
        driver.send(driver.partitions)
    time.sleep(chance.uniform(0, 0.4))  # for some it is the commit, or after it
    if how == "backend":
        driver.wait(driver.database.kill_backend, "backend of a worker")
    elif how == "kill":
        driver.database.kill()
    else:
        driver.database.stop(how)
    some(driver, chance)
    yield
    driver.take("slow")
    if how != "backend":
        driver.database.start()


@contextmanager
def disk_full(driver, chance, what=None):
    """No room for the store (a file of ours), for the archive, or for any file."""
    what = what or chance.choice(["store", "archive", "files"][is_server(driver.store) :])
    driver.fill(what)
    some(driver, chance)
    yield
    driver.free(what)


@contextmanager
def rebalanced(driver, chance):
    """A member joins the group in mid-batch, and leaves it again."""
    driver.put("slow", 0.3)
    some(driver, chance)
    member = driver.silent_member()
    yield
    member.close()
    driver.take("slow")


@contextmanager
def second_broker(driver, chance):
    """A second broker of the same settings joins, works, and leaves."""
    second = driver.start("--workers", "1")
    some(driver, chance)
    driver.wait(lambda: len(driver.crew()) > driver.workers, "worker of the second broker")
    yield
    some(driver, chance)
    assert driver.stop(second) == 0, driver.tail()


def poison(driver, chance):
    """Bytes that are no alert, or were one."""
    whole = driver.packets(driver.bad_number())
    framed = driver.packets(driver.bad_number() + 1, 1)
    cut = lambda packet: packet[: chance.randrange(1, len(packet))]  # noqa: E731

    def flipped(packet):
        out = bytearray(packet)
        out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
        return bytes(out)

    return [
        b"<html><body>502 Bad Gateway</body></html>", b"", None, b"Obj\x01", b"\0", b"\0\0\0\0\1",
        chance.randbytes(300), cut(whole), cut(framed), flipped(whole), flipped(framed),
    ]  # fmt: skip


@contextmanager
def poisoned(driver, chance):
    some(driver, chance)
    driver.send_poison(poison(driver, chance))
    some(driver, chance)
    yield


@contextmanager
def later_topic(driver, chance):
    """A topic that fits the pattern appears."""
    driver.send(4 * driver.partitions, topic=driver.new_topic())
    yield


@contextmanager
def clock_jump(driver, chance):
    """The wall clock of the workers, and of who sends, is hours or days off."""
    driver.put("clock", chance.choice([-1, 1]) * chance.uniform(3_600, 200_000))
    now = time.time()
    stamps = [int(1000 * (now + chance.uniform(-80_000, 3_000))) for _ in range(64)]
    driver.send(64, stamps=stamps)
    yield
    driver.take("clock")


@contextmanager
def duplicated(driver, chance):
    """Every packet comes twice, on other partitions."""
    driver.send(4 * driver.batch_size, twice=True)
    yield


@contextmanager
def registry_down(driver, chance):
    """The registry is away when a schema id comes that nobody has met: alerts wait."""
    driver.registry.stop()
    driver.send(driver.batch_size, framed=driver.new_id())
    some(driver, chance)
    yield
    driver.registry.start()


@contextmanager
def schema_unknown(driver, chance):
    """The registry answers, and does not know the id: dead letters."""
    number = driver.new_id()
    driver.registry.unknown.add(number)
    first = driver.bad_number()
    driver.send_poison([driver.packets(first + n, number) for n in range(5)])
    some(driver, chance)
    yield


@contextmanager
def store_locked(driver, chance):
    """Another process holds the store."""
    held = driver.lock()
    some(driver, chance)
    yield
    held.close()


KINDS = {
    "worker killed": killed, "Kafka stopped": kafka_stopped, "disk full": disk_full,
    "rebalance": rebalanced, "poison": poisoned, "later topic": later_topic,
    "clock jump": clock_jump, "duplicates": duplicated, "registry down": registry_down,
    "schema unknown": schema_unknown, "store locked": store_locked,
}  # fmt: skip

#: Needs a server of the store that may be stopped.
OF_DATABASE = {"database stopped": database_stopped}


def kinds_for(driver):
    """What can happen to a broker, by name."""
    return {**KINDS, **(OF_DATABASE if driver.database else {})}
