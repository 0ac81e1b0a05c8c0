"""Slack, on the wire: one message per ticket that ends up true, whatever happens in between."""

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.connectors.slack import Slack
from shared.domain.analysis import Action, Risk
from shared.domain.approval import Approval, Plan
from shared.domain.attempt import AttemptOutcome
from shared.domain.ticket import Outcome
from shared.telling.picture import picture_of
from simulators.client import SlackSimulator
from tests.channels.story import ID, PUBLIC_URL, RERUN, Teller, paint, texts_in
from tests.support.builders import NOW

CHANNEL = "C0123456789"


def a_slack(slack: SlackSimulator, token: str = "", timeout_seconds: int = 3) -> Slack:
    """Return the connector."""
    return Slack(
        token or slack.token,
        CHANNEL,
        slack.base_url,
        paint,
        local=True,
        timeout_seconds=timeout_seconds,
    )


@pytest.fixture
def teller(slack: SlackSimulator) -> Teller:
    """Return somebody who tells Slack."""
    return Teller(a_slack(slack))


def main_messages(slack: SlackSimulator) -> list[dict[str, Any]]:
    """Return what stands in the channel itself."""
    return [one for one in slack.messages() if one["thread_ts"] is None]


def replies(slack: SlackSimulator) -> list[dict[str, Any]]:
    """Return what stands in threads."""
    return [one for one in slack.messages() if one["thread_ts"] is not None]


def shown(message: dict[str, Any]) -> str:
    """Return all that a message shows."""
    return "\n".join(texts_in(message["blocks"]))


async def test_one_message_lives_through_the_whole_story(
    teller: Teller, slack: SlackSimulator
) -> None:
    """Failed, analysed, tried, healed: edited in place; what was done is told in the thread."""
    await teller.open()
    await teller.rounds()
    assert "⚠️ load_customer_data failed" in shown(main_messages(slack)[0])

    await teller.analyse()
    await teller.rounds()
    assert "*Cause:* The database did not answer in time. (93% sure, " in shown(
        main_messages(slack)[0]
    )
    assert "*Evidence:* [adf.activity_run] Timeout expired" in shown(main_messages(slack)[0])

    await teller.attempt()
    await teller.rounds()
    assert "is being healed, attempt 1 of 3" in shown(main_messages(slack)[0])

    teller.clock.advance(minutes=5)
    await teller.conclude(AttemptOutcome.HEALED)
    await teller.end(Outcome.HEALED)
    assert await teller.rounds() == []

    (message,) = main_messages(slack)
    final = shown(message)
    assert "✅ load_customer_data recovered" in final
    for line in (f"run {RERUN}", "*MTTR:* 5.", "*SLA:* Met", "*Closed by:* AI_AUTO_HEAL"):
        assert line in final
    assert f"<{PUBLIC_URL}/api/v1/tickets/{ID}|{ID}>" in final
    assert message["edits"] >= 3
    told = [shown(reply) for reply in replies(slack)]
    assert len(told) == 3
    assert RERUN in told[0]
    assert "healed" in told[1]
    assert f"(run {RERUN})" in told[2]
    assert {reply["thread_ts"] for reply in replies(slack)} == {message["ts"]}


async def test_a_call_for_a_person_is_seen_in_the_channel(
    teller: Teller, slack: SlackSimulator
) -> None:
    """An edit alone would call nobody."""
    await teller.open()
    await teller.rounds()
    await teller.end(Outcome.NOT_HEALED)
    await teller.rounds()

    assert "🆘 load_customer_data needs a person" in shown(main_messages(slack)[0])
    assert [reply["broadcast"] for reply in replies(slack)] == [True]


async def test_what_is_shown_already_is_not_sent_again(
    teller: Teller, slack: SlackSimulator
) -> None:
    """A change that changes nothing to see."""
    await teller.open()
    await teller.rounds()
    await teller.change("run.identified", "the run is known")
    await teller.rounds()

    assert [entry.action for entry in slack.ledger()] == ["chat.postMessage"]


