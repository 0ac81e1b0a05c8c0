"""Databricks' error codes and texts. README.md says which were seen and which assumed."""

from simulators.kit.service import Refused


def no_run(run_id: int | str) -> Refused:
    """Refuse to show a run that is not there: a 400, not a 404."""
    return Refused(400, "INVALID_PARAMETER_VALUE", f"Run {run_id} does not exist.")


def no_job(job_id: int | str) -> Refused:
    """Refuse to use a job that is not there."""
    return Refused(400, "INVALID_PARAMETER_VALUE", f"Job {job_id} does not exist.")


def no_cluster(cluster_id: str) -> Refused:
    """Refuse to use a cluster that is not there."""
    return Refused(400, "INVALID_PARAMETER_VALUE", f"Cluster {cluster_id} does not exist")


def still_active(run_id: int) -> Refused:
    """Refuse to repair what goes on."""
    return Refused(400, "INVALID_STATE", f"Run {run_id} is still active and cannot be repaired.")


def not_the_latest_repair(newest: int | None) -> Refused:
    """Refuse a repair whose sender does not know the newest one."""
    text = f"The latest repair id is {newest}; latest_repair_id must be provided and equal to it."
    return Refused(400, "INVALID_PARAMETER_VALUE", text)


def nothing_to_repair(run_id: int) -> Refused:
    """Refuse to repair a run none of whose tasks failed."""
    return Refused(400, "INVALID_STATE", f"Run {run_id} has no failed tasks to repair.")


def token_of_another_job(token: str) -> Refused:
    """Refuse an idempotency token that started another job."""
    text = f"The idempotency token {token} was used for another job."
    return Refused(400, "INVALID_PARAMETER_VALUE", text)


def not_running(cluster_id: str, state: str) -> Refused:
    """Refuse what only a running cluster can do."""
    text = f"Cluster {cluster_id} is in unexpected state {state}."
    return Refused(400, "INVALID_STATE", text)


def bad(name: str, why: str) -> Refused:
    """Refuse a field of the request."""
    return Refused(400, "INVALID_PARAMETER_VALUE", f"{name}: {why}")
