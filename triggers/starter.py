"""Carry out what waits in the outbox. Used right after intake and by the timer."""

import asyncio
import logging
from collections.abc import Collection

import azure.durable_functions as df

from shared.container import services
from shared.domain.event import START_REMEDIATION, UNDO
from shared.domain.messages import TicketRef
from shared.ports.orchestrations import Standing
from shared.ports.tickets import Errand
from shared.telemetry.spans import ticket_span
from shared.usecases.undo_attempt import undo_attempt

logger = logging.getLogger(__name__)
_UNDER_WAY: set[asyncio.Task[None]] = set()
_STATUS = df.OrchestrationRuntimeStatus
_STANDINGS = {
    _STATUS.Pending: Standing.PENDING,
    _STATUS.Running: Standing.RUNNING,
    _STATUS.Suspended: Standing.RUNNING,
    _STATUS.ContinuedAsNew: Standing.RUNNING,
}


class DurableOrchestrations:
    """Implements :class:`~shared.ports.orchestrations.Orchestrations`."""

    def __init__(self, client: df.DurableOrchestrationClient) -> None:
        self._client = client

    async def standing(self, instance_id: str) -> Standing:
        """See the protocol."""
        status = await self._client.get_status(instance_id)
        if not status or status.runtime_status is None:
            return Standing.UNKNOWN
        return _STANDINGS.get(status.runtime_status, Standing.OVER)

    async def stop(self, instance_id: str, why: str) -> None:
        """See the protocol."""
        if await self.standing(instance_id) in {Standing.PENDING, Standing.RUNNING}:
            await self._client.terminate(instance_id, why)


async def run_errands(
    client: df.DurableOrchestrationClient, *, of: Collection[str] | None = None
) -> int:
    """Do what waits and return how many are done; what fails stays for the next time.

    Doing it twice does no harm: a running instance is not started again, one that has ended
    finds its ticket ended too, and what is taken back already stays so.

    Args:
        of: Only these tickets.
    """
    store, done = services().store, 0
    for errand in await store.errands(of=of):
        try:
            await _run(errand, client)
        except Exception:  # one that cannot be done must not hold up the others
            logger.exception("errand not done", extra={"ticket_id": errand.ticket_id})
            continue
        await store.done(errand)
        done += 1
    return done


def start(opened: Collection[str], client: df.DurableOrchestrationClient) -> None:
    """Begin the remediation of these tickets right after the answer.

    Nobody waits for it: it is stored, and what fails or is cut off here, a timer does later.
    """
    if opened:
        task = asyncio.create_task(_start_all(opened, client))
        _UNDER_WAY.add(task)  # the loop itself keeps tasks weakly
        task.add_done_callback(_UNDER_WAY.discard)


async def _start_all(opened: Collection[str], client: df.DurableOrchestrationClient) -> None:
    try:
        await run_errands(client, of=opened)
    except Exception:
        logger.exception("remediation not started yet")


async def _run(errand: Errand, client: df.DurableOrchestrationClient) -> None:
    payload = errand.item.payload
    if errand.item.kind == START_REMEDIATION:
        await _start(errand.ticket_id, payload["instance_id"], client)
    elif errand.item.kind == UNDO:
        using, number = services(), int(payload["attempt"])
        await undo_attempt(errand.ticket_id, number, using.store, using.remedies, using.clock)
    else:
        raise ValueError(f"outbox item of unknown kind {errand.item.kind!r}")


async def _start(ticket_id: str, instance_id: str, client: df.DurableOrchestrationClient) -> None:
    payload = TicketRef(ticket_id=ticket_id).model_dump(mode="json")
    try:
        with ticket_span("start_remediation", ticket_id):
            await client.start_new("remediate", instance_id, payload)
    except Exception:
        standing = await DurableOrchestrations(client).standing(instance_id)
        if standing not in {Standing.PENDING, Standing.RUNNING}:
            raise
