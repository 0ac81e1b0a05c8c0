"""Take back what was changed for one attempt only, healed or not."""

from shared.domain.errors import Refused
from shared.domain.ticket import Change, Ticket
from shared.ports.clock import Clock
from shared.ports.tickets import TicketStore
from shared.remedies.registry import Remedies, undoable
from shared.remedies.step import Work


async def undo_attempt(
    ticket_id: str, number: int, tickets: TicketStore, remedies: Remedies, clock: Clock
) -> None:
    """Undo every step of attempt ``number`` that has to be. Safe to repeat.

    What cannot be undone is told in the timeline; the ticket ends as it would have.

    Raises:
        Transient, OutcomeUnknown: it may not have happened; try again.
    """
    ticket = await tickets.get(ticket_id)
    attempt = ticket.attempt(number)
    said: list[str] = []
    failed = False
    for step in attempt.to_undo:
        try:
            said.append(await undoable(remedies, step.kind).undo(Work(ticket, attempt), step.marks))
        except Refused as error:
            said.append(f"{step.kind} could not be taken back: {error}")
            failed = True
    if said:
        kind = "remediation.undo_failed" if failed else "remediation.undone"
        await tickets.update(
            ticket_id, lambda current: _undone(current, number, kind, "; ".join(said), clock)
        )


def _undone(ticket: Ticket, number: int, kind: str, said: str, clock: Clock) -> Change | None:
    attempt = ticket.attempt(number)
    if attempt.undone:
        return None
    return ticket.changed(
        clock.now(),
        kind,
        f"attempt {number}: {said}",
        data={"attempt": number},
        attempts=ticket.with_attempt(attempt.model_copy(update={"undone": True})),
    )
