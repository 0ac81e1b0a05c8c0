"""Jira, on the wire: one issue per ticket, moved as it ends, taken up again when it comes back."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.connectors.jira import Jira, JiraSite, When
from shared.domain.attempt import AttemptOutcome
from shared.domain.ticket import Outcome
from simulators.client import JiraSimulator
from tests.channels.story import ID, PUBLIC_URL, RERUN, Teller, paint, texts_in

SECOND = "TIK-20261120-000002"


@pytest.fixture
def told(jira: JiraSimulator) -> Callable[..., Teller]:
    """Return what makes somebody who tells Jira."""

    def make(when: When = "always", token: str = "", patience_seconds: float = 5) -> Teller:
        site = JiraSite(
            base_url=jira.url,
            user=jira.user,
            token=token or jira.token,
            project="OPS",
            local=True,
        )
        teller = Teller(None, patience_seconds=patience_seconds)  # type: ignore[arg-type]
        teller.notifier = Jira(site, when, paint, teller.clock, timeout_seconds=3)
        return teller

    return make


def issue(jira: JiraSimulator) -> dict[str, Any]:
    """Return the only issue there is."""
    (only,) = jira.issues()
    return only


def comments(jira: JiraSimulator) -> list[str]:
    """Return the first line of each comment."""
    paragraphs = [comment["body"]["content"][0] for comment in issue(jira)["comments"]]
    return [paragraph["content"][0]["text"] for paragraph in paragraphs]


async def test_a_healed_ticket_is_done(told: Callable[..., Teller], jira: JiraSimulator) -> None:
    """Created, commented on as it goes, moved with the run's id in the comment."""
    teller = told()
    await teller.open()
    await teller.rounds()
    await teller.heal()
    assert await teller.rounds() == []

    found = issue(jira)
    assert found["labels"] == ["mend", f"mend-{ID.lower()}", "mend-fp-ffffffffffffffff"]
    assert found["summary"] == f"load_customer_data failed - {ID}"
    assert f"{PUBLIC_URL}/api/v1/tickets/{ID}" in texts_in(found["description"])
    assert [one.split()[0] for one in comments(jira)] == ["🔧", "✅", "✅"]
    assert f"(run {RERUN})" in comments(jira)[-1]
    assert (found["status"], found["moves"]) == ("Done", ["Done"])


async def test_by_default_only_what_needs_a_person_gets_an_issue(
    told: Callable[..., Teller], jira: JiraSimulator
) -> None:
    """With the whole story in it; the rest is silence, not even a call."""
    teller = told("escalated")
    await teller.open(SECOND)
    await teller.heal(SECOND)
    await teller.rounds()
    assert jira.ledger() == []

    await teller.open()
    await teller.analyse()
    await teller.end(Outcome.NOT_REMEDIABLE)
    await teller.rounds()
    found = issue(jira)
    assert "needs a person" in found["summary"]
    assert "Look at the firewall." in texts_in(found["description"])
    assert (found["status"], found["comments"]) == ("To Do", [])

    await teller.change(
        "ticket.resolved",
        "resolved_manually: done by hand",
        status="resolved",
        outcome="resolved_manually",
    )
    await teller.rounds()
    assert issue(jira)["status"] == "Done"


@pytest.mark.parametrize("fault", ["lose_answer_503", "reset_after", "html_200", "truncated_json"])
async def test_a_lost_answer_leads_to_no_second_issue(
    told: Callable[..., Teller], jira: JiraSimulator, fault: str
) -> None:
    """It is found by its label."""
    teller = told()
    jira.fault("createIssue", fault)
    await teller.open()
    problems = await teller.rounds()
    await teller.heal()
    await teller.rounds()

    assert len(problems) >= 1
    assert issue(jira)["status"] == "Done"


async def test_a_search_that_lags_is_waited_for(
    told: Callable[..., Teller], jira: JiraSimulator
) -> None:
    """Not found is not the same as not there."""
    teller = told()
    jira.lag(1000)
    jira.fault("createIssue", "lose_answer_504")
    await teller.open()
    await teller.round()
    for _ in range(5):
        teller.clock.advance(seconds=10)
        await teller.round()
    assert len(jira.ledger("createIssue")) == 1

    jira.lag(0)
    await teller.rounds(most=100)
    assert len(jira.issues()) == 1


async def test_a_lost_comment_is_not_written_twice(
    told: Callable[..., Teller], jira: JiraSimulator
) -> None:
    """It is looked for."""
    teller = told()
    await teller.open()
    await teller.rounds()
    jira.fault("addComment", "lose_answer_503")
    await teller.heal()
    await teller.rounds()

    assert len(issue(jira)["comments"]) == 3


async def test_what_comes_back_within_a_day_is_taken_up_again(
    told: Callable[..., Teller], jira: JiraSimulator
) -> None:
    """The same issue, open again, with a word about it; moved once more at the end."""
    teller = told()
    await teller.open()
    await teller.heal()
    await teller.rounds()
    await teller.open(SECOND)
    await teller.rounds()

    found = issue(jira)
    assert f"mend-{SECOND.lower()}" in found["labels"]
    assert (found["status"], found["moves"]) == ("To Do", ["Done", "To Do"])
    assert f"It is back: load_customer_data failed - {SECOND}" in comments(jira)

    await teller.heal(SECOND)
    await teller.rounds()
    assert issue(jira)["moves"] == ["Done", "To Do", "Done"]


