"""Timers that mend what crashes and outages leave behind. Each may run at any time, and twice."""

import logging
from datetime import UTC, datetime, timedelta

import azure.durable_functions as df
import azure.functions as func

from shared.container import services
from shared.domain.audit import AuditNote
from shared.settings import settings
from shared.usecases.fly_canary import fly_canary
from shared.usecases.pull_failures import pull_failures
from shared.usecases.sweep import sweep
from triggers.intake import reader_of
from triggers.starter import DurableOrchestrations, run_errands, start

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


@bp.timer_trigger(schedule="30 * * * * *", arg_name="timer", run_on_startup=False)
@bp.durable_client_input(client_name="client")
async def sweep_deliveries(
    timer: func.TimerRequest,  # noqa: ARG001
    client: df.DurableOrchestrationClient,
) -> None:
    """Every minute: deal with deliveries whose request died before it could."""
    take_in = services().take_in
    for delivery in await take_in.stale():
        note = AuditNote(actor="sweeper", action="delivery.redriven", reason="its request has died")
        try:
            taken = await take_in.redrive(delivery.id, await reader_of(delivery), note)
        except Exception as error:  # one that cannot be dealt with must not hold up the others
            logger.exception("delivery not dealt with", extra={"delivery_id": delivery.id})
            await take_in.bury(delivery.id, f"{type(error).__name__}: {error}")
            continue
        start(taken.opened, client)


@bp.timer_trigger(schedule="45 * * * * *", arg_name="timer", run_on_startup=False)
async def send_canary(timer: func.TimerRequest) -> None:  # noqa: ARG001
    """Every minute: send a canary, if it is time for one and canaries are switched on."""
    chosen, using = settings(), services()
    if chosen.mend_canary_minutes:
        every = timedelta(minutes=chosen.mend_canary_minutes)
        canary = await fly_canary(using.store, using.clock, using.own_webhook, every=every)
        if canary is not None and canary.problem:
            logger.error("canary %s: %s", canary.name, canary.problem)


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


@bp.timer_trigger(schedule="0 7 * * * *", arg_name="timer", run_on_startup=False)
async def note_audit_head(timer: func.TimerRequest) -> None:  # noqa: ARG001
    """Every hour: log where the audit trail ends.

    The log is kept elsewhere: whoever cuts the trail's end off, or writes it anew, has to change
    that as well. ``GET v1/audit/verify?head=SEQ:HASH`` compares.
    """
    head = await services().store.audit_head()
    if head is not None:
        logger.info(
            "the audit trail ends with entry %d, hash %s",
            head.seq,
            head.hash,
            extra={"audit_seq": head.seq, "audit_hash": head.hash},
        )


@bp.timer_trigger(schedule="0 17 * * * *", arg_name="timer", run_on_startup=False)
@bp.durable_client_input(client_name="client")
async def purge_histories(
    timer: func.TimerRequest,  # noqa: ARG001
    client: df.DurableOrchestrationClient,
) -> None:
    """Every hour: forget orchestrations and bodies of long ago; tickets tell all that matters."""
    before = services().clock.now() - timedelta(days=settings().mend_history_days)
    await services().store.forget_deliveries(before)
    await client.purge_instance_history_by(_LONG_AGO, before, _ENDED)
