"""The Databricks connector on the wire: the real SDK against the simulator.

Every fault has a declared meaning, and the simulator's ledger says how many requests were
really sent.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.connectors.databricks import Databricks
from shared.domain.alert import Platform, Resource, TimeWindow
from shared.domain.errors import OutcomeUnknown, Refused, Transient
from shared.domain.run import RunPhase, RunSnapshot
from simulators.client import DatabricksSimulator, JobRun

FAILED = {
    "result": "FAILED",
    "message": "Workload failed, see run output for details",
    "error": "java.lang.OutOfMemoryError: Java heap space",
    "trace": "Caused by: java.lang.OutOfMemoryError: Java heap space\n\tat org.apache.Spark",
}


@pytest.fixture
async def jobs(databricks: DatabricksSimulator) -> AsyncIterator[Databricks]:
    """Yield the connector, pointed at the simulator."""
    connector = Databricks(databricks.url, "a-token", timeout_seconds=2)
    yield connector
    await connector.close()


@pytest.fixture
def place(databricks: DatabricksSimulator) -> Resource:
    """Where the job is."""
    host = databricks.url.removeprefix("http://")
    return Resource(platform=Platform.DATABRICKS, scope=host, kind="job", name="orders")


def a_failed_run(databricks: DatabricksSimulator, **task: object) -> JobRun:
    """Return a run of the job ``orders`` whose task ``load`` has failed once."""
    tries = [FAILED, {"result": "SUCCESS"}]
    tasks: list[dict[str, object]] = [
        {"key": "read"},
        {"key": "load", "depends_on": ["read"], "tries": tries, **task},
        {"key": "publish", "depends_on": ["load"]},
    ]
    databricks.job("orders", tasks, parameters={"day": "2026-11-20"})
    return databricks.seed_run("orders")


async def seen(jobs: Databricks, place: Resource, run_id: str) -> RunSnapshot:
    """Return a run that is there."""
    run = await jobs.run(place, run_id)
    assert run is not None
    return run


async def test_a_run_is_read(
    databricks: DatabricksSimulator, jobs: Databricks, place: Resource
) -> None:
    """Job, state, times and parameters come through."""
    failed = a_failed_run(databricks)

    run = await seen(jobs, place, failed.run_id)

    assert (run.run_id, run.name, run.target) == (failed.run_id, "orders", failed.job_id)
    assert (run.phase, run.status) == (RunPhase.FAILED, "RUN_EXECUTION_ERROR")
    assert run.parameters_key
    assert run.by_trigger
    assert run.started_at is not None


async def test_an_unknown_run_is_none(jobs: Databricks, place: Resource) -> None:
    """A 400 that says so is an answer, not a failure."""
    assert await jobs.run(place, "17") is None


async def test_a_task_run_names_the_job_run_above_it(
    databricks: DatabricksSimulator, jobs: Databricks, place: Resource
) -> None:
    """A task's notification leads to the run that can be repaired."""
    failed = a_failed_run(databricks)

    run = await seen(jobs, place, failed.task_run_ids[1])

    assert run.parent_run_id == failed.run_id


async def test_the_failed_task_is_named_and_no_follower(
    databricks: DatabricksSimulator, jobs: Databricks, place: Resource
) -> None:
    """The error of its output and the end of its trace; what did not run is left out."""
    failed = a_failed_run(databricks, existing_cluster_id="c-1")
    databricks.cluster("c-1")

    (failure,) = await jobs.failures(place, await seen(jobs, place, failed.run_id))

    assert (failure.step, failure.step_type, failure.cluster_id) == ("load", "notebook_task", "c-1")
    assert failure.message.startswith("java.lang.OutOfMemoryError: Java heap space")
    assert "org.apache.Spark" in failure.message


async def test_an_output_that_cannot_be_read_loses_no_failure(
    databricks: DatabricksSimulator, jobs: Databricks, place: Resource
) -> None:
    """The state's own message stands in."""
    failed = a_failed_run(databricks)
    run = await seen(jobs, place, failed.run_id)
    databricks.fault("getRunOutput", "html_200", times=5)

    (failure,) = await jobs.failures(place, run)

    assert failure.message == "Workload failed, see run output for details"


