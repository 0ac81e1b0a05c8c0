"""People are asked once per plan, are heard once, and silence is a no."""

import asyncio
import random
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from shared.domain.alert import Platform, Requester
from shared.domain.analysis import Action, Analysis, Risk
from shared.domain.approval import Approval, ApprovalStatus, DecisionWord, ticket_of
from shared.domain.decision import Decision, Effect, Reason
from shared.domain.errors import (
    AlreadyDecided,
    Forbidden,
    IllegalTransition,
    InvalidInput,
    MendError,
    NotFound,
    PlanChanged,
)
from shared.domain.identity import LOCAL
from shared.domain.run import Observation
from shared.domain.ticket import Outcome, Status, Ticket, Wish
from shared.stores.memory import MemoryStore
from shared.stores.sqlite import SqliteStore
from shared.usecases.approvals import (
    EXECUTE_WITHIN,
    Answer,
    decide_approval,
    delegate_approval,
    find_approval,
    look_at_approval,
    plan_of,
    request_approval,
)
from shared.usecases.close_ticket import close_ticket
from shared.usecases.take_back_approval import take_back_approval
from tests.support.builders import NOW, RUN, StoppedClock, a_run, an_opening

ID = "TIK-20261120-000001"
HOURS = timedelta(hours=4)
YES, NO = DecisionWord.APPROVE, DecisionWord.REJECT
Store = MemoryStore | SqliteStore


@pytest.fixture
def clock() -> StoppedClock:
    """Return the time."""
    return StoppedClock()


@pytest.fixture
def store() -> MemoryStore:
    """Return an empty store."""
    return MemoryStore()


async def to_be_asked(
    store: Store, ticket_id: str = ID, *, run_id: str = RUN, risk: Risk = Risk.MEDIUM
) -> None:
    """Store a ticket whose decision is to ask."""
    await store.create(an_opening(ticket_id))
    decision = Decision(
        outcome=Effect.ASK,
        action=Action.RERUN_PIPELINE,
        risk=risk,
        reasons=(
            Reason(rule="mode", verdict="ask", text="the mode is HIL"),
            Reason(rule="kill_switch", verdict="allow", text="off"),
        ),
        policy_version="5",
        input_hash="x",
    )
    await store.update(
        ticket_id,
        lambda one: one.changed(
            NOW, "t", "m",
            status=Status.ANALYZING,
            platform=Platform.ADF,
            observation=Observation(at=NOW, run=a_run(run_id)),
            analysis=Analysis(signature="sql-timeout"),
            decision=decision,
        ),
    )  # fmt: skip


async def asked(
    store: Store, clock: StoppedClock, ticket_id: str = ID, quorum: int = 1
) -> Approval:
    """Ask and return the question."""
    found = await request_approval(ticket_id, store, clock, time_to_decide=HOURS, quorum=quorum)
    assert found is not None
    return found


async def test_a_question_shows_its_plan(store: MemoryStore, clock: StoppedClock) -> None:
    """What, why, until when; asked again it is the same question."""
    await to_be_asked(store)
    question = await asked(store, clock)
    again = await asked(store, clock)

    assert question == again
    assert question.id == "APR-20261120-000001-1"
    assert ticket_of(question.id) == ID
    assert question.plan.action is Action.RERUN_PIPELINE
    assert question.reasons == ("the mode is HIL",)
    assert question.expires_at == NOW + HOURS
    ticket = await store.get(ID)
    assert (ticket.status, ticket.approval) == (Status.AWAITING_APPROVAL, question)


async def test_who_agrees_lets_it_happen_for_a_while(
    store: MemoryStore, clock: StoppedClock
) -> None:
    """To this plan, for half an hour."""
    await to_be_asked(store)
    question = await asked(store, clock)
    decided = await decide_approval(
        question.id, Answer(YES, "ana", plan_hash=question.plan_hash), store, clock
    )

    assert (decided.status, decided.decided_by) == (ApprovalStatus.APPROVED, "ana")
    plan = plan_of(await store.get(ID), risk=Risk.MEDIUM)
    assert plan is not None
    assert decided.is_good_for(plan, clock.now() + EXECUTE_WITHIN)
    assert not decided.is_good_for(plan, clock.now() + EXECUTE_WITHIN + timedelta(seconds=1))
    assert not decided.is_good_for(plan.model_copy(update={"risk": Risk.HIGH}), clock.now())
    assert await look_at_approval(ID, question.id, store, clock) == "approved"


