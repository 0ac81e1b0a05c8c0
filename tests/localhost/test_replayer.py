"""One test per rule that is easy to get wrong, against the real SDK.

``Story`` takes the place of storage: each step is one turn of the instance.
"""

# The SDK raises plain Exception, and orchestrators are written here as users write them.
# ruff: noqa: ARG001, BLE001, PERF401, SIM105

import gc
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import azure.durable_functions as df
import pytest

from localhost.clock import iso
from localhost.durable.events import (
    EventType,
    Status,
    event,
    event_raised,
    task_completed,
    task_failed,
)
from localhost.durable.ledger import Refused
from localhost.durable.performer import HTTP_ACTIVITY, Backoff
from localhost.durable.records import Parent
from tests.localhost.story import START, Story, at

RETRY_TWICE = df.RetryOptions(first_retry_interval_in_milliseconds=5_000, max_number_of_attempts=2)


# -- shape of history and input --------------------------------------------------------


def test_first_turn_has_the_shape_the_sdk_expects() -> None:
    """OrchestratorStarted, ExecutionStarted with a Version key, decisions, Completed."""

    def it(context: Any) -> Any:
        yield context.call_activity("a", {"n": 1})

    story = Story(it)

    assert story.kinds() == [
        EventType.ORCHESTRATOR_STARTED,
        EventType.EXECUTION_STARTED,
        EventType.TASK_SCHEDULED,
        EventType.ORCHESTRATOR_COMPLETED,
    ]
    assert "Version" in story.history.events[1]
    assert story.history.events[2]["EventId"] == 0
    assert story.history.events[0]["EventId"] == -1
    assert story.status is Status.RUNNING


@pytest.mark.parametrize("value", [{"a": 1}, [1], "text", 7, None, "ü\u2028\U0001f600"])
def test_input_reaches_the_orchestrator(value: object) -> None:
    """What start_new was given is what get_input returns."""

    def it(context: Any) -> Any:
        return [context.get_input()]
        yield

    assert Story(it, value).output == [value]


def test_activity_receives_json_text_and_its_result_comes_back() -> None:
    """Inputs leave as JSON text; results come back parsed."""

    def it(context: Any) -> Any:
        return (yield context.call_activity("a", {"n": [1, 2]}))

    story = Story(it)
    assert json.loads(story.activities[0].input_text or "") == {"n": [1, 2]}

    story.completes(0, {"sum": 3})

    assert (story.status, story.output) == (Status.COMPLETED, {"sum": 3})


def test_an_orchestrator_without_yield_completes_at_once() -> None:
    """A function that returns is done after one turn, with its status set."""

    def it(context: Any) -> Any:
        context.set_custom_status("busy")
        return 5

    story = Story(it)

    assert (story.status, story.output, story.custom_status) == (Status.COMPLETED, 5, "busy")


def test_is_replaying_is_false_only_in_the_newest_turn() -> None:
    """A log line guarded by is_replaying is written once."""
    seen: list[bool] = []

    def it(context: Any) -> Any:
        seen.append(context.is_replaying)
        yield context.call_activity("a")
        seen.append(context.is_replaying)
        yield context.call_activity("a")

    Story(it).completes(0)

    assert seen == [False, True, False]


def test_current_time_is_that_of_the_turn_and_stays_it() -> None:
    """Replaying gives each step the time it had when it happened."""
    seen: list[datetime] = []

    def it(context: Any) -> Any:
        seen.append(context.current_utc_datetime)
        yield context.call_activity("a")
        seen.append(context.current_utc_datetime)
        yield context.call_activity("a")

    Story(it).completes(0)

    assert seen == [at(1), at(1), at(2)]


# -- numbering -------------------------------------------------------------------------


def test_one_counter_numbers_activities_timers_children_and_sends() -> None:
    """Ids follow the order of yields; events waited for get none."""

    def it(context: Any) -> Any:
        yield context.call_activity("a")
        yield context.wait_for_external_event("go")
        context.signal_entity(df.EntityId("counter", "k"), "add", 1)
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=5))
        yield context.call_sub_orchestrator("child")

    story = Story(it)
    assert story.tasks == [(0, "a")]
    assert story.completes(0).tasks == []
    story.hears("go")
    assert [one.number for one in story.sends] == [1]
    assert [one.number for one in story.timers] == [2]
    story.fires(2, at(10))
    assert [one.number for one in story.children] == [3]


def test_tasks_that_are_never_yielded_are_never_sent() -> None:
    """Creating a task without yielding it schedules nothing and uses no number."""

    def it(context: Any) -> Any:
        context.call_activity("a")
        yield context.call_activity("b")

    assert Story(it).tasks == [(0, "b")]


