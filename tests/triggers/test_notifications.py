"""Timers that tell, and the answer to a click."""

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import pytest

from shared.connectors import slack_reply
from shared.domain.analysis import Action, Risk
from shared.domain.approval import Approval, DecisionWord
from shared.domain.decision import Decision, Effect
from shared.domain.errors import Refused
from shared.domain.notification import Remembered
from shared.domain.run import Observation
from shared.domain.ticket import Status
from shared.ports.notifications import Intend, News, Told
from shared.ports.tickets import TicketQuery
from shared.settings import settings
from shared.stores.memory import MemoryStore
from shared.usecases.approvals import Answer, decide_approval, request_approval
from simulators.client import SlackSimulator
from tests.support.builders import NOW, StoppedClock, a_run, an_opening
from tests.support.simulators import slack, slack_process
from triggers import notifications

__all__ = ["slack", "slack_process"]

CANARY_SECRET = "xoxb-canary-4711"


class Channel:
    """A channel that works, hangs or refuses."""

    pause_seconds = 0.0

    def __init__(self, name: str, *, hangs: bool = False, error: Exception | None = None) -> None:
        self.name = name
        self._hangs = hangs
        self._error = error
        self.told: list[str] = []

    async def tell(self, news: News, remembered: Remembered, intend: Intend) -> Told:
        """See the protocol."""
        if self._hangs:
            await asyncio.Event().wait()
        if self._error is not None:
            raise self._error
        self.told.append(news.ticket.id)
        return Told(remembered.model_copy(update={"version": news.ticket.version}), sent=True)


@dataclass
class Services:
    """What the timers need."""

    notifiers: dict[str, Channel] = field(default_factory=dict)
    store: MemoryStore = field(default_factory=MemoryStore)
    clock: StoppedClock = field(default_factory=StoppedClock)
    started_at: datetime = NOW

    def random(self) -> float:
        """Return half."""
        return 0.5


@pytest.fixture
async def using(monkeypatch: pytest.MonkeyPatch) -> Services:
    """Return the services of the timers, with one ticket."""
    services = Services()
    await services.store.create(an_opening())
    monkeypatch.setattr(notifications, "services", lambda: services)
    return services


@pytest.fixture
def signing(monkeypatch: pytest.MonkeyPatch, slack: SlackSimulator) -> Iterator[SlackSimulator]:
    """Yield a Slack whose signing secret is known."""
    monkeypatch.setenv("MEND_SLACK_SIGNING_SECRET", slack.signing_secret)
    settings.cache_clear()
    monkeypatch.setenv("MEND_SLACK_BASE_URL", slack.base_url)
    settings.cache_clear()
    yield slack
    settings.cache_clear()


TIMERS = {
    "slack": notifications.tell_slack,
    "teams": notifications.tell_teams,
    "mail": notifications.tell_mail,
    "jira": notifications.tell_jira,
}


def plain(builder: Any) -> Any:
    """Return the function itself."""
    return builder.build().get_user_function() if hasattr(builder, "build") else builder


@pytest.mark.parametrize("name", TIMERS)
async def test_each_channel_has_a_timer_of_its_own(using: Services, name: str) -> None:
    """One that is not set up has nothing to do; one that hangs hangs alone."""
    using.notifiers = {other: Channel(other, hangs=other != name) for other in TIMERS}
    await asyncio.wait_for(plain(TIMERS[name])(None), 5)
    assert len(using.notifiers[name].told) == 1
    using.notifiers.clear()
    await plain(TIMERS[name])(None)


async def test_what_goes_wrong_is_logged_without_secrets(
    using: Services, caplog: pytest.LogCaptureFixture
) -> None:
    """One line, no traceback."""
    caplog.set_level(logging.DEBUG)
    error = Refused("slack", f"token={CANARY_SECRET} is wrong", status=401)
    error.__cause__ = RuntimeError(CANARY_SECRET)
    using.notifiers = {"slack": Channel("slack", error=error)}
    await notifications.tell_channel("slack")

    (record,) = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert "slack could not be told" in record.getMessage()
    assert record.exc_info is None
    assert "4711" not in caplog.text


async def a_question(using: Services, risk: Risk) -> Approval:
    """Ask about the one ticket there is."""
    (ticket,) = (await using.store.search(TicketQuery())).items
    decision = Decision(
        outcome=Effect.ASK,
        action=Action.RERUN_PIPELINE,
        risk=risk,
        reasons=(),
        policy_version="4",
        input_hash="x",
    )
    await using.store.update(
        ticket.id,
        lambda one: one.changed(
            NOW, "t", "m",
            status=Status.ANALYZING,
            observation=Observation(at=NOW, run=a_run()),
            decision=decision,
        ),
    )  # fmt: skip
    asked = await request_approval(
        ticket.id, using.store, using.clock, time_to_decide=timedelta(hours=4)
    )
    assert asked is not None
    return asked


async def click(body: bytes, headers: dict[str, str]) -> func.HttpResponse:
    """Post what Slack would."""
    request = func.HttpRequest(
        method="POST",
        url="http://127.0.0.1:7071/api/v1/notifications/slack/actions",
        headers=headers,
        body=body,
    )
    answered = await plain(notifications.slack_action)(request)
    assert isinstance(answered, func.HttpResponse)
    return answered


