import io
import os
import tarfile

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gueststar.batch import is_dead_letters
from gueststar.checks import check_source
from gueststar.errors import BadInput
from gueststar.sources import FileSource, MemorySource, open_source
from gueststar.sources.containers import blocks

SCHEMA = fastavro.parse_schema(
    {
        "type": "record",
        "name": "small",
        "fields": [{"name": "n", "type": "long"}, {"name": "pad", "type": "bytes"}],
    }
)


PARQUET = pa.table({"candid": [1, 2, 3, 4], "objectId": ["a"] * 4, "candidate": [{"jd": 1.0}] * 4})


def container(numbers, pad=0, **options):
    out = io.BytesIO()
    rows = [{"n": n, "pad": os.urandom(pad)} for n in numbers]
    fastavro.writer(out, SCHEMA, rows, **options)
    return out.getvalue()


def numbers_in(packet):
    return [row["n"] for row in fastavro.reader(io.BytesIO(packet))]


def tar(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, packet in members:
            info = tarfile.TarInfo(name)
            info.size = len(packet)
            archive.addfile(info, io.BytesIO(packet))


@pytest.fixture
def night(tmp_path):
    """A folder with three packets, a tar of two, a Parquet of four rows, and two other files."""
    (tmp_path / "sub").mkdir()
    for n, name in enumerate(["b.avro", "a.avro", "sub/c.avro"]):
        (tmp_path / name).write_bytes(container([n]))
    tar(tmp_path / "t.tar.gz", [("x.avro", container([10])), ("README", b"no"), ("y.avro", b"")])
    pq.write_table(PARQUET, tmp_path / "z.parquet")
    pq.write_table(pa.table({"candid": [1], "truth": ["SN"]}), tmp_path / "truth.parquet")
    (tmp_path / "index.csv").write_text("a,b\n")
    (tmp_path / "notes").write_text("")
    return tmp_path


def test_a_folder_in_order_with_positions_and_the_rest_named(night):
    source = FileSource([night])
    avro, parquet, sub = list(source)
    assert [p.name for p in source.ignored] == ["index.csv", "notes", "truth.parquet"]
    packets = avro.column("packet").to_pylist()
    assert [numbers_in(p) for p in packets[:3]] == [[1], [0], [10]]
    assert avro.column("partition").to_pylist() == ["", "", "x.avro", "y.avro"]
    assert avro.column("source")[0].as_py().rpartition("#")[0].endswith("/a.avro")
    assert [f.name for f in parquet.column("native").type] == PARQUET.column_names
    assert parquet.column("offset").to_pylist() == [0, 1, 2, 3]
    assert numbers_in(sub.column("packet")[0].as_py()) == [2]
    assert source.done == source.size > 0


@pytest.mark.parametrize("batch_size", [1, 2, 500])
def test_files_keep_the_source_contract(night, batch_size):
    assert check_source(lambda: FileSource([night], batch_size)) == 9


def test_memory_keeps_the_source_contract():
    assert check_source(lambda: MemorySource([b"a", b"b", b"c"], batch_size=2)) == 3


def test_a_replaced_file_is_another_source(tmp_path):
    path = tmp_path / "a.avro"
    path.write_bytes(container([1]))
    (before,) = list(FileSource([path]))
    path.write_bytes(container([2]))
    (after,) = list(FileSource([path]))
    assert before.column("source") != after.column("source")


def test_a_tar_that_breaks_off_gives_what_it_had_and_a_dead_letter(tmp_path):
    path = tmp_path / "night.tar.gz"
    tar(path, [(f"{n}.avro", container([n], pad=5000)) for n in range(20)])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    good, dead = list(FileSource([path]))
    assert 5 < good.num_rows < 20
    assert is_dead_letters(dead)
    assert "breaks off after" in dead.column("reason")[0].as_py()


def test_what_is_no_tar_is_a_dead_letter(tmp_path):
    path = tmp_path / "night.tar.gz"
    path.write_text("<html>404</html>")
    (dead,) = list(FileSource([path]))
    assert is_dead_letters(dead)


def test_what_is_no_parquet_is_a_dead_letter(tmp_path):
    path = tmp_path / "night.parquet"
    path.write_text("<html>404</html>")
    (dead,) = list(FileSource([path]))
    assert "Parquet cannot be read" in dead.column("reason")[0].as_py()


def test_parquet_without_alerts_is_refused_when_it_is_named(night):
    with pytest.raises(BadInput, match="holds no alerts"):
        FileSource([night / "truth.parquet"])


def test_a_broken_link_is_a_dead_letter(tmp_path):
    (tmp_path / "gone.avro").symlink_to(tmp_path / "nowhere.avro")
    (dead,) = list(FileSource([tmp_path]))
    assert "cannot be read" in dead.column("reason")[0].as_py()


def test_a_tar_member_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("gueststar.sources.tar.LARGEST_MEMBER", 100)
    path = tmp_path / "night.tar"
    tar(path, [("a.avro", b"x" * 101), ("b.avro", b"x" * 99)], mode="w")
    good, dead = list(FileSource([path]))
    assert good.column("partition").to_pylist() == ["b.avro"]
    assert "member of 101 bytes" in dead.column("reason")[0].as_py()


def test_a_large_container_comes_block_by_block(tmp_path, monkeypatch):
    monkeypatch.setattr("gueststar.sources.files.SMALL_FILE", 10_000)
    path = tmp_path / "many.avro"
    path.write_bytes(container(range(50), pad=1000, sync_interval=5000))
    (batch,) = list(FileSource([path]))
    packets = batch.column("packet").to_pylist()
    assert len(packets) > 5
    assert [n for p in packets for n in numbers_in(p)] == list(range(50))
    assert batch.column("offset").to_pylist() == list(range(len(packets)))


def test_a_large_container_that_is_cut_off_keeps_its_whole_blocks(tmp_path):
    path = tmp_path / "many.avro"
    whole = container(range(50), pad=1000, sync_interval=5000)
    path.write_bytes(whole[:-700])
    parts = list(blocks(path))
    assert all(reason is None for *_, reason in parts[:-1])
    assert "ends 700 bytes early" in parts[-1][2]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not an Avro container"),
        (b"Obj\x01", "ends inside its header"),
        (b"Obj\x01\x02\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", "where 0 are left"),
        (b"Obj\x01" + b"\xff" * 20, "longer than ten bytes"),
        (b"Obj\x01\x00abc", "ends inside its header"),
    ],
)
def test_hostile_headers_of_containers(tmp_path, content, reason):
    path = tmp_path / "bad.avro"
    path.write_bytes(content)
    ((number, kept, why),) = list(blocks(path))
    assert (number, kept) == (0, content)
    assert reason in why