def test_children_of_a_compound_are_numbered_in_order() -> None:
    """task_all schedules all its children in the same turn."""

    def it(context: Any) -> Any:
        return (yield context.task_all([context.call_activity(n) for n in "abc"]))

    story = Story(it)
    assert story.tasks == [(0, "a"), (1, "b"), (2, "c")]

    story.completes(2, "c").completes(0, "a").completes(1, "b")

    assert story.output == ["a", "b", "c"]


def test_a_second_end_of_the_same_task_is_ignored() -> None:
    """Messages may come twice; the first one counts."""

    def it(context: Any) -> Any:
        first = yield context.call_activity("a")
        second = yield context.call_activity("b")
        return [first, second]

    story = Story(it).completes(0, "first")
    story.completes(0, "again")
    assert story.tasks == []

    story.completes(1, "second")

    assert story.output == ["first", "second"]


def test_answers_to_an_earlier_generation_are_dropped() -> None:
    """A result with another execution id does not reach this execution."""

    def it(context: Any) -> Any:
        return (yield context.call_activity("a"))

    story = Story(it)
    story.turn(task_completed(story.now, 0, '"old"'), execution_id="somebody else")

    assert story.episode is None
    assert story.status is Status.RUNNING


# -- determinism -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        pytest.param(
            lambda c: c.call_activity("a"),
            lambda c: c.call_activity("b"),
            "named 'a', but the current orchestration replay instead scheduled an activity task "
            "named 'b'",
            id="another activity",
        ),
        pytest.param(
            lambda c: c.call_activity("a"),
            lambda c: c.call_sub_orchestrator("child"),
            "instead produced a StartChild action",
            id="another kind",
        ),
        pytest.param(
            lambda c: c.create_timer(c.current_utc_datetime + timedelta(seconds=9)),
            lambda c: c.wait_for_external_event("E"),
            "a timer task with sequence number 0, but the current replay execution hasn't (yet?)",
            id="nothing where a timer was",
        ),
        pytest.param(
            lambda c: c.call_sub_orchestrator("child"),
            lambda c: c.call_sub_orchestrator("it"),
            "instead scheduled a sub-orchestration task named 'it'",
            id="another sub-orchestrator",
        ),
    ],
)
def test_changed_code_fails_the_instance(before: Any, after: Any, words: str) -> None:
    """History that the code no longer explains is an error, never a guess."""
    version = [before]

    def it(context: Any) -> Any:
        yield version[0](context)

    story = Story(it)
    version[0] = after
    story.hears("E")

    assert story.status is Status.FAILED
    assert str(story.output).startswith("Non-Deterministic workflow detected: ")
    assert words in str(story.output)
    assert (story.tasks, story.children, story.timers) == ([], [], [])
    decided = (
        EventType.TASK_SCHEDULED,
        EventType.TIMER_CREATED,
        EventType.SUB_ORCHESTRATION_CREATED,
    )
    assert sum(kind in decided for kind in story.kinds()) == 1, "something new was decided"


def test_function_names_are_compared_without_case() -> None:
    """The extension ignores case; renaming only the case breaks nothing."""
    name = ["a"]

    def it(context: Any) -> Any:
        return (yield context.call_activity(name[0]))

    story = Story(it)
    name[0] = "A"

    assert story.completes(0, 1).output == 1


# -- retries ---------------------------------------------------------------------------


def test_a_retry_waits_on_a_timer_of_its_own() -> None:
    """Failure, timer with the next number, second attempt with the one after."""

    def it(context: Any) -> Any:
        return (yield context.call_activity_with_retry("a", RETRY_TWICE))

    story = Story(it)
    assert story.tasks == [(0, "a")]

    story.fails(0)
    assert [(t.number, t.fire_at) for t in story.timers] == [(1, at(2) + timedelta(seconds=5))]

    story.fires(1, at(8))
    assert story.tasks == [(2, "a")]

    assert story.completes(2, "ok").output == "ok"


def test_after_the_last_failure_comes_one_more_timer_due_at_once() -> None:
    """The extension keeps that timer for old histories, and the SDK counts on it."""

    def it(context: Any) -> Any:
        try:
            yield context.call_activity_with_retry("a", RETRY_TWICE)
        except Exception as error:
            return str(error)

    story = Story(it).fails(0, "first").fires(1, at(8)).fails(2, "second")

    assert [(t.number, t.fire_at) for t in story.timers] == [(3, story.now)]
    assert story.status is Status.RUNNING
    assert story.fires(3).output == "second \n details"


