"""The numbers of the dashboard."""

from datetime import timedelta

from shared.domain.analysis import Action, Analysis, Risk
from shared.domain.approval import Approval, ApprovalStatus, Plan
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


def asked(number: int, minutes: float | None, status: ApprovalStatus, *, acted: bool) -> Ticket:
    """Return a ticket about which a person was asked, and answered after so many minutes."""
    plan = Plan(
        action=Action.RERUN_PIPELINE,
        target="load_orders",
        scope="/factories/adf-retail",
        run_id=None,
        risk=Risk.LOW,
        attempt_number=1,
    )
    approval = Approval(
        id=f"APR-20261120-{number:06}-1",
        ticket_id=f"TIK-20261120-{number:06}",
        number=1,
        status=status,
        plan=plan,
        plan_hash=plan.hash,
        requested_at=NOW,
        expires_at=NOW + timedelta(hours=4),
        decided_at=None if minutes is None else NOW + timedelta(minutes=minutes),
    )
    return ended(number, None).model_copy(
        update={"approval": approval, "attempts": ("one",) if acted else ()}
    )


def test_what_people_were_asked() -> None:
    """How long they took, and how much was done without them."""
    tickets = [
        asked(1, 0.5, ApprovalStatus.APPROVED, acted=True),
        asked(2, 5, ApprovalStatus.REJECTED, acted=False),
        asked(3, 600, ApprovalStatus.APPROVED, acted=True),
        asked(4, 240, ApprovalStatus.EXPIRED, acted=False),
        asked(5, None, ApprovalStatus.PENDING, acted=False),
        ended(6, None).model_copy(update={"attempts": ("one",)}),
    ]
    found = summed_up(tickets, 24, {}, awaiting=0, complete=True).approvals

    assert (found.asked, found.approved, found.rejected, found.expired) == (5, 2, 1, 1)
    assert (found.minutes.p50, found.minutes.p90) == (5, 600)
    assert [one.decisions for one in found.waits] == [1, 0, 1, 0, 0, 1]
    assert found.waits[-1].high_minutes is None
    assert (found.acted_alone, found.acted_agreed) == (1, 2)


def test_days_have_their_own_percentiles() -> None:
    """They cannot be made of those of hours."""
    tickets = [ended(number, Outcome.HEALED, minutes) for number, minutes in enumerate((1, 2, 90))]
    found = summed_up(tickets, 24, {}, awaiting=0, complete=True)

    assert [(day.healed, day.mttr_p50, day.mttr_p90) for day in found.per_day] == [(3, 2, 90)]
    assert [hour.mttr_p90 for hour in found.per_hour] == [2, 90]
    assert found.per_day[0].day.hour == 0


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
