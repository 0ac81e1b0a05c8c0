"""The history's vocabulary: event numbers, names and constructors.

An event is a plain ``dict`` in the shape Newtonsoft.Json gives DurableTask.Core's
classes (``EventType`` as a number, PascalCase keys), because that is what the 1.x
SDK reads and what is stored. Source: Azure/durabletask, src/DurableTask.Core/History.
"""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from localhost.clock import iso

Event = dict[str, Any]

# Messages are not decisions; only decisions are counted.
NO_ID = -1


class EventType(IntEnum):
    """DurableTask.Core.History.EventType."""

    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_FAILED = 2
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    SUB_ORCHESTRATION_CREATED = 7
    SUB_ORCHESTRATION_COMPLETED = 8
    SUB_ORCHESTRATION_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_SENT = 14
    EVENT_RAISED = 15
    CONTINUE_AS_NEW = 16
    GENERIC_EVENT = 17
    HISTORY_STATE = 18
    EXECUTION_SUSPENDED = 19
    EXECUTION_RESUMED = 20
    EXECUTION_REWOUND = 21


# The names the management API shows: DurableTask.Core.History.EventType.ToString().
EVENT_NAMES = {
    EventType.EXECUTION_STARTED: "ExecutionStarted",
    EventType.EXECUTION_COMPLETED: "ExecutionCompleted",
    EventType.EXECUTION_FAILED: "ExecutionFailed",
    EventType.EXECUTION_TERMINATED: "ExecutionTerminated",
    EventType.TASK_SCHEDULED: "TaskScheduled",
    EventType.TASK_COMPLETED: "TaskCompleted",
    EventType.TASK_FAILED: "TaskFailed",
    EventType.SUB_ORCHESTRATION_CREATED: "SubOrchestrationInstanceCreated",
    EventType.SUB_ORCHESTRATION_COMPLETED: "SubOrchestrationInstanceCompleted",
    EventType.SUB_ORCHESTRATION_FAILED: "SubOrchestrationInstanceFailed",
    EventType.TIMER_CREATED: "TimerCreated",
    EventType.TIMER_FIRED: "TimerFired",
    EventType.ORCHESTRATOR_STARTED: "OrchestratorStarted",
    EventType.ORCHESTRATOR_COMPLETED: "OrchestratorCompleted",
    EventType.EVENT_SENT: "EventSent",
    EventType.EVENT_RAISED: "EventRaised",
    EventType.CONTINUE_AS_NEW: "ContinueAsNew",
    EventType.GENERIC_EVENT: "GenericEvent",
    EventType.HISTORY_STATE: "HistoryState",
    EventType.EXECUTION_SUSPENDED: "ExecutionSuspended",
    EventType.EXECUTION_RESUMED: "ExecutionResumed",
    EventType.EXECUTION_REWOUND: "ExecutionRewound",
}


class Status(StrEnum):
    """What an instance is doing, in the words of the management API."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUSPENDED = "Suspended"
    COMPLETED = "Completed"
    FAILED = "Failed"
    TERMINATED = "Terminated"


FINISHED = frozenset({Status.COMPLETED, Status.FAILED, Status.TERMINATED})

# DurableTask.Core.OrchestrationStatus, as history stores it.
STATUS_NUMBERS = {Status.COMPLETED: 1, Status.FAILED: 3, Status.TERMINATED: 5}
STATUS_NAMES = {1: "Completed", 2: "ContinuedAsNew", 3: "Failed", 4: "Canceled", 5: "Terminated"}


def event(kind: EventType, at: datetime, event_id: int = NO_ID, **fields: object) -> Event:
    """Return a history event of ``kind`` that happened ``at``."""
    return {
        "EventType": int(kind),
        "EventId": event_id,
        "IsPlayed": False,
        "Timestamp": iso(at),
        **fields,
    }


def task_completed(at: datetime, task_id: int, result: str | None) -> Event:
    """Return the good end of an activity; ``result`` is JSON text."""
    return event(EventType.TASK_COMPLETED, at, TaskScheduledId=task_id, Result=result)


def task_failed(at: datetime, task_id: int, reason: str, details: str | None) -> Event:
    """Return the bad end of an activity."""
    return event(
        EventType.TASK_FAILED,
        at,
        TaskScheduledId=task_id,
        Reason=reason,
        Details=details,
        FailureDetails=None,
    )


def child_completed(at: datetime, task_id: int, result: str | None) -> Event:
    """Return the good end of a sub-orchestration; ``result`` is JSON text."""
    return event(EventType.SUB_ORCHESTRATION_COMPLETED, at, TaskScheduledId=task_id, Result=result)


def child_failed(at: datetime, task_id: int, reason: str | None, details: str | None) -> Event:
    """Return the bad end of a sub-orchestration: failed or terminated."""
    return event(
        EventType.SUB_ORCHESTRATION_FAILED,
        at,
        TaskScheduledId=task_id,
        Reason=reason,
        Details=details,
        FailureDetails=None,
    )


def timer_fired(fire_at: datetime, timer_id: int) -> Event:
    """Return the message a timer sends when it is due."""
    return event(EventType.TIMER_FIRED, fire_at, TimerId=timer_id, FireAt=iso(fire_at))


def event_raised(at: datetime, name: str, input_text: str | None) -> Event:
    """Return an external event; ``input_text`` is JSON text."""
    return event(EventType.EVENT_RAISED, at, Name=name, Input=input_text)
