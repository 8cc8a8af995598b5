"""A science module in thirty lines: how fast does an alert rise? Run it: python rising_module.py.

In your own package, register it so that ``gueststar ingest --modules rb,rising`` finds it::

    [project.entry-points."gueststar.modules"]
    rising = "mypackage.rising:Rising"
"""

import numpy as np
import pyarrow as pa

from gueststar.batch import AlertBatch, history_rows
from gueststar.score import score_batch, score_schema


class Rising:
    """Share of the alert's flux that came since its first detection in the packet."""

    name = "rising"
    version = "1.0"
    needs = ("history", "flux")
    gives = score_schema("rising", ["share"])

    def __call__(self, batch: AlertBatch) -> pa.RecordBatch:
        row, points = history_rows(batch.column("history"))
        seen = np.asarray(points.column("kind").to_pylist()) == "detection"
        flux = points.column("flux").to_numpy(zero_copy_only=False)
        first = np.full(len(batch), np.nan)
        first[row[seen][::-1]] = flux[seen][::-1]  # written backwards: the earliest one stays
        now = batch.numpy("flux").astype(float)
        share = (now - first) / np.abs(now)
        reasons = [None if np.isfinite(value) else "no earlier detection" for value in share]
        return score_batch(self.gives, share, reasons)


if __name__ == "__main__":
    from gueststar.checks import check_module
    from gueststar.pipeline import Pipeline
    from gueststar.sources import open_source

    (source,) = open_source(["simulate:200:3"])
    batch = AlertBatch(next(iter(Pipeline([])(source))))
    check_module(Rising(), batch)
    print(Pipeline([Rising()]).score(batch).column("rising_share").slice(0, 5))
