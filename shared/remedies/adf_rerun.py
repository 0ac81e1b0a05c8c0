"""Run a Data Factory pipeline again, as a recovery of the failed run.

``createRun`` takes no idempotency key. A recovery run joins the group of the run it
recovers, so the effect of a lost request is found there.
"""

from datetime import datetime

from shared.actions.catalogue import Repeat
from shared.domain.alert import TimeWindow
from shared.domain.attempt import StepKind
from shared.domain.run import CLOCK_SKEW, RunPhase, RunSnapshot, is_same_work
from shared.ports.clock import Clock
from shared.ports.pipelines import PipelineService
from shared.remedies.runs import look_at_run_of
from shared.remedies.step import Blocked, Busy, Effect, Progress, Ready, Work


class RerunPipeline:
    """The whole pipeline, or only from the activity that failed."""

    repeat = Repeat.RECONCILABLE

    def __init__(self, adf: PipelineService, clock: Clock, *, from_failure: bool) -> None:
        self.kind = StepKind.RERUN_FROM_FAILURE if from_failure else StepKind.RERUN_PIPELINE
        self._adf = adf
        self._clock = clock
        self._from_failure = from_failure

    async def prepare(self, work: Work) -> Ready | Busy | Blocked:
        """See the protocol."""
        failed = work.failed
        runs = await self._adf.runs(work.resource, failed.target, self._since(work, failed))
        for run in (run for run in runs if _is_later(failed, run)):
            if run.phase is RunPhase.ACTIVE and is_same_work(failed, run):
                return Busy(run.run_id)
        return Ready(tuple(run.run_id for run in runs if self._could_be_taken_for_ours(run)))

    async def send(self, work: Work) -> Effect:
        """See the protocol."""
        attempt = work.attempt
        run_id = await self._adf.rerun(
            work.resource,
            attempt.target,
            attempt.reference_run_id,
            from_failure=self._from_failure,
        )
        return Effect(run_id=run_id)

    async def find(self, work: Work) -> Effect | None:
        """See the protocol.

        The oldest, should there be several. Others of its group recover the same failure a
        second time, whoever started them; other runs with the same parameters are left alone.
        """
        attempt = work.attempt
        sent_at = attempt.sent_at or attempt.started_at
        window = TimeWindow(start=sent_at - CLOCK_SKEW, end=self._clock.now() + CLOCK_SKEW)
        runs = await self._adf.runs(work.resource, attempt.target, window)
        ours = [run for run in runs if _is_ours(work, run, sent_at)]
        if not ours:
            return None
        oldest, *others = sorted(ours, key=lambda run: run.started_at or sent_at)
        doubles = tuple(
            run.run_id
            for run in others
            if run.phase is RunPhase.ACTIVE
            and run.group_id is not None
            and run.group_id == oldest.group_id
        )
        return Effect(run_id=oldest.run_id, doubles=doubles)

    async def stop(self, work: Work, run_id: str) -> None:
        """See :class:`~shared.remedies.step.Stoppable`."""
        await self._adf.cancel(work.resource, run_id)

    async def look(self, work: Work) -> Progress:
        """See the protocol."""
        return await look_at_run_of(work, self._adf)

    def _since(self, work: Work, failed: RunSnapshot) -> TimeWindow:
        start = (failed.started_at or work.ticket.created_at) - CLOCK_SKEW
        return TimeWindow(start=start, end=self._clock.now() + CLOCK_SKEW)

    def _could_be_taken_for_ours(self, run: RunSnapshot) -> bool:
        """Tell whether ``run`` began so late that, after a lost answer, it might pass for ours."""
        recent = self._clock.now() - 2 * CLOCK_SKEW
        return run.started_at is None or run.started_at >= recent


def _is_ours(work: Work, run: RunSnapshot, sent_at: datetime) -> bool:
    """Tell whether ``run`` must be what the request started.

    A run of the failed run's group that was not there before is ours, or does exactly
    what ours would have done. So does a run that somebody started by hand with the same
    parameters.
    """
    attempt = work.attempt
    if run.run_id in attempt.known_run_ids:
        return False
    same_group = run.group_id is not None and run.group_id == attempt.group_id
    same_work = not run.by_trigger and run.parameters_key == attempt.parameters_key
    if not (same_group or same_work):
        return False
    return run.started_at is None or run.started_at >= sent_at - CLOCK_SKEW


def _is_later(failed: RunSnapshot, run: RunSnapshot) -> bool:
    if run.run_id == failed.run_id:
        return False
    # A queued run may have no start yet; then it is certainly not older.
    return None in {run.started_at, failed.started_at} or (
        run.started_at is not None
        and failed.started_at is not None
        and run.started_at >= failed.started_at
    )
