"""Tell a channel what it does not know yet, as fast as it may be told and no faster.

What is told is derived from the stored tickets, never sent from inside the story: a channel that
is away delays nothing, and once it is back it is shown how things are now. Each channel has its
own rounds, its own pauses and its own memory.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import AwareDatetime, ValidationError

from shared.diagnosis.redact import redact
from shared.domain.errors import MendError, Refused, Transient
from shared.domain.model import Model
from shared.domain.notification import Remembered
from shared.domain.ticket import Ticket
from shared.policy.backoff import Backoff
from shared.ports.clock import Clock
from shared.ports.notifications import News, NotificationStore, Notifier, Told
from shared.ports.settings import SettingsStore
from shared.ports.tickets import TicketStore

PATIENCE_SECONDS = 10.0
_ROUND = timedelta(seconds=4)
# What has not changed for so long is told no more, wherever it got stuck.
_LATEST = timedelta(days=7)
_BATCH = 20
_MAX_EVENTS = 50
_CHANNEL_BACKOFF = Backoff(base_seconds=5, factor=2, max_seconds=300)
# Longer than the channel's: one ticket that cannot be told must not be the first one every time.
_TICKET_BACKOFF = Backoff(base_seconds=20, factor=2, max_seconds=1800)
_MAX_RETRY_AFTER_SECONDS = 900.0
_WAIT_FOR_PARENT = timedelta(seconds=15)
_ERROR_CHARS = 300

Sleep = Callable[[float], Awaitable[None]]
"""Waits so many seconds."""


class Store(TicketStore, SettingsStore, NotificationStore, Protocol):
    """All that is read and written here."""


class Standing(Model):
    """How a channel is doing.

    Attributes:
        since: When it was first used; what was over before is not told.
        next_at: Nothing is sent before: it has to pause, or does not work.
        tries: How often in a row it has failed.
        error: Why it failed last; empty once it works.
        told_at: When it was last sent something.
    """

    since: AwareDatetime
    next_at: AwareDatetime | None = None
    tries: int = 0
    error: str = ""
    told_at: AwareDatetime | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """What one round came to: how much was sent, and what went wrong."""

    sent: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a round needs besides channel and store.

    Attributes:
        random: Returns a number in [0, 1).
        awake_since: When this process started.
        patience_seconds: How long one step may take.
    """

    clock: Clock
    random: Callable[[], float]
    awake_since: datetime
    sleep: Sleep = asyncio.sleep
    patience_seconds: float = PATIENCE_SECONDS


async def standing(channel: str, store: SettingsStore) -> Standing | None:
    """Return how the channel is doing; ``None``: it was never used."""
    stored = await store.read(_name(channel))
    try:
        return Standing.model_validate(stored.value) if stored else None
    except ValidationError:
        return None


async def tell(notifier: Notifier, store: Store, around: Surroundings) -> Round:
    """Tell the channel what is due, for some seconds; what is left is for the next round.

    One round of a channel at a time: two would tell the same.
    """
    return await _Rounds(notifier, store, around).run()


