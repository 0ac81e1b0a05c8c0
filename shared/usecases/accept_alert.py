"""An alert becomes a ticket, or is counted on the one that already stands for it.

Uniqueness is decided by claims in the store, never by looking first: the claim
on the fingerprint keeps one *open* ticket per thing, the claim on the run id
keeps one ticket per run for ever. A claim is made before its ticket; whoever
finds a claim without a ticket creates that ticket, so a crash in between loses
nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from shared.diagnosis.redact import redact
from shared.domain.alert import Alert, Condition
from shared.domain.errors import Unavailable
from shared.domain.event import Event
from shared.domain.ticket import Change, Occurrence, Sla, Ticket
from shared.intake.fingerprint import fingerprint
from shared.ports.clock import Clock
from shared.ports.tickets import ClaimStore, TicketStore

_FINGERPRINT, _RUN = "fingerprint", "run"
_MAX_OCCURRENCES = 50
# Lost races for one fingerprint: each needs another caller to have won, so few are ever seen.
_MAX_ROUNDS = 20


class Disposition(StrEnum):
    """What became of an alert."""

    OPENED = "opened"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The ticket an alert ended up on; ``None`` only when it was ignored."""

    ticket_id: str | None
    disposition: Disposition


class Store(TicketStore, ClaimStore, Protocol):
    """Both kinds of thing this use case writes."""


async def accept_alert(
    alert: Alert,
    store: Store,
    clock: Clock,
    *,
    new_ticket_id: Callable[[datetime], str],
    sla_minutes: float,
) -> Accepted:
    """Open a ticket for ``alert`` or count it; what is returned is on disk.

    Raises:
        Unavailable: nothing was accepted; the sender should send again.
    """
    key = fingerprint(alert)
    if alert.condition is not Condition.FIRING:
        return await _note_condition(alert, key, store, clock)

    for _ in range(_MAX_ROUNDS):
        candidate = new_ticket_id(clock.now())
        if await store.find(candidate) is not None:
            continue  # the random id belongs to an unrelated ticket
        ticket_id = await _holder(alert, key, store, candidate)
        if ticket_id is None:
            continue
        if await store.create(_opening(alert, key, ticket_id, clock.now(), sla_minutes)):
            return Accepted(ticket_id, Disposition.OPENED)
        known = await store.get(ticket_id)
        if known.fingerprint == key or await _is_about(alert, known, store):
            if await _count(alert, known, store, clock):
                return Accepted(ticket_id, Disposition.DUPLICATE)
            await _take_back(alert, ticket_id, candidate, store)
    raise Unavailable("too many alerts for the same thing at once; send again")


async def _holder(alert: Alert, key: str, store: Store, candidate: str) -> str | None:
    """Return the ticket that stands for ``alert``, claimed but perhaps not created yet.

    ``None``: somebody else was quicker; look again.
    """
    run = alert.resource.run_id and alert.resource.run_key(alert.resource.run_id)
    if run:
        known = await store.holder(_RUN, run)
        if known is not None and await store.find(known) is not None:
            return known
    holder = await store.claim(_FINGERPRINT, key, candidate)
    ticket = await store.find(holder) if holder != candidate else None
    if ticket is not None and not ticket.is_open:
        holder = await store.claim(_FINGERPRINT, key, candidate, instead_of=holder)
        if holder != candidate:
            return None
    if not run:
        return holder
    owner = await store.claim(_RUN, run, holder)
    if owner != holder and await store.find(owner) is None and holder == candidate:
        # A crash left the run claimed without a ticket: that ticket is created now, and stands
        # for the fingerprint too.
        await store.claim(_FINGERPRINT, key, owner, instead_of=candidate)
    return owner


async def _is_about(alert: Alert, ticket: Ticket, store: Store) -> bool:
    run_id = alert.resource.run_id
    if run_id is None:
        return False
    return await store.holder(_RUN, alert.resource.run_key(run_id)) == ticket.id


