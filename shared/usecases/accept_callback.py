"""A Logic App reports what it did. A hint, until the system of record has been read.

The first final report about the present attempt is kept; the same once more changes
nothing; everything else is noted in the timeline and believed by nobody.
"""

from enum import StrEnum

from pydantic import Field

from shared.diagnosis.redact import redact
from shared.domain.attempt import Attempt, AttemptState, Callback, StepKind
from shared.domain.model import Model
from shared.domain.ticket import Change, Ticket
from shared.ports.clock import Clock
from shared.ports.tickets import TicketStore

_GOING_ON = frozenset({"accepted", "inprogress", "in_progress", "queued", "running", "started"})
_WAITING = frozenset({AttemptState.SENDING, AttemptState.UNKNOWN, AttemptState.ISSUED})
_MAX_NOTES = 50


class Report(Model):
    """The body of ``POST /api/remediation-callback``."""

    ticket_id: str = Field(min_length=1, max_length=64)
    attempt_number: int = Field(ge=1, le=1_000)
    status: str = Field(min_length=1, max_length=64)
    success: bool
    remediation_run_id: str | None = Field(default=None, max_length=256)
    error_message: str | None = Field(default=None, max_length=8_000)

    @property
    def is_final(self) -> bool:
        """Tell whether more reports are to come."""
        return self.status.lower() not in _GOING_ON


class Reception(StrEnum):
    """What became of a report."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    NOTED = "noted"  # late, stale, not final, or contradicting an earlier one


async def accept_callback(report: Report, tickets: TicketStore, clock: Clock) -> Reception:
    """Keep ``report``, whose sender has been checked. Safe to repeat.

    Raises:
        NotFound: there is no such ticket.
    """
    reception = Reception.NOTED
    error = report.error_message and redact(report.error_message)
    report = report.model_copy(update={"error_message": error})

    def receive(ticket: Ticket) -> Change | None:
        nonlocal reception
        attempt = _present(ticket, report.attempt_number)
        told = _told(report, clock)
        if attempt is None or not report.is_final:
            reception = Reception.NOTED
            return _noted(ticket, report, told, clock)
        if attempt.callback is not None:
            same = attempt.callback.model_copy(update={"at": told.at}) == told
            reception = Reception.REPEATED if same else Reception.NOTED
            return None if same else _noted(ticket, report, told, clock)
        if attempt.state not in _WAITING:
            reception = Reception.NOTED
            return _noted(ticket, report, told, clock)
        reception = Reception.ACCEPTED
        return ticket.changed(
            clock.now(),
            "remediation.callback",
            f"attempt {report.attempt_number}: the Logic App reports {_words(told)}",
            data={"attempt": report.attempt_number, **report.model_dump(mode="json")},
            actor="logic_app",
            attempts=ticket.with_attempt(attempt.model_copy(update={"callback": told})),
        )

    await tickets.update(report.ticket_id, receive)
    return reception


def _present(ticket: Ticket, number: int) -> Attempt | None:
    """Return the newest attempt, if it is the one reported on and a Logic App carries it out."""
    newest = ticket.attempts[-1] if ticket.attempts else None
    if newest is None or newest.number != number or newest.step is not StepKind.RUN_LOGIC_APP:
        return None
    return newest


def _told(report: Report, clock: Clock) -> Callback:
    return Callback(
        status=report.status,
        success=report.success,
        run_id=report.remediation_run_id,
        error=report.error_message,
        at=clock.now(),
    )


def _noted(ticket: Ticket, report: Report, told: Callback, clock: Clock) -> Change | None:
    """Note the report, unless there are so many already that somebody must be looping."""
    if ticket.callbacks_noted >= _MAX_NOTES:
        return None
    return ticket.changed(
        clock.now(),
        "remediation.callback_noted",
        f"a report about attempt {report.attempt_number} came at the wrong time and changes "
        f"nothing: {_words(told)}",
        data={"attempt": report.attempt_number, **report.model_dump(mode="json")},
        actor="logic_app",
        callbacks_noted=ticket.callbacks_noted + 1,
    )


def _words(told: Callback) -> str:
    run = f", run {told.run_id}" if told.run_id else ""
    error = f": {told.error}" if told.error else ""
    return f"{told.status}{run}{error}"
