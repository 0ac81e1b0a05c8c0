"""Asking people."""

from datetime import timedelta

import azure.durable_functions as df

from shared.container import services
from shared.domain.messages import ApprovalLook, ApprovalRef, ApprovalRequested, TicketRef
from shared.settings import settings
from shared.telemetry.spans import traced
from shared.usecases import approvals

bp = df.Blueprint()


@bp.activity_trigger(input_name="payload")
@traced
async def request_approval(payload: dict) -> dict[str, object]:
    """Ask about the plan of the last decision. Safe to repeat."""
    asked, using = TicketRef.model_validate(payload), services()
    found = await approvals.request_approval(
        asked.ticket_id,
        using.store,
        using.clock,
        time_to_decide=timedelta(minutes=settings().mend_approval_timeout_minutes),
        quorum_if_high=settings().votes_for_high_risk,
    )
    return ApprovalRequested(
        approval_id=found.id if found else None, expires_at=found.expires_at if found else None
    ).model_dump(mode="json")


@bp.activity_trigger(input_name="payload")
@traced
async def look_at_approval(payload: dict) -> dict[str, object]:
    """Tell how a question stands; lets it run out when its time is up. Safe to repeat."""
    asked, using = ApprovalRef.model_validate(payload), services()
    status = await approvals.look_at_approval(
        asked.ticket_id, asked.approval_id, using.store, using.clock
    )
    return ApprovalLook(status=status).model_dump(mode="json")
