"""Look once more at the world, then write down what is about to be done."""

from dataclasses import dataclass

from shared.domain.alert import TimeWindow
from shared.domain.attempt import Attempt, attempt_key
from shared.domain.errors import NotFound
from shared.domain.run import RunPhase, RunSnapshot
from shared.domain.ticket import Change, Status, Ticket
from shared.ports.clock import Clock
from shared.ports.pipelines import PipelineService
from shared.ports.tickets import TicketStore
from shared.usecases.read_back import CLOCK_SKEW, is_same_work, newer_success


@dataclass(frozen=True, slots=True)
class Prepared:
    """``ready``: the intent is stored. ``busy``: ``run_id`` is doing, or has done, the work."""

    state: str
    run_id: str | None = None


async def prepare_attempt(
    ticket_id: str, number: int, tickets: TicketStore, pipelines: PipelineService, clock: Clock
) -> Prepared:
    """Store the intent of attempt ``number``, unless somebody else is at it. Safe to repeat.

    The runs already known are stored with the intent: should the answer to the
    request get lost, a run that is not among them is ours.

    Raises:
        Transient: the system of record did not answer; ask again.
        Refused: it does not let us look.
        NotFound: the ticket has no run or decision to act on.
    """
    ticket = await tickets.get(ticket_id)
    if any(attempt.number == number for attempt in ticket.attempts):
        return Prepared("ready")
    failed = ticket.observation.run if ticket.observation else None
    if failed is None or ticket.decision is None:
        raise NotFound(f"ticket {ticket_id!r} has nothing to act on")
    healed_by = await newer_success(ticket, failed, pipelines, clock)
    if healed_by:
        return Prepared("busy", healed_by)
    runs = await _runs_since(ticket, failed, pipelines, clock)
    for run in (run for run in runs if _is_later(failed, run)):
        if run.phase is RunPhase.ACTIVE and is_same_work(failed, run):
            return Prepared("busy", run.run_id)
    attempt = Attempt(
        number=number,
        key=attempt_key(ticket_id, number),
        action=ticket.decision.action,
        target=failed.name,
        reference_run_id=failed.run_id,
        group_id=failed.group_id,
        parameters_key=failed.parameters_key,
        known_run_ids=tuple(run.run_id for run in runs if _could_be_taken_for_ours(run, clock)),
        signature=ticket.analysis.signature if ticket.analysis else None,
        started_at=clock.now(),
    )
    await tickets.update(ticket_id, lambda current: _intended(current, attempt, clock))
    return Prepared("ready")


async def _runs_since(
    ticket: Ticket, failed: RunSnapshot, pipelines: PipelineService, clock: Clock
) -> tuple[RunSnapshot, ...]:
    start = (failed.started_at or ticket.created_at) - CLOCK_SKEW
    window = TimeWindow(start=start, end=clock.now() + CLOCK_SKEW)
    return await pipelines.runs(ticket.resource, failed.name, window)


def _could_be_taken_for_ours(run: RunSnapshot, clock: Clock) -> bool:
    """Tell whether ``run`` began so late that, after a lost answer, it might pass for our own."""
    return run.started_at is None or run.started_at >= clock.now() - 2 * CLOCK_SKEW


def _is_later(failed: RunSnapshot, run: RunSnapshot) -> bool:
    if run.run_id == failed.run_id:
        return False
    # A queued run may have no start yet; then it is certainly not older.
    return None in {run.started_at, failed.started_at} or (
        run.started_at is not None
        and failed.started_at is not None
        and run.started_at >= failed.started_at
    )


def _intended(ticket: Ticket, attempt: Attempt, clock: Clock) -> Change | None:
    if any(known.number == attempt.number for known in ticket.attempts):
        return None
    return ticket.changed(
        clock.now(),
        "remediation.intent",
        f"attempt {attempt.number}: {attempt.action} of {attempt.target}",
        data={"attempt": attempt.number, "action": attempt.action, "key": attempt.key},
        status=Status.REMEDIATING,
        attempts=ticket.with_attempt(attempt),
    )
