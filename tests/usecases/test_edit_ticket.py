"""People change tickets: one at a time, in the open, and not behind a running attempt."""

from typing import Any

import pytest

from shared.domain.alert import Severity
from shared.domain.analysis import Action
from shared.domain.attempt import Attempt, AttemptState, StepKind, attempt_key
from shared.domain.errors import IllegalTransition, InvalidInput, PreconditionFailed
from shared.domain.ticket import Outcome, Status, Ticket
from shared.ports.audit import AuditQuery
from shared.stores.memory import MemoryStore
from shared.usecases.close_ticket import close_ticket
from shared.usecases.edit_ticket import Edit, cancel_ticket, edit_ticket
from shared.usecases.operator_settings import change_policy_settings
from tests.support.builders import NOW, RUN, StoppedClock, an_opening

ID = "TIK-20261120-000001"


@pytest.fixture
def clock() -> StoppedClock:
    """Return the time."""
    return StoppedClock()


@pytest.fixture
async def store() -> MemoryStore:
    """Return a store with one open ticket."""
    chosen = MemoryStore()
    await chosen.create(an_opening(ID))
    return chosen


async def edit(store: MemoryStore, clock: StoppedClock, version: int = 1, **what: Any) -> Ticket:
    """Change the ticket as ana."""
    asked = Edit.model_validate(what)
    return await edit_ticket(
        ID, asked, version, actor="ana", store=store, clock=clock, sla_minutes=60
    )


async def with_attempt(store: MemoryStore, state: AttemptState) -> Ticket:
    """Give the ticket an attempt in ``state``."""
    attempt = Attempt(
        number=1,
        key=attempt_key(ID, 1),
        action=Action.RERUN_PIPELINE,
        plan=(StepKind.RERUN_PIPELINE,),
        state=AttemptState.INTENT,
        target="5",
        reference_run_id=RUN,
        started_at=NOW,
    )
    await store.update(ID, lambda one: one.changed(NOW, "t", "m", status=Status.ANALYZING))
    await store.update(
        ID,
        lambda one: one.changed(NOW, "t", "m", status=Status.REMEDIATING, attempts=(attempt,)),
    )
    if state is not AttemptState.INTENT:
        await store.update(
            ID, lambda one: one.changed(NOW, "t", "m", attempts=(attempt.moved_to(state),))
        )
    return await store.get(ID)


async def test_what_changed_is_told_with_who(store: MemoryStore, clock: StoppedClock) -> None:
    """One event, and one entry of the audit trail."""
    changed = await edit(
        store, clock, severity="low", assignee="bo", note="call the vendor, pwd=hunter2hunter2"
    )

    assert (changed.severity, changed.assignee, changed.version) == (Severity.LOW, "bo", 2)
    event = (await store.events(ID))[-1]
    assert (event.type, event.actor) == ("ticket.edited", "ana")
    assert event.message.startswith("severity high → low; assignee nobody → bo; call the vendor")
    assert "hunter2" not in event.model_dump_json()
    assert [one.actor for one in await store.audit(AuditQuery(subject=ID))] == ["system", "ana"]


async def test_an_assignee_can_be_taken_away(store: MemoryStore, clock: StoppedClock) -> None:
    """``null`` is not the same as nothing."""
    await edit(store, clock, assignee="bo")
    assert (await edit(store, clock, 2, severity="low")).assignee == "bo"
    assert (await edit(store, clock, 3, assignee=None)).assignee is None


async def test_nobody_undoes_what_they_have_not_seen(
    store: MemoryStore, clock: StoppedClock
) -> None:
    """The second of two who have read the same version is told so."""
    await edit(store, clock, note="first")
    with pytest.raises(PreconditionFailed, match="version 2, not 1"):
        await edit(store, clock, note="second")


