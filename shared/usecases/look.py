"""One look at a run: is it over?"""

from dataclasses import dataclass

from shared.domain.errors import Refused, Transient
from shared.ports.pipelines import PipelineService
from shared.ports.tickets import TicketStore


@dataclass(frozen=True, slots=True)
class Look:
    """What one look told.

    ``phase`` is a :class:`~shared.domain.run.RunPhase` or ``missing`` (the system
    does not know the run, or not yet), ``unreadable`` (no answer this time) or
    ``refused`` (looking again will not help).
    """

    phase: str
    status: str


async def look_at_run(
    ticket_id: str, run_id: str, tickets: TicketStore, pipelines: PipelineService
) -> Look:
    """Read the run once. Changes nothing, raises nothing the monitor could not outlive."""
    ticket = await tickets.get(ticket_id)
    try:
        run = await pipelines.run(ticket.resource, run_id)
    except Transient as error:
        return Look("unreadable", str(error))
    except Refused as error:
        return Look("refused", str(error))
    if run is None:
        return Look("missing", "")
    return Look(run.phase, run.status)
