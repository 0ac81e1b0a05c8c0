"""The list and the ticket: addresses, live changes, evidence, edits, conflicts."""

import json
import re

from playwright.sync_api import Page, Route, expect

from demo.stories import Scene
from simulators.adf.scenarios import SCENARIOS
from tests.browser.conftest import Complaints, Opener
from tests.browser.support import settle, until
from tests.support.mend import Mend


def ids(page: Page) -> list[str]:
    """Return the tickets of the list, from top to bottom."""
    found: list[str] = page.eval_on_selector_all("[data-id]", "all => all.map(e => e.dataset.id)")
    return found


def test_everything_about_the_list_is_in_its_address(
    url: str, mend: Mend, open_page: Opener
) -> None:
    """Filters, words and order survive a reload and the way back."""
    page = open_page(f"{url}/tickets")
    settle(page)
    everything = len(ids(page))
    page.locator("summary", has_text="Status").click()
    page.get_by_role("checkbox", name=re.compile("Escalated")).check()
    page.wait_for_url("**/tickets?status=escalated")
    page.keyboard.press("Escape")
    page.get_by_label("Sort by").select_option("created_at")
    page.get_by_label("Search tickets").fill("load")
    page.wait_for_url("**q=load**")
    settle(page)
    shown = ids(page)
    expected = mend.tickets(status="escalated", q="load", sort="created_at")
    assert shown == [one["id"] for one in expected] != []
    expect(page.locator("main")).to_contain_text(f"{len(shown)} ticket")
    page.reload()
    page.wait_for_selector("[data-id]")
    settle(page)
    assert ids(page) == shown
    assert page.get_by_label("Sort by").input_value() == "created_at"
    assert page.get_by_label("Search tickets").input_value() == "load"
    page.go_back()
    page.go_back()
    expect(page.locator("[data-id]")).to_have_count(everything)
    page.go_forward()
    expect(page).to_have_url(re.compile("status=escalated"))
    page.get_by_role("button", name="Cards").click()
    settle(page)
    assert ids(page) == [one["id"] for one in mend.tickets(status="escalated")]
    page.get_by_role("button", name="Clear filters").first.click()
    expect(page.locator("[data-id]")).to_have_count(everything)


def test_what_finds_nothing_says_why(url: str, mend: Mend, open_page: Opener) -> None:
    """The filter is named, and there is a way out."""
    assert mend.tickets()
    page = open_page(f"{url}/tickets?status=monitoring&q=nothingofthatname")
    empty = page.get_by_text("No ticket matches")
    expect(empty).to_be_visible()
    expect(page.get_by_text("Active: Status, Q.")).to_be_visible()
    page.get_by_role("button", name="Clear filters").last.click()
    expect(page.locator("[data-id]").first).to_be_visible()


def test_new_tickets_wait_to_be_shown(url: str, mend: Mend, open_page: Opener) -> None:
    """Nothing moves under the cursor, a selection stays, and a screen reader hears of it."""
    page = open_page(f"{url}/tickets")
    settle(page)
    before = ids(page)
    page.get_by_label(f"Select {before[1]}").check()
    page.evaluate("window.scrollTo(0, 120)")
    mend.http.post("/v1/tickets", json={"title": "one more, and nothing moves"})
    pill = page.get_by_role("button", name=re.compile("1 new ticket"))
    pill.wait_for(timeout=9_000)
    assert ids(page) == before
    assert page.evaluate("scrollY") == 120
    assert page.get_by_label(f"Select {before[1]}").is_checked()
    expect(page.locator("[role=status]", has_text="1 new ticket")).to_have_count(1)
    pill.click()
    assert len(ids(page)) == len(before) + 1
    assert page.get_by_label(f"Select {before[1]}").is_checked()


def test_a_template_walks_through_the_flow(
    url: str, mend: Mend, scene: Scene, open_page: Opener
) -> None:
    """From the form to the end of the ticket without a reload."""
    run = scene.adf.seed_scenario(SCENARIOS["sql_transient"])
    page = open_page(f"{url}/tickets/new")
    page.get_by_role("button", name="Pipeline failed").click()
    page.get_by_label("Pipeline", exact=True).fill(run.pipeline)
    page.get_by_label("Run id").fill(run.run_id)
    expect(page.get_by_text("The run is read from the platform.")).to_be_visible()
    page.get_by_role("button", name="Open ticket").dblclick()
    page.wait_for_url("**/tickets/TIK-*")
    ticket = page.url.rsplit("/", 1)[1]
    assert mend.await_end(ticket)["outcome"] == "healed"
    last = page.locator("[data-stage=end][data-state=done]")
    last.wait_for(timeout=4_000)
    assert page.locator("[data-stage=approval]").get_attribute("data-state") == "skipped"
    assert page.locator("[aria-current=step]").count() <= 1
    # Asked twice, opened once.
    assert len([one for one in mend.tickets(q=run.run_id) if one["source"] == "manual"]) == 1


