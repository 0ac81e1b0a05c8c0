"""Data Factory as a state machine: no HTTP in here.

Source of each rule: README.md. Time comes from a clock; asking for something first settles
what has happened until now, so a run needs no background task.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from simulators.adf import refusals
from simulators.adf.runs import Run, without_carried
from simulators.adf.scripts import (
    DEFAULT_ACTIVITY,
    ActivityDefinition,
    InvokedBy,
    PipelineScript,
    RunScript,
    SeedRun,
    Switches,
)
from simulators.kit.clock import Clock

MOST_QUEUED_RUNS = 100


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What ``createRun`` was asked for.

    Attributes:
        factory: Resource id of the factory in lower case.
        parameters: Used only without ``reference_run_id``.
        client_request_id: The caller's ``x-ms-client-request-id``.
    """

    factory: str
    pipeline: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    reference_run_id: str | None = None
    is_recovery: bool = False
    start_activity: str | None = None
    start_from_failure: bool = False
    client_request_id: str | None = None
    invoked_by: InvokedBy = field(default_factory=InvokedBy)


@dataclass(slots=True)
class Pipeline:
    """A pipeline and the scripts of its coming runs."""

    name: str
    parameters: dict[str, object]
    concurrency: int | None
    activities: tuple[ActivityDefinition, ...]
    scripts: list[RunScript]

    def next_script(self) -> RunScript:
        """Return the script of the run that starts now; the last one stays."""
        return self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]

    def learn(self, activity: ActivityDefinition | None) -> None:
        """Declare an activity that a script names, unless it is declared already."""
        if activity is None or activity.name in {known.name for known in self.activities}:
            return
        known = () if self.activities == (DEFAULT_ACTIVITY,) else self.activities
        self.activities = (*known, activity)


