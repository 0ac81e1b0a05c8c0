"""Mend's own numbers: from the store, complete, and with a bounded number of reads."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.delivery import Delivery, DeliveryState, IntakeCounts
from shared.domain.errors import Unavailable
from shared.domain.ticket import Outcome, Status
from shared.ports.tickets import TicketPage, TicketQuery
from shared.stores.memory import MemoryStore
from shared.usecases.take_pulse import METRICS, take_pulse
from tests.support.builders import NOW, StoppedClock, an_opening
from triggers.metrics import exposed

CLOCK = StoppedClock(NOW + timedelta(hours=1))


async def numbers(store: MemoryStore, *, canary: bool = False) -> dict[str, float]:
    """Return each sample by its name and labels, as Prometheus writes them."""
    lines = exposed(await take_pulse(store, CLOCK, canary=canary)).splitlines()
    found = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in found}


async def open_ticket(store: MemoryStore, number: int, **update: Any) -> None:
    """Store a ticket as it is after ``update``."""
    opening = an_opening(f"TIK-{number:04}", NOW)
    await store.create(replace(opening, ticket=opening.ticket.model_copy(update=update)))


async def test_an_empty_store_tells_zeros() -> None:
    """A status without tickets is there as well, so that a graph does not end."""
    found = await numbers(MemoryStore())

    assert found["mend_up"] == 1
    assert {found[f'mend_tickets{{status="{one}"}}'] for one in Status} == {0}
    assert (found["mend_unaccounted"], found["mend_dead_letters"]) == (0, 0)
    assert not [name for name in found if name.startswith("mend_canary")]


async def test_tickets_are_counted() -> None:
    """By status, by how they ended, and those that had been left alone."""
    store = MemoryStore()
    await open_ticket(store, 1)
    await open_ticket(store, 2)
    opening = an_opening("TIK-0003", NOW)
    again = opening.ticket.episode.model_copy(update={"number": 2})
    await store.create(
        replace(opening, ticket=opening.ticket.model_copy(update={"episode": again}))
    )
    found = await numbers(store)

    assert found['mend_tickets{status="open"}'] == 3
    assert found["mend_orphans"] == 1
    assert found["mend_budget_exhausted"] == 0


async def test_what_met_a_limit_is_told() -> None:
    """Both by its outcome and as the number that an alert looks at."""

    class Ended(MemoryStore):
        async def search(self, query: TicketQuery) -> TicketPage:
            page = await super().search(query)
            update = {"outcome": Outcome.BUDGET_EXHAUSTED, "closed_at": NOW}
            return TicketPage(tuple(one.model_copy(update=update) for one in page.items), None)

    store = Ended()
    await open_ticket(store, 1)
    found = await numbers(store)

    assert found['mend_tickets_ended{outcome="budget_exhausted"}'] == 1
    assert found["mend_budget_exhausted"] == 1


async def test_alerts_that_are_not_accounted_for_show() -> None:
    """And what is left over for a person."""
    store = MemoryStore()
    delivery = Delivery(
        id="DLV-1",
        source="adf",
        key="1",
        body_hash="0" * 64,
        body="{}",
        whole=True,
        received_at=NOW,
        state=DeliveryState.DEAD,
    )
    await store.receive(delivery, IntakeCounts(received=3, opened=1))
    found = await numbers(store)

    assert found['mend_intake{source="adf",kind="received"}'] == 3
    assert found["mend_unaccounted"] == 2
    assert found["mend_dead_letters"] == 1


@pytest.mark.parametrize(("problem", "late"), [("", 1), ("no answer", 1)])
async def test_a_late_canary_shows(problem: str, late: int) -> None:
    """Whether it is still on its way or could not even be sent."""
    store = MemoryStore()
    await store.write("canary", {"name": "c", "sent_at": NOW.isoformat(), "problem": problem})

    assert (await numbers(store, canary=True))["mend_canary_late"] == late


async def test_reads_are_bounded() -> None:
    """However many tickets there are."""

    class Endless(MemoryStore):
        searches = 0

        async def search(self, query: TicketQuery) -> TicketPage:
            self.searches += 1
            page = await super().search(replace(query, cursor=None))
            return TicketPage(page.items, "more")

    store = Endless()
    await open_ticket(store, 1)
    await take_pulse(store, CLOCK, canary=False)
    assert store.searches == 5


async def test_a_store_that_does_not_answer_is_no_zero() -> None:
    """Nobody may read "no dead letters" out of an outage."""

    class Away(MemoryStore):
        async def facets(self, query: TicketQuery) -> dict[str, dict[str, int]]:
            raise Unavailable("away")

    with pytest.raises(Unavailable):
        await take_pulse(Away(), CLOCK, canary=False)


async def test_every_metric_is_described() -> None:
    """HELP and TYPE come before the first number of each."""
    text = exposed(await take_pulse(MemoryStore(), CLOCK, canary=False))
    names = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if line[0] != "#"}

    assert names <= set(METRICS)
    for name in names:
        assert text.index(f"# HELP {name} ") < text.index(f"\n{name}")
    assert text.endswith("\n")
