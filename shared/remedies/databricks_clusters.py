"""Restart a Databricks cluster that others may use, and give one more workers for a while."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue

from shared.actions.catalogue import Repeat
from shared.domain.attempt import StepKind
from shared.domain.run import RunPhase
from shared.ports.jobs import Cluster, JobService
from shared.remedies.step import Blocked, Busy, Effect, Progress, Ready, Work

_RUNNING = "RUNNING"
_ON_THE_WAY = {"PENDING", "RESTARTING", "RESIZING", "TERMINATING"}
# How much larger a cluster may get in one step, and at most.
_GROWTH = 1.5
MAX_WORKERS = 50


class RestartCluster:
    """Restart the cluster of the failed task, never while others run on it."""

    kind = StepKind.RESTART_CLUSTER
    repeat = Repeat.NATURAL

    def __init__(self, jobs: JobService) -> None:
        self._jobs = jobs

    async def prepare(self, work: Work) -> Ready | Busy | Blocked:
        """See the protocol."""
        cluster_id = shared_cluster_of(work)
        if cluster_id is None:
            return Blocked("the failed task does not run on a cluster that can be restarted")
        cluster = await self._jobs.cluster(work.resource, cluster_id)
        if cluster is None:
            return Blocked(f"there is no cluster {cluster_id!r} any more")
        if cluster.made_for_a_job:
            return Blocked(f"cluster {cluster_id!r} was made for one run and cannot be restarted")
        if blocked := await others_on(work, self._jobs, cluster_id):
            return blocked
        return Ready(marks={"cluster_id": cluster_id, "started_at": _text(cluster.started_at)})

    async def send(self, work: Work) -> Effect:
        """See the protocol."""
        cluster_id = work.mark("cluster_id") or ""
        await self._jobs.restart_cluster(work.resource, cluster_id)
        return Effect(external_id=cluster_id)

    async def find(self, work: Work) -> Effect | None:
        """See the protocol."""
        cluster = await self._cluster(work)
        if cluster is None:
            return None
        seen = cluster.state in _ON_THE_WAY or _has_restarted(work, cluster)
        return Effect(external_id=cluster.cluster_id) if seen else None

    async def look(self, work: Work) -> Progress:
        """See the protocol. Running is not enough: it ran before, too."""
        cluster = await self._cluster(work)
        if cluster is None:
            return Progress("missing")
        if cluster.state == _RUNNING and _has_restarted(work, cluster):
            return Progress(RunPhase.SUCCEEDED, cluster.state)
        if cluster.state in {"ERROR", "TERMINATED"} and _has_restarted(work, cluster):
            return Progress(RunPhase.FAILED, cluster.state)
        return Progress(RunPhase.ACTIVE, cluster.state)

    async def _cluster(self, work: Work) -> Cluster | None:
        return await self._jobs.cluster(work.resource, work.mark("cluster_id") or "")


class ResizeCluster:
    """One bounded step up, taken back in the end.

    The cluster of a run is described by the job's settings, which a repair reads anew;
    one that others use too is resized itself.
    """

    kind = StepKind.RESIZE_CLUSTER
    repeat = Repeat.NATURAL

    def __init__(self, jobs: JobService) -> None:
        self._jobs = jobs

    async def prepare(self, work: Work) -> Ready | Busy | Blocked:
        """See the protocol."""
        shared, key = shared_cluster_of(work), job_cluster_of(work)
        place: dict[str, JsonValue]
        if key is not None:
            cluster = await self._jobs.job_cluster(work.resource, work.failed.target, key)
            place = {"job_id": work.failed.target, "job_cluster_key": key}
        elif shared is not None:
            cluster = await self._jobs.cluster(work.resource, shared)
            place = {"cluster_id": shared}
        else:
            return Blocked("the failed task names no cluster that can be resized")
        if cluster is None:
            return Blocked("the cluster of the failed task is not known any more")
        if shared is not None and key is None and cluster.state != _RUNNING:
            return Blocked(f"cluster {shared!r} is {cluster.state}: only a running one is resized")
        more = min(MAX_WORKERS, max(cluster.workers + 1, int(cluster.workers * _GROWTH)))
        if more <= cluster.workers:
            return Blocked(f"the cluster has {cluster.workers} workers already, the most we give")
        size = {"before": cluster.workers, "after": more, "min": cluster.min_workers}
        return Ready(marks={**place, **size})

    async def send(self, work: Work) -> Effect:
        """See the protocol."""
        await self._set(work, work.attempt.marks, "after")
        return Effect(external_id=_place(work.attempt.marks))

    async def find(self, work: Work) -> Effect | None:
        """See the protocol."""
        cluster = await self._now(work, work.attempt.marks)
        wanted = work.attempt.marks.get("after")
        if cluster is None or cluster.workers != wanted:
            return None
        return Effect(external_id=_place(work.attempt.marks))

    async def look(self, work: Work) -> Progress:
        """See the protocol."""
        cluster = await self._now(work, work.attempt.marks)
        if cluster is None:
            return Progress("missing")
        ready = cluster.workers == work.attempt.marks.get("after")
        if ready and cluster.state in {"", _RUNNING}:
            return Progress(RunPhase.SUCCEEDED, f"{cluster.workers} workers")
        return Progress(RunPhase.ACTIVE, cluster.state)

    async def undo(self, work: Work, marks: Mapping[str, JsonValue]) -> str:
        """See the protocol. What somebody has changed since is left alone."""
        cluster = await self._now(work, marks)
        before, after = marks.get("before"), marks.get("after")
        if cluster is None:
            return "the cluster is gone, so its size need not be taken back"
        if cluster.workers == before:
            return f"the cluster has {before} workers, as before"
        if cluster.workers != after:
            return f"somebody gave the cluster {cluster.workers} workers since; that is left alone"
        if not marks.get("job_cluster_key") and cluster.state != _RUNNING:
            return f"the cluster is {cluster.state}; its size is taken back by its next start"
        await self._set(work, marks, "before")
        return f"the cluster has {before} workers again"

    async def _set(self, work: Work, marks: Mapping[str, JsonValue], size: str) -> None:
        workers, least = _number(marks.get(size)) or 0, _number(marks.get("min"))
        key = marks.get("job_cluster_key")
        if isinstance(key, str):
            await self._jobs.resize_job_cluster(
                work.resource, str(marks.get("job_id")), key, workers=workers, min_workers=least
            )
            return
        await self._jobs.resize_cluster(
            work.resource, str(marks.get("cluster_id")), workers=workers, min_workers=least
        )

    async def _now(self, work: Work, marks: Mapping[str, JsonValue]) -> Cluster | None:
        key = marks.get("job_cluster_key")
        if isinstance(key, str):
            return await self._jobs.job_cluster(work.resource, str(marks.get("job_id")), key)
        return await self._jobs.cluster(work.resource, str(marks.get("cluster_id")))


def shared_cluster_of(work: Work) -> str | None:
    """Return the cluster of the first failed task that has one others may use."""
    return next((one.cluster_id for one in work.seen.failures if one.cluster_id), None)


def job_cluster_of(work: Work) -> str | None:
    """Return the key of the first failed task's cluster in the job's settings."""
    return next((one.job_cluster_key for one in work.seen.failures if one.job_cluster_key), None)


async def others_on(work: Work, jobs: JobService, cluster_id: str) -> Blocked | None:
    """Return why the cluster must be left alone: somebody else runs on it."""
    active = await jobs.active_runs(work.resource, cluster_id=cluster_id)
    others = [run_id for run_id in active if run_id != work.failed.run_id]
    if not others:
        return None
    return Blocked(f"run {others[0]} is going on on cluster {cluster_id!r}", passing=True)


def _has_restarted(work: Work, cluster: Cluster) -> bool:
    started_at = _text(cluster.started_at)
    return bool(started_at) and started_at != work.mark("started_at")


def _place(marks: Mapping[str, JsonValue]) -> str:
    return str(marks.get("job_cluster_key") or marks.get("cluster_id"))


def _number(value: JsonValue) -> int | None:
    return value if isinstance(value, int) else None


def _text(at: datetime | None) -> str:
    return at.isoformat() if at else ""
