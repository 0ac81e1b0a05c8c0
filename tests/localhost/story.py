"""Drives one orchestrator by hand: real SDK, real replayer, no storage, no clock but ours.

A test says what happens (``completes``, ``fires``, ``hears``), and looks at what the
instance decided then. Every step is one turn, one second after the one before.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.durable_functions.orchestrator import Orchestrator

from localhost.clock import iso
from localhost.durable import episode as episodes
from localhost.durable.decisions import CreateTimer, ScheduleActivity, SendEvent, StartChild
from localhost.durable.episode import Limits, Turn
from localhost.durable.events import (
    Event,
    EventType,
    Status,
    child_completed,
    child_failed,
    event,
    event_raised,
    task_completed,
    task_failed,
    timer_fired,
)
from localhost.durable.history import History
from localhost.durable.performer import HTTP_ACTIVITY, Execution, Known
from localhost.durable.protocol import JsonV1, Verdict, WorkerProtocol
from localhost.durable.records import Episode, Instance, Message, NewInstance, Parent

START = datetime(2026, 1, 1, tzinfo=UTC)

KNOWN = Known(
    activities=frozenset({"a", "b", "c", HTTP_ACTIVITY.lower()}),
    orchestrators=frozenset({"it", "child"}),
    entities=frozenset({"counter"}),
)


class Story:
    """One instance, from its start on.

    Args:
        orchestrator: The generator function.
        input_: What ``start_new`` would be given.
        parent: Set for a sub-orchestration.
    """

    def __init__(
        self,
        orchestrator: Callable[..., Any],
        input_: object = None,
        *,
        parent: Parent | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.now = START
        self.protocol: WorkerProtocol = JsonV1({"it": Orchestrator.create(orchestrator)}, KNOWN)
        self.limits = limits or Limits()
        self._ids = (f"exec{number}" for number in range(1, 1_000_000))
        self._seq = 0
        # The client encodes twice: a JSON string that holds JSON.
        text = None if input_ is None else json.dumps(json.dumps(input_))
        self.new = NewInstance("i", next(self._ids), "it", text, None, parent)
        self.instance = Instance(
            instance_id="i",
            execution_id=self.new.execution_id,
            name="it",
            version=None,
            status=Status.PENDING,
            input_text=text,
            output=None,
            custom_status=None,
            created_us=0,
            updated_us=0,
            completed_us=None,
            parent=parent,
            deaths=0,
        )
        self.history = History()
        self.episode: Episode | None = None
        self.turn(self.new.started(self.now), execution_id=self.new.execution_id)

    # -- what happens ------------------------------------------------------------------

    def completes(self, number: int, result: object = None) -> "Story":
        """An activity ends well."""
        return self.turn(task_completed(self.now, number, json.dumps(result)))

    def fails(self, number: int, reason: str = "boom") -> "Story":
        """An activity ends badly."""
        return self.turn(task_failed(self.now, number, reason, "details"))

    def child_completes(self, number: int, result: object = None) -> "Story":
        """A sub-orchestration ends well."""
        return self.turn(child_completed(self.now, number, json.dumps(result)))

    def child_fails(self, number: int, reason: str = "boom") -> "Story":
        """A sub-orchestration ends badly."""
        return self.turn(child_failed(self.now, number, reason, None))

    def fires(self, number: int, fire_at: datetime | None = None) -> "Story":
        """A timer is due; time moves to ``fire_at`` first."""
        if fire_at is not None:
            self.now = max(self.now, fire_at)
        return self.turn(timer_fired(self.now, number))

    def hears(self, name: str, payload: object = None) -> "Story":
        """An external event arrives, sent by curl (encoded once)."""
        return self.turn(event_raised(self.now, name, json.dumps(payload)))

    def is_suspended(self) -> "Story":
        """Somebody suspends the instance."""
        return self.turn(event(EventType.EXECUTION_SUSPENDED, self.now, Reason="pause"))

    def is_resumed(self) -> "Story":
        """Somebody resumes it."""
        return self.turn(event(EventType.EXECUTION_RESUMED, self.now, Reason="go"))

    def is_terminated(self, reason: str = "enough") -> "Story":
        """Somebody terminates it."""
        return self.turn(event(EventType.EXECUTION_TERMINATED, self.now, Input=reason))

    def turn(self, *events: Event, execution_id: str | None = None) -> "Story":
        """All ``events`` arrive before the same turn."""
        messages = [Message(self._next_seq(), execution_id, one) for one in events]
        self.now += timedelta(seconds=1)
        turn = Turn(self.protocol, self.now, self.limits, lambda: next(self._ids))
        self.episode = episodes.take(turn, self.instance, self.history, messages)
        if self.episode is not None:
            self._keep(self.episode)
        return self

    def _keep(self, episode: Episode) -> None:
        self.history = episode.history
        self.instance = replace(
            self.instance,
            execution_id=episode.execution_id,
            status=episode.status,
            input_text=episode.input_text,
            output=episode.output,
            custom_status=episode.custom_status,
        )

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq

    # -- what came of it ---------------------------------------------------------------

    @property
    def status(self) -> Status:
        """What the instance is doing now."""
        return self.instance.status

    @property
    def output(self) -> Any:
        """Parsed output of a completed instance; the plain text of a failed one."""
        text = self.instance.output
        if text is None or self.status is not Status.COMPLETED:
            return text
        return json.loads(text)

    @property
    def custom_status(self) -> Any:
        """Parsed custom status."""
        text = self.instance.custom_status
        return None if text is None else json.loads(text)

    @property
    def tasks(self) -> list[tuple[int, str]]:
        """Activities of the last turn: number and name."""
        return [(one.number, one.name) for one in self._last().tasks]

    @property
    def activities(self) -> list[ScheduleActivity]:
        """Activities of the last turn."""
        return self._last().tasks

    @property
    def timers(self) -> list[CreateTimer]:
        """Timers of the last turn."""
        return self._last().timers

    @property
    def children(self) -> list[StartChild]:
        """Sub-orchestrations of the last turn."""
        return [child for child, _ in self._last().children]

    @property
    def sends(self) -> list[SendEvent]:
        """Messages to others of the last turn."""
        return self._last().sends

    def verdict(self) -> Verdict:
        """Replay the present history once more."""
        execution = Execution("i", self.instance.execution_id, "it")
        return self.protocol.step(execution, self.history)

    def kinds(self) -> list[EventType]:
        """Event types of the history."""
        return [EventType(one["EventType"]) for one in self.history.events]

    def _last(self) -> Episode:
        assert self.episode is not None, "the last turn changed nothing"
        return self.episode


def at(seconds: float) -> datetime:
    """Return a moment of the story."""
    return START + timedelta(seconds=seconds)


def texts(moments: Iterable[datetime]) -> list[str]:
    """Return moments as history writes them."""
    return [iso(moment) for moment in moments]
