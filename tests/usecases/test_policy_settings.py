"""From what operators have written down to decisions, to sends, and back over the past."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from shared.domain.alert import Severity
from shared.domain.analysis import Action, Analysis, Category, Classification, Risk
from shared.domain.approval import DecisionWord
from shared.domain.attempt import AttemptState
from shared.domain.decision import Effect
from shared.domain.errors import InvalidInput, PreconditionFailed
from shared.domain.limits import Limit, LimitReached, Send
from shared.domain.run import Observation, StepFailure
from shared.domain.ticket import Change, Outcome, Ticket
from shared.policy.backoff import Backoff
from shared.policy.settings import Freeze, PolicySettings, Window
from shared.ports.tickets import Decide
from shared.stores.memory import MemoryStore
from shared.stores.sqlite import SqliteStore
from shared.usecases.approvals import Answer, decide_approval, request_approval
from shared.usecases.await_quiet import await_quiet
from shared.usecases.decide_next import Next, PolicyDefaults, decide_next
from shared.usecases.operator_settings import (
    ExecutionMode,
    KillSwitch,
    change_kill_switch,
    change_policy_settings,
    kill_switch,
)
from shared.usecases.policy_versions import policy_versions
from shared.usecases.prepare_attempt import prepare_attempt
from shared.usecases.replay_policy import Candidate, Replayed, replay_policy
from shared.usecases.send_attempt import send_attempt
from tests.support.builders import NOW, StoppedClock, a_run, an_opening
from tests.support.pipelines import ScriptedPipelines, remedies_of

Store = MemoryStore | SqliteStore
ID = "TIK-20261120-000001"
HOUR = timedelta(hours=1)
NAME = "load_customer_data"
DEFAULTS = PolicyDefaults(
    mode=ExecutionMode(mode="auto", confidence_threshold=0.8),
    max_attempts=3,
    backoff=Backoff(0, 2, 900),
)
FREEZE = Freeze(name="year end", start=NOW - HOUR, end=NOW + HOUR)


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Yield a store with one ticket that would be healed without asking anybody."""
    chosen: Store = (
        MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "mend.db")
    )
    await with_a_ticket(chosen)
    yield chosen
    await chosen.close()


async def with_a_ticket(chosen: Store) -> None:
    """Store a ticket that would be healed without asking anybody."""
    await chosen.create(an_opening(ID))
    analysis = Analysis(
        classification=Classification.TRUE_POSITIVE,
        category=Category.TRANSIENT_NETWORK,
        signature="sql-connection-timeout",
        confidence=0.9,
        auto_remediable=True,
        action=Action.RERUN_FROM_FAILURE,
        risk=Risk.LOW,
    )
    seen = Observation(at=NOW, run=a_run(), failures=(StepFailure(step="copy"),))
    await chosen.update(
        ID,
        lambda ticket: ticket.changed(
            NOW, "t", "m", status="analyzing", analysis=analysis, observation=seen
        ),
    )


async def decided(store: Store, clock: StoppedClock | None = None) -> Next:
    """Decide once more."""
    now = clock or StoppedClock()
    return await decide_next(ID, store, now, defaults=DEFAULTS, random=lambda: 0.5)


async def change(store: Store, **fields: object) -> int:
    """Change the policy settings and return their version."""
    _, version = await change_policy_settings(
        store, lambda now: now.model_copy(update=fields), actor="ana"
    )
    return version


async def replayed(store: Store, **candidate: object) -> Replayed:
    """Return what the candidate would change."""
    return await replay_policy(Candidate.model_validate(candidate), store, StoppedClock())


async def in_environment(store: Store, name: str) -> None:
    """Say where the failure is."""
    await store.update(ID, lambda ticket: ticket.changed(NOW, "t", "m", environment=name))


@pytest.mark.parametrize(
    ("fields", "effect", "words"),
    [
        ({}, Effect.EXECUTE, ""),
        (
            {"confidence_by_severity": {Severity.HIGH: 0.95}},
            Effect.ASK,
            "0.90 < 0.95: not sure enough of the cause",
        ),
        ({"confidence_by_severity": {Severity.LOW: 0.95}}, Effect.EXECUTE, ""),
        ({"allowed_actions": {NAME.upper(): (Action.RERUN_PIPELINE,)}}, Effect.ESCALATE, "allowed"),
        ({"freezes": (FREEZE,)}, Effect.ASK, "year end"),
        ({"environment_risk": {"prod": Risk.HIGH}}, Effect.ASK, "risk is high"),
    ],
)
async def test_what_is_written_down_decides(
    store: Store, fields: dict[str, object], effect: Effect, words: str
) -> None:
    """And the version of what was written down is pinned on the ticket."""
    await in_environment(store, "prod")
    version = await change(store, **fields) if fields else 0

    found = (await decided(store)).decision

    assert found.outcome is effect
    assert found.settings_version == version
    assert any(words in reason.text for reason in found.reasons)
    kept = (await store.get(ID)).decision
    assert kept is not None
    assert kept.settings_version == version