async def test_why_a_cluster_ended_and_which_library_failed_come_first(
    databricks: DatabricksSimulator, jobs: Databricks, place: Resource
) -> None:
    """The cause behind the task's own words."""
    reason = {
        "code": "CLOUD_PROVIDER_RESOURCE_STOCKOUT",
        "type": "CLOUD_FAILURE",
        "parameters": {"azure_error_code": "SkuNotAvailable"},
    }
    library = {"pypi": {"package": "deequ==1.0"}}
    failed = a_failed_run(
        databricks,
        existing_cluster_id="c-1",
        tries=[{**FAILED, "code": "CLUSTER_ERROR", "type": "CLOUD_FAILURE"}],
    )
    broken = {"library": library, "status": "FAILED", "messages": ["transient Maven issue"]}
    databricks.cluster("c-1", ended=[reason], libraries=[broken])

    found = await jobs.failures(place, await seen(jobs, place, failed.run_id))

    assert [one.source for one in found] == [
        "databricks.cluster_event",
        "databricks.library_status",
        "databricks.task_run",
    ]
    assert found[0].error_code == "CLOUD_PROVIDER_RESOURCE_STOCKOUT"
    assert "transient Maven issue" in found[1].message


async def test_every_page_of_tasks_is_read(
    databricks: DatabricksSimulator, jobs: Databricks, place: Resource
) -> None:
    """The failed one may be the last of 250."""
    tasks: list[dict[str, Any]] = [{"key": f"t{n}"} for n in range(249)]
    databricks.job("orders", [*tasks, {"key": "last", "tries": [FAILED]}])
    run = databricks.seed_run("orders")

    (failure,) = await jobs.failures(place, await seen(jobs, place, run.run_id))

    assert failure.step == "last"


async def test_a_repair_runs_what_failed_and_passes_the_parameters_again(
    databricks: DatabricksSimulator, jobs: Databricks, place: Resource
) -> None:
    """The run keeps its id; its history has one entry more."""
    failed = a_failed_run(databricks)
    before = await jobs.job_run(place, failed.run_id)
    assert before is not None

    repair_id = await jobs.repair(
        place, failed.run_id, latest_repair_id=None, parameters=before.parameters
    )

    after = await jobs.job_run(place, failed.run_id)
    assert after is not None
    assert (before.latest_repair_id, after.latest_repair_id) == (None, repair_id)
    assert after.phase is RunPhase.ACTIVE
    (call,) = databricks.ledger("repairRun")
    assert call.body == {
        "run_id": int(failed.run_id),
        "rerun_all_failed_tasks": True,
        "rerun_dependent_tasks": True,
        "job_parameters": {"day": "2026-11-20"},
    }


async def test_a_repair_that_does_not_know_the_latest_is_refused(
    databricks: DatabricksSimulator, jobs: Databricks, place: Resource
) -> None:
    """Compare and set: of two, one gets through."""
    tries = [FAILED, {**FAILED, "seconds": 0}, {**FAILED, "seconds": 0}]
    failed = a_failed_run(databricks, tries=tries)
    first = await jobs.repair(place, failed.run_id, latest_repair_id=None, parameters={})

    with pytest.raises(Refused, match=first):
        await jobs.repair(place, failed.run_id, latest_repair_id=None, parameters={})
    await jobs.repair(place, failed.run_id, latest_repair_id=first, parameters={})

    assert len(databricks.effects("repairRun")) == 2


async def test_the_same_token_starts_one_run(
    databricks: DatabricksSimulator, jobs: Databricks, place: Resource
) -> None:
    """However often it is sent."""
    failed = a_failed_run(databricks)

    ids = {
        await jobs.run_now(place, failed.job_id, token="t" * 64, parameters={"day": "x"})
        for _ in range(3)
    }

    assert len(ids) == 1
    assert databricks.effects("runNow") == list(ids)


