"""A yes that somebody has thought better of, or that should not have been given."""

from shared.diagnosis.redact import redact
from shared.domain.approval import Approval, ApprovalStatus
from shared.domain.attempt import AttemptState
from shared.domain.errors import IllegalTransition, InvalidInput
from shared.domain.ticket import Change, Ticket
from shared.ports.clock import Clock
from shared.ports.tickets import TicketStore
from shared.usecases.approvals import MAX_REASON_CHARS, find_approval

# Of an attempt that has not begun, or was turned away before anything happened.
_NOT_LEFT = frozenset({AttemptState.INTENT, AttemptState.CANCELLED})


async def take_back_approval(
    id_: str, reason: str, *, by: str, oid: str, store: TicketStore, clock: Clock
) -> Approval:
    """Make a yes none; what it was given for is not sent, and people are asked again.

    One compare-and-set on the ticket, as sending is: whichever of the two comes first holds.

    Raises:
        NotFound: there is no such question.
        InvalidInput: no reason is given.
        IllegalTransition: nobody has agreed, or what was agreed to is on its way already.
    """
    if not reason.strip() or len(reason) > MAX_REASON_CHARS:
        raise InvalidInput(f"say why, in at most {MAX_REASON_CHARS} characters", field="reason")
    _, ticket = await find_approval(id_, store)
    why = redact(reason.strip())

    def take_back(current: Ticket) -> Change:
        given = _given(id_, current)
        gone = given.model_copy(update={"status": ApprovalStatus.REVOKED, "reason": why})
        return current.changed(
            clock.now(),
            "approval.taken_back",
            f"{by} takes back the yes of {given.decided_by}: {why}",
            data={"approval_id": id_, "plan_hash": given.plan_hash, "reason": why, "oid": oid},
            actor=by,
            approval=gone,
        )

    await store.update(ticket.id, take_back)
    return (await find_approval(id_, store))[0]


def _given(id_: str, ticket: Ticket) -> Approval:
    given = ticket.approval
    if given is None or given.id != id_ or given.status is not ApprovalStatus.APPROVED:
        raise IllegalTransition(f"{id_} is no yes that could be taken back")
    if ticket.status.is_final:
        raise IllegalTransition(f"{ticket.id} has ended meanwhile, as {ticket.outcome}")
    number = given.plan.attempt_number
    for attempt in ticket.attempts:
        if attempt.number == number and (attempt.state not in _NOT_LEFT or attempt.taken):
            raise IllegalTransition(
                f"attempt {number} of {ticket.id} has left already; "
                f"POST …/tickets/{ticket.id}/cancel stops after it"
            )
    return given
