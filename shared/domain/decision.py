"""What policy said, and why: a record that can be replayed."""

from enum import StrEnum

from shared.domain.analysis import Action, Risk
from shared.domain.model import Model


class Effect(StrEnum):
    """One rule's opinion, or the outcome of all. The order is from loose to strict."""

    EXECUTE = "execute"
    WAIT = "wait"
    ASK = "ask"
    ESCALATE = "escalate"
    CLOSE = "close"


class Reason(Model):
    """One rule's verdict in one sentence; ``verdict`` is ``allow`` or an effect."""

    rule: str
    verdict: str
    text: str


class Decision(Model):
    """The strictest verdict of all rules.

    ``ticket_outcome`` is the outcome the ticket gets when the decision ends it.
    ``input_hash`` is the SHA-256 of the canonical JSON of the facts it was made
    from; the facts themselves are in the timeline. ``settings_version`` is the
    version of the policy settings that went into them; 0 are the defaults.
    """

    outcome: Effect
    action: Action
    risk: Risk
    reasons: tuple[Reason, ...]
    ticket_outcome: str | None = None
    policy_version: str
    input_hash: str
    settings_version: int = 0
