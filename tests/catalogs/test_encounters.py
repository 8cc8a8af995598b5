"""Which bodies are where alerts are: nothing is missed, against all bodies followed one by one."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from catalogs.planets import PALOMAR, RUBIN, belt
from gueststar.catalogs.encounters import MinorPlanets, middle_of
from gueststar.catalogs.ephemeris import ephemeris
from gueststar.catalogs.observatories import observers
from gueststar.catalogs.solarsystem import TT_MINUS_TAI

MIDDLE = 60010.28  # MJD, TAI, of a night


def near_earth(n, seed=0):
    """Bodies 0.003 to 0.3 au from the Earth in the middle of the night, some of them very fast."""
    rng = np.random.default_rng(seed)
    way = rng.normal(size=(n, 3))
    way /= np.linalg.norm(way, axis=1)[:, None]
    far = np.geomspace(0.003, 0.3, n)[:, None]
    times = np.array([MIDDLE - 0.5, MIDDLE + 0.5])
    before, after = observers(times, None).position
    earth = observers(np.array([MIDDLE]), None).position[0]
    place = earth + far * way
    velocity = (after - before) + rng.normal(0, 5e-3, (n, 3))
    return np.concatenate([place, velocity], axis=1)


@pytest.fixture(scope="module")
def bodies():
    """1,500 of the belt and 60 near the Earth, as orbits whose epoch is this night."""
    orbits = belt(1500, epoch=MIDDLE + TT_MINUS_TAI)
    states = np.concatenate([orbits.states(), near_earth(60)])
    n = len(states)
    return SimpleNamespace(
        states=lambda: states,
        epoch=np.full(n, MIDDLE + TT_MINUS_TAI),
        h=np.full(n, 15.0),
        g=np.full(n, 0.15),
    )


def brute(bodies, mjd, site):
    n = len(bodies.epoch)
    return ephemeris(bodies.states(), bodies.epoch, bodies.h, bodies.g, np.full(n, mjd), site)


@pytest.mark.parametrize("hours", [-11.9, -4.0, 0.0, 5.0, 11.9])
@pytest.mark.parametrize(("survey", "site"), [("ztf", PALOMAR), ("lsst", RUBIN)])
def test_every_body_is_found_where_it_is_and_no_other(bodies, hours, survey, site):
    mjd = MIDDLE + hours / 24
    all_of_them = brute(bodies, mjd, site)
    n = len(bodies.epoch)
    planets = MinorPlanets(bodies)
    found = planets.near(all_of_them.ra, all_of_them.dec, np.full(n, mjd), np.full(n, survey), 10.0)
    mine = found.separation[found.row == found.body]
    assert len(mine) == n
    assert mine.max() < 1e-3
    for row, body in zip(found.row, found.body, strict=True):
        assert np.hypot(
            (all_of_them.ra[row] - all_of_them.ra[body] + 180) % 360 - 180,
            all_of_them.dec[row] - all_of_them.dec[body],
        ) < 11 / 3600 / np.cos(np.radians(all_of_them.dec[row]))


def test_at_the_poles_and_across_the_zero_of_right_ascension():
    """Belts that are tilted so that bodies stand at the poles and at 0 h."""
    orbits = belt(4000, epoch=MIDDLE + TT_MINUS_TAI)
    states = orbits.states()
    turned = states[:, [2, 0, 1, 5, 3, 4]]  # the ecliptic through the poles
    given = SimpleNamespace(states=lambda: turned, epoch=orbits.epoch, h=orbits.h, g=orbits.g)
    mjd = MIDDLE + 0.4
    there = brute(given, mjd, PALOMAR)
    assert np.abs(there.dec).max() > 88
    n = len(orbits)
    found = MinorPlanets(given).near(there.ra, there.dec, np.full(n, mjd), np.full(n, "ztf"), 2.0)
    assert np.count_nonzero(found.row == found.body) == n


def test_nights_are_worked_out_once_and_threads_wait_for_each_other(bodies):
    planets = MinorPlanets(bodies)
    nights = []
    threads = [
        threading.Thread(target=lambda: nights.append(planets.night(MIDDLE))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(night) for night in nights}) == 1
    for later in (1, 2):
        planets.night(MIDDLE + later)
    assert planets.night(MIDDLE) is not nights[0]  # the oldest was let go


def test_a_body_that_is_lost_harms_no_other(bodies):
    states = bodies.states().copy()
    states[3] = np.nan
    given = SimpleNamespace(states=lambda: states, epoch=bodies.epoch, h=bodies.h, g=bodies.g)
    there = brute(bodies, MIDDLE, PALOMAR)
    at = there.ra[2:5], there.dec[2:5], np.full(3, MIDDLE), np.full(3, "ztf")
    found = MinorPlanets(given).near(*at, 5.0)
    assert [(row, body) for row, body in zip(found.row, found.body, strict=True)] == [
        (0, 2), (2, 4),
    ]  # fmt: skip


def test_nothing_is_near_nowhere(bodies):
    planets = MinorPlanets(bodies)
    none = np.empty(0)
    assert len(planets.near(none, none, none, none.astype(str), 5.0).row) == 0
    ra, dec = np.array([10.0]), np.array([-89.0])
    assert len(planets.near(ra, dec, np.array([MIDDLE]), np.array(["ztf"]), 5.0).row) == 0


def test_a_survey_that_is_not_known_looks_from_the_centre_of_the_earth(bodies):
    there = brute(bodies, MIDDLE, None)
    at = there.ra[:1], there.dec[:1], np.array([MIDDLE]), np.array(["other"])
    found = MinorPlanets(bodies).near(*at, 5.0)
    assert found.separation[0] < 1e-3


def test_moments_belong_to_the_night_round_them():
    assert middle_of(np.array([60010.2, 60010.77, 60010.79])).tolist() == pytest.approx(
        [60010.28, 60010.28, 60011.28]
    )
