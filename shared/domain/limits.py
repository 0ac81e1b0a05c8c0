"""How much may be done in a while: counted where it is decided, in the same commit."""

from enum import StrEnum

from pydantic import AwareDatetime, Field

from shared.domain.analysis import Action
from shared.domain.attempt import AttemptOutcome
from shared.domain.model import Model


class Per(StrEnum):
    """What a limit counts together."""

    TARGET = "target"  # one pipeline or job
    ACTION = "action"
    SCOPE = "scope"  # one factory or workspace
    ALL = "all"


class Send(Model):
    """One attempt that is about to be sent, or was; ``key`` is the attempt's own."""

    key: str
    ticket_id: str
    scope: str
    target: str
    action: Action
    at: AwareDatetime
    ended_at: AwareDatetime | None = None
    outcome: AttemptOutcome | None = None

    def belongs_to(self, other: "Send", per: Per) -> bool:
        """Tell whether a limit ``per`` counts both."""
        same_scope = self.scope == other.scope
        match per:
            case Per.TARGET:
                return same_scope and self.target == other.target
            case Per.ACTION:
                return self.action is other.action
            case Per.SCOPE:
                return same_scope
            case Per.ALL:
                return True


class Limit(Model):
    """At most ``most`` attempts within ``seconds``; with ``running`` only those not yet over."""

    name: str
    per: Per
    most: int = Field(ge=1)
    seconds: float = Field(gt=0)
    running: bool = False


class LimitReached(Model):
    """Which limit stands in the way, and when at the latest it is worth asking again."""

    limit: Limit
    until: AwareDatetime
