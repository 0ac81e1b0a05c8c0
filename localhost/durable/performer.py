"""Performs the worker's actions: what each of them means in numbers, waits and retries.

Source: ``OutOfProcOrchestrationShim.cs`` and ``DurableOrchestrationContext.cs`` in
Azure/azure-functions-durable-extension; ``RetryInterceptor.cs`` in Azure/durabletask.

The extension swallows some errors of its own (an activity that does not exist, a
sub-orchestration with its parent's id), and the instance hangs for ever. Here those
fail the instance at once.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from localhost.clock import parse_iso
from localhost.durable.actions import Action, ActionType
from localhost.durable.decisions import (
    ContinuedAsNew,
    CreateTimer,
    ScheduleActivity,
    SendEvent,
    StartChild,
)
from localhost.durable.ledger import Ledger, Refused
from localhost.durable.promise import Promise, Steps, TaskError, run, settled, when_all, when_any

# The extension's own name for the activity behind call_http.
HTTP_ACTIVITY = "BuiltIn::HttpActivity"
ENTITY_REQUEST = "op"

_ACCEPTED = 202
_MAX_RETRY_INTERVAL = timedelta(days=6)
_WITH_RETRY = (ActionType.CALL_ACTIVITY_WITH_RETRY, ActionType.CALL_SUB_ORCHESTRATOR_WITH_RETRY)


@dataclass(frozen=True, slots=True)
class Known:
    """Functions of the app, in lower case: the extension ignores case in their names."""

    activities: frozenset[str]
    orchestrators: frozenset[str]
    entities: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Execution:
    """Who is replayed."""

    instance_id: str
    execution_id: str
    name: str
    parent_id: str | None = None


@dataclass(slots=True)
class Mailbox:
    """External events: per name a stack of waiters, and how many came too early.

    What an event says does not matter here: the worker reads it in the history.
    """

    _waiters: dict[str, list[Promise]] = field(default_factory=dict)
    _early: dict[str, int] = field(default_factory=dict)

    def wait(self, name: str) -> Promise:
        """Return the promise of the next event; the newest waiter is served first."""
        promise, key = Promise(), name.lower()
        if self._early.get(key, 0) > 0:
            self._early[key] -= 1
            promise.succeed()
        else:
            self._waiters.setdefault(key, []).append(promise)
        return promise

    def deliver(self, name: str) -> int:
        """Wake a waiter, or count the event; return how many are early now."""
        key = name.lower()
        if stack := self._waiters.get(key):
            stack.pop().succeed()
            return 0
        self._early[key] = self._early.get(key, 0) + 1
        return self._early[key]


class Performer:
    """Performs actions of one replay.

    Attributes:
        now: Time of the episode that is being replayed; None before the first.
        continued: Set by ``continue_as_new``.
        traps: Known bugs of the SDK that these actions walk into.
    """

    def __init__(
        self, ledger: Ledger, mailbox: Mailbox, execution: Execution, known: Known
    ) -> None:
        self._ledger = ledger
        self._mailbox = mailbox
        self._execution = execution
        self._known = known
        self._guids = 0
        self._retrying: set[object] = set()
        self.now: datetime | None = None
        self.continued: ContinuedAsNew | None = None
        self.traps: list[str] = []
        self._starters: dict[int, Callable[[Action], Promise]] = {
            ActionType.CALL_ACTIVITY: self._activity,
            ActionType.CALL_ACTIVITY_WITH_RETRY: self._activity_with_retry,
            ActionType.CALL_SUB_ORCHESTRATOR: self._child,
            ActionType.CALL_SUB_ORCHESTRATOR_WITH_RETRY: self._child_with_retry,
            ActionType.CONTINUE_AS_NEW: self._continue_as_new,
            ActionType.CREATE_TIMER: self._create_timer,
            ActionType.WAIT_FOR_EXTERNAL_EVENT: self._wait_for_event,
            ActionType.CALL_ENTITY: self._call_entity,
            ActionType.CALL_HTTP: self._call_http,
            ActionType.SIGNAL_ENTITY: self._signal_entity,
            ActionType.SCHEDULED_SIGNAL_ENTITY: self._signal_entity,
            ActionType.WHEN_ANY: self._any_of,
            ActionType.WHEN_ALL: self._all_of,
        }

    def start(self, action: Action) -> Promise:
        """Perform ``action`` and return the promise of its end.

        Raises:
            Refused: it cannot be done.
        """
        kind = action.get("actionType")
        starter = self._starters.get(kind) if isinstance(kind, int) else None
        if starter is None:
            raise self._refused(
                f"Received an unexpected action type from the out-of-proc function: '{kind}'. "
                "This host speaks the protocol of azure-functions-durable 1.7."
            )
        return starter(action)

    def trap(self, sentence: str) -> None:
        """Note a known bug that was walked into."""
        if sentence not in self.traps:
            self.traps.append(sentence)

    # -- activities and sub-orchestrations ---------------------------------------------

    def _activity(self, action: Action) -> Promise:
        name = self._checked(action, self._known.activities, "an activity")
        raw = action.get("input")
        text = raw if raw is None or isinstance(raw, str) else json.dumps(raw)
        return self._ledger.open(ScheduleActivity(self._ledger.number(), name, text))

    def _activity_with_retry(self, action: Action) -> Promise:
        self._checked(action, self._known.activities, "an activity")
        return self._retry(lambda: self._activity(action), action)

    def _child(self, action: Action) -> Promise:
        name = self._checked(action, self._known.orchestrators, "an orchestrator")
        number = self._ledger.number()
        wanted = str(action.get("instanceId") or f"{self._execution.execution_id}:{number}")
        self._check_child_id(wanted)
        raw = action.get("input")
        text = None if raw is None else json.dumps(raw)
        return self._ledger.open(StartChild(number, name, wanted, text, action.get("version")))

    def _child_with_retry(self, action: Action) -> Promise:
        self._checked(action, self._known.orchestrators, "an orchestrator")
        return self._retry(lambda: self._child(action), action)

    def _check_child_id(self, wanted: str) -> None:
        family = {self._execution.instance_id.lower(), (self._execution.parent_id or "").lower()}
        if wanted.lower() in family:
            raise self._refused(
                "The instance ID of a sub-orchestration must be different than the instance ID "
                "of a parent orchestration."
            )
        if wanted.startswith("@"):
            raise self._refused("Orchestration instance ids must not start with @")

    def _checked(self, action: Action, known: frozenset[str], what: str) -> str:
        name = str(action.get("functionName"))
        if name.lower() not in known:
            listing = "', '".join(sorted(known))
            raise self._refused(
                f"The function '{name}' doesn't exist, is disabled, or is not {what} function. "
                f"Additional info: The following are the known functions: '{listing}'."
            )
        return name

    # -- retries -----------------------------------------------------------------------

    def _retry(self, call: Callable[[], Promise], action: Action) -> Promise:
        backoff = Backoff.read(action.get("retryOptions"))
        key = object()
        self._retrying.add(key)
        promise = run(self._retries(call, backoff))
        promise.then(lambda _settled: self._retrying.discard(key))
        return promise

    def _retries(self, call: Callable[[], Promise], backoff: "Backoff") -> Steps:
        first = self._time()
        last: TaskError | None = None
        for attempt in range(backoff.attempts):
            try:
                return (yield call())
            except TaskError as error:
                last = error
            if attempt + 1 == backoff.attempts:
                # A bug of early versions that cannot be taken back: histories contain it.
                yield self._timer(self._time())
                break
            delay = backoff.delay(attempt, self._time() - first)
            if not delay:
                break
            yield self._timer(self._time() + delay)
        if last is not None:
            raise last
        return None

    # -- timers, events, the next generation -------------------------------------------

    def _create_timer(self, action: Action) -> Promise:
        try:
            fire_at = parse_iso(str(action.get("fireAt")))
        except ValueError as error:
            raise self._refused(f"CreateTimer: {error}") from error
        return self._timer(fire_at, cancelled=bool(action.get("isCanceled")))

    def _timer(self, fire_at: datetime, *, cancelled: bool = False) -> Promise:
        number = self._ledger.number()
        promise = self._ledger.open(CreateTimer(number, fire_at, cancelled))
        if cancelled:
            self._ledger.cancel(number)
        return promise

    def _wait_for_event(self, action: Action) -> Promise:
        return self._mailbox.wait(str(action.get("externalEventName")))

    def _continue_as_new(self, action: Action) -> Promise:
        raw = action.get("input")
        self.continued = ContinuedAsNew(None if raw is None else json.dumps(raw))
        return settled()

    # -- entities and HTTP -------------------------------------------------------------

    def _call_entity(self, action: Action) -> Promise:
        return self._mailbox.wait(self._request(action, signal=False))

    def _signal_entity(self, action: Action) -> Promise:
        self._request(action, signal=True)
        return settled()

    def _request(self, action: Action, *, signal: bool) -> str:
        """Send an operation to an entity and return the id its answer will carry."""
        target = str(action.get("instanceId"))
        _, _, name_and_key = target.partition("@")
        name = name_and_key.partition("@")[0]
        if name.lower() not in self._known.entities:
            raise self._refused(
                f"The function '{name}' doesn't exist, is disabled, or is not an entity function."
            )
        guid = self._guid()
        request: dict[str, object] = {"op": action.get("operation"), "id": guid}
        if signal:
            request["signal"] = True
        if action.get("input") is not None:
            request["input"] = json.dumps(action["input"])
        request["parent"] = self._execution.instance_id
        request["parentExecution"] = self._execution.execution_id
        due = action.get("fireAt") if signal else None
        self._ledger.send(
            SendEvent(
                self._ledger.number(),
                ENTITY_REQUEST if due is None else f"{ENTITY_REQUEST}@{due}",
                target,
                json.dumps(request),
                None if due is None else parse_iso(str(due)),
            )
        )
        return guid

    def _call_http(self, action: Action) -> Promise:
        return run(self._http(json.dumps([action.get("httpRequest")])))

    def _http(self, request_text: str) -> Steps:
        answer = yield self._ledger.open(
            ScheduleActivity(self._ledger.number(), HTTP_ACTIVITY, request_text)
        )
        if json.loads(answer).get("statusCode") == _ACCEPTED:
            raise self._refused(
                "call_http got 202 Accepted. The Durable extension would now poll the Location "
                "by itself, and the Python SDK 1.x loses count of the tasks "
                "(durable-python#380). Call HTTP from an activity instead."
            )
        return answer

    # -- compounds ---------------------------------------------------------------------

    def _any_of(self, action: Action) -> Promise:
        children = _children(action)
        if not children:
            raise self._refused("The tasks argument contains no tasks.")
        if any(_has_retry(child) for child in children):
            self.trap(
                "a *_with_retry task is inside task_any: the SDK and the extension number its "
                "retries differently (durable-python#603); put it into a sub-orchestration"
            )
        return when_any([self.start(child) for child in children])

    def _all_of(self, action: Action) -> Promise:
        children = [self.start(child) for child in _children(action)]
        for child in children:
            child.then(self._watch_failure)
        return when_all(children)

    def _watch_failure(self, child: Promise) -> None:
        if child.error is not None and self._retrying:
            self.trap(
                "a task of task_all failed while another one with retries had not ended: when "
                "the failure is caught, the next task gets the wrong result "
                "(durable-python#603); put the retry into a sub-orchestration"
            )

    # -- small things ------------------------------------------------------------------

    def _guid(self) -> str:
        """Return an id that every replay of this history finds again."""
        name = f"{self._execution.instance_id}_{self._time().isoformat()}_{self._guids}"
        self._guids += 1
        return str(uuid5(NAMESPACE_URL, name))

    def _time(self) -> datetime:
        if self.now is None:
            raise self._refused("the history does not begin with OrchestratorStarted")
        return self.now

    def _refused(self, why: str) -> Refused:
        return Refused(f"Orchestrator function '{self._execution.name}' failed: {why}")


@dataclass(frozen=True, slots=True)
class Backoff:
    """Retry options as the extension reads them; the 1.x SDK sends the first two only."""

    first: timedelta
    attempts: int
    coefficient: float = 1.0
    longest: timedelta = _MAX_RETRY_INTERVAL
    timeout: timedelta | None = None

    @staticmethod
    def read(options: object) -> "Backoff":
        """Return the options of an action.

        Raises:
            Refused: a field is missing or no number.
        """
        if not isinstance(options, dict):
            raise Refused("Invalid JSON. Must contain field retryOptions")
        try:
            longest = options.get("maxRetryIntervalInMilliseconds")
            timeout = options.get("retryTimeoutInMilliseconds")
            return Backoff(
                first=_milliseconds(options["firstRetryIntervalInMilliseconds"]),
                attempts=int(options["maxNumberOfAttempts"]),
                coefficient=float(options.get("backoffCoefficient", 1)),
                longest=_MAX_RETRY_INTERVAL if longest is None else _milliseconds(longest),
                timeout=None if timeout is None else _milliseconds(timeout),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise Refused(f"Invalid JSON in retryOptions: {error!r}") from error

    def delay(self, attempt: int, elapsed: timedelta) -> timedelta:
        """Return the pause after failure number ``attempt`` (0 first); zero means give up."""
        if self.timeout is not None and elapsed >= self.timeout:
            return timedelta(0)
        # Compared in milliseconds: a timedelta overflows where a float does not.
        wanted = self.first.total_seconds() * self.coefficient**attempt
        return self.longest if wanted >= self.longest.total_seconds() else timedelta(seconds=wanted)


def _milliseconds(value: object) -> timedelta:
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number of milliseconds")
    return timedelta(milliseconds=value)


def _children(action: Action) -> list[Action]:
    children = action.get("compoundActions")
    return children if isinstance(children, list) else []


def _has_retry(action: Action) -> bool:
    if action.get("actionType") in _WITH_RETRY:
        return True
    return any(_has_retry(child) for child in _children(action))
