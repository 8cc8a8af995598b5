"""Visibility from an observatory, and reports to the TNS."""

import socket
from datetime import UTC, date, datetime

import numpy as np
import orjson
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, SkyCoord, get_body, get_sun
from astropy.table import Table
from astropy.time import Time
from typer.testing import CliRunner

from gueststar import Broker
from gueststar.catalogs.declaration import Declaration
from gueststar.catalogs.sources import Source
from gueststar.cli import app
from gueststar.client.night_plot import MOST as MOST_LINES
from gueststar.client.observing import Night, airmass, night_of, offline
from gueststar.client.reporting import Report, report_of
from gueststar.client.visibility import MOST, observability
from gueststar.errors import BadInput
from gueststar.lightcurve import LightCurve
from gueststar.sites import SITES, Site, site_of
from gueststar.store import open_store
from gueststar.surveys.sky import healpix29
from gueststar.surveys.tns import asteroid_near

PALOMAR = SITES["palomar"]
SAID = {"reporter": "A. Person (Institute)", "reporting_group_id": 7}


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Names of other machines cannot be looked up."""
    found = socket.getaddrinfo

    def here(host, *rest, **more):
        assert host in ("127.0.0.1", "localhost"), f"asks for {host}"
        return found(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", here)


def seen(ra, dec, site="palomar", night="2026-11-26"):
    return observability(["x"], ra, dec, site, night)


# Sites


@pytest.mark.parametrize("name", SITES)
def test_a_site_is_where_its_zone_is(name):
    site = SITES[name]
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    hour, minute = map(int, site.local(noon).split(":"))
    ahead = (hour + minute / 60 - 12 - site.lon / 15 + 12) % 24 - 12
    assert abs(ahead) < 2.6  # summer time, and the width of zones
    assert site_of(name) is site


@pytest.mark.parametrize(
    ("name", "rho_cos", "rho_sin"),  # parallax constants of the Minor Planet Center
    [
        ("palomar", 0.836357, 0.546831),
        ("rubin", 0.864749, -0.500892),
        ("la-palma", 0.87764, 0.47847),
        ("teide", 0.88148, 0.47142),
        ("saao", 0.84560, -0.53254),
    ],
)
def test_places_agree_with_the_minor_planet_center(name, rho_cos, rho_sin):
    x, y, z = (one.to_value("m") / 6_378_137 for one in SITES[name].location.geocentric)
    assert np.hypot(x, y) == pytest.approx(rho_cos, abs=3e-4)  # 2 km
    assert z == pytest.approx(rho_sin, abs=3e-4)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        *(("Palomar", "palomar"), ("  LA SILLA ", "la-silla"), ("la_silla", "la-silla")),
        *(("LSST", "rubin"), ("Kitt Peak", "kitt-peak"), ("ZTF", "palomar")),
    ],
)
def test_names_of_sites(given, name):
    assert site_of(given) is SITES[name]


def test_other_places_are_sites():
    here = EarthLocation.from_geodetic(10 * u.deg, 50 * u.deg, 300 * u.m)
    for given in (here, "10,50,300", (10, 50, 300), Site("mine", 10, 50, 300)):
        site = site_of(given)
        assert (site.lon, site.lat, site.height) == pytest.approx((10, 50, 300), abs=1e-4)
        assert site.local(datetime(2026, 1, 1)) == ""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("palmar", "Did you mean 'palomar'"),
        ("10,95,0", "lat 95"),
        ("400,0,0", "lon 400"),
        ("0,0,90000", "no mountain"),
        ("a,b,c", "degrees"),
        ("nan,0,0", "degrees"),
        (7, "degrees"),
        (None, "degrees"),
        (EarthLocation.from_geodetic([0, 1] * u.deg, [0, 1] * u.deg), "one EarthLocation"),
    ],
)
def test_what_is_no_site(given, message):
    with pytest.raises(BadInput, match=message):
        site_of(given)


# Nights


@pytest.mark.parametrize(
    "given",
    [
        *("2026-11-26", "20261126", 20261126, date(2026, 11, 26)),
        Time("2026-11-27T08:00:00"),  # midnight at Palomar
        datetime(2026, 11, 26, 20, 0, tzinfo=UTC),  # its noon, after
        Time("2026-11-27T19:30:00"),  # the next morning
    ],
)
def test_a_night_is_named_after_its_evening(given):
    assert night_of(given, PALOMAR) == date(2026, 11, 26)
    assert Night(PALOMAR, date(2026, 11, 26)).utc[0] == np.datetime64("2026-11-26T19:47:26")


def test_tonight_is_now():
    now = datetime.now(UTC).replace(tzinfo=None)
    for given in (None, "tonight"):
        night = Night(PALOMAR, night_of(given, PALOMAR))
        assert night.utc[0] - np.timedelta64(60, "s") <= np.datetime64(now) <= night.utc[-1]


@pytest.mark.parametrize("given", ["yesterday", "2026-13-01", 7, "1850-01-01", "2101-01-01", {}])
def test_what_is_no_night(given):
    with pytest.raises(BadInput, match="night"):
        night_of(given, PALOMAR)


@pytest.mark.parametrize("day", [date(1975, 6, 1), date(2026, 11, 26), date(2060, 2, 29)])
def test_altitudes_are_those_of_astropy(day):
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 360, 7), np.degrees(np.arcsin(rng.uniform(-1, 1, 7)))
    for name in ("palomar", "rubin", "siding-spring"):
        night = Night(SITES[name], day)
        found = night.altitudes(ra, dec)
        with offline():
            for step in (0, 100, 288):
                at = Time(night.utc[step].item())
                frame = AltAz(obstime=at, location=SITES[name].location)
                wanted = SkyCoord(ra, dec, unit="deg").transform_to(frame).alt.deg
                np.testing.assert_allclose(found[:, step], wanted, atol=1e-6)
                sun = get_sun(at).transform_to(frame)
                moon = get_body("moon", at, SITES[name].location).transform_to(frame)
                assert night.sun[step] == pytest.approx(sun.alt.deg, abs=1e-6)
                assert night.moon[step] == pytest.approx(moon.alt.deg, abs=1e-6)


def test_many_positions_are_worked_on_in_parts():
    ra, dec = np.linspace(0, 359, 1_100), np.linspace(-80, 80, 1_100)
    night = Night(PALOMAR, date(2026, 11, 26))
    whole = night.altitudes(ra, dec)
    assert whole.shape == (1_100, 289)
    np.testing.assert_array_equal(
        whole[1_050], night.altitudes(ra[1_050:1_051], dec[1_050:1_051])[0]
    )
    with pytest.raises(BadInput, match="too many"):
        observability(range(MOST + 1), np.zeros(MOST + 1), np.zeros(MOST + 1), "palomar", 20261126)


@pytest.mark.parametrize(
    ("day", "lit"),
    [
        ("2024-04-08", 0.0),  # eclipses of the Sun and of the Moon
        ("2026-03-02", 1.0),
        ("2025-03-14", 1.0),
        ("2024-08-11", 0.5),  # first quarter: the 12th, 15:19 UTC
    ],
)
def test_the_moon_of_known_days(day, lit):
    assert Night(PALOMAR, date.fromisoformat(day)).illumination == pytest.approx(lit, abs=0.06)


def test_twilight_at_a_known_day():
    """U.S. Naval Observatory's rule: at an equinox the Sun is 12 h up, and dusk lasts longer."""
    night = Night(Site("equator", 0, 0, 0), date(2026, 3, 20))
    dusk, dawn = night.twilight
    with offline():
        for at in (dusk, dawn):
            frame = AltAz(obstime=Time(at), location=night.site.location)
            assert get_sun(Time(at)).transform_to(frame).alt.deg == pytest.approx(-18, abs=0.01)
    assert night.dark_hours == pytest.approx((dawn - dusk).total_seconds() / 3600, abs=0.01)
    assert night.dark_hours == pytest.approx(12 - 2 * 18 / 15, abs=0.02)


