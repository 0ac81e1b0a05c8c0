"""A person asks for an action: one open ticket per thing also then, whoever comes first."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from shared.domain.alert import Requester
from shared.domain.analysis import Action
from shared.domain.errors import IllegalTransition
from shared.domain.ticket import Episode, Outcome, Status, Ticket, Wish
from shared.ports.orchestrations import Standing
from shared.ports.tickets import TicketQuery
from shared.stores.memory import MemoryStore
from shared.usecases.accept_alert import Accepted, Disposition, accept_alert
from shared.usecases.close_ticket import close_ticket
from shared.usecases.request_remediation import Ask, Requested, request_remediation
from shared.usecases.sweep import MAX_EPISODES, sweep
from tests.support.builders import StoppedClock, an_alert

ANA = Requester(name="ana", oid="oid-of-ana")
Hook = Callable[[], Awaitable[object]]


class Interrupted(MemoryStore):
    """A store in which something else happens once, at a certain moment."""

    before_update: Hook | None = None
    after_takeover: Hook | None = None

    async def update(self, *args: Any, **kwargs: Any) -> Ticket:
        """See the protocol."""
        hook, self.before_update = self.before_update, None
        if hook is not None:
            await hook()
        return await super().update(*args, **kwargs)

    async def claim(self, *args: Any, **kwargs: Any) -> str:
        """See the protocol."""
        holder = await super().claim(*args, **kwargs)
        if kwargs.get("instead_of"):
            hook, self.after_takeover = self.after_takeover, None
            if hook is not None:
                await hook()
        return holder


@pytest.fixture
def clock() -> StoppedClock:
    """Return the time."""
    return StoppedClock()


@pytest.fixture
def store() -> Interrupted:
    """Return an empty store."""
    return Interrupted()


async def report(store: Interrupted, clock: StoppedClock, run_id: str) -> Accepted:
    """Let the pipeline's run fail."""
    numbers = count(sum(1 for _ in (await store.search(TicketQuery())).items) + 1)

    def new_id(_: datetime) -> str:
        return f"TIK-20261120-{next(numbers):06d}"

    return await accept_alert(
        an_alert(run_id=run_id), store, clock, new_ticket_id=new_id, sla_minutes=60
    )


async def handed_over(store: Interrupted, clock: StoppedClock) -> Ticket:
    """Return a ticket that a person has got."""
    opened = await report(store, clock, "run-1")
    assert opened.ticket_id is not None
    return await close_ticket(opened.ticket_id, Outcome.NOT_REMEDIABLE, "so", store, clock)


async def ask(store: Interrupted, clock: StoppedClock, ticket: Ticket) -> Requested:
    """Ask for a rerun as ana."""
    wanted = Ask(action=Action.RERUN_PIPELINE)
    return await request_remediation(ticket.id, wanted, by=ANA, store=store, clock=clock)


async def open_tickets(store: Interrupted) -> list[str]:
    """Return the tickets that the machine has."""
    page = await store.search(TicketQuery())
    return [one.id for one in page.items if one.is_open]


async def test_an_alert_that_comes_in_between_is_counted_on_it(
    store: Interrupted, clock: StoppedClock
) -> None:
    """The alert has seen a ticket of a person's, and taken its place; by then it is open again."""
    ticket = await handed_over(store, clock)

    async def reopen() -> None:
        now = clock.now()
        wish = Wish(action=Action.RERUN_PIPELINE, by=ANA, at=now, attempt_number=1)
        fields = {"status": Status.OPEN, "outcome": None, "episode": Episode(number=2)}
        await store.update(
            ticket.id, lambda one: one.changed(now, "t", "m", requested=wish, **fields)
        )

    store.after_takeover = reopen
    accepted = await report(store, clock, "run-2")
    assert accepted == Accepted(ticket.id, Disposition.DUPLICATE)
    assert await open_tickets(store) == [ticket.id]


async def test_who_asks_too_late_is_told_of_the_other_ticket(
    store: Interrupted, clock: StoppedClock
) -> None:
    """The alert took the place just before the ticket was opened again: it is not, then."""
    ticket = await handed_over(store, clock)

    async def fails_anew() -> None:
        await report(store, clock, "run-2")

    store.before_update = fails_anew
    with pytest.raises(IllegalTransition, match="TIK-20261120-000002"):
        await ask(store, clock, ticket)
    assert await open_tickets(store) == ["TIK-20261120-000002"]
    assert (await store.get(ticket.id)).outcome is Outcome.SUPERSEDED


async def test_its_orchestrations_are_counted_from_then_on(
    store: Interrupted, clock: StoppedClock
) -> None:
    """What was lost before a person asked says nothing about now."""
    ticket = await handed_over(store, clock)
    for _ in range(MAX_EPISODES):
        asked = await ask(store, clock, ticket)
        ticket = await close_ticket(ticket.id, Outcome.INCONCLUSIVE, "so", store, clock)
        clock.advance(minutes=1)
    asked = await ask(store, clock, ticket)
    assert asked.ticket.instance_id == f"rem-{ticket.id}-{MAX_EPISODES + 2}"
    for errand in await store.errands():
        await store.done(errand)
    clock.advance(minutes=10)
    hours = timedelta(hours=2)
    since = asked.ticket.created_at
    (found,) = await sweep(store, _Gone(), clock, longest_watch=hours, awake_since=since)
    assert not found.given_up


class _Gone:
    """Orchestrations of which nothing is left."""

    async def standing(self, instance_id: str) -> Standing:
        """See the protocol."""
        del instance_id
        return Standing.UNKNOWN

    async def stop(self, instance_id: str, why: str) -> None:
        """See the protocol."""
