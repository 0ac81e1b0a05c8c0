"""At most one request per attempt, whatever is repeated, lost or killed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.domain.analysis import Action, Analysis, Risk
from shared.domain.approval import Approval, ApprovalStatus, approval_id
from shared.domain.attempt import Attempt, AttemptOutcome, AttemptState
from shared.domain.decision import Decision, Effect
from shared.domain.errors import OutcomeUnknown, Refused, Transient, Unavailable
from shared.domain.run import Observation, RunPhase
from shared.domain.ticket import Status
from shared.stores.memory import MemoryStore
from shared.stores.sqlite import SqliteStore
from shared.usecases.approvals import plan_of
from shared.usecases.operator_settings import KillSwitch, change_kill_switch
from shared.usecases.prepare_attempt import Prepared, prepare_attempt
from shared.usecases.reconcile_attempt import reconcile_attempt
from shared.usecases.send_attempt import Sent, send_attempt
from shared.usecases.take_back_approval import take_back_approval
from tests.support.builders import NOW, RUN, StoppedClock, a_run, an_opening
from tests.support.pipelines import ScriptedPipelines, remedies_of

Store = MemoryStore | SqliteStore
ID = "TIK-20261120-000001"


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Yield a store with one ticket that policy has decided to remediate."""
    chosen: Store = (
        MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "mend.db")
    )
    await chosen.create(an_opening(ID))
    await chosen.update(
        ID,
        lambda ticket: ticket.changed(
            NOW,
            "decision.made",
            "execute",
            status=Status.ANALYZING,
            observation=Observation(at=NOW, run=a_run()),
            analysis=Analysis(signature="sql-connection-timeout"),
            decision=Decision(
                outcome=Effect.EXECUTE,
                action=Action.RERUN_FROM_FAILURE,
                risk=Risk.LOW,
                reasons=(),
                policy_version="1",
                input_hash="",
            ),
        ),
    )
    yield chosen
    await chosen.close()


@pytest.fixture
def adf() -> ScriptedPipelines:
    """Return a factory in which the ticket's run has failed."""
    return ScriptedPipelines(a_run())


async def prepare(store: Store, adf: ScriptedPipelines, number: int = 1) -> Prepared:
    """Store the intent of attempt ``number``."""
    return await prepare_attempt(ID, number, store, adf, remedies_of(adf), StoppedClock())


async def send(store: Store, adf: ScriptedPipelines) -> Sent:
    """Deliver the activity that sends attempt 1."""
    return await send_attempt(ID, 1, store, remedies_of(adf), StoppedClock())


async def reconcile(
    store: Store, adf: ScriptedPipelines, clock: StoppedClock | None = None, *, last_look: bool
) -> Attempt:
    """Look once for attempt 1."""
    now = clock or StoppedClock()
    remedies = remedies_of(adf, now)
    return await reconcile_attempt(ID, 1, store, adf, remedies, now, last_look=last_look)


async def state(store: Store) -> AttemptState:
    """Return the state of attempt 1."""
    return (await store.get(ID)).attempt(1).state


async def test_it_is_sent_once_and_recorded(store: Store, adf: ScriptedPipelines) -> None:
    """The normal way: intent, sending, issued with the new run's id."""
    await prepare(store, adf)

    sent = await send(store, adf)

    assert sent == Sent(AttemptState.ISSUED, "rerun-1")
    assert adf.reruns == [("load_customer_data", RUN, True)]
    assert (await store.get(ID)).status is Status.MONITORING
    types = [event.type for event in await store.events(ID)][-3:]
    assert types == ["remediation.intent", "remediation.sending", "remediation.issued"]


async def test_a_thousand_deliveries_send_once(store: Store, adf: ScriptedPipelines) -> None:
    """Durable may run an activity again and again, also at the same time."""
    await prepare(store, adf)

    await asyncio.gather(*(send(store, adf) for _ in range(1000)))

    assert len(adf.reruns) == 1
    assert await state(store) is AttemptState.ISSUED


