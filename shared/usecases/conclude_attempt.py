"""What an attempt came to. Green is not healed: its steps are looked at as well."""

from typing import NamedTuple

from shared.domain.attempt import Attempt, AttemptOutcome, AttemptState
from shared.domain.errors import Transient
from shared.domain.run import RunPhase
from shared.domain.ticket import Change, Status, Ticket
from shared.ports.clock import Clock
from shared.ports.pipelines import PipelineService
from shared.ports.tickets import TicketStore


class _End(NamedTuple):
    state: AttemptState
    outcome: AttemptOutcome
    why: str


_HEALED = _End(AttemptState.SUCCEEDED, AttemptOutcome.HEALED, "")
# What the monitor ended with -> what that makes of the attempt. Success is looked at closer.
_ENDS: dict[str, _End] = {
    RunPhase.FAILED: _End(AttemptState.FAILED, AttemptOutcome.NOT_HEALED, "its run failed"),
    RunPhase.CANCELLED: _End(
        AttemptState.CANCELLED, AttemptOutcome.NOT_HEALED, "its run was cancelled"
    ),
    "timed_out": _End(
        AttemptState.TIMED_OUT,
        AttemptOutcome.INCONCLUSIVE,
        "its run did not end in time and may still be going on",
    ),
    "missing": _End(
        AttemptState.FAILED,
        AttemptOutcome.INCONCLUSIVE,
        "its run was accepted but never seen",
    ),
    "refused": _End(
        AttemptState.FAILED,
        AttemptOutcome.INCONCLUSIVE,
        "its run could no longer be read",
    ),
}


async def conclude_attempt(
    ticket_id: str,
    number: int,
    ended: str,
    tickets: TicketStore,
    pipelines: PipelineService,
    clock: Clock,
) -> Attempt:
    """Store and return what attempt ``number`` came to. Safe to repeat.

    Args:
        ended: How its run ended: a final :class:`~shared.domain.run.RunPhase`,
            ``timed_out``, ``missing`` or ``refused``.

    Raises:
        Transient: the steps could not be read; ask again.
        Refused: they may not be read.
    """
    ticket = await tickets.get(ticket_id)
    attempt = ticket.attempt(number)
    if attempt.is_over:
        return attempt
    if ended == RunPhase.SUCCEEDED:
        end = await _verified(ticket, attempt, pipelines)
    else:
        end = _ENDS[ended]
    updated = await tickets.update(
        ticket_id, lambda current: _concluded(current, number, end, clock)
    )
    return updated.attempt(number)


async def _verified(ticket: Ticket, attempt: Attempt, pipelines: PipelineService) -> _End:
    """A pipeline whose failure path succeeds is "Succeeded" although its load failed."""
    run_id = attempt.external_run_id or ""
    run = await pipelines.run(ticket.resource, run_id)
    if run is None:
        raise Transient(ticket.platform, f"run {run_id!r} was there a moment ago")
    failures = await pipelines.failures(ticket.resource, run)
    if not failures:
        return _HEALED
    steps = ", ".join(sorted({failure.step for failure in failures}))
    return _End(
        AttemptState.FAILED,
        AttemptOutcome.NOT_HEALED,
        f"its run succeeded, but {steps} failed in it",
    )


def _concluded(ticket: Ticket, number: int, end: _End, clock: Clock) -> Change | None:
    attempt = ticket.attempt(number)
    if attempt.is_over:
        return None
    over = attempt.moved_to(
        end.state, outcome=end.outcome, ended_at=clock.now(), error=end.why or None
    )
    unhealed = end.outcome is AttemptOutcome.NOT_HEALED
    return ticket.changed(
        clock.now(),
        f"remediation.{end.state}",
        f"attempt {number} {end.outcome}{f': {end.why}' if end.why else ''}",
        data={"attempt": number, "run_id": attempt.external_run_id, "outcome": end.outcome},
        attempts=ticket.with_attempt(over),
        status=Status.ANALYZING if unhealed else ticket.status,
        # The failed rerun is what is to be healed from now on.
        current_run_id=attempt.external_run_id if unhealed else ticket.current_run_id,
    )
