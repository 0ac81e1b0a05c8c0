"""Signing in to the dashboard: in, out, renewed and refused, and what a role may not do."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Request, expect

from demo.processes import HostProcess
from demo.signing_in import CLIENT_ID, TENANT, Reception
from simulators.adf.scenarios import SCENARIOS
from simulators.client import AdfSimulator, IdentitySimulator
from tests.browser.conftest import Complaints, Opener
from tests.browser.support import settle, until, violations
from tests.browser.test_many import MOST_JS
from tests.support.mend import brisk, web_activity
from tests.support.simulators import wait_until

PEOPLE = {"Vera": "Viewer", "Otto": "Operator", "Anna": "Approver", "Adam": "Admin", "Nora": ""}
TWO_HOURS = 2 * 3600 * 1000
_JWT = re.compile(r"eyJ[\w-]{10,}\.[\w-]+\.")


@dataclass(frozen=True)
class Place:
    """A host where people sign in, and what it has to do with."""

    url: str
    reception: Reception
    adf: AdfSimulator

    @property
    def identity(self) -> IdentitySimulator:
        """The provider."""
        return self.reception.identity

    def question(self, name: str) -> str:
        """Let a pipeline fail about which Mend asks a person; return the ticket."""
        run = self.adf.seed_scenario(SCENARIOS["sql_transient"], pipeline=name)
        viewer = self.reception.as_viewer()
        with httpx.Client(
            base_url=f"{self.url}/api/v1", headers=viewer, trust_env=False, timeout=30
        ) as http:
            sent = http.post(
                "/tickets/webhook/adf",
                json=web_activity(run),
                headers=self.reception.as_sender(),
            )
            ticket = str(sent.json()["tickets"][0]["ticket_id"])
            wait_until(
                lambda: http.get(f"/tickets/{ticket}").json()["status"] == "awaiting_approval",
                seconds=30,
            )
        return ticket

    def redeemed(self, grant: str) -> int:
        """Return how often tokens were given for a code, or for a refresh token."""
        calls = self.identity.ledger("redeem")
        return sum(f"grant_type={grant}" in str(one.body) for one in calls if one.effect)


@pytest.fixture(scope="module")
def hosted(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Yield a host whose API demands tokens, and whose pages know where to get them."""
    folder = tmp_path_factory.mktemp("sign-in")
    with (
        AdfSimulator.start() as adf,
        Reception.open(folder, "http://127.0.0.1") as reception,
    ):
        reception.furnish(built)
        settings = brisk(adf.url, **reception.settings(), MEND_MODE="hil")
        with HostProcess(folder / "data", settings, site=reception.site) as host:
            yield Place(host.url, reception, adf)


@pytest.fixture
def place(hosted: Place) -> Iterator[Place]:
    """Yield the host, with everybody in the directory in their role."""
    for name, role in PEOPLE.items():
        hosted.identity.invite(name, *([f"Mend.{role}"] if role else []))
    hosted.identity.register(TENANT, CLIENT_ID, [f"{hosted.url}/sign-in"])
    yield hosted
    hosted.identity.clear_faults()


Enter = Callable[..., Page]


@pytest.fixture
def enter(place: Place, open_page: Opener) -> Enter:
    """Return a function that signs somebody in at a page."""

    def entered(name: str, path: str = "/", *, controlled: bool = False) -> Page:
        page = open_page(place.url)
        if controlled:
            page.context.clock.install()
        page.goto(f"{place.url}{path}")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name=name, exact=True).click()
        page.wait_for_url(f"{place.url}{path}")
        page.wait_for_selector("main h1")
        if PEOPLE[name]:
            settle(page)
        return page

    return entered


def kept(page: Page) -> list[str]:
    """Return what of ours is in the tab's memory."""
    names: list[str] = page.evaluate("Object.keys(sessionStorage)")
    return [name for name in names if name.startswith(("mend", "oidc"))]


def test_whoever_signs_in_lands_where_they_wanted_to_go(place: Place, open_page: Opener) -> None:
    """And is known by name; nothing was asked of the API before, everything after with a token."""
    wanted = f"{place.url}/tickets?status=escalated&sort=created_at#here"
    page = open_page(wanted)
    calls: list[Request] = []
    page.on("request", lambda one: calls.append(one) if "/api/v1/" in one.url else None)
    expect(page.locator("main h1")).to_have_text("Sign in")
    assert violations(page) == []
    assert calls == []

    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_have_text("Simulated sign-in")
    page.get_by_role("link", name="Vera", exact=True).click()
    page.wait_for_url(wanted)
    expect(page.locator("main h1")).to_have_text("Tickets")
    settle(page)

    person = page.locator("[data-person]")
    person.locator("summary").click()
    expect(person).to_contain_text("Vera")
    expect(person).to_contain_text("viewer")
    assert violations(page) == []
    paths = {one.url.partition("/api/v1/")[2].partition("?")[0] for one in calls}
    assert {"me", "tickets", "negotiate"} <= paths
    assert all(one.headers.get("authorization", "").startswith("Bearer ey") for one in calls)
    page.wait_for_selector("[data-live='live']")


