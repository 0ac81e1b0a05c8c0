"""Every 15 seconds: start what a crash or an outage kept from being started."""

import azure.durable_functions as df
import azure.functions as func

from shared.container import services
from triggers.starter import start_waiting

bp = df.Blueprint()


@bp.timer_trigger(schedule="*/15 * * * * *", arg_name="timer", run_on_startup=False)
@bp.durable_client_input(client_name="client")
async def sweep_outbox(
    timer: func.TimerRequest,  # noqa: ARG001 - the trigger binds it
    client: df.DurableOrchestrationClient,
) -> None:
    """Start the remediations that still wait, page by page until none can be started."""
    while await start_waiting(services().store, client):
        pass
