"""For channels that cannot change what they have said: when a ticket is worth saying something."""

from enum import StrEnum

from shared.domain.ticket import Status, Ticket


class Phase(StrEnum):
    """Each is told once, at most; a ticket has one at a time."""

    OPENED = "opened"
    APPROVAL = "approval"
    ESCALATED = "escalated"
    ENDED = "ended"


def phase_of(ticket: Ticket) -> Phase:
    """Return where the ticket is."""
    match ticket.status:
        case Status.ESCALATED:
            return Phase.ESCALATED
        case Status.RESOLVED | Status.CLOSED:
            return Phase.ENDED
        case Status.AWAITING_APPROVAL:
            return Phase.APPROVAL
        case _:
            return Phase.OPENED


def needs_own(ticket: Ticket, parent: Ticket | None) -> bool:
    """Tell whether a channel without threads says anything of the ticket.

    Of an incident's parts it hears through the incident, unless one of them needs a person and
    the incident itself does not.
    """
    if ticket.parent_id is None:
        return True
    calls = Phase.ESCALATED
    return phase_of(ticket) is calls and (parent is None or phase_of(parent) is not calls)