async def test_a_lost_answer_is_never_sent_again(store: Store, adf: ScriptedPipelines) -> None:
    """After a 504 the run may be there: every further delivery only reports."""
    await prepare(store, adf)

    def lose() -> str:
        raise OutcomeUnknown("adf", "createRun: HTTP 504", status=504)

    adf.on_rerun = lose
    states = [(await send(store, adf)).state for _ in range(3)]

    assert states == [AttemptState.UNKNOWN] * 3
    assert len(adf.reruns) == 1


async def test_a_process_that_dies_while_sending_leaves_unknown(
    store: Store, adf: ScriptedPipelines
) -> None:
    """Whoever finds ``sending`` after a restart does not send."""
    await prepare(store, adf)

    def die() -> str:
        raise KeyboardInterrupt

    adf.on_rerun = die
    with pytest.raises(KeyboardInterrupt):
        await send(store, adf)
    assert await state(store) is AttemptState.SENDING

    assert (await send(store, adf)).state is AttemptState.UNKNOWN
    assert len(adf.reruns) == 1


async def test_turned_away_before_anything_happened_may_be_sent_again(
    store: Store, adf: ScriptedPipelines
) -> None:
    """A 429 or a refused connection puts the attempt back to intent."""
    await prepare(store, adf)

    def throttle() -> str:
        raise Transient("adf", "createRun: HTTP 429", status=429, retry_after_seconds=7)

    adf.on_rerun = throttle
    first = await send(store, adf)
    adf.on_rerun = lambda: "rerun-2"
    second = await send(store, adf)

    assert (first.state, first.retry_after_seconds) == (AttemptState.INTENT, 7)
    assert second == Sent(AttemptState.ISSUED, "rerun-2")


async def test_refused_for_good_fails_the_attempt(store: Store, adf: ScriptedPipelines) -> None:
    """A 403 will not become better."""
    await prepare(store, adf)

    def refuse() -> str:
        raise Refused("adf", "createRun: HTTP 403", status=403)

    adf.on_rerun = refuse
    sent = await send(store, adf)

    assert sent.state is AttemptState.FAILED
    assert "403" in sent.problem
    assert (await store.get(ID)).attempt(1).outcome is AttemptOutcome.NOT_HEALED


async def test_the_kill_switch_is_read_right_before_the_send(
    store: Store, adf: ScriptedPipelines
) -> None:
    """Switched on after the decision, it still stops the request."""
    await prepare(store, adf)
    await change_kill_switch(store, lambda _: KillSwitch(on=True, reason="month end"))

    sent = await send(store, adf)

    assert sent.state is AttemptState.CANCELLED
    assert "month end" in sent.problem
    assert adf.reruns == []


async def test_an_unreadable_kill_switch_means_no(store: Store, adf: ScriptedPipelines) -> None:
    """A guard that cannot be read does not let anything pass."""
    await prepare(store, adf)
    await store.write("kill-switch", {"on": "perhaps"})

    with pytest.raises(Unavailable):
        await send(store, adf)

    assert adf.reruns == []


async def test_preparing_twice_is_one_attempt(store: Store, adf: ScriptedPipelines) -> None:
    """A repeated delivery finds the intent and keeps it."""
    assert await prepare(store, adf) == Prepared("ready")
    assert await prepare(store, adf) == Prepared("ready")

    assert len((await store.get(ID)).attempts) == 1


@pytest.mark.parametrize("phase", [RunPhase.ACTIVE, RunPhase.SUCCEEDED])
async def test_somebody_elses_rerun_is_not_doubled(
    store: Store, adf: ScriptedPipelines, phase: RunPhase
) -> None:
    """A person who reran it by hand in the meantime has the right of way."""
    adf.known["by-hand"] = a_run("by-hand", phase, started_at=NOW)

    assert await prepare(store, adf) == Prepared("busy", "by-hand")
    assert (await store.get(ID)).attempts == ()


async def unknown(store: Store, adf: ScriptedPipelines) -> None:
    """Bring attempt 1 to ``unknown``."""
    await prepare(store, adf)
    await store.update(
        ID,
        lambda ticket: ticket.changed(
            NOW,
            "t",
            "m",
            attempts=(ticket.attempt(1).moved_to(AttemptState.SENDING, sent_at=NOW),),
        ),
    )
    assert (await send(store, adf)).state is AttemptState.UNKNOWN


