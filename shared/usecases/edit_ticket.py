"""What a person changes on a ticket. Nobody undoes what they have not seen."""

from typing import Protocol

from pydantic import Field

from shared.diagnosis.redact import redact
from shared.domain.alert import Severity
from shared.domain.attempt import Attempt, AttemptState
from shared.domain.errors import IllegalTransition, InvalidInput, PreconditionFailed
from shared.domain.model import Model
from shared.domain.ticket import OUTCOMES, Change, Outcome, Status, Ticket
from shared.ports.clock import Clock
from shared.ports.settings import SettingsStore
from shared.ports.tickets import SendLedger, TicketStore
from shared.usecases.close_ticket import ending
from shared.usecases.count_attempt import count_end
from shared.usecases.service_level import target_minutes

_BY_DEFAULT = {
    Status.RESOLVED: Outcome.RESOLVED_MANUALLY,
    Status.CLOSED: Outcome.CANCELLED,
    Status.ESCALATED: Outcome.NOT_REMEDIABLE,
}
_NOT_BY_HAND = {Outcome.HEALED}


class Store(TicketStore, SendLedger, SettingsStore, Protocol):
    """All that is read and written here."""


class Edit(Model):
    """What to change; what is left out stays. ``assignee: null`` takes the assignee away."""

    status: Status | None = None
    outcome: Outcome | None = None
    severity: Severity | None = None
    assignee: str | None = Field(default=None, max_length=200)
    note: str | None = Field(default=None, min_length=1, max_length=4_000)


async def edit_ticket(  # noqa: PLR0913  most by name
    ticket_id: str,
    edit: Edit,
    version: int,
    *,
    actor: str,
    store: Store,
    clock: Clock,
    sla_minutes: float,
) -> Ticket:
    """Apply ``edit`` to ``version`` of the ticket and return what is stored then.

    Args:
        sla_minutes: How long a ticket may take whose severity the policy says nothing about.

    Raises:
        NotFound: there is no such ticket.
        PreconditionFailed: it is at another version by now.
        IllegalTransition: it cannot be ended so, or not while an attempt is under way.
        InvalidInput: nothing is to be changed, or status and outcome do not fit.
    """
    if not edit.model_fields_set:
        raise InvalidInput("nothing to change; send status, severity, assignee or note")
    for name in sorted(edit.model_fields_set - {"assignee"}):
        if getattr(edit, name) is None:
            raise InvalidInput("cannot be null; leave it out", field=name)
    target = await target_minutes(edit.severity, store, sla_minutes) if edit.severity else 0.0

    def apply(current: Ticket) -> Change:
        if current.version != version:
            raise PreconditionFailed(
                f"{ticket_id} is at version {current.version}, not {version}: read it again"
            )
        if edit.status is None and edit.outcome is not None:
            raise InvalidInput("goes with a status only", field="outcome")
        if edit.status is None:
            return _edited(current, edit, target, actor, clock)
        change = _ended(current, edit, actor, clock)
        rest = edit.model_fields_set & {"severity", "assignee"}
        fields = {name: getattr(edit, name) for name in rest}
        return Change(change.ticket.model_copy(update=fields), change.events, change.outbox)

    ended = await store.update(ticket_id, apply)
    if edit.status is not None:
        for attempt in ended.attempts:
            await count_end(attempt, store, clock)
    return ended


def _edited(ticket: Ticket, edit: Edit, target: float, actor: str, clock: Clock) -> Change:
    fields: dict[str, object] = {}
    said = []
    if edit.severity is not None and edit.severity is not ticket.severity:
        fields["severity"] = edit.severity
        if ticket.is_open:  # of what has ended, the verdict stands
            fields["sla"] = ticket.sla.model_copy(update={"target_minutes": target})
        said.append(f"severity {ticket.severity} → {edit.severity}")
    if "assignee" in edit.model_fields_set and edit.assignee != ticket.assignee:
        fields["assignee"] = edit.assignee
        said.append(f"assignee {ticket.assignee or 'nobody'} → {edit.assignee or 'nobody'}")
    note = redact(edit.note) if edit.note else ""
    kind = "ticket.edited" if said else "note.added" if note else "ticket.unchanged"
    message = "; ".join([*said, *([note] if note else [])]) or "nothing changed"
    data: dict[str, object] = {
        "changed": sorted(fields.keys() - {"sla"}),
        **({"note": note} if note else {}),
    }
    return ticket.changed(clock.now(), kind, message, data=data, actor=actor, **fields)


def _ended(ticket: Ticket, edit: Edit, actor: str, clock: Clock) -> Change:
    outcome = edit.outcome or _BY_DEFAULT.get(edit.status or Status.OPEN)
    if edit.status is None or outcome is None or edit.status not in _BY_DEFAULT:
        raise InvalidInput("by hand a ticket can be resolved, closed or escalated", field="status")
    if outcome not in OUTCOMES[edit.status] or outcome in _NOT_BY_HAND:
        fitting = sorted(OUTCOMES[edit.status] - _NOT_BY_HAND)
        raise InvalidInput(f"{edit.status} goes with {', '.join(fitting)}", field="outcome")
    under_way = [one.number for one in ticket.attempts if is_under_way(one)]
    if under_way:
        raise IllegalTransition(
            f"attempt {under_way[0]} of {ticket.id} is under way; "
            f"POST …/tickets/{ticket.id}/cancel stops after it"
        )
    conclusion = redact(edit.note) if edit.note else f"{actor} said so"
    return ending(ticket, outcome, conclusion, clock.now(), actor=actor)


def is_under_way(attempt: Attempt) -> bool:
    """Tell whether something has been, or may have been, asked of the outside and goes on."""
    return not attempt.is_over and attempt.state is not AttemptState.INTENT


async def cancel_ticket(
    ticket_id: str, reason: str, *, actor: str, store: Store, clock: Clock
) -> Ticket:
    """End the ticket now, or after the attempt that is under way.

    Raises:
        NotFound: there is no such ticket.
        IllegalTransition: it has ended already.
    """
    why = redact(reason) or f"{actor} asked to stop"

    def cancel(current: Ticket) -> Change | None:
        if current.status.is_final:
            raise IllegalTransition(f"{ticket_id} has ended already, as {current.outcome}")
        if not any(is_under_way(one) for one in current.attempts):
            return ending(current, Outcome.CANCELLED, why, clock.now(), actor=actor)
        if current.cancel_requested:
            return None
        message = f"stop after the attempt that is under way: {why}"
        return current.changed(
            clock.now(), "ticket.cancel_requested", message, actor=actor, cancel_requested=True
        )

    cancelled = await store.update(ticket_id, cancel)
    for attempt in cancelled.attempts:
        await count_end(attempt, store, clock)
    return cancelled
