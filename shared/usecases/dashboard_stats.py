"""How the tickets of a window went, in numbers."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import ceil
from statistics import fmean
from typing import Any

from pydantic import AwareDatetime

from shared.domain.alert import CANARY
from shared.domain.approval import ApprovalStatus
from shared.domain.model import Model
from shared.domain.ticket import Outcome, Status, Ticket
from shared.ports.clock import Clock
from shared.ports.tickets import TicketQuery, TicketStore

MAX_TICKETS = 2_000
"""So many of the newest tickets are looked at; counts by status are of all."""
_PAGE = 200
_MAX_SIGNATURES = 50
_WAIT_BOUNDS = (0.0, 1.0, 5.0, 15.0, 60.0, 240.0)
_DECIDED = {ApprovalStatus.APPROVED, ApprovalStatus.REJECTED}
_BOUNDS = (0.0, 0.5, 0.7, 0.8, 0.9, 1.0)


class Mttr(Model):
    """Minutes from a ticket's opening to the verified recovery; null if nothing was healed."""

    p50: float | None
    p90: float | None
    mean: float | None


class SlaShare(Model):
    """Verdicts on tickets that ended; ``share`` is the part that was met."""

    met: int
    breached: int
    share: float | None


class _Span(Model):
    """What happened in a span of time; the minutes are of those healed, the mean first."""

    opened: int = 0
    healed: int = 0
    escalated: int = 0
    mttr_minutes: float | None = None
    mttr_p50: float | None = None
    mttr_p90: float | None = None


class Hour(_Span):
    """What happened in the hour that starts at ``hour``."""

    hour: AwareDatetime


class Day(_Span):
    """What happened in the day, by UTC, that starts at ``day``."""

    day: AwareDatetime


class SignatureStats(Model):
    """What became of the tickets with one cause."""

    signature: str
    tickets: int
    healed: int
    escalated: int


class Confidences(Model):
    """Tickets that were acted on with a confidence in this range, and how many were healed."""

    low: float
    high: float
    tickets: int
    healed: int


class Waits(Model):
    """Decisions that took so long: ``high`` is null for "or longer"."""

    low_minutes: float
    high_minutes: float | None
    decisions: int


class Approvals(Model):
    """What people were asked about these tickets, last, and how long they took to decide.

    ``acted_alone`` and ``acted_agreed``: tickets that were acted on without and with a person.
    """

    asked: int
    approved: int
    rejected: int
    expired: int
    minutes: Mttr
    waits: tuple[Waits, ...]
    acted_alone: int
    acted_agreed: int


class DashboardStats(Model):
    """Numbers about the tickets that were opened in the window.

    Attributes:
        success_rate: Healed among those healed or escalated; null if there are none.
        per_hour: Hours in which nothing happened are left out; so are days of ``per_day``.
        awaiting_approval: Now, whenever they were opened.
        complete: All tickets of the window were looked at, not only the newest ones.
    """

    window_hours: int
    by_status: dict[str, int]
    opened: int
    healed: int
    escalated: int
    closed: int
    success_rate: float | None
    mttr_minutes: Mttr
    sla: SlaShare
    attempts: int
    per_hour: tuple[Hour, ...]
    per_day: tuple[Day, ...]
    by_signature: tuple[SignatureStats, ...]
    calibration: tuple[Confidences, ...]
    approvals: Approvals
    awaiting_approval: int
    complete: bool


async def dashboard_stats(hours: int, *, store: TicketStore, clock: Clock) -> DashboardStats:
    """Return the numbers of the last ``hours``; the work does not grow with the store."""
    since = clock.now() - timedelta(hours=hours)
    asked = TicketQuery(except_source=(CANARY,), since=since, limit=_PAGE)
    by_status = (await store.facets(asked))["status"]
    waiting = TicketQuery(except_source=(CANARY,), status=(Status.AWAITING_APPROVAL,))
    awaiting = (await store.facets(waiting))["status"].get(Status.AWAITING_APPROVAL, 0)
    tickets, complete = await _newest(store, asked)
    return summed_up(tickets, hours, by_status, awaiting=awaiting, complete=complete)


def summed_up(
    tickets: Sequence[Ticket],
    hours: int,
    by_status: dict[str, int],
    *,
    awaiting: int,
    complete: bool,
) -> DashboardStats:
    """Return the numbers of ``tickets``."""
    healed = [one for one in tickets if one.outcome is Outcome.HEALED]
    escalated = sum(one.status is Status.ESCALATED for one in tickets)
    met = sum(one.sla.status == "Met" for one in tickets)
    breached = sum(one.sla.status == "Breached" for one in tickets)
    return DashboardStats(
        window_hours=hours,
        by_status=by_status,
        opened=sum(by_status.values()),
        healed=len(healed),
        escalated=escalated,
        closed=sum(one.status is Status.CLOSED for one in tickets),
        success_rate=_share(len(healed), len(healed) + escalated),
        mttr_minutes=_mttr([one.mttr_minutes for one in healed if one.mttr_minutes is not None]),
        sla=SlaShare(met=met, breached=breached, share=_share(met, met + breached)),
        attempts=sum(len(one.attempts) for one in tickets),
        per_hour=tuple(
            Hour(hour=at, **found) for at, found in _spans(tickets, _start_of_hour).items()
        ),
        per_day=tuple(Day(day=at, **found) for at, found in _spans(tickets, _start_of_day).items()),
        by_signature=_by_signature(tickets),
        calibration=_calibration(tickets),
        approvals=_approvals(tickets),
        awaiting_approval=awaiting,
        complete=complete,
    )


