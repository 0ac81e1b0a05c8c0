"""Look once more at the world, then write down what is about to be done."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from shared.actions.catalogue import plan_for, spec_of
from shared.domain.analysis import Action
from shared.domain.attempt import Attempt, attempt_key
from shared.domain.errors import NotFound
from shared.domain.ticket import Change, Status, Ticket
from shared.ports.clock import Clock
from shared.ports.runs import RunReader
from shared.ports.tickets import TicketStore
from shared.remedies.registry import Remedies
from shared.remedies.step import Blocked, Busy, Ready, Work
from shared.usecases.read_back import done_since

NO_ACTIONS: frozenset[Action] = frozenset()


@dataclass(frozen=True, slots=True)
class Prepared:
    """What came of it.

    ``ready``: the intent is stored. ``busy``: ``run_id`` is doing, or has done, the work.
    ``blocked``: it must not be done, for ``problem``; ``passing`` if perhaps later.
    """

    state: str
    run_id: str | None = None
    problem: str = ""
    passing: bool = False


async def prepare_attempt(  # noqa: PLR0913  ports by position, the choice by name
    ticket_id: str,
    number: int,
    tickets: TicketStore,
    record: RunReader,
    remedies: Remedies,
    clock: Clock,
    *,
    by_logic_app: AbstractSet[Action] = NO_ACTIONS,
) -> Prepared:
    """Store the intent of attempt ``number``, unless somebody else is at it. Safe to repeat.

    What the world looks like now is stored with the intent: should the answer to the
    request get lost, what is different afterwards is ours.

    Args:
        by_logic_app: Actions that a Logic App carries out for us.

    Raises:
        Transient: the system of record did not answer; ask again.
        Refused: it does not let us look.
        NotFound: the ticket has no run or decision to act on.
    """
    ticket = await tickets.get(ticket_id)
    if any(attempt.number == number for attempt in ticket.attempts):
        return Prepared("ready")
    failed = ticket.observation.run if ticket.observation else None
    if ticket.observation is None or failed is None or ticket.decision is None:
        raise NotFound(f"ticket {ticket_id!r} has nothing to act on")
    since = await done_since(ticket, failed, record, clock)
    if since:
        return Prepared("busy", since)
    action = ticket.decision.action
    spec = spec_of(ticket.platform, action)
    if spec is None:
        raise NotFound(f"{action} is no action of {ticket.platform}")
    attempt = Attempt(
        number=number,
        key=attempt_key(ticket_id, number),
        action=action,
        plan=plan_for(spec, ticket.observation, by_logic_app=action in by_logic_app),
        target=failed.target,
        reference_run_id=failed.run_id,
        group_id=failed.group_id,
        parameters_key=failed.parameters_key,
        signature=ticket.analysis.signature if ticket.analysis else None,
        started_at=clock.now(),
        prepared_in=tickets.incarnation,
    )
    answer = await remedies[attempt.step].prepare(Work(ticket, attempt))
    match answer:
        case Busy():
            return Prepared("busy", answer.run_id)
        case Blocked():
            return Prepared("blocked", problem=answer.why, passing=answer.passing)
    marked = attempt.model_copy(
        update={"known_run_ids": answer.known_run_ids, "marks": dict(answer.marks)}
    )
    await tickets.update(ticket_id, lambda current: _intended(current, marked, clock))
    return Prepared("ready")


async def prepare_next_step(
    ticket: Ticket, attempt: Attempt, remedies: Remedies
) -> Ready | Blocked:
    """Look at the world before the step after the present one. Changes nothing.

    Args:
        attempt: With the present step among those ``taken``.
    """
    answer = await remedies[attempt.step].prepare(Work(ticket, attempt))
    if isinstance(answer, Busy):
        return Blocked(f"run {answer.run_id} is going on already")
    return answer


def _intended(ticket: Ticket, attempt: Attempt, clock: Clock) -> Change | None:
    if any(known.number == attempt.number for known in ticket.attempts):
        return None
    name = ticket.observation.run.name if ticket.observation and ticket.observation.run else ""
    return ticket.changed(
        clock.now(),
        "remediation.intent",
        f"attempt {attempt.number}: {attempt.action} of {name or attempt.target}",
        data={
            "attempt": attempt.number,
            "action": attempt.action,
            "steps": list(attempt.plan),
            "key": attempt.key,
        },
        status=Status.REMEDIATING,
        attempts=ticket.with_attempt(attempt),
    )
