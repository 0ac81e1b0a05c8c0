"""Jobs, their runs and repairs, and clusters. Everything follows from scripts and time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from simulators.databricks import refusals
from simulators.databricks.scripts import (
    ClusterScript,
    JobScript,
    LibraryScript,
    SeedRun,
    SizeScript,
    StatementScript,
    TaskScript,
    TryScript,
)
from simulators.kit.clock import Clock

_FOR_EVER = timedelta(days=365)


@dataclass(slots=True)
class Size:
    """Workers: a fixed number, or bounds."""

    fixed: int | None
    least: int | None
    most: int | None

    @classmethod
    def of(cls, script: SizeScript) -> "Size":
        """Read a declaration; nothing said means two workers."""
        if script.max_workers is not None:
            return cls(None, script.min_workers or 1, script.max_workers)
        return cls(2 if script.num_workers is None else script.num_workers, None, None)

    @property
    def workers(self) -> int:
        """Return the upper bound."""
        return (self.most if self.fixed is None else self.fixed) or 0


@dataclass(slots=True)
class InstalledLibrary:
    """A library on a cluster; ``since`` its installation was asked for."""

    script: LibraryScript
    status: str
    since: datetime | None = None


@dataclass(slots=True)
class ClusterState:
    """A cluster; ``ready_at`` is when its restart is through."""

    script: ClusterScript
    size: Size
    libraries: list[InstalledLibrary]
    started_at: datetime
    ready_at: datetime
    restarts: int = 0
    state: str = "RUNNING"

    def state_at(self, now: datetime) -> str:
        """Return the state in the platform's word."""
        return "RESTARTING" if self.state == "RUNNING" and now < self.ready_at else self.state


@dataclass(slots=True)
class Job:
    """A job, its present settings and how often each task was tried."""

    job_id: int
    script: JobScript
    sizes: dict[str, Size]
    tried: dict[str, int] = field(default_factory=dict)

    def next_try(self, task: TaskScript) -> TryScript:
        """Take the script of the coming try of ``task``."""
        number = self.tried.get(task.key, 0)
        self.tried[task.key] = number + 1
        return task.tries[min(number, len(task.tries) - 1)]


@dataclass(frozen=True, slots=True)
class TaskTry:
    """One try of one task. A task whose upstream failed has no time of its own."""

    run_id: int
    task: TaskScript
    script: TryScript
    attempt: int
    begins: datetime
    ends: datetime
    cluster_id: str

    @property
    def succeeds(self) -> bool:
        """Tell whether it ends well."""
        return self.script.result in {"SUCCESS", "SUCCESS_WITH_FAILURES"}


@dataclass(slots=True)
class Round:
    """The original run, or one repair of it."""

    repair_id: int | None
    begins: datetime
    tries: list[TaskTry]

    @property
    def ends(self) -> datetime:
        """When its last task ends."""
        return max((one.ends for one in self.tries), default=self.begins)


@dataclass(slots=True)
class Run:
    """A job run with its rounds, oldest first."""

    run_id: int
    job: Job
    parameters: Mapping[str, str]
    trigger: str
    rounds: list[Round]
    token: str | None = None
    cancelled_at: datetime | None = None

    @property
    def latest(self) -> dict[str, TaskTry]:
        """Return the newest try of each task."""
        return {one.task.key: one for each in self.rounds for one in each.tries}

    def is_active(self, now: datetime) -> bool:
        """Tell whether it goes on."""
        return self.cancelled_at is None and now < self.rounds[-1].ends

    def result(self, now: datetime) -> str | None:
        """Return ``result_state``; ``None`` while it goes on."""
        if self.cancelled_at is not None:
            return "CANCELED"
        if now < self.rounds[-1].ends:
            return None
        bad = [one.script.result for one in self.latest.values() if not one.succeeds]
        return next((word for word in bad if not word.startswith("UPSTREAM")), None) or (
            bad[0] if bad else "SUCCESS"
        )