def _opening(alert: Alert, key: str, ticket_id: str, now: datetime, sla_minutes: float) -> Change:
    ticket = Ticket(
        id=ticket_id,
        severity=alert.severity,
        source=alert.source,
        platform=alert.resource.platform,
        title=redact(alert.title),
        description=redact(alert.description),
        environment=alert.environment and redact(alert.environment),
        service=alert.service and redact(alert.service),
        ci=tuple(redact(item) for item in alert.ci),
        resource=alert.resource,
        window=alert.window,
        fingerprint=key,
        notes=alert.notes,
        current_run_id=alert.resource.run_id,
        sla=Sla(target_minutes=sla_minutes),
        created_at=now,
        updated_at=now,
        last_seq=1,
    )
    event = Event(
        seq=1,
        at=now,
        type="ticket.opened",
        message=f"{ticket.title} (reported by {alert.source})",
        data={"occurred_at": alert.occurred_at.isoformat(), "alert_id": alert.sender_alert_id},
    )
    return Change(ticket, (event,), (ticket.start,))


async def _take_back(alert: Alert, ended: str, candidate: str, store: Store) -> None:
    """Free a run that was given to a ticket which ended before the run could be listed on it."""
    run_id = alert.resource.run_id
    if run_id is not None:
        await store.claim(_RUN, alert.resource.run_key(run_id), candidate, instead_of=ended)


async def _count(alert: Alert, ticket: Ticket, store: Store, clock: Clock) -> bool:
    """Count the alert on the ticket; ``False`` if it came too late to be of that ticket."""
    too_late = False

    def count(current: Ticket) -> Change | None:
        nonlocal too_late
        now, number = clock.now(), current.duplicate_count + 1
        run_id = alert.resource.run_id
        known = run_id is None or run_id.casefold() in _known_runs(current)
        too_late = not known and not current.is_open
        if too_late:
            return None
        if run_id and _may_still_name_the_run(current):
            return current.changed(
                now,
                "alert.run_named",
                f"{alert.source} names the run: {run_id}",
                data={"run_id": run_id},
                duplicate_count=number,
                resource=current.resource.model_copy(update={"run_id": run_id}),
                current_run_id=run_id,
            )
        if run_id and not known:
            occurrence = Occurrence(run_id=run_id, at=now)
            return current.changed(
                now,
                "alert.occurrence",
                f"run {run_id} of the same thing failed too",
                data={"run_id": run_id},
                duplicate_count=number,
                occurrences=(*current.occurrences, occurrence)[-_MAX_OCCURRENCES:],
            )
        if not _is_power_of_ten(number):  # a storm must not bury the timeline
            return current.counted(now, duplicate_count=number)
        return current.changed(
            now, "alert.duplicate", f"reported again, {number} time(s)", duplicate_count=number
        )

    await store.update(ticket.id, count)
    return not too_late


def _may_still_name_the_run(ticket: Ticket) -> bool:
    """Tell whether the ticket's alert named no run and nobody has gone looking yet."""
    return ticket.is_open and ticket.resource.run_id is None and ticket.observation is None


def _known_runs(ticket: Ticket) -> set[str]:
    runs = {
        ticket.resource.run_id,
        ticket.current_run_id,
        *(occurrence.run_id for occurrence in ticket.occurrences),
        *(attempt.external_run_id for attempt in ticket.attempts),
        *(attempt.reference_run_id for attempt in ticket.attempts),
    }
    return {run.casefold() for run in runs if run}


def _is_power_of_ten(number: int) -> bool:
    return str(number).strip("0") == "1"


async def _note_condition(alert: Alert, key: str, store: Store, clock: Clock) -> Accepted:
    """Write a "resolved" on the open ticket; it says nothing about the failed run itself."""
    holder = await store.holder(_FINGERPRINT, key)
    ticket = await store.find(holder) if holder else None
    if alert.condition is not Condition.RESOLVED or ticket is None or not ticket.is_open:
        return Accepted(None, Disposition.IGNORED)

    def note(current: Ticket) -> Change | None:
        if current.alert_resolved:
            return None
        message = f"{alert.source} says that the alert has resolved"
        return current.changed(clock.now(), "alert.resolved", message, alert_resolved=True)

    await store.update(ticket.id, note)
    return Accepted(ticket.id, Disposition.IGNORED)
