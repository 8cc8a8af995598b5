"""The same catalogue in every form gives the same sources; what cannot be used is said."""

import gzip

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from catalogs.skies import columns, scattered
from gueststar.catalogs import files
from gueststar.catalogs.declaration import Declaration, digest_of
from gueststar.catalogs.files import open_table
from gueststar.catalogs.sources import Sources
from gueststar.errors import BadInput

N = 130
OWN = Declaration("gaia", id="source_id", columns=("gmag", "label", "n"))


def simulated():
    """Positions, a magnitude that is sometimes unknown, a text and a number."""
    ra, dec = scattered(N, 5)
    mag = np.round(np.random.default_rng(5).uniform(10, 20, N), 3)
    mag[::10] = np.nan
    labels = np.array([f"s {k}" for k in range(N)])
    return columns(ra, dec, gmag=mag, label=labels, n=np.arange(N, dtype=np.int16))


def parquet(path, data):
    pq.write_table(pa.table(data), path, row_group_size=40)


def csv(path, data, lead="", delimiter=","):
    sink = pa.BufferOutputStream()
    options = pa.csv.WriteOptions(delimiter=delimiter, quoting_style="needed")
    pa.csv.write_csv(pa.table(data), sink, options)
    path.write_bytes(lead.encode() + sink.getvalue().to_pybytes())


def write_fits(path, data):
    Table(data).write(path, format="fits", overwrite=True)


def votable(path, data):
    Table(data).write(path, format="votable", overwrite=True)


def packed(write):
    def to(path, data):
        write(path.with_suffix(""), data)
        path.write_bytes(gzip.compress(path.with_suffix("").read_bytes()))

    return to


FORMS = {
    "parquet": parquet,
    "csv": csv,
    "csv with a date": lambda p, d: csv(p, d, '"2026-11-26 00:00:00"\n'),
    "csv with a span": lambda p, d: csv(p, d, "2026-11-26 00:00:00 - 23:59:59\n"),
    "csv with comments": lambda p, d: csv(p, d, "# from here\n# on\n"),
    "semicolons": lambda p, d: csv(p, d, delimiter=";"),
    "csv.gz": packed(csv),
    "fits": write_fits,
    "fits.gz": packed(write_fits),
    "votable": votable,
}


def read(path, declaration=OWN):
    sources = Sources(declaration, open_table(path))
    return [source for piece in sources for source in piece], sources


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(files, "ROWS", 50)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_sources(form, tmp_path):
    data = simulated()
    path = tmp_path / f"gaia.{form.split()[0]}"
    FORMS[form](path, data)
    found, sources = read(path)
    assert (sources.read, sources.left_out) == (N, 0)
    by_name = {source.source_id: source for source in found}
    assert len(by_name) == N
    for k in range(N):
        source = by_name[str(data["source_id"][k])]
        assert (source.ra, source.dec) == (data["ra"][k], data["dec"][k])
        mag = None if np.isnan(data["gmag"][k]) else data["gmag"][k]
        assert orjson.loads(source.facts) == [mag, data["label"][k], k]


def test_pieces_are_in_the_order_of_the_sky(tmp_path):
    parquet(tmp_path / "x.parquet", simulated())
    for piece in Sources(OWN, open_table(tmp_path / "x.parquet")):
        cells = [source.healpix29 for source in piece]
        assert len(piece) <= 50
        assert cells == sorted(cells)


def test_rows_without_a_position_are_counted(tmp_path):
    data = simulated()
    data["ra"][3], data["dec"][7] = np.nan, np.inf
    ra = pa.array(data["ra"], mask=np.arange(N) == 9)
    parquet(tmp_path / "x.parquet", {**data, "ra": ra})
    found, sources = read(tmp_path / "x.parquet")
    assert (len(found), sources.left_out) == (N - 3, 3)
    table = Table(data)
    table["ra"] = MaskedColumn(data["ra"], mask=np.arange(N) == 9)
    table.write(tmp_path / "x.vot", format="votable")
    assert read(tmp_path / "x.vot")[1].left_out == 3


def test_without_an_id_the_row_is_the_name(tmp_path):
    parquet(tmp_path / "x.parquet", simulated())
    found, _ = read(tmp_path / "x.parquet", Declaration("x"))
    assert sorted(int(source.source_id) for source in found) == list(range(N))


def test_radians_are_known_by_their_unit(tmp_path):
    data = simulated()
    table = Table({**data, "ra": np.radians(data["ra"]), "dec": np.radians(data["dec"])})
    table["ra"].unit = table["dec"].unit = "rad"
    table.write(tmp_path / "x.fits")
    found, _ = read(tmp_path / "x.fits")
    by_row = {int(source.source_id) - data["source_id"][0]: source.ra for source in found}
    assert [by_row[k] for k in range(N)] == pytest.approx(data["ra"])


