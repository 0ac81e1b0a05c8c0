"""What channels have been told: beside the ticket, and marked on it.

The ticket's document lists the channels that show it as it is (``shown``, emptied by each
commit) and until when the others wait (``waits``), so that one query finds whom to tell.
"""

import asyncio
import re
from datetime import UTC, datetime

from shared.domain.alert import CANARY
from shared.domain.errors import Unavailable
from shared.domain.notification import Remembered
from shared.domain.ticket import Ticket
from shared.stores.cosmos.documents import is_own, new_write
from shared.stores.cosmos.schema import TICKETS
from shared.stores.cosmos.trail import Part
from shared.stores.cosmos.wire import Conflict, Document, Operation
from shared.stores.cursors import moment

_MAX_ROUNDS = 50
# Part of the text of a query.
_CHANNEL = re.compile(r"[a-z][a-z0-9_]{0,30}")


class Notifications(Part):
    """Implements :class:`~shared.ports.notifications.NotificationStore`."""

    async def remembered(self, channel: str, ticket_id: str) -> Remembered | None:
        """See the protocol."""
        found = await self._told(channel, ticket_id)
        return Remembered.model_validate_json(found["body"]) if found else None

    async def remember(self, remembered: Remembered) -> None:
        """See the protocol."""
        pk = remembered.ticket_id
        for number in range(_MAX_ROUNDS):
            ticket = await self._wire.read("told.ticket", TICKETS, pk, pk)
            write = new_write()
            parts: list[Operation] = [("upsert", (_document(remembered, write),))]
            if ticket is not None:
                unchanged = {"if_match_etag": ticket["_etag"]}
                parts.append(("patch", (pk, _marks(ticket, remembered)), unchanged))
            try:
                await self._wire.batch("told.write", TICKETS, pk, parts)
            except Conflict:
                if not is_own(await self._told(remembered.channel, pk), write):
                    await asyncio.sleep(0.002 * number)
                    continue
            return
        raise Unavailable(f"too many writers of ticket {pk} at once; try again")

    async def untold(
        self, channel: str, *, since: datetime, now: datetime, limit: int
    ) -> list[Ticket]:
        """See the protocol."""
        name = _checked(channel)
        text = (
            f"SELECT TOP {int(limit)} VALUE c.body FROM c"  # noqa: S608 - checked above
            " WHERE c.kind = 'ticket' AND c.part = @part AND c.updated_at >= @since"
            " AND c.source != @canary AND NOT ARRAY_CONTAINS(c.shown, @channel)"
            f" AND (NOT IS_DEFINED(c.waits.{name}) OR c.waits.{name} <= @now)"
            " ORDER BY c.updated_at, c.id"
        )
        values: dict[str, object] = {
            "@since": _moment(since),
            "@now": _moment(now),
            "@canary": CANARY,
            "@channel": channel,
        }
        found: list[str] = []
        for part in (False, True):
            if len(found) < limit:
                values["@part"] = part
                found += await self._wire.query("told.behind", TICKETS, text, values)
        return [Ticket.model_validate_json(body) for body in found[:limit]]

    async def _told(self, channel: str, ticket_id: str) -> Document | None:
        name = _id(channel)
        return await self._wire.read("told.read", TICKETS, ticket_id, name)


def _id(channel: str) -> str:
    return f"told-{_checked(channel)}"


def _checked(channel: str) -> str:
    if not _CHANNEL.fullmatch(channel):
        raise ValueError(f"{channel!r} is no name of a channel")
    return channel


def _document(remembered: Remembered, write: str) -> Document:
    return {
        "id": _id(remembered.channel),
        "pk": remembered.ticket_id,
        "kind": "told",
        "writes": [write],
        "body": remembered.model_dump_json(),
    }


def _marks(ticket: Document, remembered: Remembered) -> list[dict[str, object]]:
    channel = remembered.channel
    shown = {*ticket["shown"], channel}
    if remembered.version < ticket["version"]:
        shown.discard(channel)
    waits = {name: until for name, until in ticket["waits"].items() if name != channel}
    if remembered.next_at is not None:
        waits[channel] = _moment(remembered.next_at)
    return [
        {"op": "set", "path": "/shown", "value": sorted(shown)},
        {"op": "set", "path": "/waits", "value": waits},
    ]


def _moment(at: datetime) -> str:
    return moment(at.astimezone(UTC))