async def test_who_is_late_is_told_by_whom(store: MemoryStore, clock: StoppedClock) -> None:
    """Decided is decided."""
    await to_be_asked(store)
    question = await asked(store, clock)
    await decide_approval(question.id, Answer(NO, "ana", "not at month end"), store, clock)

    with pytest.raises(AlreadyDecided, match="rejected already: ana, 2026-11-20 02:07:11 UTC"):
        await decide_approval(question.id, Answer(YES, "bo"), store, clock)
    found, _ = await find_approval(question.id, store)
    assert (found.status, found.reason) == (ApprovalStatus.REJECTED, "not at month end")


async def test_a_changed_plan_is_another_question(store: MemoryStore, clock: StoppedClock) -> None:
    """The old one is taken back; its page says so; its hash is no good for the new one."""
    await to_be_asked(store)
    old = await asked(store, clock)
    await store.update(
        ID,
        lambda one: one.changed(
            NOW, "t", "m", observation=Observation(at=NOW, run=a_run("another-run"))
        ),
    )
    new = await asked(store, clock)

    assert (new.number, new.plan_hash != old.plan_hash) == (2, True)
    assert await look_at_approval(ID, old.id, store, clock) is ApprovalStatus.REVOKED
    with pytest.raises(AlreadyDecided, match="taken back"):
        await decide_approval(old.id, Answer(YES, "ana"), store, clock)
    with pytest.raises(PlanChanged):
        await decide_approval(new.id, Answer(YES, "ana", plan_hash=old.plan_hash), store, clock)
    assert (await find_approval(old.id, store))[0].status is ApprovalStatus.REVOKED


async def test_silence_is_a_no(store: MemoryStore, clock: StoppedClock) -> None:
    """Reminded three times, then it runs out; nobody can say yes afterwards."""
    await to_be_asked(store)
    question = await asked(store, clock)
    seen = []
    for _ in range(17):
        seen.append(await look_at_approval(ID, question.id, store, clock))
        clock.advance(minutes=15)

    assert seen == [ApprovalStatus.PENDING] * 16 + [ApprovalStatus.EXPIRED]
    types = [event.type for event in await store.events(ID)]
    assert types.count("approval.reminder") == 3
    with pytest.raises(AlreadyDecided):
        await decide_approval(question.id, Answer(YES, "ana"), store, clock)


async def test_the_last_second_belongs_to_nobody_twice(
    store: MemoryStore, clock: StoppedClock
) -> None:
    """A yes after the time is up is refused, though nobody has looked since."""
    await to_be_asked(store)
    question = await asked(store, clock)
    clock.advance(hours=4)
    with pytest.raises(AlreadyDecided, match="run out"):
        await decide_approval(question.id, Answer(YES, "ana"), store, clock)


async def test_two_have_to_agree_where_two_are_wanted(
    store: MemoryStore, clock: StoppedClock
) -> None:
    """Twice the same person is one; one no ends it."""
    await to_be_asked(store)
    question = await asked(store, clock, quorum=2)
    first = await decide_approval(question.id, Answer(YES, "ana"), store, clock)
    with pytest.raises(Forbidden, match="ana has agreed already"):
        await decide_approval(question.id, Answer(YES, "ana"), store, clock)
    second = await decide_approval(question.id, Answer(YES, "bo"), store, clock)

    assert (first.status, second.status) == (ApprovalStatus.PENDING, ApprovalStatus.APPROVED)


async def test_people_are_told_apart_by_id(store: MemoryStore, clock: StoppedClock) -> None:
    """Not by name: one may have two, and two the same."""
    await to_be_asked(store)
    question = await asked(store, clock, quorum=2)
    await decide_approval(question.id, Answer(YES, "ana", oid="1"), store, clock)
    with pytest.raises(Forbidden, match="has agreed already"):
        await decide_approval(question.id, Answer(YES, "ana b", via="link", oid="1"), store, clock)
    second = await decide_approval(question.id, Answer(YES, "ana", oid="2"), store, clock)

    assert second.status is ApprovalStatus.APPROVED
    assert [one.oid for one in second.votes] == ["1", "2"]