@pytest.mark.parametrize(
    ("options", "attempt", "elapsed", "expected"),
    [
        pytest.param({}, 0, 0, 2, id="first pause"),
        pytest.param({}, 3, 0, 2, id="constant by default"),
        pytest.param({"backoffCoefficient": 3}, 2, 0, 18, id="growing"),
        pytest.param(
            {"backoffCoefficient": 3, "maxRetryIntervalInMilliseconds": 5_000},
            2,
            0,
            5,
            id="up to the longest",
        ),
        pytest.param({"backoffCoefficient": 10}, 300, 0, 6 * 86_400, id="no overflow"),
        pytest.param({"retryTimeoutInMilliseconds": 60_000}, 0, 59, 2, id="within the timeout"),
        pytest.param({"retryTimeoutInMilliseconds": 60_000}, 0, 60, 0, id="given up"),
    ],
)
def test_pauses_between_retries(
    options: dict[str, object], attempt: int, elapsed: int, expected: int
) -> None:
    """Every option the extension reads, also those the 1.x SDK cannot send."""
    needed = {"firstRetryIntervalInMilliseconds": 2_000, "maxNumberOfAttempts": 9}
    backoff = Backoff.read({**needed, **options})

    delay = backoff.delay(attempt, timedelta(seconds=elapsed))

    assert delay == timedelta(seconds=expected)


@pytest.mark.parametrize("options", [None, {}, {"maxNumberOfAttempts": 1}, {"a": "b"}])
def test_unreadable_retry_options_are_refused(options: object) -> None:
    """Instead of retrying in some way nobody asked for."""
    with pytest.raises(Refused):
        Backoff.read(options)


def test_numbers_after_a_finished_retry_agree_with_the_sdk() -> None:
    """A task after exhausted retries gets its own result, not another's."""

    def it(context: Any) -> Any:
        try:
            yield context.call_activity_with_retry("a", RETRY_TWICE)
        except Exception:
            pass
        return (yield context.call_activity("b"))

    story = Story(it).fails(0).fires(1, at(8)).fails(2).fires(3)
    assert story.tasks == [(4, "b")]

    assert story.completes(4, "mine").output == "mine"


def test_sub_orchestrations_are_retried_with_new_ids_of_their_own() -> None:
    """Each attempt is an instance of its own unless an id was given."""

    def it(context: Any) -> Any:
        return (yield context.call_sub_orchestrator_with_retry("child", RETRY_TWICE, {"x": 1}))

    story = Story(it)
    first = story.children[0]
    assert (first.number, first.instance_id) == (0, "exec1:0")
    assert json.loads(json.loads(first.input_text or "")) == {"x": 1}

    story.child_fails(0).fires(1, at(8))

    assert [(c.number, c.instance_id) for c in story.children] == [(2, "exec1:2")]
    assert story.child_completes(2, 7).output == 7


# -- compounds -------------------------------------------------------------------------


def test_a_failed_task_all_lets_nothing_new_start_before_all_siblings_ended() -> None:
    """The SDK fails fast, the extension's WhenAll does not: the next activity waits."""

    def it(context: Any) -> Any:
        try:
            yield context.task_all([context.call_activity("a"), context.call_activity("b")])
        except Exception:
            pass
        return (yield context.call_activity("c"))

    story = Story(it).fails(0)
    assert story.tasks == []

    story.completes(1)
    assert story.tasks == [(2, "c")]
    assert story.completes(2, "clean").output == "clean"


def test_task_any_goes_on_with_the_first_but_completion_waits_for_the_loser() -> None:
    """An instance stays Running while a losing activity has not ended."""

    def it(context: Any) -> Any:
        first = context.call_activity("a")
        winner = yield context.task_any([first, context.call_activity("b")])
        return "a" if winner == first else "b"

    story = Story(it).completes(1)
    assert story.status is Status.RUNNING

    story.completes(0)

    assert (story.status, story.output) == (Status.COMPLETED, "b")


def test_task_any_does_not_raise() -> None:
    """A failed winner is a value: its result is the exception."""

    def it(context: Any) -> Any:
        winner = yield context.task_any([context.call_activity("a")])
        return str(winner.result)

    assert Story(it).fails(0, "bad").output == "bad \n details"


def test_children_that_are_scheduled_already_are_not_sent_again() -> None:
    """Waiting again for the losers of a task_any schedules nothing."""

    def it(context: Any) -> Any:
        tasks = [context.call_activity(n) for n in "ab"]
        yield context.task_any(tasks)
        return (yield context.task_all(tasks))

    story = Story(it).completes(1, 2)
    assert story.tasks == []

    assert story.completes(0, 1).output == [1, 2]


def test_nested_compounds() -> None:
    """task_all of task_any of activities keeps numbers and order."""

    def it(context: Any) -> Any:
        pairs = [
            context.task_any([context.call_activity("a"), context.call_activity("b")])
            for _ in range(2)
        ]
        yield context.task_all(pairs)
        return "done"

    story = Story(it)
    assert story.tasks == [(0, "a"), (1, "b"), (2, "a"), (3, "b")]

    story.completes(0).completes(3)
    assert story.status is Status.RUNNING

    assert story.completes(1).completes(2).output == "done"


# -- timers ----------------------------------------------------------------------------


