"""Let a Logic App carry the action out, and believe the system of record about what came of it.

The request has no idempotency key, and a Logic App that got it may take its time: what
was lost is never sent again by a machine. Whether it arrived is seen from the run that
it starts, or from its callback, whichever comes first.
"""

from collections.abc import Mapping
from dataclasses import replace

from shared.actions.catalogue import Repeat, plan_for, spec_of
from shared.domain.attempt import StepKind
from shared.domain.run import CLOCK_SKEW, RunPhase, RunSnapshot
from shared.ports.logic_app import CallbackAddress, LogicApp
from shared.ports.runs import RunReader
from shared.remedies.runs import progress_of
from shared.remedies.step import Blocked, Busy, Effect, Progress, Ready, Step, Work


class RunLogicApp:
    """The whole action in one request; what it leads to is looked for as if it were ours.

    Args:
        direct: The steps that do it without a Logic App.
    """

    kind = StepKind.RUN_LOGIC_APP
    repeat = Repeat.UNSAFE

    def __init__(
        self,
        logic_app: LogicApp,
        callback: CallbackAddress,
        record: RunReader,
        direct: Mapping[StepKind, Step],
    ) -> None:
        self._logic_app = logic_app
        self._callback = callback
        self._record = record
        self._direct = direct

    async def prepare(self, work: Work) -> Ready | Busy | Blocked:
        """See the protocol."""
        return await self._step(work).prepare(work)

    async def send(self, work: Work) -> Effect:
        """See the protocol."""
        ticket, attempt = work.ticket, work.attempt
        resource = ticket.resource.model_copy(update={"run_id": attempt.reference_run_id})
        body = {
            "ticket_id": ticket.id,
            "attempt_number": attempt.number,
            "action": attempt.action,
            "parameters": {
                "target": attempt.target,
                "reference_run_id": attempt.reference_run_id,
                "idempotency_key": attempt.step_key,
                **attempt.marks,
            },
            "resource": resource.model_dump(mode="json"),
            "callback_url": self._callback.url,
            "callback_token": self._callback.token(ticket.id, attempt.number),
        }
        return Effect(await self._logic_app.start(body, tracking_id=attempt.step_key))

    async def find(self, work: Work) -> Effect | None:
        """See the protocol. The callback too proves that the request arrived."""
        run = await self._run(work)
        if run is not None:
            return Effect(run_id=run)
        return Effect() if work.attempt.callback is not None else None

    async def look(self, work: Work) -> Progress:
        """See the protocol."""
        attempt, callback = work.attempt, work.attempt.callback
        run_id = attempt.external_run_id
        if run_id is None:
            run_id = await self._run(work)
            if run_id is not None:
                return Progress(RunPhase.ACTIVE, run_id=run_id)
            if callback is None:
                return Progress(RunPhase.ACTIVE, "waiting for the Logic App")
            if callback.success:  # its word alone heals nothing: there must be a run
                return Progress("missing", callback.status)
            return Progress(RunPhase.FAILED, callback.error or callback.status)
        if self._step(work).kind is StepKind.REPAIR_RUN:
            return await self._step(work).look(_as_ours(work))
        return progress_of(await self._record.run(work.resource, run_id))

    async def _run(self, work: Work) -> str | None:
        """Return the run that the Logic App has started, if it is to be seen."""
        found = await self._step(work).find(_as_ours(work))
        if found is not None and found.run_id is not None:
            return found.run_id
        callback = work.attempt.callback
        if callback is None or not callback.run_id:
            return None
        run = await self._record.run(work.resource, callback.run_id)
        return run.run_id if run is not None and _could_be_it(work, run) else None

    def _step(self, work: Work) -> Step:
        spec = spec_of(work.ticket.platform, work.attempt.action)
        if spec is None:
            raise ValueError(f"{work.attempt.action} is no action of {work.ticket.platform}")
        return self._direct[plan_for(spec, work.seen, by_logic_app=False)[-1]]


def _as_ours(work: Work) -> Work:
    """Return ``work`` without the workflow's own id, which means nothing to the step."""
    return replace(work, attempt=work.attempt.model_copy(update={"external_id": None}))


def _could_be_it(work: Work, run: RunSnapshot) -> bool:
    """Tell whether a run that a callback names is one of the target, begun after the request."""
    attempt = work.attempt
    if run.target.casefold() != attempt.target.casefold():
        return False
    if run.run_id == attempt.reference_run_id or run.run_id in attempt.known_run_ids:
        return False
    since = (attempt.sent_at or attempt.started_at) - CLOCK_SKEW
    return run.started_at is None or run.started_at >= since
