"""The page behind a signed link: it asks, it never acts by itself, and its secret stays with it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Request, expect

from demo.stories import Scene
from tests.browser.conftest import Complaints, Opener
from tests.browser.support import link, question, violations
from tests.support.mend import Mend


def state(page: Page) -> str:
    """Return what the page says about the link."""
    page.locator("#state strong").filter(has_not_text="Reading").wait_for()
    return page.locator("#state").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_opened_read_and_decided(
    url: str, asking: Mend, scene: Scene, open_page: Opener, scheme: str
) -> None:
    """Opening it changes nothing, however often; a decision takes the typed characters."""
    asked = question(asking, scene, f"by_link_{scheme}")
    page = open_page(f"{url}{link(asked)}", color_scheme=scheme)
    for _ in range(3):
        page.goto("about:blank")
        page.goto(f"{url}{link(asked)}")
        expect(page.get_by_role("heading", level=1)).to_have_text(asked["title"])
    assert asking.ticket(asked["ticket_id"])["version"] == asked_version(asking, asked)
    assert asking.ticket(asked["ticket_id"])["status"] == "awaiting_approval"
    expect(page.locator("main")).to_contain_text(asked["root_cause"])
    expect(page.locator("main")).to_contain_text(f"Rerun from failure of {asked['target']}")
    assert violations(page) == []
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_role("alert")).to_have_text("Say in a few words why you reject it.")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("alert")).to_contain_text("last four characters")
    assert violations(page) == []
    page.get_by_label("Type the last four").fill("0000")
    assert asking.ticket(asked["ticket_id"])["status"] == "awaiting_approval"
    page.get_by_label("Type the last four").fill(asked["ticket_id"][-4:])
    page.get_by_role("button", name="Approve").click()
    assert "Approved by" in state(page)
    assert page.get_by_role("button", name="Approve").count() == 0
    assert violations(page) == []
    assert asking.await_end(asked["ticket_id"])["outcome"] == "healed"
    page.goto("about:blank")
    page.goto(f"{url}{link(asked)}")
    assert "Approved by" in state(page)


def asked_version(mend: Mend, asked: dict[str, object]) -> int:
    """Return the version of the ticket when it began to wait: nothing has changed it since."""
    events = mend.events(str(asked["ticket_id"]))
    requested = next(one["seq"] for one in events if one["type"] == "approval.requested")
    assert requested == events[-1]["seq"]
    return int(mend.ticket(str(asked["ticket_id"]))["version"])


def test_its_secret_is_sent_to_nobody_else(
    url: str, asking: Mend, scene: Scene, open_page: Opener
) -> None:
    """Not in the address after loading, in no address that is asked for, in no Referer."""
    asked = question(asking, scene, "by_link_quietly")
    path = link(asked)
    token = path.partition("#t=")[2]
    page = open_page("about:blank", blank=True)
    sent: list[Request] = []
    page.on("request", lambda one: sent.append(one))  # noqa: PLW0108 - it wants a function
    page.goto(f"{url}{path}")
    expect(page.get_by_role("heading", level=1)).to_have_text(asked["title"])
    assert page.evaluate("location.href") == f"{url}/api/approve"
    assert page.evaluate("history.length") <= 2
    assert {one.url for one in sent} == {f"{url}/api/approve", f"{url}/api/v1/approvals/by-token"}
    assert [one.all_headers()["referer"] for one in sent if "referer" in one.all_headers()] == []
    assert token in (sent[-1].post_data or "")
    page.reload()
    assert "This link is not complete" in state(page)
    asking.http.post(f"/v1/tickets/{asked['ticket_id']}/cancel")


@pytest.mark.parametrize("kind", ["expired", "tampered", "superseded", "unknown", "incomplete"])
def test_a_link_that_is_good_for_nothing(
    url: str,
    asking: Mend,
    scene: Scene,
    complaints: Complaints,
    open_page: Opener,
    kind: str,
) -> None:
    """Each has a page of its own that says what to do, and decides nothing."""
    complaints.expected += ["403", "404"]
    asked = question(asking, scene, f"by_link_{kind}")
    past = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    path, says = {
        "expired": (link(asked, expires_at=past), "This link has run out"),
        "tampered": (f"{link(asked)[:-1]}x", "This link is not good"),
        "superseded": (link(asked), "Not asked any more"),
        "unknown": (link(asked, id="APR-20260101-ABCDEF-9"), "Not asked any more"),
        "incomplete": ("/api/approve", "This link is not complete"),
    }[kind]
    if kind == "superseded":
        asking.http.post(f"/v1/tickets/{asked['ticket_id']}/cancel")
        asking.await_end(asked["ticket_id"])
    page = open_page(f"{url}{path}")
    assert says in state(page)
    assert page.get_by_role("button", name=re.compile("Approve|Reject")).count() == 0
    assert violations(page) == []
    if kind != "superseded":
        assert asking.ticket(asked["ticket_id"])["status"] == "awaiting_approval"
        asking.http.post(f"/v1/tickets/{asked['ticket_id']}/cancel")


def test_somebody_was_faster(
    url: str, asking: Mend, scene: Scene, complaints: Complaints, open_page: Opener
) -> None:
    """The page then shows who, and what they decided."""
    complaints.expected.append("409")
    asked = question(asking, scene, "by_link_late")
    page = open_page(f"{url}{link(asked)}")
    expect(page.get_by_role("heading", level=1)).to_have_text(asked["title"])
    no = {"decision": "reject", "reason": "not now", "plan_hash": asked["plan_hash"]}
    asking.http.post(f"/v1/approvals/{asked['id']}/decision", json=no).raise_for_status()
    page.get_by_label("Type the last four").fill(asked["ticket_id"][-4:])
    page.get_by_role("button", name="Approve").click()
    page.locator("#state[data-tone=err]").wait_for()
    assert "Rejected by local user" in state(page)
    assert asking.await_end(asked["ticket_id"])["outcome"] == "rejected"


def test_on_a_phone_nothing_scrolls_sideways(
    url: str, asking: Mend, scene: Scene, open_page: Opener
) -> None:
    """At 320 pixels."""
    asked = question(asking, scene, "by_link_on_a_phone_with_quite_a_long_name")
    page = open_page(f"{url}{link(asked)}", viewport={"width": 320, "height": 640})
    expect(page.get_by_role("heading", level=1)).to_have_text(asked["title"])
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    asking.http.post(f"/v1/tickets/{asked['ticket_id']}/cancel")
