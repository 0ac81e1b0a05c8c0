"""Replays what a 1.x worker asked for against the history, and finds what is new.

The SDK answers every episode with the *whole* list of actions since the start. The
Durable extension does not trust that list: it performs the actions again as real
DurableTask.Core calls, feeds them the history, and what history does not know yet
is new. Bugs of production come from the two sides counting differently, so this
module counts as the extension does, not as the SDK does.

The rules, each with a test in ``tests/localhost/test_replayer.py``:

* Actions are awaited one by one in list order; their errors are swallowed.
* One counter numbers activities, timers, sub-orchestrations and sent events.
* History must find an action of its kind (and name) under its number.
* Retries are scheduled here; after the last failure comes one more timer, due at once.
* ``WhenAll`` waits for every child, also after one failed.
* A cancelled timer is created and cancelled at once; its number stays used.
* Nothing completes while an activity, a sub-orchestration or a timer is open.
* Waiters for an event are a stack; events that come early are kept.
* After ``continue_as_new`` events are carried over; earlier unread ones are dropped.
* While suspended, events queue up and decisions are parked.

Pure: no clock, no storage, no worker. :mod:`~localhost.durable.performer` knows what
each action means, :mod:`~localhost.durable.ledger` keeps the numbers. Source:
``TaskOrchestrationExecutor.cs`` in Azure/durabletask and ``TaskOrchestrationShim.cs``
in Azure/azure-functions-durable-extension.
"""

import json
from collections.abc import Callable, Iterable

from localhost.clock import parse_iso
from localhost.durable.actions import WorkerAnswer
from localhost.durable.decisions import (
    CreateTimer,
    Finished,
    Outcome,
    Replay,
    ScheduleActivity,
    SendEvent,
    StartChild,
)
from localhost.durable.events import Event, EventType, Status
from localhost.durable.ledger import Ledger, NonDeterministic, Refused
from localhost.durable.performer import Execution, Known, Mailbox, Performer
from localhost.durable.promise import Promise, Steps, TaskError, run

# The extension's limit for a custom status, in UTF-16 as Azure Storage keeps it.
MAX_STATUS_KB = 16

_HEARD_WHILE_SUSPENDED = (EventType.EXECUTION_RESUMED, EventType.EXECUTION_TERMINATED)


def replay(
    answer: WorkerAnswer, execution: Execution, known: Known, history: Iterable[Event]
) -> Replay:
    """Return the new decisions and the outcome of ``answer`` over ``history``.

    Args:
        answer: What the worker returned for exactly this history.
        execution: Whose history it is.
        known: The functions that may be called.
        history: Past and new events, oldest first.
    """
    return _Replayer(answer, execution, known).play(history)


