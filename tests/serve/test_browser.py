"""The portal in a real browser: keys, stamps, light curve, no word to anybody else."""

import re

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect
pytestmark = pytest.mark.browser

CONTRAST = """(selector) => {
    const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgb = (colour) => {
        pen.clearRect(0, 0, 1, 1); pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
        return [...pen.getImageData(0, 0, 1, 1).data];
    };
    const part = (v) => (v <= 10 ? v / 3294.6 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
    const behind = (e) => {
        for (; e; e = e.parentElement) {
            const colour = rgb(getComputedStyle(e).backgroundColor);
            if (colour[3] > 250) return colour;
        }
        return [255, 255, 255];
    };
    return Math.min(...[...document.querySelectorAll(selector)].map((e) => {
        const pair = [rgb(getComputedStyle(e).color), behind(e)].map(light).sort((a, b) => b - a);
        return (pair[0] + 0.05) / (pair[1] + 0.05);
    }));
}"""
NAMELESS = """() => [...document.querySelectorAll(
    "button, a, input:not([type=hidden]), select, img, canvas"
)].filter((e) => !(
    e.textContent.trim() || e.ariaLabel || e.alt || e.title || e.labels?.length
)).map((e) => e.outerHTML)"""


@pytest.fixture(scope="module")
def busiest(store):
    """The harmless object with most alerts."""
    rows = store.sql(
        "SELECT object_id, count(*) AS n FROM alerts GROUP BY 1 ORDER BY n DESC LIMIT 9"
    )
    name = next(n for n in rows["object_id"].to_pylist() if n and n.isalnum())
    return store.object(name)


def test_a_list_by_keyboard(page):
    page.goto("/")
    items = page.locator("[data-item]")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert items.nth(1).evaluate("item => item === document.activeElement")
    page.keyboard.press("k")
    assert page.locator("tr.at [data-item]").inner_text() == items.first.inner_text()
    page.keyboard.press("m")
    page.wait_for_url(re.compile("sort=magnitude"))
    page.keyboard.press("n")
    page.wait_for_url(re.compile("offset=50"))
    page.keyboard.press("p")
    page.wait_for_url(lambda url: "offset" not in url)
    page.keyboard.press("a")
    page.wait_for_url(re.compile("sort=age"))
    page.keyboard.press("a")
    page.wait_for_url(re.compile("order=down"))


def test_enter_opens_and_n_walks_on_through_the_list(page):
    page.goto("/?sort=time&offset=50")
    names = page.locator("[data-item]").all_inner_texts()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/object/"))
    assert page.locator("[data-walk-place]").inner_text() == "1 of 50"
    page.keyboard.press("n")
    expect(page.locator("[data-walk-place]")).to_have_text("2 of 50")
    assert page.locator("h1").inner_text() == names[1]
    page.keyboard.press("b")
    page.wait_for_url(re.compile(r"offset=50"))


def test_search_by_slash(page, busiest):
    page.goto("/health")
    page.keyboard.press("/")
    page.keyboard.type(busiest.object_id)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/object/{busiest.object_id}"))


def test_help_and_theme(page):
    page.goto("/")
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    assert "sort by score" in page.locator("#help").inner_text()
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()
    page.keyboard.press("t")
    theme = page.evaluate("document.documentElement.dataset.theme")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == theme == "dark"


def brightness(page, kind="science"):
    """Grey of the pixels of one stamp as it is drawn, from its top left corner."""
    page.wait_for_timeout(150)
    return page.evaluate(
        f"""() => {{ const c = document.querySelector('[data-stamp={kind}] canvas');
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        return [...d].filter((_, i) => i % 4 === 0); }}"""
    )


