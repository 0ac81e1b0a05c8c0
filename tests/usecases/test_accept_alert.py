"""Alerts become tickets: one open ticket per thing, one ticket per run for ever."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import cast

import pytest

from shared.domain.alert import Alert, Condition, Severity
from shared.domain.analysis import Action
from shared.domain.attempt import Attempt
from shared.domain.errors import Unavailable
from shared.domain.ticket import Change, Outcome, Status, Ticket
from shared.intake.fingerprint import fingerprint
from shared.stores.memory import MemoryStore
from shared.stores.sqlite import SqliteStore
from shared.usecases.accept_alert import Accepted, Disposition, accept_alert
from shared.usecases.operator_settings import change_policy_settings
from tests.support.builders import NOW, RUN, StoppedClock, an_alert, an_opening

Store = MemoryStore | SqliteStore
OPENED, DUPLICATE, IGNORED = Disposition.OPENED, Disposition.DUPLICATE, Disposition.IGNORED


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Yield an empty store of each kind."""
    chosen: Store = (
        MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "mend.db")
    )
    yield chosen
    await chosen.close()


_numbers = count(1)


def next_id(now: datetime) -> str:
    """Return ids that never repeat."""
    return f"TIK-{now:%Y%m%d}-{next(_numbers):06X}"


async def accept(store: Store, alert: Alert, **changes: object) -> Accepted:
    """Accept ``alert`` with ``changes`` to it."""
    return await accept_alert(
        alert.model_copy(update=changes),
        store,
        StoppedClock(),
        new_ticket_id=next_id,
        sla_minutes=60,
    )


async def close(store: Store, ticket_id: str) -> None:
    """End the ticket."""
    await store.update(
        ticket_id,
        lambda ticket: ticket.changed(
            StoppedClock().now(), "t", "m", status=Status.CLOSED, outcome=Outcome.CANCELLED
        ),
    )


async def test_a_first_alert_opens_a_ticket_and_asks_for_its_start(store: Store) -> None:
    """Ticket, first event and the errand to start it are one commit."""
    accepted = await accept(store, an_alert())

    ticket = await store.get(accepted.ticket_id or "")
    (errand,) = await store.errands()
    assert accepted.disposition is OPENED
    assert (ticket.status, ticket.resource.run_id) == (Status.OPEN, RUN)
    assert errand.item.payload == {"instance_id": f"rem-{ticket.id}-1"}


async def test_the_same_alert_counts_up(store: Store) -> None:
    """The second report of a run lands on the first one's ticket."""
    first = await accept(store, an_alert())
    second = await accept(store, an_alert())

    assert second == Accepted(first.ticket_id, DUPLICATE)
    assert (await store.get(first.ticket_id or "")).duplicate_count == 1


async def test_a_thousand_at_once_open_one_ticket(store: Store) -> None:
    """However they interleave, one is first and the count is exact."""
    accepted = await asyncio.gather(*(accept(store, an_alert()) for _ in range(1000)))

    assert len({item.ticket_id for item in accepted}) == 1
    assert [item.disposition for item in accepted].count(OPENED) == 1
    assert (await store.get(accepted[0].ticket_id or "")).duplicate_count == 999
    assert len(await store.errands()) == 1


async def test_another_run_of_the_same_thing_is_an_occurrence(store: Store) -> None:
    """While the ticket is open, further failing runs are listed on it."""
    first = await accept(store, an_alert(run_id="r1"))
    second = await accept(store, an_alert(run_id="r2"))

    ticket = await store.get(first.ticket_id or "")
    assert second.disposition is DUPLICATE
    assert [item.run_id for item in ticket.occurrences] == ["r2"]


async def test_an_alert_that_names_the_run_helps_one_that_did_not(store: Store) -> None:
    """A metric alert opens the ticket; the web activity's alert tells which run it is about."""
    first = await accept(store, an_alert(run_id=None))
    await accept(store, an_alert(run_id="r1"))
    await accept(store, an_alert(run_id="r2"))

    ticket = await store.get(first.ticket_id or "")
    assert (ticket.resource.run_id, ticket.current_run_id) == ("r1", "r1")
    assert [item.run_id for item in ticket.occurrences] == ["r2"]


