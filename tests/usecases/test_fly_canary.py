"""A canary flies when it is time, and somebody notices when it does not come back."""

from datetime import timedelta

import pytest

from shared.domain.ticket import Outcome
from shared.stores.memory import MemoryStore
from shared.usecases.close_ticket import close_ticket
from shared.usecases.fly_canary import fly_canary, latest_canary
from tests.support.builders import StoppedClock, an_opening

ID, EVERY = "TIK-20261120-000001", timedelta(minutes=15)


class Webhook:
    """Answers as told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.sent: list[bytes] = []

    async def __call__(self, body: bytes) -> str:
        """Take a canary."""
        self.sent.append(body)
        if self.error is not None:
            raise self.error
        return ID


@pytest.fixture
def clock() -> StoppedClock:
    """Return the time."""
    return StoppedClock()


async def test_it_flies_when_it_is_time(clock: StoppedClock) -> None:
    """Once in a while, whoever asks how often."""
    store, webhook = MemoryStore(), Webhook()
    for _ in range(31):
        await fly_canary(store, clock, webhook, every=EVERY)
        clock.advance(minutes=1)
    assert len(webhook.sent) == 3
    assert len(set(webhook.sent)) == 3


async def test_it_comes_through(clock: StoppedClock) -> None:
    """From sending to the end of its ticket."""
    store = MemoryStore()
    await store.create(an_opening(ID))
    await fly_canary(store, clock, Webhook(), every=EVERY)
    clock.advance(seconds=2)
    await close_ticket(ID, Outcome.FALSE_POSITIVE, "came through", store, clock)
    clock.advance(minutes=30)

    canary = await latest_canary(store)
    assert canary is not None
    assert (canary.seconds, canary.is_late(clock.now())) == (2.0, False)


@pytest.mark.parametrize("fate", ["never answered", "refused", "wrong end"])
async def test_somebody_notices(clock: StoppedClock, fate: str) -> None:
    """Whatever keeps it from coming through."""
    store = MemoryStore()
    await store.create(an_opening(ID))
    webhook = Webhook(OSError("no route") if fate == "refused" else None)
    canary = await fly_canary(store, clock, webhook, every=EVERY)
    assert canary is not None
    assert canary.is_late(clock.now()) is (fate == "refused")
    if fate == "wrong end":
        await close_ticket(ID, Outcome.INCONCLUSIVE, "lost", store, clock)
    clock.advance(minutes=6)

    late = await latest_canary(store)
    assert late is not None
    assert late.is_late(clock.now())
    assert bool(late.problem) is (fate != "never answered")
