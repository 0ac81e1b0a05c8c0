"""The dashboard in Debian's Chromium, against running hosts.

One host beside simulators, with the demo's failures in it; one with ten thousand tickets and
hostile texts. Every page a test opens must stay without a console error and without anything
its Content-Security-Policy had to stop.
"""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from demo import dashboard
from demo.processes import HostProcess
from demo.stories import STORIES, Scene
from tests.browser import seeds
from tests.browser.support import KEYS
from tests.support.mend import ENDED, Mend, Ticket

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FOUND = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), "")

_WATCH = """
window.__csp = [];
window.__shift = 0;
window.__long = [];
addEventListener('securitypolicyviolation', (event) => {
  window.__csp.push(`${event.violatedDirective}: ${event.blockedURI || event.sample}`);
});
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.__lcp = one.startTime;
}).observe({type: 'largest-contentful-paint', buffered: true});
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.__shift += one.value;
}).observe({type: 'layout-shift', buffered: true});
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.__long.push(Math.round(one.duration));
}).observe({type: 'longtask', buffered: true});
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip by name where there is no Chromium, with the command that installs it."""
    if _FOUND:
        return
    here = Path(__file__).parent
    reason = "Chromium is missing: apt-get install -y chromium (or set CHROMIUM to one)"
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="package")
def built() -> Path:
    """Return the built dashboard."""
    return dashboard.build(dashboard.Npm())


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Yield Chromium; it ends with this folder, and with it the event loop it needs."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_FOUND, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def scene() -> Iterator[Scene]:
    """Yield the simulated services."""
    with Scene.set_up() as found:
        yield found


@pytest.fixture(scope="package")
def url(built: Path, scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield a host with the demo's tickets, each of them over or waiting for a person."""
    assert built.is_dir()
    settings = {
        **scene.settings(),
        "MEND_POLL_SECONDS": "0.1",
        "MEND_BACKOFF_SECONDS": "0",
        "MEND_SIGNING_KEYS": KEYS,
    }
    data = tmp_path_factory.mktemp("dashboard") / "data"
    with HostProcess(data, settings) as host:
        with Mend(host.url) as mend:
            reported = [mend.post(story.happen(scene).alert, story.source) for story in STORIES]
            for answer in reported:
                # One of them waits for a person, and goes on waiting.
                mend.await_ticket(answer.json()["tickets"][0]["ticket_id"], _is_quiet, seconds=60)
        yield host.url


def _is_quiet(ticket: Ticket) -> bool:
    return ticket["status"] in {*ENDED, "awaiting_approval"}


@pytest.fixture(scope="package")
def crowded_url(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield a host with ten thousand tickets and the hostile ones."""
    assert built.is_dir()
    folder = tmp_path_factory.mktemp("crowded")
    # In a thread: where a browser is open, this one has an event loop already.
    filling = threading.Thread(target=seeds.fill, args=(folder / "mend.db",))
    filling.start()
    filling.join()
    with HostProcess(folder / "data", {"MEND_STORE": f"sqlite:///{folder / 'mend.db'}"}) as host:
        yield host.url


@pytest.fixture
def mend(url: str) -> Iterator[Mend]:
    """Yield the API, in Auto and with the kill switch off."""
    with Mend(url) as api:
        api.put("kill-switch", {"on": False, "reason": ""})
        api.put("execution-mode", {"mode": "auto", "confidence_threshold": 0.8})
        yield api


@pytest.fixture
def asking(mend: Mend) -> Mend:
    """Return the API in HIL mode."""
    mend.put("execution-mode", {"mode": "hil"})
    return mend


@dataclass
class Complaints:
    """What browsers complained about; ``expected`` are parts of texts that are fine."""

    expected: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    def note(self, message: ConsoleMessage) -> None:
        """Take down an error."""
        if message.type == "error":
            self.heard.append(f"{message.text} ({message.location.get('url', '')})")

    def left(self) -> list[str]:
        """Return what nobody expected."""
        return [one for one in self.heard if not any(part in one for part in self.expected)]


@pytest.fixture
def complaints() -> Complaints:
    """Return the list that must be empty in the end."""
    return Complaints()


Opener = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, complaints: Complaints) -> Iterator[Opener]:
    """Yield a function that opens a page in a profile of its own.

    Its keyword arguments are those of ``new_context``.
    """
    contexts: list[BrowserContext] = []

    def opened(address: str, *, blank: bool = False, **options: object) -> Page:
        given: dict[str, object] = {"viewport": {"width": 1280, "height": 900}, **options}
        context = browser.new_context(**given)  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(10_000)
        context.add_init_script(_WATCH)
        page = context.new_page()
        page.on("console", complaints.note)
        page.on("pageerror", lambda error: complaints.heard.append(f"uncaught: {error}"))
        page.on("dialog", lambda dialog: complaints.heard.append(f"dialog: {dialog.message}"))
        page.goto(address)
        if not blank:
            page.wait_for_selector("main h1")
        return page

    yield opened
    stopped: list[str] = []
    for context in contexts:
        for page in context.pages:
            stopped += page.evaluate("window.__csp ?? []")
        context.close()
    assert stopped == []
    assert complaints.left() == []
