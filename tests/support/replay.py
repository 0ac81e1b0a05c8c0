"""Drive an orchestrator in memory: script the answers, read back the questions.

Nested generators and sub-orchestrations are answered by name; timers let the
orchestrator's clock run, so that hours pass in no time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from tests.support.builders import NOW

Answer = Any  # a value, an exception, a list of them (one per call), or a function of the input


@dataclass
class Told:
    """What an orchestrator asked for, in order, and what it returned."""

    calls: list[str] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    waited_seconds: float = 0
    output: Any = None
    continued_with: Any = None

    def count(self, name: str) -> int:
        """Return how often ``name`` was called."""
        return self.calls.count(name)


@dataclass
class _Asked:
    name: str
    payload: Any


@dataclass
class _Timer:
    fire_at: datetime


class _Context:
    """The part of DurableOrchestrationContext that our orchestrators use."""

    def __init__(self, payload: object, told: Told, at: datetime) -> None:
        self.instance_id = "rem-TIK-1-1"
        self.current_utc_datetime = at
        self._payload = payload
        self._told = told

    def get_input(self) -> object:
        return self._payload

    def call_activity(self, name: str, payload: object) -> _Asked:
        return _Asked(name, payload)

    def call_activity_with_retry(self, name: str, _: object, payload: object) -> _Asked:
        return _Asked(name, payload)

    def call_sub_orchestrator(self, name: str, payload: object) -> _Asked:
        return _Asked(name, payload)

    def create_timer(self, fire_at: datetime) -> _Timer:
        assert fire_at.tzinfo is not None, "a naive time is a TypeError in the SDK"
        return _Timer(fire_at)

    def continue_as_new(self, payload: object) -> None:
        self._told.continued_with = payload


def run(
    orchestrator: Any, payload: object, answers: Mapping[str, Answer], *, at: datetime = NOW
) -> Told:
    """Run ``orchestrator`` to its end and return what it told.

    An answer that is an exception is thrown into the orchestrator, as the host does.
    """
    told = Told()
    context = _Context(payload, told, at)
    scripts = {name: _script(answer) for name, answer in answers.items()}
    generator = orchestrator.build().get_user_function().orchestrator_function(context)
    try:
        asked = next(generator)
        while True:
            if isinstance(asked, _Timer):
                told.waited_seconds += (
                    asked.fire_at - context.current_utc_datetime
                ).total_seconds()
                context.current_utc_datetime = asked.fire_at
                asked = generator.send(None)
                continue
            told.calls.append(asked.name)
            told.inputs.append(asked.payload)
            answer = scripts[asked.name](asked.payload)
            if isinstance(answer, Exception):
                asked = generator.throw(answer)
            else:
                asked = generator.send(answer)
    except StopIteration as finished:
        told.output = finished.value
    return told


def _script(answer: Answer) -> Callable[[Any], Any]:
    if callable(answer):
        return cast("Callable[[Any], Any]", answer)
    if isinstance(answer, list):
        rest = iter(answer)
        return lambda _: next(rest)
    return lambda _: answer
