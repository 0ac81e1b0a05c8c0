"""What people decide: approvals, one and several; and dead letters."""

import json
import re
from typing import Any

from playwright.sync_api import Page, Route, expect

from demo.stories import Scene
from simulators.adf.scenarios import SCENARIOS
from tests.browser.conftest import Complaints, Opener
from tests.browser.support import question, settle, violations
from tests.support.mend import Mend


def card(page: Page, asked: dict[str, Any]) -> Any:
    """Return the card of a question."""
    return page.locator(f"[data-approval='{asked['id']}']")


def test_approve_and_reject(url: str, asking: Mend, scene: Scene, open_page: Opener) -> None:
    """Evidence and plan are there; a row leaves at once; to reject one says why."""
    yes, no = question(asking, scene, "ask_yes"), question(asking, scene, "ask_no")
    page = open_page(f"{url}/approvals")
    expect(card(page, yes)).to_contain_text(yes["root_cause"])
    expect(card(page, yes)).to_contain_text(yes["plan_hash"][:12])
    settle(page)
    assert violations(page) == []
    card(page, yes).get_by_role("button", name="Approve").click()
    expect(card(page, yes)).to_be_hidden(timeout=100)
    assert asking.await_end(yes["ticket_id"])["outcome"] == "healed"
    reject = card(page, no).get_by_role("button", name="Reject")
    reject.click()
    text = card(page, no).get_by_label("Reason")
    described = text.get_attribute("aria-describedby") or ""
    says = page.locator(",".join(f"[id='{one}']" for one in described.split()))
    expect(says.filter(has_text="at least 5")).to_have_count(1)
    text.fill("not tonight, the source is being moved")
    reject.click()
    expect(card(page, no)).to_be_hidden()
    assert asking.await_end(no["ticket_id"])["outcome"] == "rejected"
    page.get_by_role("link", name="History").click()
    row = page.locator("tr", has_text="not tonight")
    expect(row).to_contain_text("local user")


def test_what_fails_comes_back(
    url: str, asking: Mend, scene: Scene, complaints: Complaints, open_page: Opener
) -> None:
    """With what was typed; and a decision that was taken elsewhere is not taken twice."""
    complaints.expected.append("Failed to load resource")
    asked = question(asking, scene, "ask_again")
    page = open_page(f"{url}/approvals")
    page.route(re.compile("/decision$"), lambda route: route.fulfill(status=500, body="{}"))
    card(page, asked).get_by_label("Reason").fill("go on")
    card(page, asked).get_by_role("button", name="Approve").click()
    expect(card(page, asked).get_by_role("alert")).to_be_visible()
    assert card(page, asked).get_by_label("Reason").input_value() == "go on"
    page.unroute(re.compile("/decision$"))

    def stale(route: Route) -> None:
        body = {**(route.request.post_data_json or {}), "plan_hash": "0" * 64}
        route.continue_(post_data=json.dumps(body))

    page.route(re.compile("/decision$"), stale)
    card(page, asked).get_by_role("button", name="Approve").click()
    expect(card(page, asked)).to_contain_text("The plan has changed")
    assert asking.ticket(asked["ticket_id"])["status"] == "awaiting_approval"
    asking.http.post(f"/v1/tickets/{asked['ticket_id']}/cancel")


def test_several_at_once(url: str, asking: Mend, scene: Scene, open_page: Opener) -> None:
    """Two are decided, and the one that somebody took meanwhile is shown with its problem."""
    asked = [question(asking, scene, f"batch_{number}") for number in range(3)]
    page = open_page(f"{url}/approvals")
    for one in asked:
        card(page, one).get_by_role("checkbox").check()
    page.get_by_role("region", name="Selected approvals").get_by_role(
        "button", name="Approve"
    ).click()
    dialog = page.get_by_role("dialog")
    for number in range(3):
        expect(dialog).to_contain_text(f"batch_{number}")
    taken = {"decision": "reject", "reason": "taken elsewhere", "plan_hash": asked[1]["plan_hash"]}
    asking.http.post(f"/v1/approvals/{asked[1]['id']}/decision", json=taken).raise_for_status()
    dialog.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("alert").filter(has_text="batch_1")).to_be_visible()
    assert asking.await_end(asked[0]["ticket_id"])["outcome"] == "healed"
    assert asking.await_end(asked[1]["ticket_id"])["outcome"] == "rejected"
    assert asking.await_end(asked[2]["ticket_id"])["outcome"] == "healed"


def test_handing_on_and_keys(url: str, asking: Mend, scene: Scene, open_page: Opener) -> None:
    """The new name is shown; the key asks before anything is done."""
    asked = question(asking, scene, "hand_on")
    page = open_page(f"{url}/approvals")
    card(page, asked).get_by_role("button", name="Hand on").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("grace")
    page.get_by_role("dialog").get_by_role("button", name="Hand on").click()
    expect(card(page, asked)).to_contain_text("Handed on to grace")
    page.locator("main h1").focus()
    page.keyboard.press("a")
    dialog = page.get_by_role("dialog", name="Approve this?")
    expect(dialog).to_contain_text("hand_on")
    page.keyboard.press("Escape")
    assert asking.ticket(asked["ticket_id"])["status"] == "awaiting_approval"
    asking.http.post(f"/v1/tickets/{asked['ticket_id']}/cancel")


def test_a_person_asks_for_an_action_once(
    url: str, mend: Mend, scene: Scene, open_page: Opener
) -> None:
    """Target and action are named first; a double click is one request with one key."""
    run = scene.adf.seed_scenario(SCENARIOS["expired_secret"], pipeline="asked_for_by_hand")
    ticket = mend.await_end(mend.report(run))
    page = open_page(f"{url}/tickets/{ticket['id']}")
    sent: list[tuple[str, str]] = []
    page.on(
        "request",
        lambda one: (
            sent.append((one.method, one.headers.get("idempotency-key", "")))
            if one.url.endswith("/remediate")
            else None
        ),
    )
    page.get_by_role("button", name="Act on it").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("asked_for_by_hand")
    expect(dialog.get_by_label("Action")).to_have_value("rerun_from_failure")
    settle(page)
    assert violations(page) == []
    dialog.get_by_label("Reason").fill("the secret is new now")
    dialog.get_by_role("button", name="Ask for").dblclick()
    page.locator("dialog[open]").wait_for(state="detached")
    assert [method for method, _ in sent] == ["POST"]
    assert len(sent[0][1]) == 36
    told = " ".join(one["message"] for one in mend.events(ticket["id"]))
    assert "the secret is new now" in told


def test_a_dead_letter_is_looked_at_and_discarded(url: str, mend: Mend, open_page: Opener) -> None:
    """With its body, and with a reason."""
    mend.http.post("/v1/tickets/webhook/adf", content='{"nothing": "of use <b>here</b>"}')
    page = open_page(f"{url}/intake")
    letters = page.get_by_role("region", name="Dead letters")
    letters.get_by_role("button", name="Look").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("of use <b>here</b>")
    settle(page)
    assert violations(page) == []
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    letters.get_by_role("button", name="Discard").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    expect(page.get_by_text("No dead letters")).to_be_visible()
