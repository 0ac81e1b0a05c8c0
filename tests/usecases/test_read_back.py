"""Which run it is, what really happened to it, and what came of our own."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.analysis import Action, Category, Classification, RerunSafety
from shared.domain.attempt import Attempt, AttemptOutcome, AttemptState
from shared.domain.errors import Refused, Transient
from shared.domain.run import RunPhase, StepFailure
from shared.domain.ticket import Outcome, Status
from shared.policy.backoff import Backoff
from shared.policy.settings import PolicySettings
from shared.stores.memory import MemoryStore
from shared.usecases.analyse import analyse
from shared.usecases.close_ticket import close_ticket
from shared.usecases.conclude_attempt import conclude_attempt
from shared.usecases.decide_next import PolicyDefaults, decide_next
from shared.usecases.episode import claim_episode
from shared.usecases.identify import identify_run
from shared.usecases.look import Look, look_at_run
from shared.usecases.operator_settings import ExecutionMode, change_policy_settings
from shared.usecases.prepare_attempt import prepare_attempt
from shared.usecases.read_back import read_back
from shared.usecases.send_attempt import send_attempt
from tests.support.builders import NOW, RUN, StoppedClock, a_run, an_opening
from tests.support.pipelines import ScriptedPipelines, remedies_of

ID = "TIK-20261120-000001"
TIMEOUT = StepFailure(
    step="Copy",
    step_type="Copy",
    error_code="2200",
    message="ErrorCode=SqlFailedToConnect,SqlErrorNumber=40613",
)
DEFAULTS = PolicyDefaults(
    mode=ExecutionMode(mode="auto", confidence_threshold=0.8),
    max_attempts=3,
    backoff=Backoff(60, 2, 900),
)


@pytest.fixture
async def store() -> MemoryStore:
    """Return a store with one ticket whose remediation has begun."""
    made = MemoryStore()
    await made.create(an_opening(ID))
    await claim_episode(ID, "rem-1", made, StoppedClock())
    return made


async def identify(store: MemoryStore, adf: ScriptedPipelines) -> str | None:
    """Find out the ticket's run."""
    return await identify_run(ID, store, adf, StoppedClock())


async def without_run(store: MemoryStore) -> None:
    """Let the ticket be one whose alert named no run."""
    await store.update(
        ID,
        lambda ticket: ticket.changed(
            NOW,
            "t",
            "m",
            resource=ticket.resource.model_copy(update={"run_id": None}),
            current_run_id=None,
        ),
    )


async def test_an_episode_has_one_owner(store: MemoryStore) -> None:
    """Asking again is answered alike; another instance is turned away, first or last."""
    clock = StoppedClock()
    ours, other = f"rem-{ID}-1", f"rem-{ID}-2"

    assert await claim_episode(ID, other, store, clock) is None
    assert await claim_episode(ID, ours, store, clock) is not None
    assert await claim_episode(ID, ours, store, clock) is not None
    assert await claim_episode(ID, other, store, clock) is None
    await close_ticket(ID, Outcome.CANCELLED, "done", store, clock)
    assert await claim_episode(ID, ours, store, clock) is None


async def test_the_root_run_is_healed(store: MemoryStore) -> None:
    """A child's failure is followed up to the pipeline that started it all."""
    adf = ScriptedPipelines(
        a_run(parent_run_id="middle"), a_run("middle", parent_run_id="root"), a_run("root")
    )

    assert await identify(store, adf) == "root"

    ticket = await store.get(ID)
    assert (ticket.resource.run_id, ticket.current_run_id) == (RUN, "root")


async def test_a_run_that_another_ticket_has_is_left_to_it(store: MemoryStore) -> None:
    """Child and root may both have been reported: one of the tickets does the work."""
    adf = ScriptedPipelines(a_run(parent_run_id="root"), a_run("root"))
    adf.failed_steps[RUN] = (TIMEOUT,)
    await store.create(an_opening("TIK-other"))
    await store.claim("run", "adf||root", "TIK-other")

    assert await identify(store, adf) is None
    found = await understand(store, adf)

    seen = (await store.get(ID)).observation
    assert seen is not None
    assert seen.handled_by == "TIK-other"
    assert (found.decision.outcome, found.decision.ticket_outcome) == ("close", "superseded")


async def test_parents_that_point_at_each_other_do_not_trap_us(store: MemoryStore) -> None:
    """Nonsense from outside ends the walk."""
    adf = ScriptedPipelines(a_run(parent_run_id="b"), a_run("b", parent_run_id=RUN))

    assert await identify(store, adf) in {RUN, "b"}


