"""
Scores of a night
=================

How the shipped real/bogus net scores a simulated night, beside what each alert really is.
"""

import matplotlib.pyplot as plt
import numpy as np
import pyarrow.parquet as pq

from gueststar import Broker

# %%
# The scores are in the store, the truth beside the packets; the id joins them.

b = Broker("sqlite:///night.db")
scores = b.sql("SELECT alert_id, value FROM scores WHERE module = 'rb' ORDER BY alert_id")
truth = pq.read_table("night/truth.parquet").sort_by("alert_id")
assert np.array_equal(truth["alert_id"], scores["alert_id"])
real = truth["real"].to_numpy()
value = np.asarray(scores["value"])

figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
bins = np.linspace(0, 1, 26)
axis.hist([value[real], value[~real]], bins, stacked=True, label=["real", "bogus"])
axis.axvline(0.5, color="grey", ls="--", lw=1)
axis.set(xlabel="score of rb", ylabel="alerts")
axis.legend(title="truth")

# %%
# What the net misses, by kind.

kind = np.asarray(truth["kind"])
for name in np.unique(kind[real]):
    of = value[kind == name]
    print(f"{name:18} {np.sum(of < 0.5):3} of {len(of):3} below 0.5")
