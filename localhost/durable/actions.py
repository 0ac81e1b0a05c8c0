"""What a 1.x worker answers: a list of actions, and whether it is done.

The wire names are those of ``OutOfProcOrchestrationShim.cs`` in
Azure/azure-functions-durable-extension (the frozen "OOProc" protocol).
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

Action = dict[str, Any]


class ActionType(IntEnum):
    """``AsyncActionType``."""

    CALL_ACTIVITY = 0
    CALL_ACTIVITY_WITH_RETRY = 1
    CALL_SUB_ORCHESTRATOR = 2
    CALL_SUB_ORCHESTRATOR_WITH_RETRY = 3
    CONTINUE_AS_NEW = 4
    CREATE_TIMER = 5
    WAIT_FOR_EXTERNAL_EVENT = 6
    CALL_ENTITY = 7
    CALL_HTTP = 8
    SIGNAL_ENTITY = 9
    SCHEDULED_SIGNAL_ENTITY = 10
    WHEN_ANY = 11
    WHEN_ALL = 12


# Two-dimensional action lists (schema 0) come only from SDKs older than 1.2.
SUPPORTED_SCHEMAS = (1, 2)


@dataclass(frozen=True, slots=True)
class WorkerAnswer:
    """One answer of the worker.

    Attributes:
        actions: Everything asked for since the start of the generation, in order.
        is_done: The orchestrator function returned (or continued as new).
        output: What it returned; any JSON value.
        error: Why it raised, with the extension's prefix; None when it did not.
        custom_status: Last ``set_custom_status``; None means "not sent", because the
            SDK leaves out every falsy status.
        failed_early: The worker could not even produce a list of actions.
    """

    actions: list[Action] = field(default_factory=list)
    is_done: bool = False
    output: object = None
    error: str | None = None
    custom_status: object = None
    failed_early: bool = False


def failed(reason: str) -> WorkerAnswer:
    """Return the answer of a worker that failed before it listed its actions."""
    return WorkerAnswer(error=reason, failed_early=True)


def parse_answer(function_name: str, state: object) -> WorkerAnswer:
    """Return ``state``, the parsed JSON of the worker, as an answer.

    Raises:
        ValueError: it is not of the protocol this host speaks.
    """
    if not isinstance(state, dict):
        raise ValueError(  # noqa: TRY004  the worker's text was wrong, not a type here
            "Out of proc orchestrators must return a valid JSON schema"
        )
    schema = state.get("schemaVersion", 0)
    if schema not in SUPPORTED_SCHEMAS:
        raise ValueError(f'The OOProc schema of version "{schema}" is unsupported by this host.')
    actions = state.get("actions")
    if not isinstance(actions, list) or len(actions) != 1:
        size = len(actions) if isinstance(actions, list) else 0
        raise ValueError(
            f"With OOProc schema {schema}, expected actions array to be of length 1 in outer "
            f"layer but got size: {size}"
        )
    error = state.get("error")
    return WorkerAnswer(
        actions=actions[0],
        is_done=bool(state.get("isDone")),
        output=state.get("output"),
        error=f"Orchestrator function '{function_name}' failed: {error}" if error else None,
        custom_status=state.get("customStatus"),
    )
