"""A walk through the whole portal in a browser: every page, every width, keyboard, no barrier."""

import re
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is missing")
from playwright.sync_api import expect  # noqa: E402

pytestmark = pytest.mark.browser
AXE = Path(axe.__file__).parent / "axe.min.js"
SERIOUS = """async (rules) => {
    const only = rules ? { runOnly: rules } : {};
    const found = await axe.run(document, { resultTypes: ["violations"], ...only });
    return found.violations.filter((one) => ["serious", "critical"].includes(one.impact))
        .map((one) => one.id + ": " + one.nodes.map((node) => node.html.slice(0, 160)).join(" | "));
}"""


@pytest.fixture(scope="module")
def name(store):
    rows = store.night(limit=50).to_pylist()
    return next(row["object_id"] for row in rows if (row["object_id"] or "").isalnum())


@pytest.fixture(scope="module")
def pages(name, store):
    cell = store.counts("healpix", order=4)["cell"][0].as_py()
    return [
        "/?mag_min=19.5&band=g",
        "/?view=differences&mag_min=19.5",
        "/?min_score=1&band=u",
        "/search?mag_min=19&band=g",
        f"/search?of=objects&name={name[:7]}",
        "/search?band=k&position=nowhere",
        "/search?of=objects&name=nothing",
        f"/search?cell=4/{cell}&view=stamps",
        "/sky",
        f"/object/{name}",
        "/health",
        "/api",
        "/nope",
    ]


def visit(page, address):
    """Go to a page; a fault that the address asks for is no fault of the page."""
    page.goto(address)
    page.said[:] = [said for said in page.said if "status of 400" not in said]


def test_no_page_has_a_barrier(page, pages):
    found = {}
    for address in pages:
        page.emulate_media(color_scheme="light")
        visit(page, address)
        page.evaluate(AXE.read_text())
        barriers = page.evaluate(SERIOUS, None)
        page.emulate_media(color_scheme="dark")
        barriers += page.evaluate(SERIOUS, ["color-contrast"])
        if barriers:
            found[address] = barriers
    assert found == {}


@pytest.mark.parametrize("width", [375, 1280, 3840])
def test_a_walk_by_keyboard(page, width, name):
    """Home, filter, object, its keys, search, sky map, a cell, health; nothing but keys."""
    page.set_viewport_size({"width": width, "height": 900})
    fits = "document.documentElement.scrollWidth <= innerWidth"
    visit(page, "/")
    assert page.evaluate(fits)
    before = page.locator("[data-part=count]").inner_text()
    page.keyboard.press("f")
    page.keyboard.type("0.5")
    expect(page.locator("[data-part=count]")).to_contain_text(" of ")
    assert page.url.endswith("min_score=0.5")
    page.keyboard.press("Escape")
    page.keyboard.press("v")
    page.wait_for_url(re.compile("view=stamps"))
    assert page.evaluate(fits)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/object/|/alert/"))
    assert page.evaluate(fits)
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    page.go_back()
    page.wait_for_url(re.compile("view=stamps"))
    page.go_back()
    page.wait_for_url(lambda url: "view" not in url)
    page.go_back()
    page.wait_for_url(lambda url: "min_score" not in url)
    expect(page.locator("[data-part=count]")).to_have_text(before)
    page.wait_for_load_state()
    page.keyboard.press("/")
    page.keyboard.type(name[:5])
    expect(page.locator("input[name=q]:focus")).to_have_value(name[:5])
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/search|/object"))
    assert page.evaluate(fits)
    page.goto("/")
    page.keyboard.press("o")
    page.wait_for_url(re.compile("/sky"))
    assert page.evaluate(fits)
    while not page.evaluate("document.activeElement.matches('[data-cell]')"):
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    told = page.locator("[data-told]").inner_text()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/search.*cell="))
    assert page.evaluate(fits)
    wanted = int(re.search(r": ([\d,]+) alert", told)[1].replace(",", ""))
    assert page.locator("[data-item]").count() == min(wanted, 60)
    page.goto("/health")
    expect(page.locator("main")).to_contain_text("In = out.")
    assert page.evaluate(fits)