def test_a_cancelled_timer_is_created_keeps_its_number_and_holds_nothing_up() -> None:
    """Event wins, timer cancelled: the instance completes at once."""

    def it(context: Any) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        waiting = context.wait_for_external_event("go")
        winner = yield context.task_any([waiting, timer])
        timer.cancel()
        after = yield context.call_activity("a")
        return [winner == waiting, after]

    story = Story(it)
    assert [t.number for t in story.timers] == [0]

    story.hears("go")
    assert story.tasks == [(1, "a")]

    story.completes(1, "x")
    assert (story.status, story.output) == (Status.COMPLETED, [True, "x"])


def test_a_cancelled_timer_that_fires_nevertheless_is_ignored() -> None:
    """The message of a cancelled timer changes nothing."""

    def it(context: Any) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=30))
        yield context.task_any([context.wait_for_external_event("go"), timer])
        if not timer.is_completed:
            timer.cancel()
        return (yield context.call_activity("a"))

    story = Story(it).hears("go").fires(0, at(31))
    assert (story.status, story.tasks) == (Status.RUNNING, [])

    assert story.completes(1, "x").output == "x"


def test_an_uncancelled_timer_keeps_the_instance_running() -> None:
    """Returning is not completing: ext#906, #1988, #2104."""

    def it(context: Any) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        yield context.task_any([context.wait_for_external_event("go"), timer])
        return "done"

    story = Story(it).hears("go")
    assert story.status is Status.RUNNING

    assert story.fires(0, at(3700)).output == "done"


def test_a_failed_orchestrator_also_waits_for_open_tasks() -> None:
    """Raising does not end the instance while a timer is open."""

    def it(context: Any) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        yield context.task_any([context.wait_for_external_event("go"), timer])
        raise ValueError("bad")

    story = Story(it).hears("go")
    assert story.status is Status.RUNNING

    story.fires(0, at(3700))

    assert (story.status, story.output) == (
        Status.FAILED,
        "Orchestrator function 'it' failed: bad",
    )


def test_a_long_timer_is_split_and_fires_at_its_end() -> None:
    """Timers over six days come as three-day pieces of the SDK's making."""

    def it(context: Any) -> Any:
        yield context.create_timer(START + timedelta(days=7))
        return str(context.current_utc_datetime)

    story = Story(it)
    assert [t.fire_at for t in story.timers] == [at(1) + timedelta(days=3)]

    story.fires(0, at(1) + timedelta(days=3))
    assert [t.number for t in story.timers] == [1]
    assert story.timers[0].fire_at == START + timedelta(days=7)

    story.fires(1, START + timedelta(days=7))
    assert story.status is Status.COMPLETED


def test_a_timer_in_the_past_is_an_ordinary_timer() -> None:
    """It is created with its past time; delivering it at once is the hub's business."""

    def it(context: Any) -> Any:
        yield context.create_timer(START - timedelta(days=1))
        return "on"

    story = Story(it)

    assert story.timers[0].fire_at == START - timedelta(days=1)
    assert story.fires(0).output == "on"


def test_non_utc_datetimes_are_shifted_as_in_production() -> None:
    """strftime('…Z') drops the offset: +02:00 fires two hours late."""

    def it(context: Any) -> Any:
        yield context.create_timer(datetime(2026, 1, 1, 2, 0, tzinfo=timezone(timedelta(hours=2))))

    assert Story(it).timers[0].fire_at == START + timedelta(hours=2)


def test_naive_datetimes_fail_the_instance() -> None:
    """The SDK cannot compare them with its aware clock."""

    def it(context: Any) -> Any:
        yield context.create_timer(datetime(2026, 1, 1))  # noqa: DTZ001

    story = Story(it)

    assert story.status is Status.FAILED
    assert "offset-naive" in str(story.output)


# -- events ----------------------------------------------------------------------------


def test_an_event_before_the_wait_is_kept() -> None:
    """One early event is delivered when the orchestrator gets there."""

    def it(context: Any) -> Any:
        yield context.call_activity("a")
        return (yield context.wait_for_external_event("E"))

    assert Story(it).hears("E", {"n": 1}).completes(0).output == {"n": 1}


def test_two_early_events_of_one_name_go_wrong_as_in_production() -> None:
    """durable-python#507: the last one again and again, and the instance never ends."""

    def it(context: Any) -> Any:
        yield context.call_activity("a")
        heard = []
        for _ in range(3):
            heard.append((yield context.wait_for_external_event("E")))
        return heard

    story = Story(it).hears("E", 1).hears("E", 2).completes(0)

    assert story.status is Status.RUNNING
    assert any("#507" in trap for trap in story.verdict().replay.traps)


def test_several_waiters_for_one_event_are_served_newest_first() -> None:
    """The extension's stack and the SDK's pop() agree."""

    def it(context: Any) -> Any:
        first = context.wait_for_external_event("E")
        second = context.wait_for_external_event("E")
        yield context.task_any([first, second])
        return [first.is_completed, second.is_completed]

    assert Story(it).hears("E", "x").output == [False, True]


