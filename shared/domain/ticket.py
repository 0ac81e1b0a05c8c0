"""One incident and everything decided about it.

A ticket is changed only through :meth:`Ticket.changed`, which returns a
:class:`Change`: the next version together with the event that tells of it. A
store commits both or neither, after :func:`checked` has looked at them once
more, so that an illegal move cannot be stored whoever asks for it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime, Field

from shared.domain.alert import Platform, Requester, Resource, Severity, TimeWindow
from shared.domain.analysis import Action, Analysis
from shared.domain.approval import Approval
from shared.domain.attempt import Attempt, may_follow
from shared.domain.decision import Decision
from shared.domain.errors import IllegalTransition, NotFound
from shared.domain.event import START_REMEDIATION, Event, OutboxItem
from shared.domain.model import Model
from shared.domain.run import Observation


class Status(StrEnum):
    """Where a ticket is on its way from alert to closed."""

    OPEN = "open"
    ANALYZING = "analyzing"
    AWAITING_APPROVAL = "awaiting_approval"
    REMEDIATING = "remediating"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    ESCALATED = "escalated"
    CLOSED = "closed"

    @property
    def is_final(self) -> bool:
        """Tell whether the machine is done with the ticket."""
        return self in _FINAL


class Outcome(StrEnum):
    """How it ended."""

    HEALED = "healed"
    RESOLVED_MANUALLY = "resolved_manually"
    NOT_HEALED = "not_healed"
    NOT_REMEDIABLE = "not_remediable"
    REJECTED = "rejected"
    APPROVAL_EXPIRED = "approval_expired"
    INCONCLUSIVE = "inconclusive"
    BUDGET_EXHAUSTED = "budget_exhausted"
    FALSE_POSITIVE = "false_positive"
    SELF_RECOVERED = "self_recovered"
    SUPERSEDED = "superseded"
    NOT_CONFIRMED = "not_confirmed"
    CANCELLED = "cancelled"


_FINAL = frozenset({Status.RESOLVED, Status.ESCALATED, Status.CLOSED})

LEGAL_MOVES: dict[Status, frozenset[Status]] = {
    Status.OPEN: frozenset({Status.ANALYZING}) | _FINAL,
    Status.ANALYZING: frozenset({Status.AWAITING_APPROVAL, Status.REMEDIATING}) | _FINAL,
    # Once people have agreed, the world is looked at again before anything is done.
    Status.AWAITING_APPROVAL: frozenset({Status.ANALYZING, Status.REMEDIATING}) | _FINAL,
    Status.REMEDIATING: frozenset({Status.MONITORING, Status.ANALYZING}) | _FINAL,
    Status.MONITORING: frozenset({Status.ANALYZING}) | _FINAL,
    # The machine is done with it; a person, or its sender, may still say how it ended, and a
    # person may send the machine out once more.
    Status.ESCALATED: frozenset({Status.OPEN, Status.RESOLVED, Status.CLOSED}),
    Status.RESOLVED: frozenset(),
    Status.CLOSED: frozenset(),
}

OUTCOMES: dict[Status, frozenset[Outcome]] = {
    Status.RESOLVED: frozenset({Outcome.HEALED, Outcome.RESOLVED_MANUALLY}),
    Status.ESCALATED: frozenset(
        {
            Outcome.NOT_HEALED,
            Outcome.NOT_REMEDIABLE,
            Outcome.REJECTED,
            Outcome.APPROVAL_EXPIRED,
            Outcome.INCONCLUSIVE,
            Outcome.BUDGET_EXHAUSTED,
        }
    ),
    Status.CLOSED: frozenset(
        {
            Outcome.FALSE_POSITIVE,
            Outcome.SELF_RECOVERED,
            Outcome.SUPERSEDED,
            Outcome.NOT_CONFIRMED,
            Outcome.CANCELLED,
        }
    ),
}


class Occurrence(Model):
    """Another run of the same thing that failed while the ticket was open."""

    run_id: str
    at: AwareDatetime


class Sla(Model):
    """Service level of one ticket; ``status`` is ``Met`` or ``Breached`` once it ended."""

    target_minutes: float
    status: str | None = None


class Episode(Model):
    """One pass of the remediation; ``claimed_by`` is the orchestration that owns it.

    ``first`` is the first one since the alert, or since a person asked for an action.
    """

    number: int = 1
    claimed_by: str | None = None
    first: int = 1


class Wish(Model):
    """The action that a person has asked for, as attempt ``attempt_number``.

    Policy decides whether it is taken. ``key`` is the request's ``Idempotency-Key``.
    """

    action: Action
    by: Requester  # may not be the one who agrees to it
    reason: str = ""
    at: AwareDatetime
    attempt_number: int
    key: str = ""


class Ticket(Model):
    """The ticket, as stored and as the API shows it."""

    id: str
    status: Status = Status.OPEN
    outcome: Outcome | None = None
    severity: Severity
    source: str
    requested_by: Requester | None = None  # may not be the one who agrees to what is done
    platform: Platform
    title: str
    description: str = ""
    summary: str = ""  # for the person who takes over; set when escalated or closed
    environment: str | None = None
    service: str | None = None
    ci: tuple[str, ...] = ()
    resource: Resource
    window: TimeWindow | None = None
    fingerprint: str
    content_hash: str = ""  # of the newest alert about it, as far as its meaning goes
    duplicate_count: int = 0
    occurrences: tuple[Occurrence, ...] = ()
    notes: tuple[str, ...] = ()
    alert_resolved: bool = False  # the sender says so; the run itself is another matter
    # The failed run that is being healed: the root run, then the newest rerun that failed too.
    current_run_id: str | None = None
    observation: Observation | None = None
    analysis: Analysis | None = None
    decision: Decision | None = None
    attempts: tuple[Attempt, ...] = ()
    approval: Approval | None = None  # the present question, or the last one
    approvals: tuple[Approval, ...] = ()  # those before it
    assignee: str | None = None
    cancel_requested: bool = False  # stop after the step in flight
    requested: Wish | None = None  # what a person has asked for last
    parent_id: str | None = None  # the incident that this is part of
    children: tuple[str, ...] = ()  # the tickets an incident is made of
    closed_by: str | None = None
    mttr_minutes: float | None = Field(default=None, ge=0)
    sla: Sla
    links: dict[str, str] = Field(default_factory=dict)
    episode: Episode = Episode()
    callbacks_noted: int = 0  # reports of a Logic App that came at the wrong time
    created_at: AwareDatetime
    updated_at: AwareDatetime
    closed_at: AwareDatetime | None = None
    version: int = 1
    last_seq: int = 0  # of the newest event

    @property
    def is_open(self) -> bool:
        """Tell whether new alerts for the same thing belong to this ticket."""
        return not self.status.is_final

    @property
    def instance_id(self) -> str:
        """Return the id of the orchestration of the present episode; never used again."""
        return f"rem-{self.id}-{self.episode.number}"

    @property
    def start(self) -> OutboxItem:
        """Return the errand that starts it."""
        return OutboxItem(
            id=f"start-{self.episode.number}",
            kind=START_REMEDIATION,
            payload={"instance_id": self.instance_id},
        )

    @property
    def wish(self) -> Wish | None:
        """Return what a person has asked for and nobody has tried since."""
        asked = self.requested
        return asked if asked and asked.attempt_number == len(self.attempts) + 1 else None

    def attempt(self, number: int) -> Attempt:
        """Return attempt ``number``.

        Raises:
            NotFound: there is no such attempt.
        """
        for attempt in self.attempts:
            if attempt.number == number:
                return attempt
        raise NotFound(f"ticket {self.id!r} has no attempt {number}")

    def with_attempt(self, changed: Attempt) -> tuple[Attempt, ...]:
        """Return the attempts with ``changed`` in its place, or added at the end."""
        others = tuple(attempt for attempt in self.attempts if attempt.number != changed.number)
        return tuple(sorted((*others, changed), key=lambda attempt: attempt.number))

    def changed(
        self,
        at: datetime,
        type_: str,
        message: str,
        *,
        data: dict[str, object] | None = None,
        actor: str = "system",
        **fields: object,
    ) -> "Change":
        """Return the next version with ``fields`` replaced, and the event that tells of it.

        Raises:
            IllegalTransition: ``status`` may not follow the current one.
        """
        _check_move(self.status, fields.get("status", self.status))
        event = Event(
            seq=self.last_seq + 1, at=at, type=type_, actor=actor, message=message, data=data or {}
        )
        fields |= {"version": self.version + 1, "updated_at": at, "last_seq": event.seq}
        return Change(ticket=self._replaced(fields), events=(event,))

    def counted(self, at: datetime, **fields: object) -> "Change":
        """Return the next version without an event, for mere counting."""
        fields |= {"version": self.version + 1, "updated_at": at}
        return Change(ticket=self._replaced(fields), events=())

    def _replaced(self, fields: dict[str, object]) -> Self:
        # Validated, unlike model_copy(update=...): a wrong type must not reach the store.
        return type(self).model_validate({**dict(self), **fields})


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit stores: the ticket's next version, its events and its errands."""

    ticket: Ticket
    events: tuple[Event, ...] = ()
    outbox: tuple[OutboxItem, ...] = field(default=())


