"""The page of the demo in a real browser: it opens from disk, fetches nothing, and is there for everybody."""

import shutil

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="the oracle extra brings the browser tests")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(params=["light", "dark"])
def page(request, browser, demo):
    _, folder = demo
    context = browser.new_context(color_scheme=request.param, viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.requested, page.complaints = [], []
    page.on("request", lambda asked: page.requested.append(asked.url))
    page.on(
        "console", lambda message: page.complaints.append(message.text) if message.type == "error" else None
    )
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto((folder / "index.html").as_uri())
    yield page
    context.close()


def test_it_fetches_nothing_and_complains_of_nothing(page):
    assert page.requested == [page.url]
    assert page.complaints == []


def test_anybody_can_use_it(page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    violations = axe.Axe().run(page).response["violations"]
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in violations] == []


def test_another_digit_by_keyboard_shows_another_thin_network(page):
    first, second = (
        page.locator(".tabs").first.locator("figure").nth(0),
        page.locator(".tabs").first.locator("figure").nth(1),
    )
    assert first.is_visible() and not second.is_visible()
    page.locator(".tabs input").first.focus()
    page.keyboard.press("ArrowRight")
    assert second.is_visible() and not first.is_visible()


def test_a_phone_shows_it_without_scrolling_sideways(page):
    page.set_viewport_size({"width": 375, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    drawn = page.locator("figure svg[role=img]:visible").first.bounding_box()
    assert drawn["width"] >= 700, "pictures keep a size that can be read, and scroll inside their frames"


def test_every_picture_has_a_size_and_a_name(page):
    pictures = page.locator("svg[role=img]:visible")
    assert pictures.count() >= 5
    for picture in pictures.all():
        box = picture.bounding_box()
        assert box["width"] > 100 and box["height"] > 50
        assert picture.locator("title").first.text_content().strip()
