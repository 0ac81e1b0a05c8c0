"""Read from the system of record what really happened, before anything is believed."""

from shared.diagnosis.redact import redact
from shared.domain.alert import TimeWindow
from shared.domain.errors import Refused
from shared.domain.run import (
    CLOCK_SKEW,
    Observation,
    RunPhase,
    RunSnapshot,
    StepFailure,
    is_same_work,
)
from shared.domain.ticket import Change, Status, Ticket
from shared.ports.clock import Clock
from shared.ports.runs import RunReader
from shared.ports.tickets import TicketStore

_MAX_FAILURES = 20  # a loop may fail a thousand times with one cause


async def read_back(ticket_id: str, tickets: TicketStore, record: RunReader, clock: Clock) -> None:
    """Store what is known about the ticket's current run. Safe to repeat.

    Raises:
        Transient: the system of record did not answer; ask again.
    """
    ticket = await tickets.get(ticket_id)
    if ticket.current_run_id is None:
        return  # identify_run has said why
    try:
        seen = await _observe(ticket, ticket.current_run_id, record, clock)
    except Refused as refused:
        seen = Observation(at=clock.now(), problem=str(refused))
    await tickets.update(ticket_id, lambda current: _observed(current, seen))


async def _observe(ticket: Ticket, run_id: str, record: RunReader, clock: Clock) -> Observation:
    run = await record.run(ticket.resource, run_id)
    if run is None:
        return Observation(at=clock.now())
    run = await _affected(ticket, run, record)
    failures = (await _failures(ticket, run, record))[:_MAX_FAILURES]
    newer = await newer_success(ticket, run, record, clock)
    return Observation(
        at=clock.now(),
        run=run.model_copy(update={"message": redact(run.message)}),
        failures=tuple(_without_secrets(failure) for failure in failures),
        newer_success_run_id=newer,
    )


def _without_secrets(failure: StepFailure) -> StepFailure:
    """Error texts quote connection strings; a ticket is read by many."""
    return failure.model_copy(update={"message": redact(failure.message)})


async def _affected(ticket: Ticket, root: RunSnapshot, record: RunReader) -> RunSnapshot:
    """Return the run to heal: a root that did not wait for its child has nothing to heal."""
    alerted = ticket.resource.run_id
    if root.phase is not RunPhase.SUCCEEDED or alerted in {None, root.run_id} or ticket.attempts:
        return root
    if await record.failures(ticket.resource, root):
        return root
    return await record.run(ticket.resource, alerted or "") or root


async def _failures(ticket: Ticket, run: RunSnapshot, record: RunReader) -> tuple[StepFailure, ...]:
    """Return what failed, the alerted child first: a root does not always name its children."""
    found = await record.failures(ticket.resource, run)
    alerted = ticket.resource.run_id
    if alerted is None or alerted == run.run_id or ticket.attempts:
        return found
    child = await record.run(ticket.resource, alerted)
    if child is None:
        return found
    inner = await record.failures(ticket.resource, child)
    return inner + tuple(failure for failure in found if failure not in inner)


async def done_since(
    ticket: Ticket, failed: RunSnapshot, record: RunReader, clock: Clock
) -> str | None:
    """Return the run that somebody has done the work as since ``failed`` was read, or does it.

    Raises:
        Transient, Refused: it could not be read.
    """
    now = await record.run(ticket.resource, failed.run_id)
    if now is not None and (now.phase, now.tries) != (failed.phase, failed.tries):
        return failed.run_id
    return await newer_success(ticket, failed, record, clock)


async def newer_success(
    ticket: Ticket, run: RunSnapshot, record: RunReader, clock: Clock
) -> str | None:
    """Return a later run that did the failed run's work, if there is one.

    It counts when it belongs to the same group (a rerun) or ran with the same
    parameters; a success for another date or region does not heal this one.
    """
    if run.started_at is None:
        return None
    window = TimeWindow(start=run.started_at - CLOCK_SKEW, end=clock.now() + CLOCK_SKEW)
    for other in await record.runs(ticket.resource, run.target, window):
        if (
            other.phase is RunPhase.SUCCEEDED
            and other.run_id != run.run_id
            and other.started_at is not None
            and other.started_at > run.started_at
            and is_same_work(run, other)
            and not await record.failures(ticket.resource, other)  # green alone is not healed
        ):
            return other.run_id
    return None


def _observed(ticket: Ticket, seen: Observation) -> Change:
    if seen.problem:
        message = f"the run could not be read: {seen.problem}"
    elif seen.run is None:
        message = f"the system of record knows no run {ticket.current_run_id}"
    else:
        message = f"run {seen.run.run_id} is {seen.run.status}, {len(seen.failures)} step(s) failed"
    return ticket.changed(
        seen.at,
        "run.read_back",
        message,
        status=Status.ANALYZING,
        observation=seen,
        current_run_id=seen.run.run_id if seen.run else ticket.current_run_id,
    )
