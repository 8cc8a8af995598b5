"""Minor planets: elements, integration, places on the sky, held against other ways to get them."""

import json
from dataclasses import replace

import erfa
import fastavro
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import EarthLocation
from astropy.time import Time

from catalogs.planets import PALOMAR, RUBIN, belt
from gueststar.catalogs.ephemeris import ephemeris, magnitude, shifted
from gueststar.catalogs.nbody import carried
from gueststar.catalogs.observatories import observers, site_of_survey
from gueststar.catalogs.orbits import Orbits, eccentric_anomaly
from gueststar.catalogs.solarsystem import (
    GM_PLANETS,
    GM_SUN,
    LIGHT,
    MJD_ZERO,
    places_between,
    planets,
)

MAS = np.degrees(1) * 3.6e6


def one(**changes):
    """An orbit of the main belt."""
    elements = {
        "epoch": 61000.0, "mean_anomaly": 20.0, "perihelion": 70.0, "node": 80.0,
        "inclination": 10.0, "eccentricity": 0.1, "axis": 2.7, "h": 12.0, "g": 0.15,
    } | changes  # fmt: skip
    return Orbits(**{name: np.array([value]) for name, value in elements.items()})


@pytest.mark.parametrize("e", [0.0, 0.3, 0.9, 0.999, 1 - 1e-9])
def test_keplers_equation_is_solved(e):
    mean = np.linspace(-20, 20, 2001)
    found = eccentric_anomaly(mean, np.full(len(mean), e))
    turned = (found - e * np.sin(found) - mean + np.pi) % (2 * np.pi) - np.pi
    assert np.abs(turned).max() < 1e-12


def test_states_have_the_energy_and_the_spin_of_their_elements():
    orbits = belt(500)
    x, v = np.split(orbits.states(), 2, axis=1)
    energy = (v**2).sum(1) / 2 - GM_SUN / np.linalg.norm(x, axis=1)
    np.testing.assert_allclose(energy, -GM_SUN / (2 * orbits.axis), rtol=1e-12)
    spin = np.linalg.norm(np.cross(x, v), axis=1)
    expected = np.sqrt(GM_SUN * orbits.axis * (1 - orbits.eccentricity**2))
    np.testing.assert_allclose(spin, expected, rtol=1e-12)


@pytest.fixture
def rubin_alerts(data):
    """Rubin's own packets with orbit and ephemeris."""
    with (data / "alerts/lsst/rubin_7_alerts_2026-03.avro").open("rb") as file:
        found = [r for r in fastavro.reader(file) if r["mpc_orbits"] and r["mpc_orbits"]["a"]]
    assert len(found) == 2
    return found


def orbit_of(packet):
    given = packet["mpc_orbits"]
    names = ("epoch_mjd", "mean_anomaly", "argperi", "node", "i", "e", "a", "h", "g")
    return Orbits(*(np.array([given[name]], float) for name in names))


def test_states_are_those_that_the_minor_planet_center_gives_beside_the_elements(rubin_alerts):
    tilt = np.radians(84381.448 / 3600)
    for packet in rubin_alerts:
        x, y, z, vx, vy, vz = json.loads(packet["mpc_orbits"]["mpc_orb_jsonb"])["CAR"][
            "coefficient_values"
        ]
        (state,) = orbit_of(packet).states()
        turned = [
            (a, np.cos(tilt) * b - np.sin(tilt) * c, np.sin(tilt) * b + np.cos(tilt) * c)
            for a, b, c in ((x, y, z), (vx, vy, vz))
        ]
        np.testing.assert_allclose(state, np.ravel(turned), rtol=0, atol=2e-9)


def test_places_are_rubins_own_within_3_mas_105_days_from_the_epoch(rubin_alerts):
    for packet in rubin_alerts:
        orbit, theirs = orbit_of(packet), packet["ssSource"]
        mjd = packet["diaSource"]["midpointMjdTai"]
        assert mjd - orbit.epoch[0] > 105
        seen = ephemeris(orbit.states(), orbit.epoch, orbit.h, orbit.g, np.array([mjd]), RUBIN)
        east = (seen.ra[0] - theirs["ephRa"]) * np.cos(np.radians(seen.dec[0])) * 3.6e6
        north = (seen.dec[0] - theirs["ephDec"]) * 3.6e6
        assert np.hypot(east, north) < 3
        assert seen.phase_deg[0] == pytest.approx(theirs["phaseAngle"], abs=1e-5)
        assert seen.elongation_deg[0] == pytest.approx(theirs["elongation"], abs=1e-3)
        # their ranges are divided by the au once too often
        au = 1.495978707e8
        assert seen.r_au[0] == pytest.approx(theirs["helioRange"] * au, rel=3e-5)
        assert seen.delta_au[0] == pytest.approx(theirs["topoRange"] * au, rel=3e-5)


def slope(t, y):
    """The same forces, written another way, with the planets' places from the theory itself."""
    x, v = y[:3], y[3:]
    r = np.linalg.norm(x)
    pull = -GM_SUN * x / r**3
    for gm, place in zip(GM_PLANETS, planets(np.array([t]))[0], strict=True):
        d = x - place
        pull = pull - gm * (d / np.linalg.norm(d) ** 3 + place / np.linalg.norm(place) ** 3)
    bend = (4 * GM_SUN / r - v @ v) * x + 4 * (x @ v) * v
    return np.concatenate([v, pull + GM_SUN / (LIGHT**2 * r**3) * bend])