class World:
    """Everything there is in the workspace."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # No id ever comes back, neither after a reset nor in the next process.
        self._last_id = int(clock.now().timestamp()) % 1_000_000 * 100_000
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.jobs: dict[int, Job] = {}
        self.runs: dict[int, Run] = {}
        self.clusters: dict[str, ClusterState] = {}
        self.statements: dict[str, StatementScript] = {}

    def now(self) -> datetime:
        """Return the workspace's time."""
        return self._clock.now()

    # -- declarations ------------------------------------------------------------------

    def declare_job(self, script: JobScript) -> Job:
        """Declare or replace a job by its name."""
        known = next((job for job in self.jobs.values() if job.script.name == script.name), None)
        job_id = script.job_id or (known.job_id if known else self._new_id(5_500_000_000_000_000))
        job = Job(job_id, script, {one.key: Size.of(one) for one in script.job_clusters})
        self.jobs[job_id] = job
        return job

    def declare_cluster(self, script: ClusterScript) -> ClusterState:
        """Declare or replace a cluster by its id."""
        since = self.now() - timedelta(hours=1)
        libraries = [InstalledLibrary(one, one.status) for one in script.libraries]
        cluster = ClusterState(script, Size.of(script), libraries, since, since, state=script.state)
        self.clusters[script.cluster_id] = cluster
        return cluster

    def seed(self, seed: SeedRun) -> Run:
        """Put a run there that began in the past.

        Raises:
            KeyError: the job is not declared.
        """
        job = next((one for one in self.jobs.values() if one.script.name == seed.job), None)
        if job is None:
            raise KeyError(seed.job)
        begins = self.now() - timedelta(seconds=seed.started_seconds_ago)
        run = self._keep(job, begins, {**job.script.parameters, **seed.parameters}, seed.trigger)
        if seed.going_on:
            last = run.rounds[-1]
            last.tries = [_lasting(one) for one in last.tries]
        return run

    # -- jobs --------------------------------------------------------------------------

    def job(self, job_id: int) -> Job:
        """Return a job.

        Raises:
            Refused: there is none.
        """
        found = self.jobs.get(job_id)
        if found is None:
            raise refusals.no_job(job_id)
        return found

    def run(self, run_id: int) -> Run:
        """Return a job run.

        Raises:
            Refused: there is none.
        """
        found = self.runs.get(run_id)
        if found is None:
            raise refusals.no_run(run_id)
        return found

    def find_try(self, run_id: int) -> tuple[Run, TaskTry] | None:
        """Return the try of a task by its run id."""
        for run in self.runs.values():
            for each in run.rounds:
                for one in each.tries:
                    if one.run_id == run_id:
                        return run, one
        return None

    def run_now(self, job: Job, token: str | None, parameters: Mapping[str, str]) -> Run:
        """Start the job; the same token finds the run it started before."""
        if token is not None:
            for known in self.runs.values():
                if known.token == token:
                    if known.job is not job:
                        raise refusals.token_of_another_job(token)
                    return known
        run = self._keep(job, self.now(), {**job.script.parameters, **parameters}, "ONE_TIME")
        run.token = token
        return run

    def repair(self, run: Run, latest_repair_id: int | None, keys: set[str] | None) -> Round:
        """Run failed tasks again, and those after them.

        Raises:
            Refused: the run goes on, nothing failed, or the repair is not the latest.
        """
        now = self.now()
        if run.is_active(now):
            raise refusals.still_active(run.run_id)
        newest = run.rounds[-1].repair_id
        if newest != latest_repair_id:
            raise refusals.not_the_latest_repair(newest)
        failed = {key for key, one in run.latest.items() if not one.succeeds}
        wanted = failed if keys is None else keys
        if not wanted:
            raise refusals.nothing_to_repair(run.run_id)
        run.cancelled_at = None
        done = {key: one for key, one in run.latest.items() if key not in wanted}
        round_ = Round(
            self._new_id(710_000_000_000_000), now, list(self._tries(run.job, now, wanted, done))
        )
        run.rounds.append(round_)
        return round_

    def cancel(self, run: Run) -> bool:
        """Cancel a run that goes on; tell whether it did."""
        if not run.is_active(self.now()):
            return False
        run.cancelled_at = self.now()
        return True

    def _keep(self, job: Job, begins: datetime, parameters: Mapping[str, str], trigger: str) -> Run:
        every = {task.key for task in job.script.tasks}
        tries = list(self._tries(job, begins, every, {}))
        run_id = self._new_id(880_000_000_000_000)
        run = Run(run_id, job, parameters, trigger, [Round(None, begins, tries)])
        self.runs[run_id] = run
        return run

    def _tries(
        self, job: Job, begins: datetime, wanted: set[str], done: Mapping[str, TaskTry]
    ) -> Iterator[TaskTry]:
        """Yield a try per wanted task, each after those it depends on."""
        ended = dict(done)
        for task in job.script.tasks:
            if task.key not in wanted:
                continue
            upstream = [ended[key] for key in task.depends_on if key in ended]
            since = max([begins, *(one.ends for one in upstream if one.task.key in wanted)])
            failed = any(not one.succeeds for one in upstream)
            script = _UPSTREAM_FAILED if failed else self._cured(job, task)
            number = self._new_id(880_000_000_000_000)
            one = TaskTry(
                number,
                task,
                script,
                job.tried.get(task.key, 0),
                since,
                since + timedelta(seconds=script.seconds),
                task.existing_cluster_id or f"job-{number}-cluster",
            )
            ended[task.key] = one
            yield one

    def _cured(self, job: Job, task: TaskScript) -> TryScript:
        script = job.next_try(task)
        if script.heals_when is None or not self._is_cured(job, task, script):
            return script
        return TryScript(seconds=script.seconds)

    def _is_cured(self, job: Job, task: TaskScript, script: TryScript) -> bool:
        cluster = self.clusters.get(task.existing_cluster_id or "")
        match script.heals_when:
            case "restarted":
                return cluster is not None and cluster.restarts > 0
            case "reinstalled":
                return cluster is not None and all(
                    self.library_status(cluster, one) == "INSTALLED" for one in cluster.libraries
                )
            case "resized":
                declared = {one.key: Size.of(one) for one in job.script.job_clusters}
                key = task.job_cluster_key
                if key is not None and key in declared:
                    return job.sizes[key].workers > declared[key].workers
                return (
                    cluster is not None and cluster.size.workers > Size.of(cluster.script).workers
                )
        return False

    # -- clusters ----------------------------------------------------------------------

    def cluster(self, cluster_id: str) -> ClusterState:
        """Return a cluster.

        Raises:
            Refused: there is none.
        """
        found = self.clusters.get(cluster_id)
        if found is None:
            raise refusals.no_cluster(cluster_id)
        return found

    def restart(self, cluster: ClusterState) -> None:
        """Restart or start a cluster: it is not to be used for a while."""
        now = self.now()
        cluster.state = "RUNNING"
        cluster.restarts += 1
        cluster.started_at = now
        cluster.ready_at = now + timedelta(seconds=cluster.script.restart_seconds)
        cluster.libraries = [one for one in cluster.libraries if one.status != _LEAVING]

    def uninstall(self, cluster: ClusterState, library: object) -> None:
        """Mark a library to be gone after the next restart."""
        for one in cluster.libraries:
            if dict(one.script.library) == library:
                one.status = _LEAVING

    def install(self, cluster: ClusterState, library: Mapping[str, object]) -> None:
        """Begin to install a library; one that is there and marked is kept as it is."""
        for one in cluster.libraries:
            if dict(one.script.library) == dict(library):
                if one.status != _LEAVING:
                    one.since = self.now()
                return
        known = [s for s in cluster.script.libraries if dict(s.library) == dict(library)]
        script = known[0] if known else LibraryScript.model_validate({"library": library})
        cluster.libraries.append(InstalledLibrary(script, script.reinstalls_as, self.now()))

    def library_status(self, cluster: ClusterState, library: InstalledLibrary) -> str:
        """Return the status in the platform's word."""
        needed = timedelta(seconds=cluster.script.install_seconds)
        if library.since is not None and self.now() < max(library.since, cluster.ready_at) + needed:
            return "INSTALLING"
        return library.status

    def _new_id(self, base: int) -> int:
        self._last_id += 1
        return base + self._last_id


_LEAVING = "UNINSTALL_ON_RESTART"
_UPSTREAM_FAILED = TryScript(result="UPSTREAM_FAILED", seconds=0)


def _lasting(one: TaskTry) -> TaskTry:
    script = TryScript(seconds=_FOR_EVER.total_seconds())
    return TaskTry(
        one.run_id,
        one.task,
        script,
        one.attempt,
        one.begins,
        one.begins + _FOR_EVER,
        one.cluster_id,
    )
