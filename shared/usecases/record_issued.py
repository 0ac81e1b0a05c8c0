"""Write down which run an attempt became: known from the answer, or found by looking."""

from typing import Protocol

from shared.domain.attempt import Attempt, AttemptState
from shared.domain.ticket import Change, Status, Ticket
from shared.ports.clock import Clock
from shared.ports.tickets import ClaimStore, TicketStore


class Store(TicketStore, ClaimStore, Protocol):
    """Both kinds of thing this use case writes."""


async def record_issued(
    ticket_id: str, number: int, run_id: str, store: Store, clock: Clock, *, found: bool = False
) -> Attempt:
    """Store that attempt ``number`` became ``run_id``; harmless when repeated.

    Args:
        found: The answer was lost and the run was found by looking.
    """
    # Claimed first: should this run fail too, its own alert finds this ticket.
    resource = (await store.get(ticket_id)).resource
    await store.claim("run", resource.run_key(run_id), ticket_id)

    def issued(ticket: Ticket) -> Change | None:
        attempt = ticket.attempt(number)
        if attempt.state not in {AttemptState.SENDING, AttemptState.UNKNOWN}:
            return None
        how = "was found running as" if found else "runs as"
        return ticket.changed(
            clock.now(),
            "remediation.issued",
            f"attempt {number} {how} {run_id}",
            data={"attempt": number, "run_id": run_id, "found": found},
            status=Status.MONITORING,
            attempts=ticket.with_attempt(
                attempt.moved_to(AttemptState.ISSUED, external_run_id=run_id, error=None)
            ),
        )

    return (await store.update(ticket_id, issued)).attempt(number)