class _Rounds:
    def __init__(self, notifier: Notifier, store: Store, around: Surroundings) -> None:
        self._notifier = notifier
        self._store = store
        self._around = around
        self._clock = around.clock
        self._sent = 0
        self._problems: list[str] = []

    async def run(self) -> Round:
        channel = self._notifier.name
        began = self._clock.now()
        known = await standing(channel, self._store)
        if known is None:
            known = Standing(since=min(began, self._around.awake_since))
            await self._keep(known)
        self._standing = known
        while await self._may_send(began + _ROUND) and await self._some(began + _ROUND):
            pass
        return Round(self._sent, tuple(self._problems))

    async def _some(self, until: datetime) -> bool:
        """Take one step for each of some tickets; ``False``: that is enough for this round."""
        now = self._clock.now()
        since = max(self._standing.since, now - _LATEST)
        due = await self._store.untold(self._notifier.name, since=since, now=now, limit=_BATCH)
        for ticket in due:
            if not await self._may_send(until) or not await self._step(ticket):
                return False
        return bool(due)

    async def _may_send(self, until: datetime) -> bool:
        """Wait for the end of a pause; ``False``: that is too long for this round."""
        now = self._clock.now()
        ready = max(self._standing.next_at or now, now)
        if ready >= until:
            return False
        if ready > now:
            await self._around.sleep((ready - now).total_seconds())
        return True

    async def _step(self, ticket: Ticket) -> bool:
        """Take one step; ``False``: the channel does not work now."""
        before = await self._store.remembered(self._notifier.name, ticket.id)
        before = before or Remembered(channel=self._notifier.name, ticket_id=ticket.id)
        intended: list[Remembered] = []

        async def intend() -> None:
            since = before.sending_since or self._clock.now()
            intended.append(before.model_copy(update={"sending_since": since}))
            await self._store.remember(intended[-1])

        try:
            news = await self._news(ticket, before)
            async with asyncio.timeout(self._around.patience_seconds):
                told = await self._notifier.tell(news, before, intend)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others must be told
            nothing_sent = isinstance(error, Transient | Refused)
            latest = before if nothing_sent or not intended else intended[-1]
            await self._failed(latest, error)
            return not _concerns_all(error)
        await self._went_well(ticket, before, told, certain=bool(intended))
        return True

    async def _news(self, ticket: Ticket, before: Remembered) -> News:
        events = await self._store.events(ticket.id, after=before.seq, limit=_MAX_EVENTS)
        parent = await self._store.find(ticket.parent_id) if ticket.parent_id else None
        thread = None
        if parent is not None:
            thread = await self._store.remembered(self._notifier.name, parent.id)
        return News(
            ticket=ticket,
            events=[event for event in events if event.seq <= ticket.last_seq],
            all_events=len(events) < _MAX_EVENTS,
            parent=parent,
            thread=thread,
            in_doubt=self._in_doubt(ticket, before),
        )

    def _in_doubt(self, ticket: Ticket, before: Remembered) -> bool:
        if before.sending_since is not None:
            return True
        # The store may be a copy that was put back: what was sent since is not in it.
        if before.written_in:
            return before.written_in != self._store.incarnation
        return ticket.created_at <= self._around.awake_since

    async def _went_well(
        self, ticket: Ticket, before: Remembered, told: Told, *, certain: bool
    ) -> None:
        now = self._clock.now()
        after = told.remembered
        changes: dict[str, object] = {"tries": 0, "error": ""}
        changes["next_at"] = now + _WAIT_FOR_PARENT if after == before else None
        # A doubt lasts until what was meant is sent, or nothing is left to be looked for.
        if certain or after.version == ticket.version:
            changes["sending_since"] = None
        if after.version == ticket.version:
            changes["written_in"] = self._store.incarnation
        await self._store.remember(after.model_copy(update=changes))
        if not told.sent:
            return
        self._sent += 1
        pause = timedelta(seconds=self._notifier.pause_seconds)
        fine = {"next_at": now + pause, "tries": 0, "error": "", "told_at": now}
        await self._keep(self._standing.model_copy(update=fine))

    async def _failed(self, latest: Remembered, error: Exception) -> None:
        now, said = self._clock.now(), _said(error)
        self._problems.append(f"{latest.ticket_id}: {said}")
        tries = latest.tries + 1
        wait = self._wait(_TICKET_BACKOFF, tries, error)
        changes = {"tries": tries, "next_at": now + wait, "error": said}
        await self._store.remember(latest.model_copy(update=changes))
        if not _concerns_all(error):
            return
        tries = self._standing.tries + 1
        wait = self._wait(_CHANNEL_BACKOFF, tries, error)
        down = {"tries": tries, "next_at": now + wait, "error": said}
        await self._keep(self._standing.model_copy(update=down))

    def _wait(self, backoff: Backoff, tries: int, error: Exception) -> timedelta:
        chance = self._around.random()
        asked = error.retry_after_seconds if isinstance(error, Transient) else None
        if asked is not None:
            # Not all at the very moment that was named, and never before it.
            asked = min(asked, _MAX_RETRY_AFTER_SECONDS)
            return timedelta(seconds=asked * (1 + 0.1 * chance))
        return timedelta(
            seconds=backoff.wait_seconds(
                failures=tries, at_least=backoff.base_seconds / 2, chance=chance
            )
        )

    async def _keep(self, now: Standing) -> None:
        self._standing = now
        await self._store.write(_name(self._notifier.name), now.model_dump(mode="json"))


def _name(channel: str) -> str:
    return f"channel/{channel}"


def _concerns_all(error: Exception) -> bool:
    """Tell whether the next ticket would meet the same error."""
    return not isinstance(error, Refused) or error.status in {401, 403}


def _said(error: Exception) -> str:
    """Return what went wrong; never the words of an error that is not ours."""
    if isinstance(error, MendError):
        return redact(str(error))[:_ERROR_CHARS]
    if isinstance(error, TimeoutError):
        return "no answer in time"
    where = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" in {where[0].name}, line {where[0].lineno}" if where else ""
    return f"{type(error).__name__}{place}"