def test_airmass():
    assert airmass(90) == pytest.approx(1, abs=1e-3)
    assert airmass(30) == pytest.approx(1.9943, abs=1e-3)
    assert airmass(0) == pytest.approx(37.92, abs=0.01)  # table of Kasten & Young
    assert np.isnan(airmass([-0.1, np.nan])).all()


def test_hours_are_measured_between_steps():
    night = Night(PALOMAR, date(2026, 11, 26))
    line = np.linspace(-12, 12, 289)  # one an hour
    assert night.hours(line) == pytest.approx(12)
    assert night.hours(line - 3.3) == pytest.approx(8.7)
    assert night.hours(line, 5.55 - line) == pytest.approx(5.55)
    assert night.hours(np.full(289, -1.0)) == 0
    assert night.hours(np.full((2, 289), 1.0)) == pytest.approx([24, 24])


# What is seen


def test_a_circumpolar_object():
    row = seen(0, 89).table[0]
    assert row["note"] == "circumpolar"
    assert row["best_altitude"].to_value("deg") == pytest.approx(PALOMAR.lat, abs=1.05)
    assert row["hours"].to_value("h") == pytest.approx(
        Night(PALOMAR, date(2026, 11, 26)).dark_hours
    )


def test_one_that_never_rises():
    found = seen(0, -89)
    row = found.table[0]
    assert row["note"] == "never above the horizon"
    assert row["hours"] == 0 * u.h
    assert np.isnan(
        [row["best_altitude"].value, row["best_airmass"], row["moon_distance"].value]
    ).all()
    assert found.table["best_utc"].mask.tolist() == [True]
    assert "never above the horizon" in repr(found)
    assert found.table.to_arrow().column("best_utc").to_pylist() == [None]


