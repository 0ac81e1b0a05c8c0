"""Deliveries and their counts, side by side in one of 16 partitions.

A delivery lies in the partition of its id, and there, for each source and hour, a document of
counts: both are one commit, and counts are added to by patches, which do not get in each
other's way. An hour's counts are the sum over the partitions.
"""

from datetime import UTC, datetime

from shared.domain.delivery import (
    COUNT_NAMES,
    Delivery,
    DeliveryState,
    HourlyCounts,
    IntakeCounts,
)
from shared.domain.errors import NotFound, Unavailable
from shared.ports.inbox import Settle
from shared.stores.cosmos.claims import Claims
from shared.stores.cosmos.documents import is_own, new_write, safe_id, with_write
from shared.stores.cosmos.schema import BOOKS
from shared.stores.cosmos.selection import one_of
from shared.stores.cosmos.wire import Conflict, Document, Operation
from shared.stores.cursors import moment

_PARTITIONS = 16
_MAX_ROUNDS = 50
_CLAIM = "delivery"
# Longer than any request may be repeated by us: see Wire.
_RECEIPT_SECONDS = 3600
_OVER = (DeliveryState.DONE, DeliveryState.DISCARDED)


class Inbox(Claims):
    """Implements :class:`~shared.ports.inbox.Inbox`."""

    async def receive(self, delivery: Delivery, counts: IntakeCounts) -> Delivery:
        """See the protocol.

        A key that the sender chose is claimed first; whoever finds the claim without its
        delivery stores the delivery under the claimed id.
        """
        if delivery.key != delivery.id:
            known = await self._delivery(delivery.key)
            if known is not None and _of(known).source == delivery.source:
                return _of(known)
            name = _claim_of(delivery)
            holder = await self.claim(_CLAIM, name, delivery.id)
            delivery = delivery.model_copy(update={"id": holder})
            if (found := await self._delivery(holder)) is not None:
                return _of(found)
        document = _document(delivery, None, new_write())
        stored = await self._store(delivery, [("create", (document,))], counts)
        return delivery if stored else await self.delivery(delivery.id)

    async def settle(self, delivery_id: str, change: Settle, counts: IntakeCounts) -> Delivery:
        """See the protocol."""
        for _ in range(_MAX_ROUNDS):
            before = await self._delivery(delivery_id)
            if before is None:
                raise _unknown(delivery_id)
            settled, write = change(_of(before)), new_write()
            document = _document(settled, before, write)
            unchanged = {"if_match_etag": before["_etag"]}
            part = ("replace", (document["id"], document), unchanged)
            if await self._store(settled, [part], counts):
                return settled
            if is_own(await self._delivery(delivery_id), write):
                return settled
        raise Unavailable(f"too many writers of delivery {delivery_id} at once; try again")

    async def delivery(self, delivery_id: str) -> Delivery:
        """See the protocol."""
        found = await self._delivery(delivery_id)
        if found is None:
            raise _unknown(delivery_id)
        return _of(found)

    async def deliveries(
        self, states: tuple[DeliveryState, ...], *, limit: int = 100, before: str | None = None
    ) -> list[Delivery]:
        """See the protocol."""
        condition, values = one_of("state", [state.value for state in states])
        if before is not None:
            condition += " AND c.delivery < @before"
            values["@before"] = before
        text = (
            f"SELECT TOP {int(limit)} VALUE c.body FROM c"  # noqa: S608 - constants
            f" WHERE c.kind = 'delivery' AND {condition} ORDER BY c.delivery DESC"
        )
        found = await self._wire.query("inbox.list", BOOKS, text, values)
        return [Delivery.model_validate_json(body) for body in found[:limit]]

    async def count(self, source: str, at: datetime, counts: IntakeCounts) -> None:
        """See the protocol. A receipt keeps what is repeated from being counted twice."""
        if counts == IntakeCounts():
            return
        receipt = f"receipt-{new_write()}"
        pk = _partition(receipt)
        kept = {"id": receipt, "pk": pk, "kind": "receipt", "ttl": _RECEIPT_SECONDS}
        await self._add([("create", (kept,))], pk, source, at, counts)

    async def intake_counts(self, since: datetime) -> list[HourlyCounts]:
        """See the protocol."""
        text = "SELECT * FROM c WHERE c.kind = 'counts' AND c.hour >= @since"
        values: dict[str, object] = {"@since": _hour(since)}
        found: dict[tuple[str, str], IntakeCounts] = {}
        for one in await self._wire.query("inbox.counts", BOOKS, text, values):
            name = (str(one["hour"]), str(one["source"]))
            counts = IntakeCounts(**{count: int(one[count]) for count in COUNT_NAMES})
            found[name] = found.get(name, IntakeCounts()).plus(counts)
        return [
            HourlyCounts(source=source, hour=datetime.fromisoformat(hour), counts=counts)
            for (hour, source), counts in sorted(found.items(), key=lambda item: item[0])
            if counts != IntakeCounts()
        ]

    async def forget_deliveries(self, before: datetime) -> int:
        """See the protocol."""
        condition, values = one_of("state", [state.value for state in _OVER])
        text = (
            "SELECT * FROM c WHERE c.kind = 'delivery'"  # noqa: S608 - constants
            f" AND {condition} AND c.settled_at < @before"
        )
        values["@before"] = moment(before)
        found = await self._wire.query("inbox.old", BOOKS, text, values)
        for one in found:
            await self._wire.delete("inbox.forget", BOOKS, one["pk"], one["id"])
            known = _of(one)
            if known.key != known.id:
                await self.unclaim(_CLAIM, _claim_of(known))
        return len(found)

    async def _delivery(self, delivery_id: str) -> Document | None:
        name = _id(delivery_id)
        return await self._wire.read("inbox.read", BOOKS, _partition(delivery_id), name)

    async def _store(
        self, delivery: Delivery, parts: list[Operation], counts: IntakeCounts
    ) -> bool:
        pk, at = _partition(delivery.id), delivery.received_at
        return await self._add(parts, pk, delivery.source, at, counts)

    async def _add(
        self, parts: list[Operation], pk: str, source: str, at: datetime, counts: IntakeCounts
    ) -> bool:
        """Do ``parts`` and count, in one commit; ``False``: the first of them cannot be done."""
        name = f"counts-{safe_id(source, _hour(at))[:32]}"
        if counts != IntakeCounts():
            more = [
                {"op": "incr", "path": f"/{count}", "value": getattr(counts, count)}
                for count in COUNT_NAMES
                if getattr(counts, count)
            ]
            parts = [*parts, ("patch", (name, more))]
        for _ in range(_MAX_ROUNDS):
            try:
                await self._wire.batch("inbox.commit", BOOKS, pk, parts)
            except Conflict as conflict:
                if conflict.index == 0:
                    return False
            else:
                return True
            await self._begin(name, pk, source, at)
        raise Unavailable("the counts of this hour cannot be begun; try again")

    async def _begin(self, name: str, pk: str, source: str, at: datetime) -> None:
        none: Document = dict.fromkeys(COUNT_NAMES, 0)
        begun = {"id": name, "pk": pk, "kind": "counts", "source": source, "hour": _hour(at)}
        try:
            await self._wire.create("inbox.begin_hour", BOOKS, {**begun, **none})
        except Conflict:
            return


def _partition(delivery_id: str) -> str:
    return f"inbox-{int(safe_id(delivery_id)[:8], 16) % _PARTITIONS:02}"


def _id(delivery_id: str) -> str:
    return f"delivery-{safe_id(delivery_id)[:40]}"


def _claim_of(delivery: Delivery) -> str:
    return f"{delivery.source}\n{delivery.key}"


def _document(delivery: Delivery, before: Document | None, write: str) -> Document:
    return {
        "id": _id(delivery.id),
        "pk": _partition(delivery.id),
        "kind": "delivery",
        "delivery": delivery.id,
        "state": delivery.state.value,
        "settled_at": moment(delivery.settled_at) if delivery.settled_at else None,
        "writes": with_write(before, write),
        "body": delivery.model_dump_json(),
    }


def _of(document: Document) -> Delivery:
    return Delivery.model_validate_json(document["body"])


def _hour(at: datetime) -> str:
    return moment(at.astimezone(UTC).replace(minute=0, second=0, microsecond=0))


def _unknown(delivery_id: str) -> NotFound:
    return NotFound(f"there is no delivery {delivery_id!r}")