@pytest.mark.parametrize(
    "fault", ["lose_answer_503", "reset_after", "html_200", "html_502", "truncated_json"]
)
async def test_a_lost_answer_leads_to_no_second_message(
    teller: Teller, slack: SlackSimulator, fault: str
) -> None:
    """It is found by what it carries, and edited from then on."""
    slack.fault("chat.postMessage", fault)
    await teller.open()
    problems = await teller.rounds()
    await teller.heal()
    await teller.rounds()

    assert len(problems) == 1
    assert len(main_messages(slack)) == 1
    assert "recovered" in shown(main_messages(slack)[0])
    assert len(replies(slack)) == 3


async def test_a_lost_reply_is_not_told_twice(teller: Teller, slack: SlackSimulator) -> None:
    """It is looked for in the thread."""
    await teller.open()
    await teller.rounds()
    slack.fault("chat.postMessage", "lose_answer_504")
    await teller.heal()
    await teller.rounds()

    assert len(replies(slack)) == 3
    assert slack.ledger("conversations.replies")


async def test_one_among_many_messages_is_found(teller: Teller, slack: SlackSimulator) -> None:
    """On a later page of the channel's history."""
    slack.fault("chat.postMessage", "lose_answer_503")
    await teller.open()
    await teller.round()
    others = Teller(a_slack(slack))
    others.notifier.pause_seconds = 0  # type: ignore[misc]
    for number in range(210):
        await others.open(f"TIK-20261120-1{number:05d}")
    await others.rounds()
    await teller.rounds()

    assert len(main_messages(slack)) == 211
    assert len(slack.ledger("conversations.history")) == 2


async def test_a_restored_copy_repeats_nothing(teller: Teller, slack: SlackSimulator) -> None:
    """What was sent since is not in the store: it is looked for."""
    await teller.open()
    await teller.rounds()
    await teller.heal()
    before = (dict(teller.store._told), dict(teller.store._tickets))
    await teller.rounds()

    teller.store._told, teller.store._tickets = before
    teller.store.incarnation = "restored"
    await teller.rounds()
    assert (len(main_messages(slack)), len(replies(slack))) == (1, 3)

    teller.store._told = {}
    object.__setattr__(teller.around, "awake_since", teller.began + timedelta(days=1))
    await teller.rounds()
    assert (len(main_messages(slack)), len(replies(slack))) == (1, 3)


async def test_a_limit_is_respected(teller: Teller, slack: SlackSimulator) -> None:
    """Not a moment before Slack has said, and not all at that very moment."""
    slack.fault("chat.postMessage", "throttle_429", retry_after=30)
    await teller.open()
    await teller.round()
    while not main_messages(slack):
        teller.clock.advance(seconds=1)
        await teller.round()

    waited = (teller.clock.now() - teller.began).total_seconds()
    assert 30 < waited < 34
    assert len(slack.ledger("chat.postMessage")) == 2


async def test_a_hanging_slack_is_left_alone_after_a_while(slack: SlackSimulator) -> None:
    """And found to have taken the message after all."""
    teller = Teller(a_slack(slack), patience_seconds=1.5)
    slack.fault("chat.postMessage", "hold", seconds=3)
    await teller.open()
    told = await teller.round()
    assert told.problems == (f"{ID}: no answer in time",)
    await teller.rounds()

    assert len(main_messages(slack)) == 1


