"""Settings: a partition each, so that a value and its note for the trail are one commit."""

import json
from datetime import UTC, datetime

from shared.domain.audit import AuditNote
from shared.domain.errors import Unavailable, VersionConflict
from shared.ports.settings import StoredSetting
from shared.stores.cosmos.documents import is_own, later, new_write, note, safe_id, with_write
from shared.stores.cosmos.schema import BOOKS
from shared.stores.cosmos.trail import Part
from shared.stores.cosmos.wire import Conflict, Document, Operation

_ID = "setting"
_MAX_ROUNDS = 50


class Settings(Part):
    """Implements :class:`~shared.ports.settings.SettingsStore`."""

    async def read(self, name: str) -> StoredSetting | None:
        """See the protocol."""
        document = await self._setting(name)
        return _stored(document) if document else None

    async def write(
        self,
        name: str,
        value: dict[str, object],
        *,
        expected_version: int | None = None,
        note: AuditNote | None = None,
    ) -> StoredSetting:
        """See the protocol."""
        for _ in range(_MAX_ROUNDS):
            before = await self._setting(name)
            version = before["version"] if before else 0
            if expected_version is not None and expected_version != version:
                raise VersionConflict(
                    f"setting {name!r} is at version {version}, not {expected_version}"
                )
            write = new_write()
            parts = _parts(name, value, before, note, write)
            try:
                await self._wire.batch("settings.write", BOOKS, _partition(name), parts)
            except Conflict:
                if not is_own(await self._setting(name), write):
                    continue
            return StoredSetting(value, version + 1)
        raise Unavailable(f"too many writers of setting {name!r} at once; try again")

    async def _setting(self, name: str) -> Document | None:
        return await self._wire.read("settings.read", BOOKS, _partition(name), _ID)


def _partition(name: str) -> str:
    return f"setting-{safe_id(name)[:32]}"


def _stored(document: Document) -> StoredSetting:
    return StoredSetting(json.loads(document["body"]), int(document["version"]))


def _parts(
    name: str,
    value: dict[str, object],
    before: Document | None,
    about: AuditNote | None,
    write: str,
) -> list[Operation]:
    position = later(str((before or {}).get("position", "")))
    version = int(before["version"]) + 1 if before else 1
    document = {
        "id": _ID,
        "pk": _partition(name),
        "kind": "setting",
        "name": name,
        "version": version,
        "position": position,
        "writes": with_write(before, write),
        "body": json.dumps(value),
    }
    parts: list[Operation] = [
        ("create", (document,))
        if before is None
        else ("replace", (_ID, document), {"if_match_etag": before["_etag"]})
    ]
    if about is not None:
        data = {
            "version": version,
            "before": json.loads(before["body"]) if before else None,
            "after": value,
        }
        told: dict[str, object] = {
            "subject": f"settings/{name}",
            "at": datetime.now(UTC).isoformat(),
            "data": data,
        }
        parts.append(("create", (note(_partition(name), about, told, position),)))
    return parts
