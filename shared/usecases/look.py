"""One look at a run, or at the present step of an attempt: is it over?"""

from dataclasses import dataclass
from typing import Protocol

from shared.domain.errors import Refused, Transient
from shared.ports.clock import Clock
from shared.ports.runs import RunReader
from shared.ports.tickets import ClaimStore, TicketStore
from shared.remedies.registry import Remedies
from shared.remedies.step import Work
from shared.usecases.record_issued import record_run


class Store(TicketStore, ClaimStore, Protocol):
    """Both kinds of thing that a look may write."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look told.

    ``phase`` is a :class:`~shared.domain.run.RunPhase` or ``missing`` (the system
    does not know the run, or not yet), ``unreadable`` (no answer this time) or
    ``refused`` (looking again will not help).
    """

    phase: str
    status: str


async def look_at_run(ticket_id: str, run_id: str, tickets: TicketStore, record: RunReader) -> Look:
    """Read the run once. Changes nothing, raises nothing the monitor could not outlive."""
    ticket = await tickets.get(ticket_id)
    try:
        run = await record.run(ticket.resource, run_id)
    except Transient as error:
        return Look("unreadable", str(error))
    except Refused as error:
        return Look("refused", str(error))
    if run is None:
        return Look("missing", "")
    return Look(run.phase, run.status)


async def look_at_attempt(
    ticket_id: str, number: int, store: Store, remedies: Remedies, clock: Clock
) -> Look:
    """Look how far the present step is; note its run when that has become known.

    Raises nothing the monitor could not outlive.
    """
    ticket = await store.get(ticket_id)
    attempt = ticket.attempt(number)
    try:
        progress = await remedies[attempt.step].look(Work(ticket, attempt))
    except Transient as error:
        return Look("unreadable", str(error))
    except Refused as error:
        return Look("refused", str(error))
    if progress.run_id is not None and attempt.external_run_id is None:
        await record_run(ticket_id, number, progress.run_id, store, clock)
    return Look(progress.phase, progress.status)
