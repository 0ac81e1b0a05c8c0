"""Counting attempts: the same in every store as in plain code, however many ask at once."""

import asyncio
import random
from datetime import timedelta

import pytest

from shared.domain.analysis import Action
from shared.domain.attempt import AttemptOutcome
from shared.domain.limits import Limit, Per, Send
from shared.domain.ticket import Change, Ticket
from shared.stores.counting import first_reached
from tests.contract.stores import Store
from tests.support.builders import NOW, SCOPE, an_opening

ID = "TIK-20261120-000001"


@pytest.fixture(autouse=True)
async def a_ticket(store: Store) -> None:
    """One ticket is there already."""
    await store.create(an_opening(ID))


def a_send(
    key: str,
    target: str = "load",
    *,
    scope: str = SCOPE,
    action: Action = Action.RERUN_FROM_FAILURE,
    seconds_ago: float = 0,
) -> Send:
    """Return an attempt."""
    at = NOW - timedelta(seconds=seconds_ago)
    return Send(key=key, ticket_id=ID, scope=scope, target=target, action=action, at=at)


def a_limit(per: Per, most: int, seconds: float = 3600, *, running: bool = False) -> Limit:
    """Return a limit."""
    return Limit(name="test", per=per, most=most, seconds=seconds, running=running)


def noted(ticket: Ticket) -> Change:
    """Change something."""
    return ticket.changed(NOW, "test", "sent")


async def test_what_is_within_the_limit_is_done_and_counted(store: Store) -> None:
    """The third of two is not, and leaves nothing behind."""
    limits = (a_limit(Per.TARGET, 2),)

    came = [await store.update_counted(ID, noted, a_send(str(n)), limits) for n in range(3)]

    assert [reached is None for _, reached in came] == [True, True, False]
    assert len([one for one in await store.events(ID) if one.type == "test"]) == 2
    assert came[2][1] is not None
    assert came[2][1].until == NOW + timedelta(hours=1)


async def test_of_a_hundred_at_once_no_more_get_through(store: Store) -> None:
    """The count and the change are one commit."""
    limits = (a_limit(Per.ALL, 7),)

    came = await asyncio.gather(
        *(store.update_counted(ID, noted, a_send(str(n)), limits) for n in range(100))
    )

    assert sum(reached is None for _, reached in came) == 7
    assert len([one for one in await store.events(ID) if one.type == "test"]) == 7


async def test_an_attempt_is_counted_once(store: Store) -> None:
    """Its further steps and repetitions meet no limit."""
    limits = (a_limit(Per.TARGET, 1),)
    await store.update_counted(ID, noted, a_send("same"), limits)

    _, again = await store.update_counted(ID, noted, a_send("same"), limits)
    _, other = await store.update_counted(ID, noted, a_send("other"), limits)

    assert again is None
    assert other is not None


async def test_nothing_done_is_nothing_counted(store: Store) -> None:
    """A decision against it takes no room."""
    limits = (a_limit(Per.TARGET, 1),)

    await store.update_counted(ID, lambda _: None, a_send("a"), limits)

    assert await store.limit_reached(a_send("b"), limits) is None


async def test_what_is_over_does_not_run(store: Store) -> None:
    """It still counts for what was done in an hour."""
    await store.update_counted(ID, noted, a_send("a"), ())
    running, hourly = a_limit(Per.TARGET, 1, running=True), a_limit(Per.TARGET, 1)

    before = await store.limit_reached(a_send("b"), (running,))
    for _ in range(2):
        await store.end_send("a", NOW, AttemptOutcome.HEALED)
    await store.end_send("never counted", NOW, AttemptOutcome.HEALED)

    assert before is not None
    assert await store.limit_reached(a_send("b"), (running,)) is None
    assert await store.limit_reached(a_send("b"), (hourly,)) is not None


async def test_the_latest_outcomes_of_a_place(store: Store) -> None:
    """Newest end first, other places left out, what goes on left out."""
    for n, scope in enumerate((SCOPE, SCOPE, "elsewhere", SCOPE)):
        await store.update_counted(ID, noted, a_send(str(n), scope=scope), ())
    for n, outcome in ((1, AttemptOutcome.INCONCLUSIVE), (0, AttemptOutcome.HEALED)):
        await store.end_send(str(n), NOW + timedelta(seconds=10 - n), outcome)
    await store.end_send("2", NOW, AttemptOutcome.NOT_HEALED)

    found = await store.latest_outcomes(SCOPE, 5)

    assert [(one.key, one.outcome) for one in found] == [
        ("0", AttemptOutcome.HEALED),
        ("1", AttemptOutcome.INCONCLUSIVE),
    ]


async def test_the_share_that_fails(store: Store) -> None:
    """Targets, not tickets; names in any case; each place for itself."""
    for n, name in enumerate(("orders", "ORDERS", "sales", "stock")):
        opening = an_opening(f"TIK-20261120-00001{n}", NOW - timedelta(minutes=20 * (n == 3)))
        resource = opening.ticket.resource.model_copy(update={"name": name})
        ticket = opening.ticket.model_copy(update={"resource": resource})
        await store.create(Change(ticket, opening.events, opening.outbox))

    failing, known = await store.failing_share(SCOPE, NOW - timedelta(minutes=10))

    assert (failing, known) == (3, 4)  # the fixture's own ticket is one of them
    assert await store.failing_share("elsewhere", NOW) == (0, 0)


async def test_a_store_counts_as_plain_code_does(store: Store) -> None:
    """Random attempts and random limits: SQL and Python agree on each."""
    chance = random.Random(7)
    sends = []
    for n in range(120):
        send = a_send(
            str(n),
            chance.choice("abc"),
            scope=chance.choice((SCOPE, "elsewhere")),
            action=chance.choice((Action.RERUN_FROM_FAILURE, Action.REPAIR_RUN)),
            seconds_ago=chance.randrange(7200),
        )
        await store.update_counted(ID, noted, send, ())
        if chance.random() < 0.5:
            await store.end_send(send.key, NOW, AttemptOutcome.HEALED)
            send = send.model_copy(update={"ended_at": NOW})
        sends.append(send)

    for n in range(200):
        limit = a_limit(
            chance.choice(list(Per)),
            chance.randrange(1, 40),
            chance.randrange(60, 7200),
            running=chance.random() < 0.5,
        )
        probe = a_send(f"probe {n}", chance.choice("abcd"))
        assert await store.limit_reached(probe, (limit,)) == first_reached(probe, (limit,), sends)
