"""Read the whole audit trail and follow its chain."""

from shared.domain.audit import AuditEntry, Head, Verification, verify
from shared.ports.audit import AuditQuery, AuditTrail

_PAGE = 1_000


async def verify_audit(trail: AuditTrail, *, noted: Head | None = None) -> Verification:
    """Return whether the trail is whole.

    Args:
        noted: A head that somebody wrote down earlier: it must still be part of the trail.
    """
    chain = Chain(noted)
    while True:
        page = await trail.audit(AuditQuery(after=chain.head.seq, limit=_PAGE))
        found = chain.follow(page)
        if not found.whole or len(page) < _PAGE:
            return found if not found.whole else chain.ended()


class Chain:
    """Follows a chain page by page."""

    def __init__(self, noted: Head | None) -> None:
        self.head = Head()
        self._noted = noted
        self._met = noted is None or noted.seq == 0

    def follow(self, page: list[AuditEntry]) -> Verification:
        """Go on with the entries after the head."""
        noted = self._noted if self._noted and self._holds(page, self._noted.seq) else None
        found = verify(page, noted=noted, start=self.head)
        self._met = self._met or (found.whole and noted is not None)
        self.head = found.head
        return found

    def ended(self) -> Verification:
        """Return the result once there are no more entries."""
        if self._met or self._noted is None:
            return Verification(whole=True, entries=self.head.seq, head=self.head)
        problem = f"the trail ends before entry {self._noted.seq}, which was noted"
        return Verification(whole=False, entries=self.head.seq, head=self.head, problem=problem)

    @staticmethod
    def _holds(page: list[AuditEntry], seq: int) -> bool:
        return bool(page) and page[0].seq <= seq <= page[-1].seq