def test_no_darkness_in_a_polar_summer():
    found = seen(0, 80, "15.6,78.2,50", "2026-06-21")
    row = found.table[0]
    assert (row["hours"].value, row["note"]) == (0, "no astronomical darkness")
    meta = found.table.meta
    assert (meta["dusk_utc"], meta["dawn_utc"], meta["dark_hours"]) == (None, None, 0)
    assert found.night.twilight == (None, None)
    found.plot().to_json()
    winter = seen(0, 80, "0,-89.9,2800", "2026-06-21")  # dark all day
    assert winter.table.meta["dark_hours"] == pytest.approx(24)
    assert winter.night.twilight == (None, None)
    winter.plot().to_json()


def test_the_best_time_is_the_transit_where_it_is_dark():
    """At midnight the right ascension on the meridian is 12 h from the Sun's."""
    with offline():
        sun = get_sun(Time("2026-11-27T08:00:00"))
    row = seen((sun.ra.deg + 180) % 360, 20).table[0]
    assert abs(Time(row["best_utc"]) - Time("2026-11-27T07:35:00")) < 10 * u.min
    assert row["best_altitude"].to_value("deg") == pytest.approx(90 - PALOMAR.lat + 20, abs=0.2)
    behind = seen(sun.ra.deg, 20).table[0]
    assert behind["note"] in ("never below airmass 2 in the dark", "below the horizon in the dark")


def test_the_moon_is_near_what_stands_beside_it():
    night = Night(PALOMAR, date(2026, 11, 26))
    with offline():
        moon = get_body("moon", Time(night.utc[144].item()), PALOMAR.location)
    row = seen(moon.ra.deg, moon.dec.deg).table[0]
    assert row["moon_distance"] < 5 * u.deg  # it moves on, to the best time
    assert seen((moon.ra.deg + 180) % 360, 60).table["moon_distance"][0] > 60 * u.deg


def test_the_curve_of_a_night():
    found = seen(150, 2)
    curve = found.curve()
    assert len(curve) == 289
    assert curve["altitude"].unit == curve["sun_altitude"].unit == u.deg
    row = found.table[0]
    step = list(curve["utc"]).index(f"{row['best_utc']}:26".replace(" ", "T"))
    assert curve["altitude"][step] == row["best_altitude"]
    assert curve["moon_distance"][step].value == pytest.approx(row["moon_distance"].value)


@pytest.mark.parametrize("day", ["1980-01-01", "2026-11-26", "2099-12-31"])
def test_it_says_nothing_of_dates(day, recwarn):
    found = seen(10, 10, night=day)
    assert np.isfinite(found.table["hours"].value).all()
    assert [str(one.message) for one in recwarn.list] == []


# Through a broker, over a store and over a server


