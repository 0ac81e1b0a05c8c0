"""After a stop: wait until what was on its way out has been answered.

A request that left in the moment the kill switch was turned cannot be called back; but once
:func:`await_quiet` returns 0, nothing that the switch stops will reach the outside any more.
"""

import asyncio
from datetime import timedelta

from shared.domain.attempt import AttemptState
from shared.domain.ticket import Status
from shared.ports.clock import Clock
from shared.ports.tickets import TicketQuery, TicketStore
from shared.usecases.decide_next import names_of
from shared.usecases.operator_settings import KillSwitch

_PAGE = 200
# What has been "sending" for longer died with its process and is looked for by others.
_LONGEST_CALL = timedelta(minutes=2)


async def await_quiet(
    switch: KillSwitch, store: TicketStore, clock: Clock, *, at_most_seconds: float = 5.0
) -> int:
    """Return how many requests that ``switch`` stops are still unanswered in the end."""
    pause, until = 0.02, clock.now() + timedelta(seconds=at_most_seconds)
    while True:
        leaving = await _leaving(switch, store, clock)
        if not leaving or clock.now() >= until:
            return leaving
        await asyncio.sleep(pause)
        pause = min(pause * 2, 0.5)


async def _leaving(switch: KillSwitch, store: TicketStore, clock: Clock) -> int:
    since, count = clock.now() - _LONGEST_CALL, 0
    cursor = None
    while True:
        query = TicketQuery(status=(Status.REMEDIATING,), limit=_PAGE, cursor=cursor)
        page = await store.search(query)
        for ticket in page.items:
            count += sum(
                attempt.state is AttemptState.SENDING
                and attempt.sent_at is not None
                and attempt.sent_at > since
                and switch.stops(
                    environment=ticket.environment,
                    targets=names_of(ticket),
                    action=attempt.action,
                )
                for attempt in ticket.attempts
            )
        cursor = page.next_cursor
        if cursor is None:
            return count