def test_a_reload_and_a_new_tab_stay_signed_in(place: Place, enter: Enter) -> None:
    """The tab has its tokens; another one gets its own, without a question."""
    page = enter("Vera", "/audit")
    before = place.redeemed("authorization_code")
    page.reload()
    expect(page.locator("main h1")).to_have_text("Audit")
    assert place.redeemed("authorization_code") == before
    other = page.context.new_page()
    other.goto(f"{place.url}/metrics")
    other.wait_for_selector("[data-person='Vera']")
    assert other.url == f"{place.url}/metrics"
    assert place.redeemed("authorization_code") == before + 1


def test_no_token_is_where_others_see_it(place: Place, open_page: Opener) -> None:
    """Not in an address, the console, the history, localStorage or a cookie."""
    page = open_page(place.url)
    seen: list[str] = []
    page.on("request", lambda one: seen.append(one.url))
    page.on("console", lambda message: seen.append(message.text))
    page.on("framenavigated", lambda frame: seen.append(frame.url))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Vera", exact=True).click()
    page.wait_for_selector("[data-person]")
    settle(page)
    seen += page.evaluate("[JSON.stringify(localStorage), document.cookie, location.href]")
    tokens = json.loads(page.evaluate("sessionStorage.getItem('mend.tokens')"))
    page.locator("[data-person] summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("main h1")).to_have_text("Signed out")

    assert len(seen) > 10
    told = "\n".join(seen)
    sent = [one.partition("#")[0] for one in seen if one.startswith(place.url)]
    assert not [one for one in sent if "code=" in one]  # the host, and its log, never see it
    assert not _JWT.search(told)
    assert tokens["refresh_token"] not in told
    assert "code=" not in page.evaluate("location.href")
    assert kept(page) == []


@pytest.mark.parametrize(
    "wanted", ["//elsewhere.example/tickets", "/.//elsewhere.example", "/sign-in?x=1"]
)
def test_nobody_is_led_elsewhere(place: Place, open_page: Opener, wanted: str) -> None:
    """Whatever the address was that they came with."""
    page = open_page(place.url)
    page.evaluate(f"history.replaceState(null, '', location.origin + {json.dumps(wanted)})")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Vera", exact=True).click()
    page.wait_for_selector("[data-person]")
    assert page.url == f"{place.url}/"


def test_a_code_of_nobody_is_no_way_in(place: Place, open_page: Opener) -> None:
    """An answer that was not asked for is thrown away, and its code with it."""
    before = len(place.identity.ledger("redeem"))
    page = open_page(f"{place.url}/sign-in#code=made-up&state=made-up")
    expect(page.locator("main h1")).to_have_text("Signed out")
    expect(page.get_by_role("status")).to_contain_text("Signing in did not work")
    assert page.url == f"{place.url}/"
    assert len(place.identity.ledger("redeem")) == before


def test_who_may_not_decide_sees_why(place: Place, enter: Enter) -> None:
    """A viewer: everything is there, switched off, with the role that it takes."""
    place.question("of_a_viewer")
    page = enter("Vera", "/approvals")
    card = page.get_by_role("article", name="of_a_viewer")

    for name in ("Approve", "Reject", "Hand on"):
        expect(card.get_by_role("button", name=name)).to_be_disabled()
    expect(card).to_contain_text("This needs the role approver; yours: viewer.")
    assert card.get_by_role("checkbox").is_disabled()
    page.locator("main h1").focus()
    page.keyboard.press("a")
    assert page.locator("dialog[open]").count() == 0
    assert violations(page) == []
    for path in ("/tickets/new", "/tickets/upload"):
        page.goto(f"{place.url}{path}")
        expect(page.locator("main")).to_contain_text("This needs the role operator; yours: viewer.")
        assert violations(page) == []
    page.goto(f"{place.url}/settings")
    settle(page)
    enabled = page.locator("main :is(button, input, select):not(:disabled)")
    texts = [one.inner_text() for one in enabled.all()]
    assert not [text for text in texts if "…" in text or "change" in text.lower()], texts
    assert violations(page) == []


def test_an_operator_may_stop_and_not_let_go_on(place: Place, enter: Enter) -> None:
    """Each part of a page by the role that it takes."""
    page = enter("Otto", "/settings")
    expect(page.get_by_role("button", name="Stop everything")).to_be_enabled()
    expect(page.get_by_role("button", name="Switch to Auto")).to_be_disabled()
    expect(page.locator("main")).to_contain_text("This needs the role admin; yours: operator.")
    page.goto(f"{place.url}/tickets/new")
    expect(page.get_by_role("button", name="Open ticket")).to_be_enabled()


def test_an_approver_decides(place: Place, enter: Enter) -> None:
    """By the page, and by the name the provider says."""
    ticket = place.question("of_an_approver")
    page = enter("Anna", "/approvals")
    card = page.get_by_role("article", name="of_an_approver")
    card.get_by_label("Reason").fill("looks right")
    card.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Approved:")).to_be_visible()
    page.goto(f"{place.url}/tickets/{ticket}?tab=activity&view=all")
    expect(page.locator("main").get_by_text("Anna").first).to_be_visible()


def test_a_role_that_is_missing_is_named(place: Place, enter: Enter) -> None:
    """Nobody is left before an empty page; a role given meanwhile is found by looking again."""
    page = enter("Nora")
    expect(page.locator("main h1")).to_have_text("You have no role in Mend")
    expect(page.locator("main")).to_contain_text("Nora")
    expect(page.locator("main")).to_contain_text("Mend.Viewer")
    assert violations(page) == []
    place.identity.invite("Nora", "Mend.Viewer")
    page.get_by_role("button", name="Look again").click()
    page.wait_for_selector("[data-person='Nora']")


def test_a_token_that_ends_is_renewed_in_time(place: Place, enter: Enter) -> None:
    """Once for all who ask at the same time, and nobody sees anything of it."""
    page = enter("Vera", "/tickets", controlled=True)
    before = place.redeemed("refresh_token")
    page.context.clock.fast_forward(TWO_HOURS)
    page.get_by_role("link", name="Audit").first.click()
    settle(page)
    wait_until(lambda: place.redeemed("refresh_token") > before)
    page.wait_for_timeout(300)
    assert place.redeemed("refresh_token") == before + 1
    assert page.locator("dialog[open]").count() == 0


def test_a_role_taken_away_is_seen_after_the_renewal(place: Place, enter: Enter) -> None:
    """The page offers what the new token allows, and no more."""
    place.question("of_before")
    page = enter("Anna", "/approvals", controlled=True)
    card = page.get_by_role("article", name="of_before")
    expect(card.get_by_role("button", name="Approve")).to_be_enabled()
    place.identity.invite("Anna", "Mend.Viewer")
    page.context.clock.fast_forward(TWO_HOURS)
    # Where changes are pushed nothing is asked until somebody does something.
    page.get_by_role("link", name="Audit").first.click()
    settle(page)
    page.get_by_role("link", name="Approvals").first.click()
    expect(card).to_contain_text("This needs the role approver; yours: viewer.")
    expect(card.get_by_role("button", name="Approve")).to_be_disabled()


def test_a_token_that_is_refused_is_renewed_once(
    place: Place, enter: Enter, complaints: Complaints
) -> None:
    """The call is made again with the new one; what the person wanted happens."""
    complaints.expected.append("401")
    page = enter("Vera", "/tickets")
    before = place.redeemed("refresh_token")
    page.evaluate(
        "sessionStorage['mend.tokens'] = JSON.stringify({...JSON.parse("
        "sessionStorage['mend.tokens']), access_token: 'not.a.token'})"
    )
    page.reload()
    page.wait_for_selector("[data-person='Vera']")
    settle(page)
    assert place.redeemed("refresh_token") == before + 1
    assert len(complaints.heard) == 1


def test_what_was_typed_survives_the_end_of_a_sign_in(
    place: Place, enter: Enter, complaints: Complaints
) -> None:
    """A calm page over it, a window beside it, and the work goes on."""
    complaints.expected.append("/oauth2/v2.0/token")
    place.question("typed")
    page = enter("Anna", "/approvals", controlled=True)
    card = page.get_by_role("article", name="typed")
    card.get_by_label("Reason").fill("a long thought")
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "/api/v1/" in one.url else None)

    place.identity.revoke("Anna")
    page.context.clock.fast_forward(TWO_HOURS)
    over = page.get_by_role("dialog", name="Signed out")
    over.wait_for()
    expect(over).to_contain_text("Your sign-in has ended.")
    assert violations(page) == []
    page.keyboard.press("Escape")
    assert over.is_visible()
    asked.clear()
    page.wait_for_timeout(500)
    page.context.clock.fast_forward(60_000)
    assert asked == []

    with page.context.expect_page() as opened:
        over.get_by_role("button", name="Sign in again").click()
    over.wait_for(state="detached")
    wait_until(opened.value.is_closed)
    assert card.get_by_label("Reason").input_value() == "a long thought"
    card.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Approved:")).to_be_visible()


