"""Every kind of ticket that was left alone is taken up again, or handed over."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.analysis import Action, Risk
from shared.domain.approval import Approval, ApprovalStatus, Plan, approval_id
from shared.domain.attempt import Attempt, AttemptState, StepKind, attempt_key
from shared.domain.event import UNDO
from shared.domain.ticket import Outcome, Status
from shared.ports.orchestrations import Standing
from shared.stores.memory import MemoryStore
from shared.usecases.close_ticket import close_ticket
from shared.usecases.episode import claim_episode
from shared.usecases.sweep import MAX_EPISODES, Found, sweep
from tests.support.builders import NOW, RUN, StoppedClock, an_opening

ID = "TIK-20261120-000001"
WATCH = timedelta(hours=2)


class Orchestrations:
    """Stand as a test says."""

    def __init__(self, standing: Standing = Standing.RUNNING) -> None:
        self.now = standing
        self.stopped: list[str] = []

    async def standing(self, instance_id: str) -> Standing:
        """See the protocol."""
        _ = instance_id
        return self.now

    async def stop(self, instance_id: str, why: str) -> None:
        """See the protocol."""
        _ = why
        self.stopped.append(instance_id)


@pytest.fixture
def clock() -> StoppedClock:
    """Return the time."""
    return StoppedClock()


@pytest.fixture
async def store(clock: StoppedClock) -> MemoryStore:
    """Return a store with one ticket that an orchestration has claimed."""
    chosen = MemoryStore()
    await chosen.create(an_opening(ID))
    await claim_episode(ID, f"rem-{ID}-1", chosen, clock)
    return chosen


async def swept(store: MemoryStore, clock: StoppedClock, standing: Standing) -> list[Found]:
    """Sweep once."""
    return await sweep(store, Orchestrations(standing), clock, longest_watch=WATCH, awake_since=NOW)


async def ask(store: MemoryStore, **fields: Any) -> None:
    """Let the ticket wait for a decision."""
    plan = Plan(
        action=Action.RERUN_PIPELINE, target="load", scope="", run_id=RUN, risk=Risk.LOW,
        attempt_number=1,
    )  # fmt: skip
    question = Approval(
        id=approval_id(ID, 1), ticket_id=ID, number=1, plan=plan, plan_hash=plan.hash,
        requested_at=NOW, **fields,
    )  # fmt: skip
    await store.update(
        ID,
        lambda ticket: ticket.changed(
            NOW, "t", "m", status=Status.AWAITING_APPROVAL, approval=question
        ),
    )


@pytest.mark.parametrize(
    ("standing", "silent"),
    [
        (Standing.OVER, timedelta(minutes=2)),
        (Standing.UNKNOWN, timedelta(minutes=2)),
        (Standing.PENDING, timedelta(minutes=5)),
        (Standing.RUNNING, WATCH + timedelta(minutes=30)),
    ],
)
async def test_a_ticket_left_alone_gets_a_new_orchestration(
    store: MemoryStore, clock: StoppedClock, standing: Standing, silent: timedelta
) -> None:
    """With an id of its own, started through the outbox; not a moment too early."""
    clock.at = NOW + silent - timedelta(seconds=1)
    assert await swept(store, clock, standing) == []
    clock.at = NOW + silent

    (found,) = await swept(store, clock, standing)

    ticket = await store.get(ID)
    (errand,) = await store.errands()
    assert not found.given_up
    assert (ticket.episode.number, ticket.episode.claimed_by) == (2, None)
    assert errand.item.payload["instance_id"] == f"rem-{ID}-2"
    assert (await store.events(ID))[-1].type == "ticket.taken_up_again"
    assert await claim_episode(ID, f"rem-{ID}-1", store, clock) is None
    assert await claim_episode(ID, f"rem-{ID}-2", store, clock) is not None


async def test_a_start_that_waits_in_the_outbox_is_not_doubled(
    store: MemoryStore, clock: StoppedClock
) -> None:
    """The outbox's own timer sees to it."""
    clock.advance(minutes=10)
    await swept(store, clock, Standing.OVER)
    clock.advance(minutes=10)

    assert await swept(store, clock, Standing.UNKNOWN) == []
    assert (await store.get(ID)).episode.number == 2


def an_attempt(state: AttemptState, plan: tuple[StepKind, ...]) -> Attempt:
    """Return attempt 1."""
    return Attempt(
        number=1,
        key=attempt_key(ID, 1),
        action=Action.REPAIR_RUN,
        state=state,
        plan=plan,
        target="5",
        reference_run_id=RUN,
        started_at=NOW,
    )


