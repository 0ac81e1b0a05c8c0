"""What a system of record says about a run, in words that fit every platform."""

from datetime import timedelta
from enum import StrEnum

from pydantic import AwareDatetime

from shared.domain.model import Model

# How far the clocks of two systems may differ before we draw wrong conclusions.
CLOCK_SKEW = timedelta(minutes=5)


class RunPhase(StrEnum):
    """How far a run is. Statuses we do not know count as ``ACTIVE``: keep looking."""

    ACTIVE = "active"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Tell whether the run will not change any more."""
        return self is not RunPhase.ACTIVE


class StepFailure(Model):
    """One step of a run that failed (an ADF activity, a Databricks task)."""

    step: str
    step_type: str = ""
    error_code: str = ""
    message: str = ""
    failure_type: str = ""
    source: str = "adf.activity_run"
    child_run_id: str | None = None  # the run this step started, if it started one
    cluster_id: str | None = None  # a cluster that others may use too
    job_cluster_key: str | None = None  # a cluster that the job's settings describe


class Trigger(Model):
    """What started a run, where that is one of the platform's own triggers."""

    kind: str  # "TumblingWindowTrigger", "ScheduleTrigger", ...
    name: str
    run_id: str  # of the trigger's own run


class RunSnapshot(Model):
    """A run as it was when we looked.

    ``group_id`` ties a run to its reruns (ADF: ``runGroupId``). ``parent_run_id``
    is the run that started this one as a child; healing happens at the root.
    ``tries`` counts how often the platform itself, or somebody else, has run it already.
    """

    run_id: str
    name: str
    target_id: str = ""  # where the name is not the address: the id of a job
    trigger: Trigger | None = None
    tries: int = 1
    status: str  # the system's own word
    phase: RunPhase
    group_id: str | None = None
    parent_run_id: str | None = None
    message: str = ""
    # Fingerprint of the parameters: equal for equal work, and no place for a secret in them.
    parameters_key: str = ""
    by_trigger: bool = False  # started by a schedule or another event, not by a call
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None

    @property
    def target(self) -> str:
        """Return what the platform's calls name this pipeline or job by."""
        return self.target_id or self.name


class Observation(Model):
    """What was read back before deciding.

    ``run`` is the root run to be healed; ``None`` when the system of record
    knows no such run. ``handled_by`` names another ticket that already owns it.
    """

    at: AwareDatetime
    run: RunSnapshot | None = None
    failures: tuple[StepFailure, ...] = ()
    newer_success_run_id: str | None = None
    handled_by: str | None = None
    problem: str = ""  # why nothing could be read, for people


def is_same_work(run: RunSnapshot, other: RunSnapshot) -> bool:
    """Tell whether ``other`` reruns ``run`` or repeats it with the same parameters."""
    same_group = run.group_id is not None and run.group_id == other.group_id
    return same_group or run.parameters_key == other.parameters_key
