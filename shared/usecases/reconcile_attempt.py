"""Find out what became of a request whose answer was lost. Looks; never sends."""

from datetime import datetime, timedelta
from typing import Protocol

from shared.domain.alert import TimeWindow
from shared.domain.attempt import Attempt, AttemptOutcome, AttemptState
from shared.domain.errors import Transient
from shared.domain.run import RunSnapshot
from shared.domain.ticket import Change, Ticket
from shared.ports.clock import Clock
from shared.ports.pipelines import PipelineService
from shared.ports.tickets import ClaimStore, TicketStore
from shared.usecases.read_back import CLOCK_SKEW
from shared.usecases.record_issued import record_issued


class Store(TicketStore, ClaimStore, Protocol):
    """Both kinds of thing this use case writes."""


async def reconcile_attempt(
    ticket_id: str,
    number: int,
    store: Store,
    pipelines: PipelineService,
    clock: Clock,
    *,
    last_look: bool,
) -> Attempt:
    """Return the attempt, ``issued`` if its run was found. Safe to repeat.

    Args:
        last_look: The grace time is over: if nothing is found now, the request
            never took effect and the attempt has failed.

    Raises:
        Transient: the last look got no answer; nothing is concluded.
    """
    ticket = await store.get(ticket_id)
    attempt = ticket.attempt(number)
    if attempt.state is not AttemptState.UNKNOWN:
        return attempt
    try:
        found = await _runs_of(ticket, attempt, pipelines, clock)
    except Transient:
        if last_look:
            raise
        return attempt
    if found:
        # The oldest, should there be several: the others were started by somebody else.
        return await record_issued(ticket_id, number, found[0].run_id, store, clock, found=True)
    if not last_look:
        return attempt
    updated = await store.update(ticket_id, lambda current: _never_arrived(current, number, clock))
    return updated.attempt(number)


async def _runs_of(
    ticket: Ticket, attempt: Attempt, pipelines: PipelineService, clock: Clock
) -> list[RunSnapshot]:
    sent_at = attempt.sent_at or attempt.started_at
    window = TimeWindow(start=sent_at - CLOCK_SKEW, end=clock.now() + CLOCK_SKEW)
    runs = await pipelines.runs(ticket.resource, attempt.target, window)
    return sorted(
        (run for run in runs if _is_ours(attempt, run, sent_at)),
        key=lambda run: run.started_at or sent_at,
    )


def _is_ours(attempt: Attempt, run: RunSnapshot, sent_at: datetime) -> bool:
    """Tell whether ``run`` must be what the request started.

    A recovery run joins the group of the run it recovers, so a run of that group
    that was not there before is ours, or does exactly what ours would have done.
    So does a run that somebody started by hand with the same parameters.
    """
    if run.run_id in attempt.known_run_ids:
        return False
    same_group = run.group_id is not None and run.group_id == attempt.group_id
    same_work = not run.by_trigger and run.parameters_key == attempt.parameters_key
    if not (same_group or same_work):
        return False
    return run.started_at is None or run.started_at >= sent_at - CLOCK_SKEW


def _never_arrived(ticket: Ticket, number: int, clock: Clock) -> Change | None:
    attempt = ticket.attempt(number)
    if attempt.state is not AttemptState.UNKNOWN:
        return None
    waited = clock.now() - (attempt.sent_at or attempt.started_at)
    failed = attempt.moved_to(
        AttemptState.FAILED,
        outcome=AttemptOutcome.NOT_HEALED,
        ended_at=clock.now(),
        error=f"no run appeared within {_words(waited)} of sending; {attempt.error or ''}".rstrip(
            "; "
        ),
    )
    return ticket.changed(
        clock.now(),
        "remediation.not_found",
        f"attempt {number} never arrived: {failed.error}",
        data={"attempt": number},
        attempts=ticket.with_attempt(failed),
    )


def _words(span: timedelta) -> str:
    return f"{span.total_seconds():.0f} s"