async def test_a_late_echo_never_opens_a_second_ticket(store: Store) -> None:
    """The run id holds for ever, also after the ticket has ended."""
    first = await accept(store, an_alert(run_id="r1"))
    await accept(store, an_alert(run_id="r2"))
    await close(store, first.ticket_id or "")

    for run_id in ("r1", "r2", "R1"):
        echo = await accept(store, an_alert(run_id=run_id))
        assert echo == Accepted(first.ticket_id, DUPLICATE)


async def test_a_new_failure_after_the_end_opens_a_new_ticket(store: Store) -> None:
    """The fingerprint is free again once its ticket has ended."""
    first = await accept(store, an_alert(run_id="r1"))
    await close(store, first.ticket_id or "")

    second = await accept(store, an_alert(run_id="r3"))

    assert second.disposition is OPENED
    assert second.ticket_id != first.ticket_id


async def test_many_new_failures_after_the_end_open_one_ticket(store: Store) -> None:
    """Taking over an ended ticket's fingerprint is decided by the store, too."""
    first = await accept(store, an_alert(run_id="r1"))
    await close(store, first.ticket_id or "")

    alerts = [an_alert(run_id=f"n{number % 10}") for number in range(100)]
    accepted = await asyncio.gather(*(accept(store, alert) for alert in alerts))

    assert len({item.ticket_id for item in accepted}) == 1
    assert [item.disposition for item in accepted].count(OPENED) == 1


async def test_different_things_get_different_tickets(store: Store) -> None:
    """Two pipelines are two tickets."""
    first = await accept(store, an_alert("load_a", "r1"))
    second = await accept(store, an_alert("load_b", "r2"))

    assert {first.disposition, second.disposition} == {OPENED}


async def test_a_claim_without_its_ticket_is_finished_by_the_next(store: Store) -> None:
    """A crash between claim and ticket loses nothing: the next alert creates that ticket."""
    await store.claim("fingerprint", fingerprint(an_alert()), "TIK-20261120-DEAD00")

    accepted = await accept(store, an_alert())

    assert accepted == Accepted("TIK-20261120-DEAD00", OPENED)


async def test_a_run_claim_without_its_ticket_is_finished_by_the_next(store: Store) -> None:
    """The same for a crash after the second claim."""
    await store.claim("run", an_alert().resource.run_key(RUN), "TIK-20261120-DEAD00")

    accepted = await accept(store, an_alert())
    another = await accept(store, an_alert(run_id="r2"))

    assert accepted == Accepted("TIK-20261120-DEAD00", OPENED)
    assert another == Accepted("TIK-20261120-DEAD00", DUPLICATE)


async def test_an_id_taken_by_another_ticket_is_not_shared(store: Store) -> None:
    """Should two random ids collide, the second ticket gets another one."""
    first = await accept(store, an_alert("load_a", "r1"))
    ids = iter([first.ticket_id or "", "TIK-20261120-FRESH1"])

    second = await accept_alert(
        an_alert("load_b", "r2"),
        store,
        StoppedClock(),
        new_ticket_id=lambda _: next(ids),
        sla_minutes=60,
    )

    assert second.disposition is OPENED
    assert second.ticket_id == "TIK-20261120-FRESH1"


async def test_resolved_and_test_alerts_open_nothing(store: Store) -> None:
    """A "resolved" is noted on an open ticket; a test alert leaves no trace."""
    for condition in (Condition.RESOLVED, Condition.TEST):
        nothing = await accept(store, an_alert(), condition=condition)
        assert nothing == Accepted(None, IGNORED)
    first = await accept(store, an_alert())

    noted = await accept(store, an_alert(), condition=Condition.RESOLVED)

    assert noted == Accepted(first.ticket_id, IGNORED)
    assert (await store.events(first.ticket_id or ""))[-1].type == "alert.resolved"


