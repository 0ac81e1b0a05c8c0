"""Telling people: what a channel can do, and where it is kept what it has been told."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.event import Event
from shared.domain.notification import Remembered
from shared.domain.ticket import Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a channel has to catch up with.

    Attributes:
        ticket: As it is now.
        events: After the newest one that the channel has been told, oldest first; perhaps not all.
        all_events: There are no more of them.
        parent: The incident that the ticket is part of.
        thread: What the channel has been told about ``parent``.
        in_doubt: Something may have been sent that is not remembered: look for it first.
    """

    ticket: Ticket
    events: Sequence[Event] = ()
    all_events: bool = True
    parent: Ticket | None = None
    thread: Remembered | None = None
    in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What to remember, and whether people have been sent something.

    The channel is up to date once ``remembered.version`` is that of the ticket.
    """

    remembered: Remembered
    sent: bool = False


Intend = Callable[[], Awaitable[None]]
"""Writes down that something is about to be sent."""


class Notifier(Protocol):
    """A channel by which people are told. Implementations: :mod:`shared.connectors`."""

    @property
    def name(self) -> str:
        """Return the channel's name, unique and never changed: it is stored."""
        ...

    @property
    def pause_seconds(self) -> float:
        """Return how long to wait after each thing that was sent."""
        ...

    async def tell(self, news: News, remembered: Remembered, intend: Intend) -> Told:
        """Take one step towards a channel that shows the ticket as it is now.

        Called until nothing is left to do. One step sends one thing at most, so that what is
        remembered is never more than one thing behind. Steps that are lost, repeated or late end
        in the same picture. An unchanged memory means: not yet, ask again later.

        Args:
            intend: Awaited before anything is sent that would be seen twice if it were sent twice.

        Raises:
            Transient: nothing was sent.
            Refused: nothing was sent, and the same step would fail again; with status 401 or
                403 so would every other.
            OutcomeUnknown: it may have been sent. The next step is ``in_doubt``.
        """
        ...


class NotificationStore(Protocol):
    """Keeps what each channel has been told. Every method may raise ``Unavailable``."""

    async def remembered(self, channel: str, ticket_id: str) -> Remembered | None:
        """Return what the channel has been told about the ticket; ``None``: nothing ever."""
        ...

    async def remember(self, remembered: Remembered) -> None:
        """Store it instead of what was stored before."""
        ...

    async def untold(
        self, channel: str, *, since: datetime, now: datetime, limit: int
    ) -> list[Ticket]:
        """Return tickets that the channel does not show as they are.

        Those that are part of no incident come first, then the one whose last change is the
        oldest. Canaries, and tickets whose ``next_at`` is after ``now``, are left out.

        Args:
            since: Only what has changed since then.
        """
        ...
