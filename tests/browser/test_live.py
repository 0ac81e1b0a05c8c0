"""Changes arrive where somebody looks, soon; where nobody does, nothing is asked."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from demo.processes import HostProcess
from demo.stories import Scene
from tests.browser.conftest import Complaints, Opener
from tests.browser.support import question, settle, until, violations
from tests.support.mend import Mend


def asked_for(page: Page) -> list[str]:
    """Return a list that fills with the calls of the API from now on."""
    asked: list[str] = []
    page.on(
        "request",
        lambda request: asked.append(request.url) if "/api/" in request.url else None,
    )
    return asked


def test_two_browsers(url: str, mend: Mend, complaints: Complaints, open_page: Opener) -> None:
    """A change arrives by push within two seconds, and by polling where nothing can be pushed."""
    complaints.expected.append("negotiate")
    title = "two browsers look at this"
    ticket = mend.http.post("/v1/tickets", json={"title": title}).json()
    mend.await_end(ticket["id"])
    address = f"{url}/tickets/{ticket['id']}"
    quick, slow = open_page(f"{url}/approvals"), open_page(f"{url}/approvals")
    slow.route(re.compile("/v1/negotiate$"), lambda route: route.abort())
    for page in (quick, slow):
        page.goto(address)
        page.wait_for_selector("main h1")
        settle(page)
    quick.locator("[data-live=live]").wait_for()
    slow.locator("[data-live=polling]").wait_for()
    version = mend.ticket(ticket["id"])["version"]
    mend.http.patch(
        f"/v1/tickets/{ticket['id']}",
        json={"assignee": "grace"},
        headers={"If-Match": f'"{version}"'},
    ).raise_for_status()
    expect(quick.get_by_text("grace").first).to_be_visible(timeout=2_500)
    # A ticket that is over is asked about every half a minute; the list every few seconds.
    slow.goto(f"{url}/tickets?q=grace")
    expect(slow.locator("[data-id]")).to_have_count(1)


def test_a_paused_page_rests(url: str, mend: Mend, open_page: Opener) -> None:
    """Until somebody lets it go on, nothing is asked."""
    assert mend.tickets()
    page = open_page(f"{url}/tickets")
    settle(page)
    page.locator("[data-live]").click()
    page.get_by_role("button", name="Pause updates").click()
    page.locator("[data-live=paused]").wait_for()
    settle(page)
    asked: list[str] = []
    page.on(
        "request", lambda request: asked.append(request.url) if "/api/" in request.url else None
    )
    page.wait_for_timeout(6_500)
    assert asked == []
    page.get_by_role("button", name="Go on").click()
    page.locator("[data-live=live]").wait_for()
    assert asked != []


def test_a_decision_reaches_the_other_queue(
    url: str, asking: Mend, scene: Scene, complaints: Complaints, open_page: Opener
) -> None:
    """Within two seconds by push, within seven where nothing can be pushed."""
    complaints.expected.append("negotiate")
    asked = question(asking, scene, "in_two_queues")
    pushed, polled = open_page(f"{url}/approvals"), open_page(url)
    polled.route(re.compile("/v1/negotiate$"), lambda route: route.abort())
    polled.goto(f"{url}/approvals")
    row = f"[data-approval='{asked['id']}']"
    pushed.locator(row).wait_for()
    pushed.locator("[data-live=live]").wait_for()
    polled.locator(row).wait_for()
    polled.locator("[data-live=polling]").wait_for()
    no = {"decision": "reject", "reason": "not now", "plan_hash": asked["plan_hash"]}
    asking.http.post(f"/v1/approvals/{asked['id']}/decision", json=no).raise_for_status()
    began = time.monotonic()
    pushed.locator(row).wait_for(state="detached", timeout=2_000)
    polled.locator(row).wait_for(state="detached", timeout=7_000)
    assert time.monotonic() - began < 7


_HIDE = """hidden => {
  Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});
  const state = hidden ? 'hidden' : 'visible';
  Object.defineProperty(document, 'visibilityState', {configurable: true, get: () => state});
  document.dispatchEvent(new Event('visibilitychange', {bubbles: true}));
}"""


@pytest.mark.parametrize("pushes", [True, False], ids=["live", "polling"])
def test_a_hidden_page_asks_nothing(
    url: str, mend: Mend, complaints: Complaints, open_page: Opener, *, pushes: bool
) -> None:
    """For minutes, whatever happens meanwhile; who comes back sees it after one refresh."""
    complaints.expected.append("negotiate")
    page = open_page("about:blank", blank=True)
    page.clock.install()
    if not pushes:
        page.route(re.compile("/v1/negotiate$"), lambda route: route.abort())
    page.goto(f"{url}/tickets")
    page.locator(f"[data-live={'live' if pushes else 'polling'}]").wait_for()
    settle(page)
    rows = page.locator("[data-id]").count()
    page.evaluate(_HIDE, True)
    page.clock.run_for(1_000)
    asked = asked_for(page)
    title = f"while nobody looked, {'live' if pushes else 'polling'}"
    mend.await_end(mend.http.post("/v1/tickets", json={"title": title}).json()["id"])
    for _ in range(12):
        page.clock.run_for(15_000)
    assert asked == []
    page.evaluate(_HIDE, False)
    until(page, "document.querySelector('main').textContent.includes('1 new ticket')")
    settle(page)
    # Each question once.
    lists = [one for one in asked if "/api/v1/tickets?" in one]
    assert len(lists) == 1, asked
    assert page.locator("[data-id]").count() == rows


@pytest.fixture(scope="module")
def fresh_url(built: Path, scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield a host to which nothing has happened yet."""
    assert built.is_dir()
    data = tmp_path_factory.mktemp("fresh") / "data"
    with HostProcess(data, scene.settings()) as host:
        yield host.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_visit_says_what_to_do_next(
    fresh_url: str, open_page: Opener, scheme: str
) -> None:
    """Three steps, each a link to where it is done; no page is empty without a reason."""
    page = open_page(f"{fresh_url}/", color_scheme=scheme)
    steps = page.get_by_role("region", name="Nothing has failed yet").get_by_role("listitem")
    expect(steps).to_have_count(3)
    expect(steps.first.get_by_role("link")).to_have_attribute("href", "/settings?tab=connections")
    expect(steps.last.get_by_role("link")).to_have_attribute("href", "/tickets/new")
    empty = {
        "/": "That is good news.",
        "/tickets": "Open one by hand",
        "/approvals": "it is asked for here",
        "/approvals?tab=history": "Nothing was decided yet",
        "/metrics": "Choose a longer range",
        "/signatures": "its signature is counted here",
        "/intake": "Everything that arrived was understood",
        "/settings?tab=history": "Whoever changes it stands here",
    }
    wrong: dict[str, list[str]] = {}
    for path, says in empty.items():
        page.goto(f"{fresh_url}{path}")
        expect(page.locator("main")).to_contain_text(says)
        settle(page)
        if found := violations(page):
            wrong[path] = found
    assert wrong == {}
