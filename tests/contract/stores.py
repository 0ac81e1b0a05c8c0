"""An empty store of each kind."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from shared.connectors.azure_identity import async_credential
from shared.stores.cosmos import CosmosStore
from shared.stores.cosmos.schema import TICKETS
from shared.stores.memory import MemoryStore
from shared.stores.sqlite import SqliteStore
from tests.support.cosmos import ACCOUNT_KEY, ENDPOINT, CosmosServer

Store = MemoryStore | SqliteStore | CosmosStore

KINDS = ["memory", "sqlite", "cosmos", *(["cosmos-account"] if ENDPOINT else [])]
"""``cosmos`` is npm's server, ``cosmos-account`` what ``COSMOS_ENDPOINT`` names."""


def empty_store(
    kind: str, folder: Path, server: Callable[[], CosmosServer]
) -> MemoryStore | SqliteStore | CosmosStore:
    """Return an empty store of one kind; a database of its own for each."""
    match kind:
        case "memory":
            return MemoryStore()
        case "sqlite":
            return SqliteStore(folder / "mend.db")
        case "cosmos":
            return server().store()
        case _:
            name = f"mend-test-{uuid4().hex[:8]}"
            return CosmosStore(
                ENDPOINT, name, key=ACCOUNT_KEY, credential=async_credential, create=True
            )


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Yield an empty store of each kind."""

    def server() -> CosmosServer:
        found = request.getfixturevalue("cosmos_server")
        assert isinstance(found, CosmosServer)
        return found

    chosen = empty_store(request.param, tmp_path, server)
    yield chosen
    if request.param == "cosmos-account" and isinstance(chosen, CosmosStore):
        await drop(chosen)
    await chosen.close()


async def drop(store: CosmosStore) -> None:
    """Leave nothing behind on somebody's account."""
    wire = store._wire
    await wire.opened()
    connection = wire._containers[TICKETS].client_connection
    await connection.DeleteDatabase(f"dbs/{wire._name}")
