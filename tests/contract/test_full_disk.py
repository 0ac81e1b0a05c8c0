"""A disk that runs full: what was acknowledged is there, the rest was refused, and it goes on."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from shared.domain.errors import Unavailable
from shared.ports.audit import AuditQuery
from shared.stores.sqlite import SqliteStore, connection
from shared.usecases.verify_audit import verify_audit
from tests.support.builders import NOW, an_opening

ROUNDS = 50
_MOST_PAGES = 60


async def _fill(store: SqliteStore) -> dict[str, int]:
    """Write until nothing fits any more; return the version of each ticket that was stored."""
    acknowledged: dict[str, int] = {}
    try:
        for number in range(10_000):
            name = f"TIK-20261120-{number:06X}"
            await store.create(an_opening(name))
            acknowledged[name] = 1
            changed = await store.update(
                name, lambda one: one.changed(NOW, "note.added", "x" * 500)
            )
            acknowledged[name] = changed.version
    except Unavailable as error:
        if "full" in str(error):
            return acknowledged
        raise
    raise AssertionError("it was never full")


async def test_a_full_disk_loses_nothing_that_was_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty times, full at another page each time; afterwards there is room again."""
    chance, room = random.Random(25), 0
    opened = connection.opened

    def small(path: Path) -> sqlite3.Connection:
        db = opened(path)
        if room:
            (pages,) = db.execute("PRAGMA page_count").fetchone()
            db.execute(f"PRAGMA max_page_count = {pages + room}")
        return db

    monkeypatch.setattr(connection, "opened", small)
    for number in range(ROUNDS):
        path = tmp_path / f"{number}.db"
        room = chance.randint(1, _MOST_PAGES)
        store = SqliteStore(path)
        acknowledged = await _fill(store)
        await store.close()

        room = 0
        store = SqliteStore(path)
        found = {name: (await store.get(name)).version for name in acknowledged}
        await store.create(an_opening("TIK-20261121-FFFFFF"))
        trail = await verify_audit(store)
        entries = await store.audit(AuditQuery(limit=10_000))
        await store.close()
        with closing(sqlite3.connect(path)) as db:
            (whole,) = db.execute("PRAGMA integrity_check").fetchone()

        assert found == acknowledged
        assert whole == "ok"
        assert trail.whole, trail.problem
        # An entry for each version of each ticket, and none for what was refused; the last
        # create may have been stored although its update was not.
        assert len(entries) == sum(acknowledged.values()) + 1