async def test_an_alert_without_a_run_means_the_newest_failure(store: MemoryStore) -> None:
    """Metric alerts name a pipeline and a window; healthy runs are passed over."""
    await without_run(store)
    adf = ScriptedPipelines(
        a_run("old", started_at=NOW - timedelta(minutes=20)),
        a_run("new", started_at=NOW - timedelta(minutes=5)),
        a_run("green", RunPhase.SUCCEEDED, started_at=NOW - timedelta(minutes=1)),
    )

    assert await identify(store, adf) == "new"
    assert (await store.get(ID)).resource.run_id == "new"


async def test_an_alert_about_runs_that_are_taken_says_by_whom(store: MemoryStore) -> None:
    """A metric alert that lags behind a healed failure opens no second remediation."""
    await without_run(store)
    adf = ScriptedPipelines(a_run("new"))
    await store.create(an_opening("TIK-other"))
    await store.claim("run", "adf||new", "TIK-other")

    assert await identify(store, adf) is None

    seen = (await store.get(ID)).observation
    assert seen is not None
    assert seen.handled_by == "TIK-other"


async def test_a_refused_read_is_noted_and_a_lost_one_is_raised(store: MemoryStore) -> None:
    """One needs a person, the other another try."""
    adf = ScriptedPipelines(a_run())
    adf.problem = Transient("adf", "HTTP 503")
    with pytest.raises(Transient):
        await identify(store, adf)
    adf.problem = Refused("adf", "HTTP 403", status=403)

    assert await identify(store, adf) is None

    seen = (await store.get(ID)).observation
    assert seen is not None
    assert "403" in seen.problem


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (None, Look("failed", "Failed")),
        (Transient("adf", "HTTP 503"), Look("unreadable", "adf: HTTP 503")),
        (Refused("adf", "HTTP 403"), Look("refused", "adf: HTTP 403")),
    ],
)
async def test_a_look_never_raises(
    store: MemoryStore, problem: Exception | None, expected: Look
) -> None:
    """The monitor outlives what the control plane does."""
    adf = ScriptedPipelines(a_run())
    adf.problem = problem

    assert await look_at_run(ID, RUN, store, adf) == expected


async def test_an_unknown_run_is_missing(store: MemoryStore) -> None:
    """Not there, or not there yet."""
    assert await look_at_run(ID, RUN, store, ScriptedPipelines()) == Look("missing", "")


async def understand(store: MemoryStore, adf: ScriptedPipelines) -> Any:
    """Read back, analyse and decide, as the orchestrator does."""
    clock = StoppedClock()
    await identify(store, adf)
    await read_back(ID, store, adf, clock)
    await analyse(ID, store, adf, clock)
    return await decide_next(ID, store, clock, defaults=DEFAULTS, random=lambda: 0.5)


async def test_the_system_of_records_words_are_the_evidence(store: MemoryStore) -> None:
    """Cause and decision rest on what was read, not on what the alert said."""
    adf = ScriptedPipelines(a_run())
    adf.failed_steps[RUN] = (TIMEOUT,)

    found = await understand(store, adf)

    ticket = await store.get(ID)
    assert ticket.analysis is not None
    assert ticket.analysis.category in {Category.TRANSIENT_NETWORK, Category.THROTTLING}
    assert "40613" in ticket.analysis.evidence[0].text
    assert (found.decision.outcome, found.decision.action) == (
        "execute",
        Action.RERUN_FROM_FAILURE,
    )
    assert (found.attempt_number, found.wait_seconds) == (1, 0)


async def test_secrets_in_error_texts_do_not_reach_the_ticket(store: MemoryStore) -> None:
    """Neither in what was observed nor in the evidence, the timeline or the summary."""
    quoting = TIMEOUT.model_copy(
        update={"message": "Cannot connect: Server=db;User ID=app;Password=hunter2-secret; 40613"}
    )
    adf = ScriptedPipelines(a_run().model_copy(update={"message": quoting.message}))
    adf.failed_steps[RUN] = (quoting,) * 50

    await understand(store, adf)
    ticket = await close_ticket(ID, Outcome.NOT_REMEDIABLE, "x", store, StoppedClock())

    everything = ticket.model_dump_json() + str(await store.events(ID))
    assert "hunter2" not in everything
    assert ticket.observation is not None
    assert len(ticket.observation.failures) == 20


async def test_a_child_that_its_root_does_not_name_is_read_too(store: MemoryStore) -> None:
    """The wrapper's text never hides the leaf's."""
    wrapper = StepFailure(step="Run child", step_type="ExecutePipeline", message="child failed")
    adf = ScriptedPipelines(a_run(parent_run_id="root"), a_run("root"))
    adf.failed_steps = {RUN: (TIMEOUT,), "root": (wrapper,)}

    await understand(store, adf)

    seen = (await store.get(ID)).observation
    assert seen is not None
    assert seen.failures == (TIMEOUT, wrapper)


