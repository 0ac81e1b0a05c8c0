"""What operations cost, in request units (RU), as Azure says in each answer."""

import logging
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Charge:
    """``requests`` answers to one kind of operation, and what they cost together, in RU."""

    requests: int = 0
    units: float = 0.0
    throttled: int = 0


@dataclass(slots=True)
class Charges:
    """The charges of a process by the operation's name, for instance ``tickets.commit``."""

    by_operation: dict[str, Charge] = field(default_factory=dict)

    def note(self, operation: str, units: float, *, throttled: bool = False) -> None:
        """Add one answer."""
        charge = self.by_operation.setdefault(operation, Charge())
        charge.requests += 1
        charge.units += units
        charge.throttled += throttled
        logger.debug("cosmos %s: %.2f RU", operation, units)

    @property
    def units(self) -> float:
        """All of it, in RU."""
        return sum(charge.units for charge in self.by_operation.values())
