"""A real broker on a real Kafka, everything that was sent to it, and whether it is all there."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from io import BytesIO
from pathlib import Path

import fastavro
import pyarrow.parquet as pq
from confluent_kafka import Consumer, Producer, TopicPartition

from engines import below
from faults.disks import Tmpfs, limit_files
from faults.packets import Packets
from faults.registry import Registry
from gueststar.store import is_server, open_store, store_path
from streams import LARGE, create

TESTS = Path(__file__).resolve().parents[1]
KNOWN_ID = 1  # the schema id of ordinary framed packets
POISON = 10_000_000  # numbers of packets that are damaged before they are sent
LONG_S = 240.0  # a machine may be slow; nothing is measured by this


class Driver:
    """One broker under test.

    Parameters
    ----------
    folder : Path
    kafka : object
        With ``servers``; ``stop`` and ``start`` where it is to be stopped.
    packets : Packets
    workers, partitions, batch_size : int
    modules : sequence of str
    store : str, optional
        URL of a store; a new SQLite file by default.
    database : object, optional
        The server of that store: ``stop``, ``kill``, ``kill_backend`` and ``start``, where it is
        to be stopped.
    small : bool
        Store and archive on a small file system each, where one may be mounted.
    """

    def __init__(
        self, folder, kafka, packets, *, workers=2, partitions=4, batch_size=50, modules=(),
        store=None, database=None, small=False,
    ):  # fmt: skip
        self.folder, self.kafka, self.packets = folder, kafka, packets
        self.workers, self.partitions, self.batch_size = workers, partitions, batch_size
        self.modules, self.database = list(modules), database
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mines" / "fired").mkdir(parents=True)
        self.disks = {name: self._disk(name, small) for name in ("store", "archive")}
        self.store = store or f"sqlite:///{folder}/store/night.db"
        self.stem, self.output = f"night-{uuid.uuid4().hex[:8]}", create(kafka.servers, 2)
        self.registry = Registry(packets.schema)
        self.schemas = self.registry.url
        self.brokers, self.log = [], []
        self.number = self.poisoned = self.repeated = 0
        self.next_id = KNOWN_ID
        self.topics, self.sent, self.good = [], Counter(), set()
        self.producer = Producer(
            {"bootstrap.servers": kafka.servers, "message.max.bytes": LARGE, "linger.ms": 5,
             "enable.idempotence": True, "message.timeout.ms": 0, "log_level": 0}
        )  # fmt: skip
        self.topic = self.new_topic()
        self._toml()

    def _disk(self, name, small):
        if small and (disk := Tmpfs(self.folder / name)).mounted:
            return disk
        (self.folder / name).mkdir(exist_ok=True)
        return None

    def new_topic(self, partitions=None):
        """Make one more topic that fits the broker's pattern."""
        name = f"{self.stem}_{20261101 + len(self.topics)}"
        self.topics.append(create(self.kafka.servers, partitions or self.partitions, name))
        return name

    def _toml(self):
        self.config = self.folder / "broker.toml"
        self.config.write_text(f"""
workers = {self.workers}
restarts = 100000
modules = {self.modules}
store = "{self.store}"
archive = "{self.folder}/archive"
cutouts = "{self.folder}/stamps"
[source]
servers = "{self.kafka.servers}"
topics = ["{self.stem}_YYYYMMDD"]
group = "{self.stem}"
batch_size = {self.batch_size}
[source.options]
"session.timeout.ms" = {4000 if hasattr(self.kafka, "stop") else 6000}
"heartbeat.interval.ms" = 800
"topic.metadata.refresh.interval.ms" = 500
[output]
servers = "{self.kafka.servers}"
topic = "{self.output}"
""")

    # -- processes

    def start(self, *options):
        """Start one more ``gueststar run``; its log is read by a thread of ours."""
        environment = {
            **os.environ,
            "PYTHONDONTWRITEBYTECODE": "",  # else each worker compiles everything anew
            "PYTHONPATH": below(TESTS),
            "GUESTSTAR_MINES": str(self.folder / "mines"),
            "GUESTSTAR_SCHEMAS": self.schemas,
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }
        command = [sys.executable, "-m", "faults.child", "run", str(self.config), *options]
        process = subprocess.Popen(
            command, env=environment, stderr=subprocess.PIPE, start_new_session=True, text=True
        )
        process.reader = threading.Thread(target=self._listen, args=(process,), daemon=True)
        process.reader.start()
        self.brokers.append(process)
        return process

    def _listen(self, process):
        self.log.extend(process.stderr)

    def said(self, words):
        return any(words in line for line in self.log)

    def wait(self, true, what, seconds=LONG_S):
        """Wait until something holds."""
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                self.ask_where()
                raise AssertionError(f"no {what} in {seconds:.0f} s\n{self.tail()}")
            time.sleep(0.05)

    def ask_where(self):
        """Let the workers write the stacks of their threads into their log."""
        for pid in self.crew():
            os.kill(pid, signal.SIGUSR1)
        time.sleep(2.0)

    def tail(self):
        return "".join(self.log[-80:])

    def stop(self, process=None, how=signal.SIGTERM):
        """End a ``gueststar run``; return its exit code."""
        process = process or self.brokers[0]
        process.send_signal(how)
        return self.ended(process)

    def ended(self, process):
        """Wait for the end of a ``gueststar run``; return its exit code."""
        code = process.wait(LONG_S)
        process.reader.join(LONG_S)
        process.stderr.close()
        self.brokers.remove(process)
        return code

    def crew(self):
        """Ids of the worker processes of all brokers (children that ``spawn`` made)."""
        found = []
        for broker in self.brokers:
            shown = subprocess.run(
                ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(broker.pid)],
                capture_output=True, text=True, check=False,
            ).stdout  # fmt: skip
            lines = [line for line in shown.splitlines() if "spawn_main" in line]
            found += [int(line.split()[0]) for line in lines]
        return found

    def close(self):
        for broker in list(self.brokers):  # its workers notice within a second
            self.stop(broker, signal.SIGKILL)
        self.registry.stop()
        for disk in self.disks.values():
            if disk is not None:
                disk.close()

    # -- faults' tools

    def put(self, name, content):
        """Lay a mine, or set the child's other files; in one step."""
        draft = self.folder / "mines" / f".{name}"
        draft.write_text(str(content))
        draft.rename(self.folder / "mines" / name)

    def take(self, name):
        (self.folder / "mines" / name).unlink(missing_ok=True)

    def fired(self):
        return len(list((self.folder / "mines" / "fired").iterdir()))

    def fill(self, name):
        """Leave no room for the store or the archive, or for no file at all."""
        if self.disks.get(name) is not None:
            self.disks[name].fill()
        else:
            limit_files([*(b.pid for b in self.brokers), *self.crew()], True)

    def free(self, name):
        if self.disks.get(name) is not None:
            self.disks[name].free()
        else:
            limit_files([*(b.pid for b in self.brokers), *self.crew()], False)

    def lock(self):
        """Take the store's lock, as another process that writes; close it to let go."""
        if is_server(self.store):
            return self._lock_tables()
        connection = sqlite3.connect(store_path(self.store), timeout=LONG_S, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        return connection

    def writing(self):
        """Transactions of workers that are open on the database's server."""
        import psycopg

        query = """SELECT count(*) FROM pg_stat_activity
                   WHERE application_name = 'gueststar' AND state IN ('active',
                   'idle in transaction') AND query NOT LIKE 'BEGIN%'"""
        with psycopg.connect(self.store) as connection:
            return connection.execute(query).fetchone()[0]

    def _lock_tables(self):
        import psycopg

        connection = psycopg.connect(self.store)
        connection.execute("LOCK TABLE alert_keys, ledger_rows IN EXCLUSIVE MODE")
        return connection

    def silent_member(self):
        """Join the group, and wait until partitions are ours; they are given to nobody else."""
        more = {"partition.assignment.strategy": "cooperative-sticky", "session.timeout.ms": 6000}
        member = self._consumer(self.stem, more)
        member.subscribe([f"^{self.stem}_.*"])
        self.wait(lambda: member.poll(0.2) or member.assignment(), "partition of the new member")
        return member

    # -- what is sent

    def send(self, count, *, topic=None, framed=None, twice=False, stamps=None):
        """Send new alerts to all partitions in turn; most are framed, one in four is a container.

        Returns
        -------
        list of int
            Their ids.
        """
        ids = []
        for n in range(self.number, self.number + count):
            form = framed if framed is not None else (KNOWN_ID if n % 4 else None)
            packet = self.packets(n, form)
            self.produce(packet, n, topic, stamps[n - self.number] if stamps else 0)
            if twice:  # another producer's partition, and later than some others
                self.produce(packet, n + 1 + n % 3, topic)
                self.repeated += 1
            ids.append(self.packets.candid(n))
        self.number += count
        self.good |= set(ids)
        assert self.producer.flush(LONG_S) == 0
        return ids

    def produce(self, value, number, topic=None, stamp=0):
        topic = topic or self.topic
        self.producer.produce(topic, value, partition=number % self.partitions, timestamp=stamp)
        self.producer.poll(0)
        self.sent[topic] += 1

    def send_poison(self, packets):
        for packet in packets:
            self.produce(packet, self.poisoned)
            self.poisoned += 1
        assert self.producer.flush(LONG_S) == 0

    def new_id(self):
        """A schema id that no worker has met."""
        self.next_id += 1
        return self.next_id

    def bad_number(self):
        """A number for a packet that will be damaged: its id is no good alert's."""
        return POISON + self.poisoned

    # -- what became of it

    def count(self, what="ledger"):
        try:
            with open_store(self.store, read_only=True) as store:
                return store.sql(f"SELECT count(*) AS n FROM {what}")["n"][0].as_py()
        except Exception as error:  # not there yet
            self.last = error
            return 0

    def settled(self):
        return self.count() >= sum(self.sent.values())

    def settle(self, seconds=LONG_S):
        """Wait until everything that was sent is in the ledger."""
        self.wait(self.settled, "end of the work", seconds)

    def recovery(self):
        """Seconds until alerts sent now, some to every partition, are all in the store."""
        begun = time.monotonic()
        self.send(2 * self.partitions)
        self.settle()
        return time.monotonic() - begun

    def rested(self):
        """Let it settle, and give the verdict while it runs on."""
        self.settle()
        deadline = time.monotonic() + LONG_S
        while self._uncommitted(self._ends()) and time.monotonic() < deadline:
            time.sleep(0.5)  # an idle source commits
        return self.verdict()

    def finish(self):
        """Let it settle, end it gracefully, and give the verdict."""
        self.settle()
        time.sleep(1.5)  # an idle source commits
        codes = [self.stop(broker) for broker in list(self.brokers)]
        assert set(codes) <= {0}, self.tail()
        return self.verdict()

    def verdict(self):
        """Compare ledger, store, archive, output topic and group with what was sent."""
        with open_store(self.store) as store:
            health = store.health()
            table = lambda query: store.sql(query, limit=1_000_000).to_pydict()  # noqa: E731
            stored = [int(i) for i in table("SELECT alert_id FROM alerts")["alert_id"]]
            places = table('SELECT source, "partition" AS p, "offset" AS o FROM ledger')
        archived = self._archived()
        out = self._out(len(stored))
        ends = self._ends()
        told = set(zip(*places.values(), strict=True))
        there = {(*key, offset) for key, end in ends.items() for offset in range(end)}
        strangers = set(stored) - self.good
        return {
            "sent": sum(self.sent.values()), "alerts": len(self.good),
            "received": health["received"], "in_equals_out": health["in_equals_out"],
            "lost": len(self.good - set(stored)),
            "untold": len(told ^ there),
            "uncommitted": self._uncommitted(ends),
            "doubled_store": len(stored) - len(set(stored)),
            "lost_archive": len(set(stored) - set(archived)),
            "doubled_archive": len(archived) - len(set(stored) & set(archived)),
            "lost_output": len(set(stored) - set(out)),
            "strange_output": len(set(out) - set(stored)),
            "repeated_output": len(out) - len(set(out)),
            "duplicates": health["duplicate"], "dead_letters": health["dead_letter"],
            "damaged_but_readable": len(strangers),
            "aside": len(list((self.folder / "archive" / ".writing").glob("*"))),
        }  # fmt: skip

    def _archived(self):
        files = (self.folder / "archive").glob("night=*/*.parquet")
        tables = (pq.ParquetFile(file).read(["alert_id"]) for file in files)
        return [alert_id for table in tables for alert_id in table["alert_id"].to_pylist()]

    def _consumer(self, group, more=()):
        settings = {
            **dict(more),
            "bootstrap.servers": self.kafka.servers,
            "group.id": group,
            "log_level": 0,
        }
        return Consumer({**settings, "auto.offset.reset": "earliest", "enable.auto.commit": False})

    def _ends(self):
        consumer, ends = self._consumer(uuid.uuid4().hex), {}
        for topic in self.topics:
            parts = consumer.list_topics(topic, timeout=30).topics[topic].partitions
            for part in parts:
                low, high = consumer.get_watermark_offsets(TopicPartition(topic, part), timeout=30)
                assert low == 0
                ends[f"kafka:{topic}", str(part)] = high
        consumer.close()
        return ends

    def _uncommitted(self, ends):
        """Messages after the group's committed offsets: a graceful end leaves none."""
        consumer = self._consumer(self.stem)
        wanted = [TopicPartition(s.removeprefix("kafka:"), int(p)) for s, p in ends]
        found = consumer.committed(wanted, timeout=30)
        consumer.close()
        behind = zip(ends.values(), (max(0, part.offset) for part in found), strict=True)
        return sum(end - at for end, at in behind)

    def _out(self, least):
        """Ids in the output topic, from its beginning to its end."""
        consumer = self._consumer(uuid.uuid4().hex)
        parts = [TopicPartition(self.output, part, 0) for part in range(2)]
        total = sum(consumer.get_watermark_offsets(part, timeout=30)[1] for part in parts)
        consumer.assign(parts)
        ids, deadline = [], time.monotonic() + LONG_S
        while len(ids) < total and time.monotonic() < deadline:
            got = [m for m in consumer.consume(500, timeout=1.0) if m.error() is None]
            ids += [next(fastavro.reader(BytesIO(m.value())))["alert_id"] for m in got]
        consumer.close()
        assert len(ids) == total >= least
        return ids


#: What a verdict must say, whatever happened.
CLEAN = {
    "in_equals_out": True, "lost": 0, "untold": 0, "uncommitted": 0, "doubled_store": 0,
    "lost_archive": 0, "doubled_archive": 0, "lost_output": 0, "strange_output": 0, "aside": 0,
}  # fmt: skip


def check(verdict, **more):
    """Assert that nothing is lost and nothing doubled, and the numbers that a test knows."""
    expected = {**CLEAN, **more}
    assert {name: verdict[name] for name in expected} == expected, verdict


def packets_for(count):
    """Packets from as many templates as are worth their time."""
    return Packets(48 if count < 20_000 else 256)
