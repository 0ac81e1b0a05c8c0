"""Open tickets for failed runs that nobody has reported.

Webhooks get lost, and alert rules fall silent for a while after failed deliveries. Every few
minutes the system of record is asked what has failed; what has a ticket already, or is one
of our own reruns, is known by its claim.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import AwareDatetime

from shared.domain.alert import Alert, TimeWindow
from shared.domain.model import Model
from shared.domain.run import RunSnapshot
from shared.ports.clock import Clock
from shared.ports.runs import FailureFeed
from shared.ports.settings import SettingsStore
from shared.ports.tickets import ClaimStore, TicketStore
from shared.usecases.accept_alert import Disposition, accept_alert

# The webhook goes first: it knows more, and nobody likes two stories.
_GRACE = timedelta(minutes=3)
# Runs show up late, and a pull may die half-way: look at the same time again.
_OVERLAP = timedelta(minutes=15)
_FARTHEST = timedelta(hours=24)


class Store(TicketStore, ClaimStore, SettingsStore, Protocol):
    """All that is read and written here."""


class _Pulled(Model):
    until: AwareDatetime


async def pull_failures(
    feed: FailureFeed,
    store: Store,
    clock: Clock,
    *,
    new_ticket_id: Callable[[datetime], str],
    sla_minutes: float,
) -> list[str]:
    """Return the tickets that were opened. Safe to repeat.

    Raises:
        Transient, Refused: the system of record did not answer; the next pull looks again.
    """
    now = clock.now()
    name = f"pulled-{feed.scope}"
    stored = await store.read(name)
    since = _Pulled.model_validate(stored.value).until if stored else now
    start = max(since - _OVERLAP, now - _FARTHEST)
    opened = []
    for run in await feed.failed_runs(TimeWindow(start=start, end=now)):
        if run.parent_run_id or _too_fresh(run, now) or await _is_known(feed, run, store):
            continue
        accepted = await accept_alert(
            _alert(feed, run, now), store, clock, new_ticket_id=new_ticket_id,
            sla_minutes=sla_minutes,
        )  # fmt: skip
        if accepted.disposition is Disposition.OPENED and accepted.ticket_id:
            opened.append(accepted.ticket_id)
    await store.write(name, _Pulled(until=now).model_dump(mode="json"))
    return opened


def _too_fresh(run: RunSnapshot, now: datetime) -> bool:
    return run.ended_at is None or run.ended_at > now - _GRACE


async def _is_known(feed: FailureFeed, run: RunSnapshot, store: Store) -> bool:
    holder = await store.holder("run", feed.resource(run).run_key(run.run_id))
    return holder is not None and await store.find(holder) is not None


def _alert(feed: FailureFeed, run: RunSnapshot, now: datetime) -> Alert:
    resource = feed.resource(run)
    return Alert(
        source=resource.platform.value,
        resource=resource,
        title=f"{resource.kind.capitalize()} {run.name} failed",
        description=run.message,
        occurred_at=run.ended_at or now,
        notes=("nobody reported it; it was found among the failed runs",),
    )
