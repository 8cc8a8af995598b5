"""A night is the same however it is read, and says what is true of it."""

import tarfile

import pyarrow.parquet as pq
import pytest

from gueststar.batch import PACKETS
from gueststar.checks import check_source
from gueststar.errors import BadInput
from gueststar.simulate import Night, write_night
from gueststar.simulate.source import SimulatedSource
from gueststar.simulate.stamps import training_batches, training_set


def read(source: SimulatedSource) -> list[bytes]:
    return [packet for batch in source for packet in batch.column("packet").to_pylist()]


def test_alert_k_does_not_depend_on_how_many_there_are():
    long, short = list(Night(40, seed=5)), list(Night(17, seed=5))
    assert long[:17] == short


@pytest.mark.parametrize("batch_size", [1, 7, 16, 1000])
def test_the_source_gives_the_night_in_any_batches(batch_size):
    source = SimulatedSource(33, seed=5, batch_size=batch_size)
    assert read(source) == list(Night(33, seed=5))
    assert read(source) == read(source)


@pytest.mark.slow
def test_workers_give_the_same_packets():
    assert read(SimulatedSource(150, seed=5, workers=2)) == list(Night(150, seed=5))


def test_positions_are_those_of_the_contract():
    source = SimulatedSource(20, seed=4, batch_size=16)
    batches = list(source)
    assert batches[0].schema.equals(PACKETS)
    assert [batch.num_rows for batch in batches] == [16, 4]
    assert set(batches[1].column("source").to_pylist()) == {"simulate:20:4"}
    assert batches[1].column("offset").to_pylist() == [16, 17, 18, 19]
    assert len(source) == source.size == source.done == 20
    source.commit(batches[0])


def test_another_seed_is_another_night():
    assert set(Night(16, seed=1)).isdisjoint(Night(16, seed=2))


def test_identifiers_are_distinct_within_and_between_seeds():
    seen: set[int] = set()
    for seed in (0, 1, 59, 60, 61, 3600):
        seen |= {alerts.candid[index] for alerts, index in Night(160, seed=seed).complete()}
    assert len(seen) == 6 * 160


def test_a_night_of_nothing_and_of_one(tmp_path):
    assert list(Night(0)) == []
    assert list(SimulatedSource(0)) == []
    assert len(list(Night(1))) == 1
    write_night(tmp_path, 0)
    with pytest.raises(BadInput, match="holds a simulated night already"):
        write_night(tmp_path, 1)
    assert pq.read_table(tmp_path / "truth.parquet").num_rows == 0
    assert len(training_set(0).labels) == 0


@pytest.mark.parametrize(
    "arguments",
    [(-1, 0), (10**12, 0), (5, -1), (5, 2**40)],
)
def test_absurd_numbers_are_refused_with_the_range(arguments):
    with pytest.raises(BadInput, match=r"0 to|between 0 and"):
        Night(*arguments)


def test_other_absurd_arguments_are_refused(tmp_path):
    with pytest.raises(BadInput, match="between 0 and 1"):
        Night(5, bogus=1.5)
    with pytest.raises(BadInput, match="at least one packet"):
        SimulatedSource(5, batch_size=0)
    with pytest.raises(BadInput, match="workers"):
        SimulatedSource(5, workers=-1)
    with pytest.raises(BadInput, match="'files' or 'tar'"):
        write_night(tmp_path, 5, form="zip")


def test_files_and_tar_hold_the_same_packets(tmp_path):
    steps: list[int] = []
    folder = write_night(tmp_path / "a", 20, 1, progress=steps.append)
    archive = write_night(tmp_path / "b", 20, 1, form="tar")
    assert steps == list(range(1, 21))
    files = {p.name: p.read_bytes() for p in folder.glob("*.avro")}
    with tarfile.open(archive) as tar:
        members = {m.name: tar.extractfile(m).read() for m in tar}
    assert files == members
    assert len(files) == 20


def test_writing_twice_writes_the_same_bytes(tmp_path):
    write_night(tmp_path / "a", 5, 1, form="tar")
    write_night(tmp_path / "b", 5, 1, form="tar")
    truth = [pq.read_table(tmp_path / name / "truth.parquet") for name in "ab"]
    assert truth[0].equals(truth[1])


def test_shares_of_real_and_bogus(simulated):
    real = simulated.truth["real"].to_numpy()
    assert 0.49 < real.mean() < 0.61
    kinds = set(simulated.truth["kind"].to_pylist())
    assert {"rr_lyrae", "supernova_ia", "agn", "asteroid", "eclipsing_binary"} <= kinds
    assert {"cosmic_ray", "dipole", "bright_star", "halo", "column", "edge", "streak"} <= kinds
    assert all(row["real"] for row in map_truth(Night(32, seed=1, bogus=0.0)))
    assert not any(row["real"] for row in map_truth(Night(32, seed=1, bogus=1.0)))


def map_truth(night: Night) -> list[dict]:
    return [{"real": a.patch.slots[i].thing.source.real} for a, i in night.complete()]


def test_training_cutouts_are_those_of_the_packets(simulated):
    shown = training_set(40, seed=3)
    parts = list(training_batches(40, seed=3, batch_size=9))
    stamps = shown.batch.column("difference").to_pylist()
    assert stamps == [r["cutoutDifference"]["stampData"] for r in simulated.records[:40]]
    assert stamps == [s for part in parts for s in part.batch.column("difference").to_pylist()]
    assert shown.labels.tolist() == [int(row["real"]) for row in simulated.rows[:40]]
    assert shown.kinds == [row["kind"] for row in simulated.rows[:40]]


def test_the_source_keeps_its_contract():
    assert check_source(lambda: SimulatedSource(40, seed=1, batch_size=16)) == 40