@pytest.mark.parametrize(
    ("what", "status", "outcome"),
    [
        ({"status": "resolved"}, Status.RESOLVED, Outcome.RESOLVED_MANUALLY),
        ({"status": "closed"}, Status.CLOSED, Outcome.CANCELLED),
        (
            {"status": "closed", "outcome": "false_positive"},
            Status.CLOSED,
            Outcome.FALSE_POSITIVE,
        ),
        ({"status": "escalated"}, Status.ESCALATED, Outcome.NOT_REMEDIABLE),
    ],
)
async def test_a_person_ends_it(
    store: MemoryStore, clock: StoppedClock, what: dict[str, Any], status: Status, outcome: Outcome
) -> None:
    """With an outcome that fits, a summary, and their name."""
    clock.advance(minutes=12)
    ended = await edit(store, clock, assignee="bo", **what)

    assert (ended.status, ended.outcome, ended.closed_by) == (status, outcome, "ana")
    assert (ended.assignee, ended.closed_at, bool(ended.summary)) == ("bo", clock.now(), True)
    assert ended.mttr_minutes == (12.0 if status is Status.RESOLVED else None)


async def test_what_was_handed_over_is_ended_by_hand(
    store: MemoryStore, clock: StoppedClock
) -> None:
    """Escalated is a person's; resolved is the end."""
    await close_ticket(ID, Outcome.NOT_HEALED, "no luck", store, clock)
    ended = await edit(store, clock, 2, status="resolved")
    assert ended.outcome is Outcome.RESOLVED_MANUALLY
    for status in ("closed", "escalated"):
        with pytest.raises(IllegalTransition):
            await edit(store, clock, 3, status=status)


@pytest.mark.parametrize(
    ("what", "field"),
    [
        ({}, "body"),
        ({"status": "analyzing"}, "status"),
        ({"outcome": "cancelled"}, "outcome"),
        ({"status": "resolved", "outcome": "healed"}, "outcome"),
        ({"status": "closed", "outcome": "rejected"}, "outcome"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    store: MemoryStore, clock: StoppedClock, what: dict[str, Any], field: str
) -> None:
    """Only a machine heals; an end needs a fitting outcome."""
    with pytest.raises(InvalidInput) as caught:
        await edit(store, clock, **what)
    assert caught.value.field == field
    assert (await store.get(ID)).version == 1


async def test_nobody_ends_it_behind_an_attempts_back(
    store: MemoryStore, clock: StoppedClock
) -> None:
    """What has been sent is seen to its end first."""
    ticket = await with_attempt(store, AttemptState.SENDING)
    with pytest.raises(IllegalTransition, match="attempt 1"):
        await edit(store, clock, ticket.version, status="resolved")

    cancelled = await cancel_ticket(ID, "wrong day", actor="ana", store=store, clock=clock)
    again = await cancel_ticket(ID, "", actor="ana", store=store, clock=clock)
    assert (cancelled.status, cancelled.cancel_requested) == (Status.REMEDIATING, True)
    assert again.version == cancelled.version


async def test_an_intent_is_taken_back(store: MemoryStore, clock: StoppedClock) -> None:
    """Nothing has left yet: the attempt ends with the ticket and can never be sent."""
    await with_attempt(store, AttemptState.INTENT)
    cancelled = await cancel_ticket(ID, "", actor="ana", store=store, clock=clock)

    assert (cancelled.status, cancelled.outcome) == (Status.CLOSED, Outcome.CANCELLED)
    assert cancelled.attempts[0].state is AttemptState.CANCELLED
    with pytest.raises(IllegalTransition, match="ended already"):
        await cancel_ticket(ID, "", actor="ana", store=store, clock=clock)


async def test_the_target_follows_the_severity_until_the_end(
    store: MemoryStore, clock: StoppedClock
) -> None:
    """As the policy has it; what has ended keeps the target it was judged by."""
    said = {Severity.CRITICAL: 15.0, Severity.LOW: 480.0}
    await change_policy_settings(
        store, lambda one: one.model_copy(update={"sla_minutes_by_severity": said})
    )

    assert (await edit(store, clock, severity="critical")).sla.target_minutes == 15
    assert (await edit(store, clock, version=2, severity="medium")).sla.target_minutes == 60
    await close_ticket(ID, Outcome.NOT_REMEDIABLE, "so", store, clock)
    assert (await edit(store, clock, version=4, severity="low")).sla.target_minutes == 60
