"""Databricks: failures in, healed jobs out, each effect counted in the workspace's ledger."""

import time
from typing import Any
from uuid import uuid4

import httpx
import pytest

from simulators.client import DatabricksSimulator, JobRun
from tests.support.mend import Mend, Ticket

STOCKOUT = {
    "result": "FAILED",
    "code": "CLOUD_FAILURE",
    "type": "CLOUD_FAILURE",
    "message": "Cluster terminated. Reason: CLOUD_PROVIDER_RESOURCE_STOCKOUT (CLOUD_FAILURE). "
    "azure_error_code: SkuNotAvailable",
}
OUT_OF_MEMORY = {
    "result": "FAILED",
    "message": "Workload failed, see run output for details",
    "error": "java.lang.OutOfMemoryError: Java heap space",
    "heals_when": "resized",
}
KERNEL_GONE = {
    "result": "FAILED",
    "message": "Workload failed, see run output for details",
    "error": "The Python kernel is unresponsive.",
    "heals_when": "restarted",
}
LIBRARY = {"pypi": {"package": "deequ==1.0"}}
LIBRARY_FAILED = {
    "result": "FAILED",
    "code": "LIBRARY_INSTALLATION_ERROR",
    "type": "CLOUD_FAILURE",
    "message": "Library installation failed: could not install because of a transient Maven issue",
    "heals_when": "reinstalled",
}
BUG = {
    "result": "FAILED",
    "message": "Workload failed, see run output for details",
    "error": "NameError: name 'ordres' is not defined",
}
WELL = {"result": "SUCCESS"}


def failed(databricks: DatabricksSimulator, *tries: dict[str, Any], **fields: object) -> JobRun:
    """Return a failed run of a job of its own; its only task goes as ``tries`` say."""
    job = f"orders_{uuid4().hex[:8]}"
    task = {"key": "load", "tries": list(tries), **fields}
    clusters = [{"key": "main", "num_workers": 4}] if "job_cluster_key" in fields else []
    databricks.job(job, [task], job_clusters=clusters, parameters={"day": "2026-11-20"})
    return databricks.seed_run(job)


def reported(mend: Mend, run: JobRun, **fields: object) -> str:
    """Send the notification of ``run`` and return the ticket."""
    body = {**run.notification(), **fields}
    answer = mend.http.post("/v1/tickets/webhook/databricks", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["tickets"][0]["ticket_id"])


def healed(mend: Mend, run: JobRun) -> Ticket:
    """Report ``run``, wait for the end and return the ticket, which must be healed."""
    ticket = mend.await_end(reported(mend, run))
    assert (ticket["status"], ticket["outcome"]) == ("resolved", "healed"), ticket["summary"]
    return ticket


def effects(databricks: DatabricksSimulator) -> dict[str, int]:
    """Return how often each kind of change took effect."""
    found: dict[str, int] = {}
    for entry in databricks.ledger():
        if entry.effect is not None:
            found[entry.action] = found.get(entry.action, 0) + 1
    return found


def test_a_stockout_is_healed_by_one_repair(databricks: DatabricksSimulator, mend: Mend) -> None:
    """The run keeps its id, its parameters are passed again, the ticket tells the story."""
    run = failed(databricks, STOCKOUT, WELL)

    ticket = healed(mend, run)

    assert effects(databricks) == {"repairRun": 1}
    (attempt,) = ticket["attempts"]
    assert (attempt["action"], attempt["state"]) == ("repair_run", "succeeded")
    assert attempt["external_run_id"] == run.run_id
    assert ticket["analysis"]["category"] == "capacity_quota"
    assert ticket["platform"] == "databricks"
    (call,) = databricks.ledger("repairRun")
    assert call.body["job_parameters"] == {"day": "2026-11-20"}  # type: ignore[index]


@pytest.mark.parametrize("fault", ["lose_answer_504", "reset_after", "html_200"])
def test_a_repair_whose_answer_is_lost_is_found(
    databricks: DatabricksSimulator, mend: Mend, fault: str
) -> None:
    """Its history shows it; nothing is sent twice."""
    run = failed(databricks, STOCKOUT, WELL)
    databricks.fault("repairRun", fault)

    ticket = healed(mend, run)

    assert effects(databricks) == {"repairRun": 1}
    assert len(databricks.ledger("repairRun")) == 1
    assert len(ticket["attempts"]) == 1


def test_a_repair_that_fails_is_followed_by_another(
    databricks: DatabricksSimulator, mend: Mend
) -> None:
    """The second one knows the first; the old failure is not taken for the new one."""
    run = failed(databricks, STOCKOUT, {**STOCKOUT, "seconds": 0.3}, WELL)

    ticket = healed(mend, run)

    assert effects(databricks) == {"repairRun": 2}
    outcomes = [attempt["outcome"] for attempt in ticket["attempts"]]
    assert outcomes == ["not_healed", "healed"]


def test_a_job_cluster_gets_more_workers_for_one_repair(
    databricks: DatabricksSimulator, mend: Mend
) -> None:
    """And has the old ones again in the end."""
    run = failed(databricks, OUT_OF_MEMORY, job_cluster_key="main")

    ticket = healed(mend, run)

    assert databricks.effects("updateJob") == ["main 6", "main 4"]
    assert len(databricks.effects("repairRun")) == 1
    assert [attempt["action"] for attempt in ticket["attempts"]] == ["resize_cluster"]


