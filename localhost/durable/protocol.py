"""How a worker is asked for the next step of an orchestration.

Everything else (hub, engine, API) knows only :class:`WorkerProtocol`. Version 1 is
the JSON that azure-functions-durable 1.x speaks. Version 2.x of the SDK speaks gRPC
messages and numbers its tasks itself; an adapter for it belongs beside :class:`JsonV1`
and needs no replayer.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from localhost.durable import actions
from localhost.durable.decisions import Replay
from localhost.durable.history import History
from localhost.durable.performer import Execution, Known
from localhost.durable.replayer import replay

# The SDK appends its state to the exception's text after this label.
_LABEL = "\n\n$OutOfProcData$:"

# What the Azure Storage backend tells the SDK about timers and call_http.
_FACTS = {
    "isReplaying": False,
    "upperSchemaVersion": 1,
    "upperSchemaVersionNew": 2,
    "longRunningTimerIntervalDuration": "3.00:00:00",
    "maximumShortTimerDuration": "6.00:00:00",
    "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a worker said, and what it means.

    Attributes:
        replay: New decisions and outcome.
        error: What the orchestrator function raised, if it did. Its instance fails, though
            perhaps only when open tasks have ended.
        fingerprint: Equal for equal answers; strict mode compares two of them.
    """

    replay: Replay
    error: str | None
    fingerprint: str


class WorkerProtocol(Protocol):
    """Asks for the next step. Implementations must be pure functions of their arguments."""

    def step(self, execution: Execution, history: History) -> Verdict:
        """Return what to do after ``history``, which contains an ExecutionStarted event.

        Never raises for what user code does: that is an outcome.
        """
        ...


class JsonV1:
    """The protocol of azure-functions-durable 1.x.

    Args:
        orchestrators: By lower-case name, what the SDK's decorator left: a function
            from the context's JSON to the answer's JSON.
        known: The functions that may be called.
    """

    def __init__(self, orchestrators: Mapping[str, Callable[[str], str]], known: Known) -> None:
        self._orchestrators = orchestrators
        self._known = known

    def step(self, execution: Execution, history: History) -> Verdict:
        """See the protocol."""
        answer, fingerprint = self._ask(execution, history)
        return Verdict(
            replay=replay(answer, execution, self._known, history.events),
            error=answer.error,
            fingerprint=fingerprint,
        )

    def _ask(self, execution: Execution, history: History) -> tuple[actions.WorkerAnswer, str]:
        name = execution.name
        function = self._orchestrators.get(name.lower())
        if function is None:
            return actions.failed(self._missing(name)), "missing"
        try:
            text = function(_context(execution, history))
        except (Exception, SystemExit) as error:  # noqa: BLE001  user code
            message = str(error)
            if _LABEL not in message:
                reason = f"{type(error).__name__}: {message}"
                return actions.failed(f"Orchestrator function '{name}' failed: {reason}"), reason
            text = message[message.index(_LABEL) + len(_LABEL) :]
        try:
            return actions.parse_answer(name, json.loads(text)), text
        except ValueError as error:
            return actions.failed(f"Orchestrator function '{name}' failed: {error}"), text

    def _missing(self, name: str) -> str:
        known = "', '".join(sorted(self._orchestrators))
        return (
            f"The function '{name}' doesn't exist, is disabled, or is not an orchestrator "
            "function. Additional info: "
            + (
                f"The following are the known orchestrator functions: '{known}'."
                if known
                else "No orchestrator functions are currently registered!"
            )
        )


def _context(execution: Execution, history: History) -> str:
    """Return the string bound to the ``orchestrationTrigger`` parameter."""
    started = history.started()
    input_text = started["Input"] if started is not None else None
    facts = json.dumps(
        {"instanceId": execution.instance_id, "parentInstanceId": execution.parent_id, **_FACTS}
    )
    head = f'{{"history":{history.to_json()},"input":{input_text or "null"},'
    return head + facts[1:]
