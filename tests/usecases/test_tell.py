"""Rounds of a channel: how fast, in which order, and what a channel that is away costs."""

import asyncio
import time
from datetime import timedelta
from itertools import pairwise

import pytest

from shared.domain.alert import CANARY
from shared.domain.errors import OutcomeUnknown, Refused, Transient
from shared.domain.notification import Remembered
from shared.ports.notifications import Intend, News, Told
from shared.usecases.tell import Standing, standing, tell
from tests.channels.story import ID, Teller

CANARY_TEXT = "xoxb-canary-4711-secret"


class Channel:
    """Does as a test says, and remembers when it was told what."""

    def __init__(self, name: str = "slack", pause_seconds: float = 1.0) -> None:
        self.name = name
        self.pause_seconds = pause_seconds
        self.told: list[tuple[float, str]] = []
        self.doubts: list[bool] = []
        self.failures: list[Exception] = []
        self.hangs = False
        self.now = time.monotonic
        self.begun = asyncio.Event()

    async def tell(self, news: News, remembered: Remembered, intend: Intend) -> Told:
        """See the protocol."""
        self.doubts.append(news.in_doubt)
        await intend()
        self.begun.set()
        if self.hangs:
            await asyncio.Event().wait()
        if self.failures:
            raise self.failures.pop(0)
        self.told.append((self.now(), news.ticket.id))
        return Told(remembered.model_copy(update={"version": news.ticket.version}), sent=True)


def a_teller(channel: Channel, patience_seconds: float = 5) -> Teller:
    """Return somebody who tells ``channel``, which is on the same clock."""
    teller = Teller(channel, patience_seconds=patience_seconds)

    def now() -> float:
        return (teller.clock.now() - teller.began).total_seconds()

    channel.now = now
    return teller


async def test_a_storm_does_not_become_a_storm_of_messages() -> None:
    """A thousand tickets: one message a second, whatever rounds come when."""
    channel = Channel()
    teller = a_teller(channel)
    for number in range(1000):
        await teller.open(f"TIK-20261120-{number:06d}")
    until = teller.began + timedelta(minutes=1)
    while teller.clock.now() < until:
        await teller.round()
        teller.clock.advance(seconds=0.3)

    times = [at for at, _ in channel.told if at < 60]
    assert 30 <= len(times) <= 60
    assert min(after - before for before, after in pairwise(times)) >= 1


async def test_the_pause_outlives_the_process() -> None:
    """It is in the store, not in a variable."""
    channel = Channel(pause_seconds=60)
    teller = a_teller(channel)
    await teller.open()
    await teller.open("TIK-20261120-000002")
    await teller.round()
    again = a_teller(channel)
    again.store, again.clock = teller.store, teller.clock
    await again.round()

    assert len(channel.told) == 1


async def test_a_channel_that_hangs_delays_no_other() -> None:
    """Each has its own rounds."""
    hanging, fine = Channel("slack"), Channel("jira")
    hanging.hangs = True
    teller = a_teller(hanging, patience_seconds=2.0)
    await teller.open()
    slow = asyncio.create_task(tell(hanging, teller.store, teller.around))
    told = await tell(fine, teller.store, teller.around)

    assert told.sent == 1
    assert not slow.done()
    assert (await slow).problems == (f"{ID}: no answer in time",)


async def test_it_converges_after_twenty_failures() -> None:
    """With pauses that grow, and do not end in giving up."""
    channel = Channel()
    channel.failures = [Transient("slack", "down") for _ in range(20)]
    teller = a_teller(channel)
    await teller.open()
    problems = await teller.rounds(most=3000)

    assert len(problems) == 20
    assert [ticket_id for _, ticket_id in channel.told] == [ID]
    waited = (teller.clock.now() - teller.began).total_seconds()
    assert 600 < waited < 12 * 3600
    found = await standing("slack", teller.store)
    assert found is not None
    assert (found.tries, found.error) == (0, "")


async def test_a_pause_that_is_asked_for_is_kept() -> None:
    """Up to a quarter of an hour."""
    channel = Channel()
    channel.failures = [
        Transient("slack", "slowly", retry_after_seconds=100),
        Transient("slack", "slowly", retry_after_seconds=1e9),
    ]
    teller = a_teller(channel)
    await teller.open()
    await teller.rounds(most=1000)

    ((at, _),) = channel.told
    assert 100 + 900 < at < 1.1 * 1000 + 20