async def test_a_lost_run_is_found_and_adopted(store: Store, adf: ScriptedPipelines) -> None:
    """The run of the same group that was not there before is ours."""
    adf.known["older"] = a_run("older", started_at=NOW - timedelta(minutes=5))
    await unknown(store, adf)
    adf.known["other"] = a_run(
        "other", RunPhase.ACTIVE, group_id="group-2", started_at=NOW, by_trigger=True
    )
    adf.known["ours"] = a_run("ours", RunPhase.ACTIVE, started_at=NOW)

    found = await reconcile_attempt(
        ID, 1, store, adf, remedies_of(adf), StoppedClock(), last_look=False
    )

    assert (found.state, found.external_run_id) == (AttemptState.ISSUED, "ours")
    assert adf.reruns == []


async def test_nothing_found_keeps_looking_until_the_last_look(
    store: Store, adf: ScriptedPipelines
) -> None:
    """Only after the grace time is a request held to have never arrived."""
    await unknown(store, adf)

    early = await reconcile_attempt(
        ID, 1, store, adf, remedies_of(adf), StoppedClock(), last_look=False
    )
    late = await reconcile_attempt(
        ID, 1, store, adf, remedies_of(adf), StoppedClock(), last_look=True
    )

    assert early.state is AttemptState.UNKNOWN
    assert (late.state, late.outcome) == (AttemptState.FAILED, AttemptOutcome.NOT_HEALED)
    assert "no run appeared" in (late.error or "")


async def test_no_answer_concludes_nothing(store: Store, adf: ScriptedPipelines) -> None:
    """An outage during the last look must not be taken for "it never arrived"."""
    await unknown(store, adf)
    adf.problem = Transient("adf", "HTTP 503", status=503)

    early = await reconcile_attempt(
        ID, 1, store, adf, remedies_of(adf), StoppedClock(), last_look=False
    )
    with pytest.raises(Transient):
        await reconcile(store, adf, last_look=True)

    assert early.state is AttemptState.UNKNOWN
    assert await state(store) is AttemptState.UNKNOWN


async def test_a_second_lost_answer_does_not_adopt_an_older_run(
    store: Store, adf: ScriptedPipelines
) -> None:
    """The first failure may be minutes old and of the same group; it is not our new run."""
    clock = StoppedClock()
    adf.known = {RUN: a_run(started_at=NOW - timedelta(seconds=90))}
    await store.update(
        ID,
        lambda ticket: ticket.changed(
            NOW, "t", "m", observation=Observation(at=NOW, run=a_run("r1", started_at=NOW))
        ),
    )
    adf.known["r1"] = a_run("r1", started_at=NOW)
    clock.advance(seconds=30)
    await prepare_attempt(ID, 1, store, adf, remedies_of(adf, clock), clock)

    def lose() -> str:
        adf.known["ours"] = a_run("ours", RunPhase.ACTIVE, started_at=clock.now())
        raise OutcomeUnknown("adf", "createRun: HTTP 504", status=504)

    adf.on_rerun = lose
    await send_attempt(ID, 1, store, remedies_of(adf, clock), clock)

    found = await reconcile_attempt(
        ID, 1, store, adf, remedies_of(adf, clock), clock, last_look=False
    )
    assert found.external_run_id == "ours"


async def test_without_a_group_only_the_same_work_is_ours(
    store: Store, adf: ScriptedPipelines
) -> None:
    """Two runs that both have no group are not thereby one family."""
    await unknown(store, adf)
    stranger = a_run("stranger", RunPhase.ACTIVE, started_at=NOW, by_trigger=True)
    adf.known["stranger"] = stranger.model_copy(update={"group_id": None})

    found = await reconcile_attempt(
        ID, 1, store, adf, remedies_of(adf), StoppedClock(), last_look=False
    )

    assert found.state is AttemptState.UNKNOWN


def restored(store: Store) -> None:
    """Pretend that the store was opened anew, perhaps from a backup."""
    store.incarnation = "another"


