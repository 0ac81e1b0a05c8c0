"""Find out what became of a request whose answer was lost. Looks; never sends.

Where sending twice is the same as sending once, by the other side's own word or by its
nature, the attempt goes back to ``intent``, and the flow sends it again. Where neither
holds and nothing is found, the attempt has failed; where nothing *can* be found, nobody
knows, and a person decides. An attempt that was only doubted goes back to ``intent`` much
sooner: whatever it did was done before the restart, and shows.
"""

from datetime import timedelta
from typing import Protocol

from shared.actions.catalogue import Repeat
from shared.domain.attempt import Attempt, AttemptOutcome, AttemptState
from shared.domain.errors import Refused, Transient
from shared.domain.ticket import Change, Ticket
from shared.ports.clock import Clock
from shared.ports.runs import RunReader
from shared.ports.tickets import ClaimStore, SendLedger, TicketStore
from shared.remedies.registry import Remedies, stoppable
from shared.remedies.step import Work
from shared.usecases.count_attempt import count_end
from shared.usecases.read_back import done_since
from shared.usecases.record_issued import record_issued

_REPEATABLE = {Repeat.IDEMPOTENT_TOKEN, Repeat.NATURAL}
# How long the effect of something that was done before a restart may take to show.
_DOUBT = timedelta(seconds=20)


class Store(TicketStore, ClaimStore, SendLedger, Protocol):
    """All kinds of thing this use case writes."""


async def reconcile_attempt(  # noqa: PLR0913  ports by position
    ticket_id: str,
    number: int,
    store: Store,
    record: RunReader,
    remedies: Remedies,
    clock: Clock,
    *,
    last_look: bool,
) -> Attempt:
    """Return the attempt: ``issued`` if its effect was found. Safe to repeat.

    Args:
        last_look: The grace time is over: what is not found now never took effect.

    Raises:
        Transient: the last look got no answer; nothing is concluded.
    """
    ticket = await store.get(ticket_id)
    attempt = ticket.attempt(number)
    if attempt.state is not AttemptState.UNKNOWN:
        return attempt
    step = remedies[attempt.step]
    try:
        found = await step.find(Work(ticket, attempt))
    except Transient:
        if last_look:
            raise
        return attempt
    if found is not None:
        # Before it is stored: a crash in between finds them once more.
        for double in found.doubles:
            await _stop_double(Work(ticket, attempt), double, store, remedies, clock)
        return await record_issued(ticket_id, number, found, store, clock, found=True)
    settle = await _verdict(ticket, attempt, step.repeat, record, store, clock, last_look)
    if settle is None:
        return attempt
    settled = await _settle(ticket_id, number, store, settle)
    await count_end(settled, store, clock)
    return settled


async def _verdict(  # noqa: PLR0913, PLR0917  all there is to know
    ticket: Ticket,
    attempt: Attempt,
    repeat: Repeat,
    record: RunReader,
    store: Store,
    clock: Clock,
    last_look: bool,
) -> "_Settle | None":
    """Return what becomes of an attempt that was not found; ``None``: it is looked for again."""
    number = attempt.number
    again = repeat in _REPEATABLE or _doubt_is_over(attempt, repeat, clock)
    # With a key, what it did would look like somebody else's doing.
    looks = (again or attempt.is_only_doubted) and repeat is not Repeat.IDEMPOTENT_TOKEN
    if looks and await _was_done(ticket, record, clock):
        return lambda current: _was_not_needed(current, number, clock)
    if again:
        return lambda current: _again(current, number, clock, store.incarnation)
    if not last_look:
        return None
    end = _never_known if repeat is Repeat.UNSAFE else _never_arrived
    return lambda current: end(current, number, clock)


async def _settle(ticket_id: str, number: int, store: Store, settle: "_Settle") -> Attempt:
    def still_unknown(ticket: Ticket) -> Change | None:
        if ticket.attempt(number).state is not AttemptState.UNKNOWN:
            return None
        return settle(ticket)

    return (await store.update(ticket_id, still_unknown)).attempt(number)


