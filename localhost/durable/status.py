"""How an instance looks from outside: the status payload and its ``historyEvents``.

``historyEvents`` is not the history: starts are folded into completions, and what
identifies tasks is left out. Source: ``DurableClient.cs``
(``GetDurableOrchestrationStatusAsync``) and ``HttpApiHandler.cs`` (``ConvertFrom``).
"""

import json
from typing import Any

from localhost.clock import from_us
from localhost.durable.events import EVENT_NAMES, STATUS_NAMES, Event, EventType
from localhost.durable.records import Instance

_FOLDED = {
    EventType.TASK_COMPLETED: EventType.TASK_SCHEDULED,
    EventType.TASK_FAILED: EventType.TASK_SCHEDULED,
    EventType.SUB_ORCHESTRATION_COMPLETED: EventType.SUB_ORCHESTRATION_CREATED,
    EventType.SUB_ORCHESTRATION_FAILED: EventType.SUB_ORCHESTRATION_CREATED,
}
_WITH_RESULT = (
    EventType.TASK_COMPLETED,
    EventType.SUB_ORCHESTRATION_COMPLETED,
    EventType.EXECUTION_COMPLETED,
)
_DROPPED = (EventType.ORCHESTRATOR_STARTED, EventType.ORCHESTRATOR_COMPLETED)
_NEVER_SHOWN = {
    EventType.EXECUTION_STARTED: (
        "OrchestrationInstance",
        "ParentInstance",
        "Version",
        "Tags",
    ),
    EventType.TASK_SCHEDULED: ("Version",),
    EventType.SUB_ORCHESTRATION_CREATED: ("Version",),
    EventType.TIMER_FIRED: ("TimerId",),
}


def payload(
    instance: Instance,
    *,
    show_input: bool = True,
    history: list[Event] | None = None,
    show_output: bool = False,
) -> dict[str, Any]:
    """Return the JSON object that the management API answers for ``instance``.

    Args:
        history: Given when ``showHistory`` was asked for.
        show_output: ``showHistoryOutput``.
    """
    answer: dict[str, Any] = {
        "name": instance.name,
        "instanceId": instance.instance_id,
        "runtimeStatus": str(instance.status),
        "input": parsed(instance.input_text) if show_input else None,
        "customStatus": parsed(instance.custom_status),
        "output": parsed(instance.output),
        "createdTime": _seconds(instance.created_us),
        "lastUpdatedTime": _seconds(instance.updated_us),
    }
    if history is not None:
        answer["historyEvents"] = compacted(history, show_input=show_input, show_output=show_output)
    return answer


def parsed(text: str | None) -> object:
    """Return the JSON value of ``text``; text that is no JSON (a reason) as it is."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def compacted(history: list[Event], *, show_input: bool, show_output: bool) -> list[dict[str, Any]]:
    """Return ``historyEvents``."""
    starts = {
        (event["EventType"], event["EventId"]): index
        for index, event in enumerate(history)
        if event["EventType"] in _FOLDED.values()
    }
    left_out = {index for index, e in enumerate(history) if e["EventType"] in _DROPPED}
    shown: dict[int, dict[str, Any]] = {}
    for index, event in enumerate(history):
        start_kind = _FOLDED.get(event["EventType"])
        start = (
            None if start_kind is None else starts.get((start_kind, event.get("TaskScheduledId")))
        )
        if start is not None:
            left_out.add(start)
        began = None if start is None else history[start]
        shown[index] = _shown(event, began, show_input=show_input, show_output=show_output)
    return [shown[index] for index in sorted(shown) if index not in left_out]


def _shown(
    event: Event, began: Event | None, *, show_input: bool, show_output: bool
) -> dict[str, Any]:
    kind = event["EventType"]
    hidden = {"EventId", "IsPlayed", *_NEVER_SHOWN.get(kind, ())}
    if kind in _FOLDED:
        hidden.add("TaskScheduledId")
    if not show_input:
        hidden.add("Input")
    if not show_output and kind in _WITH_RESULT:
        hidden.add("Result")
    shown = {name: value for name, value in event.items() if name not in hidden}
    shown["EventType"] = EVENT_NAMES[EventType(kind)]
    if kind == EventType.EXECUTION_STARTED:
        shown["FunctionName"] = shown.pop("Name", None)
    if kind == EventType.EXECUTION_COMPLETED:
        shown["OrchestrationStatus"] = STATUS_NAMES.get(event["OrchestrationStatus"])
    if "Result" in shown:
        shown["Result"] = parsed(shown["Result"])
    if began is not None:
        shown["ScheduledTime"] = began["Timestamp"]
        shown["FunctionName"] = began["Name"]
        if show_input:
            shown["Input"] = began.get("Input")
    return shown


def _seconds(us: int) -> str:
    return from_us(us).strftime("%Y-%m-%dT%H:%M:%SZ")
