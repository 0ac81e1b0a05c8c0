"""A person asks for an action: the story begins once more, with their choice in place of ours.

Policy decides as always, and the same record is kept. The choice is good for one attempt; what
comes after that is decided as if nobody had asked.
"""

from dataclasses import dataclass, replace
from typing import Protocol

from pydantic import Field

from shared.actions.catalogue import CATALOGUE, spec_of
from shared.diagnosis.redact import redact
from shared.domain.alert import Requester
from shared.domain.analysis import Action
from shared.domain.errors import IllegalTransition, InvalidInput
from shared.domain.model import Model
from shared.domain.ticket import Change, Episode, Outcome, Status, Ticket, Wish
from shared.ports.clock import Clock
from shared.ports.tickets import ClaimStore, SendLedger, TicketStore
from shared.usecases.accept_alert import FINGERPRINT
from shared.usecases.close_ticket import close_ticket

MAX_REASON_CHARS = 1_000


class Store(TicketStore, ClaimStore, SendLedger, Protocol):
    """All that is read and written here."""


class Ask(Model):
    """What is asked for; without an action, what the cause suggests."""

    action: Action | None = None
    reason: str = Field(default="", max_length=MAX_REASON_CHARS)


@dataclass(frozen=True, slots=True)
class Requested:
    """The ticket, and whether the same request had come before."""

    ticket: Ticket
    replayed: bool


async def request_remediation(
    ticket_id: str, ask: Ask, *, by: Requester, store: Store, clock: Clock, key: str = ""
) -> Requested:
    """Open the ticket again for the action that ``by`` asks for.

    Args:
        key: Names the request: once it is accepted, it is accepted again and nothing happens.

    Raises:
        NotFound: there is no such ticket.
        InvalidInput: the action is none that can be taken there.
        IllegalTransition: nobody has handed the ticket over, or another one is open for the
            same thing.
    """
    ticket = await store.get(ticket_id)
    if key and ticket.requested is not None and ticket.requested.key == key:
        return Requested(ticket, replayed=True)
    _refuse_unless_escalated(ticket)
    action = _chosen(ticket, ask.action)
    await _stand_for_it_again(ticket, store)

    def reopen(current: Ticket) -> Change:
        _refuse_unless_escalated(current)
        wish = Wish(
            action=action,
            by=by,
            reason=redact(ask.reason),
            at=clock.now(),
            attempt_number=len(current.attempts) + 1,
            key=key,
        )
        return _reopened(current, wish)

    reopened = await store.update(ticket_id, reopen)
    holder = await store.holder(FINGERPRINT, ticket.fingerprint)
    if holder not in {None, ticket_id}:
        # The thing failed anew in this very moment, and its alert came first.
        conclusion = f"{holder} was opened for the same thing meanwhile"
        await close_ticket(ticket_id, Outcome.SUPERSEDED, conclusion, store, clock)
        raise IllegalTransition(f"{conclusion}; ask for it there")
    return Requested(reopened, replayed=False)


def _refuse_unless_escalated(ticket: Ticket) -> None:
    if ticket.status is Status.ESCALATED:
        return
    if ticket.status is Status.AWAITING_APPROVAL and ticket.approval is not None:
        raise IllegalTransition(f"{ticket.id} waits for a decision: decide {ticket.approval.id}")
    if ticket.is_open:
        raise IllegalTransition(f"{ticket.id} is being worked on: it is {ticket.status}")
    raise IllegalTransition(f"{ticket.id} has ended already, as {ticket.outcome}")


def _chosen(ticket: Ticket, asked: Action | None) -> Action:
    action = asked or (ticket.analysis.action if ticket.analysis else Action.NONE)
    if spec_of(ticket.platform, action) is not None:
        return action
    possible = sorted(one for platform, one in CATALOGUE if platform is ticket.platform)
    if not possible:
        raise InvalidInput(
            f"nothing can be done by Mend where platform is {ticket.platform}", field="action"
        )
    what = f"{action} cannot be carried out" if asked else "the cause suggests none"
    raise InvalidInput(f"{what}; send one of {', '.join(possible)}", field="action")


async def _stand_for_it_again(ticket: Ticket, store: Store) -> None:
    """Make ``ticket`` the one that alerts about its thing are counted on."""
    holder = await store.claim(FINGERPRINT, ticket.fingerprint, ticket.id)
    if holder == ticket.id:
        return
    other = await store.find(holder)
    if other is None or not other.status.is_final:
        raise IllegalTransition(f"{holder} is open for the same thing; ask for it there")
    got = await store.claim(FINGERPRINT, ticket.fingerprint, ticket.id, instead_of=holder)
    if got != ticket.id:
        raise IllegalTransition(f"{got} is open for the same thing; ask for it there")


def _reopened(ticket: Ticket, wish: Wish) -> Change:
    number = ticket.episode.number + 1
    why = f": {wish.reason}" if wish.reason else ""
    change = ticket.changed(
        wish.at,
        "remediation.requested",
        f"{wish.by.name} asks for {wish.action}{why}",
        data={"action": wish.action, "reason": wish.reason, "was": ticket.outcome},
        actor=wish.by.name,
        status=Status.OPEN,
        outcome=None,
        summary="",
        closed_by=None,
        closed_at=None,
        cancel_requested=False,
        requested=wish,
        episode=Episode(number=number, first=number),
    )
    return replace(change, outbox=(change.ticket.start,))
