"""Send one attempt to the outside. The most dangerous function in the project.

The state ``sending`` is on disk before the request leaves. Whoever finds it
there and did not write it just now cannot know whether the request left: a
second delivery of this activity, or the process after a crash. It never sends;
it says ``unknown``, and :mod:`shared.usecases.reconcile_attempt` goes looking.
"""

from dataclasses import dataclass
from typing import Protocol

from shared.domain.analysis import Action
from shared.domain.attempt import Attempt, AttemptOutcome, AttemptState
from shared.domain.errors import OutcomeUnknown, Refused, Transient
from shared.domain.ticket import Change, Ticket
from shared.ports.clock import Clock
from shared.ports.pipelines import PipelineService
from shared.ports.settings import SettingsStore
from shared.ports.tickets import ClaimStore, TicketStore
from shared.usecases.operator_settings import kill_switch
from shared.usecases.record_issued import record_issued


class Store(TicketStore, ClaimStore, SettingsStore, Protocol):
    """All that is read and written here."""


@dataclass(frozen=True, slots=True)
class Sent:
    """State of the attempt afterwards.

    ``intent`` means that nothing happened and that it may be sent again, after
    ``retry_after_seconds`` if the other side asked for a pause.
    """

    state: AttemptState
    run_id: str | None = None
    retry_after_seconds: float | None = None
    problem: str = ""


async def send_attempt(
    ticket_id: str, number: int, store: Store, pipelines: PipelineService, clock: Clock
) -> Sent:
    """Send attempt ``number`` at most once, however often and from wherever this is called.

    Raises:
        Unavailable: the store or the kill switch cannot be read; nothing was sent.
    """
    switch = await kill_switch(store)
    if switch.on:
        return await _stop(ticket_id, number, store, clock, switch.reason)
    ticket, mine = await _claim(ticket_id, number, store, clock)
    attempt = ticket.attempt(number)
    if not mine:
        return _sent(attempt)
    try:
        run_id = await _rerun(ticket, attempt, pipelines)
    except Transient as error:
        back = attempt.moved_to(AttemptState.INTENT, error=str(error))
        return _sent(await _settle(ticket_id, back, store, clock), error.retry_after_seconds)
    except Refused as error:
        over = attempt.moved_to(
            AttemptState.FAILED,
            outcome=AttemptOutcome.NOT_HEALED,
            ended_at=clock.now(),
            error=str(error),
        )
        return _sent(await _settle(ticket_id, over, store, clock))
    except OutcomeUnknown as error:
        lost = attempt.moved_to(AttemptState.UNKNOWN, error=str(error))
        return _sent(await _settle(ticket_id, lost, store, clock))
    return _sent(await record_issued(ticket_id, number, run_id, store, clock))


async def _claim(ticket_id: str, number: int, store: Store, clock: Clock) -> tuple[Ticket, bool]:
    """Move the attempt to ``sending`` and tell whether it was this call that did."""
    mine = False

    def claim(ticket: Ticket) -> Change | None:
        nonlocal mine
        attempt = ticket.attempt(number)
        mine = attempt.state is AttemptState.INTENT and not ticket.status.is_final
        if mine:
            sending = attempt.moved_to(AttemptState.SENDING, sent_at=clock.now(), error=None)
            return _moved(ticket, sending, clock)
        if attempt.state is AttemptState.SENDING:
            return _moved(ticket, attempt.moved_to(AttemptState.UNKNOWN), clock)
        return None

    ticket = await store.update(ticket_id, claim)
    return ticket, mine


async def _rerun(ticket: Ticket, attempt: Attempt, pipelines: PipelineService) -> str:
    return await pipelines.rerun(
        ticket.resource,
        attempt.target,
        attempt.reference_run_id,
        from_failure=attempt.action is Action.RERUN_FROM_FAILURE,
    )


async def _settle(ticket_id: str, settled: Attempt, store: Store, clock: Clock) -> Attempt:
    def settle(ticket: Ticket) -> Change | None:
        # Somebody who found `sending` may have gone looking, and found the run, meanwhile.
        if ticket.attempt(settled.number).state is not AttemptState.SENDING:
            return None
        return _moved(ticket, settled, clock)

    return (await store.update(ticket_id, settle)).attempt(settled.number)


async def _stop(ticket_id: str, number: int, store: Store, clock: Clock, reason: str) -> Sent:
    """Cancel an attempt that has not left yet; one that may have left is looked for as ever."""
    why = f"the kill switch is on{f': {reason}' if reason else ''}"

    def stop(ticket: Ticket) -> Change | None:
        attempt = ticket.attempt(number)
        if attempt.state is AttemptState.SENDING:
            return _moved(ticket, attempt.moved_to(AttemptState.UNKNOWN), clock)
        if attempt.state is not AttemptState.INTENT:
            return None
        stopped = attempt.moved_to(AttemptState.CANCELLED, ended_at=clock.now(), error=why)
        return _moved(ticket, stopped, clock)

    return _sent((await store.update(ticket_id, stop)).attempt(number))


def _sent(attempt: Attempt, retry_after_seconds: float | None = None) -> Sent:
    return Sent(
        attempt.state, attempt.external_run_id, retry_after_seconds, problem=attempt.error or ""
    )


_WORDS = {
    AttemptState.INTENT: "was turned away before anything happened",
    AttemptState.SENDING: "is being sent",
    AttemptState.UNKNOWN: "may or may not have arrived; looking for it",
    AttemptState.FAILED: "was refused",
    AttemptState.CANCELLED: "was not sent",
}


def _moved(ticket: Ticket, attempt: Attempt, clock: Clock) -> Change:
    why = f": {attempt.error}" if attempt.error else ""
    return ticket.changed(
        clock.now(),
        f"remediation.{attempt.state}",
        f"attempt {attempt.number} {_WORDS[attempt.state]}{why}",
        data={"attempt": attempt.number},
        attempts=ticket.with_attempt(attempt),
    )
