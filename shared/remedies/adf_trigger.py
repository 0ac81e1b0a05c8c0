"""Data Factory's triggers: let one run a window again, and start one that is stopped."""

from shared.actions.catalogue import Repeat
from shared.domain.alert import TimeWindow
from shared.domain.attempt import StepKind
from shared.domain.run import CLOCK_SKEW, RunPhase, RunSnapshot
from shared.ports.clock import Clock
from shared.ports.pipelines import PipelineService
from shared.remedies.runs import look_at_run_of
from shared.remedies.step import Blocked, Busy, Effect, Progress, Ready, Work


class RerunTriggerRun:
    """Let the trigger's own run happen again, so that its window counts as done."""

    kind = StepKind.RERUN_TRIGGER_RUN
    repeat = Repeat.RECONCILABLE

    def __init__(self, adf: PipelineService, clock: Clock) -> None:
        self._adf = adf
        self._clock = clock

    async def prepare(self, work: Work) -> Ready | Busy | Blocked:
        """See the protocol."""
        trigger = work.failed.trigger
        if trigger is None:
            return Blocked("the run was not started by a trigger")
        runs = await self._runs_of_window(work)
        for run in runs:
            if run.phase is RunPhase.ACTIVE and run.run_id != work.failed.run_id:
                return Busy(run.run_id)
        return Ready(
            known_run_ids=tuple(run.run_id for run in runs),
            marks={"trigger": trigger.name, "trigger_run_id": trigger.run_id},
        )

    async def send(self, work: Work) -> Effect:
        """See the protocol. The answer does not name the run: it is found by looking."""
        trigger_run = work.mark("trigger_run_id") or ""
        await self._adf.rerun_trigger_run(work.resource, work.mark("trigger") or "", trigger_run)
        return Effect(external_id=trigger_run)

    async def find(self, work: Work) -> Effect | None:
        """See the protocol."""
        known = {*work.attempt.known_run_ids, work.attempt.reference_run_id}
        for run in reversed(await self._runs_of_window(work)):
            if run.run_id not in known:
                return Effect(work.mark("trigger_run_id"), run.run_id)
        return None

    async def look(self, work: Work) -> Progress:
        """See the protocol."""
        if work.attempt.external_run_id:
            return await look_at_run_of(work, self._adf)
        found = await self.find(work)
        if found is None:
            return Progress("missing")
        return Progress(RunPhase.ACTIVE, run_id=found.run_id)

    async def _runs_of_window(self, work: Work) -> list[RunSnapshot]:
        """Return runs of the failed run's window, newest first.

        A rerun of a trigger run is a run of the same trigger with the same parameters
        (they carry the window); its group is its own.
        """
        failed = work.failed
        start = (failed.started_at or work.ticket.created_at) - CLOCK_SKEW
        window = TimeWindow(start=start, end=self._clock.now() + CLOCK_SKEW)
        return [
            run
            for run in await self._adf.runs(work.resource, failed.target, window)
            if run.parameters_key == failed.parameters_key and run.trigger is not None
        ]


class StartTrigger:
    """Start a trigger that is stopped. Starting a started one changes nothing."""

    kind = StepKind.START_TRIGGER
    repeat = Repeat.NATURAL

    def __init__(self, adf: PipelineService) -> None:
        self._adf = adf

    async def prepare(self, work: Work) -> Ready | Busy | Blocked:
        """See the protocol."""
        name = _trigger_of(work)
        if not name:
            return Blocked("no trigger is named: nothing was started by one")
        state = await self._adf.trigger_state(work.resource, name)
        if state is None:
            return Blocked(f"there is no trigger {name!r}")
        return Ready(marks={"trigger": name, "state": state})

    async def send(self, work: Work) -> Effect:
        """See the protocol."""
        name = work.mark("trigger") or ""
        await self._adf.start_trigger(work.resource, name)
        return Effect(external_id=name)

    async def find(self, work: Work) -> Effect | None:
        """See the protocol."""
        progress = await self.look(work)
        done = progress.phase == RunPhase.SUCCEEDED
        return Effect(external_id=work.mark("trigger")) if done else None

    async def look(self, work: Work) -> Progress:
        """See the protocol."""
        state = await self._adf.trigger_state(work.resource, work.mark("trigger") or "")
        if state is None:
            return Progress("missing")
        started = state == "Started"
        return Progress(RunPhase.SUCCEEDED if started else RunPhase.ACTIVE, state)


def _trigger_of(work: Work) -> str:
    if work.resource.kind == "trigger":
        return work.resource.name
    trigger = work.seen.run.trigger if work.seen.run else None
    return trigger.name if trigger else ""
