"""A question to people, bound to exactly one plan: what is approved is what was shown."""

import hashlib
import json
from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, Field

from shared.domain.analysis import Action, Risk
from shared.domain.model import Model


class ApprovalStatus(StrEnum):
    """Where a question is; only ``pending`` leads anywhere."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    REVOKED = "revoked"  # the plan has changed, the ticket has ended, or a yes was taken back


class DecisionWord(StrEnum):
    """What a person may say."""

    APPROVE = "approve"
    REJECT = "reject"


class Plan(Model):
    """What is to be done if people agree; any difference makes it another plan."""

    action: Action
    target: str
    scope: str
    run_id: str | None
    risk: Risk
    steps: tuple[str, ...] = ()
    attempt_number: int
    signature: str | None = None

    @property
    def hash(self) -> str:
        """The SHA-256 of its canonical JSON."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


class Vote(Model):
    """What one person said, and how they came to say it.

    ``oid`` is what people are told apart by; empty where nobody had to sign in. The role that
    let them say it is proven ``proven_until`` then; ``None``: nothing had to be proven.
    """

    by: str
    oid: str = ""
    decision: DecisionWord
    reason: str = ""
    at: AwareDatetime
    via: str = "api"  # "api" or "link"
    proven_until: AwareDatetime | None = None


class Delegation(Model):
    """Who may decide in whose place."""

    by: str
    to: str
    at: AwareDatetime


class Approval(Model):
    """One question.

    Attributes:
        id: ``APR-<day>-<ticket's last part>-<number>``.
        quorum: How many different people have to agree; one who does not ends it.
        execute_by: An approval is good until then; ``None`` until it is given.
        reminders: How many have been sent.
    """

    id: str
    ticket_id: str
    number: int
    status: ApprovalStatus = ApprovalStatus.PENDING
    plan: Plan
    plan_hash: str
    reasons: tuple[str, ...] = ()
    quorum: int = Field(default=1, ge=1)
    votes: tuple[Vote, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    requested_at: AwareDatetime
    expires_at: AwareDatetime
    execute_by: AwareDatetime | None = None
    decided_at: AwareDatetime | None = None
    decided_by: str | None = None
    reason: str = ""
    reminders: int = 0

    def is_good_for(self, plan: Plan, now: datetime) -> bool:
        """Tell whether ``plan`` may be carried out on the strength of it."""
        return (
            self.status is ApprovalStatus.APPROVED
            and self.plan_hash == plan.hash
            and not self.why_lapsed(now)
        )

    def why_lapsed(self, now: datetime) -> str:
        """Return why the yes that was given is none any more; empty: it is, or there was none."""
        if self.decided_by is None or self.execute_by is None:
            return ""
        if self.status is ApprovalStatus.REVOKED:
            return f"the yes of {self.decided_by} was taken back"
        if now > self.execute_by:
            return f"the yes of {self.decided_by} was good until {self.execute_by:%H:%M:%S} UTC"
        for vote in self.votes:
            if vote.proven_until is not None and now > vote.proven_until:
                return f"the sign-in that proved {vote.by} an approver has ended since"
        return ""


def approval_id(ticket_id: str, number: int) -> str:
    """Return the id of a ticket's question ``number``."""
    return f"APR-{ticket_id.removeprefix('TIK-')}-{number}"


def ticket_of(id_: str) -> str | None:
    """Return the ticket that an approval's id names; ``None`` if it is none."""
    rest = id_.removeprefix("APR-")
    ticket, _, number = rest.rpartition("-")
    if rest == id_ or not ticket or not (number.isascii() and number.isdigit()):
        return None
    return f"TIK-{ticket}"
