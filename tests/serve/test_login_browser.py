"""People who log in with a real browser, at a real server with accounts."""

import os
import re
import signal
import subprocess
import sys

import pytest

from gueststar.store import open_store

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is missing")
from playwright.sync_api import expect

from serve.conftest import replaced
from serve.test_walk import AXE, SERIOUS

pytestmark = pytest.mark.browser
GOOD, OTHER = "correct horse battery", "staple battery horse"
FITS = "document.documentElement.scrollWidth <= innerWidth"
SERVE = (
    "import sys; from gueststar.serve.portal.run import run_portal; "
    "run_portal(sys.argv[1], port=0, accounts=True, ready=lambda url: print(url, flush=True))"
)


@pytest.fixture(scope="module")
def night_url(tmp_path_factory, make_alerts):
    """A night whose alerts are of the partnership's program, but for one in ten."""
    url = f"sqlite:///{tmp_path_factory.mktemp('login') / 'night.db'}"
    with open_store(url) as store:
        for batch in make_alerts("simulate:40:3"):
            program = [1 if i % 10 == 0 else 2 for i in range(len(batch))]
            store.write([replaced(batch, program=program)])
        store.add_account("Ann", GOOD, "annotator", programs=[1, 2])
    return url


@pytest.fixture(scope="module")
def address(night_url):
    command = [sys.executable, "-W", "error", "-c", SERVE, night_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


@pytest.fixture
def hidden(night_url):
    """Name of an object that only programs other than 1 have seen."""
    query = """SELECT object_id FROM alerts WHERE object_id NOT IN
                   (SELECT object_id FROM alerts WHERE program = 1) ORDER BY object_id"""
    with open_store(night_url, read_only=True) as store:
        return store.sql(query)["object_id"][0].as_py()


def kept(page, name):
    """Keep a picture to look at, where somebody wants them."""
    if folder := os.environ.get("GUESTSTAR_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def barriers(page):
    page.emulate_media(color_scheme="light")
    page.evaluate(AXE.read_text())
    found = page.evaluate(SERIOUS, None)
    page.emulate_media(color_scheme="dark")
    return found + page.evaluate(SERIOUS, ["color-contrast"])


def forgiven(page):
    """Leave answers that the test asks for out of what the page has said."""
    page.said[:] = [
        said for said in page.said if not re.search("status of 40[13]|Cleared data types", said)
    ]


def test_a_login_by_keyboard_shows_what_was_hidden(page, hidden):
    page.goto("/")
    count = page.locator("[data-part=count]").inner_text()
    page.goto(f"/object/{hidden}")
    expect(page.locator("main")).to_contain_text("Not found")
    page.locator("main").get_by_role("link", name="Log in").press("Enter")
    page.wait_for_url(re.compile("/login"))
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("Ann")
    page.keyboard.press("Tab")
    page.keyboard.type(OTHER)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not those of an account here")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(GOOD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/object/{hidden}$"))
    expect(page.locator("h1")).to_contain_text(hidden)
    expect(page.locator(".stamps img, .stamps canvas").first).to_be_attached()
    page.locator("#note").fill("seen by its program")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("[data-notes-list]")).to_contain_text("Ann")
    page.goto("/")
    assert page.locator("[data-part=count]").inner_text() != count
    assert page.evaluate("document.cookie") == ""  # no script reads it
    page.get_by_role("button", name="Log out").press("Enter")
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    expect(page.locator("[data-part=count]")).to_have_text(count)
    page.go_back()
    expect(page.locator("[data-part=count]")).to_have_text(count)  # nothing of it was kept
    page.goto(f"/object/{hidden}")
    expect(page.locator("main")).to_contain_text("Not found")
    forgiven(page)


@pytest.mark.parametrize("width", [375, 1280])
def test_login_and_account_have_no_barrier(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    found = {}

    def look(name):
        assert page.evaluate(FITS), name
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            kept(page, f"{name}-{width}-{scheme}")
        found[name] = barriers(page)

    page.goto("/login?next=%2Faccount")
    look("login")
    page.get_by_label("Name").fill("Ann")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    look("refused")
    page.get_by_label("Password").fill(GOOD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/account$"))
    look("account")
    page.get_by_label("Name, such as").fill("a laptop with quite a long name")
    page.get_by_role("button", name="Make a token").click()
    expect(page.get_by_label("New token", exact=True)).to_contain_text("gst_")
    look("token")
    page.get_by_role("button", name="Revoke").first.click()
    page.wait_for_url(re.compile("/account#tokens$"))
    expect(page.locator("table.rows tbody tr").first).to_contain_text("revoked")
    page.goto("/health")
    look("health")
    page.goto("/logout")
    look("logout")
    page.locator("main").get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    look("home")
    page.goto("/health")
    look("forbidden")
    forgiven(page)
    assert {name: what for name, what in found.items() if what} == {}


def test_it_works_without_scripts(chromium, address, hidden):
    context = chromium.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/login?next=%2Fobject%2F{hidden}")
    page.get_by_label("Name").fill("Ann")
    page.get_by_label("Password").fill(GOOD)
    page.locator("main").get_by_role("button", name="Log in").click()
    expect(page.locator("h1")).to_contain_text(hidden)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    context.close()
