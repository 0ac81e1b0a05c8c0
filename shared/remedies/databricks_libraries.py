"""Take failed libraries off a cluster, and put them on again after its restart.

Taking off takes effect with the restart; installing goes on after the answer (Databricks
REST API, "Managed libraries").
"""

from pydantic import JsonValue

from shared.actions.catalogue import Repeat
from shared.domain.attempt import StepKind
from shared.domain.run import RunPhase
from shared.ports.jobs import JobService, Library
from shared.remedies.databricks_clusters import others_on, shared_cluster_of
from shared.remedies.step import Blocked, Busy, Effect, Progress, Ready, Work

_LEAVING = "UNINSTALL_ON_RESTART"
_FAILED = "FAILED"
_INSTALLED = {"INSTALLED", "SKIPPED", "RESTORED"}


class UninstallLibraries:
    """Mark the failed libraries to be gone after the next restart."""

    kind = StepKind.UNINSTALL_LIBRARIES
    repeat = Repeat.NATURAL

    def __init__(self, jobs: JobService) -> None:
        self._jobs = jobs

    async def prepare(self, work: Work) -> Ready | Busy | Blocked:
        """See the protocol."""
        cluster_id = shared_cluster_of(work)
        if cluster_id is None:
            return Blocked("the failed task does not run on a cluster with libraries of its own")
        if blocked := await others_on(work, self._jobs, cluster_id):
            return blocked
        libraries = await self._jobs.libraries(work.resource, cluster_id)
        failed: list[JsonValue] = [one.spec for one in libraries if one.status == _FAILED]
        if not failed:
            return Blocked("no library of the cluster has failed")
        return Ready(marks={"cluster_id": cluster_id, "specs": failed})

    async def send(self, work: Work) -> Effect:
        """See the protocol."""
        cluster_id = work.mark("cluster_id") or ""
        await self._jobs.uninstall(work.resource, cluster_id, specs_of(work))
        return Effect(external_id=cluster_id)

    async def find(self, work: Work) -> Effect | None:
        """See the protocol."""
        done = (await self.look(work)).phase == RunPhase.SUCCEEDED
        return Effect(external_id=work.mark("cluster_id")) if done else None

    async def look(self, work: Work) -> Progress:
        """See the protocol."""
        mine = await _mine(work, self._jobs)
        left = [one for one in mine if one.status != _LEAVING]
        return Progress(RunPhase.ACTIVE if left else RunPhase.SUCCEEDED, f"{len(left)} left")


class InstallLibraries:
    """Install what was taken off."""

    kind = StepKind.INSTALL_LIBRARIES
    repeat = Repeat.NATURAL

    def __init__(self, jobs: JobService) -> None:
        self._jobs = jobs

    async def prepare(self, work: Work) -> Ready | Busy | Blocked:
        """See the protocol."""
        for taken in work.attempt.taken:
            if taken.kind is StepKind.UNINSTALL_LIBRARIES:
                return Ready(marks=taken.marks)
        return Blocked("no library was taken off before")

    async def send(self, work: Work) -> Effect:
        """See the protocol."""
        cluster_id = work.mark("cluster_id") or ""
        await self._jobs.install(work.resource, cluster_id, specs_of(work))
        return Effect(external_id=cluster_id)

    async def find(self, work: Work) -> Effect | None:
        """See the protocol."""
        asked = {one.spec for one in await _mine(work, self._jobs) if one.status != _LEAVING}
        done = asked >= set(specs_of(work))
        return Effect(external_id=work.mark("cluster_id")) if done else None

    async def look(self, work: Work) -> Progress:
        """See the protocol."""
        mine = await _mine(work, self._jobs)
        for one in mine:
            if one.status == _FAILED:
                return Progress(RunPhase.FAILED, " ".join(one.messages)[:300] or one.status)
        ready = len(mine) == len(specs_of(work)) and all(one.status in _INSTALLED for one in mine)
        status = ", ".join(sorted({one.status for one in mine}))
        return Progress(RunPhase.SUCCEEDED if ready else RunPhase.ACTIVE, status)


def specs_of(work: Work) -> tuple[str, ...]:
    """Return the libraries that the step is about."""
    specs = work.attempt.marks.get("specs")
    return tuple(str(one) for one in specs) if isinstance(specs, list) else ()


async def _mine(work: Work, jobs: JobService) -> list[Library]:
    libraries = await jobs.libraries(work.resource, work.mark("cluster_id") or "")
    return [one for one in libraries if one.spec in specs_of(work)]