class DataFactory:
    """All pipelines and runs, of all factories.

    Args:
        clock: Moves the runs.
        new_id: Makes run ids.
    """

    def __init__(self, clock: Clock, new_id: Callable[[], str] = lambda: str(uuid.uuid4())) -> None:
        self._clock = clock
        self._new_id = new_id
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.switches = Switches()
        self._pipelines: dict[str, Pipeline] = {}
        self._runs: dict[str, Run] = {}
        self._groups: dict[str, list[Run]] = {}
        self._waiting: list[Run] = []

    def now(self) -> datetime:
        """Return the current time."""
        return self._clock.now()

    def declare(self, script: PipelineScript) -> Pipeline:
        """Declare a pipeline, or replace what was declared and scripted under its name."""
        before = self._pipelines.get(script.name.casefold())
        kept = before.activities if before else (DEFAULT_ACTIVITY,)
        pipeline = Pipeline(
            name=script.name,
            parameters=dict(script.parameters),
            concurrency=script.concurrency,
            activities=script.activities or kept,
            scripts=list(script.runs),
        )
        for run in script.runs:
            pipeline.learn(run.named_activity())
        self._pipelines[script.name.casefold()] = pipeline
        return pipeline

    def seed(self, seed: SeedRun) -> Run:
        """Put a run there that was started in the past.

        Raises:
            ValueError: the run id is taken.
        """
        run_id = seed.run_id or self._new_id()
        if run_id in self._runs:
            raise ValueError(f"run_id: {run_id} is taken")
        pipeline = self._pipelines.get(seed.pipeline.casefold())
        if pipeline is None:
            pipeline = self.declare(PipelineScript(name=seed.pipeline))
        pipeline.learn(seed.named_activity())
        created_at = self.now() - timedelta(seconds=seed.age())
        run = Run(
            seq=len(self._runs) + 1,
            run_id=run_id,
            group_id=seed.group_id or run_id,
            pipeline=pipeline.name,
            factory=seed.factory.casefold() if seed.factory else None,
            parameters=_as_sent(seed.parameters),
            invoked_by=_with_id(seed.invoked_by, run_id),
            script=seed,
            created_at=created_at,
            visible_at=created_at + timedelta(seconds=seed.invisible_seconds or 0),
            activities=pipeline.activities,
        )
        run.admit(created_at)
        self._keep(run)
        return run

    def pipeline(self, name: str) -> Pipeline:
        """Return a pipeline by its name, without regard to case.

        Raises:
            Refused: 404, there is none.
        """
        found = self._pipelines.get(name.casefold())
        if found is None:
            raise refusals.pipeline_not_found(name)
        return found

    def create_run(self, request: RunRequest) -> Run:
        """Start a run; asking twice starts two, as the real service does.

        Raises:
            Refused: unknown pipeline, unusable reference, or too many runs queued.
        """
        self._settle()
        pipeline = self.pipeline(request.pipeline)
        reference = self._reference(request)
        carried = self._carried(request, pipeline, reference)
        self._refuse_too_many(pipeline)
        script = pipeline.next_script()
        hidden = script.invisible_seconds
        if hidden is None:
            hidden = self.switches.invisible_seconds
        parameters = _as_sent({**pipeline.parameters, **request.parameters})
        run_id = self._run_id(request)
        run = Run(
            seq=len(self._runs) + 1,
            run_id=run_id,
            group_id=reference.group_id if reference and request.is_recovery else run_id,
            pipeline=pipeline.name,
            factory=request.factory,
            parameters=dict(reference.parameters) if reference else parameters,
            invoked_by=_with_id(request.invoked_by, run_id),
            script=script,
            created_at=self.now(),
            visible_at=self.now() + timedelta(seconds=hidden),
            activities=without_carried(pipeline.activities, carried),
            carried=carried,
            reference_run_id=reference.run_id if reference else None,
        )
        self._keep(run)
        self._waiting.append(run)
        self._settle()
        return run

    def run(self, factory: str, run_id: str) -> Run:
        """Return a run that can be seen in ``factory``.

        Raises:
            Refused: 404, there is none or it cannot be seen yet.
        """
        self._settle()
        found = self._visible(factory, run_id)
        if found is None:
            raise refusals.run_not_found(run_id)
        return found

    def runs(self, factory: str | None = None) -> list[Run]:
        """Return the runs seen in ``factory``, oldest first; without one, really all."""
        self._settle()
        if factory is None:
            return list(self._runs.values())
        return [run for run in self._runs.values() if self._visible(factory, run.run_id)]

    def is_latest(self, run: Run) -> bool:
        """Tell whether ``run`` is the newest of its group."""
        group = self._groups[run.group_id]
        return max(group, key=lambda other: (other.created_at, other.seq)) is run

    def cancel(self, factory: str, run_id: str, *, recursive: bool) -> list[Run]:
        """Cancel a run, and its children with ``recursive``; return those it made stop.

        Raises:
            Refused: 400, there is no such run, or it is over.
        """
        self._settle()
        run = self._visible(factory, run_id)
        if run is None:
            raise refusals.reference_not_found(run_id, "pipelinerun")
        if run.is_terminal(self.now()):
            raise refusals.run_not_running(run_id, run.status(self.now()))
        return self._cancel(run, recursive=recursive)

    def pipeline_of(self, run_id: str) -> str | None:
        """Return the pipeline's name of any run, seen or not."""
        run = self._runs.get(run_id)
        return run.pipeline if run else None

    def parameters_of(self, run_id: str | None) -> Mapping[str, object]:
        """Return the parameters of any run, seen or not; empty if there is none."""
        run = self._runs.get(run_id or "")
        return run.parameters if run else {}

    def _keep(self, run: Run) -> None:
        self._runs[run.run_id] = run
        self._groups.setdefault(run.group_id, []).append(run)

    def _cancel(self, run: Run, *, recursive: bool) -> list[Run]:
        stopped = []
        if run.cancel_at is None and not run.is_terminal(self.now()):
            run.cancel(self.now(), self.switches.cancel_seconds)
            stopped.append(run)
        if recursive:
            for child in self.runs():
                if child.invoked_by.pipeline_run_id == run.run_id and child is not run:
                    stopped += self._cancel(child, recursive=True)
        return stopped

    def _visible(self, factory: str, run_id: str) -> Run | None:
        run = self._runs.get(run_id) or self._runs.get(run_id.lower())
        if run is None or run.visible_at > self.now():
            return None
        return run if run.factory in (None, factory) else None

    def _reference(self, request: RunRequest) -> Run | None:
        run_id, pipeline = request.reference_run_id, request.pipeline
        if run_id is None:
            if request.is_recovery:
                raise refusals.reference_not_valid("(none)", pipeline, "is needed for a recovery")
            return None
        run = self._visible(request.factory, run_id)
        if run is None and not _is_guid(run_id):
            raise refusals.reference_not_valid(run_id, pipeline, "is not a valid run id")
        if run is None:
            raise refusals.reference_not_found(run_id, f"pipeline/{pipeline}/")
        if run.pipeline.casefold() != pipeline.casefold():
            raise refusals.reference_not_valid(run_id, pipeline, f"is a run of {run.pipeline}")
        active = not run.is_terminal(self.now())
        if request.is_recovery and active and self.switches.refuse_rerun_of_active:
            raise refusals.reference_still_active(run_id, pipeline, run.status(self.now()))
        return run

    def _refuse_too_many(self, pipeline: Pipeline) -> None:
        queued = sum(run.pipeline == pipeline.name for run in self._waiting)
        if queued >= MOST_QUEUED_RUNS:
            raise refusals.too_many_queued(pipeline.name, MOST_QUEUED_RUNS)

    def _carried(
        self, request: RunRequest, pipeline: Pipeline, reference: Run | None
    ) -> frozenset[str]:
        """Return the names of the activities that a recovery does not repeat."""
        if reference is None or not request.is_recovery:
            return frozenset()
        if request.start_activity is None:
            done = reference.done_activities(self.now())
            return done if request.start_from_failure else frozenset()
        names = [activity.name for activity in pipeline.activities]
        if request.start_activity not in names:
            raise refusals.activity_not_found(request.start_activity, pipeline.name)
        return frozenset(names[: names.index(request.start_activity)])

    def _run_id(self, request: RunRequest) -> str:
        wished = (request.client_request_id or "").lower()
        wanted = self.switches.run_id_from_client_request_id and _is_guid(wished)
        return wished if wanted and wished not in self._runs else self._new_id()

    def _settle(self) -> None:
        """Admit every run whose turn has come."""
        for run in list(self._waiting):
            turn = self._turn(run) if run.cancel_at is None else None
            if turn is not None and turn <= self.now():
                run.admit(turn)
            if run.admitted_at is not None or run.cancel_at is not None:
                self._waiting.remove(run)

    def _turn(self, run: Run) -> datetime | None:
        """Return when there is a free slot for ``run``, the oldest that waits.

        ``None`` means that all slots are taken by runs that never end.
        """
        limit = self._pipelines[run.pipeline.casefold()].concurrency
        if limit is None:
            return run.created_at
        ends = [
            other.end()
            for other in self._runs.values()
            if other.pipeline == run.pipeline and other.admitted_at is not None
        ]
        slots = limit - ends.count(None)
        if slots <= 0:
            return None
        later = sorted(end for end in ends if end is not None and end > run.created_at)
        return run.created_at if len(later) < slots else later[len(later) - slots]


def _with_id(invoked_by: InvokedBy, run_id: str) -> InvokedBy:
    if invoked_by.id:
        return invoked_by
    made = uuid.uuid5(uuid.NAMESPACE_OID, f"invoked-by/{run_id}").hex
    return invoked_by.model_copy(update={"id": made})


def _is_guid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _as_sent(parameters: Mapping[str, object]) -> dict[str, str]:
    """Return parameters as runs show them: every value a string."""
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in parameters.items()
        if value is not None
    }
