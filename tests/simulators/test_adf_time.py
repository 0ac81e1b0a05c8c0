"""The life of a run by the clock: states, visibility, cancelling, concurrency."""

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from simulators.client import AdfSimulator, SimulatorError
from tests.simulators.sdk import Factory, where


def statuses(sim: AdfSimulator, factory: Factory, run_id: str, *seconds: float) -> list[str | None]:
    """Return the status now and after each further wait."""
    seen = [factory.run(run_id).status]
    for wait in seconds:
        sim.advance(wait)
        seen.append(factory.run(run_id).status)
    return seen


@pytest.mark.parametrize("end", ["Succeeded", "Failed", "Cancelled"])
def test_a_run_is_queued_then_in_progress_then_over(
    frozen_adf: AdfSimulator, frozen_factory: Factory, end: str
) -> None:
    """Each state lasts as long as scripted, to the fraction of a second."""
    frozen_adf.script("p", [{"status": end, "queued_seconds": 1.5, "seconds": 2.5}])
    run_id = frozen_factory.start("p")

    seen = statuses(frozen_adf, frozen_factory, run_id, 1.4, 0.1, 2.4, 0.1, 900)

    assert seen == ["Queued", "Queued", "InProgress", "InProgress", end, end]


def test_runs_follow_their_scripts_in_order_and_the_last_repeats(
    frozen_adf: AdfSimulator, frozen_factory: Factory
) -> None:
    """Two failures and then green for good."""
    frozen_adf.script("p", ["Failed", "Failed", "Succeeded"])

    ids = [frozen_factory.start("p") for _ in range(5)]
    frozen_adf.advance(1)

    ends = [frozen_factory.run(run_id).status for run_id in ids]
    assert ends == ["Failed", "Failed", "Succeeded", "Succeeded", "Succeeded"]


def test_one_status_is_that_of_all_runs(frozen_adf: AdfSimulator, frozen_factory: Factory) -> None:
    """A mere status scripts every coming run."""
    frozen_adf.script("p", "Failed")

    ids = [frozen_factory.start("p") for _ in range(2)]
    frozen_adf.advance(1)

    assert [frozen_factory.run(run_id).status for run_id in ids] == ["Failed", "Failed"]


def test_a_run_may_pass_through_states_nobody_knows(
    frozen_adf: AdfSimulator, frozen_factory: Factory
) -> None:
    """A status that no client has heard of can come and go."""
    path = [
        {"status": "Queued", "seconds": 1},
        {"status": "Hibernating", "seconds": 5},
        {"status": "InProgress", "seconds": 1},
    ]
    frozen_adf.script("p", [{"status": "Succeeded", "status_path": path}])
    run_id = frozen_factory.start("p")

    seen = statuses(frozen_adf, frozen_factory, run_id, 1, 4, 1, 1)

    assert seen == ["Queued", "Hibernating", "Hibernating", "InProgress", "Succeeded"]


@pytest.mark.parametrize("status", ["InProgress", "Queued", "Hibernating"])
def test_a_run_may_hang(frozen_adf: AdfSimulator, frozen_factory: Factory, status: str) -> None:
    """A final status that is no end never ends, nor does its last activity."""
    frozen_adf.script("p", [{"status": status}])
    run_id = frozen_factory.start("p")

    frozen_adf.advance(86_400)

    run = frozen_factory.run(run_id)
    assert (run.status, run.run_end) == (status, None)
    assert [one.status for one in frozen_factory.activities(run_id)] == ["InProgress"]


def test_activities_follow_one_another(frozen_adf: AdfSimulator, frozen_factory: Factory) -> None:
    """An activity appears when it begins; the failing one ends with the run."""
    script = {"status": "Failed", "queued_seconds": 1, "seconds": 4, "failed_activity": "B"}
    frozen_adf.script("p", [script], activities=["A", "B", "C"])
    run_id = frozen_factory.start("p")
    seen = []

    for wait in (0, 1, 2, 2):
        frozen_adf.advance(wait)
        seen.append([(one.activity_name, one.status) for one in frozen_factory.activities(run_id)])

    assert seen == [
        [],
        [("A", "InProgress")],
        [("A", "Succeeded"), ("B", "InProgress")],
        [("A", "Succeeded"), ("B", "Failed")],
    ]
    durations = [one.duration_in_ms for one in frozen_factory.activities(run_id)]
    assert durations == [2000, 2000]


def test_a_new_run_may_be_invisible_for_a_while(
    frozen_adf: AdfSimulator, frozen_factory: Factory
) -> None:
    """Eventual consistency: 404 and absent from queries, although it runs."""
    frozen_adf.switch(invisible_seconds=10)
    frozen_adf.script("p")
    run_id = frozen_factory.start("p")

    with pytest.raises(ResourceNotFoundError):
        frozen_factory.run(run_id)
    with pytest.raises(ResourceNotFoundError):
        frozen_factory.activities(run_id)
    assert frozen_factory.query().value == []
    assert [run.status for run in frozen_adf.runs()] == ["InProgress"]

    frozen_adf.advance(10)
    assert frozen_factory.run(run_id).status == "Succeeded"
    assert [run.run_id for run in frozen_factory.query().value] == [run_id]


def test_visibility_of_one_script_beats_the_switch(
    frozen_adf: AdfSimulator, frozen_factory: Factory
) -> None:
    """A single run can be made an exception."""
    frozen_adf.switch(invisible_seconds=10)
    frozen_adf.script("p", [{"invisible_seconds": 0}])

    assert frozen_factory.run(frozen_factory.start("p")).run_id