async def test_another_thing_gets_an_issue_of_its_own(
    told: Callable[..., Teller], jira: JiraSimulator
) -> None:
    """Whatever else is in the project."""
    teller = told()
    await teller.open()
    await teller.heal()
    await teller.rounds()
    await teller.open(SECOND, fingerprint="e" * 32)
    await teller.rounds()

    assert len(jira.issues()) == 2


async def test_people_have_the_last_word(told: Callable[..., Teller], jira: JiraSimulator) -> None:
    """An issue that somebody has closed stays closed while the ticket goes on."""
    teller = told("escalated")
    await teller.open()
    await teller.end(Outcome.NOT_HEALED)
    await teller.rounds()
    jira.move("OPS-1", "31")
    await teller.change("ticket.note", "somebody looks at it")
    await teller.rounds()

    assert issue(jira)["status"] == "Done"


async def test_a_limit_is_respected(told: Callable[..., Teller], jira: JiraSimulator) -> None:
    """As long as Jira says."""
    teller = told()
    jira.fault("createIssue", "throttle_429", retry_after=30)
    await teller.open()
    while not jira.issues():
        await teller.round()
        teller.clock.advance(seconds=1)

    assert 30 < (teller.clock.now() - teller.began).total_seconds() < 36
    assert len(jira.ledger("createIssue")) == 2


async def test_a_page_of_html_is_not_quoted(
    told: Callable[..., Teller], jira: JiraSimulator
) -> None:
    """And a hanging site not waited for."""
    teller = told(patience_seconds=1.5)
    jira.fault("searchIssues", "html_502_before")
    await teller.open()
    problems = (await teller.round()).problems
    assert problems == (f"{ID}: jira: GET search/jql: HTTP 502: a page of HTML",)
    jira.fault("createIssue", "hold", seconds=3)
    assert f"{ID}: no answer in time" in await teller.rounds(most=100)

    assert len(jira.issues()) == 1


async def test_a_wrong_token_is_said_and_not_shown(
    told: Callable[..., Teller], caplog: pytest.LogCaptureFixture
) -> None:
    """Not in what is logged, nor in what is kept."""
    caplog.set_level(0)
    teller = told(token="canary-4711")
    await teller.open()
    problems = (await teller.round()).problems

    assert "HTTP 401" in problems[0]
    assert "4711" not in f"{problems} {caplog.text} {teller.store._told}"
    assert "bWVuZEBleGFtcGxl" not in caplog.text  # the same in Base64


async def test_children_are_told_in_the_incidents_issue(
    told: Callable[..., Teller], jira: JiraSimulator
) -> None:
    """Once each, when they need a person."""
    teller = told("escalated")
    await teller.open()
    await teller.end(Outcome.NOT_HEALED)
    await teller.open(SECOND, parent_id=ID)
    await teller.rounds()
    await teller.end(Outcome.NOT_HEALED, ticket_id=SECOND)
    await teller.rounds()

    assert len(issue(jira)["comments"]) == 1
    assert SECOND in comments(jira)[0]


async def test_text_from_outside_is_literal(
    told: Callable[..., Teller], jira: JiraSimulator
) -> None:
    """No link but ours, no mention, and one line in the summary."""
    evil = "[~admin] [click|https://evil.example]\nhttp://evil.example {code} " * 50
    teller = told()
    await teller.open(description=evil, title=evil)
    await teller.analyse()
    await teller.attempt(run_id=evil)
    await teller.end(Outcome.NOT_HEALED, evil)
    await teller.rounds()

    nodes = [issue(jira)["description"], *(one["body"] for one in issue(jira)["comments"])]
    assert {one for node in nodes for one in hrefs(node)} == {f"{PUBLIC_URL}/api/v1/tickets/{ID}"}
    assert {one for node in nodes for one in types(node)} <= {
        "doc",
        "paragraph",
        "text",
        "link",
        "strong",
    }


def hrefs(node: Any) -> list[str]:
    """Return where the links of a document lead."""
    if isinstance(node, list):
        return [href for one in node for href in hrefs(one)]
    if not isinstance(node, dict):
        return []
    own = [node["href"]] if "href" in node else []
    return own + [href for one in node.values() for href in hrefs(one)]


def types(node: Any) -> list[str]:
    """Return what kinds of node there are."""
    if isinstance(node, list):
        return [kind for one in node for kind in types(one)]
    if not isinstance(node, dict):
        return []
    own = [node["type"]] if "type" in node else []
    return own + [kind for one in node.values() for kind in types(one)]


async def test_an_attempt_that_fails_is_commented_on(
    told: Callable[..., Teller], jira: JiraSimulator
) -> None:
    """And the issue stays open."""
    teller = told()
    await teller.open()
    await teller.rounds()
    await teller.analyse()
    await teller.attempt()
    await teller.conclude(AttemptOutcome.NOT_HEALED)
    await teller.rounds()

    assert [one.split()[0] for one in comments(jira)] == ["🔧", "❌"]
    assert issue(jira)["moves"] == []