def test_while_the_provider_is_away_work_goes_on(
    place: Place, enter: Enter, complaints: Complaints
) -> None:
    """As long as the API still takes the token; nobody is signed out by an outage elsewhere."""
    complaints.expected.append("/oauth2/v2.0/token")
    page = enter("Vera", "/tickets", controlled=True)
    place.identity.fault("redeem", "refuse_503", times=50)
    page.context.clock.fast_forward(TWO_HOURS)
    page.get_by_role("link", name="Audit").first.click()
    expect(page.locator("main h1")).to_have_text("Audit")
    settle(page)
    assert page.locator("[role=alert]:has-text('Sign')").count() == 0
    assert page.locator("dialog[open]").count() == 0


def test_signing_out_ends_it_in_every_tab(place: Place, enter: Enter) -> None:
    """Here, beside, and at the provider, who asks for a name again."""
    page = enter("Vera")
    other = page.context.new_page()
    other.goto(f"{place.url}/tickets")
    other.wait_for_selector("[data-person]")
    page.locator("[data-person] summary").click()
    page.get_by_role("button", name="Sign out").click()

    expect(page.locator("main h1")).to_have_text("Signed out")
    expect(page.get_by_role("status")).to_contain_text("You are signed out.")
    assert violations(page) == []
    expect(other.locator("main h1")).to_have_text("Signed out")
    assert kept(other) == kept(page) == []
    assert place.identity.ledger("endSession")
    page.get_by_role("button", name="Sign in again").click()
    expect(page.locator("h1")).to_have_text("Simulated sign-in")