async def test_who_runs_on_a_cluster(
    databricks: DatabricksSimulator, jobs: Databricks, place: Resource
) -> None:
    """Only what goes on, only there."""
    a_failed_run(databricks, existing_cluster_id="c-1")
    databricks.job("other", [{"key": "main", "existing_cluster_id": "c-1"}])
    databricks.job("elsewhere", [{"key": "main", "existing_cluster_id": "c-2"}])
    going_on = databricks.seed_run("other", going_on=True)
    databricks.seed_run("elsewhere", going_on=True)

    assert await jobs.active_runs(place, cluster_id="c-1") == (going_on.run_id,)
    assert await jobs.active_runs(place, job_id=going_on.job_id) == (going_on.run_id,)


async def test_runs_of_a_job_newest_first(
    databricks: DatabricksSimulator, jobs: Databricks, place: Resource
) -> None:
    """Over all pages, and of this job only."""
    first = a_failed_run(databricks)
    later = [databricks.seed_run("orders", started_seconds_ago=float(100 - n)) for n in range(60)]
    databricks.job("other", [{"key": "main"}])
    databricks.seed_run("other")
    now = datetime.now(UTC)
    window = TimeWindow(start=now - timedelta(hours=1), end=now + timedelta(hours=1))

    found = await jobs.runs(place, first.job_id, window)

    assert [run.run_id for run in found] == [run.run_id for run in reversed([first, *later])]


async def test_clusters_restart_and_resize(
    databricks: DatabricksSimulator, jobs: Databricks, place: Resource
) -> None:
    """A restart shows in the start time; a terminated one is started."""
    databricks.cluster("c-1", num_workers=4)
    databricks.cluster("c-2", state="TERMINATED", min_workers=1, max_workers=6)
    before = await jobs.cluster(place, "c-1")
    await jobs.restart_cluster(place, "c-1")
    await jobs.restart_cluster(place, "c-2")
    after, second = await jobs.cluster(place, "c-1"), await jobs.cluster(place, "c-2")

    assert before is not None
    assert after is not None
    assert second is not None
    assert after.started_at != before.started_at
    assert (after.workers, second.workers, second.min_workers) == (4, 6, 1)
    assert databricks.effects("startCluster") == ["c-2"]
    assert await jobs.cluster(place, "nowhere") is None


async def test_a_job_cluster_is_resized_and_nothing_else(
    databricks: DatabricksSimulator, jobs: Databricks, place: Resource
) -> None:
    """The rest of the cluster's settings stay as they are."""
    clusters = [{"key": "main", "num_workers": 2}, {"key": "other", "num_workers": 9}]
    job_id = databricks.job("orders", [{"key": "load"}], job_clusters=clusters)

    await jobs.resize_job_cluster(place, job_id, "main", workers=3, min_workers=None)

    changed = await jobs.job_cluster(place, job_id, "main")
    assert changed is not None
    assert changed.workers == 3
    (call,) = databricks.ledger("updateJob")
    sent = call.body["new_settings"]["job_clusters"]  # type: ignore[index]
    assert [one["job_cluster_key"] for one in sent] == ["main"]
    assert sent[0]["new_cluster"]["spark_version"]
    with pytest.raises(Refused, match="nothing"):
        await jobs.resize_job_cluster(place, job_id, "nothing", workers=3, min_workers=None)