def test_one_object(b):
    name = str(b.objects(limit=1)["object_id"][0])
    found = b[name].observability("rubin", "2026-11-26")
    assert found.names == [name]
    assert len(found) == 1
    assert b.observability(name, "rubin", "2026-11-26").table["hours"] == found.table["hours"]
    assert found.table["hours"].unit == u.h
    assert found.table["best_airmass"].info.description.startswith("airmass then")
    assert f"Observability of {name} at Rubin" in repr(found)
    html = found._repr_html_()
    assert html.startswith("<div><b>Rubin Observatory")
    assert "<svg" in html
    figure = found.plot()
    assert figure.data[0].name == name
    assert figure.data[1].name.startswith("Moon, ")
    assert len(figure.layout.shapes) == 5  # 4 twilights, the airmass


def test_many_objects(b):
    objects = b.objects(limit=30)
    wanted = b.observability(objects, "palomar", 20261126)
    assert wanted.names == list(objects["object_id"])
    assert len(wanted.plot().data) == MOST_LINES + 1
    places = SkyCoord(objects["ra"], objects["dec"])
    for given in (
        places.galactic,
        Table({"RAJ2000": objects["ra"].value, "DEJ2000": objects["dec"].value}),
        objects.to_pandas(),
        objects.to_arrow(),
        list(objects["object_id"]),
        [(one.ra, one.dec) for one in places],
        list(places),
    ):
        found = b.observability(given, "palomar", 20261126)
        np.testing.assert_allclose(found.altitude, wanted.altitude, atol=1e-6)
    assert len(b.observability("10:12:13.4 -02:03:04", "palomar")) == 1
    assert b.observability((10.5, -2), "palomar").names == ["10.50000 -2.00000"]
    assert b.observability([(10.5, -2), "11 -3"], "palomar").names[1] == "11 -3"
    nothing = b.observability(objects[:0], "palomar", 20261126)
    assert (len(nothing), len(nothing.table)) == (0, 0)
    assert nothing._repr_html_()


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("ZTF99nobody", "ZTF99nobody"),
        ("SN2026zzz", "SN2026zzz"),
        ("10 95", "dec"),
        ([(400, 0)], "ra"),
    ],
)
def test_what_cannot_be_observed(b, what, message):
    with pytest.raises(BadInput, match=message):
        b.observability(what, "palomar")


def test_the_command(b, store_url, tmp_path):
    name = str(b.objects(limit=1)["object_id"][0])
    words = ["observe", "--site", "palomar", "--night", "2026-11-26", "--store", store_url]
    done = CliRunner().invoke(app, [*words, name, "--json"])
    told = orjson.loads(done.stdout)
    assert [row["name"] for row in told["rows"]] == [name]
    assert told["dark_hours"] == pytest.approx(10.9, abs=0.1)
    assert "Palomar Mountain" in CliRunner().invoke(app, [*words, name]).stdout
    elsewhere = [*words[:-1], f"sqlite:///{tmp_path / 'none.db'}"]
    done = CliRunner().invoke(app, [*elsewhere, "0 -89", "-3.5 10"])
    assert done.exception is not None  # a right ascension below 0
    done = CliRunner().invoke(app, [*elsewhere, "0 -89", "10:12:13.4 -02:03:04"])
    assert "never above" in done.stdout
    assert "palomar" in CliRunner().invoke(app, ["observe", "--sites"]).stdout
    for wrong in (["observe", name], ["observe", name, "--site", "palmar"]):
        assert isinstance(CliRunner().invoke(app, wrong).exception, BadInput)


# Names of the TNS


def test_names_of_the_tns(night, tmp_path):
    url = f"sqlite:///{tmp_path / 'night.db'}"
    batch = night[0]
    ra, dec = batch.numpy("ra")[:2], batch.numpy("dec")[:2]
    names = batch.arrow.column("object_id").to_pylist()[:2]
    cells = healpix29(ra, dec).to_pylist()
    known = zip(cells, ("2026abc", "SN 2026A"), ra, dec, strict=True)
    rows = [Source(cell, name, float(a), float(d), "[]") for cell, name, a, d in known]
    with open_store(url) as store:
        store.add_catalogue(Declaration("tns"), [rows], "v1")
        store.write(night)
    with Broker(url) as b:
        for name in ("SN2026abc", "AT 2026ABC", "2026abc", "at2026abc"):
            assert b[name].object_id == names[0]
        assert b["SN2026a"].object_id == names[1]
        assert b.observability("2026abc", "palomar").names == ["2026abc"]
        for nothing in ("SN2026zzz", "2026abc' OR 1=1", "SN2026abcdefgh"):
            with pytest.raises(BadInput, match="no object"):
                b[nothing]


