"""Tickets: a partition each, and one transactional batch per commit."""

import asyncio
import logging
import re
from collections.abc import Collection

from shared.domain.errors import NotFound, Unavailable
from shared.domain.event import Event, OutboxItem
from shared.domain.ticket import Change, Ticket, checked
from shared.ports.tickets import Decide, Errand
from shared.stores.cosmos.documents import MAX_PARTS, errand_id, is_own, new_write, parts_of
from shared.stores.cosmos.lines import Job, Lines
from shared.stores.cosmos.schema import TICKETS
from shared.stores.cosmos.selection import one_of
from shared.stores.cosmos.trail import Trail
from shared.stores.cosmos.wire import Conflict, Document, Wire

logger = logging.getLogger(__name__)

# Lost races for one ticket: each needs another process to have won.
_MAX_ROUNDS = 50
# An alert counted is two parts and more; a person's edit three.
_MAX_AT_ONCE = 25
_FEW = 10

# Cosmos DB's ids must not have slashes, question marks or hashes; ours have none of many others.
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,199}")

_Update = Job[Decide, Ticket]


class Tickets(Trail):
    """Implements what :class:`~shared.ports.tickets.TicketStore` says of single tickets."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self._updates: Lines[Decide, Ticket] = Lines(self._serve)

    async def create(self, change: Change) -> bool:
        """See the protocol."""
        checked(None, change)
        write = new_write()
        ticket_id = change.ticket.id
        try:
            await self._commit(ticket_id, [change], None, write)
        except Conflict:
            return is_own(await self._document(ticket_id), write)
        return True

    async def get(self, ticket_id: str) -> Ticket:
        """See the protocol."""
        ticket = await self.find(ticket_id)
        if ticket is None:
            raise _unknown(ticket_id)
        return ticket

    async def find(self, ticket_id: str) -> Ticket | None:
        """See the protocol."""
        document = await self._document(ticket_id)
        return _ticket(document) if document else None

    async def update(self, ticket_id: str, decide: Decide) -> Ticket:
        """See the protocol."""
        return await self._updates.stand(ticket_id, decide)

    async def events(self, ticket_id: str, *, after: int = 0, limit: int = 200) -> list[Event]:
        """See the protocol."""
        text = (
            f"SELECT TOP {int(limit)} VALUE c.body FROM c"  # noqa: S608 - a number
            " WHERE c.kind = 'event' AND c.seq > @after ORDER BY c.seq"
        )
        values = {"@after": after}
        found = await self._wire.query("tickets.events", TICKETS, text, values, pk=ticket_id)
        if not found:
            await self.get(ticket_id)
        return [Event.model_validate_json(body) for body in found[:limit]]

    async def errands(self, limit: int = 100, *, of: Collection[str] | None = None) -> list[Errand]:
        """See the protocol. Asked for all of them, as the sweeper does, the trail catches up."""
        text = (
            f"SELECT TOP {int(limit)} * FROM c WHERE c.kind = 'errand'"  # noqa: S608 - a number
            " ORDER BY c.position"
        )
        if of is None:
            try:
                await self.catch_up()
            except Unavailable as error:  # must not hold up the errands
                logger.warning("audit trail not caught up: %s", error)
            found = await self._wire.query("tickets.errands", TICKETS, text, {})
        elif len(of) <= _FEW:
            pages = await asyncio.gather(
                *(
                    self._wire.query("tickets.errands", TICKETS, text, {}, pk=ticket_id)
                    for ticket_id in of
                )
            )
            found = [one for page in pages for one in page]
        else:
            condition, values = one_of("pk", sorted(of))
            text = text.replace(" ORDER", f" AND {condition} ORDER")
            found = await self._wire.query("tickets.errands", TICKETS, text, values)
        oldest = sorted(found, key=lambda one: str(one["position"]))[:limit]
        return [
            Errand(str(one["pk"]), OutboxItem.model_validate_json(one["body"])) for one in oldest
        ]

    async def done(self, errand: Errand) -> None:
        """See the protocol."""
        item = errand_id(errand.item.id)
        await self._wire.delete("tickets.errand_done", TICKETS, errand.ticket_id, item)

    async def _document(self, ticket_id: str) -> Document | None:
        if not _ID.fullmatch(ticket_id):
            return None  # callers of the API ask for anything, also for what is no id there
        return await self._wire.read("tickets.read", TICKETS, ticket_id, ticket_id)

    async def _commit(
        self, ticket_id: str, changes: list[Change], before: Document | None, write: str
    ) -> None:
        parts = parts_of(changes, before, write)
        await self._wire.batch("tickets.commit", TICKETS, ticket_id, parts)

    async def _serve(self, ticket_id: str, jobs: list[_Update]) -> int:
        """Apply the first decisions to the ticket in one commit; return how many."""
        jobs = jobs[:_MAX_AT_ONCE]
        for number in range(_MAX_ROUNDS):
            document = await self._document(ticket_id)
            if document is None:
                raise _unknown(ticket_id)
            plan = _Plan(_ticket(document))
            plan.add(jobs)
            if not plan.changes:
                return plan.answer()
            write = new_write()
            try:
                await self._commit(ticket_id, plan.changes, document, write)
            except Conflict:
                if not is_own(await self._document(ticket_id), write):
                    await asyncio.sleep(0.002 * number)
                    continue
            return plan.answer()
        raise Unavailable(f"too many writers of ticket {ticket_id} at once; try again")


class _Plan:
    """What decisions make of a ticket, one after the other; nothing is answered yet."""

    def __init__(self, ticket: Ticket) -> None:
        self._ticket = ticket
        self.changes: list[Change] = []
        self._parts = 1
        self._answers: list[tuple[_Update, Ticket | BaseException]] = []

    def add(self, jobs: list[_Update]) -> None:
        """Apply decisions until the batch is full. One that raises stops no other."""
        for job in jobs:
            try:
                change = job.asked(self._ticket)
                if change is not None:
                    checked(self._ticket, change)
            except Exception as error:  # noqa: BLE001 - handed to whoever asked
                self._answers.append((job, error))
                continue
            if change is not None:
                parts = 2 * len(change.events) + len(change.outbox)
                if self.changes and self._parts + parts > MAX_PARTS:
                    return
                self._parts += parts
                self.changes.append(change)
                self._ticket = change.ticket
            self._answers.append((job, self._ticket))

    def answer(self) -> int:
        """Tell each caller, and return how many."""
        for job, answer in self._answers:
            if isinstance(answer, Ticket):
                job.succeed(answer)
            else:
                job.fail(answer)
        return len(self._answers)


def _ticket(document: Document) -> Ticket:
    return Ticket.model_validate_json(document["body"])


def _unknown(ticket_id: str) -> NotFound:
    return NotFound(f"there is no ticket {ticket_id!r}")
