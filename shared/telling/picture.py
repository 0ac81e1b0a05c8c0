"""A ticket as people are shown it: what failed, why, what is done about it, how it ended.

Texts are on one line, without secrets and no longer than stated; they may come from outside and
are data: a channel escapes each of them. Only ``url`` and the approval's ``url`` are links.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from shared.diagnosis.redact import redact
from shared.domain.approval import Approval, ApprovalStatus
from shared.domain.attempt import Attempt
from shared.domain.ticket import Status, Ticket
from shared.intake.text import one_line

MAX_HEADLINE_CHARS = 140
_TEXT_CHARS = 300
_NAME_CHARS = 120
_SHOWN_ATTEMPTS = 5
_SHOWN_RECOMMENDATIONS = 3


class Topic(StrEnum):
    """What a line is about; the order is that of the story."""

    WHAT = "what"
    WHY = "why"
    DONE = "done"
    END = "end"


@dataclass(frozen=True, slots=True)
class Line:
    """One statement, e.g. ``Cause``: ``a network timeout``."""

    topic: Topic
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """A decision that a person is asked for. ``url``: of the page where it is made."""

    id: str
    expires_at: str
    url: str


@dataclass(frozen=True, slots=True)
class Picture:
    """All of it. ``mark`` is one emoji."""

    ticket_id: str
    mark: str
    headline: str
    lines: tuple[Line, ...]
    url: str
    request: Request | None = None

    def about(self, topic: Topic) -> tuple[Line, ...]:
        """Return the lines about ``topic``."""
        return tuple(line for line in self.lines if line.topic is topic)


Paint = Callable[[Ticket], Picture]
"""Returns what people are shown of a ticket: :func:`picture_of` for one installation."""


def clean(text: object, limit: int = _TEXT_CHARS) -> str:
    """Return ``text`` on one line, without secrets and invisible characters, capped."""
    return one_line(redact(str(text)), limit)


def picture_of(
    ticket: Ticket,
    public_url: str,
    max_attempts: int,
    *,
    decide_at: Callable[[Approval], str] = lambda _: "",
) -> Picture:
    """Return what people are shown of ``ticket``.

    Args:
        public_url: Base of links, without a slash at the end.
        max_attempts: How many attempts a ticket may have.
        decide_at: Returns the address at which a question is decided; it leads to us.
    """
    most = _most_attempts(ticket, max_attempts)
    mark, happens = _headline(ticket, most)
    name = clean(ticket.resource.name, _NAME_CHARS)
    return Picture(
        ticket_id=ticket.id,
        mark=mark,
        headline=clean(f"{name} {happens} - {ticket.id}", MAX_HEADLINE_CHARS),
        lines=(*_what(ticket), *_why(ticket), *_done(ticket, most), *_end(ticket)),
        url=f"{public_url}/api/v1/tickets/{ticket.id}",
        request=_request(ticket.approval, decide_at),
    )


def _most_attempts(ticket: Ticket, most: int) -> int:
    by_cause = ticket.analysis.max_attempts if ticket.analysis else None
    allowed = most if by_cause is None else min(most, by_cause)
    return max(allowed, len(ticket.attempts))


_MARKS = {
    Status.RESOLVED: ("✅", "recovered"),
    Status.ESCALATED: ("🆘", "needs a person"),
    Status.AWAITING_APPROVAL: ("✋", "waits for an approval"),
}


def _headline(ticket: Ticket, most: int) -> tuple[str, str]:
    tried = len(ticket.attempts)
    if ticket.status is Status.CLOSED:
        return "☑️", f"is closed: {_words(ticket.outcome)}"
    if ticket.status in _MARKS:
        return _MARKS[ticket.status]
    if tried > 1:
        return "🔄", f"is tried again, attempt {tried} of {most}"
    return ("🔧", f"is being healed, attempt 1 of {most}") if tried else ("⚠️", "failed")


def _what(ticket: Ticket) -> list[Line]:
    resource = ticket.resource
    where = [resource.scope.rstrip("/").rpartition("/")[2], ticket.environment, ticket.service]
    reported = f"{ticket.duplicate_count + 1} times" if ticket.duplicate_count else ""
    others = len(ticket.occurrences)
    return _lines(
        Topic.WHAT,
        (
            (resource.kind.capitalize() or "Resource", resource.name),
            ("In", ", ".join(part for part in where if part)),
            ("Run", resource.run_id),
            ("Severity", ticket.severity),
            ("Error", ticket.description or ticket.title),
            ("Reported", reported),
            ("Other runs that failed", others or ""),
            ("Part of", ticket.parent_id),
            ("Failing with the same cause", len(ticket.children) or ""),
            ("Assignee", ticket.assignee),
        ),
    )


def _why(ticket: Ticket) -> list[Line]:
    analysis = ticket.analysis
    if analysis is None:
        return []
    first = analysis.evidence[0] if analysis.evidence else None
    sure = f"{analysis.confidence:.0%} sure, {analysis.signature or analysis.method}"
    return _lines(
        Topic.WHY,
        (
            ("Cause", f"{analysis.root_cause} ({sure})" if analysis.root_cause else "not known"),
            ("Evidence", f"[{first.source}] {first.text}" if first else ""),
            ("Can be healed", "yes" if analysis.auto_remediable else "no"),
            ("Action", f"{_words(analysis.action)}, risk {analysis.risk}"),
        ),
    )


def _done(ticket: Ticket, most: int) -> list[Line]:
    told = [("Status", _words(ticket.status))]
    told += [
        (f"Attempt {attempt.number} of {most}", _attempt(attempt))
        for attempt in ticket.attempts[-_SHOWN_ATTEMPTS:]
    ]
    return _lines(Topic.DONE, told)


def _attempt(attempt: Attempt) -> str:
    parts = [_words(attempt.action), _words(attempt.state)]
    if attempt.outcome is not None:
        parts.append(_words(attempt.outcome))
    if attempt.external_run_id:
        parts.append(f"run {attempt.external_run_id}")
    return ", ".join(parts) + (f": {attempt.error}" if attempt.error else "")


def _end(ticket: Ticket) -> list[Line]:
    if not ticket.status.is_final:
        return []
    advice = ticket.analysis.recommendations if ticket.analysis else ()
    asked = advice[:_SHOWN_RECOMMENDATIONS] if ticket.status is Status.ESCALATED else ()
    minutes = ticket.mttr_minutes
    return _lines(
        Topic.END,
        (
            ("Outcome", _words(ticket.outcome)),
            ("MTTR", f"{minutes:.1f} minutes" if minutes is not None else ""),
            ("SLA", ticket.sla.status),
            ("Closed by", ticket.closed_by),
            *(("Next", one) for one in asked),
        ),
    )


def _lines(
    topic: Topic, told: "list[tuple[str, str]] | tuple[tuple[str, object], ...]"
) -> list[Line]:
    return [Line(topic, label, clean(text)) for label, text in told if text not in {None, ""}]


def _words(name: object) -> str:
    return str(name or "").replace("_", " ")


def _request(approval: Approval | None, decide_at: Callable[[Approval], str]) -> Request | None:
    """Return what is asked for, as long as somebody can still decide it."""
    if approval is None or approval.status is not ApprovalStatus.PENDING:
        return None
    return Request(
        id=clean(approval.id, _NAME_CHARS),
        expires_at=clean(approval.expires_at.isoformat(), _NAME_CHARS),
        url=decide_at(approval),
    )
