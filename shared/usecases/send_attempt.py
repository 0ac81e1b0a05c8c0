"""Send one attempt to the outside. The most dangerous function in the project.

The state ``sending`` is on disk before the request leaves. Whoever finds it
there and did not write it just now cannot know whether the request left: a
second delivery of this activity, or the process after a crash. It never sends;
it says ``unknown``, and :mod:`shared.usecases.reconcile_attempt` goes looking.

The same holds for an intent of another incarnation of the store: had the store been
restored from a backup, what it calls an intent might have been done long since.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from shared.domain.approval import ApprovalStatus
from shared.domain.attempt import UNDOABLE, Attempt, AttemptOutcome, AttemptState
from shared.domain.errors import OutcomeUnknown, Refused, Transient
from shared.domain.limits import Limit, LimitReached, Send
from shared.domain.ticket import Change, Ticket
from shared.policy.settings import PolicySettings
from shared.ports.clock import Clock
from shared.ports.settings import SettingsStore
from shared.ports.tickets import ClaimStore, SendLedger, TicketStore
from shared.remedies.registry import Remedies
from shared.remedies.step import Work
from shared.usecases.count_attempt import count_end
from shared.usecases.decide_next import name_of, names_of
from shared.usecases.operator_settings import kill_switch, policy_settings
from shared.usecases.record_issued import record_issued


class Store(TicketStore, ClaimStore, SendLedger, SettingsStore, Protocol):
    """All that is read and written here."""


@dataclass(frozen=True, slots=True)
class Sent:
    """State of the attempt afterwards.

    ``intent`` means that nothing happened and that it may be sent again, after
    ``retry_after_seconds`` if the other side asked for a pause. ``undoable``: something
    of it has to be taken back in the end. ``limited``: as much is done already as
    operators allow. ``lapsed``: it was not sent because the yes to it is none any more.
    """

    state: AttemptState
    run_id: str | None = None
    retry_after_seconds: float | None = None
    problem: str = ""
    undoable: bool = False
    limited: bool = False
    lapsed: bool = False


async def send_attempt(
    ticket_id: str, number: int, store: Store, remedies: Remedies, clock: Clock
) -> Sent:
    """Send attempt ``number`` at most once, however often and from wherever this is called.

    Raises:
        Unavailable: the store or the kill switch cannot be read; nothing was sent.
    """
    before = await store.get(ticket_id)
    policy, _ = await policy_settings(store)
    attempt = before.attempt(number)
    against = await _switched_off(before, attempt, store)
    against = against or _begun_meanwhile(before, attempt, policy, clock)
    lapsed = "" if against else _lapsed(before, attempt, clock)
    if against or lapsed:
        stopped = await _stop(ticket_id, number, store, clock, against or lapsed)
        return replace(stopped, lapsed=bool(lapsed) and stopped.state is AttemptState.CANCELLED)
    ticket, mine, reached = await _claim(ticket_id, number, store, policy.limits(), clock)
    if reached is not None:
        why = f"{reached.limit.most} {reached.limit.name} are made already"
        return Sent(AttemptState.INTENT, problem=why, limited=True)
    attempt = ticket.attempt(number)
    if not mine:
        return _sent(attempt)
    sent = await _send(ticket, attempt, store, remedies, clock)
    await count_end((await store.get(ticket_id)).attempt(number), store, clock)
    return sent


async def _send(
    ticket: Ticket, attempt: Attempt, store: Store, remedies: Remedies, clock: Clock
) -> Sent:
    """Send what this call has claimed, and store what came of it."""
    # Whoever turns the switch then looks who is sending; whoever is sending then looks at the
    # switch. One of the two sees the other: shared.usecases.await_quiet.
    against = await _switched_off(ticket, attempt, store)
    if against:
        stopped = attempt.moved_to(AttemptState.CANCELLED, ended_at=clock.now(), error=against)
        return _sent(await _settle(ticket.id, stopped, store, clock))
    try:
        effect = await remedies[attempt.step].send(Work(ticket, attempt))
    except Transient as error:
        back = attempt.moved_to(AttemptState.INTENT, error=str(error), sent_at=None)
        return _sent(await _settle(ticket.id, back, store, clock), error.retry_after_seconds)
    except Refused as error:
        over = attempt.moved_to(
            AttemptState.FAILED,
            outcome=AttemptOutcome.NOT_HEALED,
            ended_at=clock.now(),
            error=str(error),
        )
        return _sent(await _settle(ticket.id, over, store, clock))
    except OutcomeUnknown as error:
        lost = attempt.moved_to(AttemptState.UNKNOWN, error=str(error))
        return _sent(await _settle(ticket.id, lost, store, clock))
    return _sent(await record_issued(ticket.id, attempt.number, effect, store, clock))


async def _claim(
    ticket_id: str, number: int, store: Store, limits: Sequence[Limit], clock: Clock
) -> tuple[Ticket, bool, LimitReached | None]:
    """Move the attempt to ``sending``, within limits, and tell whether it was this call."""
    mine = False
    before = await store.get(ticket_id)
    attempt = before.attempt(number)
    send = Send(
        key=attempt.key,
        ticket_id=ticket_id,
        scope=before.resource.scope,
        target=attempt.target.casefold(),
        action=attempt.action,
        at=clock.now(),
    )

    def claim(ticket: Ticket) -> Change | None:
        nonlocal mine
        attempt = ticket.attempt(number)
        waits = attempt.state is AttemptState.INTENT and not ticket.status.is_final
        mine = waits and attempt.prepared_in == store.incarnation
        if mine and _lapsed(ticket, attempt, clock):
            mine = False  # taken back this instant: the next call sees it, and stops
            return None
        if waits and not mine:
            doubted = attempt.moved_to(AttemptState.UNKNOWN, error=_DOUBT, doubted_at=clock.now())
            return _moved(ticket, doubted, clock)
        if mine:
            sending = attempt.moved_to(AttemptState.SENDING, sent_at=clock.now(), error=None)
            return _moved(ticket, sending, clock)
        if attempt.state is AttemptState.SENDING:
            return _moved(ticket, attempt.moved_to(AttemptState.UNKNOWN), clock)
        return None

    ticket, reached = await store.update_counted(ticket_id, claim, send, limits)
    return ticket, mine and reached is None, reached


async def _settle(ticket_id: str, settled: Attempt, store: Store, clock: Clock) -> Attempt:
    def settle(ticket: Ticket) -> Change | None:
        # Somebody who found `sending` may have gone looking, and found the run, meanwhile.
        if ticket.attempt(settled.number).state is not AttemptState.SENDING:
            return None
        return _moved(ticket, settled, clock)

    return (await store.update(ticket_id, settle)).attempt(settled.number)


async def _switched_off(ticket: Ticket, attempt: Attempt, store: Store) -> str:
    """Return which kill switch stops the attempt at this moment, or ``""``."""
    switch = (await kill_switch(store)).stopping(
        environment=ticket.environment, targets=names_of(ticket), action=attempt.action
    )
    if switch is None:
        return ""
    where = "" if switch.scope == "global" else f" for {switch.scope}"
    return f"the kill switch is on{where}{f': {switch.reason}' if switch.reason else ''}"


def _begun_meanwhile(ticket: Ticket, attempt: Attempt, policy: PolicySettings, clock: Clock) -> str:
    """Return what has come to stand against the attempt since it was decided on.

    Its first step only: what is half done is better finished.
    """
    if attempt.taken:
        return ""
    now, name, where = clock.now(), name_of(ticket), ticket.environment
    maintenance = policy.maintenance_at(now, where, name)
    if maintenance is not None:
        return f"a maintenance goes on: {maintenance.name}"
    freeze = policy.freeze_at(now, where, name)
    if freeze and not _agreed_to(ticket, attempt):
        return f"a change freeze holds: {freeze}"
    if not policy.allows(attempt.action, name):
        return f"{attempt.action} is not among the actions allowed for {name}"
    return ""


def _lapsed(ticket: Ticket, attempt: Attempt, clock: Clock) -> str:
    """Return why people's yes to the attempt does not hold any more; empty: nothing is wrong.

    Its first step only: what is half done is better finished.
    """
    given = ticket.approval
    if attempt.taken or given is None or given.plan.attempt_number != attempt.number:
        return ""
    return given.why_lapsed(clock.now())


def _agreed_to(ticket: Ticket, attempt: Attempt) -> bool:
    """Tell whether people have agreed to this very attempt."""
    given = ticket.approval
    return (
        given is not None
        and given.status is ApprovalStatus.APPROVED
        and (given.plan.attempt_number, given.plan.action) == (attempt.number, attempt.action)
    )


async def _stop(ticket_id: str, number: int, store: Store, clock: Clock, why: str) -> Sent:
    """Cancel an attempt that has not left yet; one that may have left is looked for as ever."""

    def stop(ticket: Ticket) -> Change | None:
        attempt = ticket.attempt(number)
        if attempt.state is AttemptState.SENDING:
            return _moved(ticket, attempt.moved_to(AttemptState.UNKNOWN), clock)
        if attempt.state is not AttemptState.INTENT:
            return None
        stopped = attempt.moved_to(AttemptState.CANCELLED, ended_at=clock.now(), error=why)
        return _moved(ticket, stopped, clock)

    stopped = (await store.update(ticket_id, stop)).attempt(number)
    # It may have been counted: turned away at first, and stopped before it was sent again.
    await count_end(stopped, store, clock)
    return _sent(stopped)


def _sent(attempt: Attempt, retry_after_seconds: float | None = None) -> Sent:
    steps = (attempt.step, *(taken.kind for taken in attempt.taken))
    return Sent(
        attempt.state,
        attempt.external_run_id,
        retry_after_seconds,
        problem=attempt.error or "",
        undoable=any(step in UNDOABLE for step in steps),
    )


_DOUBT = "it was prepared before the last start, which may have been one from a backup"
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
        f"attempt {attempt.number} {_step_of(attempt)}{_WORDS[attempt.state]}{why}",
        data={"attempt": attempt.number, "step": attempt.step},
        attempts=ticket.with_attempt(attempt),
    )


def _step_of(attempt: Attempt) -> str:
    """Name the step where an attempt has more than one."""
    return f"({attempt.step}) " if len(attempt.plan) > 1 else ""
