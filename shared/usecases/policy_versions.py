"""Who has changed the policy settings, when, and what of them. Read from the audit trail."""

from collections import deque

from pydantic import AwareDatetime

from shared.domain.audit import AuditEntry
from shared.domain.model import Model
from shared.policy.settings import PolicySettings
from shared.ports.audit import AuditQuery, AuditTrail

_SUBJECT = "settings/policy"
_PAGE = 500


class ChangedField(Model):
    """One field; what was not set yet was its default."""

    field: str
    before: object
    after: object


class PolicyVersion(Model):
    """One version and how it differs from the one before."""

    version: int
    at: AwareDatetime
    by: str
    reason: str
    changes: tuple[ChangedField, ...]


async def policy_versions(trail: AuditTrail, *, most: int) -> list[PolicyVersion]:
    """Return the newest versions, newest first."""
    newest: deque[AuditEntry] = deque(maxlen=most)
    after = 0
    while True:
        page = await trail.audit(AuditQuery(subject=_SUBJECT, after=after, limit=_PAGE))
        newest.extend(page)
        if len(page) < _PAGE:
            return [_version(entry) for entry in reversed(newest)]
        after = page[-1].seq


def _version(entry: AuditEntry) -> PolicyVersion:
    defaults = PolicySettings().model_dump(mode="json")
    before, after = (_fields(entry, name) for name in ("before", "after"))
    return PolicyVersion(
        version=int(str(entry.data.get("version", 0))),
        at=entry.at,
        by=entry.actor,
        reason=entry.reason,
        changes=tuple(
            ChangedField(
                field=name, before=before.get(name, default), after=after.get(name, default)
            )
            for name, default in defaults.items()
            if before.get(name, default) != after.get(name, default)
        ),
    )


def _fields(entry: AuditEntry, name: str) -> dict[str, object]:
    found = entry.data.get(name)
    return found if isinstance(found, dict) else {}
