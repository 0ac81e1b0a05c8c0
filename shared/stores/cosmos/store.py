"""Every store protocol on one Cosmos DB account."""

import hashlib
from collections.abc import Callable
from typing import Any

from shared.domain.errors import Unavailable
from shared.stores.cosmos.charges import Charges
from shared.stores.cosmos.finding import Finding
from shared.stores.cosmos.inbox import Inbox
from shared.stores.cosmos.notifications import Notifications
from shared.stores.cosmos.sends import Sends
from shared.stores.cosmos.settings import Settings
from shared.stores.cosmos.wire import Wire


class CosmosStore(Sends, Finding, Settings, Inbox, Notifications):
    """Implements every protocol of :mod:`shared.ports` that speaks of storing.

    Reads must see the latest writes of other processes, the kill switch above all: the account's
    consistency is Strong, or Bounded staleness in the region that writes.

    Args:
        endpoint: The account's; plain http on loopback only.
        database: Its database; :mod:`shared.stores.cosmos.schema` says what is in it.
        key: The account's key; ``None``: the identity that ``credential`` makes.
        credential: Makes an async token credential; called on first use.
        create: Make the database and its containers if they are missing.
        patience_seconds: How long one request is tried again before ``Unavailable``.
    """

    def __init__(
        self,
        endpoint: str,
        database: str,
        *,
        key: str | None = None,
        credential: Callable[[], Any] | None = None,
        create: bool = False,
        patience_seconds: float = 30,
    ) -> None:
        wire = Wire(
            endpoint,
            database,
            key=key,
            credential=credential,
            create=create,
            patience_seconds=patience_seconds,
        )
        super().__init__(wire)

    @property
    def incarnation(self) -> str:
        """See the protocol.

        Made of the account's address and of what Cosmos DB itself says of each container (id,
        version, time of its last change): a restore goes to another account or makes the
        containers anew. So does a change of a container's settings; that costs a few looks.

        Raises:
            Unavailable: nothing has been read yet.
        """
        if not self._wire.identity:
            raise Unavailable("the store has not been opened yet; try again")
        return hashlib.sha256(self._wire.identity.encode()).hexdigest()[:16]

    @property
    def charges(self) -> Charges:
        """What its operations have cost so far."""
        return self._wire.charges

    async def close(self) -> None:
        """Finish what is running and close the connections."""
        await self._updates.close()
        await self._wire.close()