def test_a_block_with_an_absurd_length_is_not_read(tmp_path):
    path = tmp_path / "bad.avro"
    whole = container([1])
    header = whole[: whole.index(whole[-16:]) + 16]
    path.write_bytes(header + b"\x02" + b"\xfe\xff\xff\xff\xff\xff\xff\x01" + b"x" * 50)
    ((_, _, why),) = list(blocks(path))
    assert "claims" in why


def test_a_damaged_block_costs_one_block_of_a_large_container(tmp_path):
    whole = container(range(50), pad=1000, sync_interval=5000)
    sync = whole[-16:]
    ends = [i + 16 for i in range(len(whole)) if whole.startswith(sync, i)]
    at = ends[2] + 2000  # in the third block
    path = tmp_path / "many.avro"
    path.write_bytes(whole[:at] + whole[at + 1 :])
    parts = list(blocks(path))
    assert [number for number, _, reason in parts if reason] == [2]
    read = [n for _, packet, reason in parts if not reason for n in numbers_in(packet)]
    lost = numbers_in(whole[: ends[0]] + whole[ends[2] : ends[3]])
    assert sorted(read + lost) == list(range(50))


def test_zeros_behind_a_packet_are_one_dead_letter(tmp_path):
    path = tmp_path / "preallocated.avro"
    whole = container([1, 2])
    path.write_bytes(whole + bytes(10_000_000))
    (_, good, none), (_, lost, why) = list(blocks(path))
    assert (numbers_in(good), none) == ([1, 2], None)
    assert len(lost) < 8_100_000
    assert "sync marker" in why


