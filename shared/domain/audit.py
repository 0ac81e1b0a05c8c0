"""Who did what, when and why: entries that each carry the hash of the one before.

Whoever changes or removes an entry has to rewrite all that follow; then the last hash is
another one than the one somebody wrote down.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime

from pydantic import AwareDatetime, Field

from shared.domain.model import Model

GENESIS = "0" * 64
"""Stands for the hash before the first entry."""


class AuditNote(Model):
    """What is to be written down about a change, by whoever asks for it."""

    actor: str
    action: str  # dotted, e.g. "settings.changed"
    reason: str = ""


class AuditEntry(Model):
    """One entry; ``seq`` starts at 1 and has no gaps."""

    seq: int
    at: AwareDatetime
    actor: str
    action: str
    subject: str  # a ticket's id, "settings/policy", ...
    reason: str = ""
    data: dict[str, object] = Field(default_factory=dict)
    hash: str

    @classmethod
    def after(
        cls,
        previous: "AuditEntry | None",
        note: AuditNote,
        *,
        at: datetime,
        subject: str,
        data: dict[str, object],
    ) -> "AuditEntry":
        """Return the entry that follows ``previous``."""
        fields: dict[str, object] = {
            "seq": previous.seq + 1 if previous else 1,
            "at": at,
            "actor": note.actor,
            "action": note.action,
            "subject": subject,
            "reason": note.reason,
            "data": data,
        }
        unsealed = cls.model_validate({**fields, "hash": ""})
        return unsealed.model_copy(
            update={"hash": unsealed.expected_hash(previous.hash if previous else GENESIS)}
        )

    def expected_hash(self, previous: str) -> str:
        """Return the hash this entry must have after an entry with the hash ``previous``."""
        content = self.model_dump(mode="json", exclude={"hash"})
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


class Head(Model):
    """The last entry of a chain, worth writing down elsewhere."""

    seq: int = 0
    hash: str = GENESIS


class Verification(Model):
    """Whether a chain is whole; ``problem`` names the first entry that is not as it was."""

    whole: bool
    entries: int
    head: Head
    problem: str = ""


def verify(
    entries: Iterable[AuditEntry], *, noted: Head | None = None, start: Head | None = None
) -> Verification:
    """Follow the chain from its first entry, or from the one after ``start``.

    Args:
        noted: A head that somebody wrote down earlier: it must still be part of the chain.
        start: Where an earlier look has got to.
    """
    head = start or Head()
    met = noted is None or noted.seq == 0
    for entry in entries:
        if entry.seq != head.seq + 1:
            return _broken(head, f"entry {head.seq + 1} is missing")
        if entry.hash != entry.expected_hash(head.hash):
            return _broken(head, f"entry {entry.seq} is not what was written")
        head = Head(seq=entry.seq, hash=entry.hash)
        if noted is not None and noted.seq == head.seq:
            if noted.hash != head.hash:
                return _broken(head, f"entry {entry.seq} is not the one that was noted")
            met = True
    if not met and noted is not None:
        return _broken(head, f"the trail ends before entry {noted.seq}, which was noted")
    return Verification(whole=True, entries=head.seq, head=head)


def _broken(head: Head, problem: str) -> Verification:
    return Verification(whole=False, entries=head.seq, head=head, problem=problem)