async def _newest(store: TicketStore, asked: TicketQuery) -> tuple[list[Ticket], bool]:
    found: list[Ticket] = []
    cursor: str | None = None
    while len(found) < MAX_TICKETS:
        page = await store.search(
            TicketQuery(
                except_source=asked.except_source, since=asked.since, limit=_PAGE, cursor=cursor
            )
        )
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found, True
    return found, False


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _mttr(minutes: list[float]) -> Mttr:
    if not minutes:
        return Mttr(p50=None, p90=None, mean=None)
    ranked = sorted(minutes)
    return Mttr(
        p50=round(ranked[ceil(0.5 * len(ranked)) - 1], 3),
        p90=round(ranked[ceil(0.9 * len(ranked)) - 1], 3),
        mean=round(fmean(ranked), 3),
    )


def _start_of_hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _start_of_day(at: datetime) -> datetime:
    return _start_of_hour(at).replace(hour=0)


def _spans(
    tickets: Sequence[Ticket], start_of: Callable[[datetime], datetime]
) -> dict[datetime, dict[str, Any]]:
    """Return what happened by the start of each span in which anything did."""
    counts: dict[datetime, Counter[str]] = {}
    took: dict[datetime, list[float]] = {}

    def count(at: datetime, what: str) -> datetime:
        start = start_of(at)
        counts.setdefault(start, Counter())[what] += 1
        return start

    for one in tickets:
        count(one.created_at, "opened")
        if one.outcome is Outcome.HEALED:
            start = count(one.closed_at or one.updated_at, "healed")
            if one.mttr_minutes is not None:
                took.setdefault(start, []).append(one.mttr_minutes)
        elif one.status is Status.ESCALATED:
            count(one.closed_at or one.updated_at, "escalated")
    spans: dict[datetime, dict[str, Any]] = {}
    for start, found in sorted(counts.items()):
        times = _mttr(took.get(start, []))
        minutes = {"mttr_minutes": times.mean, "mttr_p50": times.p50, "mttr_p90": times.p90}
        spans[start] = {**found, **minutes}
    return spans


def _approvals(tickets: Sequence[Ticket]) -> Approvals:
    asked = [one.approval for one in tickets if one.approval is not None]
    count = Counter(one.status for one in asked)
    took = [
        (one.decided_at - one.requested_at).total_seconds() / 60
        for one in asked
        if one.decided_at is not None and one.status in _DECIDED
    ]
    waits = []
    for low, high in zip(_WAIT_BOUNDS, (*_WAIT_BOUNDS[1:], None), strict=True):
        inside = sum(low <= minutes and (high is None or minutes < high) for minutes in took)
        waits.append(Waits(low_minutes=low, high_minutes=high, decisions=inside))
    acted = [one for one in tickets if one.attempts]
    agreed = sum(
        one.approval is not None and one.approval.status is ApprovalStatus.APPROVED for one in acted
    )
    return Approvals(
        asked=len(asked),
        approved=count[ApprovalStatus.APPROVED],
        rejected=count[ApprovalStatus.REJECTED],
        expired=count[ApprovalStatus.EXPIRED],
        minutes=_mttr(took),
        waits=tuple(waits),
        acted_alone=len(acted) - agreed,
        acted_agreed=agreed,
    )


def _by_signature(tickets: Sequence[Ticket]) -> tuple[SignatureStats, ...]:
    by_name: dict[str, list[Ticket]] = {}
    for one in tickets:
        if one.analysis is not None:
            by_name.setdefault(one.analysis.signature or "unknown", []).append(one)
    ranked = sorted(by_name.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return tuple(
        SignatureStats(
            signature=name,
            tickets=len(theirs),
            healed=sum(one.outcome is Outcome.HEALED for one in theirs),
            escalated=sum(one.status is Status.ESCALATED for one in theirs),
        )
        for name, theirs in ranked[:_MAX_SIGNATURES]
    )


def _calibration(tickets: Sequence[Ticket]) -> tuple[Confidences, ...]:
    acted = [
        (one.analysis.confidence, one.outcome is Outcome.HEALED)
        for one in tickets
        if one.analysis is not None and one.attempts and one.status.is_final
    ]
    ranges = []
    for low, high in pairwise(_BOUNDS):
        inside = [fine for sure, fine in acted if low <= sure < high or sure == high == 1]
        ranges.append(Confidences(low=low, high=high, tickets=len(inside), healed=sum(inside)))
    return tuple(ranges)