async def test_the_decision_is_recorded_with_its_facts(store: MemoryStore) -> None:
    """Input, hash, version and every rule's verdict are in the timeline."""
    adf = ScriptedPipelines(a_run())
    adf.failed_steps[RUN] = (TIMEOUT,)

    found = await understand(store, adf)

    (record,) = [event for event in await store.events(ID) if event.type == "decision.made"]
    assert record.data["input_hash"] == found.decision.input_hash
    assert record.data["facts"]["mode"] == "auto"  # type: ignore[index]
    assert len(record.data["reasons"]) >= 10  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("runs", "outcome"),
    [
        pytest.param((a_run(phase=RunPhase.CANCELLED),), Outcome.CANCELLED, id="cancelled"),
        pytest.param((a_run(phase=RunPhase.SUCCEEDED),), Outcome.NOT_CONFIRMED, id="green"),
        pytest.param((), Outcome.NOT_CONFIRMED, id="unknown run"),
        pytest.param(
            (a_run(), a_run("newer", RunPhase.SUCCEEDED, started_at=NOW)),
            Outcome.SUPERSEDED,
            id="rerun by hand",
        ),
    ],
)
async def test_what_needs_nothing_is_closed(
    store: MemoryStore, runs: tuple[Any, ...], outcome: Outcome
) -> None:
    """The decision names how the ticket ends."""
    found = await understand(store, ScriptedPipelines(*runs))

    assert (found.decision.outcome, found.decision.ticket_outcome) == ("close", outcome)


async def test_an_unknown_error_is_uncertain_and_for_a_person(store: MemoryStore) -> None:
    """Nothing is tried on the off chance."""
    adf = ScriptedPipelines(a_run())
    adf.failed_steps[RUN] = (StepFailure(step="X", message="zibble frobnicated the wug"),)

    found = await understand(store, adf)

    ticket = await store.get(ID)
    assert ticket.analysis is not None
    assert ticket.analysis.classification is Classification.UNCERTAIN
    assert found.decision.outcome == "escalate"


async def issued(store: MemoryStore, adf: ScriptedPipelines) -> None:
    """Bring attempt 1 to ``issued`` as run ``rerun-1``."""
    adf.failed_steps[RUN] = (TIMEOUT,)
    await understand(store, adf)
    await prepare_attempt(ID, 1, store, adf, remedies_of(adf), StoppedClock())
    await send_attempt(ID, 1, store, remedies_of(adf), StoppedClock())


async def conclude(store: MemoryStore, adf: ScriptedPipelines, ended: str) -> Attempt:
    """Conclude attempt 1 as the monitor would."""
    clock, steps = StoppedClock(), remedies_of(adf)
    return (await conclude_attempt(ID, 1, ended, store, adf, adf, steps, clock)).attempt


@pytest.mark.parametrize(
    ("ended", "state", "outcome", "current"),
    [
        ("failed", AttemptState.FAILED, AttemptOutcome.NOT_HEALED, "rerun-1"),
        ("cancelled", AttemptState.CANCELLED, AttemptOutcome.NOT_HEALED, "rerun-1"),
        ("timed_out", AttemptState.TIMED_OUT, AttemptOutcome.INCONCLUSIVE, RUN),
        ("missing", AttemptState.FAILED, AttemptOutcome.INCONCLUSIVE, RUN),
        ("refused", AttemptState.FAILED, AttemptOutcome.INCONCLUSIVE, RUN),
    ],
)
async def test_what_an_attempt_came_to(
    store: MemoryStore, ended: str, state: AttemptState, outcome: AttemptOutcome, current: str
) -> None:
    """A failed rerun is the next thing to heal; an unclear one is for a person."""
    adf = ScriptedPipelines(a_run())
    await issued(store, adf)

    for _ in range(2):  # a repeated delivery changes nothing
        attempt = await conclude(store, adf, ended)

    ticket = await store.get(ID)
    assert (attempt.state, attempt.outcome) == (state, outcome)
    assert ticket.current_run_id == current


async def test_green_is_not_healed(store: MemoryStore) -> None:
    """A rerun that succeeded although a step of it failed has healed nothing."""
    adf = ScriptedPipelines(a_run())
    await issued(store, adf)
    adf.known["rerun-1"] = a_run("rerun-1", RunPhase.SUCCEEDED)
    adf.failed_steps["rerun-1"] = (TIMEOUT,)

    attempt = await conclude(store, adf, "succeeded")

    assert (attempt.state, attempt.outcome) == (AttemptState.FAILED, AttemptOutcome.NOT_HEALED)
    assert "Copy failed in it" in (attempt.error or "")