async def test_a_wrong_token_is_said_and_not_shown(
    slack: SlackSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    """One call, then a pause; the token is in no message."""
    caplog.set_level(0)
    teller = Teller(a_slack(slack, token="xoxb-wrong-canary-4711"))
    await teller.open()
    await teller.open("TIK-20261120-000002")
    told = await teller.round()

    assert told.problems == (f"{ID}: slack: chat.postMessage: invalid_auth",)
    assert len(slack.ledger()) == 1
    assert "canary-4711" not in caplog.text + str(teller.store._told) + str(told)


async def test_a_message_that_people_deleted_is_written_anew(
    teller: Teller, slack: SlackSimulator
) -> None:
    """When there is something new to show."""
    await teller.open()
    await teller.rounds()
    slack.delete(main_messages(slack)[0]["ts"])
    await teller.analyse()
    await teller.rounds()

    assert "*Cause:*" in shown(main_messages(slack)[0])


async def test_what_cannot_be_told_holds_up_nothing_else(
    teller: Teller, slack: SlackSimulator
) -> None:
    """A ticket that Slack refuses waits by itself."""
    slack.fault("chat.postMessage", "not_found_404")
    await teller.open()
    await teller.open("TIK-20261120-000002")
    told = await teller.round()

    assert told.sent == 1
    assert [one["metadata"]["event_payload"]["ticket_id"] for one in main_messages(slack)] == [
        "TIK-20261120-000002"
    ]


async def test_children_are_told_in_the_incident(teller: Teller, slack: SlackSimulator) -> None:
    """One message for all, two lines per child at most, and none before the incident's own."""
    child = "TIK-20261120-000002"
    await teller.open(child, parent_id=ID)
    await teller.round()
    assert slack.messages() == []

    await teller.open(children=(child,))
    await teller.rounds()
    await teller.heal(child)
    await teller.rounds()

    assert len(main_messages(slack)) == 1
    assert "*Failing with the same cause:* 1" in shown(main_messages(slack)[0])
    assert [shown(reply).splitlines()[2].split(" - ")[-1] for reply in replies(slack)] == [
        child
    ] * 2
    assert "recovered" in shown(replies(slack)[1])


async def test_text_from_outside_calls_nobody_and_leads_nowhere(
    teller: Teller, slack: SlackSimulator
) -> None:
    """Mentions, links and markup in an alert are shown as they are."""
    evil = "<!channel> <@U1> <https://evil.example|click> http://evil.example & </section>"
    await teller.open(description=evil, title=evil)
    await teller.rounds()
    await teller.analyse(root_cause=evil)
    await teller.attempt(run_id=evil)
    await teller.end(Outcome.NOT_HEALED, evil)
    await teller.rounds()

    everything: list[dict[str, Any]] = slack.messages()
    assert len(everything) > 1
    for message in everything:
        raw = json.dumps([message["text"], message["blocks"]])
        assert "<!channel>" not in raw
        assert "<@U1>" not in raw
        assert "<https://evil" not in raw
        assert "&lt;!channel&gt;" in raw or "evil" not in raw
        assert message["flags"] == {
            "parse": "none",
            "link_names": False,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        for block in message["blocks"]:
            if block["type"] == "section":
                assert block["text"]["verbatim"] is True


async def test_endless_text_fits(teller: Teller, slack: SlackSimulator) -> None:
    """Slack refuses what is longer than it allows."""
    endless = "&<>" * 30_000
    await teller.open(description=endless, title=endless)
    await teller.analyse(root_cause=endless, recommendations=(endless,) * 20)
    for number in range(1, 9):
        await teller.attempt(number, run_id=f"{number}{endless}")
    await teller.end(Outcome.NOT_HEALED, endless)

    assert await teller.rounds() == []
    assert len(main_messages(slack)) == 1


async def test_buttons_carry_an_id_and_a_link(teller: Teller, slack: SlackSimulator) -> None:
    """Who may decide is found out behind the link; without one the id is all there is."""
    ticket = await teller.open()
    plan = Plan(
        action=Action.RERUN_PIPELINE, target="p", scope="s", run_id="r", risk=Risk.LOW,
        attempt_number=1,
    )  # fmt: skip
    approval = Approval(
        id="APR-1-1", ticket_id=ticket.id, number=1, plan=plan, plan_hash=plan.hash,
        requested_at=NOW, expires_at=NOW + timedelta(hours=4),
    )  # fmt: skip
    asked = ticket.model_copy(update={"approval": approval})

    def show(url: str) -> None:
        picture = picture_of(asked, PUBLIC_URL, 3, decide_at=lambda _: url)
        teller.notifier._paint = lambda _: picture  # type: ignore[attr-defined]

    def buttons() -> list[dict[str, Any]]:
        blocks = [block for one in main_messages(slack) for block in one["blocks"]]
        return [one for block in blocks if block["type"] == "actions" for one in block["elements"]]

    show(f"{PUBLIC_URL}/api/approve#t=token")
    await teller.rounds()
    assert [(one["action_id"], one["value"], one["url"]) for one in buttons()] == [
        ("approve", "APR-1-1", f"{PUBLIC_URL}/api/approve#t=token"),
        ("reject", "APR-1-1", f"{PUBLIC_URL}/api/approve#t=token"),
    ]
    show("")
    await teller.change("test", "again")
    await teller.rounds()
    assert all("url" not in one for one in buttons())
