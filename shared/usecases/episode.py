"""One orchestration per episode of a ticket, however often it is started."""

from shared.domain.ticket import Change, Status, Ticket
from shared.ports.clock import Clock
from shared.ports.tickets import TicketStore


async def claim_episode(
    ticket_id: str, instance_id: str, tickets: TicketStore, clock: Clock
) -> Ticket | None:
    """Return the ticket if ``instance_id`` may work on it, else ``None``. Safe to repeat.

    A finished ticket is nobody's: Durable overwrites a finished instance when
    its start message arrives late, and that second run must end here. So must an instance
    of an earlier episode that was given up, and comes to life after all.
    """

    def claim(ticket: Ticket) -> Change | None:
        if ticket.status.is_final or ticket.episode.claimed_by is not None:
            return None
        if instance_id != ticket.instance_id:
            return None
        return ticket.changed(
            clock.now(),
            "remediation.started",
            "reading what the system of record says",
            data={"instance_id": instance_id},
            status=Status.ANALYZING,
            episode=ticket.episode.model_copy(update={"claimed_by": instance_id}),
        )

    ticket = await tickets.update(ticket_id, claim)
    if ticket.status.is_final or ticket.episode.claimed_by != instance_id:
        return None
    return ticket
