"""What a step of an attempt came to, and what is next.

Green is not healed: the steps of the run are looked at as well.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from shared.domain.attempt import Attempt, AttemptOutcome, AttemptState, StepTaken
from shared.domain.errors import Transient
from shared.domain.run import RunPhase
from shared.domain.ticket import Change, Status, Ticket
from shared.policy.checks import Finding
from shared.ports.clock import Clock
from shared.ports.measures import Warehouse
from shared.ports.runs import RunReader
from shared.ports.settings import SettingsStore
from shared.ports.tickets import SendLedger, TicketStore
from shared.remedies.registry import Remedies
from shared.remedies.step import Ready
from shared.usecases.check_data import Record, check_data
from shared.usecases.count_attempt import count_end
from shared.usecases.operator_settings import policy_settings
from shared.usecases.prepare_attempt import prepare_next_step
from shared.usecases.read_back import done_since


class Store(TicketStore, SendLedger, SettingsStore, Protocol):
    """All that is read and written here."""


class _End(NamedTuple):
    state: AttemptState
    outcome: AttemptOutcome
    why: str
    note: str = ""


_HEALED = _End(AttemptState.SUCCEEDED, AttemptOutcome.HEALED, "")
# What the monitor ended with -> what that makes of the attempt. Success is looked at closer.
_ENDS: dict[str, _End] = {
    RunPhase.FAILED: _End(AttemptState.FAILED, AttemptOutcome.NOT_HEALED, "its run failed"),
    RunPhase.CANCELLED: _End(
        AttemptState.CANCELLED, AttemptOutcome.NOT_HEALED, "its run was cancelled"
    ),
    "timed_out": _End(
        AttemptState.TIMED_OUT,
        AttemptOutcome.INCONCLUSIVE,
        "its run did not end in time and may still be going on",
    ),
    "missing": _End(
        AttemptState.FAILED,
        AttemptOutcome.INCONCLUSIVE,
        "it was accepted, but never seen",
    ),
    "refused": _End(
        AttemptState.FAILED,
        AttemptOutcome.INCONCLUSIVE,
        "its run could no longer be read",
    ),
}


@dataclass(frozen=True, slots=True)
class Concluded:
    """The attempt afterwards; ``goes_on``: its next step may be sent."""

    attempt: Attempt
    goes_on: bool = False


async def conclude_attempt(  # noqa: PLR0913, PLR0917  ports by position
    ticket_id: str,
    number: int,
    ended: str,
    store: Store,
    record: Record,
    warehouse: Warehouse,
    remedies: Remedies,
    clock: Clock,
) -> Concluded:
    """Store and return what the present step of attempt ``number`` came to. Safe to repeat.

    Args:
        ended: How its run ended: a final :class:`~shared.domain.run.RunPhase`,
            ``timed_out``, ``missing`` or ``refused``.

    Raises:
        Transient: the steps could not be read; ask again.
        Refused: they may not be read.
    """
    ticket = await store.get(ticket_id)
    attempt = ticket.attempt(number)
    if attempt.is_over:
        await count_end(attempt, store, clock)
        return Concluded(attempt)
    if attempt.state is not AttemptState.ISSUED:
        return Concluded(attempt, goes_on=True)  # said before, and the next step is on its way
    if ended != RunPhase.SUCCEEDED:
        end = _ENDS[ended]
    elif attempt.is_last_step:
        end = await _verified(ticket, attempt, store, record, warehouse, clock)
    elif since := await _done_meanwhile(ticket, record, clock):
        why = f"after {attempt.step}, run {since} has done the work meanwhile"
        end = _End(AttemptState.FAILED, AttemptOutcome.NOT_HEALED, why)
    else:
        after = _after_step(attempt)
        answer = await prepare_next_step(ticket, after, remedies)
        if isinstance(answer, Ready):
            updated = await store.update(
                ticket_id,
                lambda current: _next(current, number, answer, clock, store.incarnation),
            )
            return Concluded(updated.attempt(number), goes_on=True)
        end = _End(
            AttemptState.FAILED,
            AttemptOutcome.INCONCLUSIVE,
            f"after {attempt.step}, {after.step} could not be done: {answer.why}",
        )
    updated = await store.update(ticket_id, lambda current: _concluded(current, number, end, clock))
    await count_end(updated.attempt(number), store, clock)
    return Concluded(updated.attempt(number))


async def _done_meanwhile(ticket: Ticket, record: RunReader, clock: Clock) -> str | None:
    """Return the run by which somebody else has done, or does, what the next step is for."""
    failed = ticket.observation.run if ticket.observation else None
    return None if failed is None else await done_since(ticket, failed, record, clock)


async def _verified(
    ticket: Ticket,
    attempt: Attempt,
    store: Store,
    record: Record,
    warehouse: Warehouse,
    clock: Clock,
) -> _End:
    """A pipeline whose failure path succeeds is "Succeeded" although its load failed."""
    run_id = attempt.external_run_id
    if run_id is None:
        return _HEALED  # an action without a run: its own look said that it took effect
    run = await record.run(ticket.resource, run_id)
    if run is None:
        raise Transient(ticket.platform, f"run {run_id!r} was there a moment ago")
    if run.phase is not RunPhase.SUCCEEDED:  # it did not stay that way
        return _End(
            AttemptState.FAILED,
            AttemptOutcome.INCONCLUSIVE
            if run.phase is RunPhase.ACTIVE
            else AttemptOutcome.NOT_HEALED,
            f"its run succeeded, and is {run.status} now",
        )
    failures = await record.failures(ticket.resource, run)
    if not failures:
        policy, _ = await policy_settings(store)
        checks = policy.checks_of(run.name)
        return _of(await check_data(ticket, run, checks, record, warehouse, clock))
    steps = ", ".join(sorted({failure.step for failure in failures}))
    return _End(
        AttemptState.FAILED,
        AttemptOutcome.NOT_HEALED,
        f"its run succeeded, but {steps} failed in it",
    )


def _of(findings: tuple[Finding, ...]) -> _End:
    """The run is well; whether its data is, decides. Another rerun would not help."""
    bad = [one.text for one in findings if not one.holds]
    if not bad:
        return _HEALED._replace(note="; ".join(one.text for one in findings))
    why = f"its run succeeded, but its data is not as it should be: {'; '.join(bad)}"
    return _End(AttemptState.FAILED, AttemptOutcome.INCONCLUSIVE, why)


def _after_step(attempt: Attempt) -> Attempt:
    """Return the attempt with its present step among those taken."""
    done = StepTaken(kind=attempt.step, external_id=attempt.external_id, marks=attempt.marks)
    return attempt.model_copy(update={"taken": (*attempt.taken, done)})


def _next(
    ticket: Ticket, number: int, ready: Ready, clock: Clock, incarnation: str
) -> Change | None:
    attempt = ticket.attempt(number)
    if attempt.state is not AttemptState.ISSUED:
        return None
    after = _after_step(attempt).moved_to(
        AttemptState.INTENT,
        marks=dict(ready.marks),
        known_run_ids=ready.known_run_ids,
        external_id=None,
        external_run_id=None,
        prepared_in=incarnation,
        sent_at=None,
    )
    return ticket.changed(
        clock.now(),
        "remediation.step_done",
        f"attempt {number}: {attempt.step} is done, next is {after.step}",
        data={"attempt": number, "step": attempt.step, "next": after.step},
        attempts=ticket.with_attempt(after),
    )


def _concluded(ticket: Ticket, number: int, end: _End, clock: Clock) -> Change | None:
    attempt = ticket.attempt(number)
    if attempt.is_over:
        return None
    over = attempt.moved_to(
        end.state, outcome=end.outcome, ended_at=clock.now(), error=end.why or None
    )
    told = end.why or end.note
    unhealed = end.outcome is AttemptOutcome.NOT_HEALED
    return ticket.changed(
        clock.now(),
        f"remediation.{end.state}",
        f"attempt {number} {end.outcome}{f': {told}' if told else ''}",
        data={"attempt": number, "run_id": attempt.external_run_id, "outcome": end.outcome},
        attempts=ticket.with_attempt(over),
        status=Status.ANALYZING if unhealed else ticket.status,
        # The failed rerun is what is to be healed from now on.
        current_run_id=(attempt.external_run_id if unhealed else None) or ticket.current_run_id,
    )