def test_hours_are_known_by_their_unit_or_by_word(tmp_path):
    data = simulated()
    table = Table({**data, "ra": data["ra"] / 15})
    table.write(tmp_path / "bare.fits")
    for unit in ("hourangle", "h"):
        table["ra"].unit = unit
        table.write(tmp_path / f"{unit}.vot", format="votable")
        found, _ = read(tmp_path / f"{unit}.vot")
        assert max(source.ra for source in found) == pytest.approx(data["ra"].max())
    with pytest.raises(BadInput, match="are these hours"):
        read(tmp_path / "bare.fits")
    found, _ = read(tmp_path / "bare.fits", Declaration("x", hours=True))
    assert max(source.ra for source in found) == pytest.approx(data["ra"].max())
    found, _ = read(tmp_path / "bare.fits", Declaration("x", hours=False))
    assert max(source.ra for source in found) <= 24


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ra": np.full(N, 361.0)}, "'ra' is 361 in row 0: it must be in -180 to 360"),
        ({"dec": np.append(np.zeros(N - 1), 90.1)}, r"'dec' is 90\.1 in row 129"),
        ({"ra": np.array(["10:12:13"] * N)}, "'ra' holds no numbers"),
        ({"ra": np.full(N, np.nan)}, "130 rows, none with a position"),
    ],
)
def test_positions_that_cannot_be(change, message, tmp_path):
    parquet(tmp_path / "x.parquet", {**simulated(), **change})
    with pytest.raises(BadInput, match=message):
        read(tmp_path / "x.parquet")


def test_columns_that_are_not_there(tmp_path):
    parquet(tmp_path / "x.parquet", simulated())
    with pytest.raises(BadInput, match=r"no column 'gmga'\. Did you mean 'gmag'\?"):
        read(tmp_path / "x.parquet", Declaration("x", columns=("gmga",)))
    with pytest.raises(BadInput, match="'label' holds no numbers"):
        read(tmp_path / "x.parquet", Declaration("x", redshift="label"))


@pytest.mark.parametrize("form", ["parquet", "fits", "fits.gz", "votable", "csv.gz"])
def test_a_file_that_is_cut_is_said(form, tmp_path):
    path = tmp_path / f"cut.{form}"
    FORMS[form](path, simulated())
    whole = path.read_bytes()
    for part in (0.3, 0.9):
        path.write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(BadInput, match="cut or damaged"):
            read(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"\x89PNG\r\n\0\0", "no text"), (b"ra,dec\n", "no source: 0 rows")],
)
def test_what_is_no_table(content, message, tmp_path):
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(BadInput, match=message):
        read(tmp_path / "x.csv", Declaration("x"))
    with pytest.raises(BadInput, match="cannot read"):
        open_table(tmp_path / "not there")
    fits.PrimaryHDU(np.zeros((3, 3))).writeto(tmp_path / "image.fits")
    with pytest.raises(BadInput, match="it has no table"):
        open_table(tmp_path / "image.fits")


def test_a_line_of_csv_that_is_cut(tmp_path):
    csv(tmp_path / "x.csv", simulated())
    text = (tmp_path / "x.csv").read_text().splitlines()
    (tmp_path / "x.csv").write_text("\n".join([*text[:-1], text[-1].split(",")[0]]))
    with pytest.raises(BadInput, match="Expected 6 columns, got 1"):
        read(tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "Gaia DR3"}, "lower-case"),
        ({"kind": "stars"}, "Did you mean 'star'"),
        ({"mode": "host"}, "redshifts, or the columns of shapes"),
        ({"mode": "nearset"}, "Did you mean 'nearest'"),
        ({"radius_arcsec": -1.0}, "above 0"),
        ({"radius_arcsec": 601.0}, "at most 600"),
        ({"shape": ("a", "b")}, "name three columns"),
        ({"pm_ra": "pmra"}, "needs all three"),
        ({"pm_ra": "a", "pm_dec": "b", "epoch": 58000.0}, "no Julian year"),
        ({"kpc": 0.0}, "above 0"),
    ],
)
def test_declarations_that_do_not_go_together(given, message):
    with pytest.raises(BadInput, match=message):
        Declaration(**{"name": "x", **given})


def test_a_version_is_content_and_settings(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    a, b = digest_of(tmp_path / "a"), digest_of(tmp_path / "b")
    versions = {
        Declaration(name, radius_arcsec=radius).version_of(content)
        for name in ("x", "y")
        for radius in (1.0, 2.0)
        for content in (a, b)
    }
    assert len(versions) == 8
    again = Declaration.from_json(OWN.as_json())
    assert again == OWN
    assert again.version_of(a) == OWN.version_of(a)