async def test_a_maintenance_is_waited_for(store: Store) -> None:
    """A quarter of an hour at a time, and not a second longer than it lasts."""
    clock = StoppedClock()
    window = Window(name="network", start=NOW, end=NOW + timedelta(minutes=20))
    await change(store, maintenance=(window,))

    waited = []
    while (found := await decided(store, clock)).decision.outcome is Effect.WAIT:
        assert found.decision.ticket_outcome == Outcome.INCONCLUSIVE
        waited.append(found.wait_seconds)
        clock.advance(seconds=found.wait_seconds)

    assert waited == [900, 300]
    assert found.decision.outcome is Effect.EXECUTE


SCOPES = [
    ("environment:PROD", True),
    ("environment:dev", False),
    (f"target:{NAME.upper()}", True),
    ("target:another", False),
    ("action:rerun_from_failure", True),
    ("action:rerun_pipeline", False),
]


@pytest.mark.parametrize(("scope", "stops"), SCOPES)
async def test_a_narrow_kill_switch(store: Store, scope: str, *, stops: bool) -> None:
    """It stops decisions of its scope, and what has been decided already, before it is sent."""
    await in_environment(store, "prod")
    assert (await decided(store)).decision.outcome is Effect.EXECUTE
    adf = ScriptedPipelines(a_run())
    remedies = remedies_of(adf)
    await prepare_attempt(ID, 1, store, adf, remedies, StoppedClock())
    await change_kill_switch(
        store, lambda one: one.model_copy(update={"on": True, "reason": "drill"}), scope=scope
    )

    again = await decided(store)
    sent = await send_attempt(ID, 1, store, remedies, StoppedClock())

    assert len(adf.reruns) == (0 if stops else 1)
    assert (sent.state is AttemptState.CANCELLED) is stops
    if stops:
        assert again.decision.outcome is Effect.ESCALATE
        assert "drill" in sent.problem
        assert scope in sent.problem


class TurnedInTheLastMoment(MemoryStore):
    """Somebody turns the kill switch between the claim of an attempt and its request."""

    async def update_counted(
        self, ticket_id: str, decide: Decide, send: Send, limits: Sequence[Limit]
    ) -> tuple[Ticket, LimitReached | None]:
        """See the protocol."""
        done = await super().update_counted(ticket_id, decide, send, limits)
        await change_kill_switch(self, lambda one: one.model_copy(update={"on": True}))
        return done


async def test_the_last_moment_is_early_enough() -> None:
    """What has been claimed and has not left yet does not leave."""
    store = TurnedInTheLastMoment()
    await with_a_ticket(store)
    await decided(store)
    adf = ScriptedPipelines(a_run())
    remedies = remedies_of(adf)
    await prepare_attempt(ID, 1, store, adf, remedies, StoppedClock())

    sent = await send_attempt(ID, 1, store, remedies, StoppedClock())

    assert (sent.state, adf.reruns) == (AttemptState.CANCELLED, [])


@pytest.mark.parametrize(("scope", "leaving"), [("global", 1), ("target:another", 0)])
async def test_a_stop_waits_for_what_is_leaving(store: Store, scope: str, leaving: int) -> None:
    """As long as it was told to; a narrow one for nothing that it does not stop."""
    await decided(store)
    adf = ScriptedPipelines(a_run())
    clock = StoppedClock()
    await prepare_attempt(ID, 1, store, adf, remedies_of(adf), clock)

    def leave(ticket: Ticket) -> Change:
        sending = ticket.attempt(1).moved_to(AttemptState.SENDING, sent_at=NOW)
        return ticket.changed(NOW, "t", "m", attempts=(sending,))

    await store.update(ID, leave)
    switch = KillSwitch(scope=scope, on=True)

    assert await await_quiet(switch, store, clock, at_most_seconds=0) == leaving

    waiting = asyncio.create_task(await_quiet(switch, store, clock))
    await asyncio.sleep(0.05)
    assert waiting.done() is (leaving == 0)

    def answered(ticket: Ticket) -> Change:
        return ticket.changed(
            NOW, "t", "m", attempts=(ticket.attempt(1).moved_to(AttemptState.UNKNOWN),)
        )

    await store.update(ID, answered)
    assert await waiting == 0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"freezes": (FREEZE,)}, "year end"),
        ({"maintenance": (Window(name="network", start=NOW, end=NOW + HOUR),)}, "network"),
        ({"allowed_actions": {NAME: ()}}, "allowed"),
    ],
)
async def test_what_begins_before_it_is_sent_stops_it(
    store: Store, fields: dict[str, object], words: str
) -> None:
    """Between the decision and the send there may be a long pause."""
    assert (await decided(store)).decision.outcome is Effect.EXECUTE
    adf = ScriptedPipelines(a_run())
    remedies = remedies_of(adf)
    await prepare_attempt(ID, 1, store, adf, remedies, StoppedClock())
    await change(store, **fields)

    sent = await send_attempt(ID, 1, store, remedies, StoppedClock())

    assert (sent.state, adf.reruns) == (AttemptState.CANCELLED, [])
    assert words in sent.problem


