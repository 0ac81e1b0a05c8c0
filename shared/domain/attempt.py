"""One try to change something outside, and what we know about it.

    intent -> sending -> issued(run id) -> succeeded | failed | timed_out | cancelled
                 |  \
                 |   -> intent     refused before anything happened: the same attempt may be sent
                 -> unknown        it left and no readable answer came back: look, never resend

Only ``intent`` may be sent. A process that finds ``sending`` did not send it
itself and therefore does not know: it goes on with ``unknown``.
"""

from enum import StrEnum
from hashlib import sha256
from typing import Self

from pydantic import AwareDatetime

from shared.domain.analysis import Action
from shared.domain.errors import IllegalTransition
from shared.domain.model import Model


class AttemptState(StrEnum):
    """What is known about the request."""

    INTENT = "intent"
    SENDING = "sending"
    ISSUED = "issued"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"


class AttemptOutcome(StrEnum):
    """What the attempt was worth, once verified. Green alone is not healed."""

    HEALED = "healed"
    NOT_HEALED = "not_healed"
    INCONCLUSIVE = "inconclusive"


_OVER = frozenset(
    {
        AttemptState.SUCCEEDED,
        AttemptState.FAILED,
        AttemptState.TIMED_OUT,
        AttemptState.CANCELLED,
    }
)

LEGAL_MOVES: dict[AttemptState, frozenset[AttemptState]] = {
    AttemptState.INTENT: frozenset(
        {AttemptState.SENDING, AttemptState.FAILED, AttemptState.CANCELLED}
    ),
    AttemptState.SENDING: frozenset(
        {
            AttemptState.INTENT,
            AttemptState.ISSUED,
            AttemptState.UNKNOWN,
            AttemptState.FAILED,
        }
    ),
    AttemptState.UNKNOWN: frozenset(
        {AttemptState.ISSUED, AttemptState.FAILED, AttemptState.TIMED_OUT}
    ),
    AttemptState.ISSUED: _OVER,
    **{state: frozenset() for state in _OVER},
}


class Attempt(Model):
    """Identified by ``key``, which is derived from the ticket and the number.

    ``reference_run_id`` is the failed run it answers; ``known_run_ids`` are the
    runs of its group seen before sending, so that a new one can be recognised
    when the answer was lost.
    """

    number: int
    key: str
    action: Action
    state: AttemptState = AttemptState.INTENT
    outcome: AttemptOutcome | None = None
    target: str  # what the action is applied to: the root pipeline's name
    reference_run_id: str
    group_id: str | None = None
    parameters_key: str = ""
    known_run_ids: tuple[str, ...] = ()
    signature: str | None = None  # the cause this attempt answers
    external_run_id: str | None = None
    started_at: AwareDatetime
    sent_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    error: str | None = None

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more will happen to this attempt."""
        return self.state in _OVER

    def moved_to(self, state: AttemptState, **changes: object) -> Self:
        """Return this attempt in ``state`` with ``changes`` to other fields.

        Raises:
            IllegalTransition: ``state`` is not reachable from the current one.
        """
        if state not in LEGAL_MOVES[self.state]:
            raise IllegalTransition(f"attempt {self.number}: {self.state} -> {state}")
        return self.model_copy(update={"state": state, **changes})


def attempt_key(ticket_id: str, number: int) -> str:
    """Return the idempotency key of an attempt: the same whenever and wherever computed."""
    return sha256(f"{ticket_id}|{number}".encode()).hexdigest()
