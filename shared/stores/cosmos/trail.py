"""The audit trail: one chain for everything, filled from notes that lie beside what they tell of.

A change and its note are one commit in the change's own partition. :meth:`Trail.catch_up` moves
notes to the end of the chain, in the order of their positions, and removes them then. Entry ``n``
is created under the id ``n``, which only one writer can do; a writer that is late reads what came
in between and leaves out the notes that are part of it. So a crash at any place loses no note and
enters none twice. Whoever reads the trail lets it catch up first; the change feed and the sweeper
do so in time. docs/decisions/0006-one-trail-over-many-partitions.md tells why.
"""

import asyncio
import json
from datetime import datetime
from typing import Any

from shared.domain.audit import AuditEntry, AuditNote
from shared.domain.errors import Unavailable
from shared.ports.audit import AuditQuery
from shared.stores.cosmos.documents import is_own, later, new_write, note
from shared.stores.cosmos.schema import BOOKS, TICKETS, TRAIL
from shared.stores.cosmos.selection import one_of
from shared.stores.cosmos.wire import Conflict, Document, Wire

_PER_PARTITION = 100_000
_AT_ONCE = 50
# Azure takes 2 MB in one batch; there is more in a document than its body.
_MOST_BYTES = 1_000_000
# Lost races for the end of the chain: each needs another writer to have won.
_MAX_ROUNDS = 100
_FILTERS = ("subject", "actor", "action")


class Part:
    """Base of everything that asks Cosmos DB for something."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire


class Trail(Part):
    """Implements :class:`~shared.ports.audit.AuditTrail`."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self._newest: AuditEntry | None = None
        self._moving = asyncio.Lock()

    async def audit(self, query: AuditQuery) -> list[AuditEntry]:
        """See the protocol."""
        await self.catch_up()
        conditions = ["c.seq > @after"]
        chosen: dict[str, object] = {"@after": query.after}
        for name in _FILTERS:
            if wanted := getattr(query, name):
                conditions.append(f"c.{name} = @{name}")
                chosen[f"@{name}"] = wanted
        text = (
            f"SELECT TOP {int(query.limit)} VALUE c.body FROM c"  # noqa: S608 - constants
            f" WHERE {' AND '.join(conditions)} ORDER BY c.seq"
        )
        found = await self._wire.query("trail.read", TRAIL, text, chosen)
        return [AuditEntry.model_validate_json(body) for body in found[: query.limit]]

    async def audit_head(self) -> AuditEntry | None:
        """See the protocol."""
        await self.catch_up()
        async with self._moving:
            return await self._end()

    async def write_down(
        self, subject: str, note: AuditNote, data: dict[str, object], at: datetime
    ) -> AuditEntry:
        """See the protocol."""
        name = f"loose/{new_write()}"
        told = _note_document(name, subject, note, data, at)
        async with self._moving:
            while waiting := await self._waiting():
                await self._move(waiting)
            entry = await self._append([told])
        if entry is None:
            raise Unavailable("the audit trail did not take an entry; it is tried again")
        return entry

    async def catch_up(self) -> None:
        """Move all notes to the end of the chain."""
        async with self._moving:
            while waiting := await self._waiting():
                await self._move(waiting)

    async def _waiting(self) -> list[tuple[str, Document]]:
        """Return the oldest notes, each with its container."""
        text = f"SELECT TOP {_AT_ONCE} * FROM c WHERE c.kind = 'note' ORDER BY c.position"  # noqa: S608
        found = [
            (container, one)
            for container in (TICKETS, BOOKS)
            for one in await self._wire.query("trail.notes", container, text, {})
        ]
        return sorted(found, key=lambda one: str(one[1]["position"]))[:_AT_ONCE]

    async def _move(self, waiting: list[tuple[str, Document]]) -> None:
        notes = [one for _, one in waiting]
        newest = await self._end()
        # Asked after the end is known: whoever enters one of them later moves the end.
        known = await self._entries_of(notes)
        await self._append([one for one in notes if one["note"] not in known], newest)
        removals = (
            self._wire.delete("trail.note_done", container, one["pk"], one["id"])
            for container, one in waiting
        )
        await asyncio.gather(*removals)

    async def _append(
        self, notes: list[Document], newest: AuditEntry | None = None
    ) -> AuditEntry | None:
        """Add an entry per note after the newest one, and return the newest one then."""
        newest = newest or await self._end()
        for _ in range(_MAX_ROUNDS):
            if not notes:
                return newest
            write = new_write()
            entries = _chained(notes, newest)
            documents = _one_batch(
                [_entry_document(*pair, write) for pair in zip(notes, entries, strict=True)]
            )
            pk = documents[0]["pk"]
            try:
                await self._create(pk, documents)
            except Conflict:
                stored = await self._wire.read("trail.end", TRAIL, pk, documents[0]["id"])
                if is_own(stored, write):
                    pass  # the answer to our own batch got lost
                else:
                    seen = await self._since(newest.seq if newest else 0)
                    entered = {str(one["note"]) for one in seen}
                    notes = [one for one in notes if one["note"] not in entered]
                    newest = _entry(seen[-1]) if seen else newest
                    continue
            newest = self._newest = entries[len(documents) - 1]
            notes = notes[len(documents) :]
        raise Unavailable("too many writers of the audit trail at once; it is tried again")

    async def _create(self, pk: str, documents: list[Document]) -> None:
        parts = [("create", (one,)) for one in documents]
        await self._wire.batch("trail.append", TRAIL, pk, parts)

    async def _end(self) -> AuditEntry | None:
        """Return the newest entry."""
        if self._newest is None:
            text = "SELECT TOP 1 VALUE c.body FROM c ORDER BY c.seq DESC"
            found = await self._wire.query("trail.end", TRAIL, text, {})
            self._newest = AuditEntry.model_validate_json(found[0]) if found else None
        else:
            seen = await self._since(self._newest.seq)
            self._newest = _entry(seen[-1]) if seen else self._newest
        return self._newest

    async def _since(self, seq: int) -> list[Document]:
        text = "SELECT * FROM c WHERE c.seq > @seq ORDER BY c.seq"
        return await self._wire.query("trail.end", TRAIL, text, {"@seq": seq})

    async def _entries_of(self, notes: list[Document]) -> dict[str, AuditEntry]:
        """Return the entries that were made of ``notes``, by the note's name."""
        condition, values = one_of("note", [str(one["note"]) for one in notes])
        text = f"SELECT * FROM c WHERE {condition}"  # noqa: S608 - constants
        found = await self._wire.query("trail.known", TRAIL, text, values)
        return {str(one["note"]): _entry(one) for one in found}