async def test_in_a_freeze_people_may_agree(store: Store) -> None:
    """To exactly one attempt, which is then sent."""
    await change(store, freezes=(FREEZE,))
    assert (await decided(store)).decision.outcome is Effect.ASK
    clock = StoppedClock()
    asked = await request_approval(ID, store, clock, time_to_decide=HOUR)
    assert asked is not None
    await decide_approval(asked.id, Answer(DecisionWord.APPROVE, "ana"), store, clock)
    assert (await decided(store)).decision.outcome is Effect.EXECUTE
    adf = ScriptedPipelines(a_run())
    remedies = remedies_of(adf)
    await prepare_attempt(ID, 1, store, adf, remedies, clock)

    sent = await send_attempt(ID, 1, store, remedies, clock)

    assert (sent.state, len(adf.reruns)) == (AttemptState.ISSUED, 1)


async def test_nobody_knows_the_environment(store: Store) -> None:
    """Then a switch for any environment stops it: a guard never fails open."""
    await change_kill_switch(
        store, lambda one: one.model_copy(update={"on": True}), scope="environment:prod"
    )

    assert (await decided(store)).decision.outcome is Effect.ESCALATE


async def test_switches_are_turned_one_by_one(store: Store) -> None:
    """The others stay as they are; what an older release has stored is read."""
    await store.write("kill-switch", {"scope": "global", "on": True, "reason": "old"})
    for scope in ("target:a", "target:b", "target:A"):
        await change_kill_switch(
            store, lambda one: one.model_copy(update={"on": True, "reason": "new"}), scope=scope
        )
    await change_kill_switch(
        store,
        lambda one: one.model_copy(update={"on": False, "reason": "over"}),
        scope="target:b",
        actor="ana",
    )

    found = await kill_switch(store)

    assert (found.scope, found.on, found.reason) == ("global", True, "old")
    assert found.others == (KillSwitch(scope="target:a", on=True, reason="new"),)


async def test_there_is_an_end_to_switches(store: Store) -> None:
    """A setting does not grow for ever."""
    many = [KillSwitch(scope=f"target:{number}", on=True) for number in range(200)]
    others = [one.model_dump(mode="json") for one in many]
    await store.write("kill-switch", {"scope": "global", "others": others})

    with pytest.raises(InvalidInput, match="200"):
        await change_kill_switch(
            store, lambda one: one.model_copy(update={"on": True}), scope="target:one-more"
        )


async def test_a_record_replays_to_the_byte(store: Store) -> None:
    """With what is set now nothing changes."""
    await in_environment(store, "prod")
    await change(
        store, confidence_by_severity={Severity.HIGH: 0.95}, environment_risk={"prod": Risk.MEDIUM}
    )
    await decided(store)

    found = await replayed(store)

    assert found.mismatches == ()
    assert found.changes == ()
    assert (found.totals.decisions, found.totals.replayed) == (1, 1)


async def test_a_record_that_was_changed_does_not_replay(store: Store) -> None:
    """It is named, with what is different."""
    await decided(store)
    event = next(one for one in await store.events(ID) if one.type == "decision.made")
    forged = {**event.data, "outcome": "ask"}
    await store.update(
        ID, lambda ticket: ticket.changed(NOW, "decision.made", "forged", data=forged)
    )

    found = await replayed(store)

    assert [one.ticket_id for one in found.mismatches] == [ID]
    assert "outcome" in found.mismatches[0].problem
    assert found.totals.replayed == 1


