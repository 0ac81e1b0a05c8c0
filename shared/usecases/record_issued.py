"""Write down what a request came to: known from the answer, or found by looking."""

from typing import Protocol

from shared.domain.attempt import Attempt, AttemptState
from shared.domain.ticket import Change, Status, Ticket
from shared.ports.clock import Clock
from shared.ports.tickets import ClaimStore, TicketStore
from shared.remedies.step import Effect


class Store(TicketStore, ClaimStore, Protocol):
    """Both kinds of thing this use case writes."""


async def record_issued(
    ticket_id: str, number: int, effect: Effect, store: Store, clock: Clock, *, found: bool = False
) -> Attempt:
    """Store what the present step of attempt ``number`` became; harmless when repeated.

    Args:
        found: The answer was lost and the effect was found by looking.
    """
    if effect.run_id is not None:
        # Claimed first: should this run fail too, its own alert finds this ticket.
        resource = (await store.get(ticket_id)).resource
        await store.claim("run", resource.run_key(effect.run_id), ticket_id)

    def issued(ticket: Ticket) -> Change | None:
        attempt = ticket.attempt(number)
        if attempt.state not in {AttemptState.SENDING, AttemptState.UNKNOWN}:
            return None
        return ticket.changed(
            clock.now(),
            "remediation.issued",
            f"attempt {number} {_words(attempt, effect, found=found)}",
            data={
                "attempt": number,
                "step": attempt.step,
                "run_id": effect.run_id,
                "external_id": effect.external_id,
                "found": found,
            },
            status=Status.MONITORING if attempt.is_last_step else ticket.status,
            attempts=ticket.with_attempt(
                attempt.moved_to(
                    AttemptState.ISSUED,
                    external_id=effect.external_id,
                    external_run_id=effect.run_id,
                    error=None,
                )
            ),
        )

    return (await store.update(ticket_id, issued)).attempt(number)


async def record_run(
    ticket_id: str, number: int, run_id: str, store: Store, clock: Clock
) -> Attempt:
    """Store the run of a step whose answer did not name it; harmless when repeated."""
    resource = (await store.get(ticket_id)).resource
    await store.claim("run", resource.run_key(run_id), ticket_id)

    def bound(ticket: Ticket) -> Change | None:
        attempt = ticket.attempt(number)
        if attempt.state is not AttemptState.ISSUED or attempt.external_run_id is not None:
            return None
        return ticket.changed(
            clock.now(),
            "remediation.run_found",
            f"attempt {number} runs as {run_id}",
            data={"attempt": number, "run_id": run_id},
            attempts=ticket.with_attempt(attempt.model_copy(update={"external_run_id": run_id})),
        )

    return (await store.update(ticket_id, bound)).attempt(number)


def _words(attempt: Attempt, effect: Effect, *, found: bool) -> str:
    if effect.run_id is not None:
        return f"{'was found running' if found else 'runs'} as {effect.run_id}"
    how = "was found to have arrived" if found else "was accepted"
    return f"({attempt.step}) {how}{f' as {effect.external_id}' if effect.external_id else ''}"
