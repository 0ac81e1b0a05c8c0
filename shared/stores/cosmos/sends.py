"""The ledger of attempts: one partition, because a limit may count all of them.

A transactional batch does not reach over partitions, so the ticket's commit cannot hold the
count. It is made before: *first* the ledger takes the attempt, in a batch that fails when
another attempt was taken since the limits were looked at, *then* the ticket is committed. A
limit can therefore never be exceeded. It can be under-used: after a crash in between, the
attempt is counted and not yet sent. Its next try is known by its key and goes on; if there is
none, it stops counting when the limit's window has passed.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from shared.domain.attempt import AttemptOutcome
from shared.domain.errors import Unavailable
from shared.domain.limits import Limit, LimitReached, Send
from shared.domain.ticket import Change, Ticket
from shared.ports.tickets import Decide
from shared.stores.cosmos.documents import is_own, new_write, safe_id, with_write
from shared.stores.cosmos.schema import BOOKS
from shared.stores.cosmos.tickets import Tickets
from shared.stores.cosmos.wire import Conflict, Document, Operation, Wire
from shared.stores.counting import first_reached
from shared.stores.cursors import moment

_PARTITION = "sends"
_GATE = "gate"
_MAX_ROUNDS = 50
# No limit looks back further, and no breaker asks for older ones.
_KEPT_SECONDS = 400 * 24 * 3600


class Sends(Tickets):
    """Implements :class:`~shared.ports.tickets.SendLedger`."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self._taking = asyncio.Lock()

    async def update_counted(
        self, ticket_id: str, decide: Decide, send: Send, limits: Sequence[Limit]
    ) -> tuple[Ticket, LimitReached | None]:
        """See the protocol; the module says in which order."""
        current = await self.get(ticket_id)
        if decide(current) is None:
            return current, None
        async with self._taking:  # rivals in this process need not race
            ours, reached = await self._take(send, limits)
        if reached is not None:
            return current, reached
        changed = False

        def decide_now(ticket: Ticket) -> Change | None:
            nonlocal changed
            changed = False
            change = decide(ticket)
            changed = change is not None
            return change

        try:
            ticket = await self.update(ticket_id, decide_now)
        except Unavailable:
            raise  # it may be stored: the count stays
        except Exception:
            await self._give_back(send, ours=ours)
            raise
        if not changed:
            await self._give_back(send, ours=ours)
        return ticket, None

    async def limit_reached(self, send: Send, limits: Sequence[Limit]) -> LimitReached | None:
        """See the protocol."""
        if await self._entry(send.key) is not None:
            return None
        return await self._reached(send, limits)

    async def end_send(self, key: str, at: datetime, outcome: AttemptOutcome) -> None:
        """See the protocol."""
        for _ in range(_MAX_ROUNDS):
            document = await self._entry(key)
            send = _send(document) if document else None
            if document is None or send is None or send.ended_at is not None:
                return
            over = send.model_copy(update={"ended_at": at, "outcome": outcome})
            try:
                await self._wire.replace("sends.end", BOOKS, {**document, **_document(over)})
            except Conflict:
                continue
            return
        raise Unavailable(f"too many writers of attempt {key} at once; try again")

    async def latest_outcomes(self, scope: str, most: int) -> list[Send]:
        """See the protocol."""
        text = (
            f"SELECT TOP {int(most)} VALUE c.body FROM c"  # noqa: S608 - a number
            " WHERE c.kind = 'send' AND c.scope = @scope AND c.ended_at > ''"
            " ORDER BY c.ended_at DESC"
        )
        values = {"@scope": scope}
        found = await self._wire.query("sends.latest", BOOKS, text, values, pk=_PARTITION)
        return [Send.model_validate_json(body) for body in found[:most]]

    async def _take(self, send: Send, limits: Sequence[Limit]) -> tuple[bool, LimitReached | None]:
        """Count ``send``, unless a limit is reached; tell whether it was this call."""
        for number in range(_MAX_ROUNDS):
            gate = await self._wire.read("sends.gate", BOOKS, _PARTITION, _GATE)
            if await self._entry(send.key) is not None:
                return False, None
            # Looked at after the gate was read: whoever is taken meanwhile moves it.
            reached = await self._reached(send, limits)
            if reached is not None:
                return False, reached
            write = new_write()
            try:
                await self._wire.batch("sends.take", BOOKS, _PARTITION, _parts(send, gate, write))
            except Conflict:
                if is_own(await self._entry(send.key), write):
                    return True, None
                await asyncio.sleep(0.002 * number)
                continue
            return True, None
        raise Unavailable("too many attempts are sent at once; try again")

    async def _give_back(self, send: Send, *, ours: bool) -> None:
        if ours:
            await self._wire.delete("sends.give_back", BOOKS, _PARTITION, _id(send.key))

    async def _reached(self, send: Send, limits: Sequence[Limit]) -> LimitReached | None:
        if not limits:
            return None
        since = send.at - timedelta(seconds=max(limit.seconds for limit in limits))
        text = "SELECT VALUE c.body FROM c WHERE c.kind = 'send' AND c.at > @since"
        values = {"@since": _moment(since)}
        found = await self._wire.query("sends.counted", BOOKS, text, values, pk=_PARTITION)
        return first_reached(send, limits, [Send.model_validate_json(body) for body in found])

    async def _entry(self, key: str) -> Document | None:
        return await self._wire.read("sends.read", BOOKS, _PARTITION, _id(key))


def _parts(send: Send, gate: Document | None, write: str) -> list[Operation]:
    moved = {
        "id": _GATE,
        "pk": _PARTITION,
        "kind": "gate",
        "writes": with_write(gate, write),
    }
    entry = {**_document(send), "writes": [write]}
    move: Operation = (
        ("create", (moved,))
        if gate is None
        else ("replace", (_GATE, moved), {"if_match_etag": gate["_etag"]})
    )
    return [move, ("create", (entry,))]


def _document(send: Send) -> Document:
    return {
        "id": _id(send.key),
        "pk": _PARTITION,
        "kind": "send",
        "scope": send.scope,
        "at": _moment(send.at),
        "ended_at": _moment(send.ended_at) if send.ended_at else None,
        "ttl": _KEPT_SECONDS,
        "body": send.model_dump_json(),
    }


def _id(key: str) -> str:
    return f"send-{safe_id(key)[:40]}"


def _moment(at: datetime) -> str:
    return moment(at.astimezone(UTC))


def _send(document: Document) -> Send:
    return Send.model_validate_json(document["body"])