@pytest.mark.parametrize(
    ("risk", "wanted"), [(Risk.LOW, 1), (Risk.MEDIUM, 1), (Risk.HIGH, 2)], ids=str
)
async def test_high_risk_takes_two(
    store: MemoryStore, clock: StoppedClock, risk: Risk, wanted: int
) -> None:
    """Where people are known; one yes leaves the question open, the second ends it."""
    await to_be_asked(store, risk=risk)
    ask = partial(request_approval, ID, store, clock, time_to_decide=HOURS, quorum_if_high=2)
    question = await ask()
    assert question is not None
    for number in range(1, wanted + 1):
        word = Answer(YES, f"person {number}", oid=str(number))
        decided = await decide_approval(question.id, word, store, clock)
        assert (decided.status is ApprovalStatus.APPROVED) is (number == wanted)
    again = await ask()

    assert (question.quorum, again) == (wanted, decided)


async def test_one_yes_is_not_carried_over_to_where_two_are_wanted(
    store: MemoryStore, clock: StoppedClock
) -> None:
    """A host that learns who people are asks again."""
    await to_be_asked(store, risk=Risk.HIGH)
    alone = await asked(store, clock)
    await decide_approval(alone.id, Answer(YES, "local user", oid="local"), store, clock)
    anew = await request_approval(ID, store, clock, time_to_decide=HOURS, quorum_if_high=2)

    assert anew is not None
    assert (anew.id != alone.id, anew.quorum, anew.status) == (True, 2, ApprovalStatus.PENDING)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(NO, "ana", "  "), InvalidInput),
        (Answer(NO, "ana", "x" * 1_001), InvalidInput),
        (Answer(YES, "ana", plan_hash="0" * 64), PlanChanged),
    ],
)
async def test_what_is_refused_changes_nothing(
    store: MemoryStore, clock: StoppedClock, answer: Answer, error: type[MendError]
) -> None:
    """A no needs a reason; a yes the right plan."""
    await to_be_asked(store)
    question = await asked(store, clock)
    with pytest.raises(error):
        await decide_approval(question.id, answer, store, clock)
    assert (await find_approval(question.id, store))[0] == question


@pytest.mark.parametrize(
    "id_", ["APR-20261120-000001-2", "APR-x-1", "TIK-1", "", "APR-1", "APR--1"]
)
async def test_no_such_question(store: MemoryStore, clock: StoppedClock, id_: str) -> None:
    """Whatever somebody makes up."""
    await to_be_asked(store)
    await asked(store, clock)
    with pytest.raises(NotFound):
        await decide_approval(id_, Answer(YES, "ana"), store, clock)


async def test_handing_on(store: MemoryStore, clock: StoppedClock) -> None:
    """To somebody else; and it is told."""
    await to_be_asked(store)
    question = await asked(store, clock)
    handed = await delegate_approval(question.id, "bo", by="ana", store=store, clock=clock)
    assert [(one.by, one.to) for one in handed.delegations] == [("ana", "bo")]
    with pytest.raises(InvalidInput):
        await delegate_approval(question.id, "ana", by="ana", store=store, clock=clock)