def checked(old: Ticket | None, change: Change) -> Change:
    """Return ``change`` if it may follow ``old`` (``None``: it creates the ticket).

    Every store calls this inside its transaction.

    Raises:
        IllegalTransition: it would skip a version, leave a gap in the timeline,
            make an illegal move of the ticket or of an attempt, or end without
            an outcome that fits.
    """
    new = change.ticket
    first_seq, version, status = 1, 1, Status.OPEN
    if old is not None:
        first_seq, version, status = old.last_seq + 1, old.version + 1, old.status
        _check_attempts(old, new)
    _check_move(status, new.status)
    if old is not None and old.status.is_final and new.is_open:
        _check_reopened(old, new)
    if old is not None and new.id != old.id:
        raise IllegalTransition(f"{old.id} cannot become {new.id}")
    if new.version != version:
        raise IllegalTransition(f"{new.id}: version {new.version} cannot follow {version - 1}")
    expected = list(range(first_seq, first_seq + len(change.events)))
    if [event.seq for event in change.events] != expected or new.last_seq != (
        first_seq + len(change.events) - 1
    ):
        raise IllegalTransition(f"{new.id}: the timeline would have a gap at {first_seq}")
    if (new.outcome is None) == new.status.is_final or (
        new.outcome is not None and new.outcome not in OUTCOMES.get(new.status, frozenset())
    ):
        raise IllegalTransition(f"{new.id}: {new.status} with outcome {new.outcome}")
    return change


def _check_move(old: Status, new: object) -> None:
    if new != old and new not in LEGAL_MOVES[old]:
        raise IllegalTransition(f"a ticket cannot go from {old} to {new}")


def _check_reopened(old: Ticket, new: Ticket) -> None:
    """See to it that only a person opens a ticket again, and no earlier episode goes on with it."""
    if new.requested is None or new.requested == old.requested:
        raise IllegalTransition(f"{new.id}: nobody has asked for it to be opened again")
    if new.episode.number <= old.episode.number or new.episode.claimed_by is not None:
        raise IllegalTransition(f"{new.id}: it would be opened again without an episode of its own")


def _check_attempts(old: Ticket, new: Ticket) -> None:
    before = {attempt.number: attempt for attempt in old.attempts}
    after = {attempt.number: attempt for attempt in new.attempts}
    if not before.keys() <= after.keys():
        raise IllegalTransition(f"{new.id}: an attempt would disappear")
    for number, attempt in before.items():
        if not may_follow(attempt, after[number]):
            moved = f"{attempt.state} -> {after[number].state}"
            raise IllegalTransition(f"{new.id}: attempt {number} ({attempt.step}) {moved}")
