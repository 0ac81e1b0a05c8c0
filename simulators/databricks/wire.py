"""Runs, tasks and clusters in the platform's own JSON, old and new blocks alike."""

from datetime import datetime

from simulators.databricks.model import ClusterState, Job, Round, Run, Size, TaskTry, World
from simulators.databricks.scripts import StatementScript

Json = dict[str, object]


def run(world: World, one: Run, *, with_tasks: bool, with_history: bool) -> Json:
    """Return a job run."""
    now = world.now()
    result = one.result(now)
    ended = one.cancelled_at or one.rounds[-1].ends
    body: Json = {
        "job_id": one.job.job_id,
        "run_id": one.run_id,
        "run_name": one.job.script.name,
        "original_attempt_run_id": one.run_id,
        "trigger": one.trigger,
        "start_time": _ms(one.rounds[0].begins),
        "end_time": 0 if result is None else _ms(ended),
        "run_page_url": f"https://workspace.invalid/jobs/{one.job.job_id}/runs/{one.run_id}",
        "run_type": "JOB_RUN",
        "format": "MULTI_TASK",
        "job_parameters": [
            {"name": name, "value": value} for name, value in one.parameters.items()
        ],
        **_states(_word(one, now), result),
    }
    if with_tasks:
        body["tasks"] = [task(world, one, each) for r in one.rounds for each in r.tries]
        body["job_clusters"] = _job_clusters(one.job)
    if with_history:
        body["repair_history"] = [_history(one, each, now) for each in one.rounds]
    return body


def task(world: World, one: Run, each: TaskTry) -> Json:
    """Return one try of a task."""
    now = world.now()
    stopped = one.cancelled_at is not None and one.cancelled_at < each.ends
    over = stopped or now >= each.ends
    result = ("CANCELED" if stopped else each.script.result) if over else None
    body: Json = {
        "run_id": each.run_id,
        "task_key": each.task.key,
        each.task.type: {},
        "attempt_number": each.attempt,
        "start_time": _ms(each.begins),
        "end_time": _ms(each.ends) if over else 0,
        "cluster_instance": {"cluster_id": each.cluster_id},
        "depends_on": [{"task_key": key} for key in each.task.depends_on],
        **_states(_details(each) if over and not stopped else (None, None, ""), result),
    }
    if each.task.existing_cluster_id:
        body["existing_cluster_id"] = each.task.existing_cluster_id
    if each.task.job_cluster_key:
        body["job_cluster_key"] = each.task.job_cluster_key
    return body


def task_as_run(world: World, one: Run, each: TaskTry) -> Json:
    """Return a task's run as ``runs/get`` shows it: with the job run above it."""
    return {
        **task(world, one, each),
        "job_id": one.job.job_id,
        "job_run_id": one.run_id,
        "parent_run_id": one.run_id,
        "run_name": each.task.key,
        "trigger": one.trigger,
    }


def output(world: World, one: Run, each: TaskTry) -> Json:
    """Return what a task wrote."""
    body: Json = {"metadata": task_as_run(world, one, each), "logs_truncated": False}
    if world.now() >= each.ends and each.script.error:
        body["error"] = each.script.error
        body["error_trace"] = each.script.trace
    if world.now() >= each.ends and each.script.output is not None:
        body["notebook_output"] = {"result": each.script.output, "truncated": False}
    return body


def job(one: Job) -> Json:
    """Return a job with its settings."""
    return {
        "job_id": one.job_id,
        "settings": {
            "name": one.script.name,
            "max_concurrent_runs": one.script.max_concurrent_runs,
            "tasks": [{"task_key": each.key, each.type: {}} for each in one.script.tasks],
            "job_clusters": _job_clusters(one),
            "parameters": [
                {"name": name, "default": value} for name, value in one.script.parameters.items()
            ],
        },
    }


def cluster(world: World, one: ClusterState) -> Json:
    """Return a cluster."""
    return {
        "cluster_id": one.script.cluster_id,
        "cluster_name": one.script.cluster_id,
        "state": one.state_at(world.now()),
        "cluster_source": one.script.source,
        "start_time": _ms(one.started_at),
        **size(one.size),
    }


