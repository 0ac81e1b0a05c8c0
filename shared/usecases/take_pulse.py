"""How Mend itself is doing, in numbers: for Prometheus, for Azure Monitor, for whoever is on call.

Everything comes from the store, so that every process gives the same answer, and with a
bounded number of reads however many tickets there are.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from shared.domain.alert import CANARY
from shared.domain.delivery import COUNT_NAMES, DeliveryState, IntakeCounts
from shared.domain.ticket import Outcome, Status, Ticket
from shared.ports.clock import Clock
from shared.ports.inbox import Inbox
from shared.ports.settings import SettingsStore
from shared.ports.tickets import Order, TicketQuery, TicketStore
from shared.usecases.fly_canary import latest_canary

METRICS: Mapping[str, str] = {
    "mend_up": "1: the store answers",
    "mend_tickets": "tickets opened in the last 30 days, by status",
    "mend_tickets_ended": "tickets that ended in the last 24 hours, by outcome",
    "mend_attempts": "attempts of tickets that changed in the last 24 hours, by outcome",
    "mend_orphans": "tickets that changed in the last 24 hours and had been left alone before",
    "mend_budget_exhausted": "tickets of the last 24 hours that met a limit of attempts",
    "mend_intake": "alerts of the last 24 hours, by source and by what became of them",
    "mend_unaccounted": "alerts of the last 24 hours of which that is not known yet",
    "mend_dead_letters": "deliveries that wait for somebody to look at them, at most 200",
    "mend_canary_late": "1: the latest canary has not come through in time",
    "mend_canary_seconds": "how long the latest canary took, from sending to its ticket's end",
}
"""Every metric and what it says. All are gauges: what they count moves out of their window."""

_MONTH, _DAY = timedelta(days=30), timedelta(days=1)
_PAGE, _MAX_PAGES, _MAX_LEFT_OVER = 200, 5, 200
_UNDECIDED = "none yet"


class Store(TicketStore, Inbox, SettingsStore, Protocol):
    """All that is read here."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One number; ``name`` is one of :data:`METRICS`."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


async def take_pulse(store: Store, clock: Clock, *, canary: bool) -> list[Sample]:
    """Return every number there is now.

    Args:
        canary: Canaries are switched on; without, nothing is said about them.

    Raises:
        Unavailable: the store does not answer.
    """
    now = clock.now()
    query = TicketQuery(except_source=(CANARY,), since=now - _MONTH)
    by_status = (await store.facets(query))["status"]
    samples = [Sample("mend_up", 1)]
    samples += [
        Sample("mend_tickets", by_status.get(status, 0), {"status": status}) for status in Status
    ]
    samples += _of_tickets(await _changed(store, now - _DAY), now - _DAY)
    samples += await _of_intake(store, now)
    if canary:
        samples += await _of_canary(store, now)
    return samples


async def _changed(store: Store, since: datetime) -> list[Ticket]:
    """Return the tickets that changed last, at most five pages of them."""
    found: list[Ticket] = []
    cursor: str | None = None
    for _ in range(_MAX_PAGES):
        page = await store.search(
            TicketQuery(
                except_source=(CANARY,), order=Order.LATEST_CHANGE, limit=_PAGE, cursor=cursor
            )
        )
        found += [one for one in page.items if one.updated_at >= since]
        cursor = page.next_cursor
        if cursor is None or page.items[-1].updated_at < since:
            break
    return found


def _of_tickets(tickets: list[Ticket], since: datetime) -> Iterator[Sample]:
    ended = Counter(
        str(one.outcome)
        for one in tickets
        if one.outcome is not None and one.closed_at is not None and one.closed_at >= since
    )
    attempts = Counter(
        str(attempt.outcome or _UNDECIDED) for one in tickets for attempt in one.attempts
    )
    for outcome, count in sorted(ended.items()):
        yield Sample("mend_tickets_ended", count, {"outcome": outcome})
    for outcome, count in sorted(attempts.items()):
        yield Sample("mend_attempts", count, {"outcome": outcome})
    yield Sample("mend_orphans", sum(one.episode.number > 1 for one in tickets))
    yield Sample("mend_budget_exhausted", ended[Outcome.BUDGET_EXHAUSTED])


async def _of_intake(store: Store, now: datetime) -> list[Sample]:
    total, by_source = IntakeCounts(), dict[str, IntakeCounts]()
    for one in await store.intake_counts(now - _DAY):
        total = total.plus(one.counts)
        by_source[one.source] = by_source.get(one.source, IntakeCounts()).plus(one.counts)
    samples = [
        Sample("mend_intake", getattr(counts, kind), {"source": source, "kind": kind})
        for source, counts in sorted(by_source.items())
        for kind in COUNT_NAMES
    ]
    waiting = await store.deliveries(
        (DeliveryState.DEAD, DeliveryState.REJECTED), limit=_MAX_LEFT_OVER
    )
    return [
        *samples,
        Sample("mend_unaccounted", total.unaccounted),
        Sample("mend_dead_letters", len(waiting)),
    ]


async def _of_canary(store: Store, now: datetime) -> list[Sample]:
    latest = await latest_canary(store)
    if latest is None:
        return []
    samples = [Sample("mend_canary_late", latest.is_late(now))]
    if latest.seconds is not None:
        samples.append(Sample("mend_canary_seconds", latest.seconds))
    return samples
