"""Rows of the hub, and the changes that are committed as one."""

from dataclasses import dataclass, field
from datetime import datetime

from localhost.durable.decisions import CreateTimer, ScheduleActivity, SendEvent, StartChild
from localhost.durable.events import Event, EventType, Status, event
from localhost.durable.history import History


@dataclass(frozen=True, slots=True)
class Parent:
    """Who waits for a sub-orchestration, and under which number."""

    instance_id: str
    execution_id: str
    task_id: int

    def to_event(self) -> Event:
        """Return ``ParentInstance`` of an ExecutionStarted event."""
        family = {"InstanceId": self.instance_id, "ExecutionId": self.execution_id}
        return {
            "OrchestrationInstance": family,
            "Name": None,
            "Version": None,
            "TaskScheduleId": self.task_id,
        }


@dataclass(frozen=True, slots=True)
class Instance:
    """One row of ``instances``. Texts are JSON except the output of a failed one."""

    instance_id: str
    execution_id: str
    name: str
    version: str | None
    status: Status
    input_text: str | None
    output: str | None
    custom_status: str | None
    created_us: int
    updated_us: int
    completed_us: int | None
    parent: Parent | None
    deaths: int


@dataclass(frozen=True, slots=True)
class Message:
    """Something an instance has to hear: a row of ``inbox`` that is due, or a fresh result.

    Attributes:
        seq: Of the row; 0 for a fresh result.
        text: ``event`` as it is stored.
        task_seq: The activity this is the result of, when that is not on disk yet: the
            turn that hears it stores it.
    """

    seq: int
    execution_id: str | None
    event: Event
    text: str | None = None
    task_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One row of ``tasks``: an activity that has been scheduled and has not ended."""

    seq: int
    instance_id: str
    execution_id: str
    task_id: int
    name: str
    input_text: str | None
    starts: int = 0


@dataclass(frozen=True, slots=True)
class NewInstance:
    """An instance, or the next generation of one, to be made. ``input_text`` is JSON text."""

    instance_id: str
    execution_id: str
    name: str
    input_text: str | None
    version: str | None = None
    parent: Parent | None = None

    def started(self, at: datetime) -> Event:
        """Return the event it begins with. The SDK needs ``Version``, be it null."""
        return event(
            EventType.EXECUTION_STARTED,
            at,
            OrchestrationInstance={
                "InstanceId": self.instance_id,
                "ExecutionId": self.execution_id,
            },
            ParentInstance=None if self.parent is None else self.parent.to_event(),
            Name=self.name,
            Version=self.version,
            Input=self.input_text,
            Tags=None,
            ScheduledStartTime=None,
            Generation=0,
        )


@dataclass(slots=True)
class Episode:
    """Everything one episode changes; committed together or not at all.

    Attributes:
        before: The row the episode was computed from. If another execution has taken
            its place meanwhile (purged, restarted), nothing is committed.
        consumed: Inbox rows that are now part of history, or to be dropped.
        ended: Activities whose results came straight from the hand that made them. If one
            has ended already, nothing is committed.
        stored: How many events of ``history`` are on disk already; 0 replaces all.
        children: Sub-orchestrations with the execution id each one gets.
        to_parent: Message to whoever waits for this instance.
    """

    before: Instance
    consumed: list[int]
    execution_id: str
    status: Status
    input_text: str | None
    output: str | None
    custom_status: str | None
    history: History
    stored: int
    ended: list[int] = field(default_factory=list)
    tasks: list[ScheduleActivity] = field(default_factory=list)
    timers: list[CreateTimer] = field(default_factory=list)
    children: list[tuple[StartChild, str]] = field(default_factory=list)
    sends: list[SendEvent] = field(default_factory=list)
    to_parent: Event | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message from an entity to whoever called it, or to another entity."""

    target: str
    execution_id: str | None
    message: Event


@dataclass(frozen=True, slots=True)
class EntityChange:
    """Everything one batch of operations changes. ``state`` is JSON text."""

    entity_id: str
    consumed: list[int]
    exists: bool
    state: str | None
    outgoing: list[Outgoing]


@dataclass(slots=True)
class Aftermath:
    """What has to be woken now that a commit is on disk.

    Attributes:
        wake: Instances and entities with new messages.
        tasks: Activities to start.
        alarms: ``(due_us, instance_id)`` of new timers.
    """

    wake: list[str] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    alarms: list[tuple[int, str]] = field(default_factory=list)
