"""The orchestrations that work on tickets, as far as those outside need to know them."""

from enum import StrEnum
from typing import Protocol


class Standing(StrEnum):
    """How an orchestration stands."""

    UNKNOWN = "unknown"  # there is none with this id
    PENDING = "pending"
    RUNNING = "running"
    OVER = "over"


class Orchestrations(Protocol):
    """Looks at orchestrations and stops them. Every call may raise when the hub cannot work."""

    async def standing(self, instance_id: str) -> Standing:
        """Return how it stands."""
        ...

    async def stop(self, instance_id: str, why: str) -> None:
        """Let it do nothing more; harmless for one that is over."""
        ...
