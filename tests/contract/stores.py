"""An empty store of each kind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.stores.memory import MemoryStore
from shared.stores.sqlite import SqliteStore

Store = MemoryStore | SqliteStore


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Yield an empty store of each kind."""
    chosen: Store = (
        MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "mend.db")
    )
    yield chosen
    await chosen.close()
