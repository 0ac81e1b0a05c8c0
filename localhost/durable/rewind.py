"""Rewinding a failed instance: forget its failures, so that a replay does them again.

History loses every failed task and the end of the execution; what had gone well
stays. Failed sub-orchestrations are rewound themselves and report to the new execution.
As in the extension, a task with retries cannot be rewound: its timers stay behind, and
the replay notices. Source: ``ProcessRewindOrchestrationDecision`` in
``TaskOrchestrationDispatcher.cs``, Azure/durabletask.
"""

from dataclasses import dataclass, field

from localhost.durable.events import Event, EventType
from localhost.durable.history import History

_FAILURES = (EventType.TASK_FAILED, EventType.SUB_ORCHESTRATION_FAILED)
_ENDS = (EventType.EXECUTION_COMPLETED, EventType.EXECUTION_FAILED)


@dataclass(slots=True)
class Rewound:
    """The history without its failures, and the children whose failures they were.

    Attributes:
        children: Number and instance id of failed sub-orchestrations; their
            ``SubOrchestrationInstanceCreated`` events are still in ``events``.
    """

    events: list[Event]
    children: list[tuple[int, str]] = field(default_factory=list)

    def without_child(self, number: int) -> None:
        """Forget that a sub-orchestration was started: it is gone and must start anew."""
        self.events = [
            one
            for one in self.events
            if (one["EventType"], one["EventId"]) != (EventType.SUB_ORCHESTRATION_CREATED, number)
        ]

    def history(self, execution_id: str) -> History:
        """Return the new history, under a new execution id."""
        history = History()
        for one in self.events:
            if one["EventType"] == EventType.EXECUTION_STARTED:
                family = {**one["OrchestrationInstance"], "ExecutionId": execution_id}
                history.append({**one, "OrchestrationInstance": family})
            else:
                history.append(one)
        return history


def rewound(events: list[Event]) -> Rewound:
    """Return what is left of ``events`` after a rewind."""
    failed = {one["TaskScheduledId"] for one in events if one["EventType"] in _FAILURES}
    kept: list[Event] = []
    children: list[tuple[int, str]] = []
    for one in events:
        kind = one["EventType"]
        if kind in _FAILURES or kind in _ENDS:
            continue
        if one["EventId"] in failed:
            if kind == EventType.TASK_SCHEDULED:
                continue
            if kind == EventType.SUB_ORCHESTRATION_CREATED:
                children.append((one["EventId"], str(one["InstanceId"])))
        kept.append(one)
    return Rewound(kept, children)
