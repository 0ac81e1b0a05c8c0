"""Tickets, the claims that keep them unique, and the errands that follow a commit."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from shared.domain.alert import Severity
from shared.domain.attempt import AttemptOutcome
from shared.domain.event import Event, OutboxItem
from shared.domain.limits import Limit, LimitReached, Send
from shared.domain.ticket import Change, Ticket

Decide = Callable[[Ticket], Change | None]
"""Looks at the current ticket and returns its next version, or ``None`` for no change.

Pure and quick: a store may call it inside a transaction and, after a lost race,
more than once.
"""


class Order(StrEnum):
    """By what tickets are sorted; with ``-`` the greatest comes first."""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    LATEST_CHANGE = "-updated_at"
    EARLIEST_CHANGE = "updated_at"
    MOST_SEVERE = "-severity"
    LEAST_SEVERE = "severity"


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketQuery:
    """Which tickets, and in which order. An empty tuple, ``None`` or ``""`` means "any".

    Attributes:
        except_source: Not from these.
        since: Opened at this time or later.
        until: Opened before this time.
        text: Each of its words must begin a word of the ticket (:mod:`shared.domain.search`).
    """

    status: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    platform: tuple[str, ...] = ()
    classification: tuple[str, ...] = ()
    fingerprint: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    signature: tuple[str, ...] = ()
    approval: tuple[str, ...] = ()
    except_source: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    order: Order = Order.NEWEST
    limit: int = 50
    cursor: str | None = None


FILTERS = (
    "status",
    "severity",
    "source",
    "platform",
    "classification",
    "fingerprint",
    "scope",
    "signature",
    "approval",
)
"""The attributes of :class:`TicketQuery` that list values of the ticket's attribute so named."""

FACETS = ("status", "severity", "source", "platform", "classification")
"""What tickets are counted by."""

SEVERITY_RANKS = {severity: rank for rank, severity in enumerate(reversed(Severity))}
"""How severe, as a number that grows."""


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

    @property
    def incarnation(self) -> str:
        """Another one whenever what is stored may be older than what was done: a restored copy.

        Where that cannot be told, it is another one after every start.
        """
        ...

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

    async def facets(self, query: TicketQuery) -> dict[str, dict[str, int]]:
        """Return how many tickets ``query`` finds per value of each of ``FACETS``.

        Order, limit and cursor of the query do not matter. Values of no ticket are left out.
        """
        ...

    async def errands(self, limit: int = 100, *, of: Collection[str] | None = None) -> list[Errand]:
        """Return outbox items that are not done, oldest first; ``of`` these tickets only."""
        ...

    async def done(self, errand: Errand) -> None:
        """Take ``errand`` off the list; harmless when repeated."""
        ...


class SendLedger(Protocol):
    """Counts attempts that are sent, so that a limit holds however many ask at once."""

    async def update_counted(
        self, ticket_id: str, decide: Decide, send: Send, limits: Sequence[Limit]
    ) -> tuple[Ticket, LimitReached | None]:
        """Apply ``decide`` as :meth:`TicketStore.update` does and count ``send``, in one commit.

        With a limit reached nothing is changed and nothing counted. A ``send`` that is
        counted already (by its key) is not counted again, and no limit stops it. When
        ``decide`` changes nothing, nothing is counted.
        """
        ...

    async def limit_reached(self, send: Send, limits: Sequence[Limit]) -> LimitReached | None:
        """Tell which limit ``send`` would meet now. Changes nothing."""
        ...

    async def end_send(self, key: str, at: datetime, outcome: AttemptOutcome) -> None:
        """Note that it is over; harmless when repeated, or when it was never counted."""
        ...

    async def latest_outcomes(self, scope: str, most: int) -> list[Send]:
        """Return the newest attempts in ``scope`` that are over, newest first."""
        ...

    async def failing_share(self, scope: str, since: datetime) -> tuple[int, int]:
        """Return how many targets of ``scope`` have a ticket opened since, and how many ever."""
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