@pytest.mark.parametrize(
    ("candidate", "after", "rule"),
    [
        ({"policy": {"confidence_by_severity": {"high": 0.95}}}, "ask", "confidence"),
        ({"policy": {"allowed_actions": {NAME: []}}}, "escalate", "allowed"),
        ({"policy": {"rerun_safety": {NAME: "never"}}}, "escalate", "rerun_safety"),
        ({"policy": {"environment_risk": {"prod": "high"}}}, "ask", "risk"),
        ({"policy": {"freezes": [FREEZE.model_dump(mode="json")]}}, "ask", "freeze"),
        (
            {"policy": {"maintenance": [FREEZE.model_dump(mode="json")]}},
            "wait",
            "maintenance",
        ),
        ({"mode": {"mode": "hil"}}, "ask", "mode"),
        ({"mode": {"confidence_threshold": 0.91}}, "ask", "confidence"),
    ],
)
async def test_what_a_candidate_would_change(
    store: Store, candidate: dict[str, object], after: str, rule: str
) -> None:
    """Every setting that facts tell of; and trying it changes nothing."""
    await decided(store)
    before = await store.get(ID)

    found = await replayed(store, **candidate)

    assert [(one.before, one.after) for one in found.changes] == [("execute", after)]
    assert [text.partition(":")[0] for text in found.changes[0].because] == [rule]
    assert found.totals.by_change == {f"execute → {after}": 1}
    assert found.mismatches == ()
    assert await store.get(ID) == before


async def test_a_candidate_that_allows_more(store: Store) -> None:
    """Raised by the environment, risk goes back to what the action has by itself."""
    await in_environment(store, "prod")
    await change(store, environment_risk={"prod": Risk.HIGH}, freezes=(FREEZE,))
    await decided(store)

    found = await replayed(store, policy={"environment_risk": {}, "freezes": []})

    assert [(one.before, one.after) for one in found.changes] == [("ask", "execute")]
    assert {text.partition(":")[0] for text in found.changes[0].because} == {"risk", "freeze"}
    assert (await replayed(store, policy={"freezes": []})).changes == ()


async def test_records_of_other_rules_are_no_mismatch(store: Store) -> None:
    """They were made by another release, and know less."""
    await decided(store)
    event = next(one for one in await store.events(ID) if one.type == "decision.made")
    facts = event.data["facts"]
    assert isinstance(facts, dict)
    less = {name: value for name, value in facts.items() if name not in {"severity", "own_risk"}}
    old = {**event.data, "facts": less, "policy_version": "1", "outcome": "ask"}
    unreadable: dict[str, object] = {"facts": {"mode": "?"}}
    await store.update(ID, lambda one: one.changed(NOW, "decision.made", "old", data=old))
    await store.update(ID, lambda one: one.changed(NOW, "decision.made", "no", data=unreadable))

    found = await replayed(store)

    assert found.mismatches == ()
    assert (found.totals.other_versions, found.totals.unreadable) == (1, 1)
    assert [(one.before, one.after) for one in found.changes] == [("ask", "execute")]


async def test_it_says_what_it_cannot_judge_and_where_it_stopped(store: Store) -> None:
    """Limits depend on what else was going on."""
    await store.create(an_opening("TIK-20261120-000002", NOW + timedelta(seconds=1)))

    found = await replayed(store, policy={"attempts_per_hour": 1}, limit=1)

    assert found.not_judged == ("attempts_per_hour",)
    assert found.more
    assert found.totals.tickets == 1


async def test_versions_say_what_changed(store: Store) -> None:
    """The newest first, field by field, by whom."""
    await change(store, running=7)
    await change(store, running=9, freezes=(FREEZE,))

    newest, first = await policy_versions(store, most=10)

    assert (newest.version, first.version, newest.by) == (2, 1, "ana")
    assert [(one.field, one.before, one.after) for one in first.changes] == [
        ("running", PolicySettings().running, 7)
    ]
    assert {one.field for one in newest.changes} == {"running", "freezes"}
    assert [one.version for one in await policy_versions(store, most=1)] == [2]


async def test_a_change_of_what_somebody_else_has_changed_since(store: Store) -> None:
    """Whoever says which version was seen writes over no other one."""
    policy = PolicySettings(running=7)
    _, version = await change_policy_settings(store, lambda _: policy, seen=0)
    with pytest.raises(PreconditionFailed, match=f"version {version} by now"):
        await change_policy_settings(store, lambda _: PolicySettings(running=8), seen=0)
    after, _ = await change_policy_settings(
        store, lambda now: now.model_copy(update={"attempts_per_hour": 9}), seen=version
    )
    assert (after.running, after.attempts_per_hour) == (7, 9)