def test_stamps_stretch_invert_zoom_and_read_out(page, busiest, store):
    alert = busiest.alerts["alert_id"][-1].as_py()
    page.goto(f"/object/{busiest.object_id}")
    page.wait_for_selector(".main-svg")
    first = brightness(page)
    assert len(set(first)) > 30
    page.keyboard.press("s")
    assert page.locator("[data-stretch]").input_value() == "linear"
    assert brightness(page) != first
    page.keyboard.press("i")
    inverted = brightness(page)
    page.keyboard.press("+")
    assert brightness(page) != inverted
    page.keyboard.press("0")
    canvas = page.locator("[data-stamp=science] canvas")
    box, image = canvas.bounding_box(), store.cutouts(alert).array("science")
    rows, columns = image.shape
    place = (box["x"] + 10.5 / columns * box["width"], box["y"] + 20.5 / rows * box["height"])
    page.mouse.move(*place)
    text = page.locator("[data-stamp=science] [data-value]").inner_text()
    assert text.startswith(f"[10, {rows - 1 - 20}]")
    assert float(text.split("]")[1]) == pytest.approx(float(image[rows - 1 - 20, 10]), rel=1e-4)
    assert page.locator("[data-stamp=difference] [data-value]").inner_text().startswith("[10,")


def test_the_page_follows_the_chosen_alert(page, busiest):
    ids = [str(i) for i in busiest.alerts["alert_id"].to_pylist()]
    if len(ids) < 2:
        pytest.skip("no object with two alerts in this night")
    page.goto(f"/object/{busiest.object_id}")
    page.wait_for_selector(".main-svg")
    page.keyboard.press("k")
    expect(page.locator("main [data-slot=scores]")).to_contain_text(f"alert {ids[-2]}")
    assert page.url.endswith(f"alert={ids[-2]}")
    page.keyboard.press("j")
    expect(page.locator("main [data-slot=scores]")).to_contain_text(f"alert {ids[-1]}")
    assert any(f"/cutouts/{ids[-2]}/science.f32" in url for url in page.called)


def test_the_light_curve_toggles(page, busiest):
    page.goto(f"/object/{busiest.object_id}")
    page.wait_for_selector(".main-svg")
    with page.expect_response(re.compile("unit=mag")):
        page.keyboard.press("u")
    expect(page.locator("[data-curve] .plot .ytitle")).to_contain_text("magnitude")
    low, high = page.evaluate("document.querySelector('[data-plot]').layout.yaxis.range")
    assert low > high  # bright is up
    with page.expect_response(re.compile("of=total")):
        page.keyboard.press("d")
    with page.expect_response(re.compile("limits=no")):
        page.keyboard.press("l")
    assert page.locator("[data-show=limits]").get_attribute("aria-pressed") == "false"


def test_search_in_the_packet(page, busiest):
    page.goto(f"/object/{busiest.object_id}")
    page.wait_for_selector(".main-svg")
    page.keyboard.press("w")
    page.keyboard.type("magpsf")
    expect(page.locator("[data-packet-found]")).to_contain_text("found")
    visible = page.locator("[data-packet] > details dl [data-line]:visible").all()
    assert visible  # by name, value or meaning
    assert all("magpsf" in line.get_attribute("data-line") for line in visible)


@pytest.mark.parametrize("width", [375, 768, 2560])
def test_no_page_is_wider_than_the_screen(page, busiest, width):
    page.set_viewport_size({"width": width, "height": 900})
    for address in ("/", f"/object/{busiest.object_id}", "/health", "/nope"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_javascript_everything_is_there(chromium, address, busiest):
    context = chromium.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/?sort=age")
    assert page.locator("[data-item]").count() == 50
    page.goto(f"/object/{busiest.object_id}")
    assert page.locator("[data-stamp] img").first.is_visible()
    context.close()


def contrast(page, selector):
    """Contrast of a text and what is behind it (WCAG 2.1), least of those found."""
    return page.evaluate(CONTRAST, selector)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(page, busiest, scheme):
    page.emulate_media(color_scheme=scheme)
    for address in ("/", f"/object/{busiest.object_id}", "/health"):
        page.goto(address)
        for selector in ("a", ".muted, .sub", "th", ".chip", "h1", "dt, dd", "button, select"):
            if page.locator(selector).count():
                assert contrast(page, selector) >= 4.5, (address, selector)


def test_everything_has_a_name_and_a_place(page, busiest):
    for address in ("/", f"/object/{busiest.object_id}"):
        page.goto(address)
        assert page.locator("main").count() == page.locator("h1").count() == 1
        nameless = page.evaluate(NAMELESS)
        assert nameless == []
