"""The end of a ticket."""

import azure.durable_functions as df

from shared.container import services
from shared.domain.messages import Ending
from shared.telemetry.spans import traced
from shared.usecases import close_ticket as closing

bp = df.Blueprint()


@bp.activity_trigger(input_name="payload")
@traced
async def close_ticket(payload: dict) -> str:
    """End the ticket and return its status. Safe to repeat."""
    asked = Ending.model_validate(payload)
    ticket = await closing.close_ticket(
        asked.ticket_id, asked.outcome, asked.conclusion, services().store, services().clock
    )
    return ticket.status
