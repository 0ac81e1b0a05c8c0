"""The audit trail: written by the stores in the commit of each change, read here."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.audit import AuditEntry, AuditNote


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which entries, oldest first. Empty means "any"; ``after`` is a ``seq``."""

    subject: str = ""
    actor: str = ""
    action: str = ""
    after: int = 0
    limit: int = 100


class AuditTrail(Protocol):
    """Entries are only ever added. Every method may raise ``Unavailable``.

    A store writes an entry for each event of a ticket and for each setting written with a note.
    """

    async def audit(self, query: AuditQuery) -> list[AuditEntry]:
        """Return entries, oldest first."""
        ...

    async def audit_head(self) -> AuditEntry | None:
        """Return the last entry; ``None``: there is none."""
        ...

    async def write_down(
        self, subject: str, note: AuditNote, data: dict[str, object], at: datetime
    ) -> AuditEntry:
        """Add an entry about something that no other call here stores."""
        ...
