"""What people change: approvals, settings, CSV files, dead letters."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from demo.stories import Scene
from simulators.adf.scenarios import SCENARIOS
from tests.browser.conftest import Complaints, Opener
from tests.browser.support import settle, violations
from tests.support.mend import Mend


@pytest.fixture
def asking(mend: Mend) -> Mend:
    """Return the API in HIL mode."""
    mend.put("execution-mode", {"mode": "hil"})
    return mend


def question(mend: Mend, scene: Scene, name: str) -> dict[str, Any]:
    """Let a pipeline fail and return what is asked about it."""
    run = scene.adf.seed_scenario(SCENARIOS["sql_transient"], pipeline=name)
    ticket = mend.await_ticket(mend.report(run), lambda one: one["status"] == "awaiting_approval")
    return dict(mend.http.get(f"/v1/approvals/{ticket['approval']['id']}").json())


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


def test_mode_and_threshold(url: str, mend: Mend, open_page: Opener) -> None:
    """To Auto only after typing it, with what it means; thresholds stay between 0 and 1."""
    page = open_page(f"{url}/settings")
    page.get_by_role("button", name="Switch to HIL").click()
    page.get_by_role("dialog").get_by_role("button", name="Switch to HIL").click()
    page.get_by_role("button", name="Switch to Auto").click()
    dialog = page.get_by_role("dialog", name="Let Mend act alone?")
    expect(dialog).to_contain_text("wait for approval now")
    confirm = dialog.get_by_role("button", name="Switch to Auto")
    assert confirm.is_disabled()
    dialog.get_by_label(re.compile("to confirm")).fill("Auto")
    confirm.click()
    page.get_by_role("button", name="Switch to HIL").wait_for()
    assert mend.http.get("/v1/settings/execution-mode").json()["mode"] == "auto"
    number = page.get_by_label("Confidence threshold, as a number")
    number.fill("7")
    assert number.input_value() == "1"
    number.fill("0.85")
    page.locator("form", has=number).get_by_role("button", name="Look at the change").click()
    expect(page.get_by_role("dialog")).to_contain_text("0.85")
    expect(page.get_by_role("dialog")).to_contain_text("would be another one")
    page.get_by_role("dialog").get_by_role("button", name="Change").click()
    page.locator("dialog[open]").wait_for(state="detached")
    assert mend.http.get("/v1/settings/execution-mode").json()["confidence_threshold"] == 0.85
    page.goto(f"{url}/audit?subject=settings%2Fexecution-mode")
    expect(page.locator("tbody tr").last).to_contain_text("settings.changed")


def test_the_kill_switch(url: str, mend: Mend, open_page: Opener) -> None:
    """Asked about twice, with a reason, and seen on every page."""
    page = open_page(f"{url}/settings")
    page.get_by_role("button", name="Stop everything").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("somebody is moving the warehouse")
    dialog.get_by_label(re.compile("to confirm")).fill("stop")
    dialog.get_by_role("button", name="Turn the kill switch on").click()
    expect(page.get_by_text("Kill switch is on:")).to_be_visible()
    switch = mend.http.get("/v1/settings/kill-switch").json()
    assert (switch["on"], switch["reason"]) == (True, "somebody is moving the warehouse")
    page.goto(f"{url}/tickets/new")
    expect(page.get_by_text("somebody is moving the warehouse")).to_be_visible()
    mend.put("kill-switch", {"on": False, "reason": ""})


def test_limits_are_compared_before_they_are_saved(url: str, mend: Mend, open_page: Opener) -> None:
    """What it is and what it will be; the rest of the policy stays."""
    page = open_page(f"{url}/settings")
    page.get_by_label("Attempts per hour, all together").fill("1234")
    form = page.locator("form", has=page.get_by_label("Attempts per hour, all together"))
    form.get_by_role("button", name="Look at the change").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("del")).to_have_text("2000")
    expect(dialog.locator("ins")).to_have_text("1234")
    dialog.get_by_role("button", name="Save").click()
    page.locator("dialog[open]").wait_for(state="detached")
    page.get_by_label("Pipeline or job").fill("load_orders")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.locator("dialog[open]").wait_for(state="detached")
    policy = mend.http.get("/v1/settings/policy").json()
    assert policy["attempts_per_hour"] == 1234
    assert policy["rerun_safety"] == {"load_orders": "idempotent"}
    mend.put("policy", {"attempts_per_hour": 2000, "rerun_safety": {}})


def test_narrow_stops_and_freezes(url: str, mend: Mend, open_page: Opener) -> None:
    """One pipeline is stopped and let go; a freeze is declared and taken away."""
    page = open_page(f"{url}/settings")
    page.get_by_label("Its name").fill("load_orders")
    page.get_by_role("button", name="Stop …").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("its source is being moved")
    dialog.get_by_role("button", name="Turn the kill switch on").click()
    expect(page.get_by_text("Stopped: target:load_orders")).to_be_visible()
    page.get_by_role("button", name="Turn target:load_orders off").click()
    dialog.get_by_label("Reason").fill("it has been moved")
    dialog.get_by_role("button", name="Turn it off").click()
    expect(page.get_by_text("Stopped: target:load_orders")).to_be_hidden()
    page.get_by_text("Add one").click()
    page.get_by_label("Called").fill("year end")
    page.get_by_label("From").fill("2026-12-30T00:00")
    page.get_by_label("Until").fill("2027-01-02T00:00")
    page.get_by_label("Environments").fill("prod")
    form = page.locator("form", has=page.get_by_label("Called"))
    form.get_by_role("button", name="Look at the change").click()
    dialog.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Remove year end").wait_for()
    freezes = mend.http.get("/v1/settings/policy").json()["freezes"]
    assert [(one["name"], one["environments"]) for one in freezes] == [("year end", ["prod"])]
    settle(page)
    assert violations(page) == []
    page.get_by_role("button", name="Remove year end").click()
    dialog.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Remove year end").wait_for(state="detached")


def test_a_spreadsheet(url: str, mend: Mend, open_page: Opener, tmp_path: Path) -> None:
    """Seen before it is sent; a result per line; what looks like a formula stays text."""
    rows = [f'"Late, {number}";low;sales' for number in range(9)]
    text = "\ufefftitle;severity;service\r\n" + "\r\n".join([*rows, "bad;awful;sales"]) + "\r\n"
    file = tmp_path / "late.csv"
    file.write_bytes((text + "=cmd();low;sales\r\n").encode())
    page = open_page(f"{url}/tickets/upload")
    page.get_by_label("CSV file").set_input_files(file)
    expect(page.get_by_role("region", name="Preview").locator("tbody tr")).to_have_count(11)
    expect(page.get_by_text("severity awful is none of")).to_be_visible()
    settle(page)
    assert violations(page) == []
    assert not mend.tickets(q="late", source="csv")
    page.get_by_role("button", name="Send 11 rows").click()
    result = page.get_by_role("region", name="Result per line")
    expect(result.locator("tbody tr")).to_have_count(11)
    expect(result.locator("tr", has_text="severity:")).to_contain_text("11")
    with page.expect_download() as download:
        page.get_by_role("button", name="errors.csv").click()
    assert "severity" in Path(download.value.path()).read_text()
    assert len(mend.tickets(source="csv")) == 10
    assert mend.tickets(source="csv", q="cmd")[0]["title"] == "=cmd()"


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
