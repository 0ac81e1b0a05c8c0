"""Timers that mend what crashes and outages leave behind. Each may run at any time, and twice."""

import logging
from datetime import UTC, datetime, timedelta

import azure.durable_functions as df
import azure.functions as func

from shared.container import services
from shared.settings import settings
from shared.usecases.pull_failures import pull_failures
from shared.usecases.sweep import sweep
from triggers.starter import DurableOrchestrations, run_errands

bp = df.Blueprint()
logger = logging.getLogger(__name__)
_STATUS = df.OrchestrationRuntimeStatus
_ENDED = [_STATUS.Completed, _STATUS.Failed, _STATUS.Terminated, _STATUS.Canceled]
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@bp.timer_trigger(schedule="*/15 * * * * *", arg_name="timer", run_on_startup=False)
@bp.durable_client_input(client_name="client")
async def sweep_outbox(
    timer: func.TimerRequest,  # noqa: ARG001 - the trigger binds it
    client: df.DurableOrchestrationClient,
) -> None:
    """Every 15 seconds: do the errands that still wait, until none can be done."""
    while await run_errands(client):
        pass


@bp.timer_trigger(schedule="0 * * * * *", arg_name="timer", run_on_startup=False)
@bp.durable_client_input(client_name="client")
async def sweep_tickets(
    timer: func.TimerRequest,  # noqa: ARG001
    client: df.DurableOrchestrationClient,
) -> None:
    """Every minute: find tickets that nobody works on any more."""
    using = services()
    watch = timedelta(minutes=settings().mend_monitor_timeout_minutes)
    found = await sweep(
        using.store,
        DurableOrchestrations(client),
        using.clock,
        longest_watch=watch,
        awake_since=using.started_at,
    )
    for one in found:
        logger.warning("%s: %s", one.ticket_id, one.why, extra={"ticket_id": one.ticket_id})
    await run_errands(client, of=[one.ticket_id for one in found])


@bp.timer_trigger(schedule="0 */5 * * * *", arg_name="timer", run_on_startup=False)
@bp.durable_client_input(client_name="client")
async def pull_failed_runs(
    timer: func.TimerRequest,  # noqa: ARG001
    client: df.DurableOrchestrationClient,
) -> None:
    """Every five minutes: open tickets for failed runs that nobody has reported."""
    using = services()
    for feed in using.feeds:
        try:
            opened = await pull_failures(
                feed,
                using.store,
                using.clock,
                new_ticket_id=using.new_ticket_id,
                sla_minutes=settings().mend_sla_minutes,
            )
        except Exception:  # one that does not answer must not hold up the others
            logger.exception("failed runs of %s not read", feed.scope)
            continue
        await run_errands(client, of=opened)


@bp.timer_trigger(schedule="0 17 * * * *", arg_name="timer", run_on_startup=False)
@bp.durable_client_input(client_name="client")
async def purge_histories(
    timer: func.TimerRequest,  # noqa: ARG001
    client: df.DurableOrchestrationClient,
) -> None:
    """Every hour: forget orchestrations that ended long ago; tickets tell all that matters."""
    before = services().clock.now() - timedelta(days=settings().mend_history_days)
    await client.purge_instance_history_by(_LONG_AGO, before, _ENDED)
