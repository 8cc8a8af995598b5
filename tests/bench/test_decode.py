"""The benchmark itself: what it gives, not how fast a busy test machine is."""

import pytest

from gueststar.bench.decode import decode
from gueststar.errors import BadInput


def test_it_compares_on_the_same_packets(data):
    found = decode(packets=data / "alerts/ztf/4.01", batch=40, seconds=0.1)
    assert found["alerts"] == 40
    assert found["threads"] == 1
    assert found["ratio"] == pytest.approx(found["ours_per_s"] / found["rival_per_s"])
    assert found["ratio"] > 3  # loose: small batch, busy machine
    assert 40_000 < found["bytes_per_alert"] < 120_000
    assert "median" in found["how"]


def test_it_names_the_rivals_it_knows(tmp_path):
    with pytest.raises(BadInput, match="known: fastavro"):
        decode("pandas")
    with pytest.raises(BadInput, match=r"no \.avro packets"):
        decode(packets=tmp_path)
