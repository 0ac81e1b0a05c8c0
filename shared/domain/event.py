"""The timeline of a ticket: what happened, in order, for ever."""

from pydantic import AwareDatetime, Field

from shared.domain.model import Model

START_REMEDIATION = "start_remediation"  # payload: instance_id
UNDO = "undo"  # payload: attempt, its number


class Event(Model):
    """One entry; ``seq`` starts at 1 and has no gaps within a ticket."""

    seq: int
    at: AwareDatetime
    type: str  # dotted, e.g. "remediation.issued"
    actor: str = "system"
    message: str
    data: dict[str, object] = Field(default_factory=dict)


class OutboxItem(Model):
    """Something to be done outside the store once the commit it is part of holds."""

    id: str
    kind: str  # one of the names below
    payload: dict[str, str] = Field(default_factory=dict)