def _one_batch(documents: list[Document]) -> list[Document]:
    """Return the first ones, of one partition and small enough together; at least one."""
    size = 0
    for number, one in enumerate(documents):
        size += len(one["body"].encode())
        if number and (one["pk"] != documents[0]["pk"] or size > _MOST_BYTES):
            return documents[:number]
    return documents


def _note_document(
    name: str, subject: str, about: AuditNote, data: dict[str, object], at: datetime
) -> Document:
    told: dict[str, object] = {"subject": subject, "at": at.isoformat(), "data": data}
    return note(name, about, told, later(""))


def _chained(notes: list[Document], newest: AuditEntry | None) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for one in notes:
        told: dict[str, Any] = json.loads(one["body"])
        newest = AuditEntry.after(
            newest,
            AuditNote.model_validate(told["note"]),
            at=datetime.fromisoformat(told["at"]),
            subject=told["subject"],
            data=told["data"],
        )
        entries.append(newest)
    return entries


def _entry(document: Document) -> AuditEntry:
    return AuditEntry.model_validate_json(document["body"])


def _entry_document(told: Document, entry: AuditEntry, write: str) -> Document:
    return {
        "id": f"{entry.seq:012}",
        "pk": f"trail-{entry.seq // _PER_PARTITION:06}",
        "kind": "entry",
        "seq": entry.seq,
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "note": told["note"],
        "writes": [write],
        "body": entry.model_dump_json(),
    }