@pytest.mark.parametrize(
    "changes",
    [{}, {"axis": 1.3, "eccentricity": 0.6}, {"axis": 40.0}, {"axis": 17.8, "eccentricity": 0.967}],
    ids=["main belt", "near Earth", "Kuiper belt", "like Halley"],
)
@pytest.mark.parametrize("days", [300.0, -300.0])
def test_an_independent_integration_agrees(changes, days):
    orbit = one(**changes)
    (start,) = orbit.states()
    end = 61000.0 + days
    solve_ivp = pytest.importorskip("scipy.integrate").solve_ivp
    theirs = solve_ivp(slope, (61000.0, end), start, "DOP853", rtol=1e-12, atol=1e-14).y[:, -1]
    (ours,) = carried(orbit.states(), orbit.epoch, end)
    assert np.abs(ours[:3] - theirs[:3]).max() < 1e-9  # au: 0.2 mas from 1 au


def test_there_and_back_again():
    orbits = belt(200)
    there = carried(orbits.states(), orbits.epoch, 60000.0 + 3652.5)
    back = carried(there, 60000.0 + 3652.5, orbits.epoch)
    assert np.abs(back - orbits.states())[:, :3].max() < 1e-6  # au, after 20 years


def test_many_bodies_are_as_each_alone_each_from_its_own_epoch():
    orbits = belt(300)
    orbits = replace(orbits, epoch=60000.0 + np.arange(300) % 7)
    together = carried(orbits.states(), orbits.epoch, 60050.0)
    places = places_between(60000.0, 60050.0)
    for k in (0, 150, 299):
        mine = slice(k, k + 1)
        alone = carried(orbits[mine].states(), orbits[mine].epoch, 60050.0, places)
        np.testing.assert_array_equal(alone[0], together[k])
    assert len(carried(np.empty((0, 6)), np.empty(0), 60050.0)) == 0


def test_the_sun_alone_gives_the_series_of_light_time():
    states = belt(100).states()
    places = places_between(60000.0, 60001.0)
    alone = replace(places, position=places.position * 1e6, velocity=places.velocity * 1e6)
    exact = carried(states, 60000.0, 60000.0 - 0.03, alone)
    assert np.abs(shifted(states, -0.03) - exact)[:, :3].max() < 1e-11


def test_planets_between_two_days_are_those_of_the_theory():
    times = np.linspace(61000.1, 61030.9, 50)
    places = places_between(61000.0, 61031.0)
    at = np.floor(times - places.first).astype(int)
    s = (times - places.first - at)[:, None, None]
    p, v = places.position, places.velocity
    found = (
        (2 * s**3 - 3 * s**2 + 1) * p[at] + (s**3 - 2 * s**2 + s) * v[at]
        + (3 * s**2 - 2 * s**3) * p[at + 1] + (s**3 - s**2) * v[at + 1]
    )  # fmt: skip
    assert np.abs(found - planets(times)).max() < 2e-7


@pytest.mark.parametrize(("site", "longitude", "rho_cos", "rho_sin"), [
    (PALOMAR, 243.140_22, 0.836_325, 0.546_877), (RUBIN, 289.250_58, 0.864_981, -0.500_958),
])  # fmt: skip
def test_surveys_look_from_where_the_minor_planet_center_has_them(
    site, longitude, rho_cos, rho_sin
):
    """Parallax constants of I41 and X05, carried to space by astropy."""
    mjd = np.array([61000.2, 61105.1])
    time = Time(mjd, format="mjd", scale="tai")
    time.delta_ut1_utc = 0.0
    turned, earth = np.radians(longitude), 6_378.137 * u.km
    where = EarthLocation.from_geocentric(
        rho_cos * np.cos(turned) * earth, rho_cos * np.sin(turned) * earth, rho_sin * earth
    )
    theirs = where.get_gcrs(time).cartesian.xyz.to_value("km").T
    au = 149_597_870.7
    ours = (observers(mjd, site).position - observers(mjd, None).position) * au
    assert np.linalg.norm(ours - theirs, axis=1).max() < 0.1


def test_the_earth_is_where_erfa_says():
    mjd = np.array([61000.0])
    tt = mjd + 32.184 / 86400
    expected = erfa.epv00(MJD_ZERO, tt)[0]["p"]
    np.testing.assert_array_equal(observers(mjd, None).position, expected)


def test_motion_is_what_an_hour_brings():
    orbit = one()
    given = (orbit.states(), orbit.epoch, orbit.h, orbit.g)
    first, second = (ephemeris(*given, np.array([mjd]), PALOMAR) for mjd in (61001, 61001 + 1 / 24))
    east = (second.ra[0] - first.ra[0]) * np.cos(np.radians(first.dec[0])) * 3600
    north = (second.dec[0] - first.dec[0]) * 3600
    assert np.hypot(east, north) == pytest.approx(first.motion[0], rel=0.02)
    assert np.degrees(np.arctan2(east, north)) % 360 == pytest.approx(first.motion_angle[0], abs=1)


def test_magnitudes_grow_with_the_phase_and_are_unknown_without_h():
    unit = np.ones(3)
    phases = np.radians([0.0, 10.0, 60.0])
    mags = magnitude(15 * unit, 0.15 * unit, unit, unit, phases)
    assert mags[0] == pytest.approx(15.0)
    assert mags[1] == pytest.approx(15.657, abs=0.01)  # Bowell et al. 1989, table II
    assert mags[2] > mags[1]
    np.testing.assert_array_equal(magnitude(15 * unit, np.nan * unit, unit, unit, phases), mags)
    assert np.isnan(magnitude(np.nan * unit, unit, unit, unit, phases)).all()


def test_an_unknown_survey_looks_from_the_centre_of_the_earth():
    assert site_of_survey("ztf") is PALOMAR
    assert site_of_survey("lsst") is RUBIN
    assert site_of_survey("mine") is None
