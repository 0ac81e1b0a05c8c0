"""What is only probably nothing stays open for a few minutes, in everybody's sight."""

from shared.domain.analysis import Action, Analysis, Category, Classification
from shared.domain.decision import Effect
from shared.domain.run import Observation, RunPhase, StepFailure
from shared.domain.ticket import Outcome
from shared.policy.backoff import Backoff
from shared.policy.rules import HOLD_SECONDS
from shared.stores.memory import MemoryStore
from shared.usecases.decide_next import Next, PolicyDefaults, decide_next
from shared.usecases.operator_settings import ExecutionMode
from tests.support.builders import NOW, StoppedClock, a_run, an_opening

ID = "TIK-20261120-000001"
DEFAULTS = PolicyDefaults(
    mode=ExecutionMode(mode="hil", confidence_threshold=0.8),
    max_attempts=3,
    backoff=Backoff(60, 2, 900),
)


async def decided(store: MemoryStore, clock: StoppedClock) -> Next:
    """Decide once more."""
    return await decide_next(ID, store, clock, defaults=DEFAULTS, random=lambda: 0.5)


async def harmless(confidence: float) -> MemoryStore:
    """Return a store with a ticket of a green run whose step says that it was only a test."""
    store = MemoryStore()
    await store.create(an_opening(ID))
    analysis = Analysis(
        classification=Classification.FALSE_POSITIVE,
        category=Category.BENIGN,
        confidence=confidence,
        action=Action.NONE,
        method="signature",
    )
    seen = Observation(
        at=NOW, run=a_run(phase=RunPhase.SUCCEEDED), failures=(StepFailure(step="test"),)
    )
    await store.update(
        ID, lambda ticket: ticket.changed(NOW, "t", "m", analysis=analysis, observation=seen)
    )
    return store


async def test_is_held_and_then_closed() -> None:
    """A minute at a time, said once, whatever the mode; never longer than promised."""
    store, waited = await harmless(0.7), 0.0
    clock = StoppedClock((await store.get(ID)).created_at)

    found = await decided(store, clock)
    while found.decision.outcome is Effect.WAIT:
        assert found.decision.ticket_outcome == Outcome.FALSE_POSITIVE
        assert 1 <= found.wait_seconds <= 60
        waited += found.wait_seconds
        clock.advance(seconds=found.wait_seconds)
        found = await decided(store, clock)

    assert waited == HOLD_SECONDS
    assert found.decision.outcome is Effect.CLOSE
    assert found.decision.ticket_outcome == Outcome.FALSE_POSITIVE
    said = [one.message for one in await store.events(ID) if one.type == "decision.made"]
    assert len(said) == 2
    assert "probably needs no action" in said[0]


async def test_what_is_sure_is_closed_at_once() -> None:
    """Nobody has to look at it."""
    store = await harmless(0.8)

    found = await decided(store, StoppedClock((await store.get(ID)).created_at))

    assert found.decision.outcome is Effect.CLOSE
    assert found.decision.ticket_outcome == Outcome.FALSE_POSITIVE
