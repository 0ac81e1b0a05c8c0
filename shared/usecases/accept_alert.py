"""An alert becomes a ticket, or is counted on the one that already stands for it.

Uniqueness is decided by claims in the store, never by looking first: the claim
on the fingerprint keeps one *open* ticket per thing, the claim on the run id
keeps one ticket per run for ever. A claim is made before its ticket; whoever
finds a claim without a ticket creates that ticket, so a crash in between loses
nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from shared.diagnosis.redact import redact
from shared.domain.alert import Alert, Condition, Platform
from shared.domain.errors import Unavailable
from shared.domain.event import Event
from shared.domain.ticket import Change, Occurrence, Outcome, Sla, Status, Ticket
from shared.intake.configuration_items import Inventory, extract
from shared.intake.content import content_hash
from shared.intake.fingerprint import fingerprint
from shared.ports.clock import Clock
from shared.ports.settings import SettingsStore
from shared.ports.tickets import SEVERITY_RANKS, ClaimStore, TicketQuery, TicketStore
from shared.usecases.known_outages import note_outage
from shared.usecases.operator_settings import inventory
from shared.usecases.service_level import target_minutes

FINGERPRINT, _RUN = "fingerprint", "run"
_MAX_OCCURRENCES = 50
# So many tickets for one thing within so long: it flaps, and its sender's word ends nothing.
_FLAPS, _FLAP_WINDOW = 3, timedelta(hours=1)
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


class Store(TicketStore, ClaimStore, SettingsStore, Protocol):
    """All that is read and written here."""


async def accept_alert(
    alert: Alert,
    store: Store,
    clock: Clock,
    *,
    new_ticket_id: Callable[[datetime], str],
    sla_minutes: float,
    delivery_id: str = "",
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
        target = await target_minutes(alert.severity, store, sla_minutes)
        opening = _opening(alert, key, ticket_id, clock.now(), target)
        known_names = await inventory(store)
        if await store.create(_with_items(opening, alert, known_names, delivery_id)):
            return Accepted(ticket_id, Disposition.OPENED)
        known = await store.get(ticket_id)
        if known.fingerprint == key or await _is_about(alert, known, store):
            if await _count(alert, known, store, clock, target):
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
    holder = await store.claim(FINGERPRINT, key, candidate)
    ticket = await store.find(holder) if holder != candidate else None
    if ticket is not None and not _stands_for(ticket, alert):
        holder = await store.claim(FINGERPRINT, key, candidate, instead_of=holder)
        if holder != candidate:
            return None
        if (await store.get(ticket.id)).is_open:
            # In this very moment a person asked for more to be done there: it stands for it again.
            await store.claim(FINGERPRINT, key, ticket.id, instead_of=candidate)
            return None
    if not run:
        return holder
    owner = await store.claim(_RUN, run, holder)
    if owner != holder and await store.find(owner) is None and holder == candidate:
        # A crash left the run claimed without a ticket: that ticket is created now, and stands
        # for the fingerprint too.
        await store.claim(FINGERPRINT, key, owner, instead_of=candidate)
    return owner


def _stands_for(ticket: Ticket, alert: Alert) -> bool:
    """Tell whether ``alert`` belongs to the ticket that has its fingerprint.

    What a person has got stays theirs: an alert that tells of no run, and of nothing that
    could be read anywhere, repeats itself until they are done.
    """
    if ticket.status is Status.ESCALATED:
        return alert.resource.platform is Platform.OTHER
    return ticket.is_open


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
        requested_by=alert.requested_by,
        platform=alert.resource.platform,
        title=redact(alert.title),
        description=redact(alert.description),
        environment=alert.environment and redact(alert.environment),
        service=alert.service and redact(alert.service),
        ci=tuple(redact(item) for item in alert.ci),
        resource=alert.resource,
        window=alert.window,
        fingerprint=key,
        content_hash=content_hash(alert),
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


def _with_items(opening: Change, alert: Alert, known_names: Inventory, delivery_id: str) -> Change:
    """Add the servers it is about, and where its body is kept."""
    found = extract(
        metadata=alert.ci,
        service=alert.service or "",
        text=f"{alert.title}\n{alert.description}",
        inventory=known_names,
    )
    names = tuple(redact(item.name) for item in found)
    events = opening.events
    if delivery_id:
        events = tuple(
            event.model_copy(update={"data": {**event.data, "delivery_id": delivery_id}})
            for event in events
        )
    return Change(opening.ticket.model_copy(update={"ci": names}), events, opening.outbox)


async def _take_back(alert: Alert, ended: str, candidate: str, store: Store) -> None:
    """Free a run that was given to a ticket which ended before the run could be listed on it."""
    run_id = alert.resource.run_id
    if run_id is not None:
        await store.claim(_RUN, alert.resource.run_key(run_id), candidate, instead_of=ended)


async def _count(alert: Alert, ticket: Ticket, store: Store, clock: Clock, target: float) -> bool:
    """Count the alert on the ticket; ``False`` if it came too late to be of that ticket.

    Args:
        target: How many minutes a ticket of the alert's severity may take.
    """
    too_late = False

    def count(current: Ticket) -> Change | None:
        nonlocal too_late
        now, number = clock.now(), current.duplicate_count + 1
        run_id = alert.resource.run_id
        known = run_id is None or run_id.casefold() in _known_runs(current)
        too_late = not known and not _stands_for(current, alert)
        if too_late:
            return None
        if _is_worse(alert, current):
            return current.changed(
                now,
                "alert.worse",
                f"{alert.source} reports it again, now as {alert.severity}",
                data={"before": current.severity},
                duplicate_count=number,
                severity=alert.severity,
                sla=current.sla.model_copy(update={"target_minutes": target}),
                content_hash=content_hash(alert),
            )
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
        said = content_hash(alert)
        if not _is_power_of_ten(number):  # a storm must not bury the timeline
            return current.counted(now, duplicate_count=number, content_hash=said)
        return current.changed(
            now,
            "alert.duplicate",
            f"reported again, {number} time(s)",
            data={"same_words": said == current.content_hash},
            duplicate_count=number,
            content_hash=said,
        )

    await store.update(ticket.id, count)
    return not too_late


def _is_worse(alert: Alert, ticket: Ticket) -> bool:
    """Tell whether the machine should know that it is more urgent now; an end stays as it is."""
    worse = SEVERITY_RANKS[alert.severity] > SEVERITY_RANKS[ticket.severity]
    return worse and ticket.is_open and alert.resource.run_id is None


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
    """Write a "resolved" on the ticket; of a failed run it says nothing.

    Where there is no run that could be read, and a person has the ticket already, it ends it:
    unless the alert comes and goes all the time.
    """
    if alert.outage is not None:
        await note_outage(alert.outage, alert.source, store)
    holder = await store.holder(FINGERPRINT, key)
    ticket = await store.find(holder) if holder else None
    if alert.condition is not Condition.RESOLVED or ticket is None:
        return Accepted(None, Disposition.IGNORED)
    if not _stands_for(ticket, alert):
        return Accepted(None, Disposition.IGNORED)
    flaps = ticket.status is Status.ESCALATED and await _flaps(key, store, clock)

    def note(current: Ticket) -> Change | None:
        if current.alert_resolved:
            return None
        message = f"{alert.source} says that the alert has resolved"
        if current.status is Status.ESCALATED and not flaps:
            return _ended_by_sender(current, alert, message, clock.now())
        if flaps:
            message += "; it comes and goes, so this stays with whoever has it"
        return current.changed(clock.now(), "alert.resolved", message, alert_resolved=True)

    await store.update(ticket.id, note)
    return Accepted(ticket.id, Disposition.IGNORED)


def _ended_by_sender(ticket: Ticket, alert: Alert, message: str, now: datetime) -> Change:
    return ticket.changed(
        now,
        "ticket.closed",
        message,
        data={"outcome": Outcome.SELF_RECOVERED},
        actor=alert.source,
        alert_resolved=True,
        status=Status.CLOSED,
        outcome=Outcome.SELF_RECOVERED,
        closed_by=alert.source,
        closed_at=now,
    )


async def _flaps(key: str, store: Store, clock: Clock) -> bool:
    since = clock.now() - _FLAP_WINDOW
    page = await store.search(TicketQuery(fingerprint=(key,), since=since, limit=_FLAPS))
    return len(page.items) >= _FLAPS
