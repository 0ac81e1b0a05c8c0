"""Keep the books on attempts that are over, so that limits and breakers see them."""

from shared.domain.attempt import Attempt, AttemptOutcome
from shared.ports.clock import Clock
from shared.ports.tickets import SendLedger


async def count_end(attempt: Attempt, sends: SendLedger, clock: Clock) -> None:
    """Note the end of ``attempt``, if it is over. Safe to repeat."""
    if attempt.is_over:
        outcome = attempt.outcome or AttemptOutcome.NOT_HEALED
        await sends.end_send(attempt.key, attempt.ended_at or clock.now(), outcome)