async def having(store: MemoryStore, attempt: Attempt) -> None:
    """Give the ticket an attempt."""
    await store.update(
        ID,
        lambda ticket: ticket.changed(
            NOW, "t", "m", status=Status.REMEDIATING, attempts=(attempt,)
        ),
    )


async def test_an_attempt_that_is_being_sent_for_too_long_is_looked_after(
    store: MemoryStore, clock: StoppedClock
) -> None:
    """Nothing takes a quarter of an hour to be sent; whoever sent it is gone."""
    await having(store, an_attempt(AttemptState.SENDING, (StepKind.REPAIR_RUN,)))
    clock.advance(minutes=14)
    assert await swept(store, clock, Standing.RUNNING) == []
    clock.advance(minutes=1)
    orchestrations = Orchestrations()

    (found,) = await sweep(store, orchestrations, clock, longest_watch=WATCH, awake_since=NOW)

    assert "silent for 15 min" in found.why
    assert orchestrations.stopped == [f"rem-{ID}-1"]


async def test_after_a_long_sleep_everybody_has_time_to_wake_up(
    store: MemoryStore, clock: StoppedClock
) -> None:
    """A host that was down overnight has heard of nobody; that is nobody's fault."""
    clock.advance(hours=8)
    morning = clock.now()
    orchestrations = Orchestrations()

    clock.advance(minutes=1)
    found = await sweep(store, orchestrations, clock, longest_watch=WATCH, awake_since=morning)

    assert (found, orchestrations.stopped) == ([], [])


async def test_who_waits_for_a_person_is_left_in_peace(
    store: MemoryStore, clock: StoppedClock
) -> None:
    """An approval has its own time limit; once that is long over, nobody can be waiting."""
    await ask(store, expires_at=NOW + timedelta(hours=24))
    clock.advance(hours=24, minutes=29)
    assert await swept(store, clock, Standing.RUNNING) == []
    clock.advance(minutes=1)

    (found,) = await swept(store, clock, Standing.RUNNING)
    assert "silent for" in found.why
    assert (await store.get(ID)).episode.number == 2


async def test_an_answer_that_nobody_heeds_is_taken_up(
    store: MemoryStore, clock: StoppedClock
) -> None:
    """A yes that leads to nothing for half an hour has lost its orchestration."""
    status = ApprovalStatus.APPROVED
    await ask(store, expires_at=NOW + timedelta(hours=24), status=status, decided_by="ana")
    clock.advance(minutes=29)
    assert await swept(store, clock, Standing.RUNNING) == []
    clock.advance(minutes=1)

    assert len(await swept(store, clock, Standing.RUNNING)) == 1


async def test_what_is_lost_again_and_again_is_handed_over(
    store: MemoryStore, clock: StoppedClock
) -> None:
    """A person hears of it; it does not go on for ever."""
    for _ in range(MAX_EPISODES):
        clock.advance(minutes=10)
        found = await swept(store, clock, Standing.OVER)
        for errand in await store.errands():
            await store.done(errand)

    ticket = await store.get(ID)
    assert found[0].given_up
    assert (ticket.status, ticket.outcome) == (Status.ESCALATED, Outcome.INCONCLUSIVE)
    assert "Mend could not go on" in ticket.summary


@pytest.mark.parametrize(
    ("state", "ends"),
    [
        (AttemptState.INTENT, AttemptState.CANCELLED),
        (AttemptState.SENDING, AttemptState.TIMED_OUT),
        (AttemptState.UNKNOWN, AttemptState.TIMED_OUT),
        (AttemptState.ISSUED, AttemptState.TIMED_OUT),
        (AttemptState.FAILED, AttemptState.FAILED),
    ],
)
async def test_no_attempt_outlives_its_ticket(
    store: MemoryStore, clock: StoppedClock, state: AttemptState, ends: AttemptState
) -> None:
    """It would count as running for ever, and hold up others."""
    await having(store, an_attempt(state, (StepKind.REPAIR_RUN,)))

    ticket = await close_ticket(ID, Outcome.INCONCLUSIVE, "x", store, clock)

    assert ticket.attempt(1).state is ends


async def test_what_has_to_be_taken_back_is_not_forgotten(
    store: MemoryStore, clock: StoppedClock
) -> None:
    """A ticket that ends with a cluster still resized leaves an errand."""
    plan = (StepKind.RESIZE_CLUSTER, StepKind.REPAIR_RUN)
    await having(store, an_attempt(AttemptState.ISSUED, plan))

    await close_ticket(ID, Outcome.INCONCLUSIVE, "x", store, clock)

    (errand,) = await store.errands()
    assert (errand.item.kind, errand.item.payload) == (UNDO, {"attempt": "1"})
