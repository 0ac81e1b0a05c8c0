"""Unique names: a document each, in a partition of its own, which only one caller can create."""

from shared.domain.errors import Unavailable
from shared.stores.cosmos.documents import safe_id
from shared.stores.cosmos.schema import CLAIMS
from shared.stores.cosmos.trail import Part
from shared.stores.cosmos.wire import Conflict, Document

# Lost races for one claim: each needs another caller to have won.
_MAX_ROUNDS = 50


class Claims(Part):
    """Implements :class:`~shared.ports.tickets.ClaimStore`.

    A call whose answer got lost is done again and finds its own holder: the same answer.
    """

    async def claim(
        self, kind: str, key: str, holder: str, *, instead_of: str | None = None
    ) -> str:
        """See the protocol."""
        name = safe_id(kind, key)
        ours = {"id": name, "pk": name, "kind": kind, "key": key, "holder": holder}
        for _ in range(_MAX_ROUNDS):
            current = None if instead_of is None else await self._claim(name)
            if current is None:
                try:
                    await self._wire.create("claims.claim", CLAIMS, ours)
                except Conflict:
                    current = await self._claim(name)
                else:
                    return holder
            if current is None:
                continue
            if current["holder"] != instead_of:
                return str(current["holder"])
            try:
                await self._wire.replace("claims.take", CLAIMS, {**current, "holder": holder})
            except Conflict:
                continue
            return holder
        raise Unavailable(f"too many callers for one {kind} at once; try again")

    async def holder(self, kind: str, key: str) -> str | None:
        """See the protocol."""
        current = await self._claim(safe_id(kind, key))
        return str(current["holder"]) if current else None

    async def unclaim(self, kind: str, key: str) -> None:
        """Free a key whose holder is forgotten."""
        name = safe_id(kind, key)
        await self._wire.delete("claims.free", CLAIMS, name, name)

    async def _claim(self, name: str) -> Document | None:
        return await self._wire.read("claims.read", CLAIMS, name, name)
