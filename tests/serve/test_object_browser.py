"""The object page in a real browser: period, redshift, colours, blink, classes, by keyboard."""

import re

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def richest(store):
    """The harmless object with most measured points."""
    query = """SELECT object_id, count(*) AS n FROM lightcurves WHERE kind <> 'limit'
               GROUP BY 1 ORDER BY n DESC LIMIT 9"""
    names = store.sql(query)["object_id"].to_pylist()
    return next(name for name in names if name.isalnum())


@pytest.fixture
def opened(page, richest):
    page.goto(f"/object/{richest}")
    page.wait_for_selector("[data-curve] .main-svg")
    return page


def waits(page, wanted, axis="x"):
    """Wait until the title of an axis of the light curve says something."""
    expect(page.locator(f"[data-curve] .plot .{axis}title")).to_contain_text(wanted)


def test_fold_by_keyboard_halve_double_type_and_unfold(opened):
    opened.keyboard.press("f")
    waits(opened, "phase")
    best = float(opened.locator("[data-period-value]").input_value())
    expect(opened.locator("[data-peaks] [aria-pressed=true]")).to_have_count(1)
    opened.keyboard.press("[")
    waits(opened, f"period {best / 2:.4g}"[:12])
    opened.keyboard.press("]")
    opened.locator("[data-peaks] button").nth(1).click()
    second = float(opened.locator("[data-peaks] button").nth(1).get_attribute("data-at"))
    expect(opened.locator("[data-period-value]")).to_have_value(f"{second:.7g}")
    opened.keyboard.press("e")
    opened.keyboard.press("Control+a")
    opened.keyboard.type("0.25")
    opened.keyboard.press("Enter")
    waits(opened, "period 0.25 d")
    opened.keyboard.press("Escape")
    opened.keyboard.press("f")
    waits(opened, "MJD (TAI, d)")


def test_zoom_is_kept_while_views_change(opened):
    plot = "document.querySelector('[data-plot]')"
    opened.evaluate(f"Plotly.relayout({plot}, {{'xaxis.range': [61000, 61001]}})")
    with opened.expect_response(re.compile("unit=mag")):
        opened.keyboard.press("u")
    waits(opened, "magnitude", "y")
    assert opened.evaluate(f"{plot}.layout.xaxis.range") == [61000, 61001]


def test_a_redshift_makes_magnitudes_absolute_and_is_remembered(opened):
    opened.keyboard.press("r")
    opened.keyboard.type("0.05")
    opened.keyboard.press("Enter")
    waits(opened, "z = 0.05", "y")
    expect(opened.locator("[data-curve-note]")).to_contain_text("no extinction taken off")
    opened.reload()
    waits(opened, "z = 0.05", "y")


def test_the_picture_can_be_saved(opened, richest):
    with opened.expect_download() as download:
        opened.locator("[data-png]").click()
    assert download.value.suggested_filename == f"{richest}_light_curve.png"
    assert download.value.path().read_bytes().startswith(b"\x89PNG")


def greys(page):
    """Share of grey pixels in the template as it is drawn."""
    page.wait_for_timeout(150)
    return page.evaluate(
        """() => { const c = document.querySelector('[data-stamp=template] canvas');
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        let n = 0;
        for (let i = 0; i < d.length; i += 4) n += d[i] === d[i + 1] && d[i] === d[i + 2];
        return n / (d.length / 4); }"""
    )


def test_colours_change_by_key_and_are_kept(opened):
    assert greys(opened) > 0.9
    opened.keyboard.press("v")
    assert opened.locator("[data-colour]").input_value() == "viridis"
    assert greys(opened) < 0.1
    opened.reload()
    opened.wait_for_selector(".live")
    expect(opened.locator("[data-colour]")).to_have_value("viridis")


def test_blink_shows_one_stamp_after_the_other(opened):
    opened.keyboard.press("x")
    shown = opened.locator("[data-stamp]:visible")
    expect(shown).to_have_count(1)
    first = shown.get_attribute("data-stamp")
    expect(opened.locator(".shown")).not_to_have_attribute("data-stamp", first)
    opened.keyboard.press("x")
    expect(shown).to_have_count(3)