class _Replayer:
    def __init__(self, answer: WorkerAnswer, execution: Execution, known: Known) -> None:
        self._answer = answer
        self._name = execution.name
        self._ledger = Ledger()
        self._mailbox = Mailbox()
        self._performer = Performer(self._ledger, self._mailbox, execution, known)
        self._main: Promise | None = None
        self._held: list[Event] = []
        self._suspended = False
        self._carryover: list[Event] = []
        self._terminated: Finished | None = None
        self._custom_status: str | None = None
        self._reactions: dict[int, Callable[[Event], None]] = {
            EventType.EXECUTION_STARTED: self._on_started,
            EventType.EXECUTION_TERMINATED: self._on_terminated,
            EventType.EXECUTION_SUSPENDED: self._on_suspended,
            EventType.EXECUTION_RESUMED: self._on_resumed,
            EventType.TASK_SCHEDULED: self._on_task_scheduled,
            EventType.TASK_COMPLETED: self._on_completed,
            EventType.TASK_FAILED: self._on_failed,
            EventType.SUB_ORCHESTRATION_CREATED: self._on_child_created,
            EventType.SUB_ORCHESTRATION_COMPLETED: self._on_completed,
            EventType.SUB_ORCHESTRATION_FAILED: self._on_failed,
            EventType.TIMER_CREATED: self._on_timer_created,
            EventType.TIMER_FIRED: self._on_timer_fired,
            EventType.EVENT_SENT: self._on_event_sent,
            EventType.EVENT_RAISED: self._on_event_raised,
        }

    def play(self, history: Iterable[Event]) -> Replay:
        outcome: Outcome | None
        try:
            for event in history:
                self._process(event)
            outcome = self._outcome()
        except (NonDeterministic, Refused) as error:
            # What was scheduled on the way cannot be trusted, so nothing of it starts.
            self._ledger.discard()
            outcome = Finished(Status.FAILED, str(error), None)
        if self._terminated is not None:
            self._ledger.discard()
            outcome = self._terminated
        return Replay(
            decisions=self._ledger.decisions(),
            outcome=outcome,
            next_id=self._ledger.next_number,
            suspended=self._suspended,
            carryover=self._carryover,
            custom_status=self._custom_status,
            traps=self._performer.traps,
        )

    def _process(self, event: Event) -> None:
        kind = event["EventType"]
        if kind == EventType.ORCHESTRATOR_STARTED:
            self._performer.now = parse_iso(event["Timestamp"])
        elif self._suspended and kind not in _HEARD_WHILE_SUSPENDED:
            if kind != EventType.EXECUTION_SUSPENDED:
                self._held.append(event)
        elif (reaction := self._reactions.get(kind)) is not None:
            reaction(event)

    def _outcome(self) -> Outcome | None:
        main = self._main
        if main is None or not main.done or self._ledger.has_open:
            return None
        if main.error is not None:
            return Finished(Status.FAILED, str(main.error), None)
        if self._performer.continued is not None:
            return self._performer.continued
        text = None if main.value is None else json.dumps(main.value)
        return Finished(Status.COMPLETED, text, None)

    # -- the worker's list -------------------------------------------------------------

    def _perform(self) -> Steps:
        """Await the actions one by one, then end as the worker did."""
        answer = self._answer
        if answer.failed_early:
            raise Refused(answer.error)
        self._set_custom_status(answer.custom_status)
        for action in answer.actions:
            try:
                yield self._performer.start(action)
            except TaskError:
                continue
        if answer.error:
            raise TaskError(answer.error)
        if not answer.is_done:
            yield Promise()  # never kept: there is more to come
        return answer.output

    def _set_custom_status(self, status: object) -> None:
        if status is None:
            return
        text = json.dumps(status, separators=(",", ":"), ensure_ascii=False)
        size_kb = len(text.encode("utf-16-le", "surrogatepass")) // 1024
        if size_kb > MAX_STATUS_KB:
            raise Refused(
                f"Orchestrator function '{self._name}' failed: The UTF-16 size of the "
                f"JSON-serialized payload must not exceed {MAX_STATUS_KB} KB. The current "
                f"payload size is {size_kb:,} KB."
            )
        self._custom_status = text

    # -- history: life -----------------------------------------------------------------

    def _on_started(self, _event: Event) -> None:
        self._main = run(self._perform())

    def _on_terminated(self, event: Event) -> None:
        if self._terminated is None:
            self._terminated = Finished(Status.TERMINATED, event.get("Input"), None)

    def _on_suspended(self, _event: Event) -> None:
        self._suspended = True
        self._ledger.park()

    def _on_resumed(self, _event: Event) -> None:
        self._suspended = False
        self._ledger.unpark()
        held, self._held = self._held, []
        for event in held:
            self._process(event)

    # -- history: what was decided -----------------------------------------------------

    def _on_task_scheduled(self, event: Event) -> None:
        number, name = event["EventId"], str(event["Name"])
        before = f"scheduled an activity task with sequence number {number} named '{name}'"
        found = self._ledger.claim(number, ScheduleActivity, before)
        _same_name(found.name, name, before, "scheduled an activity task named")

    def _on_timer_created(self, event: Event) -> None:
        number = event["EventId"]
        before = f"scheduled a timer task with sequence number {number}"
        self._ledger.claim(number, CreateTimer, before)

    def _on_child_created(self, event: Event) -> None:
        number, name = event["EventId"], str(event["Name"])
        before = (
            f"scheduled a sub-orchestration task with sequence number {number} and name "
            f"'{name}' (instance ID '{event.get('InstanceId')}')"
        )
        found = self._ledger.claim(number, StartChild, before)
        _same_name(found.name, name, before, "scheduled a sub-orchestration task named")

    def _on_event_sent(self, event: Event) -> None:
        number, name = event["EventId"], str(event["Name"])
        before = (
            f"scheduled a send event task with sequence number {number}, name '{name}', "
            f"instance ID '{event.get('InstanceId')}'"
        )
        found = self._ledger.claim(number, SendEvent, before)
        _same_name(found.name, name, before, "scheduled a send event task named")

    # -- history: what came of it ------------------------------------------------------

    def _on_completed(self, event: Event) -> None:
        self._ledger.succeed(event["TaskScheduledId"], event.get("Result"))

    def _on_failed(self, event: Event) -> None:
        self._ledger.fail(event["TaskScheduledId"], str(event.get("Reason")))

    def _on_timer_fired(self, event: Event) -> None:
        self._ledger.succeed(event["TimerId"])

    def _on_event_raised(self, event: Event) -> None:
        if self._performer.continued is not None:
            self._carryover.append(event)
            return
        name = str(event["Name"])
        if self._mailbox.deliver(name) > 1:
            self._performer.trap(
                f"two events named '{name}' arrived before the orchestrator waited for one: the "
                "SDK delivers the last of them again and again (durable-python#507)"
            )


def _same_name(found: str, name: str, before: str, now: str) -> None:
    if found.lower() != name.lower():
        raise NonDeterministic(
            before,
            f"the current orchestration replay instead {now} '{found}' with this sequence number",
        )
