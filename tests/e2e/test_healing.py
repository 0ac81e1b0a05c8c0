"""Failures in, healed pipelines out: the whole way over HTTP, judged by the ledger."""

from uuid import uuid4

import pytest

from simulators.adf.scenarios import SCENARIOS
from simulators.client import AdfSimulator
from tests.support.mend import Mend

NETWORK = {
    "errorCode": "2200",
    "message": "ErrorCode=SqlFailedToConnect,An existing connection was forcibly closed by the "
    "remote host.,SqlErrorNumber=10054",
    "failureType": "UserError",
}
FAILS_AGAIN = {"status": "Failed", "seconds": 0.1, "error": NETWORK, "activity_type": "Copy"}
HEALS = {"status": "Succeeded", "seconds": 0.1}


def started(adf: AdfSimulator, pipeline: str) -> int:
    """Return how many createRun calls reached the factory for ``pipeline``."""
    return sum(call.target == pipeline for call in adf.ledger("createRun"))


def test_a_transient_failure_is_healed_by_one_rerun(adf: AdfSimulator, mend: Mend) -> None:
    """The ticket tells the whole story, and the pipeline was started exactly once."""
    run = adf.seed_scenario(SCENARIOS["sql_transient"])
    ticket_id = mend.report(run, environment="prod")

    ticket = mend.await_end(ticket_id)

    assert (ticket["status"], ticket["outcome"]) == ("resolved", "healed")
    assert ticket["closed_by"] == "AI_AUTO_HEAL"
    assert ticket["mttr_minutes"] > 0
    assert ticket["sla"] == {"target_minutes": 60.0, "status": "Met"}
    assert ticket["analysis"]["category"] in {"transient_network", "throttling"}
    assert ticket["analysis"]["evidence"]
    assert ticket["decision"]["outcome"] == "execute"
    (attempt,) = ticket["attempts"]
    assert (attempt["number"], attempt["state"], attempt["outcome"]) == (1, "succeeded", "healed")
    (new_run,) = adf.effects("createRun")
    assert attempt["external_run_id"] == new_run
    assert started(adf, run.pipeline) == 1


def test_the_timeline_has_no_gaps(adf: AdfSimulator, mend: Mend) -> None:
    """Events are numbered from 1, and ``after`` continues where a reader stopped."""
    ticket_id = mend.report(adf.seed_scenario(SCENARIOS["sql_transient"]))
    mend.await_end(ticket_id)

    events = mend.events(ticket_id)
    later = mend.http.get(f"/v1/tickets/{ticket_id}/events", params={"after": "3"}).json()

    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert later["items"] == events[3:]


def test_a_failed_rerun_is_followed_by_another(adf: AdfSimulator, mend: Mend) -> None:
    """The second attempt answers the fresh error of the first one's run."""
    run = adf.seed_scenario(SCENARIOS["sql_transient_twice"])

    ticket = mend.await_end(mend.report(run))

    assert (ticket["status"], ticket["outcome"]) == ("resolved", "healed")
    assert [attempt["outcome"] for attempt in ticket["attempts"]] == ["not_healed", "healed"]
    first, second = ticket["attempts"]
    assert second["reference_run_id"] == first["external_run_id"]
    assert started(adf, run.pipeline) == 2


def test_after_the_last_attempt_a_person_takes_over(adf: AdfSimulator, mend: Mend) -> None:
    """The summary says what failed, what was tried and what to do."""
    run = adf.seed_failed_run("never_heals", error_code="2200", message=NETWORK["message"])
    adf.script("never_heals", [FAILS_AGAIN])

    ticket = mend.await_end(mend.report(run))

    assert (ticket["status"], ticket["outcome"]) == ("escalated", "not_healed")
    assert ticket["closed_by"] is None
    assert len(ticket["attempts"]) == started(adf, "never_heals") <= 3
    for words in ("never_heals", "attempt 1", "Next:", "Evidence:"):
        assert words in ticket["summary"]


@pytest.mark.parametrize(
    ("scenario", "status", "outcome"),
    [
        ("expired_secret", "escalated", "not_remediable"),
        ("schema_mismatch", "escalated", "not_remediable"),
        ("duplicate_key", "escalated", "not_remediable"),
        ("bad_expression", "escalated", "not_remediable"),
        ("cancelled_by_user", "closed", "cancelled"),
    ],
)
def test_what_a_rerun_cannot_heal_is_left_alone(
    adf: AdfSimulator, mend: Mend, scenario: str, status: str, outcome: str
) -> None:
    """Nothing is started, and the ticket says why."""
    run = adf.seed_scenario(SCENARIOS[scenario])

    ticket = mend.await_end(mend.report(run))

    assert (ticket["status"], ticket["outcome"]) == (status, outcome)
    assert ticket["summary"]
    assert started(adf, run.pipeline) == 0


