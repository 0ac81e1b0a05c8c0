"""Which events of a timeline people are told one by one, and in which words."""

from shared.domain.event import Event
from shared.domain.ticket import Status, Ticket
from shared.telling.picture import clean

_MARKS = {
    "remediation.requested": "🙋",
    "remediation.issued": "🔧",
    "remediation.unknown": "❔",
    "remediation.succeeded": "✅",
    "remediation.failed": "❌",
    "remediation.timed_out": "⏳",
    "remediation.cancelled": "⏹️",
    "remediation.not_needed": "⏹️",
    "remediation.not_found": "❌",
    "remediation.send_again": "🔄",
    "remediation.double": "⚠️",
    "ticket.resolved": "✅",
    "ticket.escalated": "🆘",
    "ticket.closed": "☑️",
}
_ENDS = frozenset(f"ticket.{status}" for status in Status if status.is_final)
_TEXT_CHARS = 600


def entry_of(event: Event, ticket: Ticket) -> str | None:
    """Return what people are told of ``event``: one line of data; ``None``: nothing."""
    mark = _MARKS.get(event.type)
    if mark is None:
        return None
    run = ticket.attempts[-1].external_run_id if ticket.attempts else None
    healing = f" (run {run})" if event.type == "ticket.resolved" and run else ""
    return f"{mark} {clean(event.message + healing, _TEXT_CHARS)}"


def is_end(event: Event) -> bool:
    """Tell whether the ticket has ended with ``event``."""
    return event.type in _ENDS


def needs_person(event: Event) -> bool:
    """Tell whether somebody should be called."""
    return event.type == f"ticket.{Status.ESCALATED}"
