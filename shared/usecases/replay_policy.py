"""What other settings would have decided about tickets of the past. Changes nothing.

Every decision is kept with its facts. First it is made once more from them: rules and record
have to agree to the byte. Then the facts that settings go into are replaced by what the
candidate makes of them, and it is decided again.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from pydantic import AwareDatetime, ConfigDict, Field, ValidationError

from shared.domain.alert import CANARY
from shared.domain.analysis import RerunSafety
from shared.domain.decision import Decision
from shared.domain.event import Event
from shared.domain.model import Model
from shared.domain.ticket import Ticket
from shared.policy.decide import decide
from shared.policy.facts import POLICY_VERSION, PolicyFacts
from shared.policy.settings import PolicySettings
from shared.ports.clock import Clock
from shared.ports.settings import SettingsStore
from shared.ports.tickets import TicketQuery, TicketStore
from shared.usecases.operator_settings import policy_settings

_DECIDED = "decision.made"
_PAGE = 200
_MAX_EVENTS = 2_000
MAX_HOURS, MAX_TICKETS = 744, 500

_COUNTED = (
    "running_per_target",
    "attempts_per_target_per_day",
    "attempts_per_action_per_10_minutes",
    "attempts_per_hour",
    "running",
    "data_checks",
    "sla_minutes_by_severity",
)
"""What cannot be judged afterwards: it depends on what else was going on, or comes later."""


class Store(TicketStore, SettingsStore, Protocol):
    """All that is read here."""


class CandidatePolicy(PolicySettings):
    """Policy settings; what is left out is as it is now."""

    model_config = ConfigDict(extra="forbid")


class CandidateMode(Model):
    """Another mode or threshold; what is left out is as it was at each decision."""

    model_config = ConfigDict(extra="forbid")

    mode: Literal["auto", "hil"] | None = None
    confidence_threshold: float | None = Field(default=None, ge=0, le=1)


class Candidate(Model):
    """What to try, and on which tickets: the newest ``limit`` of the last ``hours``."""

    policy: CandidatePolicy = CandidatePolicy()
    mode: CandidateMode = CandidateMode()
    hours: int = Field(default=168, ge=1, le=MAX_HOURS)
    limit: int = Field(default=100, ge=1, le=MAX_TICKETS)


class ChangedDecision(Model):
    """A decision that would be another one; ``because``: the rules that see it differently."""

    ticket_id: str
    at: AwareDatetime
    before: str
    after: str
    because: tuple[str, ...]


class Mismatch(Model):
    """A decision whose record is not what its facts lead to."""

    ticket_id: str
    at: AwareDatetime
    problem: str


class ReplayTotals(Model):
    """Decisions; ``replayed`` are those made by the present rules, equal to the byte."""

    tickets: int = 0
    decisions: int = 0
    changed: int = 0
    replayed: int = 0
    mismatches: int = 0
    other_versions: int = 0
    unreadable: int = 0
    by_change: dict[str, int] = Field(default_factory=dict)


class Replayed(Model):
    """What would be different; ``not_judged``: settings of the candidate that no record tells of.

    ``more``: there are more tickets in that time than were looked at.
    """

    changes: tuple[ChangedDecision, ...]
    mismatches: tuple[Mismatch, ...]
    totals: ReplayTotals
    not_judged: tuple[str, ...]
    policy_version: str
    more: bool


@dataclass(frozen=True, slots=True)
class _Tried:
    """The candidate as a whole."""

    policy: PolicySettings
    mode: CandidateMode


async def replay_policy(candidate: Candidate, store: Store, clock: Clock) -> Replayed:
    """Decide again what was decided, as ``candidate`` would."""
    present, _ = await policy_settings(store)
    given = {name: getattr(candidate.policy, name) for name in candidate.policy.model_fields_set}
    tried = _Tried(present.model_copy(update=given), candidate.mode)
    since = clock.now() - timedelta(hours=candidate.hours)
    changes: list[ChangedDecision] = []
    mismatches: list[Mismatch] = []
    counts: Counter[str] = Counter()
    by_change: Counter[str] = Counter()
    tickets, more = await _tickets(store, since, candidate.limit)
    for ticket in tickets:
        async for event in _decisions(store, ticket.id):
            counts["decisions"] += 1
            read = _read(event)
            if read is None:
                counts["unreadable"] += 1
                continue
            facts, record = read
            if record.policy_version != POLICY_VERSION:
                counts["other_versions"] += 1
            elif problem := _differs(facts, event.data):
                mismatches.append(Mismatch(ticket_id=ticket.id, at=event.at, problem=problem))
            else:
                counts["replayed"] += 1
            change = _changed(ticket, event.at, facts, record, tried)
            if change is not None:
                changes.append(change)
                by_change[f"{change.before} → {change.after}"] += 1
    return Replayed(
        changes=tuple(changes),
        mismatches=tuple(mismatches),
        totals=ReplayTotals(
            tickets=len(tickets),
            **counts,
            changed=len(changes),
            mismatches=len(mismatches),
            by_change=dict(sorted(by_change.items())),
        ),
        not_judged=tuple(name for name in _COUNTED if name in given),
        policy_version=POLICY_VERSION,
        more=more,
    )


async def _tickets(store: Store, since: datetime, most: int) -> tuple[list[Ticket], bool]:
    """Return the newest tickets, and whether there are more."""
    found: list[Ticket] = []
    cursor: str | None = None
    while True:
        query = TicketQuery(
            since=since,
            except_source=(CANARY,),
            limit=min(_PAGE, most - len(found)),
            cursor=cursor,
        )
        page = await store.search(query)
        found += page.items
        cursor = page.next_cursor
        if cursor is None or len(found) >= most:
            return found, cursor is not None


async def _decisions(store: Store, ticket_id: str) -> AsyncIterator[Event]:
    after = 0
    while after < _MAX_EVENTS:
        page = await store.events(ticket_id, after=after, limit=_PAGE)
        for event in page:
            if event.type == _DECIDED:
                yield event
        if len(page) < _PAGE:
            return
        after = page[-1].seq


def _read(event: Event) -> tuple[PolicyFacts, Decision] | None:
    try:
        record = Decision.model_validate(event.data)
        return PolicyFacts.model_validate(event.data.get("facts")), record
    except ValidationError:
        return None


def _differs(facts: PolicyFacts, recorded: Mapping[str, object]) -> str:
    """Return what the record has that the facts do not lead to; empty: equal to the byte."""
    again = decide(facts).model_dump(mode="json")
    kept = {name: recorded.get(name) for name in again}
    again["settings_version"] = kept["settings_version"]  # which settings, not what of them
    names = [name for name in again if _bytes(again[name]) != _bytes(kept[name])]
    return f"the record has another {', '.join(names)}" if names else ""


def _bytes(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _changed(
    ticket: Ticket, at: datetime, facts: PolicyFacts, record: Decision, tried: _Tried
) -> ChangedDecision | None:
    after = decide(_under(tried, facts, ticket, at))
    if after.outcome is record.outcome:
        return None
    before = {reason.rule: reason.verdict for reason in record.reasons}
    other = [one for one in after.reasons if before.get(one.rule, "allow") != one.verdict]
    # What decides comes first; a rule that no longer objects is a reason as well.
    deciding = [one for one in other if one.verdict == after.outcome] or other
    # Other rules than today's made the record: then it is today's that say why.
    deciding = deciding or [one for one in after.reasons if one.verdict == after.outcome]
    return ChangedDecision(
        ticket_id=ticket.id,
        at=at,
        before=record.outcome,
        after=after.outcome,
        because=tuple(f"{one.rule}: {one.text}" for one in deciding),
    )


def _under(tried: _Tried, facts: PolicyFacts, ticket: Ticket, at: datetime) -> PolicyFacts:
    """Return the facts as they would have been; records of older releases lack a few."""
    policy, mode = tried.policy, tried.mode
    environment, severity = facts.environment or ticket.environment, facts.severity
    general = facts.general_threshold
    threshold = facts.confidence_threshold if general is None else general
    if mode.confidence_threshold is not None:
        threshold = mode.confidence_threshold
    maintenance = policy.maintenance_at(at, environment, facts.target)
    said = policy.safety_of(facts.target)
    has_said = said is not RerunSafety.UNKNOWN
    shown = facts.rerun_safety if not facts.owner_has_said else facts.defined_safety
    return facts.model_copy(
        update={
            "mode": mode.mode or facts.mode,
            "confidence_threshold": policy.threshold_for(severity or ticket.severity, threshold),
            "risk": policy.risk_in(environment, facts.own_risk or facts.risk),
            "allowed": policy.allows(facts.action, facts.target),
            "freeze": policy.freeze_at(at, environment, facts.target),
            "maintenance": maintenance.name if maintenance else "",
            "rerun_safety": said if has_said else shown,
            "owner_has_said": has_said,
            "max_healed_lately": policy.heals_per_half_hour,
            "max_failing_share": policy.max_failing_share,
            "min_failing_targets": policy.min_failing_targets,
            "inconclusive_until_open": policy.inconclusive_until_open,
        }
    )