def test_event_payload_sent_by_the_client_arrives_as_a_string() -> None:
    """client.raise_event encodes twice (durable-python#295)."""

    def it(context: Any) -> Any:
        return (yield context.wait_for_external_event("E"))

    assert Story(it).hears("E", json.dumps({"ok": 1})).output == '{"ok": 1}'


def test_events_that_nobody_waits_for_are_no_obstacle() -> None:
    """An unread event does not keep the instance from completing."""

    def it(context: Any) -> Any:
        return (yield context.call_activity("a"))

    assert Story(it).hears("other", 1).completes(0, "x").output == "x"


def test_an_abandoned_wait_does_not_take_the_event_of_a_later_one() -> None:
    """A stack, not a queue: the old waiter lost against its timer."""

    def it(context: Any) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=5))
        yield context.task_any([context.wait_for_external_event("E"), timer])
        return (yield context.wait_for_external_event("E"))

    assert Story(it).fires(0, at(7)).hears("E", "late").output == "late"


def test_event_names_are_compared_without_case_by_the_extension_only() -> None:
    """The extension delivers, the SDK does not: the orchestrator does not go on."""

    def it(context: Any) -> Any:
        return (yield context.wait_for_external_event("Go"))

    story = Story(it).hears("go")

    assert (story.status, story.output) == (Status.RUNNING, None)


# -- continue as new -------------------------------------------------------------------


def test_continue_as_new_starts_over_with_new_ids_and_keeps_the_status() -> None:
    """New execution id, fresh history, status carried over, all within one turn."""

    def it(context: Any) -> Any:
        n = context.get_input()
        if n == 0:
            context.set_custom_status("first")
        if n == 2:
            return n
        yield context.call_activity("a")
        context.continue_as_new(n + 1)

    story = Story(it, 0)
    first = story.instance.execution_id
    story.completes(0)

    assert story.instance.execution_id != first
    assert story.tasks == [(0, "a")]
    assert story.custom_status == "first"
    assert story.kinds() == [
        EventType.ORCHESTRATOR_STARTED,
        EventType.EXECUTION_STARTED,
        EventType.TASK_SCHEDULED,
        EventType.ORCHESTRATOR_COMPLETED,
    ]
    assert story.completes(0).output == 2


def test_events_after_continue_as_new_in_the_same_batch_are_carried_over() -> None:
    """They arrive in the next generation."""

    def it(context: Any) -> Any:
        if context.get_input() == "again":
            return (yield context.wait_for_external_event("E"))
        yield context.call_activity("a")
        context.continue_as_new("again")

    story = Story(it)
    story.turn(
        task_completed(story.now, 0, "null"),
        event_raised(story.now, "E", '"kept"'),
    )

    assert story.output == "kept"


def test_events_unread_before_continue_as_new_are_dropped() -> None:
    """PreserveUnprocessedEvents is false from Python (durable-python#331)."""

    def it(context: Any) -> Any:
        if context.get_input() == "again":
            return (yield context.wait_for_external_event("E"))
        yield context.call_activity("a")
        context.continue_as_new("again")

    story = Story(it).hears("E", "lost").completes(0)
    assert story.status is Status.RUNNING

    assert story.hears("E", "second").output == "second"


def test_continue_as_new_waits_for_open_tasks() -> None:
    """A losing timer keeps the old generation alive until it fires."""

    def it(context: Any) -> Any:
        if context.get_input() == "again":
            return "next"
        timer = context.create_timer(context.current_utc_datetime + timedelta(minutes=1))
        yield context.task_any([context.wait_for_external_event("E"), timer])
        context.continue_as_new("again")

    story = Story(it).hears("E")
    assert story.status is Status.RUNNING
    assert story.instance.execution_id == "exec1"

    assert story.fires(0, at(70)).output == "next"


def test_a_signal_before_continue_as_new_is_sent() -> None:
    """What was sent in the old generation is not forgotten with its history."""

    def it(context: Any) -> Any:
        if context.get_input() == "again":
            return (yield context.wait_for_external_event("E"))
        context.signal_entity(df.EntityId("counter", "k"), "add", 1)
        context.continue_as_new("again")

    assert [sent.target for sent in Story(it).sends] == ["@counter@k"]


def test_nothing_after_continue_as_new_is_recorded() -> None:
    """Tasks yielded after it never start."""

    def it(context: Any) -> Any:
        if context.get_input() == "again":
            return "next"
        context.continue_as_new("again")
        yield context.call_activity("a")

    story = Story(it)

    assert (story.status, story.output, story.tasks) == (Status.COMPLETED, "next", [])


def test_continuing_for_ever_without_waiting_fails() -> None:
    """An endless loop must not hold the replay thread for ever."""

    def it(context: Any) -> Any:
        context.continue_as_new(None)

    story = Story(it)

    assert story.status is Status.FAILED
    assert "continued as new 1000 times" in str(story.output)


