"""One simulated night that many tests look at."""

import gzip
import io
from dataclasses import dataclass
from typing import Any

import fastavro
import numpy as np
import pyarrow as pa
import pytest

from gueststar.simulate import Night
from gueststar.simulate.truth import truth_row, truth_table

ALERTS = 640


@dataclass
class Simulated:
    packets: list[bytes]
    records: list[dict[str, Any]]
    truth: pa.Table

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.truth.to_pylist()


def read_fits(stamp: bytes) -> np.ndarray:
    """Read a cutout with nothing of ours."""
    raw = gzip.decompress(stamp)
    cards = {raw[i : i + 8].strip(): raw[i + 10 : i + 30].strip() for i in range(0, 2880, 80)}
    shape = int(cards[b"NAXIS2"]), int(cards[b"NAXIS1"])
    assert cards[b"BITPIX"] == b"-32"
    assert len(raw) % 2880 == 0
    return np.frombuffer(raw, ">f4", shape[0] * shape[1], 2880).reshape(shape).astype(np.float64)


@pytest.fixture(scope="session")
def simulated() -> Simulated:
    packets, rows = [], []
    for alerts, index in Night(ALERTS, seed=3).complete():
        packets.append(alerts.packet(index))
        rows.append(truth_row(alerts, index))
    records = [next(fastavro.reader(io.BytesIO(p))) for p in packets]
    return Simulated(packets, records, truth_table(rows))
