"""Matches, neighbours and the finder chart, over a store with a catalogue."""

import json
import re
from html import unescape

import numpy as np
import pytest
from litestar.testing import TestClient

from gueststar.catalogs.declaration import Declaration
from gueststar.catalogs.sources import Source
from gueststar.serve.portal.app import create_app
from gueststar.store import open_store
from gueststar.surveys.sky import healpix29

EAST, NORTH = 12.0, 8.0  # arcsec from the object to the galaxy


@pytest.fixture(scope="module")
def batch(make_alerts):
    return make_alerts("simulate:20:3")[0]


@pytest.fixture(scope="module")
def name(batch):
    return batch.column("object_id")[0].as_py()


@pytest.fixture(scope="module")
def store_url(tmp_path_factory, batch):
    """A store whose first object has a galaxy beside it, with a name that means harm."""
    url = f"sqlite:///{tmp_path_factory.mktemp('around') / 'night.db'}"
    ra, dec = float(batch.numpy("ra")[0]), float(batch.numpy("dec")[0])
    ra, dec = ra + EAST / 3600 / np.cos(np.radians(dec)), dec + NORTH / 3600
    cell = healpix29(np.array([ra]), np.array([dec]))[0].as_py()
    galaxy = Source(cell, "<b>NGC 1</b>", ra, dec, json.dumps([0.0312, 17.5]))
    declared = Declaration(
        "hosts", columns=("zspec", "mag"), redshift="zspec", kind="galaxy", kpc=60.0
    )
    with open_store(url) as store:
        store.add_catalogue(declared, [[galaxy]], "v1")
        store.write([batch])
    return url


def test_the_page_has_matches_with_their_columns(store_url, name):
    with TestClient(create_app(store_url), base_url="http://127.0.0.1:8765") as client:
        page = client.get(f"/object/{name}").text
    assert "&lt;b&gt;NGC 1&lt;/b&gt;" in page
    assert "<b>NGC 1" not in page
    assert f"{np.hypot(EAST, NORTH):.2f}″" in page
    assert 'data-use-redshift="0.0312"' in page
    around = json.loads(unescape(re.search(r'data-around="([^"]+)"', page)[1]))
    assert {"what": "hosts", "name": "<b>NGC 1</b>"}.items() <= around["points"][0].items()


def reds(page, x, y):
    """Red pixels of the finder chart within 20 of a place."""
    return page.evaluate(
        """([x, y]) => { const c = document.querySelector('[data-finder] canvas');
        const d = c.getContext('2d').getImageData(x - 20, y - 20, 40, 40).data;
        let n = 0;
        for (let i = 0; i < d.length; i += 4) n += d[i] > 150 && d[i + 1] < 80 && d[i + 2] < 80;
        return n; }""",
        [round(x), round(y)],
    )


@pytest.mark.browser
def test_the_finder_chart_has_north_up_and_the_galaxy_in_its_place(page, name):
    page.goto(f"/object/{name}")
    page.wait_for_selector("[data-curve] .main-svg")
    page.locator("[data-finder-names]").uncheck()
    page.wait_for_timeout(300)
    unit = 1000 / (63 * 1.01)
    middle = (500, 630)
    assert reds(page, middle[0] - EAST * unit, middle[1] - NORTH * unit) > 20
    for east, north in ((-1, 1), (1, -1), (-1, -1)):
        assert not reds(page, middle[0] - east * EAST * unit, middle[1] - north * NORTH * unit)
    with page.expect_download() as download:
        page.locator("[data-finder-save]").click()
    assert download.value.suggested_filename == f"{name}_finder.png"
    assert download.value.path().read_bytes().startswith(b"\x89PNG")


@pytest.mark.browser
def test_a_redshift_is_taken_from_the_match(page, name):
    page.goto(f"/object/{name}")
    page.wait_for_selector("[data-curve] .main-svg")
    page.locator("[data-use-redshift]").click()
    title = page.locator("[data-curve] .plot .ytitle")
    playwright = pytest.importorskip("playwright.sync_api")
    playwright.expect(title).to_contain_text("z = 0.0312")