def test_a_file_of_faults_is_given_up(tmp_path):
    whole = container([1])
    sync = whole[-16:]
    path = tmp_path / "hostile.avro"
    path.write_bytes(whole + (b"\x02\x02ab" + sync) * 1000)
    parts = list(blocks(path))
    assert len(parts) == 101
    assert parts[-1][1].endswith((b"\x02\x02ab" + sync) * 901)


def test_blocks_of_no_records_are_passed_over(tmp_path):
    whole = container([1])
    path = tmp_path / "empty-blocks.avro"
    path.write_bytes(whole + (b"\0\0" + whole[-16:]) * 5)
    assert [number for number, *_ in blocks(path)] == [0]


@pytest.mark.timeout(20)
def test_a_pipe_is_left_out_and_refused_by_name(tmp_path):
    for name in ("x.avro", "x.parquet"):
        os.mkfifo(tmp_path / name)
    source = FileSource([tmp_path])
    assert (source.files, len(source.ignored)) == ([], 2)
    with pytest.raises(BadInput, match="pipe or a device"):
        FileSource([tmp_path / "x.avro"])


def test_links_of_all_kinds(tmp_path):
    (tmp_path / "one.avro").symlink_to("two.avro")
    (tmp_path / "two.avro").symlink_to("one.avro")
    (tmp_path / "round").symlink_to(tmp_path)
    source = FileSource([tmp_path])
    (dead,) = list(source)
    assert is_dead_letters(dead)
    assert dead.num_rows == 2
    assert source.ignored == [tmp_path / "round"]


def test_names_that_are_not_utf8(tmp_path):
    name = os.fsdecode(b"night_\xff.avro")
    (tmp_path / name).write_bytes(container([1]))
    tar(tmp_path / "t.tar", [(name, container([2]))], mode="w")
    (batch,) = list(FileSource([tmp_path]))
    assert "night_\\xff.avro#" in batch.column("source")[0].as_py()
    assert batch.column("partition")[1].as_py() == "night_\\xff.avro"


def test_a_name_that_stands_twice_in_a_tar(tmp_path):
    packets = [("a.avro", container([1])), ("b.avro", container([2])), ("a.avro", container([3]))]
    tar(tmp_path / "t.tar", packets, mode="w")
    (batch,) = list(FileSource([tmp_path]))
    assert batch.column("partition").to_pylist() == ["a.avro", "b.avro", "a.avro"]
    assert batch.column("offset").to_pylist() == [0, 0, 1]


def test_an_archive_by_xz_that_is_damaged(tmp_path):
    path = tmp_path / "night.tar.xz"
    tar(path, [(f"{n}.avro", container([n], pad=5000)) for n in range(20)], mode="w:xz")
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    path.write_bytes(whole)
    *_, dead = list(FileSource([path]))
    assert "breaks off after" in dead.column("reason")[0].as_py()


@pytest.mark.parametrize("text", ["simulate:", "simulate:x", "simulate:1:2:3", "simulate:-5"])
def test_wrong_simulate_arguments(text):
    with pytest.raises(BadInput, match="simulate:N"):
        open_source([text])


def test_arguments_that_are_no_source(tmp_path):
    (tmp_path / "index.csv").write_text("")
    with pytest.raises(BadInput, match="no alert file"):
        open_source([str(tmp_path / "index.csv")])
    with pytest.raises(BadInput, match="no source named 'mongodb'"):
        open_source(["mongodb://x"])