Change = Callable[[Databricks, Resource, JobRun], Awaitable[object]]
CHANGES: dict[str, Change] = {
    "repairRun": lambda jobs, place, run: jobs.repair(
        place, run.run_id, latest_repair_id=None, parameters={}
    ),
    "runNow": lambda jobs, place, run: jobs.run_now(
        place, run.job_id, token="t" * 64, parameters={}
    ),
    "restartCluster": lambda jobs, place, _run: jobs.restart_cluster(place, "c-1"),
    "resizeCluster": lambda jobs, place, _run: jobs.resize_cluster(
        place, "c-1", workers=5, min_workers=None
    ),
    "installLibraries": lambda jobs, place, _run: jobs.install(place, "c-1", ('{"jar":"a"}',)),
    "uninstallLibraries": lambda jobs, place, _run: jobs.uninstall(place, "c-1", ('{"jar":"a"}',)),
}
MEANINGS: dict[str, type[Exception]] = {
    "throttle_429": Transient,
    "conflict_409_retry_after": Transient,
    "unauthorized_401": Refused,
    "forbidden_403": Refused,
    "not_found_404": Refused,
    "refuse_503": OutcomeUnknown,
    "error_500_before": OutcomeUnknown,
    "html_502_before": OutcomeUnknown,
    "reset_before": OutcomeUnknown,
    "slow_before": OutcomeUnknown,
    "lose_answer_503": OutcomeUnknown,
    "lose_answer_504": OutcomeUnknown,
    "reset_after": OutcomeUnknown,
    "hold": OutcomeUnknown,
    "html_200": OutcomeUnknown,
    "html_502": OutcomeUnknown,
    "truncated_json": OutcomeUnknown,
}


def a_busy_workspace(databricks: DatabricksSimulator) -> JobRun:
    """Return a failed run in a workspace with a cluster that has a library."""
    library = {"library": {"jar": "a"}, "status": "FAILED"}
    databricks.cluster("c-1", num_workers=2, libraries=[library])
    return a_failed_run(databricks, existing_cluster_id="c-1")


@pytest.mark.parametrize("action", CHANGES)
@pytest.mark.parametrize("fault", MEANINGS)
async def test_what_goes_wrong_with_a_change_has_one_meaning_and_one_request(
    databricks: DatabricksSimulator, place: Resource, action: str, fault: str
) -> None:
    """The SDK would repeat many of these for five minutes."""
    run = a_busy_workspace(databricks)
    connector = Databricks(databricks.url, "a-token", timeout_seconds=0.3)
    databricks.fault(action, fault, times=9, seconds=1.5)

    with pytest.raises(MEANINGS[fault]):
        await CHANGES[action](connector, place, run)

    await connector.close()
    assert len(databricks.ledger(action)) <= 1  # a call that is held is noted when it ends
    assert databricks.in_flight() <= 1


@pytest.mark.parametrize("fault", sorted({*MEANINGS, "wrong_schema"}))
async def test_what_goes_wrong_with_a_read_has_one_meaning_and_one_request(
    databricks: DatabricksSimulator, place: Resource, fault: str
) -> None:
    """Refused for good, or worth asking again; never a run that is not there."""
    run = a_busy_workspace(databricks)
    connector = Databricks(databricks.url, "a-token", timeout_seconds=0.3)
    databricks.fault("getRun", fault, times=9, seconds=1.5)

    refused = MEANINGS.get(fault) is Refused
    with pytest.raises(Refused if refused else Transient):
        await connector.run(place, run.run_id)

    await connector.close()
    assert len(databricks.ledger("getRun")) <= 1


@pytest.mark.parametrize("action", ["repairRun", "runNow"])
async def test_an_answer_without_an_id_is_an_unknown_outcome(
    databricks: DatabricksSimulator, jobs: Databricks, place: Resource, action: str
) -> None:
    """It happened, and nobody knows as what."""
    run = a_busy_workspace(databricks)
    databricks.fault(action, "wrong_schema")

    with pytest.raises(OutcomeUnknown):
        await CHANGES[action](jobs, place, run)


async def test_texts_that_the_sdk_repeats_on_are_not_repeated_on(
    databricks: DatabricksSimulator, jobs: Databricks, place: Resource
) -> None:
    """Among them "Unknown worker environment", for up to five minutes."""
    with pytest.raises(Refused, match="Unknown worker environment"):
        await jobs.libraries(place, "Unknown worker environment")

    assert len(databricks.ledger("libraryStatus")) == 1


async def test_a_dead_host_is_told_of_quickly_and_nothing_has_happened(place: Resource) -> None:
    """Also when it is the first thing that is asked of it."""
    connector = Databricks("http://127.0.0.1:9", "a-token", timeout_seconds=1)
    dead = place.model_copy(update={"scope": "127.0.0.1:9"})
    before = datetime.now(UTC)

    with pytest.raises(Transient):
        await connector.run(dead, "17")
    with pytest.raises(Transient):
        await connector.run_now(dead, "17", token="t", parameters={})

    await connector.close()
    assert datetime.now(UTC) - before < timedelta(seconds=3)


