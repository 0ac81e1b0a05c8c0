"""Take back what was changed for one attempt only, healed or not."""

from shared.domain.attempt import Attempt, AttemptState, StepTaken
from shared.domain.errors import OutcomeUnknown, Refused
from shared.domain.ticket import Change, Ticket
from shared.ports.clock import Clock
from shared.ports.tickets import TicketStore
from shared.remedies.registry import UNDOABLE, Remedies, undoable
from shared.remedies.step import Work

_MAY_HAVE_HAPPENED = frozenset(AttemptState) - {AttemptState.INTENT}


async def undo_attempt(
    ticket_id: str, number: int, tickets: TicketStore, remedies: Remedies, clock: Clock
) -> None:
    """Undo every step of attempt ``number`` that has to be. Safe to repeat.

    What cannot be undone is told in the timeline; the ticket ends as it would have.

    Raises:
        Transient: the other side did not answer; ask again.
    """
    ticket = await tickets.get(ticket_id)
    attempt = ticket.attempt(number)
    for index, step in enumerate(_steps(attempt)):
        if step.undone or step.kind not in UNDOABLE:
            continue
        try:
            said = await undoable(remedies, step.kind).undo(Work(ticket, attempt), step.marks)
        except (Refused, OutcomeUnknown) as error:
            await tickets.update(
                ticket_id,
                lambda current, why=str(error): current.changed(  # type: ignore[misc]
                    clock.now(),
                    "remediation.undo_failed",
                    f"attempt {number}: {step.kind} could not be taken back: {why}",  # noqa: B023
                    data={"attempt": number, "step": step.kind},  # noqa: B023
                ),
            )
            continue
        await tickets.update(
            ticket_id,
            lambda current: _undone(current, number, index, said, clock),  # noqa: B023
        )


def _steps(attempt: Attempt) -> tuple[StepTaken, ...]:
    if attempt.step in UNDOABLE and attempt.state in _MAY_HAVE_HAPPENED:
        return (*attempt.taken, StepTaken(kind=attempt.step, marks=attempt.marks))
    return attempt.taken


def _undone(ticket: Ticket, number: int, index: int, said: str, clock: Clock) -> Change | None:
    attempt = ticket.attempt(number)
    taken = list(attempt.taken)
    if index < len(taken):
        if taken[index].undone:
            return None
        taken[index] = taken[index].model_copy(update={"undone": True})
    return ticket.changed(
        clock.now(),
        "remediation.undone",
        f"attempt {number}: {said}",
        data={"attempt": number},
        attempts=ticket.with_attempt(attempt.model_copy(update={"taken": tuple(taken)})),
    )
