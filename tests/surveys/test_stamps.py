"""How ZTF stamps lie on the sky: from positions on detector and sky, real and simulated."""

import io
from collections import defaultdict

import fastavro
import numpy as np
import pytest

from gueststar.simulate.night import write_night
from gueststar.surveys import stamp_geometry


def directions(places):
    """North and east (deg, up to right) and arcsec a pixel, from rows of x, y, ra, dec."""
    x, y, ra, dec = np.array(places).T
    pixels = np.column_stack([x, y, np.ones(len(x))])
    east = (ra - ra.mean()) * np.cos(np.radians(dec)) * 3600
    sky = np.linalg.lstsq(pixels, np.column_stack([east, dec * 3600]), rcond=None)[0][:2]
    way = np.linalg.inv(sky.T)  # columns: pixels towards east, towards north
    scale = np.sqrt(abs(np.linalg.det(sky)))
    return (*np.degrees(np.arctan2(way[0], way[1]))[::-1], scale)


def records(folders):
    for file in (file for folder in folders for file in sorted(folder.rglob("*.avro"))):
        yield from fastavro.reader(io.BytesIO(file.read_bytes()))


def by_quadrant(packets):
    """Detections of alerts and of what came before them, by field and readout channel."""
    places = defaultdict(list)
    for record in packets:
        for one in (record["candidate"], *(record["prv_candidates"] or ())):
            if one.get("xpos") is not None and one.get("ra") is not None:
                spot = tuple(one[name] for name in ("xpos", "ypos", "ra", "dec"))
                places[one["field"], one["rcid"]].append(spot)
    wide = [v for v in places.values() if np.ptp(np.array(v)[:, :2], axis=0).min() > 300]
    return [spots for spots in wide if len(spots) >= 10]


def check(quadrants):
    known = stamp_geometry("ztf")
    assert quadrants
    for spots in quadrants:
        north, east, scale = directions(spots)
        assert abs((north - known.north + 180) % 360 - 180) < 3
        assert abs((east - known.east + 180) % 360 - 180) < 3
        assert scale == pytest.approx(known.pixel, rel=0.03)


def test_real_packets(data):
    folder = data / "alerts" / "ztf"
    check(by_quadrant(records(folder / version for version in ("3.0", "3.2", "3.3", "4.01"))))


def test_simulated_packets(tmp_path):
    write_night(tmp_path, 150, seed=3)
    check(by_quadrant(records([tmp_path])))


def test_rubin_stamps_say_it_themselves():
    assert stamp_geometry("lsst").north is None
    assert stamp_geometry("lsst").pixel == 0.2