def test_somebody_else_does_not_go_on_where_one_has_left(
    place: Place, enter: Enter, complaints: Complaints
) -> None:
    """What was typed belongs to who typed it."""
    complaints.expected.append("/oauth2/v2.0/token")
    page = enter("Otto", "/tickets/new", controlled=True)
    page.get_by_label("Environment").fill("prod")
    page.evaluate("window.typed = true")
    place.identity.revoke("Otto")
    page.context.clock.fast_forward(TWO_HOURS)
    over = page.get_by_role("dialog", name="Signed out")
    over.wait_for()
    page.context.clear_cookies()
    with page.context.expect_page() as opened:
        over.get_by_role("button", name="Sign in again").click()
    opened.value.get_by_role("link", name="Adam", exact=True).click()
    page.wait_for_selector("[data-person='Adam']")
    assert page.evaluate("window.typed") is None
    assert page.get_by_label("Environment").input_value() == ""


def test_on_a_phone(place: Place, open_page: Opener) -> None:
    """320 pixels: nothing scrolls sideways, before and after."""
    page = open_page(place.url, viewport={"width": 320, "height": 640})
    wide = "document.documentElement.scrollWidth"
    assert page.evaluate(wide) <= 320
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Vera", exact=True).click()
    page.wait_for_selector("[data-person]")
    settle(page)
    page.locator("[data-person] summary").click()
    assert page.evaluate(wide) <= 320
    assert violations(page) == []


def test_whoever_is_signed_in_loads_no_library(
    place: Place, enter: Enter, record_property: Callable[..., None]
) -> None:
    """It comes when it is needed, or a moment later; the first load is as small as ever."""
    page = enter("Vera")
    page.reload()
    page.wait_for_selector("[data-person]")
    settle(page)
    found: list[dict[str, Any]] = page.evaluate(
        "performance.getEntriesByType('resource').filter(one => one.name.endsWith('.js'))"
        ".map(one => ({name: one.name, size: one.encodedBodySize, at: one.startTime}))"
    )
    first = [one for one in found if one["at"] < 1_000]
    size = sum(one["size"] for one in first)
    record_property("figures", f"{size} B")
    assert not [one for one in first if "provider" in one["name"]]
    assert 0 < size <= MOST_JS, size
    until(page, "performance.getEntriesByType('resource').some(one => /provider/.test(one.name))")
    assert place.url in found[0]["name"]


def test_where_nobody_signs_in_nothing_of_it_is_loaded(
    built: Path, open_page: Opener, tmp_path: Path
) -> None:
    """Not the library, not the person, not a call."""
    loaded: list[str] = []
    assert built.is_dir()
    with HostProcess(tmp_path / "data", {}) as host:
        page = open_page(host.url)
        settle(page)
        loaded = page.evaluate("performance.getEntriesByType('resource').map(one => one.name)")
        page.context.close()
    names: list[Any] = [one for one in loaded if re.search(r"gate|provider|person|v1/me", one)]
    assert len(loaded) > 5
    assert names == []
