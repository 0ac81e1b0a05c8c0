"""Things that are what they usually are, unless a test says otherwise."""

from datetime import UTC, datetime, timedelta

from shared.domain.alert import Alert, Platform, Resource, Severity
from shared.domain.run import RunPhase, RunSnapshot
from shared.domain.ticket import Change, Sla, Ticket

NOW = datetime(2026, 11, 20, 2, 7, 11, tzinfo=UTC)
SCOPE = (
    "/subscriptions/00000000-0000-0000-0000-0000000000aa/resourcegroups/rg-data"
    "/providers/microsoft.datafactory/factories/adf-sales"
)
RUN = "3d1f0000-0000-4000-8000-000000000001"


class StoppedClock:
    """Shows ``at`` until somebody moves it."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        """See the protocol."""
        return self.at

    def advance(self, **span: float) -> None:
        """Move on, e.g. by ``minutes=5``."""
        self.at += timedelta(**span)


def a_resource(name: str = "load_customer_data", run_id: str | None = RUN) -> Resource:
    """Return a pipeline of the factory ``adf-sales``."""
    return Resource(platform=Platform.ADF, scope=SCOPE, kind="pipeline", name=name, run_id=run_id)


def an_alert(name: str = "load_customer_data", run_id: str | None = RUN) -> Alert:
    """Return an alert as the ``adf`` source makes it."""
    return Alert(
        source="adf",
        resource=a_resource(name, run_id),
        title=f"Pipeline {name} failed in adf-sales",
        description="Network timeout connecting to the SQL database",
        occurred_at=NOW,
    )


def a_ticket(ticket_id: str = "TIK-20261120-000001", at: datetime = NOW) -> Ticket:
    """Return a ticket nothing has happened to."""
    return Ticket(
        id=ticket_id,
        severity=Severity.HIGH,
        source="adf",
        platform=Platform.ADF,
        title="Pipeline load_customer_data failed in adf-sales",
        resource=a_resource(),
        fingerprint="f" * 32,
        current_run_id=RUN,
        sla=Sla(target_minutes=60),
        created_at=at,
        updated_at=at,
    )


def an_opening(ticket_id: str = "TIK-20261120-000001", at: datetime = NOW) -> Change:
    """Return the change that stores :func:`a_ticket`."""
    opened = a_ticket(ticket_id, at).changed(at, "ticket.opened", "opened")
    return Change(opened.ticket.model_copy(update={"version": 1}), opened.events, opened.outbox)


def a_run(
    run_id: str = RUN,
    phase: RunPhase = RunPhase.FAILED,
    *,
    started_at: datetime = NOW - timedelta(minutes=10),
    group_id: str = "group-1",
    parent_run_id: str | None = None,
    by_trigger: bool = False,
) -> RunSnapshot:
    """Return a run of ``load_customer_data`` that has failed."""
    return RunSnapshot(
        run_id=run_id,
        name="load_customer_data",
        status={"active": "InProgress"}.get(phase, phase.capitalize()),
        phase=phase,
        group_id=group_id,
        parent_run_id=parent_run_id,
        by_trigger=by_trigger,
        started_at=started_at,
    )
