"""The page in a real browser: laid out, quiet, usable by keyboard and on a phone, accessible, and closed to attack."""

from pathlib import Path

import pytest

from tests.verify.report.html.documents import hostile, notes, page_of

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install '.[browser]'")
axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe is not installed: pip install '.[browser]'"
)

CHROMIUM = Path("/usr/bin/chromium")
if not CHROMIUM.exists():
    pytest.skip("Chromium is not installed: apt-get install chromium", allow_module_level=True)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1100, "height": 900}


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for which in (notes, hostile):
        (folder / f"{which.__name__}.html").write_text(page_of(which), encoding="utf-8")
    return folder


@pytest.fixture
def opened(browser, files):
    """Opens a page; whatever it says on the console or asks of the network fails the test."""
    trouble, contexts = [], []

    def open_page(name, anchor="", **settings):
        context = browser.new_context(**{"viewport": DESKTOP, **settings})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: trouble.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        page.on("dialog", lambda dialog: trouble.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: trouble.append(request.url) if _is_network(request.url) else None)
        page.goto(f"{(files / name).as_uri()}.html{anchor}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert trouble == []


def _is_network(url):
    return not url.startswith(("file:", "data:"))


def _open_all(page):
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")


def _unlaid(page):
    """The formulas that have no size, as text."""
    return page.evaluate(
        """Array.from(document.querySelectorAll("math")).filter(one => {
             const box = one.getBoundingClientRect(); return box.width <= 0 || box.height <= 0
           }).map(one => one.textContent)"""
    )


@pytest.mark.parametrize("name", ["notes", "hostile"])
def test_every_formula_is_laid_out(opened, name):
    page = opened(name)
    _open_all(page)
    assert page.locator("math").count() > 5
    assert _unlaid(page) == []


def test_formulas_are_set_in_the_embedded_font(opened):
    page = opened("notes")
    assert page.evaluate("document.fonts.ready.then(fonts => Array.from(fonts, one => one.status))") == ["loaded"]


def test_documents_inject_nothing(opened):
    page = opened("hostile")
    _open_all(page)
    page.evaluate("document.querySelectorAll('main *').forEach(one => one.dispatchEvent(new MouseEvent('mouseover')))")
    assert page.evaluate("window.hit") is None
    assert page.locator("main script, main img, main iframe, main svg, main [style]").count() == 0
    assert page.evaluate("document.querySelectorAll('style').length") == 1


def test_a_click_and_a_key_open_what_is_known(opened):
    page = opened("notes")
    details = page.locator("#J details.known")
    details.locator("summary").first.click()
    assert details.locator(".example").is_visible()
    details.locator("summary").first.press("Enter")
    assert not details.locator(".example").is_visible()


def test_a_link_opens_its_equation(opened):
    page = opened("notes", "#J")
    assert page.locator("#J .example").is_visible()
    page.locator("nav.wrong a", has_text="(unread)").click()
    assert page.locator("#unread .caret").is_visible()


def test_filters_and_search_work_by_keyboard(opened):
    page = opened("notes")
    total = page.locator(".line").count()
    output = page.locator(".tools output")
    assert output.inner_text() == f"{total} of {total}"
    page.locator("input[value=refuted]").focus()
    page.keyboard.press("Space")
    assert {one.get_attribute("data-kind") for one in page.locator(".line:visible").all()} == {"refuted"}
    assert output.inner_text() == f"{page.locator('.line:visible').count()} of {total}"
    assert not page.get_by_text("A state").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("2.3")
    assert [one.get_attribute("id") for one in page.locator(".line:visible").all()] == ["2.3"]
    page.keyboard.press("Escape")
    assert output.inner_text() == f"{total} of {total}"
    assert page.get_by_text("A state").is_visible()


def test_all_can_be_opened_at_once(opened):
    page = opened("notes")
    page.locator(".open-all").click()
    assert page.locator("details.known:not([open])").count() == 0
    page.locator(".open-all").click()
    assert page.locator("details.known[open]").count() == 0


def test_the_switch_changes_the_colours_without_a_script(opened):
    page = opened("notes", java_script_enabled=False)
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.locator("#bp-dark").check()
    assert page.evaluate(colour) != light
    page.locator("#J summary").first.click()
    assert page.locator("#J .example").is_visible()


@pytest.mark.parametrize("name", ["notes", "hostile"])
def test_a_phone_scrolls_down_only(opened, name):
    page = opened(name, viewport=PHONE)
    _open_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_wide_formula_scrolls_in_its_box_by_keyboard(opened):
    page = opened("notes", viewport=PHONE)
    box = page.locator("#wide .formula")
    assert box.evaluate("one => one.scrollWidth > one.clientWidth")
    page.wait_for_function("() => document.querySelector('#wide .formula').tabIndex === 0")
    box.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('#wide .formula').scrollLeft > 0")


CONTRAST = "color-contrast"  # the one rule to which the scheme matters, and the slow one


@pytest.mark.parametrize(
    ("name", "scheme", "options"),
    [
        ("notes", "light", {}),
        ("notes", "dark", {"runOnly": [CONTRAST]}),
        ("hostile", "light", {"rules": {CONTRAST: {"enabled": False}}}),
    ],
)
def test_axe_finds_no_violation(opened, name, scheme, options):
    page = opened(name, color_scheme=scheme)
    _open_all(page)
    page.wait_for_timeout(50)  # the observer of what scrolls answers after a frame
    answer = axe.Axe().run(page, options=options).response
    assert answer["passes"]
    found = answer["violations"]
    assert [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found] == []


def test_paper_shows_what_is_folded(opened):
    page = opened("notes")
    assert not page.locator("#J .example").is_visible()
    page.emulate_media(media="print")
    assert page.locator("#J .example").is_visible()
    assert not page.locator(".tools").is_visible()
