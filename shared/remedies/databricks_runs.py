"""Run failed tasks of a Databricks job run again, or the whole job.

``runs/repair`` takes no idempotency key, but ``latest_repair_id``: with a newer repair
than that it is refused. The run keeps its id, and its state goes back to running, so
that what is watched is the repair (Databricks REST API, "Repair a job run").

``run-now`` takes an idempotency token: the same token starts one run, however often it
is sent.
"""

from shared.actions.catalogue import Repeat
from shared.domain.attempt import StepKind
from shared.domain.errors import Refused
from shared.domain.run import RunPhase
from shared.ports.jobs import JobRun, JobService
from shared.remedies.runs import look_at_run_of
from shared.remedies.step import Blocked, Busy, Effect, Progress, Ready, Work

_NONE_YET = ""


class RepairRun:
    """Only the tasks that failed, and what depends on them."""

    kind = StepKind.REPAIR_RUN
    repeat = Repeat.RECONCILABLE

    def __init__(self, jobs: JobService) -> None:
        self._jobs = jobs

    async def prepare(self, work: Work) -> Ready | Busy | Blocked:
        """See the protocol."""
        run = await self._run(work)
        if run is None:
            return Blocked("the run is not known any more; there is nothing to repair")
        if run.phase is RunPhase.ACTIVE:
            return Busy(run.run_id)
        others = await self._jobs.active_runs(work.resource, job_id=run.job_id)
        for other in others:
            if other != run.run_id:
                return Blocked(f"run {other} of the same job is going on", passing=True)
        return Ready(marks={"latest_repair_id": run.latest_repair_id or _NONE_YET})

    async def send(self, work: Work) -> Effect:
        """See the protocol. The parameters are passed again: a repair takes the job's own."""
        run = await self._run(work)
        if run is None:
            raise Refused("databricks", f"run {work.failed.run_id!r} is not known any more")
        repair_id = await self._jobs.repair(
            work.resource,
            run.run_id,
            latest_repair_id=work.mark("latest_repair_id") or None,
            parameters=run.parameters,
        )
        return Effect(repair_id, run.run_id)

    async def find(self, work: Work) -> Effect | None:
        """See the protocol. A repair that was not there before does what ours would do."""
        run = await self._run(work)
        newer = _repairs_after(run, work.mark("latest_repair_id") or _NONE_YET)
        return Effect(newer[0], run.run_id) if run is not None and newer else None

    async def look(self, work: Work) -> Progress:
        """See the protocol: the state of *our* repair, never the one before it."""
        run = await self._run(work)
        if run is None:
            return Progress("missing")
        newer = _repairs_after(run, work.mark("latest_repair_id") or _NONE_YET)
        if not newer or (work.attempt.external_id and work.attempt.external_id not in newer):
            return Progress("missing")  # its history does not show the repair yet
        going_on = [one for one in run.repairs if one.phase is RunPhase.ACTIVE]
        if run.phase is RunPhase.ACTIVE or any(one.repair_id in newer for one in going_on):
            return Progress(RunPhase.ACTIVE, run.status)
        # Later repairs, by whomever, count for the run as it is now.
        return Progress(run.phase, run.status)

    async def _run(self, work: Work) -> JobRun | None:
        return await self._jobs.job_run(work.resource, work.attempt.reference_run_id)


class RerunJob:
    """The whole job, as a new run with the parameters of the failed one."""

    kind = StepKind.RERUN_JOB
    repeat = Repeat.IDEMPOTENT_TOKEN

    def __init__(self, jobs: JobService) -> None:
        self._jobs = jobs

    async def prepare(self, work: Work) -> Ready | Busy | Blocked:
        """See the protocol."""
        active = await self._jobs.active_runs(work.resource, job_id=work.failed.target)
        if active:
            return Busy(active[0])
        return Ready()

    async def send(self, work: Work) -> Effect:
        """See the protocol."""
        attempt = work.attempt
        run = await self._jobs.job_run(work.resource, attempt.reference_run_id)
        run_id = await self._jobs.run_now(
            work.resource,
            attempt.target,
            token=attempt.step_key,
            parameters=run.parameters if run else {},
        )
        return Effect(run_id=run_id)

    async def find(self, work: Work) -> Effect | None:  # noqa: ARG002  as the protocol says
        """See the protocol. Asking with the same token is the way to find out: see ``repeat``."""
        return None

    async def look(self, work: Work) -> Progress:
        """See the protocol."""
        return await look_at_run_of(work, self._jobs)


def _repairs_after(run: JobRun | None, latest: str) -> list[str]:
    """Return ids of repairs newer than ``latest``, oldest first; empty: newer than none."""
    ids = [repair.repair_id for repair in (run.repairs if run else ()) if repair.repair_id]
    if latest in ids:
        return ids[ids.index(latest) + 1 :]
    return ids if latest == _NONE_YET else []
