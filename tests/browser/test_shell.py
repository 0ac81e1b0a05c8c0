"""What holds on every page: headers, policy, names, keyboard, small screens, accessibility."""

import json
import re

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from demo.dashboard import ROOT
from tests.browser.conftest import Complaints, Opener
from tests.browser.support import PAGES, settle, until, violations
from tests.support.mend import Mend


def test_the_host_sends_what_the_configuration_says(url: str) -> None:
    """One file tells both hosts; pages of the app exist, other paths do not."""
    config = json.loads((ROOT / "staticwebapp.config.json").read_text())
    with httpx.Client(base_url=url, trust_env=False) as http:
        front, deep = http.get("/"), http.get("/tickets/TIK-20261120-3F9A2C")
        script = front.text.partition('src="/assets/')[2].partition('"')[0]
        asset = http.get(f"/assets/{script}", headers={"Accept-Encoding": "gzip"})
        again = http.get(f"/assets/{script}", headers={"If-None-Match": asset.headers["etag"]})
        missing = [http.get(path) for path in ("/assets/no.js", "/no.png", "/api/no")]
        stamp = http.get("/.stamp")
        outside = http.get("/%2e%2e/package.json")
        hidden = http.get("/staticwebapp.config.json")
    for name, value in config["globalHeaders"].items():
        assert front.headers[name] == value
    assert "unsafe" not in front.headers["content-security-policy"]
    assert (deep.status_code, deep.text) == (200, front.text)
    assert "immutable" in asset.headers["cache-control"]
    assert asset.headers["content-encoding"] == "gzip"
    assert again.status_code == 304
    assert [one.status_code for one in missing] == [404] * 3
    assert stamp.text == front.text
    assert "devDependencies" not in outside.text
    assert hidden.status_code == 404


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible(url: str, open_page: Opener, scheme: str) -> None:
    """Zero violations, a heading, and a title of its own."""
    page = open_page(url, color_scheme=scheme)
    wrong: dict[str, list[str]] = {}
    titles: set[str] = set()
    for path in PAGES:
        page.goto(f"{url}{path}")
        page.wait_for_selector("main h1")
        settle(page)
        titles.add(page.title())
        assert page.locator("h1").count() == 1, path
        if found := violations(page):
            wrong[path] = found
    assert wrong == {}
    assert len(titles) == len(PAGES)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_opens_is_accessible(url: str, mend: Mend, open_page: Opener, scheme: str) -> None:
    """Dialogs, menus, every tab of a ticket, an empty list, a selection, the kill switch's bar."""
    ticket = mend.tickets(status="resolved")[0]["id"]
    page = open_page(url, color_scheme=scheme)
    wrong: dict[str, list[str]] = {}

    def look(name: str) -> None:
        settle(page)
        if found := violations(page):
            wrong[name] = found

    for tab in ("overview", "activity", "activity&view=timeline", "activity&view=all",
                "attempts", "audit", "raw"):  # fmt: skip
        page.goto(f"{url}/tickets/{ticket}?tab={tab}")
        page.wait_for_selector("main h1")
        look(tab)
    page.goto(f"{url}/tickets/{ticket}")
    page.get_by_role("button", name="Edit, add a note").click()
    look("edit")
    page.goto(f"{url}/tickets")
    page.locator("summary", has_text="Status").click()
    page.wait_for_selector("fieldset")
    look("filter")
    page.get_by_label("Resolved").check()
    page.get_by_label("Select all on this page").check()
    look("selection")
    page.goto(f"{url}/tickets?q=nothingofthatname")
    look("no rows")
    page.keyboard.press("Control+k")
    page.wait_for_selector("dialog[open]")
    look("palette")
    page.keyboard.press("Escape")
    until(
        page,
        "!document.querySelector('dialog[open]') && document.activeElement.matches('body, button')",
    )
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    look("shortcuts")
    mend.put("kill-switch", {"on": True, "reason": "a test of the bar"})
    page.goto(f"{url}/settings")
    page.get_by_role("button", name="Turn it off").click()
    look("kill switch")
    mend.put("kill-switch", {"on": False, "reason": ""})
    assert wrong == {}