def test_a_cancelled_run_is_canceling_then_cancelled(
    frozen_adf: AdfSimulator, frozen_factory: Factory
) -> None:
    """Cancelling takes its time and ends the running activity without an error text."""
    frozen_adf.switch(cancel_seconds=2)
    frozen_adf.script("p", [{"seconds": 60}], activities=["A", "B"])
    run_id = frozen_factory.start("p")
    frozen_adf.advance(10)

    frozen_factory.cancel(run_id)
    frozen_factory.cancel(run_id)
    seen = statuses(frozen_adf, frozen_factory, run_id, 1.9, 0.1, 900)
    activities = frozen_factory.activities(run_id)

    assert seen == ["Canceling", "Canceling", "Cancelled", "Cancelled"]
    assert [(one.activity_name, one.status) for one in activities] == [("A", "Cancelled")]
    error = activities[0].error
    assert error is not None
    assert error["errorCode"] == error["message"] == ""
    assert [entry.effect for entry in frozen_adf.ledger("cancelPipelineRun")] == [run_id, None]


@pytest.mark.parametrize("end", ["Succeeded", "Failed", "Cancelled"])
def test_a_finished_run_is_not_cancelled(
    frozen_adf: AdfSimulator, frozen_factory: Factory, end: str
) -> None:
    """The service says that it is over and how it ended."""
    run = frozen_adf.seed_run("p", end)

    with pytest.raises(HttpResponseError) as caught:
        frozen_factory.cancel(run.run_id)

    assert caught.value.status_code == 400
    assert caught.value.error is not None
    assert caught.value.error.code == "PipelineRunNotRunning"
    assert f"'{end}'" in (caught.value.error.message or "")
    assert frozen_factory.run(run.run_id).status == end


@pytest.mark.parametrize(("recursive", "cancelled"), [(True, 3), (False, 1)])
def test_children_are_cancelled_only_recursively(
    adf: AdfSimulator, factory: Factory, recursive: bool, cancelled: int
) -> None:
    """IsRecursive reaches children of children, and nobody else."""
    parent = adf.seed_run("parent", "InProgress")
    child = adf.seed_run("child", "InProgress", invoked_by={"pipeline_run_id": parent.run_id})
    adf.seed_run("grandchild", "InProgress", invoked_by={"pipeline_run_id": child.run_id})
    adf.seed_run("stranger", "InProgress")

    factory.cancel(parent.run_id, is_recursive=recursive)

    assert [run.status for run in adf.runs()].count("Cancelled") == cancelled
    assert adf.runs("stranger")[0].status == "InProgress"


def test_concurrency_queues_runs_in_order(
    frozen_adf: AdfSimulator, frozen_factory: Factory
) -> None:
    """With one slot each run begins exactly when the one before it ends."""
    frozen_adf.script("p", [{"seconds": 10}], concurrency=1)
    ids = [frozen_factory.start("p") for _ in range(3)]

    def seen() -> list[str | None]:
        return [frozen_factory.run(run_id).status for run_id in ids]

    at_once = seen()
    frozen_adf.advance(15)
    later = seen()
    frozen_adf.advance(100)

    assert at_once == ["InProgress", "Queued", "Queued"]
    assert later == ["Succeeded", "InProgress", "Queued"]
    assert [frozen_factory.run(run_id).duration_in_ms for run_id in ids] == [10_000, 20_000, 30_000]


def test_a_cancelled_run_frees_its_slot_and_a_queued_one_needs_none(
    frozen_adf: AdfSimulator, frozen_factory: Factory
) -> None:
    """Cancelling moves the queue up; a run cancelled in the queue never begins."""
    frozen_adf.script("p", [{"status": "InProgress"}], concurrency=1)
    hanging, queued, last = (frozen_factory.start("p") for _ in range(3))

    frozen_factory.cancel(queued)
    frozen_factory.cancel(hanging)
    frozen_adf.advance(1)

    assert frozen_factory.run(last).status == "InProgress"
    assert frozen_factory.run(queued).status == "Cancelled"
    assert frozen_factory.activities(queued) == []


def test_more_than_a_hundred_queued_runs_are_refused(
    frozen_adf: AdfSimulator, frozen_factory: Factory
) -> None:
    """The hundred-and-first waiting run is throttled and not started."""
    frozen_adf.script("p", [{"status": "InProgress"}], concurrency=1)
    for _ in range(101):
        frozen_factory.start("p")

    with pytest.raises(HttpResponseError, match="Pipeline execution throttled"):
        frozen_factory.start("p")

    assert len(frozen_adf.runs()) == 101


def test_a_seeded_run_goes_on_by_the_clock(
    frozen_adf: AdfSimulator, frozen_factory: Factory
) -> None:
    """A run that was started in the past may still be under way."""
    run = frozen_adf.seed_run("p", "Failed", seconds=60, started_seconds_ago=50)

    assert statuses(frozen_adf, frozen_factory, run.run_id, 9, 1) == [
        "InProgress",
        "InProgress",
        "Failed",
    ]
    assert [one.run_id for one in frozen_factory.query(where("Status", "In", "Failed")).value] == [
        run.run_id
    ]


def test_a_seed_never_replaces_a_run(adf: AdfSimulator) -> None:
    """A run id that is taken is refused, with its name."""
    run = adf.seed_run("p")

    with pytest.raises(SimulatorError, match=run.run_id):
        adf.seed_run("p", run_id=run.run_id)