def test_a_ticket_shows_why(url: str, mend: Mend, open_page: Opener) -> None:
    """Cause, confidence against the threshold, evidence, every rule, attempts, three views."""
    ticket = mend.tickets(q="build_features")[0]
    page = open_page(f"{url}/tickets/{ticket['id']}")
    settle(page)
    meter = page.get_by_role("meter", name="Confidence")
    assert meter.get_attribute("aria-valuetext") == (
        f"{ticket['analysis']['confidence']:.2f}, threshold 0.80"
    )
    main = page.locator("main")
    for text in (ticket["analysis"]["root_cause"], ticket["analysis"]["evidence"][0]["text"]):
        expect(main).to_contain_text(text)
    page.get_by_text("See why").click()
    for reason in ticket["decision"]["reasons"]:
        expect(main).to_contain_text(reason["text"])
    page.get_by_role("link", name="Activity", exact=True).click()
    page.get_by_role("button", name="All events").click()
    events = mend.events(ticket["id"])
    rows = page.locator("main li[id^=e]")
    expect(rows).to_have_count(len(events))
    page.get_by_role("button", name="Oldest first").click()
    expect(rows.first).to_have_id(f"e{events[-1]['seq']}")
    for view in ("Compact", "Timeline"):
        page.get_by_role("button", name=view).click()
        expect(page.get_by_role("button", name="Newest first")).to_be_visible()
    page.goto(f"{url}/tickets/{ticket['id']}?tab=activity#e3")
    settle(page)
    expect(page.locator("#e3")).to_be_in_viewport()


def test_attempts_are_as_wide_as_they_were_long(url: str, mend: Mend, open_page: Opener) -> None:
    """The bars share one axis."""
    ticket = next(one for one in mend.tickets() if len(one["attempts"]) == 2)
    page = open_page(f"{url}/tickets/{ticket['id']}?tab=attempts")
    settle(page)
    widths = [
        float(page.locator(f"[data-attempt='{number}'] rect").get_attribute("width") or 0)
        for number in (1, 2)
    ]
    lengths = page.evaluate(
        "all => all.map(one => Date.parse(one.ended_at) - Date.parse(one.started_at))",
        ticket["attempts"],
    )
    assert abs(widths[0] / widths[1] - lengths[0] / lengths[1]) < 0.02 * lengths[0] / lengths[1]


def test_an_edit_and_a_conflict(
    url: str, mend: Mend, complaints: Complaints, open_page: Opener
) -> None:
    """Who was slower sees that, keeps the text, and may save over it."""
    complaints.expected.append("412")
    ticket = mend.http.post("/v1/tickets", json={"title": "to be edited"}).json()
    mend.await_end(ticket["id"])
    page = open_page(f"{url}/tickets/{ticket['id']}")
    page.get_by_role("button", name="Edit, add a note").click()
    page.get_by_label("Assignee").fill("ada")
    page.get_by_label("Note").fill("looked at it")
    version = mend.ticket(ticket["id"])["version"]
    mend.http.patch(
        f"/v1/tickets/{ticket['id']}",
        json={"severity": "low"},
        headers={"If-Match": f'"{version}"'},
    ).raise_for_status()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Changed elsewhere.")).to_be_visible()
    assert page.get_by_label("Note").input_value() == "looked at it"
    until(page, "document.querySelector('dialog[open]').textContent.includes('version')")
    page.get_by_role("button", name="Save over it").click()
    page.locator("dialog[open]").wait_for(state="detached")
    saved = mend.ticket(ticket["id"])
    assert (saved["assignee"], saved["severity"]) == ("ada", "low")
    assert "looked at it" in json.dumps(mend.events(ticket["id"]))


def test_failures_are_told_and_what_was_there_stays(
    url: str, mend: Mend, complaints: Complaints, open_page: Opener
) -> None:
    """A 500 has a title and a way to try again; without a network, the badge says so."""
    complaints.expected += ["500", "Failed to load resource", "ERR_INTERNET_DISCONNECTED"]
    assert mend.tickets()
    page = open_page(f"{url}/tickets")
    settle(page)
    rows = len(ids(page))
    broken = True
    problem = {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "code": "error",
        "detail": "something went wrong here",
        "instance": "trace-7",
    }

    def answer(route: Route) -> None:
        if broken:
            body = json.dumps(problem)
            route.fulfill(status=500, body=body, content_type="application/problem+json")
        else:
            route.continue_()

    page.route(re.compile(r"/api/v1/tickets\?.*updated"), answer)
    page.get_by_label("Sort by").select_option("-updated_at")
    alert = page.get_by_role("alert").filter(has_text="Internal Server Error")
    alert.wait_for()
    expect(alert).to_contain_text("trace-7")
    assert len(ids(page)) == rows
    broken = False
    alert.get_by_role("button", name="Try again").click()
    alert.wait_for(state="detached")
    page.context.set_offline(True)
    page.locator("[data-live=offline]").wait_for()
    assert len(ids(page)) == rows
    page.context.set_offline(False)
    page.locator("[data-live=offline]").wait_for(state="detached")


