"""Find tickets that nobody works on any more, and see to it that somebody does.

An orchestration can be lost: its start message by the queue, its history by a purge or a
failed upgrade, its worker by a bug. The ticket is the truth; whoever finds it left alone
gives it a new orchestration, which looks at everything afresh before it acts.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from shared.domain.approval import ApprovalStatus
from shared.domain.attempt import AttemptState
from shared.domain.ticket import Change, Outcome, Status, Ticket
from shared.ports.clock import Clock
from shared.ports.orchestrations import Orchestrations, Standing
from shared.ports.tickets import SendLedger, TicketQuery, TicketStore
from shared.usecases.close_ticket import close_ticket

MAX_EPISODES = 3
# Who has been heard of since needs no help.
_QUIET = timedelta(minutes=2)
_PENDING = timedelta(minutes=5)
_SENDING = timedelta(minutes=15)
# Added to the longest time that the story itself may wait for a run.
_SLACK = timedelta(minutes=30)
_OPEN = tuple(status.value for status in Status if not status.is_final)


class Store(TicketStore, SendLedger, Protocol):
    """All that is read and written here."""


@dataclass(frozen=True, slots=True)
class Found:
    """A ticket that was left alone, and what was done about it."""

    ticket_id: str
    why: str
    given_up: bool


async def sweep(
    store: Store,
    orchestrations: Orchestrations,
    clock: Clock,
    *,
    longest_watch: timedelta,
    awake_since: datetime,
) -> list[Found]:
    """Give every ticket that was left alone a new orchestration, or to a person.

    Args:
        longest_watch: How long the story may wait for one run.
        awake_since: When this process started. Before that nobody could be heard of.
    """
    found = []
    async for ticket in _quiet_tickets(store, clock):
        silent = clock.now() - max(ticket.updated_at, awake_since)
        why = await _left_alone(ticket, silent, store, orchestrations, longest_watch)
        if why:
            await orchestrations.stop(ticket.instance_id, why)
            found.append(await _take_up(ticket, why, store, clock))
    return found


async def _quiet_tickets(store: Store, clock: Clock) -> AsyncIterator[Ticket]:
    cursor: str | None = None
    while True:
        page = await store.search(TicketQuery(status=_OPEN, limit=200, cursor=cursor))
        for ticket in page.items:
            if clock.now() - ticket.updated_at >= _QUIET:
                yield ticket
        cursor = page.next_cursor
        if cursor is None:
            return


async def _left_alone(
    ticket: Ticket,
    silent: timedelta,
    store: Store,
    orchestrations: Orchestrations,
    longest_watch: timedelta,
) -> str:
    """Return why nobody works on ``ticket``; nothing if somebody does, or is about to."""
    if await store.errands(1, of=[ticket.id]):
        return ""  # its start is still in the outbox
    match await orchestrations.standing(ticket.instance_id):
        case Standing.UNKNOWN:
            return "its orchestration is gone"
        case Standing.OVER:
            return "its orchestration has ended without ending the ticket"
        case Standing.PENDING if silent >= _PENDING:
            return "its orchestration was never begun"
        case Standing.RUNNING if silent >= _patience(ticket, longest_watch):
            return f"its orchestration has been silent for {silent.total_seconds() / 60:.0f} min"
    return ""


def _patience(ticket: Ticket, longest_watch: timedelta) -> timedelta:
    if ticket.status is Status.AWAITING_APPROVAL:
        return _until_decided(ticket) + _SLACK
    sending = any(attempt.state is AttemptState.SENDING for attempt in ticket.attempts)
    return _SENDING if sending else longest_watch + _SLACK


def _until_decided(ticket: Ticket) -> timedelta:
    """Return how long a question that is open may be: its own time limit ends it."""
    asked = ticket.approval
    if asked is None or asked.status is not ApprovalStatus.PENDING:
        return timedelta(0)
    return max(asked.expires_at - ticket.updated_at, timedelta(0))


async def _take_up(ticket: Ticket, why: str, store: Store, clock: Clock) -> Found:
    if ticket.episode.number - ticket.episode.first + 1 >= MAX_EPISODES:
        conclusion = f"Mend could not go on: {why}, and {MAX_EPISODES} of them were tried"
        await close_ticket(ticket.id, Outcome.INCONCLUSIVE, conclusion, store, clock)
        return Found(ticket.id, why, given_up=True)

    def take_up(current: Ticket) -> Change | None:
        if current.status.is_final or current.episode.number != ticket.episode.number:
            return None
        number = current.episode.number + 1
        change = current.changed(
            clock.now(),
            "ticket.taken_up_again",
            f"{why}; a new one takes it up",
            data={"episode": number},
            actor="sweeper",
            episode=current.episode.model_copy(update={"number": number, "claimed_by": None}),
        )
        return replace(change, outbox=(change.ticket.start,))

    await store.update(ticket.id, take_up)
    return Found(ticket.id, why, given_up=False)