def test_by_keyboard_alone(url: str, open_page: Opener) -> None:
    """Skip link first; the palette leads anywhere and gives the focus back; single keys rest."""
    page = open_page(f"{url}/tickets")
    settle(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    opener = page.get_by_role("button", name="Search or go to")
    opener.focus()
    page.keyboard.press("Control+k")
    page.locator("dialog[open]").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog[open]").wait_for(state="detached")
    assert opener.evaluate("element => element === document.activeElement")
    page.keyboard.press("Control+k")
    page.keyboard.type("appr")
    page.keyboard.press("Enter")
    page.wait_for_url("**/approvals")
    until(page, "document.activeElement.tagName === 'H1'")
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_url("**/tickets")
    page.get_by_label("Search tickets").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("?g")
    assert page.get_by_label("Search tickets").input_value() == "?g"
    assert page.locator("dialog[open]").count() == 0
    page.get_by_label("Search tickets").fill("")
    page.wait_for_url("**/tickets")
    settle(page)
    page.locator("main h1").focus()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.get_by_text("1 ticket selected").is_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/tickets/TIK-*")
    page.keyboard.press("?")
    assert page.get_by_role("dialog").get_by_text("Next, previous row").is_visible()


def test_on_a_phone(url: str, mend: Mend, open_page: Opener) -> None:
    """320 pixels: nothing scrolls sideways, and the way is at the bottom."""
    ticket = mend.tickets()[0]["id"]
    page = open_page(url, viewport={"width": 320, "height": 640})
    wide: list[str] = []
    for path in (*PAGES, f"/tickets/{ticket}", f"/tickets/{ticket}?tab=activity&view=timeline"):
        page.goto(f"{url}{path}")
        page.wait_for_selector("main h1")
        settle(page)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 320:
            wide.append(f"{path}: {width}")
    assert wide == []
    page.goto(f"{url}/")
    page.get_by_role("navigation", name="Main, small screens").get_by_text("More").click()
    page.get_by_role("link", name="Settings").last.click()
    page.wait_for_url("**/settings")
    settle(page)
    assert violations(page) == []


def test_zoomed_to_twice_its_size(url: str, mend: Mend, open_page: Opener) -> None:
    """What is left of a laptop's screen then: nothing is cut off sideways."""
    ticket = mend.tickets()[0]["id"]
    page = open_page(url, viewport={"width": 640, "height": 400}, device_scale_factor=2)
    for path in (*PAGES, f"/tickets/{ticket}"):
        page.goto(f"{url}{path}")
        page.wait_for_selector("main h1")
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 640, path


def test_one_tab_at_a_time_is_where_we_are(url: str, mend: Mend, open_page: Opener) -> None:
    """Also where the first one has the plainest address."""
    ticket = mend.tickets()[0]["id"]
    page = open_page(url)
    for path, tab in {
        f"/tickets/{ticket}": "Overview",
        f"/tickets/{ticket}?tab=activity&view=timeline": "Activity",
        "/approvals?tab=history": "History",
        "/settings?tab=targets": "Targets and times",
    }.items():
        page.goto(f"{url}{path}")
        expect(page.locator("main nav [aria-current=page]")).to_have_text(tab)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("status", [0, 500], ids=["loading", "failing"])
def test_what_is_not_there_is_accessible(
    url: str, complaints: Complaints, open_page: Opener, scheme: str, status: int
) -> None:
    """While the API does not answer, and when all it says is 500."""
    complaints.expected += ["500", "Failed to load resource"]
    page = open_page("about:blank", blank=True, color_scheme=scheme)
    held: list[Route] = []

    def answer(route: Route) -> None:
        if status:
            route.fulfill(status=status, body="{}")
        else:
            held.append(route)

    page.route(re.compile("/api/v1/(?!negotiate)"), answer)
    wrong: dict[str, list[str]] = {}
    for path in ("/", "/tickets", "/approvals", "/metrics", "/signatures", "/audit",
                 "/settings", "/settings?tab=connections"):  # fmt: skip
        page.goto(f"{url}{path}")
        page.wait_for_selector("main h1")
        if status:
            page.get_by_role("alert").filter(has_text="Try again").first.wait_for()
        else:
            page.locator("[aria-busy]").first.wait_for()
        if found := violations(page):
            wrong[path] = found
    assert wrong == {}


def test_theme_and_time_are_kept(url: str, mend: Mend, open_page: Opener) -> None:
    """The machine's theme at first, then the chosen one; every time has an exact form."""
    assert mend.tickets()
    page = open_page(f"{url}/tickets", color_scheme="dark")
    settle(page)
    assert background(page) == "rgb(15, 19, 24)"
    page.get_by_role("button", name="Switch to light theme").click()
    assert background(page) == "rgb(247, 248, 250)"
    times = page.locator("main time")
    assert times.count() >= 13
    for at in range(0, times.count(), 5):
        assert times.nth(at).get_attribute("datetime")
        assert "UTC" in (times.nth(at).get_attribute("title") or "")
    page.get_by_label("How times are shown").select_option("utc")
    assert times.first.inner_text().endswith("UTC")
    page.reload()
    page.wait_for_selector("main time")
    assert background(page) == "rgb(247, 248, 250)"
    assert page.locator("main time").first.inner_text().endswith("UTC")


def test_nothing_moves_for_who_wants_that(url: str, open_page: Opener) -> None:
    """Reduced motion: no animation runs."""
    page = open_page(url, reduced_motion="reduce")
    for path in PAGES[:3]:
        page.goto(f"{url}{path}")
        assert page.evaluate("document.getAnimations().length") == 0


def background(page: Page) -> str:
    """Return the colour behind everything."""
    return str(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
