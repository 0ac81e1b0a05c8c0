"""When each credential of a sender was last shown: whoever changes one sees if the old one is idle.

Written down once in ten minutes at most, and after the sender's alerts are stored: it must cost
no alert anything, and "about then" is all that a rotation needs.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import AwareDatetime, Field, ValidationError

from shared.domain.errors import Unavailable, VersionConflict
from shared.domain.model import Model
from shared.ports.clock import Clock
from shared.ports.settings import SettingsStore

logger = logging.getLogger(__name__)
_EVERY = timedelta(minutes=10)


class CredentialUse(Model):
    """One credential; ``last_used_at`` is early by ten minutes at most, ``None``: never yet."""

    source: str
    kid: str
    kind: str
    last_used_at: AwareDatetime | None = None


class _Noted(Model):
    """By ``kid``, when it was last shown."""

    last_used_at: dict[str, AwareDatetime] = Field(default_factory=dict)


class CredentialUses:
    """Keeps the times in the store, and in memory which of them are fresh."""

    def __init__(self, store: SettingsStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._fresh: dict[tuple[str, str], datetime] = {}

    async def note(self, source: str, kid: str) -> None:
        """Write down that ``kid`` was shown just now. Never fails."""
        now = self._clock.now()
        if now - self._fresh.get((source, kid), now - _EVERY) < _EVERY:
            return
        self._fresh[source, kid] = now
        try:
            noted, version = await self._read(source)
            known = {**noted.last_used_at, kid: now}
            value = _Noted(last_used_at=known).model_dump(mode="json")
            await self._store.write(_name(source), value, expected_version=version)
        except (Unavailable, VersionConflict) as error:
            self._fresh.pop((source, kid), None)
            logger.info("the use of a credential was not noted: %s", error)

    async def of(self, listed: Iterable[tuple[str, str, str]]) -> list[CredentialUse]:
        """Return source, kid and kind, as ``listed``, with when each was last shown.

        Raises:
            Unavailable: the store does not answer.
        """
        found, noted = [], dict[str, _Noted]()
        for source, kid, kind in listed:
            if source not in noted:
                noted[source], _ = await self._read(source)
            at = noted[source].last_used_at.get(kid)
            found.append(CredentialUse(source=source, kid=kid, kind=kind, last_used_at=at))
        return found

    async def _read(self, source: str) -> tuple[_Noted, int]:
        stored = await self._store.read(_name(source))
        if stored is None:
            return _Noted(), 0
        try:
            return _Noted.model_validate(stored.value), stored.version
        except ValidationError:
            return _Noted(), stored.version


def _name(source: str) -> str:
    return f"credential-use/{source}"
