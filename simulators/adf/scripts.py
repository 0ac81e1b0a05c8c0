"""What can be scripted: pipelines and their coming runs, seeded runs, triggers, runtimes.

These are the bodies of the ``/_sim/adf/...`` controls. Field names are ours (snake_case);
objects that the real service sends verbatim (``error``) keep its camelCase inside.
"""

from pydantic import Field, model_validator

from simulators.kit.controls import Instruction, Seconds

_DEFAULT_ACTIVITY_TYPE = "Copy"


class ActivityError(Instruction):
    """The ``error`` of an activity run, as the service sends it."""

    errorCode: str = ""  # noqa: N815 - the service's own name
    message: str = ""
    failureType: str = "UserError"  # noqa: N815
    details: object = ""


class PathStep(Instruction):
    """A status, and for how many seconds."""

    status: str = Field(min_length=1)
    seconds: Seconds


class RunScript(Instruction):
    """How one run goes.

    Without ``status_path`` a run is Queued for ``queued_seconds``, InProgress for
    ``seconds``, and then has ``status`` for good. With it, the run goes through those steps
    instead. Any status is allowed; one that is not Succeeded, Failed or Cancelled never
    ends (a run that hangs).

    Attributes:
        error: Error of the failing activity. With status Succeeded the activity fails and
            the run is green all the same, as with an on-failure path that copes.
        failed_activity: Which activity fails; by default the last one declared.
        activity_type: Its type, if the pipeline does not declare it.
        activity_input: Its ``input``; ``activity_output``: its ``output``.
        outputs: What the activities that succeed put out, by name.
        message: The run's own message; by default made from the error.
        invisible_seconds: For so long nobody sees the run; by default as set for all.
    """

    status: str = Field(default="Succeeded", min_length=1)
    seconds: Seconds = 1.0
    queued_seconds: Seconds = 0.0
    status_path: tuple[PathStep, ...] = ()
    error: ActivityError | None = None
    failed_activity: str | None = None
    activity_type: str | None = None
    activity_input: dict[str, object] = Field(default_factory=dict)
    activity_output: dict[str, object] = Field(default_factory=dict)
    outputs: dict[str, dict[str, object]] = Field(default_factory=dict)
    message: str | None = None
    invisible_seconds: Seconds | None = None

    def path(self) -> tuple[PathStep, ...]:
        """Return the steps before the final status."""
        if self.status_path:
            return self.status_path
        return (
            PathStep(status="Queued", seconds=self.queued_seconds),
            PathStep(status="InProgress", seconds=self.seconds),
        )

    def named_activity(self) -> "ActivityDefinition | None":
        """Return the activity that the script names as the failing one."""
        if self.failed_activity is None:
            return None
        kind = self.activity_type or _DEFAULT_ACTIVITY_TYPE
        return ActivityDefinition(name=self.failed_activity, type=kind)


class ActivityDefinition(Instruction):
    """An activity of a pipeline; they run one after the other in the order declared."""

    name: str = Field(min_length=1)
    type: str = _DEFAULT_ACTIVITY_TYPE
    type_properties: dict[str, object] = Field(default_factory=dict)


DEFAULT_ACTIVITY = ActivityDefinition(name="Copy data")


class PipelineScript(Instruction):
    """A pipeline, and how its coming runs go.

    Attributes:
        parameters: Declared parameters with their defaults (``None``: no default).
        concurrency: Runs at a time; more of them queue. ``None``: no limit.
        runs: One per coming run; the last one repeats.
    """

    name: str = Field(min_length=1, max_length=260)
    parameters: dict[str, object] = Field(default_factory=dict)
    concurrency: int | None = Field(default=None, ge=1)
    activities: tuple[ActivityDefinition, ...] = ()
    runs: tuple[RunScript, ...] = (RunScript(),)

    @model_validator(mode="after")
    def _at_least_one_run(self) -> "PipelineScript":
        if not self.runs:
            raise ValueError("runs: at least one, because the last one repeats")
        return self


class InvokedBy(Instruction):
    """Who started a run; the service's ``invokedBy`` in snake_case."""

    name: str = "Manual"
    invoked_by_type: str = "Manual"
    id: str | None = None
    pipeline_name: str | None = None
    pipeline_run_id: str | None = None


class SeedRun(RunScript):
    """A run that is already there. It goes like any run, only that it started in the past.

    Attributes:
        pipeline: Declared on the fly if unknown.
        factory: Resource id of its factory; ``None``: seen in every factory.
        run_id: By default a new GUID. ``group_id``: by default the run id.
        started_seconds_ago: By default so long ago that the run has just ended.
    """

    pipeline: str = Field(min_length=1)
    factory: str | None = None
    run_id: str | None = None
    group_id: str | None = None
    parameters: dict[str, object] = Field(default_factory=dict)
    invoked_by: InvokedBy = InvokedBy()
    started_seconds_ago: Seconds | None = None

    def age(self) -> float:
        """Return how many seconds ago the run was created."""
        if self.started_seconds_ago is not None:
            return self.started_seconds_ago
        return sum(step.seconds for step in self.path()) + 1.0


class TriggerScript(Instruction):
    """A trigger and, if it starts one, its pipeline."""

    name: str = Field(min_length=1)
    type: str = "ScheduleTrigger"
    state: str = "Started"
    pipeline: str | None = None


class TriggerRunScript(Instruction):
    """A past firing of a trigger."""

    trigger: str = Field(min_length=1)
    status: str = "Failed"
    trigger_run_id: str | None = None
    run_id: str | None = None


class IntegrationRuntimeScript(Instruction):
    """An integration runtime.

    Attributes:
        state_path: States it goes through from now on, before it stays in ``state``.
        nodes: As the service lists the nodes of a self-hosted runtime.
    """

    name: str = Field(min_length=1)
    type: str = "SelfHosted"
    state: str = "Online"
    state_path: tuple[PathStep, ...] = ()
    nodes: tuple[dict[str, object], ...] = ()


class Switches(Instruction):
    """Behaviour that can be switched for the whole simulator.

    Attributes:
        invisible_seconds: How long a new run is not found yet (eventual consistency).
        refuse_rerun_of_active: Refuse to recover a run that is still active.
        cancel_seconds: How long a cancelled run stays in Canceling.
        run_id_from_client_request_id: Take ``x-ms-client-request-id`` as the new run's id,
            as public recordings show; see README.md.
    """

    invisible_seconds: Seconds = 0.0
    refuse_rerun_of_active: bool = True
    cancel_seconds: Seconds = 0.0
    run_id_from_client_request_id: bool = False
