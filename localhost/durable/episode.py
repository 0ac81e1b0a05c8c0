"""One turn of one instance: messages in, everything to be committed out. Pure.

    OrchestratorStarted, <messages>, <decisions by number>, OrchestratorCompleted

``continue_as_new`` starts the next generation inside the same turn, as the real
dispatcher does; a generation that waits for nothing never ends, so there is a limit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from localhost.clock import iso, parse_iso
from localhost.durable.decisions import (
    ContinuedAsNew,
    CreateTimer,
    Decision,
    Finished,
    Replay,
    ScheduleActivity,
    SendEvent,
    StartChild,
)
from localhost.durable.events import (
    FINISHED,
    STATUS_NUMBERS,
    Event,
    EventType,
    Status,
    child_completed,
    child_failed,
    event,
)
from localhost.durable.history import History
from localhost.durable.performer import Execution
from localhost.durable.protocol import WorkerProtocol
from localhost.durable.records import Episode, Instance, Message, NewInstance

# Continuing as new this often without waiting for anything is an endless loop.
_MAX_GENERATIONS = 1_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that keep one bad orchestrator from taking the host down.

    Attributes:
        warn_events: A history this long is logged once.
        max_events: A history this long fails its instance.
        replay_seconds: A replay that takes longer fails its instance.
        deaths: A replay or activity that the process died in this often is given up.
    """

    warn_events: int = 1_000
    max_events: int = 10_000
    replay_seconds: float = 30.0
    deaths: int = 8


@dataclass(frozen=True, slots=True)
class Turn:
    """How to take a turn: the worker, the time, and where new execution ids come from."""

    protocol: WorkerProtocol
    now: datetime
    limits: Limits
    new_id: Callable[[], str]


def accepted(instance: Instance, history: History, messages: list[Message]) -> list[Message]:
    """Return those of ``messages`` that this execution hears, the start first.

    A second start and answers to an earlier generation are left out.
    """
    started = history.started() is not None
    heard: list[Message] = []
    for message in messages:
        if message.event["EventType"] == EventType.EXECUTION_STARTED:
            if not started:
                started = True
                heard.insert(0, message)
        elif message.execution_id in (None, instance.execution_id):
            heard.append(message)
    return heard if started else []


def take(
    turn: Turn, instance: Instance, history: History, messages: list[Message]
) -> Episode | None:
    """Return what the turn changes, or None when no message concerns this execution."""
    if instance.status in FINISHED:
        return None
    news = accepted(instance, history, messages)
    if not news:
        return None
    work = _Work(turn, instance, history)
    work.hear(news)
    work.run()
    return work.episode(messages)


def give_up(
    turn: Turn, instance: Instance, history: History, messages: list[Message], reason: str
) -> Episode | None:
    """Return a turn that fails the instance with ``reason`` without asking the worker."""
    if instance.status in FINISHED:
        return None
    work = _Work(turn, instance, history)
    work.hear(accepted(instance, history, messages))
    work.finish(Finished(Status.FAILED, reason, None), len(work.history))
    return work.episode(messages)


