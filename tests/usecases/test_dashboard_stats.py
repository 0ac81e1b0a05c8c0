"""The numbers of the dashboard."""

from datetime import timedelta

from shared.domain.analysis import Analysis
from shared.domain.ticket import Change, Outcome, Sla, Status, Ticket
from shared.stores.memory import MemoryStore
from shared.usecases import dashboard_stats as module
from shared.usecases.dashboard_stats import dashboard_stats, summed_up
from tests.support.builders import NOW, StoppedClock, a_ticket


def ended(number: int, outcome: Outcome | None, minutes: float = 0.0, **fields: object) -> Ticket:
    """Return a ticket that ended as ``outcome`` says."""
    statuses = {
        Outcome.HEALED: Status.RESOLVED,
        Outcome.NOT_REMEDIABLE: Status.ESCALATED,
        Outcome.CANCELLED: Status.CLOSED,
        None: Status.OPEN,
    }
    given = {
        "status": statuses[outcome],
        "outcome": outcome,
        "mttr_minutes": minutes or None,
        "closed_at": NOW + timedelta(minutes=minutes) if outcome else None,
        **fields,
    }
    return a_ticket(f"TIK-20261120-{number:06}").model_copy(update=given)


def test_the_sums() -> None:
    """Rates, times, hours and causes of a handful."""
    analysis = Analysis(signature="sql-moved", confidence=0.9)
    tickets = [
        ended(1, Outcome.HEALED, 2, analysis=analysis, sla=Sla(target_minutes=60, status="Met")),
        ended(2, Outcome.HEALED, 70, sla=Sla(target_minutes=60, status="Breached")),
        ended(3, Outcome.NOT_REMEDIABLE, analysis=analysis),
        ended(4, Outcome.CANCELLED),
        ended(5, None),
    ]
    found = summed_up(tickets, 24, {"open": 1, "resolved": 2}, awaiting=3, complete=True)

    assert (found.opened, found.healed, found.escalated, found.closed) == (3, 2, 1, 1)
    assert found.success_rate == 0.6667
    assert (found.mttr_minutes.p50, found.mttr_minutes.p90, found.mttr_minutes.mean) == (2, 70, 36)
    assert (found.sla.met, found.sla.breached, found.sla.share) == (1, 1, 0.5)
    assert sum(hour.opened for hour in found.per_hour) == 5
    assert [hour.healed for hour in found.per_hour] == [1, 1]
    assert found.by_signature[0].model_dump() == {
        "signature": "sql-moved", "tickets": 2, "healed": 1, "escalated": 1
    }  # fmt: skip
    assert found.awaiting_approval == 3


def test_without_tickets_there_are_no_shares() -> None:
    """Nothing is not zero per cent."""
    found = summed_up([], 24, {}, awaiting=0, complete=True)

    assert (found.success_rate, found.sla.share, found.mttr_minutes.mean) == (None, None, None)
    assert sum(one.tickets for one in found.calibration) == 0


async def test_only_the_newest_are_looked_at() -> None:
    """Counts are of all; what needs a look is bounded, and says so."""
    store = MemoryStore()
    for number in range(450):
        await store.create(Change(a_ticket(f"TIK-20261120-{number:06}")))
    before, module.MAX_TICKETS = module.MAX_TICKETS, 200
    try:
        some = await dashboard_stats(24, store=store, clock=StoppedClock())
    finally:
        module.MAX_TICKETS = before
    everything = await dashboard_stats(24, store=store, clock=StoppedClock())

    assert (some.opened, some.complete) == (450, False)
    assert (everything.opened, everything.complete) == (450, True)
    assert everything.per_hour[0].opened == 450