def test_a_newer_success_supersedes(adf: AdfSimulator, mend: Mend) -> None:
    """Somebody reran it by hand already: nothing is left to do."""
    run = adf.seed_failed_run(
        "by_hand", error_code="2200", message=NETWORK["message"], started_seconds_ago=600.0
    )
    adf.seed_run("by_hand", "Succeeded", started_seconds_ago=60.0)

    ticket = mend.await_end(mend.report(run))

    assert (ticket["status"], ticket["outcome"]) == ("closed", "superseded")
    assert started(adf, "by_hand") == 0


def test_a_success_with_other_parameters_does_not_supersede(adf: AdfSimulator, mend: Mend) -> None:
    """Another day's load does not heal this day's."""
    run = adf.seed_failed_run(
        "daily",
        error_code="2200",
        message=NETWORK["message"],
        parameters={"day": "2026-11-19"},
        started_seconds_ago=600.0,
    )
    adf.seed_run("daily", "Succeeded", parameters={"day": "2026-11-20"}, started_seconds_ago=60.0)
    adf.script("daily", [HEALS])

    ticket = mend.await_end(mend.report(run))

    assert ticket["outcome"] == "healed"
    assert started(adf, "daily") == 1


@pytest.mark.parametrize("first", ["child", "root", "child alone"])
def test_a_child_pipeline_is_healed_at_its_root(adf: AdfSimulator, mend: Mend, first: str) -> None:
    """Whoever is reported, and in whichever order: one rerun, of the root."""
    root_id, child_id = str(uuid4()), str(uuid4())
    parent, name = f"nightly_{first[-5:]}", f"load_{first[-5:]}"
    child = adf.seed_failed_run(
        name,
        run_id=child_id,
        error_code="2200",
        message=NETWORK["message"],
        invoked_by={
            "name": parent,
            "invoked_by_type": "PipelineActivity",
            "pipeline_name": parent,
            "pipeline_run_id": root_id,
        },
    )
    root = adf.seed_failed_run(
        parent,
        run_id=root_id,
        activity="Run child",
        activity_type="ExecutePipeline",
        activity_output={"pipelineName": name, "pipelineRunId": child_id},
        error_code="BadRequest",
        message="Operation on target Copy data failed",
    )
    adf.script(parent, [HEALS])
    reported = {"child": [child, root], "root": [root, child], "child alone": [child]}[first]

    ids = [mend.report(run) for run in reported]
    tickets = [mend.await_end(ticket_id) for ticket_id in ids]

    assert started(adf, parent) == 1
    assert started(adf, name) == 0
    outcomes = {ticket["id"]: ticket["outcome"] for ticket in tickets}
    assert sorted(outcomes.values()) in (["healed"], ["healed", "superseded"])


def test_the_alert_of_a_run_that_still_runs_waits_for_its_end(
    adf: AdfSimulator, mend: Mend
) -> None:
    """The Web activity that reports a failure is itself a part of the failing run."""
    run = adf.seed_run("still_going", "Failed", seconds=1.0, started_seconds_ago=0.0, error=NETWORK)
    adf.script("still_going", [HEALS])
    assert run.status == "InProgress"

    ticket = mend.await_end(mend.report(run))

    assert ticket["outcome"] == "healed"
    (call,) = [call for call in adf.ledger("createRun") if call.target == "still_going"]
    assert call.status == 200


def test_a_run_the_factory_does_not_know_is_not_confirmed(adf: AdfSimulator, mend: Mend) -> None:
    """A metric alert without a failed run behind it opens and closes, and starts nothing."""
    from demo.stories import metric_alert

    adf.seed_run("green", "Succeeded")
    answer = mend.post(metric_alert("green"), "azure-monitor")

    ticket = mend.await_end(answer.json()["tickets"][0]["ticket_id"])

    assert (ticket["status"], ticket["outcome"]) == ("closed", "not_confirmed")
    assert started(adf, "green") == 0


def test_a_green_run_with_a_failed_step_is_a_failure(adf: AdfSimulator, mend: Mend) -> None:
    """A failure path that succeeds makes the pipeline green although its load failed."""
    run = adf.seed_run("green_but_broken", "Succeeded", failed_activity="Copy", error=NETWORK)
    adf.script("green_but_broken", [HEALS])

    ticket = mend.await_end(mend.report(run))

    assert ticket["outcome"] == "healed"
    assert started(adf, "green_but_broken") == 1