class _Work:
    def __init__(self, turn: Turn, instance: Instance, history: History) -> None:
        self._turn = turn
        self._instance = instance
        self._stored = len(history)
        self.history = history.copy()
        self._execution_id = instance.execution_id
        self._input_text = instance.input_text
        self._custom_status = instance.custom_status
        self._status = Status.RUNNING
        self._outcome: Finished | None = None
        self._decisions: list[Decision] = []
        last = history.last_turn()
        self._now = turn.now if last is None else max(turn.now, parse_iso(last))

    def hear(self, news: list[Message]) -> None:
        self.history.append(event(EventType.ORCHESTRATOR_STARTED, self._now))
        for message in news:
            self.history.append(message.event, message.text)

    def _begin(self, news: list[Event]) -> None:
        self.history.append(event(EventType.ORCHESTRATOR_STARTED, self._now))
        for one in news:
            self.history.append(one)

    def run(self) -> None:
        for _ in range(_MAX_GENERATIONS):
            if len(self.history) > self._turn.limits.max_events:
                self._fail(
                    f"Orchestrator function '{self._instance.name}' failed: its history has more "
                    f"than {self._turn.limits.max_events} events; use continue_as_new."
                )
                return
            replay = self._replay()
            self._record(replay)
            if not isinstance(replay.outcome, ContinuedAsNew):
                self._settle(replay)
                return
            self._continue(replay, replay.outcome)
        self._fail(
            f"Orchestrator function '{self._instance.name}' failed: it continued as new "
            f"{_MAX_GENERATIONS} times without waiting for anything."
        )

    def episode(self, messages: list[Message]) -> Episode:
        outcome = self._outcome
        parent = self._instance.parent
        episode = Episode(
            before=self._instance,
            consumed=[message.seq for message in messages if message.task_seq is None],
            ended=[message.task_seq for message in messages if message.task_seq is not None],
            execution_id=self._execution_id,
            status=self._status,
            input_text=self._input_text,
            output=outcome.output if outcome is not None else None,
            custom_status=self._custom_status,
            history=self.history,
            stored=self._stored,
            sends=[d for d in self._decisions if isinstance(d, SendEvent)],
        )
        if outcome is None:
            episode.tasks = [d for d in self._decisions if isinstance(d, ScheduleActivity)]
            episode.timers = [d for d in self._decisions if isinstance(d, CreateTimer)]
            episode.children = [
                (d, self._turn.new_id()) for d in self._decisions if isinstance(d, StartChild)
            ]
        elif parent is not None:
            episode.to_parent = _message_to_parent(self._now, parent.task_id, outcome)
        return episode

    def finish(self, outcome: Finished, event_id: int) -> None:
        self.history.append(
            event(
                EventType.EXECUTION_COMPLETED,
                self._now,
                event_id,
                OrchestrationStatus=STATUS_NUMBERS[outcome.status],
                Result=outcome.output,
                FailureDetails=None,
            )
        )
        self.history.append(event(EventType.ORCHESTRATOR_COMPLETED, self._now))
        self._outcome, self._status = outcome, outcome.status

    def _fail(self, reason: str) -> None:
        self.finish(Finished(Status.FAILED, reason, None), len(self.history))

    def _replay(self) -> Replay:
        instance = self._instance
        execution = Execution(
            instance_id=instance.instance_id,
            execution_id=self._execution_id,
            name=instance.name,
            parent_id=instance.parent.instance_id if instance.parent else None,
        )
        replay = self._turn.protocol.step(execution, self.history).replay
        if replay.custom_status is not None:
            self._custom_status = replay.custom_status
        return replay

    def _record(self, replay: Replay) -> None:
        for decision in replay.decisions:
            self._decisions.append(decision)
            self.history.append(_decided(self._now, decision))

    def _settle(self, replay: Replay) -> None:
        if isinstance(replay.outcome, Finished):
            self.finish(replay.outcome, replay.next_id)
            return
        self.history.append(event(EventType.ORCHESTRATOR_COMPLETED, self._now))
        self._status = Status.SUSPENDED if replay.suspended else Status.RUNNING

    def _continue(self, replay: Replay, outcome: ContinuedAsNew) -> None:
        """Begin the next generation: new id, new history, only sent events stay decided."""
        instance = self._instance
        self._decisions = [d for d in self._decisions if isinstance(d, SendEvent)]
        self._execution_id = self._turn.new_id()
        self._input_text = outcome.input_text
        self._stored = 0
        self.history = History()
        following = NewInstance(
            instance.instance_id,
            self._execution_id,
            instance.name,
            outcome.input_text,
            instance.version,
            instance.parent,
        )
        self._begin([following.started(self._now), *replay.carryover])


def _decided(now: datetime, decision: Decision) -> Event:
    number = decision.number
    if isinstance(decision, ScheduleActivity):
        return event(
            EventType.TASK_SCHEDULED, now, number, Name=decision.name, Version="", Input=None
        )
    if isinstance(decision, CreateTimer):
        return event(EventType.TIMER_CREATED, now, number, FireAt=iso(decision.fire_at))
    if isinstance(decision, StartChild):
        return event(
            EventType.SUB_ORCHESTRATION_CREATED,
            now,
            number,
            Name=decision.name,
            Version=decision.version or "",
            InstanceId=decision.instance_id,
            Input=None,
        )
    return event(
        EventType.EVENT_SENT,
        now,
        number,
        InstanceId=decision.target,
        Name=decision.name,
        Input=decision.input_text,
    )


def _message_to_parent(now: datetime, task_id: int, outcome: Finished) -> Event:
    if outcome.status is Status.COMPLETED:
        return child_completed(now, task_id, outcome.output)
    return child_failed(now, task_id, outcome.output, outcome.details)