async def test_a_ticket_that_has_ended_asks_nobody(store: MemoryStore, clock: StoppedClock) -> None:
    """Neither before nor after."""
    await to_be_asked(store)
    question = await asked(store, clock)
    await close_ticket(ID, Outcome.CANCELLED, "stopped", store, clock)

    with pytest.raises(AlreadyDecided, match="ended"):
        await decide_approval(question.id, Answer(YES, "ana"), store, clock)
    assert await look_at_approval(ID, question.id, store, clock) is ApprovalStatus.REVOKED
    assert await request_approval(ID, store, clock, time_to_decide=HOURS) is None


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_thousand_races_have_one_winner_each(kind: str, tmp_path: Path) -> None:
    """Approve, reject, run out, taken back, ended: exactly one gets through; the rest hear why."""
    store: Store = MemoryStore() if kind == "memory" else SqliteStore(tmp_path / "mend.db")
    chance, rounds = random.Random(7), 1_000 if kind == "memory" else 200
    winners: dict[str, int] = {}
    for number in range(rounds):
        ticket_id, clock = f"TIK-20261120-{number:06X}", StoppedClock()
        await to_be_asked(store, ticket_id)
        question = await asked(store, clock, ticket_id)
        late = StoppedClock(NOW + HOURS)
        changed = Observation(at=NOW, run=a_run("another"))

        async def replan(id_: str = ticket_id, seen: Observation = changed) -> None:
            await store.update(
                id_, partial(Ticket.changed, at=NOW, type_="t", message="m", observation=seen)
            )
            await request_approval(id_, store, StoppedClock(), time_to_decide=HOURS)

        calls = [
            decide_approval(question.id, Answer(YES, "ana"), store, clock),
            decide_approval(question.id, Answer(NO, "bo", "no"), store, clock),
            look_at_approval(ticket_id, question.id, store, late),
            replan(),
            close_ticket(ticket_id, Outcome.CANCELLED, "stopped", store, clock),
        ]
        chance.shuffle(calls)
        results = await asyncio.gather(*calls, return_exceptions=True)

        errors = [one for one in results if isinstance(one, BaseException)]
        assert all(isinstance(one, AlreadyDecided) for one in errors), errors
        events = await store.events(ticket_id)
        ends = [
            event.type
            for event in events
            if event.type in {"approval.approved", "approval.rejected", "approval.expired"}
            and event.data["approval_id"] == question.id
        ]
        assert len(ends) <= 1
        winner = ends[0] if ends else "taken back or ended"
        winners[winner] = winners.get(winner, 0) + 1
    await store.close()
    assert len(winners) == 4, winners


@pytest.mark.parametrize(
    ("asked_by", "said_by", "may"),
    [
        ("1", "1", False),
        ("1", "", False),  # whoever holds a link, which may be the same person
        ("1", "2", True),
        (LOCAL.oid, LOCAL.oid, True),  # where nobody signs in there is but one
    ],
)
@pytest.mark.parametrize("for_what", ["the ticket", "an action"])
async def test_who_asks_does_not_agree(
    store: MemoryStore,
    clock: StoppedClock,
    asked_by: str,
    said_by: str,
    may: bool,
    for_what: str,
) -> None:
    """They may say no."""
    await to_be_asked(store)
    ana = Requester(name="ana", oid=asked_by)
    wish = Wish(action=Action.RERUN_PIPELINE, by=ana, at=NOW, attempt_number=1)
    asks: dict[str, Any] = (
        {"requested_by": ana} if for_what == "the ticket" else {"requested": wish}
    )
    await store.update(ID, lambda one: one.changed(NOW, "t", "m", **asks))
    question = await asked(store, clock)
    if not may:
        with pytest.raises(Forbidden, match="somebody else has to agree"):
            await decide_approval(question.id, Answer(YES, "x", oid=said_by), store, clock)
    word = Answer(YES if may else NO, "x", "because", oid=said_by)
    decided = await decide_approval(question.id, word, store, clock)

    assert decided.status is (ApprovalStatus.APPROVED if may else ApprovalStatus.REJECTED)


async def test_a_yes_is_taken_back_once_and_with_a_reason(
    store: MemoryStore, clock: StoppedClock
) -> None:
    """What is no yes, or none any more, cannot be; afterwards the same is asked anew."""
    await to_be_asked(store)
    question = await asked(store, clock)
    take_back = partial(take_back_approval, by="bo", oid="2", store=store, clock=clock)
    with pytest.raises(IllegalTransition, match="no yes"):
        await take_back(question.id, "too early")
    await decide_approval(question.id, Answer(YES, "ana"), store, clock)
    for reason in (" ", "x" * 1_001):
        with pytest.raises(InvalidInput):
            await take_back(question.id, reason)
    gone = await take_back(question.id, "wrong week, password=hunter2")

    assert (gone.status, gone.decided_by) == (ApprovalStatus.REVOKED, "ana")
    assert "hunter2" not in str(await store.get(ID)) + str(await store.events(ID))
    with pytest.raises(IllegalTransition, match="no yes"):
        await take_back(question.id, "again")
    with pytest.raises(AlreadyDecided, match="revoked already"):
        await decide_approval(question.id, Answer(YES, "cy"), store, clock)
    assert await look_at_approval(ID, question.id, store, clock) is ApprovalStatus.REVOKED
    assert (await asked(store, clock)).number == question.number + 1
