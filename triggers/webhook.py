"""POST /api/v1/tickets/webhook/{source}: a failure is reported."""

import logging
from datetime import UTC, datetime

import azure.durable_functions as df
import azure.functions as func

from shared.container import Services, intake_defaults, services
from shared.domain.alert import Alert
from shared.intake.registry import normalise
from shared.settings import settings
from shared.usecases.accept_alert import Accepted, Disposition, accept_alert
from triggers.problems import answer, answers_problems
from triggers.starter import run_errands

bp = df.Blueprint()
logger = logging.getLogger(__name__)


@bp.route(
    route="v1/tickets/webhook/{source}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
@bp.durable_client_input(client_name="client")
@answers_problems
async def receive_alert(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """Store every alert of the body, then answer 202 with their tickets.

    202 means stored: from here on a crash may delay the remediation, never lose it.
    """
    defaults = intake_defaults(settings())
    received = normalise(req.route_params["source"], req.get_body(), defaults, datetime.now(UTC))
    accepted = [await _accept(alert, services()) for alert in received.alerts]
    await _start(accepted, client)
    body: dict[str, object] = {
        "accepted": len(accepted),
        "tickets": [
            {"ticket_id": item.ticket_id, "disposition": item.disposition} for item in accepted
        ],
    }
    if received.rejected:
        body["rejected"] = [item.model_dump(mode="json") for item in received.rejected]
    return answer(body, 202)


async def _accept(alert: Alert, using: Services) -> Accepted:
    return await accept_alert(
        alert,
        using.store,
        using.clock,
        new_ticket_id=using.new_ticket_id,
        sla_minutes=settings().mend_sla_minutes,
    )


async def _start(accepted: list[Accepted], client: df.DurableOrchestrationClient) -> None:
    opened = {
        item.ticket_id
        for item in accepted
        if item.disposition is Disposition.OPENED and item.ticket_id is not None
    }
    if not opened:
        return
    try:
        await run_errands(client, of=opened)
    except Exception:  # it is stored; the timer starts what could not be started here
        logger.exception("remediation not started yet")
