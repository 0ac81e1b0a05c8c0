"""The end of a ticket: what came of it, how long it took, and what a person should know."""

from datetime import datetime

from shared.domain.attempt import Attempt, AttemptState
from shared.domain.summary import summary_of
from shared.domain.ticket import OUTCOMES, Change, Outcome, Sla, Status, Ticket
from shared.ports.clock import Clock
from shared.ports.tickets import TicketStore

AUTO_HEAL = "AI_AUTO_HEAL"
AUTO_CLOSE = "AI_AUTO_CLOSE"
_CLOSED_BY = {Status.RESOLVED: AUTO_HEAL, Status.CLOSED: AUTO_CLOSE, Status.ESCALATED: None}


async def close_ticket(
    ticket_id: str, outcome: Outcome, conclusion: str, tickets: TicketStore, clock: Clock
) -> Ticket:
    """End the ticket as ``outcome`` and return it; one that has ended stays as it is."""

    def close(ticket: Ticket) -> Change | None:
        if ticket.status.is_final:
            return None
        now = clock.now()
        status = next(status for status, outcomes in OUTCOMES.items() if outcome in outcomes)
        minutes = max(0.0, (now - ticket.created_at).total_seconds() / 60)
        return ticket.changed(
            now,
            f"ticket.{status}",
            f"{outcome}: {conclusion}",
            data={"outcome": outcome},
            status=status,
            outcome=outcome,
            summary=summary_of(ticket, conclusion),
            attempts=tuple(_ended(attempt, now) for attempt in ticket.attempts),
            closed_by=_CLOSED_BY[status],
            closed_at=now,
            mttr_minutes=round(minutes, 4) if outcome is Outcome.HEALED else None,
            sla=_sla(ticket.sla, status, minutes),
        )

    return await tickets.update(ticket_id, close)


def _ended(attempt: Attempt, now: datetime) -> Attempt:
    """Cancel an attempt that was never sent: nothing will send it any more."""
    if attempt.state is not AttemptState.INTENT:
        return attempt
    return attempt.moved_to(AttemptState.CANCELLED, ended_at=now)


def _sla(sla: Sla, status: Status, minutes: float) -> Sla:
    if minutes > sla.target_minutes:
        return sla.model_copy(update={"status": "Breached"})
    # Handed over in time: whether the target is met is now up to a person.
    met = None if status is Status.ESCALATED else "Met"
    return sla.model_copy(update={"status": met})