async def test_a_success_that_cannot_be_verified_is_not_believed(store: MemoryStore) -> None:
    """Without an answer nothing is concluded."""
    adf = ScriptedPipelines(a_run())
    await issued(store, adf)

    with pytest.raises(Transient):
        await conclude(store, adf, "succeeded")

    assert (await store.get(ID)).attempt(1).state is AttemptState.ISSUED


async def test_the_end_counts_the_minutes(store: MemoryStore) -> None:
    """MTTR runs from the ticket's opening to the verified recovery."""
    clock = StoppedClock()
    adf = ScriptedPipelines(a_run())
    await issued(store, adf)
    adf.known["rerun-1"] = a_run("rerun-1", RunPhase.SUCCEEDED)
    await conclude(store, adf, "succeeded")
    clock.advance(minutes=5.2)

    ticket = await close_ticket(ID, Outcome.HEALED, "it works", store, clock)
    again = await close_ticket(ID, Outcome.INCONCLUSIVE, "late", store, clock)

    assert (ticket.status, ticket.closed_by) == (Status.RESOLVED, "AI_AUTO_HEAL")
    assert ticket.mttr_minutes == pytest.approx(5.2)
    assert ticket.sla.status == "Met"
    assert again == ticket


@pytest.mark.parametrize(
    ("outcome", "minutes", "status"),
    [
        (Outcome.CANCELLED, 59, "Met"),
        (Outcome.CANCELLED, 61, "Breached"),
        (Outcome.NOT_REMEDIABLE, 59, None),
        (Outcome.NOT_REMEDIABLE, 61, "Breached"),
    ],
)
async def test_the_service_level(
    store: MemoryStore, outcome: Outcome, minutes: float, status: str | None
) -> None:
    """A hand-over in time is neither met nor breached yet."""
    clock = StoppedClock(NOW + timedelta(minutes=minutes))

    ticket = await close_ticket(ID, outcome, "x", store, clock)

    assert ticket.sla.status == status
    assert ticket.mttr_minutes is None


async def test_the_summary_tells_a_person_what_to_do(store: MemoryStore) -> None:
    """What failed, why it ends, what was tried, what comes next."""
    adf = ScriptedPipelines(a_run())
    await issued(store, adf)
    await conclude(store, adf, "failed")

    ticket = await close_ticket(ID, Outcome.NOT_HEALED, "tries used up", store, StoppedClock())

    for words in ("load_customer_data", "tries used up", "attempt 1", "rerun-1", "40613"):
        assert words in ticket.summary


async def test_a_claim_of_a_ticket_that_never_came_to_be_is_taken_over(store: MemoryStore) -> None:
    """A crash left it behind; closing as "taken care of" would lose the failure."""
    await store.claim("run", "adf||new", "TIK-DEAD")
    await without_run(store)

    assert await identify(store, ScriptedPipelines(a_run("new"))) == "new"
    assert await store.holder("run", "adf||new") == ID


async def test_a_parent_that_is_not_known_any_more_is_passed_over(store: MemoryStore) -> None:
    """The run itself is healed then, not closed as unknown."""
    assert await identify(store, ScriptedPipelines(a_run(parent_run_id="gone"))) == RUN


async def test_a_root_that_did_not_wait_for_its_child_is_left_alone(store: MemoryStore) -> None:
    """It succeeded: what has to be healed is the child it started and forgot."""
    root = a_run("root", RunPhase.SUCCEEDED).model_copy(update={"name": "launcher"})
    adf = ScriptedPipelines(a_run(parent_run_id="root"), root)
    adf.failed_steps[RUN] = (TIMEOUT,)

    found = await understand(store, adf)
    await prepare_attempt(ID, 1, store, adf, remedies_of(adf), StoppedClock())
    await send_attempt(ID, 1, store, remedies_of(adf), StoppedClock())

    assert found.decision.outcome == "execute"
    assert adf.reruns == [("load_customer_data", RUN, True)]


