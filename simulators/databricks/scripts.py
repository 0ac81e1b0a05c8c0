"""What a test or demo says about the workspace: jobs, tries of their tasks, clusters."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from simulators.kit.controls import Instruction, Seconds

Cure = Literal["restarted", "reinstalled", "resized"]
Count = Annotated[int, Field(ge=0, le=10_000)]


class TryScript(Instruction):
    """How one try of a task goes. ``output`` is what its notebook exits with.

    ``heals_when``: it succeeds all the same once its cluster was restarted, has all its
    libraries again, or has more workers than it was declared with.
    """

    result: str = "SUCCESS"
    seconds: Seconds = 0.2
    code: str | None = None
    type: str | None = None
    message: str = ""
    error: str = ""
    trace: str = ""
    output: str | None = None
    heals_when: Cure | None = None


class TaskScript(Instruction):
    """A task and its coming tries; the last one repeats."""

    key: str
    type: str = "notebook_task"
    depends_on: tuple[str, ...] = ()
    existing_cluster_id: str | None = None
    job_cluster_key: str | None = None
    tries: tuple[TryScript, ...] = (TryScript(),)


class SizeScript(Instruction):
    """The size of a cluster: fixed, or the bounds of autoscale."""

    num_workers: Count | None = None
    min_workers: Count | None = None
    max_workers: Count | None = None


class JobClusterScript(SizeScript):
    """A cluster that the job's settings describe."""

    key: str


class JobScript(Instruction):
    """A job, declared or replaced by name."""

    name: str
    job_id: int | None = None
    tasks: tuple[TaskScript, ...] = (TaskScript(key="main"),)
    job_clusters: tuple[JobClusterScript, ...] = ()
    parameters: Mapping[str, str] = Field(default_factory=dict)
    max_concurrent_runs: int = Field(default=1, ge=1)


class LibraryScript(Instruction):
    """A library of a cluster and what became of its installation."""

    library: Mapping[str, JsonValue]
    status: str = "INSTALLED"
    messages: tuple[str, ...] = ()
    reinstalls_as: str = "INSTALLED"


class ClusterScript(SizeScript):
    """A cluster, declared or replaced by id. ``ended``: reasons it terminated for, newest first."""

    cluster_id: str
    state: str = "RUNNING"
    source: str = "UI"
    restart_seconds: Seconds = 0.2
    install_seconds: Seconds = 0.1
    libraries: tuple[LibraryScript, ...] = ()
    ended: tuple[Mapping[str, JsonValue], ...] = ()


class StatementScript(Instruction):
    """The answer to a SQL statement: the first value of its only row, or how it ends badly."""

    statement: str
    value: str | None = None
    state: str = "SUCCEEDED"
    error: str = ""


class SeedRun(Instruction):
    """A run of a declared job that began in the past.

    It takes the first tries of the tasks; with ``going_on`` it has not ended and will not.
    """

    job: str
    started_seconds_ago: Seconds = 120.0
    going_on: bool = False
    parameters: Mapping[str, str] = Field(default_factory=dict)
    trigger: str = "PERIODIC"