# Reports to the TNS

DAY = 61364.0


def point(exposure, day, kind, flux=None, err=None, limit=20.0, program=1, band="g"):
    return [exposure, DAY + day, band, flux, err, None, None, limit, kind, program]


class Thing:
    """An object with the curve that a test wants."""

    def __init__(self, rows, survey="ztf", native=None):
        self.object_id, self.survey, self.ra, self.dec = "ZTF26x/1", survey, 10.0, -0.5
        self.lc = LightCurve.from_rows(rows, self.object_id, survey)
        self.alerts = {"alert_id": np.array([1, 2])}
        self._broker = self
        self._native = native or {}

    def native(self, alert_id):
        return self._native

    def minor_planets(self, alert_id):
        return []


def report(rows, survey="ztf", native=None, **said):
    content, remarks = Report(**{**SAID, **said}).of(Thing(rows, survey, native))
    (one,) = content["at_report"].values()
    return one, remarks


FOUND = [
    point(1, 0.0, "limit", limit=20.5),
    point(2, 1.0, "limit", limit=20.7, band="r"),
    point(3, 2.0, "detection", 40_000, 9_000),  # 4.4 sigma
    point(4, 3.0, "detection", -90_000, 3_000),
    point(5, 4.0, "detection", 36_310, 3_631, limit=20.1),
    point(6, 5.0, "detection", 363_100, 3_631, band="r"),
    point(7, 6.0, "limit"),
]


def test_the_first_detection_and_the_last_non_detection():
    one, remarks = report(FOUND)
    assert remarks == []
    assert one["discovery_datetime"] == "2026-11-23 23:59:23.000"  # TAI is 37 s ahead
    assert one["ra"] == {"value": "10.000000"}
    assert one["dec"] == {"value": "-0.500000"}
    ids = ("reporting_group_id", "discovery_data_source_id", "at_type", "internal_name")
    assert [one[name] for name in ids] == ["7", "48", "1", "ZTF26x/1"]
    unseen = one["non_detection"]
    assert (unseen["obsdate"], unseen["limiting_flux"]) == ("2026-11-20 23:59:23.000", "20.70")
    assert (unseen["filter_value"], unseen["instrument_value"]) == ("111", "196")
    group = one["photometry"]["photometry_group"]
    assert list(group) == ["0", "1"]
    assert (group["0"]["flux"], group["0"]["flux_error"]) == ("20.000", "0.109")
    assert (group["0"]["limiting_flux"], group["0"]["flux_units"]) == ("20.10", "1")
    assert (group["1"]["flux"], group["1"]["filter_value"]) == ("17.500", "111")
    assert list(report(FOUND, points=1)[0]["photometry"]["photometry_group"]) == ["0"]


def test_forced_measurements_count_as_what_they_are():
    rows = [
        point(1, 0.0, "limit", limit=20.5),
        point(2, 1.0, "forced", 1_000, 2_000, limit=None),  # nothing: 5 sigma are 10,000 nJy
        point(3, 2.0, "forced", 8_000, 2_000, limit=None),  # neither
        point(4, 3.0, "forced", 36_310, 2_000, limit=None),
        point(5, 4.0, "detection", 40_000, 2_000),
    ]
    one, _ = report(rows)
    assert one["discovery_datetime"].startswith("2026-11-22")
    assert one["non_detection"]["limiting_flux"] == "21.40"
    assert one["photometry"]["photometry_group"]["0"]["limiting_flux"] == "21.40"