class _Settle(Protocol):
    def __call__(self, ticket: Ticket, /) -> Change | None: ...


async def _was_done(ticket: Ticket, record: RunReader, clock: Clock) -> bool:
    failed = ticket.observation.run if ticket.observation else None
    return failed is not None and await done_since(ticket, failed, record, clock) is not None


def _was_not_needed(ticket: Ticket, number: int, clock: Clock) -> Change:
    failed = ticket.attempt(number).moved_to(
        AttemptState.FAILED,
        outcome=AttemptOutcome.NOT_HEALED,
        ended_at=clock.now(),
        error="the run is not as it was: this was done already, or by others",
    )
    return ticket.changed(
        clock.now(),
        "remediation.not_needed",
        f"attempt {number} is not sent: {failed.error}",
        data={"attempt": number},
        attempts=ticket.with_attempt(failed),
    )


async def _stop_double(
    work: Work, run_id: str, store: Store, remedies: Remedies, clock: Clock
) -> None:
    number, done = work.attempt.number, "it is cancelled"
    try:
        await stoppable(remedies, work.attempt.step).stop(work, run_id)
    except Refused as error:
        done = f"it could not be cancelled: {error}"
    await store.update(
        work.ticket.id,
        lambda current: current.changed(
            clock.now(),
            "remediation.double",
            f"attempt {number}: run {run_id} recovers the same failure a second time; {done}",
            data={"attempt": number, "run_id": run_id},
        ),
    )


def _doubt_is_over(attempt: Attempt, repeat: Repeat, clock: Clock) -> bool:
    if attempt.doubted_at is None or not attempt.is_only_doubted or repeat is Repeat.UNSAFE:
        return False
    return clock.now() - attempt.doubted_at >= _DOUBT


def _again(ticket: Ticket, number: int, clock: Clock, incarnation: str) -> Change:
    attempt = ticket.attempt(number)
    if attempt.is_only_doubted:
        why = "is sent: there is no sign that it was before the restart"
    else:
        why = "is sent again: twice is the same as once"
    back = attempt.moved_to(
        AttemptState.INTENT, prepared_in=incarnation, sent_at=None, doubted_at=None
    )
    return ticket.changed(
        clock.now(),
        "remediation.send_again",
        f"attempt {number} ({attempt.step}) {why}",
        data={"attempt": number, "step": attempt.step},
        attempts=ticket.with_attempt(back),
    )


def _never_arrived(ticket: Ticket, number: int, clock: Clock) -> Change:
    attempt = ticket.attempt(number)
    failed = attempt.moved_to(
        AttemptState.FAILED,
        outcome=AttemptOutcome.NOT_HEALED,
        ended_at=clock.now(),
        error=f"no run appeared within {_waited(attempt, clock)} of sending; "
        f"{attempt.error or ''}".rstrip("; "),
    )
    return ticket.changed(
        clock.now(),
        "remediation.not_found",
        f"attempt {number} never arrived: {failed.error}",
        data={"attempt": number},
        attempts=ticket.with_attempt(failed),
    )


def _never_known(ticket: Ticket, number: int, clock: Clock) -> Change:
    attempt = ticket.attempt(number)
    lost = attempt.moved_to(
        AttemptState.TIMED_OUT,
        outcome=AttemptOutcome.INCONCLUSIVE,
        ended_at=clock.now(),
        error=f"nothing was seen of it within {_waited(attempt, clock)} of sending, and it may "
        f"yet happen; {attempt.error or ''}".rstrip("; "),
    )
    return ticket.changed(
        clock.now(),
        "remediation.timed_out",
        f"attempt {number} is lost: {lost.error}",
        data={"attempt": number},
        attempts=ticket.with_attempt(lost),
    )


def _waited(attempt: Attempt, clock: Clock) -> str:
    span: timedelta = clock.now() - (attempt.sent_at or attempt.started_at)
    return f"{span.total_seconds():.0f} s"
