"""Many alerts, many random faults, and an account: ``python -m faults.soak --help`` (in tests/).

The plan follows from the seed: kind, order and size of the faults. When they strike beside the
work of the workers is up to the machine, so that a failing seed fails again most times, not always.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from pathlib import Path

from faults.driver import CLEAN, Driver, packets_for
from faults.kinds import KINDS, kinds_for

PAIRED = 0.2  # share of the faults that meet another one


def plan(faults, seed, kinds=tuple(KINDS)):
    """Kinds of the faults in their order: all of them come before one comes again."""
    chance, order = random.Random(seed), []
    while len(order) < faults:
        order += chance.sample(kinds, len(kinds))
    return order[:faults]


def strike(driver, names, chance, longest):
    """Let faults happen together; return the seconds until all is well after they have ended."""
    # A kill needs workers that work; what is sent needs a Kafka.
    rank = {"worker killed": -1, "database stopped": 0.5, "Kafka stopped": 1}
    kinds = kinds_for(driver)
    with ExitStack() as stack:
        for name in sorted(names, key=lambda name: rank.get(name, 0)):
            stack.enter_context(kinds[name](driver, chance))
        time.sleep(chance.uniform(0, longest))
    return driver.recovery()


def soak(driver, alerts, faults, seed, *, longest=4.0, say=lambda _: None):
    """Run a plan; return what happened, and the verdict."""
    begun, took = time.monotonic(), defaultdict(list)
    driver.start()
    driver.recovery()
    order = plan(faults, seed, tuple(kinds_for(driver)))
    for n, name in enumerate(order):
        chance = random.Random(f"{seed}:{n}")
        share = alerts * (n + 1) // faults
        while driver.number < share:
            driver.send(min(1000, share - driver.number))
        other = [order[n - 1]] if n and chance.random() < PAIRED and order[n - 1] != name else []
        kind = " + ".join(sorted([name, *other]))
        say(f"{n + 1}/{faults} {kind} ...")
        took[kind].append(strike(driver, [name, *other], chance, longest))
        say(f"{n + 1}/{faults} {kind}: well again after {took[kind][-1]:.1f} s")
    verdict = driver.finish()
    known = {"duplicates": driver.repeated}
    wrong = {k: verdict[k] for k, v in {**CLEAN, **known}.items() if verdict[k] != v}
    singles = {k: v for k, v in took.items() if " + " not in k}
    pairs = [s for k, v in took.items() if " + " in k for s in v]
    return {
        "seed": seed, "faults": faults, "wall_s": round(time.monotonic() - begun, 1),
        "wrong": wrong, "lost": verdict["lost"] + verdict["untold"],
        "doubled": verdict["doubled_store"] + verdict["doubled_archive"], **verdict,
        "poison_sent": driver.poisoned,
        "recovery_s": {k: summary(v) for k, v in {**singles, "two at once": pairs}.items() if v},
    }  # fmt: skip


def summary(seconds):
    median = statistics.median(seconds)
    return {"n": len(seconds), "median": round(median, 1), "max": round(max(seconds), 1)}


@contextmanager
def database_of(store):
    """What a driver is given for an engine, or for the URL of a store."""
    if store == "sqlite":
        yield {}
    elif store != "postgresql":
        yield {"store": store}
    else:
        from postgres_server import Postgres

        with tempfile.TemporaryDirectory(prefix="gueststar-pg-") as folder:
            server = Postgres(Path(folder)).start()
            try:
                yield {"store": server.url, "database": server}
            finally:
                server.stop("immediate")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=int, default=100_000)
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--modules", nargs="*", default=[], help="science modules, such as rb")
    parser.add_argument("--longest", type=float, default=4.0, help="seconds that a fault lasts")
    parser.add_argument(
        "--store", default="sqlite",
        help="sqlite; postgresql, a server of its own, which is stopped too; or the URL of a store",
    )  # fmt: skip
    given = parser.parse_args(arguments)
    sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))
    from kafka_server import Kafka

    made = tempfile.TemporaryDirectory(prefix="gueststar-soak-")
    with made as folder, database_of(given.store) as where:
        kafka = Kafka(Path(folder) / "kafka").start()
        driver = Driver(
            Path(folder) / "broker", kafka, packets_for(given.alerts),
            workers=given.workers, batch_size=250, modules=given.modules, small=True, **where,
        )  # fmt: skip
        try:
            say = lambda line: print(line, file=sys.stderr, flush=True)  # noqa: E731
            found = soak(
                driver, given.alerts, given.faults, given.seed, longest=given.longest, say=say
            )
        except BaseException:
            print(driver.tail(), file=sys.stderr)
            raise
        finally:
            driver.close()
            kafka.stop()
    print(json.dumps(found, indent=1))
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