async def test_a_storm_does_not_bury_the_timeline(store: Store) -> None:
    """A hundred repeats leave three entries: the first, the tenth, the hundredth."""
    first = await accept(store, an_alert())
    for _ in range(120):
        await accept(store, an_alert())

    types = [event.type for event in await store.events(first.ticket_id or "")]
    assert types == ["ticket.opened", *["alert.duplicate"] * 3]


async def test_secrets_in_an_alert_do_not_reach_the_ticket(store: Store) -> None:
    """Error texts quote connection strings; the ticket must not."""
    text = "Login failed: Server=tcp:db;User ID=app;Password=hunter2-secret;"
    accepted = await accept(store, an_alert(), description=text, title=text)

    ticket = await store.get(accepted.ticket_id or "")
    assert "hunter2" not in ticket.model_dump_json()
    assert "Login failed" in ticket.description


async def test_a_run_that_fails_while_its_ticket_ends_is_not_lost(store: Store) -> None:
    """It came too late to be listed on the old ticket, so it opens one of its own."""
    first = await accept(store, an_alert(run_id="r1"))
    ticket_id = first.ticket_id or ""
    plain_create = store.create

    async def create_and_close(change: Change) -> bool:
        created = await plain_create(change)
        if not created and (await store.get(ticket_id)).is_open:
            await close(store, ticket_id)
        return created

    store.create = create_and_close  # type: ignore[method-assign]
    late = await accept(store, an_alert(run_id="r2"))

    assert late.disposition is OPENED
    assert late.ticket_id != ticket_id
    assert await accept(store, an_alert(run_id="r2")) == Accepted(late.ticket_id, DUPLICATE)
    assert await accept(store, an_alert(run_id="r1")) == Accepted(ticket_id, DUPLICATE)


async def test_a_sender_that_repeats_its_resolved_is_noted_once(store: Store) -> None:
    """A metric alert resolves every few minutes."""
    first = await accept(store, an_alert())
    for _ in range(30):
        await accept(store, an_alert(), condition=Condition.RESOLVED)

    types = [event.type for event in await store.events(first.ticket_id or "")]
    assert types == ["ticket.opened", "alert.resolved"]


async def test_an_echo_of_an_old_run_lands_on_its_own_ticket(store: Store) -> None:
    """The run decides before the fingerprint: a newer ticket for the same thing is not touched."""
    old = await accept(store, an_alert(run_id="r1"))
    await close(store, old.ticket_id or "")
    new = await accept(store, an_alert(run_id="r2"))

    echo = await accept(store, an_alert(run_id="r1"))

    assert echo == Accepted(old.ticket_id, DUPLICATE)
    assert (await store.get(new.ticket_id or "")).occurrences == ()


def a_rerun(run_id: str) -> Attempt:
    """Return an attempt that became ``run_id``."""
    return Attempt(
        number=1,
        key="k",
        action=Action.RERUN_FROM_FAILURE,
        target="load",
        reference_run_id="root-1",
        external_run_id=run_id,
        started_at=NOW,
    )


async def test_an_echo_on_an_ended_ticket_only_counts(store: Store) -> None:
    """What has ended is not told of its own rerun's failure; it keeps counting."""
    first = await accept(store, an_alert(run_id="r1"))
    ticket_id = first.ticket_id or ""
    await store.claim("run", an_alert().resource.run_key("rerun"), ticket_id)
    await store.update(ticket_id, lambda t: t.counted(NOW, attempts=(a_rerun("rerun"),)))
    await close(store, ticket_id)

    await accept(store, an_alert(run_id="rerun"))

    ticket = await store.get(ticket_id)
    assert (ticket.duplicate_count, ticket.occurrences) == (1, ())


