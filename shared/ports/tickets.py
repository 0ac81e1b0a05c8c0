"""Tickets, the claims that keep them unique, and the errands that follow a commit."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from shared.domain.event import Event, OutboxItem
from shared.domain.ticket import Change, Ticket

Decide = Callable[[Ticket], Change | None]
"""Looks at the current ticket and returns its next version, or ``None`` for no change.

Pure and quick: a store may call it inside a transaction and, after a lost race,
more than once.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketQuery:
    """Which tickets, newest first. An empty tuple means "any"."""

    status: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    platform: tuple[str, ...] = ()
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class TicketPage:
    """One page; ``next_cursor`` is ``None`` on the last one."""

    items: tuple[Ticket, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Errand:
    """An outbox item together with the ticket it belongs to."""

    ticket_id: str
    item: OutboxItem


class TicketStore(Protocol):
    """Tickets with their timeline and outbox; one ticket is one unit of commit.

    A commit holds before the call returns: a crash afterwards loses nothing, a
    crash before leaves nothing behind. Implementations: :mod:`shared.stores`;
    all pass ``tests/contract/test_ticket_store.py``. Every method may raise
    :class:`~shared.domain.errors.Unavailable` when the store cannot work.
    """

    async def create(self, change: Change) -> bool:
        """Store a new ticket; ``False`` (and no effect) if its id is taken.

        Raises:
            IllegalTransition: the change is not a legal beginning.
        """
        ...

    async def get(self, ticket_id: str) -> Ticket:
        """Return the current version.

        Raises:
            NotFound: there is no such ticket.
        """
        ...

    async def find(self, ticket_id: str) -> Ticket | None:
        """Return the current version, or ``None``."""
        ...

    async def update(self, ticket_id: str, decide: Decide) -> Ticket:
        """Apply ``decide`` to the current version and return what is stored then.

        Atomic: of concurrent callers each sees the result of the one before it.

        Raises:
            NotFound: there is no such ticket.
            IllegalTransition: the change may not follow the current version.
        """
        ...

    async def events(self, ticket_id: str, *, after: int = 0, limit: int = 200) -> list[Event]:
        """Return the timeline after ``after``, oldest first.

        Raises:
            NotFound: there is no such ticket.
        """
        ...

    async def search(self, query: TicketQuery) -> TicketPage:
        """Return one page of tickets.

        Raises:
            InvalidInput: the cursor is not one of ours, or belongs to another query.
        """
        ...

    async def errands(self, limit: int = 100, *, of: Collection[str] | None = None) -> list[Errand]:
        """Return outbox items that are not done, oldest first; ``of`` these tickets only."""
        ...

    async def done(self, errand: Errand) -> None:
        """Take ``errand`` off the list; harmless when repeated."""
        ...


class ClaimStore(Protocol):
    """Unique names, each held by one ticket: fingerprints and run ids.

    A claim is made before the ticket it names exists; whoever finds a claim
    without its ticket finishes the job.
    """

    async def claim(
        self, kind: str, key: str, holder: str, *, instead_of: str | None = None
    ) -> str:
        """Return who holds ``key`` after this call: ``holder``, if it was free.

        With ``instead_of`` a claim held by exactly that holder changes hands.
        Atomic: of concurrent callers exactly one gets a free key.
        """
        ...

    async def holder(self, kind: str, key: str) -> str | None:
        """Return who holds ``key``."""
        ...