def test_without_a_non_detection_the_archive_is_named():
    one, remarks = report(FOUND[4:6])
    assert one["non_detection"] == {
        "archiveid": "0",
        "archival_remarks": "the alert packets of ZTF have no non-detection before it",
    }
    assert "archival_remarks" in remarks[0]
    one, _ = report(FOUND[4:5], archive="SDSS", archival_remarks="nothing in DR12")
    assert one["non_detection"] == {"archiveid": "1", "archival_remarks": "nothing in DR12"}
    assert "one detection only" in report(FOUND[4:5])[1][1]


@pytest.mark.parametrize("rows", [[], FOUND[:4], FOUND[:2], [point(1, 0, "detection", 9, None)]])
def test_what_is_no_candidate(rows):
    with pytest.raises(BadInput, match="nothing to report"):
        report(rows)


def test_points_that_are_not_public_are_left_out():
    rows = [point(9, 3.5, "detection", 50_000, 3_000, program=2), *FOUND]
    one, remarks = report(rows)
    assert one["discovery_datetime"].startswith("2026-11-23")
    assert "private=True" in remarks[-1]
    assert report(rows, private=True)[0]["discovery_datetime"].startswith("2026-11-23 11:59")
    for program in (2, None):
        with pytest.raises(BadInput, match=r"no public detection.*private=True"):
            report([point(9, 3.5, "detection", 50_000, 3_000, program=program)])


def test_lsst_needs_its_source_told():
    rows = [point(5, 4.0, "detection", 400, 20, limit=None, program=None, band="z")]
    with pytest.raises(BadInput, match=r"discovery_data_source_id.*LSST"):
        report(rows, "lsst")
    one, _ = report(rows, "lsst", discovery_data_source_id=165)
    (only,) = one["photometry"]["photometry_group"].values()
    assert (only["filter_value"], only["instrument_value"]) == ("164", "287")
    with pytest.raises(BadInput, match="'atlas'"):
        report(rows, "atlas")


@pytest.mark.parametrize(
    ("native", "name"),
    [
        ({"candidate": {"ssdistnr": 3.0, "ssnamenr": "2023 AB"}}, "2023 AB"),
        ({"candidate": {"ssdistnr": 0.0, "ssnamenr": None}}, "an asteroid"),
        ({"diaSource": {"ssObjectId": 12}}, "12"),
        ({"candidate": {"ssdistnr": 5.1, "ssnamenr": "1"}}, None),
        ({"candidate": {"ssdistnr": -999.0}}, None),
        ({"candidate": {"ssdistnr": None}}, None),
        ({"diaSource": {"ssObjectId": 0}}, None),
        ({}, None),
    ],
)
def test_asteroids_are_the_minor_planet_centers(native, name):
    if name is None:
        assert asteroid_near(native) is None
        assert report(FOUND, native=native)
    else:
        with pytest.raises(BadInput, match=rf"Solar-System.*{name}"):
            report(FOUND, native=native)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"reporter": " "}, "reporter"),
        ({"reporting_group_id": "ZTF"}, "reporting_group_id: 'ZTF'"),
        ({"discovery_data_source_id": -1}, "discovery_data_source_id"),
        ({"at_type": "SN"}, "Did you mean 'PSN'"),
        ({"archive": "POSS"}, "archive"),
        ({"points": 0}, "points"),
        ({"reporters": "x"}, "Did you mean 'reporter'"),
    ],
)
def test_what_cannot_be_said(said, message):
    with pytest.raises(BadInput, match=message):
        report_of({**SAID, **said})
    with pytest.raises(BadInput, match="reporting_group_id: it must be told"):
        report_of({"reporter": "A"})


def test_a_report_is_a_file(b, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    objects = b.objects(min_detections=2, limit=50)
    bright = next(name for name in map(str, objects["object_id"]) if (b[name].lc["flux"] > 0).any())
    written = b[bright].tns_report(remarks="très beau", **SAID)
    assert written.path.name == f"tns_{bright}.json"
    assert orjson.loads(written.path.read_bytes()) == written.content
    assert written.at_report["internal_name"] == bright
    assert "not sent" in repr(written)
    with pytest.raises(BadInput, match="overwrite=True"):
        b[bright].tns_report(**SAID)
    assert b[bright].tns_report(overwrite=True, at_type="NUC", **SAID).at_report["at_type"] == "4"
    with pytest.raises(BadInput, match="No such file"):
        b[bright].tns_report("nowhere/x.json", **SAID)