def test_home_tells_how_things_stand(url: str, mend: Mend, open_page: Opener) -> None:
    """The numbers are those of the API; each part leads to its list."""
    page = open_page(f"{url}/")
    settle(page)
    facets = mend.http.get("/v1/tickets/facets").json()
    stats = mend.http.get("/v1/dashboard/stats?hours=24").json()
    expect(page.locator("main")).to_contain_text(
        f"{stats['healed']} healed, {stats['escalated']} escalated"
    )
    expect(page.get_by_role("img", name=re.compile("^Last .* tickets"))).to_be_visible()
    page.get_by_role("link", name=f"Resolved {facets['status']['resolved']}").click()
    page.wait_for_url("**/tickets?status=resolved")


def test_charts_have_their_numbers(url: str, mend: Mend, open_page: Opener) -> None:
    """A summary, a table whose sums are the API's, and the range in the address."""
    page = open_page(f"{url}/metrics")
    settle(page)
    page.get_by_role("button", name="30 days").click()
    page.wait_for_url("**/metrics?hours=720")
    settle(page)
    stats = mend.http.get("/v1/dashboard/stats?hours=720").json()
    charts = page.locator("main svg[role=img]")
    assert charts.count() >= 5
    for at in range(charts.count()):
        assert re.search(r"\d", charts.nth(at).get_attribute("aria-label") or "")

    def column(chart: str, number: int) -> list[str]:
        figure = page.locator("figure", has=page.get_by_role("img", name=re.compile(chart)))
        if not figure.locator("details").evaluate("one => one.open"):
            figure.locator("summary").click()
        found: list[str] = figure.locator(f"tbody td:nth-child({number})").all_inner_texts()
        return found

    def total(chart: str, number: int) -> int:
        return sum(map(int, column(chart, number)))

    assert total("Tickets opened", 2) == stats["opened"]
    assert total("by what became of them", 2) == stats["healed"]
    assert total("by what became of them", 3) == stats["escalated"]
    by_signature = stats["by_signature"][:10]
    assert total("with this cause", 2) == sum(one["tickets"] for one in by_signature)
    assert total("with this cause", 3) == sum(one["healed"] for one in by_signature)
    assert total("by confidence", 2) == sum(one["tickets"] for one in stats["calibration"])
    assert total("by confidence", 3) == sum(one["healed"] for one in stats["calibration"])
    medians = [one for one in column("verified recovery", 2) if one[0].isdigit()]
    assert len(medians) == sum(day["mttr_p50"] is not None for day in stats["per_day"]) > 0
    assert all(re.fullmatch(r"[\d.]+ (s|min|h)", one) for one in medians)
    # Nothing is cut off at the right.
    for at in range(charts.count()):
        ends = charts.nth(at).evaluate(
            "one => [one.getBoundingClientRect().right, ...[...one.querySelectorAll('text')]"
            ".map(text => text.getBoundingClientRect().right)]"
        )
        assert max(ends[1:]) <= ends[0] + 0.5


def test_a_question_stops_the_walk_until_it_is_answered(
    url: str, asking: Mend, scene: Scene, open_page: Opener
) -> None:
    """The step that waits is the current one, without a reload; the plan is decided there."""
    run = scene.adf.seed_scenario(SCENARIOS["sql_transient"], pipeline="walks_to_a_question")
    page = open_page(f"{url}/tickets/new")
    page.get_by_role("button", name="Pipeline failed").click()
    page.get_by_label("Pipeline", exact=True).fill(run.pipeline)
    page.get_by_label("Run id").fill(run.run_id)
    page.get_by_role("button", name="Open ticket").click()
    page.wait_for_url("**/tickets/TIK-*")
    ticket = page.url.rsplit("/", 1)[1]
    asking.await_ticket(ticket, lambda one: one["status"] == "awaiting_approval")
    page.locator("[data-stage=approval][aria-current=step]").wait_for(timeout=2_500)
    assert page.locator("[aria-current=step]").count() == 1
    card = page.locator("[data-approval]")
    expect(card).to_contain_text("expires in 4 h")
    card.get_by_role("button", name="Approve").click()
    assert asking.await_end(ticket)["outcome"] == "healed"
    page.locator("[data-stage=end][data-state=done]").wait_for(timeout=2_500)
    expect(page.locator("[data-stage=approval]")).to_have_attribute("data-state", "done")
