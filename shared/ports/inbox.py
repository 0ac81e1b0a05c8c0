"""Deliveries as they came in, and the counts that prove that none was lost."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from shared.domain.delivery import Delivery, DeliveryState, HourlyCounts, IntakeCounts

Settle = Callable[[Delivery], Delivery]
"""Returns the next version of a delivery. Pure and quick."""


class Inbox(Protocol):
    """Keeps every delivery from before it is looked at until its retention ends.

    Counting happens in the commit that it belongs to. Every method may raise
    :class:`~shared.domain.errors.Unavailable`.
    """

    async def receive(self, delivery: Delivery, counts: IntakeCounts) -> Delivery:
        """Store ``delivery`` and count; the earlier one, and no count, if its key is known."""
        ...

    async def settle(self, delivery_id: str, change: Settle, counts: IntakeCounts) -> Delivery:
        """Store what ``change`` makes of it, and count, in one commit.

        Raises:
            NotFound: there is no such delivery.
        """
        ...

    async def delivery(self, delivery_id: str) -> Delivery:
        """Return one delivery.

        Raises:
            NotFound: there is no such delivery.
        """
        ...

    async def deliveries(
        self, states: tuple[DeliveryState, ...], *, limit: int = 100, before: str | None = None
    ) -> list[Delivery]:
        """Return deliveries in one of ``states``, newest first; ``before`` this id if given."""
        ...

    async def count(self, source: str, at: datetime, counts: IntakeCounts) -> None:
        """Count what is not kept."""
        ...

    async def intake_counts(self, since: datetime) -> list[HourlyCounts]:
        """Return the counts of each source and hour from the hour of ``since`` on, in order."""
        ...

    async def forget_deliveries(self, before: datetime) -> int:
        """Remove what was settled before; what still waits for somebody stays."""
        ...
