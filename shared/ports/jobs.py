"""A workspace of jobs and clusters: what ran there, and how to run it again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from pydantic import AwareDatetime

from shared.domain.alert import Resource
from shared.domain.model import Model
from shared.domain.run import RunPhase
from shared.ports.runs import RunReader


class Repair(Model):
    """One entry of a run's repair history; the first, of type ``ORIGINAL``, has no id."""

    repair_id: str | None
    phase: RunPhase
    status: str
    started_at: AwareDatetime | None = None


class JobRun(Model):
    """What a repair has to know. ``repairs``: oldest first, the original run included."""

    run_id: str
    job_id: str
    phase: RunPhase
    status: str
    repairs: tuple[Repair, ...] = ()
    parameters: Mapping[str, str] = {}

    @property
    def latest_repair_id(self) -> str | None:
        """Return the id of the newest repair, ``None`` before the first."""
        return next((one.repair_id for one in reversed(self.repairs) if one.repair_id), None)


class Cluster(Model):
    """A cluster as it is now. ``workers`` is the fixed size, or the upper bound of autoscale."""

    cluster_id: str
    state: str  # the platform's own word: RUNNING, RESTARTING, TERMINATED, ...
    started_at: datetime | None = None  # of the present driver; changes with every restart
    made_for_a_job: bool = False  # lives and dies with one run
    workers: int = 0
    min_workers: int | None = None  # autoscale; ``None``: a fixed size


class Library(Model):
    """One library of a cluster; ``spec`` is the platform's own description, as JSON text."""

    spec: str
    status: str
    messages: tuple[str, ...] = ()


class JobService(RunReader, Protocol):
    """Reads, and changes, one Databricks workspace per ``resource.scope``.

    Each change sends at most one request, never repeated by a library, and raises

    * ``Transient``: nothing can have happened; sending again is safe;
    * ``OutcomeUnknown``: it may have happened. Look; do not send again;
    * ``Refused``: refused for good.
    """

    async def job_run(self, resource: Resource, run_id: str) -> JobRun | None:
        """Return the job run with its repair history, or ``None``."""
        ...

    async def repair(
        self,
        resource: Resource,
        run_id: str,
        *,
        latest_repair_id: str | None,
        parameters: Mapping[str, str],
    ) -> str:
        """Run all failed tasks of ``run_id`` again, and what depends on them; return the id.

        ``latest_repair_id`` makes it a compare-and-set: refused when there is a newer one.
        """
        ...

    async def run_now(
        self, resource: Resource, job_id: str, *, token: str, parameters: Mapping[str, str]
    ) -> str:
        """Run the job; return the run's id. The same ``token`` (64 characters) starts one run."""
        ...

    async def active_runs(
        self, resource: Resource, *, cluster_id: str | None = None, job_id: str | None = None
    ) -> tuple[str, ...]:
        """Return ids of job runs that go on, on this cluster or of this job."""
        ...

    async def cluster(self, resource: Resource, cluster_id: str) -> Cluster | None:
        """Return the cluster, or ``None`` if there is no such one."""
        ...

    async def restart_cluster(self, resource: Resource, cluster_id: str) -> None:
        """Restart a running cluster; start a terminated one."""
        ...

    async def resize_cluster(
        self, resource: Resource, cluster_id: str, *, workers: int, min_workers: int | None
    ) -> None:
        """Give the cluster this size."""
        ...

    async def job_cluster(self, resource: Resource, job_id: str, key: str) -> Cluster | None:
        """Return the size that the job's settings give its cluster ``key`` (state empty)."""
        ...

    async def resize_job_cluster(
        self,
        resource: Resource,
        job_id: str,
        key: str,
        *,
        workers: int,
        min_workers: int | None,
    ) -> None:
        """Change that size in the job's settings; everything else there stays as it is."""
        ...

    async def libraries(self, resource: Resource, cluster_id: str) -> tuple[Library, ...]:
        """Return the libraries of the cluster with their status."""
        ...

    async def uninstall(self, resource: Resource, cluster_id: str, specs: tuple[str, ...]) -> None:
        """Take libraries off the cluster; takes effect when it is restarted."""
        ...

    async def install(self, resource: Resource, cluster_id: str, specs: tuple[str, ...]) -> None:
        """Install libraries; goes on after the answer."""
        ...
