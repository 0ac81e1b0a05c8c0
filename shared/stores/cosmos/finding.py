"""Finding and counting tickets, over all partitions."""

import asyncio
from datetime import UTC, datetime

from shared.domain.ticket import Ticket
from shared.ports.tickets import FACETS, TicketPage, TicketQuery
from shared.stores import cursors
from shared.stores.cosmos import selection
from shared.stores.cosmos.schema import TICKETS
from shared.stores.cosmos.trail import Part
from shared.stores.cursors import moment


class Finding(Part):
    """Implements what :class:`~shared.ports.tickets.TicketStore` says of many tickets."""

    async def search(self, query: TicketQuery) -> TicketPage:
        """See the protocol."""
        text, values = selection.page(query, cursors.decode(query))
        found = await self._wire.query("tickets.search", TICKETS, text, values)
        items = [Ticket.model_validate_json(body) for body in found[: query.limit]]
        more = len(found) > query.limit
        return TicketPage(tuple(items), cursors.encode(query, items[-1]) if more else None)

    async def facets(self, query: TicketQuery) -> dict[str, dict[str, int]]:
        """See the protocol. Each value is counted by itself, which an index answers."""
        counted = await asyncio.gather(*(self._facet(query, name) for name in FACETS))
        return dict(zip(FACETS, counted, strict=True))

    async def failing_share(self, scope: str, since: datetime) -> tuple[int, int]:
        """See the protocol."""
        failing, known = await asyncio.gather(
            self._wire.query("tickets.targets", TICKETS, *selection.targets(scope, _from(since))),
            self._wire.query("tickets.targets", TICKETS, *selection.targets(scope)),
        )
        return len(set(failing)), len(set(known))

    async def _facet(self, query: TicketQuery, name: str) -> dict[str, int]:
        values = selection.VALUES.get(name)
        if values is None:
            statement = selection.values_of(query, name)
            found = await self._wire.query("tickets.facets", TICKETS, *statement)
            values = tuple(sorted({one for one in found if one}))
        counts = await asyncio.gather(*(self._count(query, name, value) for value in values))
        counted = dict(zip(map(str, values), counts, strict=True))
        return {value: counted[value] for value in sorted(counted) if counted[value]}

    async def _count(self, query: TicketQuery, name: str, value: str) -> int:
        statement = selection.count(query, name, value)
        return sum(await self._wire.query("tickets.facets", TICKETS, *statement))


def _from(since: datetime) -> str:
    return moment(since.astimezone(UTC))
