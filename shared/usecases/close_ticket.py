"""The end of a ticket: what came of it, how long it took, and what a person should know."""

from dataclasses import replace
from datetime import datetime
from typing import Protocol

from shared.domain.attempt import Attempt, AttemptOutcome, AttemptState
from shared.domain.event import UNDO, OutboxItem
from shared.domain.summary import summary_of
from shared.domain.ticket import OUTCOMES, Change, Outcome, Sla, Status, Ticket
from shared.ports.clock import Clock
from shared.ports.tickets import SendLedger, TicketStore
from shared.usecases.count_attempt import count_end

AUTO_HEAL = "AI_AUTO_HEAL"
AUTO_CLOSE = "AI_AUTO_CLOSE"
_CLOSED_BY = {Status.RESOLVED: AUTO_HEAL, Status.CLOSED: AUTO_CLOSE, Status.ESCALATED: None}


class Store(TicketStore, SendLedger, Protocol):
    """Both kinds of thing this use case writes."""


async def close_ticket(
    ticket_id: str, outcome: Outcome, conclusion: str, store: Store, clock: Clock
) -> Ticket:
    """End the ticket as ``outcome`` and return it; one that has ended stays as it is.

    Nothing is left behind: an attempt that is not over is from now on, and what was changed
    for it only becomes an errand.
    """

    def close(ticket: Ticket) -> Change | None:
        if ticket.status.is_final:
            return None
        return ending(ticket, outcome, conclusion, clock.now())

    ended = await store.update(ticket_id, close)
    for attempt in ended.attempts:
        await count_end(attempt, store, clock)
    return ended


def ending(
    ticket: Ticket, outcome: Outcome, conclusion: str, now: datetime, *, actor: str = "system"
) -> Change:
    """Return the ticket's end.

    Args:
        actor: Who ends it: the machine, or a person.
    """
    status = next(status for status, outcomes in OUTCOMES.items() if outcome in outcomes)
    minutes = max(0.0, (now - ticket.created_at).total_seconds() / 60)
    change = ticket.changed(
        now,
        f"ticket.{status}",
        f"{outcome}: {conclusion}",
        data={"outcome": outcome},
        actor=actor,
        status=status,
        outcome=outcome,
        summary=summary_of(ticket, conclusion),
        attempts=tuple(_ended(attempt, now) for attempt in ticket.attempts),
        closed_by=_CLOSED_BY[status] if actor == "system" else actor,
        closed_at=now,
        mttr_minutes=round(minutes, 4) if status is Status.RESOLVED else None,
        sla=_sla(ticket.sla, status, minutes),
    )
    return replace(change, outbox=_left_to_undo(ticket))


def _left_to_undo(ticket: Ticket) -> tuple[OutboxItem, ...]:
    return tuple(
        OutboxItem(id=f"undo-{attempt.number}", kind=UNDO, payload={"attempt": str(attempt.number)})
        for attempt in ticket.attempts
        if attempt.to_undo
    )


def _ended(attempt: Attempt, now: datetime) -> Attempt:
    """End an attempt that nobody will go on with."""
    if attempt.is_over:
        return attempt
    if attempt.state is AttemptState.INTENT:
        return attempt.moved_to(AttemptState.CANCELLED, ended_at=now)
    return attempt.moved_to(
        AttemptState.TIMED_OUT, outcome=AttemptOutcome.INCONCLUSIVE, ended_at=now
    )


def _sla(sla: Sla, status: Status, minutes: float) -> Sla:
    if minutes > sla.target_minutes:
        return sla.model_copy(update={"status": "Breached"})
    # Handed over in time: whether the target is met is now up to a person.
    met = None if status is Status.ESCALATED else "Met"
    return sla.model_copy(update={"status": met})
