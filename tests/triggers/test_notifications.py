"""Timers that tell, and the answer to a click."""

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import azure.functions as func
import pytest

from shared.domain.errors import Refused
from shared.domain.notification import Remembered
from shared.ports.notifications import Intend, News, Told
from shared.settings import settings
from shared.stores.memory import MemoryStore
from simulators.client import SlackSimulator
from tests.support.builders import NOW, StoppedClock, an_opening
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
    assert "page behind the link" in said["text"]


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
