"""The documentation builds without a warning, says all it should, and fetches nothing."""

import importlib
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="no sphinx: extra docs")
pytest.importorskip("sphinx_gallery", reason="no sphinx_gallery: extra docs")

DOCS = Path(__file__).resolve().parents[1] / "docs"
#: Modules whose ``__all__`` is what users import.
PUBLIC = ["gueststar.client", "gueststar.store", "gueststar.simulate", "gueststar.sources"]
#: Attributes by which a page makes the browser fetch something; ``<a href>`` only offers it.
FETCHING = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built as ``make docs`` builds it; a warning is an error."""
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(DOCS), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


class Fetches(HTMLParser):
    """Addresses that a page has the browser fetch by itself."""

    def __init__(self, text):
        super().__init__()
        self.addresses = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in FETCHING and given.get("rel") not in ("canonical", "license"):
            self.addresses.append(given.get(FETCHING[tag]) or "")


def test_every_page_is_in_the_site(site):
    for page in DOCS.rglob("*.md"):
        if "_build" not in page.parts:
            assert (site / page.relative_to(DOCS).with_suffix(".html")).exists(), page


def test_pages_fetch_nothing_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 50
    assert Fetches('<script src="https://a.b/c.js"></script>').addresses == ["https://a.b/c.js"]
    for page in pages:
        elsewhere = [a for a in Fetches(page.read_text()).addresses if re.match("(https?:)?//", a)]
        assert not elsewhere, page


def test_style_sheets_fetch_nothing_from_elsewhere(site):
    for sheet in site.rglob("*.css"):
        assert not re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", sheet.read_text()), sheet


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names_are_in_the_reference(site, module):
    reference = "\n".join(page.read_text() for page in (DOCS / "reference").glob("*.md"))
    names = [n for n in importlib.import_module(module).__all__ if n != "DEFAULT_URL"]
    assert not [
        n for n in names if not re.search(rf"^   ([a-z.]*\.)?{n}$", reference, re.MULTILINE)
    ]


def test_the_reference_has_signatures_and_parameters(site):
    page = (site / "reference/generated/gueststar.client.Broker.html").read_text()
    for word in ("xmatch", "radius", "Quantity or float", "Returns"):
        assert word in page


def test_every_command_is_in_the_site(site):
    page = (site / "reference/generated/commands.html").read_text()
    for command in ("ingest", "health", "simulate", "replay"):
        assert f'id="gueststar-{command}"' in page
    assert "[bold]" not in page