# -- suspend, resume, terminate --------------------------------------------------------


def test_suspended_instances_hear_but_do_not_act_until_resumed() -> None:
    """Results queue up; the decision comes with the resume."""

    def it(context: Any) -> Any:
        yield context.call_activity("a")
        return (yield context.call_activity("b"))

    story = Story(it).is_suspended()
    assert story.status is Status.SUSPENDED

    story.completes(0)
    assert (story.status, story.tasks) == (Status.SUSPENDED, [])

    story.is_resumed()
    assert (story.status, story.tasks) == (Status.RUNNING, [(1, "b")])
    assert story.completes(1, "x").output == "x"


def test_decisions_made_just_before_a_suspend_are_parked() -> None:
    """Result and suspend in one batch: the next task starts only after the resume."""

    def it(context: Any) -> Any:
        yield context.call_activity("a")
        return (yield context.call_activity("b"))

    story = Story(it)
    story.turn(
        task_completed(story.now, 0, "null"),
        event(EventType.EXECUTION_SUSPENDED, story.now, Reason=None),
    )
    assert story.tasks == []

    story.is_resumed()
    assert story.tasks == [(1, "b")]
    assert story.completes(1, "x").output == "x"


def test_a_suspended_instance_survives_a_replay_of_its_pause() -> None:
    """Later turns replay the pause and come to the same decisions."""

    def it(context: Any) -> Any:
        for name in "abc":
            yield context.call_activity(name)
        return "end"

    story = Story(it).is_suspended().completes(0).is_resumed().is_suspended().completes(1)
    story.is_resumed().completes(2)

    assert (story.status, story.output) == (Status.COMPLETED, "end")


def test_terminate_ends_at_once_also_when_suspended_with_open_tasks() -> None:
    """The reason is the output; nothing new starts."""

    def it(context: Any) -> Any:
        yield context.call_activity("a")
        yield context.call_activity("b")

    story = Story(it).is_suspended().completes(0).is_terminated("enough")

    assert (story.status, story.output, story.tasks) == (Status.TERMINATED, "enough", [])


def test_what_a_terminated_instance_was_about_to_start_does_not_start() -> None:
    """A result and the end in one batch: the next activity is not even in the history."""

    def it(context: Any) -> Any:
        yield context.call_activity("a")
        yield context.call_activity("b")

    story = Story(it)
    story.turn(
        task_completed(story.now, 0, "null"),
        event(EventType.EXECUTION_TERMINATED, story.now, Input="enough"),
    )

    assert story.status is Status.TERMINATED
    assert story.kinds().count(EventType.TASK_SCHEDULED) == 1


def test_time_in_history_never_goes_back() -> None:
    """Also when the wall clock does."""
    seen: list[datetime] = []

    def it(context: Any) -> Any:
        yield context.call_activity("a")
        seen.append(context.current_utc_datetime)
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=5))

    story = Story(it)
    story.now -= timedelta(hours=1)
    story.completes(0)

    assert seen == [at(1)]
    assert story.history.last_turn() == iso(at(1))
    assert [t.fire_at for t in story.timers] == [at(6)]


# -- failures and limits ---------------------------------------------------------------


def test_an_exception_is_the_output_with_the_extensions_prefix() -> None:
    """The text of a failed instance."""

    def it(context: Any) -> Any:
        yield context.call_activity("a")
        raise ValueError("bad")

    story = Story(it).completes(0)

    assert (story.status, story.output) == (
        Status.FAILED,
        "Orchestrator function 'it' failed: bad",
    )


def test_a_failed_activity_raises_reason_and_details() -> None:
    """What user code sees of a failure."""

    def it(context: Any) -> Any:
        try:
            yield context.call_activity("a")
        except Exception as error:
            return str(error)

    story = Story(it)
    story.turn(task_failed(story.now, 0, "Activity function 'a' failed: ValueError: x", "{}"))

    assert story.output == "Activity function 'a' failed: ValueError: x \n {}"


def test_status_and_work_before_an_exception_still_count() -> None:
    """The failure's payload carries actions and status."""

    def it(context: Any) -> Any:
        context.set_custom_status({"step": 1})
        yield context.call_activity("a")
        context.set_custom_status({"step": 2})
        raise ValueError("bad")

    assert Story(it).completes(0).custom_status == {"step": 2}


def test_a_falsy_status_is_never_sent() -> None:
    """{} , 0 and "" do not clear a status: the SDK leaves them out."""

    def it(context: Any) -> Any:
        context.set_custom_status({"x": 1})
        yield context.call_activity("a")
        context.set_custom_status({})
        yield context.call_activity("b")

    assert Story(it).completes(0).custom_status == {"x": 1}


