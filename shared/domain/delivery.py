"""What came in: each POST as received, what became of it, and the counts that must add up."""

from enum import StrEnum

from pydantic import AwareDatetime, Field

from shared.domain.alert import Requester
from shared.domain.model import Model

MAX_KEPT_CHARS = 65_536
"""How much of a body is kept; more than any alert needs to be understood by a person."""


class DeliveryState(StrEnum):
    """What became of a delivery."""

    PENDING = "pending"  # received, and not yet known to be dealt with
    DONE = "done"
    REJECTED = "rejected"  # the sender was told; kept because a machine seldom reads an answer
    DEAD = "dead"  # accepted, and all or part of it could not be dealt with
    DISCARDED = "discarded"  # a person has looked at it and let it go

    @property
    def may_be_redriven(self) -> bool:
        """Tell whether it makes sense to try it once more."""
        return self in {DeliveryState.PENDING, DeliveryState.REJECTED, DeliveryState.DEAD}


class IntakeCounts(Model):
    """Alerts by what became of them.

    Once nothing is pending, ``received`` is the sum of the others: an alert that is neither
    on a ticket nor refused nor listed as a dead letter would show as a difference.
    """

    received: int = 0
    opened: int = 0
    duplicate: int = 0
    ignored: int = 0
    rejected: int = 0
    dead_lettered: int = 0

    @property
    def unaccounted(self) -> int:
        """How many are still on their way; after the last one has settled: 0."""
        rest = self.opened + self.duplicate + self.ignored + self.rejected + self.dead_lettered
        return self.received - rest

    def plus(self, other: "IntakeCounts") -> "IntakeCounts":
        """Return the sum."""
        return IntakeCounts(
            **{name: getattr(self, name) + getattr(other, name) for name in COUNT_NAMES}
        )


COUNT_NAMES = tuple(IntakeCounts.model_fields)


class HourlyCounts(Model):
    """The counts of one source in one hour, which starts at ``hour``."""

    source: str
    hour: AwareDatetime
    counts: IntakeCounts


class Delivery(Model):
    """One POST of a sender.

    Attributes:
        key: The sender's own id of it if it sent one, else ``id``; one source never has the
            same key twice.
        body_hash: SHA-256 of the raw body: the same key must come with the same body.
        body: The text of it without secrets, cut at ``MAX_KEPT_CHARS`` characters.
        whole: ``body`` is all of it, so that it can be read once more.
        taken: Content hashes of the alerts in it that have reached their ticket.
        answer: What the sender was told.
        requested_by: Who sent it, where that is a person.
    """

    id: str
    source: str
    key: str
    body_hash: str
    body: str
    whole: bool
    received_at: AwareDatetime
    alerts: int = Field(default=1, ge=0)
    state: DeliveryState = DeliveryState.PENDING
    reason: str = ""
    taken: tuple[str, ...] = ()
    answer: dict[str, object] | None = None
    tries: int = 1
    settled_at: AwareDatetime | None = None
    requested_by: Requester | None = None
