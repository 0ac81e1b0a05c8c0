"""What an episode decides: new work, and how it ends. Shared by every worker protocol."""

from dataclasses import dataclass, field
from datetime import datetime

from localhost.durable.events import Event, Status


@dataclass(frozen=True, slots=True)
class ScheduleActivity:
    """Run an activity. ``input_text`` is what the worker's trigger parameter receives."""

    number: int
    name: str
    input_text: str | None


@dataclass(frozen=True, slots=True)
class CreateTimer:
    """Wake the instance at ``fire_at`` (aware, UTC)."""

    number: int
    fire_at: datetime
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class StartChild:
    """Start a sub-orchestration; ``input_text`` is JSON text."""

    number: int
    name: str
    instance_id: str
    input_text: str | None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class SendEvent:
    """Send a message to another instance or an entity; ``input_text`` is JSON text."""

    number: int
    name: str
    target: str
    input_text: str
    due: datetime | None = None


Decision = ScheduleActivity | CreateTimer | StartChild | SendEvent


@dataclass(frozen=True, slots=True)
class Finished:
    """The end. ``output`` is JSON text when completed, plain text when failed or terminated."""

    status: Status
    output: str | None
    details: str | None


@dataclass(frozen=True, slots=True)
class ContinuedAsNew:
    """The end of a generation; ``input_text`` (JSON text) starts the next one."""

    input_text: str | None


Outcome = Finished | ContinuedAsNew


@dataclass(frozen=True, slots=True)
class Replay:
    """Result of one replay.

    Attributes:
        decisions: New ones only, by number.
        outcome: None while the instance goes on.
        next_id: The number the completing event gets.
        suspended: The instance is suspended after this history.
        carryover: Events for the next generation (only with :class:`ContinuedAsNew`).
        custom_status: JSON text, or None when it did not change.
        traps: Known bugs of the SDK that this history has walked into, one sentence each.
    """

    decisions: list[Decision]
    outcome: Outcome | None
    next_id: int
    suspended: bool = False
    carryover: list[Event] = field(default_factory=list)
    custom_status: str | None = None
    traps: list[str] = field(default_factory=list)