async def test_the_alert_of_a_root_counts_on_the_childs_ticket(store: Store) -> None:
    """A run that a ticket of another name has claimed belongs to that ticket."""
    child = await accept(store, an_alert("child", "c1"))
    await store.claim("run", an_alert().resource.run_key("root-1"), child.ticket_id or "")

    root = await accept(store, an_alert("root", "root-1"))

    assert root == Accepted(child.ticket_id, DUPLICATE)
    assert len(await store.errands()) == 1


async def test_runs_the_ticket_knows_are_no_occurrences(store: Store) -> None:
    """Its run, its root, its own reruns and occurrences already listed are not listed again."""
    first = await accept(store, an_alert(run_id="c1"))
    await store.update(
        first.ticket_id or "",
        lambda ticket: ticket.counted(NOW, current_run_id="root-1", attempts=(a_rerun("rerun-1"),)),
    )

    for run_id in ("c1", "root-1", "rerun-1", "r2", "r2"):
        await accept(store, an_alert(run_id=run_id))

    ticket = await store.get(first.ticket_id or "")
    assert [item.run_id for item in ticket.occurrences] == ["r2"]
    assert ticket.duplicate_count == 5


async def test_a_ticket_lists_at_most_fifty_other_runs(store: Store) -> None:
    """A pipeline that fails every minute must not make the ticket grow without end."""
    first = await accept(store, an_alert(run_id="r0"))
    for number in range(1, 61):
        await accept(store, an_alert(run_id=f"r{number}"))

    listed = [item.run_id for item in (await store.get(first.ticket_id or "")).occurrences]
    assert listed == [f"r{number}" for number in range(11, 61)]


async def test_a_resolved_after_the_end_leaves_no_trace(store: Store) -> None:
    """An ended ticket is not written on, and the sender's "resolved" opens nothing."""
    first = await accept(store, an_alert())
    await close(store, first.ticket_id or "")
    before = await store.get(first.ticket_id or "")

    noted = await accept(store, an_alert(), condition=Condition.RESOLVED)

    assert noted == Accepted(None, IGNORED)
    assert await store.get(first.ticket_id or "") == before


async def test_a_test_alert_is_not_written_on_an_open_ticket(store: Store) -> None:
    """Somebody pressed a button; nothing has resolved."""
    first = await accept(store, an_alert())

    assert await accept(store, an_alert(), condition=Condition.TEST) == Accepted(None, IGNORED)
    assert len(await store.events(first.ticket_id or "")) == 1


async def test_an_id_taken_in_the_last_moment_is_not_shared(store: Store) -> None:
    """Two processes drew the same id at once: the loser's alert does not land on a stranger."""
    taken = "TIK-20261120-SAME01"
    looks = 0

    class Late:
        """The store as the loser sees it: the stranger's ticket appears after the first look."""

        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

        async def find(self, ticket_id: str) -> Ticket | None:
            nonlocal looks
            looks += 1
            found = await store.find(ticket_id)
            if looks == 1:
                await store.create(an_opening(taken))
            return found

    with pytest.raises(Unavailable):
        await accept_alert(
            an_alert("load_b", None),
            cast("Store", Late()),
            StoppedClock(),
            new_ticket_id=lambda _: taken,
            sla_minutes=60,
        )

    assert (await store.get(taken)).duplicate_count == 0


async def test_how_long_it_may_take_follows_the_severity(store: Store) -> None:
    """As the policy has it: at the start, and when its sender calls it worse."""
    said = {Severity.CRITICAL: 15.0}
    await change_policy_settings(
        store, lambda one: one.model_copy(update={"sla_minutes_by_severity": said})
    )
    alert = an_alert(run_id=None)

    opened = await accept(store, alert, severity=Severity.LOW)
    first = await store.get(opened.ticket_id or "")
    worse = await accept(store, alert, severity=Severity.CRITICAL)
    then = await store.get(worse.ticket_id or "")

    assert first.id == then.id
    assert (first.sla.target_minutes, then.sla.target_minutes) == (60, 15)