def libraries(world: World, one: ClusterState) -> Json:
    """Return the status of a cluster's libraries."""
    return {
        "cluster_id": one.script.cluster_id,
        "library_statuses": [
            {
                "library": dict(each.script.library),
                "status": world.library_status(one, each),
                "messages": list(each.script.messages) if each.status == "FAILED" else [],
                "is_library_for_all_clusters": False,
            }
            for each in one.libraries
        ],
    }


def events(one: ClusterState) -> Json:
    """Return why the cluster has ended, newest first."""
    found = [
        {
            "cluster_id": one.script.cluster_id,
            "timestamp": _ms(one.started_at),
            "type": "TERMINATING",
            "details": {"reason": dict(reason)},
        }
        for reason in one.script.ended
    ]
    return {"events": found, "total_count": len(found)}


def statement(script: StatementScript) -> Json:
    """Return what a statement came to."""
    status: Json = {"state": script.state}
    if script.state != "SUCCEEDED":
        status["error"] = {"error_code": "BAD_REQUEST", "message": script.error}
        return {"statement_id": "01ef", "status": status}
    rows = [] if script.value is None else [[script.value]]
    result = {"chunk_index": 0, "row_count": len(rows), "data_array": rows}
    return {"statement_id": "01ef", "status": status, "result": result}


def size(one: Size) -> Json:
    """Return a size as clusters have it."""
    if one.fixed is not None:
        return {"num_workers": one.fixed}
    return {"autoscale": {"min_workers": one.least, "max_workers": one.most}}


def _job_clusters(one: Job) -> list[Json]:
    return [
        {
            "job_cluster_key": key,
            "new_cluster": {"spark_version": "15.4.x-scala2.12", "node_type_id": "D4", **size(s)},
        }
        for key, s in one.sizes.items()
    ]


def _history(one: Run, each: Round, now: datetime) -> Json:
    over = now >= each.ends or one.cancelled_at is not None
    good = all(t.succeeds for t in each.tries)
    result = ("SUCCESS" if good else "FAILED") if over else None
    body: Json = {
        "type": "ORIGINAL" if each.repair_id is None else "REPAIR",
        "start_time": _ms(each.begins),
        "end_time": _ms(each.ends) if over else 0,
        "task_run_ids": [t.run_id for t in each.tries],
        **_states((None, None, ""), result),
    }
    if each.repair_id is not None:
        body["id"] = each.repair_id
    return body


Details = tuple[str | None, str | None, str]


def _word(one: Run, now: datetime) -> Details:
    """Return code, type and message of a run that is over: those of the task that failed."""
    if one.cancelled_at is not None:
        return "USER_CANCELED", "CLIENT_ERROR", "Run cancelled."
    if one.is_active(now):
        return None, None, ""
    bad = [t for t in one.latest.values() if not t.succeeds]
    told = [t for t in bad if not t.script.result.startswith("UPSTREAM")] or bad
    if not told:
        return "SUCCESS", "SUCCESS", ""
    code, kind, message = _details(told[0])
    return code, kind, message or f"Task {told[0].task.key} failed with message: {code}."


def _details(each: TaskTry) -> Details:
    script = each.script
    if each.succeeds:
        return "SUCCESS", "SUCCESS", ""
    usual = "RUN_EXECUTION_ERROR" if script.result == "FAILED" else script.result
    return script.code or usual, script.type or "CLIENT_ERROR", script.message


def _states(details: Details, result: str | None) -> Json:
    """Return the old ``state`` and the new ``status`` block."""
    if result is None:
        return {
            "state": {"life_cycle_state": "RUNNING", "state_message": "In run"},
            "status": {"state": "RUNNING"},
        }
    code, kind, message = details
    life = "INTERNAL_ERROR" if kind == "INTERNAL_ERROR" else "TERMINATED"
    return {
        "state": {"life_cycle_state": life, "result_state": result, "state_message": message},
        "status": {
            "state": "TERMINATED",
            "termination_details": {
                "code": code or result,
                "type": kind or "CLIENT_ERROR",
                "message": message,
            },
        },
    }


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