def test_blink_steps_where_motion_is_not_wanted(opened):
    opened.emulate_media(reduced_motion="reduce")
    for kind in ("science", "template", "difference"):
        opened.keyboard.press("x")
        assert opened.locator("[data-stamp]:visible").get_attribute("data-stamp") == kind
        opened.wait_for_timeout(800)
        assert opened.locator("[data-stamp]:visible").get_attribute("data-stamp") == kind
    opened.keyboard.press("x")
    expect(opened.locator("[data-stamp]:visible")).to_have_count(3)


def test_a_stamp_can_be_saved_as_fits(opened, richest):
    with opened.expect_download() as download:
        opened.locator("[data-stamp=science] [data-fits]").click()
    assert download.value.suggested_filename == f"{richest}_science.fits"
    assert download.value.path().read_bytes().startswith(b"SIMPLE  =")


def test_a_note_is_written_changed_and_removed_by_keyboard(opened):
    opened.keyboard.press("a")
    opened.keyboard.type("host at z = 0.03")
    opened.keyboard.press("Control+Enter")
    note = opened.locator("[data-note]")
    expect(note.locator("[data-text]")).to_have_text("host at z = 0.03")
    note.locator("[data-note-edit]").focus()
    opened.keyboard.press("Enter")
    opened.keyboard.type("a ")
    opened.keyboard.press("Control+Enter")
    expect(note.locator("[data-text]")).to_have_text(re.compile("a host|0.03a"))
    expect(note).to_contain_text("edited")
    note.locator("[data-note-remove]").focus()
    opened.keyboard.press("Enter")
    expect(note.locator("[data-note-remove]")).to_have_text("Really remove")
    opened.keyboard.press("Enter")
    expect(note).to_have_count(0)


def test_what_the_api_refuses_is_said(opened):
    opened.locator("[name=kind]").select_option("tag")
    opened.keyboard.press("Escape")
    opened.locator("#note").fill("x" * 65)
    opened.keyboard.press("Control+Enter")
    expect(opened.locator("[data-note-said]")).to_contain_text("65 characters are more than the 64")
    opened.said.clear()  # the browser's own line about the answer 400


def test_paths_and_values_of_the_packet_are_copied_by_keyboard(opened):
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened.keyboard.press("g")
    assert opened.locator("[data-packet] small").first.is_visible()
    opened.locator("[data-path='candidate.magpsf']").click(position={"x": 4, "y": 4})
    assert opened.evaluate("navigator.clipboard.readText()") == "candidate.magpsf"
    opened.keyboard.press("w")
    opened.keyboard.type("signal to noise at the peak")
    expect(opened.locator("[data-packet-found]")).to_contain_text("1 found")
    line = opened.locator("[data-path='candidate.scorr']")
    line.focus()
    opened.keyboard.press("Enter")
    copied = opened.evaluate("navigator.clipboard.readText()")
    assert copied == line.locator("dd").inner_text().removesuffix(" sentinel")
    opened.keyboard.press("Shift+Enter")
    assert opened.evaluate("navigator.clipboard.readText()") == "candidate.scorr"


CONTROLS = """() => [...document.querySelectorAll(
    'main :is(button, a[href], input, select, summary, canvas)'
)].filter((e) => e.checkVisibility() && !e.closest('.modebar'))"""
REACHED = f"() => ({CONTROLS})().indexOf(document.activeElement)"


def test_every_control_can_be_reached_by_tab(opened):
    """No trap: Tab walks through all controls that can be seen."""
    opened.keyboard.press("f")
    waits(opened, "phase")
    opened.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    total = opened.evaluate(f"({CONTROLS})().length")
    reached = set()
    for _ in range(total + 60):
        opened.keyboard.press("Tab")
        reached.add(opened.evaluate(REACHED))
    assert reached >= set(range(total))


@pytest.mark.parametrize("width", [375, 1280, 3840])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_the_screen_with_everything_open(page, richest, width, scheme):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"/object/{richest}")
    page.wait_for_selector("[data-curve] .main-svg")
    page.keyboard.press("f")
    waits(page, "phase")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
