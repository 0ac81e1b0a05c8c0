"""Durable entities: small state machines that messages are handed to in batches.

Operations of a batch run in one call of the user's function; its new state, the
answers and the removal of the messages are one commit. A crash in between runs the
batch again on the old state. Locks (critical sections) do not exist in Python 1.x.
Source: ``TaskEntityShim.cs`` and ``EntityTriggerAttributeBindingProvider.cs`` in
Azure/azure-functions-durable-extension.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from localhost.clock import Clock, to_us
from localhost.durable.events import Event, EventType, event_raised
from localhost.durable.hub import Hub
from localhost.durable.records import EntityChange, Message, Outgoing

log = logging.getLogger(__name__)

# From the context's JSON to the answer's JSON.
EntityFunction = Callable[[str], Awaitable[str]]

_REQUEST = "op"


@dataclass(frozen=True, slots=True)
class Operation:
    """One request to an entity. ``parent_id`` is None when a client sent it."""

    request_id: str
    name: str
    input_text: str | None
    is_signal: bool
    parent_id: str | None
    parent_execution_id: str | None


@dataclass(slots=True)
class _Answers:
    exists: bool
    state: str | None
    results: list[tuple[str | None, bool]]
    signals: list[Outgoing] = field(default_factory=list)


def entity_id(name: str, key: str) -> str:
    """Return the id under which the hub knows an entity."""
    return f"@{name.lower()}@{key}"


def parse_entity_id(text: str) -> tuple[str, str]:
    """Return name and key."""
    name, _, key = text[1:].partition("@")
    return name, key


def request(operation: str, request_id: str, input_text: str | None) -> str:
    """Return the message of a client's signal; ``input_text`` is JSON text."""
    content: dict[str, object] = {"op": operation, "id": request_id, "signal": True}
    if input_text is not None:
        content["input"] = input_text
    return json.dumps(content)


class Entities:
    """Takes turns for entities.

    Args:
        functions: By lower-case name.
    """

    def __init__(self, hub: Hub, clock: Clock, functions: Mapping[str, EntityFunction]) -> None:
        self._hub = hub
        self._clock = clock
        self._functions = functions

    async def turn(self, instance_id: str) -> list[str]:
        """Handle all messages that are due; return who has to be woken for it."""
        now_us = to_us(self._clock.now())
        messages = self._hub.load(instance_id, now_us, with_history=False).messages
        if not messages:
            return []
        operations = [one for one in map(_operation, messages) if one is not None]
        state = self._hub.entity_state(instance_id)
        name, key = parse_entity_id(instance_id)
        answers = await self._ask(name, key, state, operations)
        outgoing = [
            self._answer(operation, result, failed=failed)
            for operation, (result, failed) in zip(operations, answers.results, strict=True)
            if not operation.is_signal and operation.parent_id is not None
        ]
        change = EntityChange(
            entity_id=instance_id,
            consumed=[message.seq for message in messages],
            exists=answers.exists,
            state=answers.state,
            outgoing=outgoing + answers.signals,
        )
        await self._hub.commit_entity(change)
        return [one.target for one in change.outgoing]

    async def _ask(
        self, name: str, key: str, state: str | None, operations: list[Operation]
    ) -> _Answers:
        function = self._functions.get(name)
        context = {
            "self": {"name": name, "key": key},
            "exists": state is not None,
            "state": state,
            "batch": [
                {"name": one.name, "input": one.input_text, "isSignal": one.is_signal}
                for one in operations
            ],
        }
        if function is None:
            failure = json.dumps(f"Entity function '{name}' does not exist.")
            return _Answers(state is not None, state, [(failure, True) for _ in operations])
        try:
            return _read(json.loads(await function(json.dumps(context))), len(operations))
        except (Exception, SystemExit) as error:
            log.exception("entity %r failed", name)
            failure = json.dumps(f"{type(error).__name__}: {error}")
            return _Answers(state is not None, state, [(failure, True) for _ in operations])

    def _answer(self, operation: Operation, result: str | None, *, failed: bool) -> Outgoing:
        content: dict[str, object] = {"result": result}
        if failed:
            content["exceptionType"] = "Error"
        message = event_raised(self._clock.now(), operation.request_id, json.dumps(content))
        return Outgoing(str(operation.parent_id), operation.parent_execution_id, message)


def _operation(message: Message) -> Operation | None:
    event: Event = message.event
    name = str(event.get("Name"))
    if event["EventType"] != EventType.EVENT_RAISED or not name.startswith(_REQUEST):
        return None
    content = json.loads(event["Input"])
    return Operation(
        request_id=str(content["id"]),
        name=str(content.get("op")),
        input_text=content.get("input"),
        is_signal=bool(content.get("signal")),
        parent_id=content.get("parent"),
        parent_execution_id=content.get("parentExecution"),
    )


def _read(answer: object, expected: int) -> _Answers:
    if not isinstance(answer, dict):
        raise TypeError("an entity function must return a JSON object")
    results = [(one.get("result"), bool(one.get("isError"))) for one in answer["results"]]
    if len(results) != expected:
        raise ValueError(f"{len(results)} results for {expected} operations")
    exists = bool(answer.get("entityExists"))
    return _Answers(exists, answer.get("entityState") if exists else None, results)