def test_the_size_is_taken_back_when_it_did_not_help(
    databricks: DatabricksSimulator, mend: Mend
) -> None:
    """Healed or not."""
    stubborn = {key: value for key, value in OUT_OF_MEMORY.items() if key != "heals_when"}
    run = failed(databricks, stubborn, job_cluster_key="main")

    ticket = mend.await_end(reported(mend, run))

    assert ticket["status"] == "escalated"
    sizes = databricks.effects("updateJob")
    assert sizes[-1] == "main 4"
    assert sizes.count("main 6") == sizes.count("main 4")


def test_a_cluster_that_lost_its_kernel_is_restarted_and_the_run_repaired(
    databricks: DatabricksSimulator, mend: Mend
) -> None:
    """Two requests of one attempt, each once."""
    databricks.cluster("c-1")
    run = failed(databricks, KERNEL_GONE, existing_cluster_id="c-1")

    ticket = healed(mend, run)

    assert effects(databricks) == {"restartCluster": 1, "repairRun": 1}
    (attempt,) = ticket["attempts"]
    assert (attempt["action"], attempt["outcome"]) == ("restart_cluster", "healed")


def test_a_cluster_that_others_use_is_never_restarted(
    databricks: DatabricksSimulator, mend: Mend
) -> None:
    """It is waited for a while; then a person hears who is in the way."""
    databricks.cluster("c-1")
    databricks.job("somebody else's", [{"key": "main", "existing_cluster_id": "c-1"}])
    other = databricks.seed_run("somebody else's", going_on=True)
    run = failed(databricks, KERNEL_GONE, existing_cluster_id="c-1")

    ticket = mend.await_end(reported(mend, run))

    assert effects(databricks) == {}
    assert (ticket["status"], ticket["outcome"]) == ("escalated", "not_remediable")
    assert other.run_id in ticket["summary"]


def test_a_failed_library_is_installed_afresh(databricks: DatabricksSimulator, mend: Mend) -> None:
    """Taken off, the cluster restarted, put on again, the run repaired."""
    broken = {"library": LIBRARY, "status": "FAILED", "messages": ["transient Maven issue"]}
    databricks.cluster("c-1", libraries=[broken])
    run = failed(databricks, LIBRARY_FAILED, existing_cluster_id="c-1")

    ticket = healed(mend, run)

    changes = [entry.action for entry in databricks.ledger() if entry.effect is not None]
    assert changes == ["uninstallLibraries", "restartCluster", "installLibraries", "repairRun"]
    assert [attempt["action"] for attempt in ticket["attempts"]] == ["reinstall_libraries"]


@pytest.mark.parametrize("action", ["restartCluster", "uninstallLibraries", "installLibraries"])
def test_a_step_whose_answer_is_lost_is_not_the_end(
    databricks: DatabricksSimulator, mend: Mend, action: str
) -> None:
    """Found by looking, or sent again where twice is once; the run is repaired once."""
    broken = {"library": LIBRARY, "status": "FAILED", "messages": ["transient Maven issue"]}
    databricks.cluster("c-1", libraries=[broken])
    run = failed(databricks, LIBRARY_FAILED, existing_cluster_id="c-1")
    databricks.fault(action, "lose_answer_504")

    healed(mend, run)

    assert len(databricks.effects("repairRun")) == 1
    assert len(databricks.effects("restartCluster")) == 1


def test_a_bug_is_for_a_person(databricks: DatabricksSimulator, mend: Mend) -> None:
    """Nothing is changed, and the ticket says what is wrong."""
    ticket = mend.await_end(reported(mend, failed(databricks, BUG)))

    assert effects(databricks) == {}
    assert (ticket["status"], ticket["outcome"]) == ("escalated", "not_remediable")
    assert "ordres" in str(ticket["analysis"]["evidence"])


def test_a_run_that_somebody_repaired_is_left_alone(
    databricks: DatabricksSimulator, mend: Mend
) -> None:
    """What has recovered is closed, whoever did it."""
    run = failed(databricks, STOCKOUT, {**WELL, "seconds": 0})
    body = {"run_id": int(run.run_id), "rerun_all_failed_tasks": True}
    httpx.post(f"{databricks.url}/api/2.2/jobs/runs/repair", json=body).raise_for_status()

    ticket = mend.await_end(reported(mend, run))

    assert ticket["status"] == "closed"
    assert len(databricks.effects("repairRun")) == 1


def test_a_task_and_its_job_are_one_ticket(databricks: DatabricksSimulator, mend: Mend) -> None:
    """Both notifications are about the same run."""
    run = failed(databricks, STOCKOUT, {**WELL, "seconds": 1.0})
    above = {"run_id": run.task_run_ids[0], "parent_run_id": run.run_id}
    of_task = {**run.notification(), "task": {"task_key": "load"}, "run": above}

    first = reported(mend, run)
    answer = mend.post(of_task, "databricks").json()["tickets"][0]
    second = answer["ticket_id"]

    assert (first, answer["disposition"]) == (second, "duplicate")
    mend.await_end(first)
    assert len(databricks.effects("repairRun")) == 1


def test_a_success_opens_nothing(databricks: DatabricksSimulator, mend: Mend) -> None:
    """Understood, and ignored."""
    run = failed(databricks, STOCKOUT)
    body = run.notification(event="jobs.on_success")

    answer = mend.http.post("/v1/tickets/webhook/databricks", json=body)

    assert answer.json()["tickets"][0]["disposition"] == "ignored"


def test_a_workspace_that_is_away_for_a_while_delays_and_loses_nothing(
    databricks: DatabricksSimulator, mend: Mend
) -> None:
    """Reads are asked again; the repair is sent once."""
    run = failed(databricks, STOCKOUT, WELL)
    databricks.fault("getRun", "refuse_503", times=2)
    begun = time.monotonic()

    healed(mend, run)

    assert len(databricks.ledger("repairRun")) == 1
    assert time.monotonic() - begun < 60