@pytest.mark.parametrize(
    ("error", "in_doubt"),
    [
        (Transient("slack", "never arrived"), False),
        (Refused("slack", "no"), False),
        (OutcomeUnknown("slack", "no answer"), True),
        (RuntimeError(CANARY_TEXT), True),
    ],
)
async def test_only_what_may_have_been_sent_is_in_doubt(error: Exception, in_doubt: bool) -> None:
    """The next step knows."""
    channel = Channel()
    channel.failures = [error]
    teller = a_teller(channel)
    await teller.open()
    await teller.rounds(most=100)

    assert channel.doubts == [False, in_doubt]
    assert (await teller.remembered()).sending_since is None


async def test_a_death_after_sending_leaves_a_doubt() -> None:
    """What was intended is on disk before anything is sent."""
    channel = Channel()
    channel.hangs = True
    teller = a_teller(channel)
    await teller.open()
    dying = asyncio.create_task(teller.round())
    await channel.begun.wait()
    dying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dying

    assert (await teller.remembered()).sending_since is not None
    channel.hangs = False
    await teller.rounds()
    assert channel.doubts == [False, True]


async def test_tickets_older_than_this_process_may_have_been_told() -> None:
    """By one whose store was put back from a copy."""
    channel = Channel()
    teller = a_teller(channel)
    object.__setattr__(teller.around, "awake_since", teller.began)
    await teller.open()
    teller.clock.advance(seconds=1)
    await teller.open("TIK-20261120-000002")
    await teller.rounds()

    assert channel.doubts == [True, False]


async def test_one_that_cannot_be_told_does_not_starve_the_others() -> None:
    """Its own pause is longer than the channel's."""

    class Poisoned(Channel):
        async def tell(self, news: News, remembered: Remembered, intend: Intend) -> Told:
            if news.ticket.id == ID:
                raise OutcomeUnknown("slack", "always")
            return await super().tell(news, remembered, intend)

    channel = Poisoned()
    teller = a_teller(channel)
    await teller.open()
    for number in range(2, 12):
        await teller.open(f"TIK-20261120-{number:06d}")
    for _ in range(60):
        await teller.round()
        teller.clock.advance(seconds=5)

    assert len(channel.told) == 10


async def test_canaries_are_never_told() -> None:
    """They are our own."""
    channel = Channel()
    teller = a_teller(channel)
    await teller.open(source=CANARY)
    await teller.round()

    assert channel.doubts == []


async def test_what_was_over_before_a_channel_was_set_up_is_not_told() -> None:
    """Switching Slack on does not flood it with the past."""
    channel = Channel()
    teller = a_teller(channel)
    await teller.open()
    teller.clock.advance(days=2)
    object.__setattr__(teller.around, "awake_since", teller.clock.now())
    await teller.open("TIK-20261120-000002")
    await teller.round()

    assert [ticket_id for _, ticket_id in channel.told] == ["TIK-20261120-000002"]


async def test_no_secret_of_an_error_is_kept_or_said(caplog: pytest.LogCaptureFixture) -> None:
    """Not even of one that nobody expected."""
    caplog.set_level(0)
    channel = Channel()
    channel.failures = [
        RuntimeError(f"https://x.example/?code={CANARY_TEXT}"),
        Refused("slack", f"https://x.example/?code={CANARY_TEXT}", status=403),
    ]
    teller = a_teller(channel)
    await teller.open()
    problems = await teller.rounds(most=100)

    assert len(problems) == 2
    kept = f"{problems} {teller.store._told} {teller.store._settings} {caplog.text}"
    assert "4711" not in kept


async def test_an_unreadable_standing_is_begun_anew() -> None:
    """Rather than never telling anybody anything again."""
    channel = Channel()
    teller = a_teller(channel)
    await teller.store.write("channel/slack", {"since": "nonsense"})
    await teller.open()
    await teller.round()

    assert len(channel.told) == 1
    assert isinstance(await standing("slack", teller.store), Standing)
