"""Start the remediations that wait in the outbox. Used right after intake and by the timer."""

import logging
from collections.abc import Collection

import azure.durable_functions as df

from shared.domain.messages import TicketRef
from shared.ports.tickets import Errand, TicketStore
from shared.usecases.accept_alert import START_REMEDIATION

logger = logging.getLogger(__name__)
_ALIVE = {
    df.OrchestrationRuntimeStatus.Pending,
    df.OrchestrationRuntimeStatus.Running,
    df.OrchestrationRuntimeStatus.Suspended,
}


async def start_waiting(
    store: TicketStore, client: df.DurableOrchestrationClient, *, of: Collection[str] | None = None
) -> int:
    """Start what waits and return how many were started; what fails stays for the next time.

    Starting twice does no harm: a running instance is not started again, and one
    that has ended finds its ticket ended too.

    Args:
        of: Only these tickets.
    """
    started = 0
    for errand in await store.errands(of=of):
        try:
            await _start(errand, client)
        except Exception:  # one that cannot be started must not hold up the others
            logger.exception("remediation not started", extra={"ticket_id": errand.ticket_id})
            continue
        await store.done(errand)
        started += 1
    return started


async def _start(errand: Errand, client: df.DurableOrchestrationClient) -> None:
    if errand.item.kind != START_REMEDIATION:
        raise ValueError(f"outbox item of unknown kind {errand.item.kind!r}")
    instance_id = errand.item.payload["instance_id"]
    payload = TicketRef(ticket_id=errand.ticket_id).model_dump(mode="json")
    try:
        await client.start_new("remediate", instance_id, payload)
    except Exception:
        status = await client.get_status(instance_id)
        if not status or status.runtime_status not in _ALIVE:
            raise