@pytest.mark.parametrize(
    ("size", "status"), [(8_701, Status.RUNNING), (8_702, Status.FAILED)], ids=["16 KB", "17 KB"]
)
def test_a_custom_status_has_at_most_16_kb_of_utf16(size: int, status: Status) -> None:
    """The extension refuses more, and the instance fails."""

    def it(context: Any) -> Any:
        context.set_custom_status("x" * size)
        yield context.call_activity("a")

    story = Story(it)

    assert story.status is status
    if status is Status.FAILED:
        assert "must not exceed 16 KB. The current payload size is 17 KB." in str(story.output)


def test_an_output_that_is_no_json_fails_the_instance() -> None:
    """durable-python#568: not even an object with to_json."""

    class Thing:
        def to_json(self) -> dict[str, int]:
            return {"a": 1}

    def it(context: Any) -> Any:
        return Thing()
        yield

    story = Story(it)

    assert story.status is Status.FAILED
    assert "not JSON serializable" in str(story.output)


def test_an_async_orchestrator_fails_the_instance() -> None:
    """A coroutine is no answer."""

    async def it(context: Any) -> Any:
        return 1

    def started() -> Story:
        story = Story(it)
        gc.collect()  # the forgotten coroutine complains when it goes
        return story

    with pytest.warns(RuntimeWarning, match="never awaited"):
        story = started()

    assert story.status is Status.FAILED
    assert "not JSON serializable" in str(story.output)


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.call_activity("nobody"),
        lambda c: c.call_activity_with_retry("nobody", RETRY_TWICE),
        lambda c: c.call_sub_orchestrator("nobody"),
        lambda c: c.call_entity(df.EntityId("nobody", "k"), "get"),
    ],
    ids=["activity", "with retry", "sub-orchestrator", "entity"],
)
def test_calling_what_does_not_exist_fails_at_once(call: Any) -> None:
    """The real extension swallows this and hangs; here it is said."""

    def it(context: Any) -> Any:
        yield call(context)

    story = Story(it)

    assert story.status is Status.FAILED
    assert "The function 'nobody' doesn't exist, is disabled, or is not an" in str(story.output)


@pytest.mark.parametrize("child_id", ["i", "I", "mother", "@e@k"])
def test_a_sub_orchestration_cannot_have_its_parents_id(child_id: str) -> None:
    """Own id, parent's id and entity ids are refused."""

    def it(context: Any) -> Any:
        yield context.call_sub_orchestrator("child", None, child_id)

    story = Story(it, parent=Parent("mother", "x", 3))

    assert story.status is Status.FAILED


def test_the_parent_is_told_how_a_child_ended() -> None:
    """Completed, failed and terminated children send their message with the task's number."""

    def good(context: Any) -> Any:
        return 7
        yield

    def bad(context: Any) -> Any:
        raise ValueError("bad")
        yield

    def waits(context: Any) -> Any:
        yield context.call_activity("a")

    def message(story: Story) -> dict[str, Any]:
        assert story.episode is not None
        assert story.episode.to_parent is not None
        return story.episode.to_parent

    parent = Parent("mother", "x", 3)
    completed = message(Story(good, parent=parent))
    failed = message(Story(bad, parent=parent))
    terminated = message(Story(waits, parent=parent).is_terminated("stop"))

    assert (completed["EventType"], completed["TaskScheduledId"]) == (8, 3)
    assert completed["Result"] == "7"
    assert (failed["EventType"], failed["Reason"]) == (
        9,
        "Orchestrator function 'it' failed: bad",
    )
    assert (terminated["EventType"], terminated["Reason"]) == (9, "stop")


# -- entities and HTTP -----------------------------------------------------------------


def test_an_entity_call_sends_a_request_and_waits_for_its_id() -> None:
    """EventSent carries the id under which the answer comes back."""

    def it(context: Any) -> Any:
        return (yield context.call_entity(df.EntityId("Counter", "k"), "add", 5))

    story = Story(it)
    sent = story.sends[0]
    request = json.loads(sent.input_text)
    assert (sent.number, sent.name, sent.target) == (0, "op", "@counter@k")
    assert (request["op"], request["parent"], json.loads(request["input"])) == ("add", "i", "5")

    story.hears(request["id"], {"result": "12"})

    assert story.output == 12


def test_an_entity_that_fails_raises_in_the_orchestrator() -> None:
    """An answer with exceptionType is an exception."""

    def it(context: Any) -> Any:
        try:
            yield context.call_entity(df.EntityId("counter", "k"), "add", 5)
        except Exception as error:
            return str(error)

    story = Story(it)
    request = json.loads(story.sends[0].input_text)

    story.hears(request["id"], {"result": '"no"', "exceptionType": "Error"})

    assert story.output == "no"


def test_a_signal_is_sent_once_and_waits_for_nothing() -> None:
    """Fire and forget, also when the orchestrator returns right after."""

    def it(context: Any) -> Any:
        context.signal_entity(df.EntityId("counter", "k"), "add", 1)
        yield context.call_activity("a")
        context.signal_entity(df.EntityId("counter", "k"), "add", 2)
        return "done"

    story = Story(it)
    assert [json.loads(s.input_text)["signal"] for s in story.sends] == [True]

    story.completes(1)

    assert [s.number for s in story.sends] == [2]
    assert story.output == "done"


