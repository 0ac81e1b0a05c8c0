"""Settings people change while the system runs."""

from dataclasses import dataclass
from typing import Protocol

from shared.domain.audit import AuditNote


@dataclass(frozen=True, slots=True)
class StoredSetting:
    """A named JSON object and its version, counted from 1."""

    value: dict[str, object]
    version: int


class SettingsStore(Protocol):
    """Small versioned documents. Never cached: the kill switch is read here before each send."""

    async def read(self, name: str) -> StoredSetting | None:
        """Return the current version, or ``None`` if it was never written.

        Raises:
            Unavailable: it cannot be read; the caller must then assume "no".
        """
        ...

    async def write(
        self,
        name: str,
        value: dict[str, object],
        *,
        expected_version: int | None = None,
        note: AuditNote | None = None,
    ) -> StoredSetting:
        """Store the next version and return it; with ``note``, write it into the audit trail.

        Raises:
            VersionConflict: ``expected_version`` (0: never written) is not the current one.
        """
        ...