def test_filters_act_at_once_and_the_server_agrees(page, store):
    visit(page, "/")
    page.route(re.compile(r"min_score"), lambda route: None)  # the server does not answer
    page.locator("[name=min_score]").fill("0.9")
    shown = page.locator("[data-row]:not([hidden])")
    scores = page.locator("[data-row]").evaluate_all("rows => rows.map((r) => r.dataset.score)")
    passing = [one for one in scores if one and float(one) >= 0.9]
    expect(shown).to_have_count(len(passing))
    page.unroute(re.compile(r"min_score"))
    page.locator("[name=band]").select_option("r")
    page.wait_for_url(re.compile("band=r"))
    wanted = store.night(min_score=0.9, band="r", limit=50)
    expect(page.locator("[data-item]")).to_have_count(wanted.num_rows)
    links = page.locator("[data-item]").evaluate_all("all => all.map((a) => a.href)")
    ids = [int(re.search(r"(\d+)$", link)[1]) for link in links]
    assert ids == wanted["alert_id"].to_pylist()
    loads = page.evaluate("performance.getEntriesByType('navigation').length")
    assert loads == 1  # the page itself was never loaded again


def test_back_and_forward_restore_fields_and_list(page):
    visit(page, "/")
    page.locator("[name=band]").select_option("g")
    page.wait_for_url(re.compile("band=g"))
    few = page.locator("[data-part=count]").inner_text()
    page.locator("[name=survey]").select_option("lsst")
    expect(page.locator("main")).to_contain_text("No alert passes")
    page.go_back()
    expect(page.locator("[data-part=count]")).to_have_text(few)
    assert page.locator("[name=survey]").input_value() == ""
    assert page.locator("[name=band]").input_value() == "g"
    page.go_forward()
    expect(page.locator("main")).to_contain_text("No alert passes")
    assert page.locator("[name=survey]").input_value() == "lsst"
    page.locator("text=Remove them").click()
    expect(page.locator("[name=survey]")).to_have_value("")
    page.reload()
    assert page.locator("[data-item]").count() == 50


def test_arrows_walk_over_a_grid(page):
    visit(page, "/?view=differences")
    page.keyboard.press("j")
    page.keyboard.press("ArrowRight")
    items = page.locator("[data-item]")
    assert items.nth(1).evaluate("item => item === document.activeElement")
    page.keyboard.press("ArrowDown")
    below = page.evaluate("""() => { const all = [...document.querySelectorAll('[data-item]')];
        const at = (one) => one.closest('[data-row]').getBoundingClientRect();
        return at(document.activeElement).top > at(all[1]).top &&
            at(document.activeElement).left === at(all[1]).left; }""")
    assert below


def test_an_address_of_the_search_is_short(page):
    visit(page, "/search")
    page.locator("[name=mag_max]").fill("19")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?of=alerts&mag_max=19")
    expect(page.locator("[name=mag_max]")).to_have_value("19")
    assert page.locator("[data-item]").count() > 0


def test_forms_work_without_javascript(chromium, address, store):
    context = chromium.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.locator("[name=band]").select_option("g")
    page.locator("[name=min_score]").fill("0.5")
    page.locator("button:has-text('Filter')").click()
    wanted = store.night(band="g", min_score=0.5, limit=50).num_rows
    expect(page.locator("[data-item]")).to_have_count(wanted)
    page.goto("/search")
    page.locator("[name=max_score]").fill("3")
    page.locator("button:has-text('Search')").click()
    assert page.locator(".fault").inner_text() == "3 is not in 0 to 1"
    page.goto("/sky")
    page.locator("[data-cell]").first.click()
    expect(page.locator("[data-item]").first).to_be_visible()
    context.close()
