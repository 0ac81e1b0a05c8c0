"""Which class takes which step."""

from collections.abc import Mapping
from typing import cast

from shared.domain.attempt import StepKind
from shared.ports.clock import Clock
from shared.ports.jobs import JobService
from shared.ports.pipelines import PipelineService
from shared.remedies.adf_rerun import RerunPipeline
from shared.remedies.adf_trigger import RerunTriggerRun, StartTrigger
from shared.remedies.databricks_clusters import ResizeCluster, RestartCluster
from shared.remedies.databricks_libraries import InstallLibraries, UninstallLibraries
from shared.remedies.databricks_runs import RepairRun, RerunJob
from shared.remedies.step import Step, Stoppable, Undoable

Remedies = Mapping[StepKind, Step]


def direct_remedies(adf: PipelineService, jobs: JobService, clock: Clock) -> dict[StepKind, Step]:
    """Return every step that we take ourselves."""
    steps: tuple[Step, ...] = (
        RerunPipeline(adf, clock, from_failure=True),
        RerunPipeline(adf, clock, from_failure=False),
        RerunTriggerRun(adf, clock),
        StartTrigger(adf),
        RepairRun(jobs),
        RerunJob(jobs),
        RestartCluster(jobs),
        UninstallLibraries(jobs),
        InstallLibraries(jobs),
        ResizeCluster(jobs),
    )
    return {step.kind: step for step in steps}


def stoppable(remedies: Remedies, kind: StepKind) -> Stoppable:
    """Return the step ``kind``, which has told of doubles."""
    return cast("Stoppable", remedies[kind])


def undoable(remedies: Remedies, kind: StepKind) -> Undoable:
    """Return the step ``kind``, one of :data:`~shared.domain.attempt.UNDOABLE`."""
    return cast("Undoable", remedies[kind])