@pytest.mark.parametrize(
    "scope",
    [
        "evil.example",
        "http://adb-1.1.azuredatabricks.net",
        "adb-1.1.azuredatabricks.net.evil.example",
        "https://adb-1.1.azuredatabricks.net:8443",
        "https://user@adb-1.1.azuredatabricks.net",
        "127.0.0.1:1",
        "169.254.169.254",
        "",
    ],
)
async def test_the_token_goes_to_workspaces_only(place: Resource, scope: str) -> None:
    """An alert names the host; it does not decide who gets our token."""
    connector = Databricks(None, "a-token", timeout_seconds=1)

    with pytest.raises(Refused, match="MEND_DATABRICKS_HOST"):
        await connector.run(place.model_copy(update={"scope": scope}), "17")

    await connector.close()


async def test_a_wrong_token_is_refused() -> None:
    """With the platform's own words."""
    with DatabricksSimulator.start(token="right") as guarded:
        connector = Databricks(guarded.url, "wrong", timeout_seconds=2)
        place = Resource(platform=Platform.DATABRICKS, scope="", kind="job", name="x")
        with pytest.raises(Refused, match="not authenticated"):
            await connector.run(place, "17")
        await connector.close()


async def test_failed_runs_of_the_whole_workspace_are_listed(
    databricks: DatabricksSimulator, jobs: Databricks, place: Resource
) -> None:
    """Of every job, those that ended in the window, and only what failed."""
    failed = a_failed_run(databricks)
    databricks.job("well", [{"key": "main"}])
    databricks.seed_run("well")
    databricks.job("old", [{"key": "main", "tries": [FAILED]}])
    databricks.seed_run("old", started_seconds_ago=7200.0)
    now = datetime.now(UTC)
    window = TimeWindow(start=now - timedelta(minutes=30), end=now)

    found = await jobs.failed_runs(place, window)

    assert [run.run_id for run in found] == [failed.run_id]
    assert found[0].ended_at is not None


async def test_what_a_notebook_exits_with_is_read(
    databricks: DatabricksSimulator, jobs: Databricks, place: Resource
) -> None:
    """Of the newest try of a task, by its key in any case."""
    well = {"result": "SUCCESS", "output": '{"rows": 7}'}
    databricks.job("orders", [{"key": "load", "tries": [well]}, {"key": "silent"}])
    run = await seen(jobs, place, databricks.seed_run("orders").run_id)

    assert await jobs.output(place, run, "LOAD") == '{"rows": 7}'
    assert await jobs.output(place, run, "silent") is None
    assert await jobs.output(place, run, "nobody") is None


async def test_a_query_is_answered(databricks: DatabricksSimulator, jobs: Databricks) -> None:
    """The first value of the first row; nothing for no row; a failure is refused with its text."""
    databricks.statement("select 7", 7)
    databricks.statement("select 1 where false")
    databricks.statement("select x", state="FAILED", error="column x cannot be resolved")

    assert await jobs.query("w1", "select 7") == "7"
    assert await jobs.query("w1", "select 1 where false") is None
    with pytest.raises(Refused, match="column x cannot be resolved"):
        await jobs.query("w1", "select x")


@pytest.mark.parametrize(
    "fault",
    ["refuse_503", "throttle_429", "reset_before", "html_200", "truncated_json", "lose_answer_504"],
)
async def test_a_query_that_is_not_answered_is_asked_again_later(
    databricks: DatabricksSimulator, jobs: Databricks, fault: str
) -> None:
    """It changes nothing, so the caller may."""
    databricks.statement("select 7", 7)
    databricks.fault("runStatement", fault)

    with pytest.raises(Transient):
        await jobs.query("w1", "select 7")

    assert await jobs.query("w1", "select 7") == "7"