async def test_an_intent_from_before_a_restart_is_looked_for_first(
    store: Store, adf: ScriptedPipelines
) -> None:
    """The backup says intent; in the world that was lost it has been sent and is running."""
    await prepare(store, adf)
    restored(store)
    adf.known["ours"] = a_run("ours", RunPhase.ACTIVE, started_at=NOW)

    sent = await send(store, adf)
    found = await reconcile_attempt(
        ID, 1, store, adf, remedies_of(adf), StoppedClock(), last_look=False
    )

    assert sent.state is AttemptState.UNKNOWN
    assert "before the last start" in sent.problem
    assert (found.state, found.external_run_id) == (AttemptState.ISSUED, "ours")
    assert adf.reruns == []


async def test_an_intent_that_a_crash_left_is_sent_after_a_short_look(
    store: Store, adf: ScriptedPipelines
) -> None:
    """Twenty seconds without a sign are enough: nothing can be on its way any more."""
    clock = StoppedClock()
    await prepare(store, adf)
    restored(store)
    await send_attempt(ID, 1, store, remedies_of(adf), clock)

    early = await reconcile(store, adf, clock, last_look=False)
    clock.advance(seconds=20)
    late = await reconcile(store, adf, clock, last_look=False)
    sent = await send_attempt(ID, 1, store, remedies_of(adf), clock)

    assert early.state is AttemptState.UNKNOWN
    assert late.state is AttemptState.INTENT
    assert sent.state is AttemptState.ISSUED
    assert len(adf.reruns) == 1


async def test_a_request_that_left_before_the_restart_is_never_sent_again(
    store: Store, adf: ScriptedPipelines
) -> None:
    """What the store knows to be on its way is not merely doubted."""
    clock = StoppedClock()
    await unknown(store, adf)
    restored(store)
    clock.advance(minutes=3)

    found = await reconcile(store, adf, clock, last_look=False)

    assert found.state is AttemptState.UNKNOWN


async def test_a_second_recovery_of_the_same_failure_is_cancelled(
    store: Store, adf: ScriptedPipelines
) -> None:
    """The oldest is ours; what else is in its group must not load the same data beside it."""
    await unknown(store, adf)
    adf.known["ours"] = a_run("ours", RunPhase.ACTIVE, started_at=NOW)
    adf.known["double"] = a_run("double", RunPhase.ACTIVE, started_at=NOW + timedelta(seconds=1))
    by_hand = a_run("by-hand", RunPhase.ACTIVE, started_at=NOW + timedelta(seconds=2))
    adf.known["by-hand"] = by_hand.model_copy(update={"group_id": "its-own"})
    adf.known["over"] = a_run("over", RunPhase.FAILED, started_at=NOW + timedelta(seconds=3))

    found = await reconcile(store, adf, last_look=False)

    assert (found.state, found.external_run_id) == (AttemptState.ISSUED, "ours")
    assert adf.cancelled == ["double"]
    assert "remediation.double" in [event.type for event in await store.events(ID)]


async def test_a_yes_that_is_taken_back_in_the_last_moment_is_none(
    store: Store, adf: ScriptedPipelines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also between the look at it and the claim: the next delivery says what became of it."""
    plan = plan_of(await store.get(ID), risk=Risk.LOW)
    assert plan is not None
    yes = Approval(
        id=approval_id(ID, 1), ticket_id=ID, number=1, plan=plan, plan_hash=plan.hash,
        status=ApprovalStatus.APPROVED, requested_at=NOW, expires_at=NOW + timedelta(hours=4),
        decided_at=NOW, decided_by="ana", execute_by=NOW + timedelta(minutes=30),
    )  # fmt: skip
    await store.update(ID, lambda one: one.changed(NOW, "approval.approved", "yes", approval=yes))
    await prepare(store, adf)
    claim = store.update_counted

    async def too_late(*given: Any) -> Any:
        monkeypatch.undo()
        clock = StoppedClock()
        await take_back_approval(yes.id, "wrong", by="bo", oid="2", store=store, clock=clock)
        return await claim(*given)

    monkeypatch.setattr(store, "update_counted", too_late)
    first, second, third = [await send(store, adf) for _ in range(3)]

    assert adf.reruns == []
    assert first.state is AttemptState.INTENT
    assert (second.state, second.lapsed) == (AttemptState.CANCELLED, True)
    assert third == second
