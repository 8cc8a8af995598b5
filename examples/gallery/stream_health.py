"""
Health of a stream
==================

Messages come in, some are broken, some come twice; the ledger says how each of them ended.
"""

import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pyarrow as pa

from gueststar.batch import packets_batch
from gueststar.classifiers.realbogus import default_module
from gueststar.pipeline import Pipeline
from gueststar.run.ingest import ingest
from gueststar.store import open_store

# %%
# A stream without a Kafka: a source is anything that gives batches and is told when one is safe.
# ``arrived`` is the time at which the stream took a message in.


class Feed:
    """Forty messages a batch; one in twenty is cut short, one in ten was sent before."""

    def __init__(self, packets):
        rng = np.random.default_rng(5)
        again = rng.random(len(packets)) < 0.1
        broken = rng.random(len(packets)) < 0.05
        self.messages = [
            packets[max(i - 30, 0)] if again[i] else packet[: 2000 if broken[i] else None]
            for i, packet in enumerate(packets)
        ]

    def __iter__(self):
        for start in range(0, len(self.messages), 40):
            some = self.messages[start : start + 40]
            offsets = range(start, start + len(some))
            batch = packets_batch(some, "kafka:night", ["0"] * len(some), list(offsets))
            now = pa.array(np.full(len(some), time.time()))
            yield batch.set_column(batch.num_columns - 1, "arrived", now)

    def commit(self, batch):
        """Nobody waits for it here."""


packets = [path.read_bytes() for path in sorted(Path("night").glob("*.avro"))[:240]]
store = open_store("sqlite:///stream.db")
ingest([Feed(packets)], Pipeline([default_module()]), store)
health = store.health()
print({key: health[key] for key in ("received", "stored", "duplicate", "dead_letter")})
print("received = stored + duplicate + dead letters:", health["in_equals_out"])

# %%
# Every message has one line in the ledger.

ledger = store.sql('SELECT "offset", state FROM ledger ORDER BY "offset"')
offset, state = ledger["offset"].to_numpy(), np.asarray(ledger["state"])
(topic,) = health["topics"]

figure, (strip, bars) = plt.subplots(
    1, 2, figsize=(10, 3.4), width_ratios=[3, 1], layout="constrained"
)
for row, name in enumerate(("dead-letter", "duplicate", "stored")):
    of = offset[state == name]
    strip.plot(of, np.full(len(of), row), "|", ms=16)
    bars.barh(row, len(of))
    bars.annotate(f" {len(of)}", (len(of), row), va="center")
strip.set(yticks=range(3), xlabel="offset", title=f"{topic['topic']}, missing {topic['missing']}")
strip.set_yticklabels(["dead letter", "duplicate", "stored"])
strip.set_ylim(-0.6, 2.6)
bars.set(yticks=[], xlim=(0, 280), xlabel="messages")
latency = topic["latency_p50_s"], topic["latency_p98_s"]
bars.set_title(f"p50 {latency[0]:.2f} s, p98 {latency[1]:.2f} s")

# %%
# A dead letter keeps its bytes and says why.

reasons = store.sql(
    "SELECT reason, count(*) AS n FROM dead_letters GROUP BY reason ORDER BY n DESC"
)
for row in reasons.to_pylist():
    print(row["n"], row["reason"])
store.close()