async def test_a_click_is_answered(using: Services, signing: SlackSimulator) -> None:
    """With a word for that person alone; nothing is decided by it."""
    using.clock.at = datetime.now(UTC)
    body, headers = signing.click("approve", "APR-1")
    answered = await click(body.encode(), headers)

    assert answered.status_code == 200
    said = json.loads(answered.get_body())
    assert said["response_type"] == "ephemeral"
    assert said["text"] == "There is no such question, or not any more."
    assert signing.replies_to_clicks()[-1] == said


@pytest.mark.parametrize("risk", Risk)
async def test_a_click_tells_how_the_question_stands(
    using: Services, signing: SlackSimulator, risk: Risk
) -> None:
    """Where it is decided, and afterwards by whom it was; of more than low risk: by signing in."""
    using.clock.at = datetime.now(UTC)
    question = await a_question(using, risk)

    async def told() -> str:
        body, headers = signing.click("approve", question.id)
        assert (await click(body.encode(), headers)).status_code == 200
        return str(signing.replies_to_clicks()[-1]["text"])

    before = await told()
    standing = (await using.store.get(question.ticket_id)).approval
    no = Answer(DecisionWord.REJECT, "ana", "month end")
    await decide_approval(question.id, no, using.store, using.clock)
    after = await told()

    assert "decided on the page that the button opens" in before
    assert ("sign in there" in before) is (risk is not Risk.LOW)
    assert standing == question
    assert f"{question.id} is rejected already by ana" in after


@pytest.mark.parametrize(
    "elsewhere",
    [
        "http://hooks.slack.com/x",
        "https://hooks.slack.com.example.com/x",
        "https://hooks.slack.com@169.254.169.254/x",
        "https://hooks.slack.com:8443/x",
        "https://169.254.169.254/metadata",
        "http://127.0.0.1:9/x",
        "https://[::1",
        "file:///etc/passwd",
        "//hooks.slack.com/x",
    ],
)
async def test_no_other_address_is_called(
    using: Services,
    signing: SlackSimulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    elsewhere: str,
) -> None:
    """A signature shows who sends, not that an address is harmless; nor is it logged."""
    called: list[str] = []
    monkeypatch.setenv("MEND_SLACK_BASE_URL", "https://slack.com/api/")
    settings.cache_clear()
    monkeypatch.setattr(slack_reply, "session", lambda *_, **__: called.append("called"))
    using.clock.at = datetime.now(UTC)
    body, headers = signing.click("approve", "APR-1", response_url=elsewhere)

    assert (await click(body.encode(), headers)).status_code == 200
    assert called == []
    assert "none of Slack's" in caplog.text
    assert elsewhere not in caplog.text


async def test_a_reply_that_hangs_or_fails_costs_nothing(
    using: Services,
    signing: SlackSimulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The click itself is answered in time, and no address is in the log."""
    monkeypatch.setenv("MEND_SLACK_BASE_URL", "http://127.0.0.1:9/api/")
    monkeypatch.setattr(slack_reply, "_PATIENCE_SECONDS", 0.2)
    settings.cache_clear()
    using.clock.at = datetime.now(UTC)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listening = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    hangs = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/T0/{CANARY_SECRET}"
    for where in (hangs, f"http://127.0.0.1:9/T0/{CANARY_SECRET}"):
        body, headers = signing.click("approve", "APR-1", response_url=where)
        answered = await asyncio.wait_for(click(body.encode(), headers), 3)
        assert answered.status_code == 200
    listening.close()
    await asyncio.sleep(0)

    assert caplog.text.count("a click is not answered") == 2
    assert "4711" not in caplog.text


async def test_a_click_that_slack_did_not_sign_is_refused(
    using: Services, signing: SlackSimulator
) -> None:
    """A wrong secret, an old one, another body, none at all."""
    using.clock.at = datetime.now(UTC)
    body, headers = signing.click("approve", "APR-1")
    forged, wrong = signing.click("approve", "APR-1", secret="another")
    late, old = signing.click("approve", "APR-1", age_seconds=400)
    for given, shown in (
        (forged, wrong),
        (late, old),
        (body.replace("APR-1", "APR-2"), headers),
        (body, {}),
    ):
        assert (await click(given.encode(), shown)).status_code == 401


async def test_without_a_signing_secret_every_click_is_refused(
    using: Services, slack: SlackSimulator
) -> None:
    """Closed unless it is opened."""
    settings.cache_clear()
    using.clock.at = datetime.now(UTC)
    body, headers = slack.click("approve", "APR-1", secret="x")

    assert (await click(body.encode(), headers)).status_code == 401


@pytest.mark.usefixtures("using", "signing")
@pytest.mark.parametrize("payload", ["", "payload=", "payload=%5B%5D", "payload=%7B%7D", "x=1"])
async def test_signed_nonsense_is_an_error_of_the_caller(
    payload: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not of ours."""
    monkeypatch.setattr(notifications, "is_from_slack", lambda *_: True)

    assert (await click(payload.encode(), {})).status_code == 400