@pytest.mark.parametrize(
    ("run", "steps", "outcome"),
    [
        pytest.param(a_run("x", RunPhase.CANCELLED), (), "cancelled", id="cancelled"),
        pytest.param(a_run("x", RunPhase.SUCCEEDED), (TIMEOUT,), None, id="green but broken"),
        pytest.param(a_run("x", RunPhase.SUCCEEDED), (), "not_confirmed", id="healthy"),
    ],
)
async def test_an_alert_without_a_run_finds_what_is_not_failed_too(
    store: MemoryStore, run: Any, steps: tuple[StepFailure, ...], outcome: str | None
) -> None:
    """Metrics also count cancelled runs and failed activities of green ones."""
    await without_run(store)
    adf = ScriptedPipelines(run)
    adf.failed_steps["x"] = steps

    found = await understand(store, adf)

    assert found.decision.ticket_outcome == outcome
    assert (found.decision.outcome == "execute") is (outcome is None)


async def test_a_failed_trigger_is_for_a_person(store: MemoryStore) -> None:
    """There is no run to heal; closing it as unknown would hide a real failure."""
    await store.update(
        ID,
        lambda ticket: ticket.changed(
            NOW,
            "t",
            "m",
            resource=ticket.resource.model_copy(update={"kind": "trigger", "run_id": None}),
            current_run_id=None,
        ),
    )

    found = await understand(store, ScriptedPipelines())

    assert (found.decision.outcome, found.decision.ticket_outcome) == ("escalate", "inconclusive")


async def test_words_of_an_alert_do_not_close_what_could_not_be_read(store: MemoryStore) -> None:
    """A "cancelled by user" in the text of an alert is a claim, not a record."""
    text = "The pipeline run was cancelled by user"
    await store.update(ID, lambda t: t.changed(NOW, "t", "m", description=text))
    adf = ScriptedPipelines(a_run())
    adf.problem = Refused("adf", "HTTP 403", status=403)

    assert (await understand(store, adf)).decision.outcome == "escalate"


async def test_a_green_rerun_with_a_failed_step_supersedes_nothing(store: MemoryStore) -> None:
    """Green is not healed, whoever reran it."""
    adf = ScriptedPipelines(a_run(), a_run("newer", RunPhase.SUCCEEDED, started_at=NOW))
    adf.failed_steps = {RUN: (TIMEOUT,), "newer": (TIMEOUT,)}

    assert (await understand(store, adf)).decision.outcome == "execute"


async def test_an_attempt_that_was_never_sent_ends_with_its_ticket(store: MemoryStore) -> None:
    """Nothing is left that could still be sent."""
    adf = ScriptedPipelines(a_run())
    adf.failed_steps[RUN] = (TIMEOUT,)
    await understand(store, adf)
    await prepare_attempt(ID, 1, store, adf, remedies_of(adf), StoppedClock())

    ticket = await close_ticket(ID, Outcome.NOT_HEALED, "429 for ever", store, StoppedClock())

    assert ticket.attempt(1).state is AttemptState.CANCELLED
    assert ticket.attempt(1).ended_at == NOW


QUEUE_FULL = TIMEOUT.model_copy(
    update={"error_code": "", "message": "Pipeline execution throttled: queue of 100 runs is full"}
)
INSERTS = {
    "properties": {
        "activities": [{"type": "Copy", "typeProperties": {"sink": {"type": "AzureSqlSink"}}}]
    }
}


@pytest.mark.parametrize(
    ("definition", "outcome"), [(INSERTS, "ask"), ({}, "execute"), (None, "execute")]
)
async def test_a_whole_rerun_that_would_add_rows_twice_is_asked_for(
    store: MemoryStore, definition: object, outcome: str
) -> None:
    """As far as the definition shows it."""
    adf = ScriptedPipelines(a_run())
    adf.failed_steps[RUN] = (QUEUE_FULL,)
    adf.definitions["load_customer_data"] = definition

    found = await understand(store, adf)

    assert found.decision.action == "rerun_pipeline"
    assert found.decision.outcome == outcome


async def test_a_run_that_never_began_may_be_run_as_a_whole(store: MemoryStore) -> None:
    """It was turned away from a full queue: nothing of it can be done twice."""
    message = "Pipeline execution throttled: queue of 100 runs is full"
    adf = ScriptedPipelines(a_run().model_copy(update={"message": message}))
    adf.definitions["load_customer_data"] = INSERTS

    found = await understand(store, adf)

    assert found.decision.action == "rerun_pipeline"
    assert found.decision.outcome == "execute"


async def test_what_the_owner_says_counts_more_than_the_definition(store: MemoryStore) -> None:
    """Who knows that the target is keyed may say so."""
    adf = ScriptedPipelines(a_run())
    adf.failed_steps[RUN] = (QUEUE_FULL,)
    adf.definitions["load_customer_data"] = INSERTS
    said = PolicySettings(rerun_safety={"LOAD_customer_data": RerunSafety.IDEMPOTENT})
    await change_policy_settings(store, lambda _: said)

    assert (await understand(store, adf)).decision.outcome == "execute"
