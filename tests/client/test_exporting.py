"""Exports through a Broker are the same files, from a file and from a server."""

import pyarrow.parquet as pq
import pytest

from gueststar import Broker
from gueststar.client import http
from gueststar.errors import BadInput, ServerError
from gueststar.export import rows


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    monkeypatch.setattr(rows, "PAGE", 90)


@pytest.mark.parametrize("what", ["alerts", "objects", "lightcurves", "scores"])
def test_both_write_the_same(local, server, tmp_path, what):
    one, other = (
        pq.read_table(broker.export(tmp_path / f"{name}.parquet", what))
        for name, broker in (("local", local), ("server", server))
    )
    assert one.equals(other)
    assert one.schema.equals(other.schema, check_metadata=True)
    count = local.sql(f"SELECT count(*) AS n FROM {what}")["n"][0]
    assert one.num_rows == count > 0


def test_conditions_are_those_of_searches(b, tmp_path):
    one = b.objects(limit=1)[0]
    place = (float(one["ra"].value), float(one["dec"].value))
    path = b.export(tmp_path / "near.parquet", position=place, radius=2, since="1990-01-01")
    assert set(pq.read_table(path)["object_id"].to_pylist()) == {one["object_id"]}
    corners = [(place[0] + dx, place[1] + dy) for dx, dy in ((-0.01, -0.01), (0.01, 0), (0, 0.01))]
    path = b.export(tmp_path / "inside.parquet", "objects", region=corners)
    names = pq.read_table(path)["object_id"].to_pylist()
    assert one["object_id"] in names
    assert len(names) == len(b.objects(region=corners))
    query = "SELECT object_id FROM objects ORDER BY object_id LIMIT 3"
    path = b.export(tmp_path / "three.csv", "objects", sql=query)
    assert len(path.read_text().splitlines()) == 4
    with pytest.raises(BadInput, match="Did you mean 'night'"):
        b.export(tmp_path / "x.csv", nigth=20240101)
    with pytest.raises(BadInput, match="is there already"):
        b.export(path, "objects")
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "inside.parquet",
        "near.parquet",
        "three.csv",
    ]


class Breaking:
    """A real server's answers, of which every third is lost on the way."""

    def __init__(self, server):
        self.server, self.count, self.lost = server, 0, 0

    def request(self, *args, **options):
        self.count += 1
        if self.count % 3 == 0:
            self.lost += 1
            raise http.httpx.ReadError("the connection broke")
        return self.server.request(*args, **options)

    def close(self):
        self.server.close()


def test_pages_that_are_lost_are_asked_for_again(address, local, tmp_path, monkeypatch):
    monkeypatch.setattr(http, "FIRST_WAIT_S", 0.0)
    with Broker(address, retries=2) as broker:
        line = Breaking(broker._store._server._client)
        monkeypatch.setattr(broker._store._server, "_client", line)
        path = broker.export(tmp_path / "night.parquet")
    assert line.lost >= 1
    mine = pq.read_table(local.export(tmp_path / "local.parquet"))
    assert pq.read_table(path).equals(mine)


def test_a_server_that_goes_away_leaves_nothing(address, tmp_path, monkeypatch):
    monkeypatch.setattr(http, "FIRST_WAIT_S", 0.0)
    with Broker(address, retries=0) as broker:
        monkeypatch.setattr(
            broker._store._server, "_client", Breaking(broker._store._server._client)
        )
        with pytest.raises(ServerError, match="no answer"):
            broker.export(tmp_path / "night.parquet")
    assert list(tmp_path.iterdir()) == []