def test_request_ids_are_the_same_in_every_replay() -> None:
    """Otherwise the answer would find nobody."""

    def it(context: Any) -> Any:
        yield context.call_entity(df.EntityId("counter", "k"), "get")
        yield context.call_entity(df.EntityId("counter", "k"), "get")

    story = Story(it)
    first = json.loads(story.sends[0].input_text)["id"]
    story.hears(first, {"result": "1"})
    second = json.loads(story.sends[0].input_text)["id"]

    assert first != second
    assert story.hears(second, {"result": "2"}).status is Status.COMPLETED


def test_requests_of_one_turn_have_different_ids() -> None:
    """Two calls at the same time get their own answers."""

    def it(context: Any) -> Any:
        entity = df.EntityId("counter", "k")
        return (
            yield context.task_all(
                [context.call_entity(entity, "get"), context.call_entity(entity, "get")]
            )
        )

    story = Story(it)
    first, second = (json.loads(sent.input_text)["id"] for sent in story.sends)
    assert first != second

    assert story.hears(second, {"result": "2"}).hears(first, {"result": "1"}).output == [1, 2]


def test_call_http_is_one_activity() -> None:
    """The extension's built-in activity does the request."""

    def it(context: Any) -> Any:
        answer = yield context.call_http("GET", "http://127.0.0.1:1/x", headers={"a": "b"})
        return json.loads(answer)["content"] if isinstance(answer, str) else answer["content"]

    story = Story(it)
    assert story.tasks == [(0, HTTP_ACTIVITY)]
    assert json.loads(story.activities[0].input_text or "")[0]["uri"] == "http://127.0.0.1:1/x"

    story.completes(0, {"statusCode": 200, "headers": {}, "content": "hi"})

    assert story.output == "hi"


def test_call_http_refuses_to_poll() -> None:
    """202 would put SDK and extension out of step (durable-python#380)."""

    def it(context: Any) -> Any:
        yield context.call_http("POST", "http://127.0.0.1:1/x")

    story = Story(it).completes(0, {"statusCode": 202, "headers": {"Location": "y"}})

    assert story.status is Status.FAILED
    assert "durable-python#380" in str(story.output)


# -- known bugs of 1.x, reproduced -----------------------------------------------------


def test_a_retry_inside_task_any_drifts_as_in_production() -> None:
    """durable-python#603: numbers part after the first retry."""

    def it(context: Any) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(minutes=5))
        work = context.call_activity_with_retry("a", df.RetryOptions(1_000, 3))
        winner = yield context.task_any([work, timer])
        if winner == work:
            timer.cancel()
        return (yield context.call_activity("b"))

    story = Story(it).fails(0)
    assert [t.number for t in story.timers] == [2]
    story.fires(2, at(3))
    assert story.tasks == [(3, "a")]
    story.completes(3, "ok")

    assert story.status is Status.FAILED
    assert "scheduled a timer task with sequence number 2" in str(story.output)
    assert any("#603" in trap for trap in story.verdict().replay.traps)


def test_the_same_with_the_retry_in_a_sub_orchestration_is_right() -> None:
    """The cure for #603."""

    def it(context: Any) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(minutes=5))
        work = context.call_sub_orchestrator("child")
        winner = yield context.task_any([work, timer])
        if winner == work:
            timer.cancel()
        return (yield context.call_activity("b"))

    story = Story(it).child_completes(0, "ok")

    assert story.completes(2, "right").output == "right"
    assert story.verdict().replay.traps == []


def test_cleanup_after_a_failed_task_all_with_a_retrying_sibling_goes_wrong() -> None:
    """The next yield gets another task's completion: a silent wrong value."""

    def it(context: Any) -> Any:
        try:
            yield context.task_all(
                [
                    context.call_activity("a"),
                    context.call_activity_with_retry("b", df.RetryOptions(1_000, 3)),
                ]
            )
        except Exception:
            pass
        return (yield context.call_activity("c"))

    story = Story(it).fails(1).fails(0)
    assert any("task_all" in trap for trap in story.verdict().replay.traps)

    story.fires(2, at(60))
    assert story.tasks == [(3, "b")]
    story.completes(3, "of b")
    assert story.tasks == [(4, "c")]
    story.completes(4, "of the cleanup")

    assert story.output == "of b"


def test_cancelling_a_timer_over_six_days_is_ignored() -> None:
    """durable-python#573: the instance stays Running."""

    def it(context: Any) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(days=14))
        yield context.task_any([context.wait_for_external_event("go"), timer])
        timer.cancel()
        return "done"

    assert Story(it).hears("go").status is Status.RUNNING