def test_unknown_statuses_keep_the_monitor_looking(adf: AdfSimulator, mend: Mend) -> None:
    """A status nobody has heard of is neither an end nor a failure."""
    run = adf.seed_failed_run("odd", error_code="2200", message=NETWORK["message"])
    adf.script(
        "odd",
        [
            {
                "status": "Succeeded",
                "seconds": 0.2,
                "status_path": [
                    {"status": "Hibernating", "seconds": 0.5},
                    {"status": "QueuedForApproval", "seconds": 0.5},
                ],
            }
        ],
    )

    ticket = mend.await_end(mend.report(run))

    assert ticket["outcome"] == "healed"
    assert started(adf, "odd") == 1


def test_a_new_run_may_be_unknown_for_a_while(adf: AdfSimulator, mend: Mend) -> None:
    """Reads lag behind writes: 404 right after createRun is not the end."""
    run = adf.seed_failed_run("late", error_code="2200", message=NETWORK["message"])
    adf.script("late", [{**HEALS, "invisible_seconds": 1.5}])

    ticket = mend.await_end(mend.report(run))

    assert ticket["outcome"] == "healed"
    assert started(adf, "late") == 1


def test_a_long_run_is_watched_over_many_generations(adf: AdfSimulator, mend: Mend) -> None:
    """More looks than fit into one history, and still one rerun."""
    run = adf.seed_failed_run("long", error_code="2200", message=NETWORK["message"])
    adf.script("long", [{"status": "Succeeded", "seconds": 5.0}])

    ticket = mend.await_end(mend.report(run))

    assert ticket["outcome"] == "healed"
    looks = [
        call for call in adf.ledger("getPipelineRun") if call.target == adf.effects("createRun")[0]
    ]
    assert len(looks) > 20


def test_a_refused_rerun_is_handed_over(adf: AdfSimulator, mend: Mend) -> None:
    """A missing right does not get better by asking again."""
    run = adf.seed_failed_run("locked", error_code="2200", message=NETWORK["message"])
    adf.fault("createRun", "forbidden_403", match="locked")

    ticket = mend.await_end(mend.report(run))

    assert (ticket["status"], ticket["outcome"]) == ("escalated", "not_healed")
    assert "403" in ticket["summary"]
    assert started(adf, "locked") == 1


def test_throttled_before_anything_happened_is_sent_again(adf: AdfSimulator, mend: Mend) -> None:
    """A 429 means that nothing was started: the same attempt is sent after the pause."""
    run = adf.seed_failed_run("busy", error_code="2200", message=NETWORK["message"])
    adf.script("busy", [HEALS])
    adf.fault("createRun", "throttle_429", match="busy", retry_after=1)

    ticket = mend.await_end(mend.report(run))

    assert ticket["outcome"] == "healed"
    assert len(ticket["attempts"]) == 1
    assert len(adf.effects("createRun")) == 1


def test_in_hil_mode_a_person_decides(adf: AdfSimulator, mend: Mend) -> None:
    """Nothing is started, the reason is said, and the question waits."""
    mend.put("execution-mode", {"mode": "hil"})
    ticket_id = mend.report(adf.seed_scenario(SCENARIOS["sql_transient"]))
    ticket = mend.await_ticket(ticket_id, lambda one: one["status"] == "awaiting_approval")

    assert ticket["approval"]["status"] == "pending"
    assert ticket["approval"]["reasons"] == ["the mode is HIL: a person decides"]
    assert adf.effects("createRun") == []
    assert mend.http.post(f"/v1/tickets/{ticket_id}/cancel").json()["outcome"] == "cancelled"


def test_below_the_threshold_a_person_decides(adf: AdfSimulator, mend: Mend) -> None:
    """A diagnosis that is not sure enough is no ground for acting alone."""
    mend.put("execution-mode", {"mode": "auto", "confidence_threshold": 1.0})
    ticket_id = mend.report(adf.seed_scenario(SCENARIOS["sql_transient"]))
    ticket = mend.await_ticket(ticket_id, lambda one: one["status"] == "awaiting_approval")

    assert "< 1.00" in ticket["approval"]["reasons"][0]
    assert adf.effects("createRun") == []
    mend.http.post(f"/v1/tickets/{ticket_id}/cancel")


def test_the_kill_switch_stops_everything_but_intake(adf: AdfSimulator, mend: Mend) -> None:
    """Tickets are opened and explained; nothing is started."""
    assert mend.put("kill-switch", {"on": True, "reason": "month end"}).status_code == 200
    run = adf.seed_failed_run("stopped", error_code="2200", message=NETWORK["message"])

    ticket = mend.await_end(mend.report(run))

    assert ticket["status"] == "escalated"
    assert "month end" in ticket["summary"]
    assert started(adf, "stopped") == 0
