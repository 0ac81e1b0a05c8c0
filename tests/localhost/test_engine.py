"""The engine: who runs when, what survives a crash, and what one bad function can do."""

# Orchestrators are written here as users write them, and the SDK raises plain Exception.
# ruff: noqa: BLE001

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from localhost.clock import ManualClock
from localhost.durable.engine import Options
from localhost.durable.episode import Limits
from localhost.durable.events import EventType, Status, event, task_completed
from localhost.durable.hub import AlreadyExists, Hub
from localhost.durable.records import Aftermath, Episode, Task
from localhost.durable.writer import HubUnavailable
from tests.localhost.workshop import Workshop, activity

HOUR = timedelta(hours=1)


async def inc(number: int) -> int:
    """Return the next number."""
    return number + 1


async def boom(_value: object) -> None:
    """Fail."""
    raise ValueError("boom")


def chain(context: Any) -> Any:
    """Five activities in a row."""
    value = 0
    for _ in range(5):
        value = yield context.call_activity("inc", value)
    return value


def sleeper(context: Any) -> Any:
    """Sleep for some hours, one after another."""
    for _ in range(context.get_input()):
        yield context.create_timer(context.current_utc_datetime + HOUR)
    return "awake"


def listener(context: Any) -> Any:
    """Return what the event brings."""
    return (yield context.wait_for_external_event("E"))


def parent(context: Any) -> Any:
    """Run a child and return what came of it."""
    try:
        return (yield context.call_sub_orchestrator("child", context.get_input(), "the-child"))
    except Exception as error:
        return str(error)


def child(context: Any) -> Any:
    """Fail when told to."""
    if context.get_input() == "fail":
        yield context.call_activity("boom")
    return (yield context.call_activity("inc", 1))


ORCHESTRATORS: dict[str, Callable[..., Any]] = {
    "chain": chain,
    "sleeper": sleeper,
    "listener": listener,
    "parent": parent,
    "child": child,
}
ACTIVITIES = {"inc": activity(inc), "boom": activity(boom)}


@pytest.fixture
async def workshop(tmp_path: Path) -> AsyncIterator[Workshop]:
    """An engine with the functions above."""
    async with Workshop(tmp_path, ORCHESTRATORS, ACTIVITIES) as workshop:
        yield workshop


# -- running ---------------------------------------------------------------------------


async def test_a_chain_runs_to_its_end(workshop: Workshop) -> None:
    """Each result leads to the next activity; nothing is left over."""
    row = await workshop.run("chain")

    assert (row.status, row.output) == (Status.COMPLETED, "5")
    assert (workshop.count("inbox"), workshop.count("tasks")) == (0, 0)


async def test_many_instances_run_at_once(workshop: Workshop) -> None:
    """A hundred chains, all right."""
    ids = await asyncio.gather(*(workshop.begin("chain") for _ in range(100)))
    rows = await asyncio.gather(*(workshop.end(instance_id) for instance_id in ids))

    assert {(row.status, row.output) for row in rows} == {(Status.COMPLETED, "5")}
    assert (workshop.count("inbox"), workshop.count("tasks")) == (0, 0)


async def test_days_pass_at_once_on_a_manual_clock(tmp_path: Path) -> None:
    """Timers follow the injected clock, and no other."""
    clock = ManualClock()
    async with Workshop(tmp_path, ORCHESTRATORS, clock=clock) as workshop:
        instance_id = await workshop.begin("sleeper", 100)
        for hours in range(100):
            await workshop.until(lambda n=hours: timers(workshop, instance_id) == n + 1)  # type: ignore[misc]
            assert workshop.row(instance_id).status is Status.RUNNING
            clock.advance(HOUR)
        row = await workshop.end(instance_id)

    assert row.output == '"awake"'
    assert row.completed_us is not None
    assert (row.completed_us - row.created_us) // 1_000_000 == 100 * 3600


def timers(workshop: Workshop, instance_id: str) -> int:
    """Return how many timers an instance has created."""
    events = workshop.hub.history(instance_id).events
    return sum(one["EventType"] == EventType.TIMER_CREATED for one in events)


async def test_a_timer_in_the_past_fires_at_once(tmp_path: Path) -> None:
    """Nobody has to move the clock for it."""

    def late(context: Any) -> Any:
        yield context.create_timer(context.current_utc_datetime - HOUR)
        return "on"

    async with Workshop(tmp_path, {"late": late}, clock=ManualClock()) as workshop:
        assert (await workshop.run("late")).output == '"on"'


async def test_parents_hear_of_their_children(workshop: Workshop) -> None:
    """A result, or the child's failure text."""
    assert (await workshop.run("parent")).output == "2"
    failed = workshop.output((await workshop.run("parent", "fail")).instance_id)

    assert failed.startswith(
        "Orchestrator function 'child' failed: Activity function 'boom' failed: ValueError: boom"
    )


async def test_an_event_wakes_its_instance(workshop: Workshop) -> None:
    """Also when it comes before the instance has taken its first turn."""
    instance_id = await workshop.begin("listener")
    await workshop.hears(instance_id, "E", {"n": 1})

    await workshop.end(instance_id)

    assert workshop.output(instance_id) == {"n": 1}


async def test_terminating_does_not_wait_for_what_runs(tmp_path: Path) -> None:
    """The reason is the output; a late result changes nothing."""
    go_on = asyncio.Event()

    async def slow(_value: object) -> int:
        await go_on.wait()
        return 1

    def it(context: Any) -> Any:
        return (yield context.call_activity("slow"))

    async with Workshop(tmp_path, {"it": it}, {"slow": activity(slow)}) as workshop:
        instance_id = await workshop.begin("it")
        await workshop.until(lambda: workshop.count("tasks") == 1)
        now = workshop.clock.now()
        await workshop.post(instance_id, event(EventType.EXECUTION_TERMINATED, now, Input="enough"))
        row = await workshop.end(instance_id)
        go_on.set()
        await workshop.until(lambda: workshop.count("tasks") == 0)
        await workshop.until(lambda: workshop.count("inbox") == 0)

        assert (row.status, row.output) == (Status.TERMINATED, "enough")
        assert workshop.row(instance_id) == row


async def test_a_running_id_is_refused_and_a_finished_one_replaced(workshop: Workshop) -> None:
    """As the extension does by default."""
    await workshop.begin("listener", None, "one")
    with pytest.raises(AlreadyExists):
        await workshop.begin("chain", None, "one")
    await workshop.hears("one", "E")
    await workshop.end("one")

    assert (await workshop.run("chain", None, "one")).output == "5"


async def test_purging_a_running_instance_ends_the_wait_for_it(workshop: Workshop) -> None:
    """Whoever waits hears that it is gone; late results disturb nobody."""
    instance_id = await workshop.begin("listener")
    waiting = asyncio.create_task(workshop.engine.finished(instance_id))
    await workshop.until(lambda: workshop.row(instance_id).status is Status.RUNNING)

    await workshop.hub.purge([instance_id])
    workshop.engine.forget(instance_id)

    assert await asyncio.wait_for(waiting, 10) is None


async def test_a_history_in_memory_is_never_taken_for_that_of_a_namesake(
    workshop: Workshop,
) -> None:
    """Purged behind the engine's back and started anew: the old history is not used."""
    await workshop.begin("listener", None, "one")
    await workshop.until(lambda: workshop.row("one").status is Status.RUNNING)
    await workshop.hub.purge(["one"])

    assert (await workshop.run("chain", None, "one")).output == "5"


async def test_histories_that_were_dropped_from_memory_are_read_again(tmp_path: Path) -> None:
    """With room for one history only, every other turn reads its own from disk."""
    options = Options(cached_instances=1)
    async with Workshop(tmp_path, ORCHESTRATORS, ACTIVITIES, options=options) as workshop:
        ids = [await workshop.begin("chain") for _ in range(20)]
        rows = [await workshop.end(instance_id) for instance_id in ids]

    assert {row.output for row in rows} == {"5"}


# -- entities --------------------------------------------------------------------------


def counter(context: Any) -> None:
    """Count what is added."""
    total = context.get_state(lambda: 0)
    if context.operation_name == "add":
        total += context.get_input()
        context.set_state(total)
    elif context.operation_name == "fail":
        raise ValueError("no")
    context.set_result(total)


def adder(context: Any) -> Any:
    """Signal, then call, then call what fails."""
    entity = df.EntityId("counter", "k")
    context.signal_entity(entity, "add", 5)
    total = yield context.call_entity(entity, "add", 2)
    try:
        yield context.call_entity(entity, "fail")
    except Exception as error:
        return [total, str(error)]


async def test_entities_keep_state_and_answer(tmp_path: Path) -> None:
    """Operations arrive in order; a failure reaches its caller."""
    entities = {"counter": counter}
    async with Workshop(tmp_path, {"adder": adder}, entities=entities) as workshop:
        first = (await workshop.run("adder")).instance_id
        second = (await workshop.run("adder")).instance_id

        assert workshop.output(first) == [7, "no"]
        assert workshop.output(second) == [14, "no"]
        assert workshop.hub.entity_state("@counter@k") == "14"
        assert workshop.count("inbox") == 0


# -- crashes ---------------------------------------------------------------------------


async def test_everything_goes_on_after_a_crash(tmp_path: Path) -> None:
    """Timers, waiting events and children are taken up by the next engine."""
    clock = ManualClock()
    workshop = Workshop(tmp_path, ORCHESTRATORS, ACTIVITIES, clock=clock)
    await workshop.start()
    asleep = await workshop.begin("sleeper", 2)
    listening = await workshop.begin("listener")
    await workshop.until(lambda: timers(workshop, asleep) == 1)
    await workshop.crash()

    clock.advance(HOUR)
    await workshop.start()
    await workshop.until(lambda: timers(workshop, asleep) == 2)
    await workshop.crash()

    await workshop.start()
    clock.advance(HOUR)
    await workshop.hears(listening, "E", "x")
    assert (await workshop.end(asleep)).output == '"awake"'
    assert (await workshop.end(listening)).output == '"x"'
    await workshop.crash()


async def test_an_interrupted_activity_runs_again_and_counts_once(tmp_path: Path) -> None:
    """At least one start, exactly one result."""
    starts: list[int] = []
    go_on = asyncio.Event()

    async def slow(_value: object) -> int:
        starts.append(1)
        await go_on.wait()
        return len(starts)

    def it(context: Any) -> Any:
        return (yield context.call_activity("slow"))

    workshop = Workshop(tmp_path, {"it": it}, {"slow": activity(slow)})
    await workshop.start()
    instance_id = await workshop.begin("it")
    await workshop.until(lambda: len(starts) == 1)
    await workshop.crash()
    await workshop.start()
    await workshop.until(lambda: len(starts) == 2)
    go_on.set()
    await workshop.end(instance_id)

    completed = [
        one
        for one in workshop.hub.history(instance_id).events
        if one["EventType"] == EventType.TASK_COMPLETED
    ]
    assert len(completed) == 1
    assert workshop.output(instance_id) == 2
    await workshop.crash()


async def test_an_activity_that_the_process_keeps_dying_in_is_given_up(tmp_path: Path) -> None:
    """After so many deaths its task fails, and the orchestrator hears why."""
    starts: list[int] = []

    async def poison(_value: object) -> None:
        starts.append(1)
        await asyncio.Event().wait()

    def it(context: Any) -> Any:
        try:
            yield context.call_activity("poison")
        except Exception as error:
            return str(error)

    options = Options(limits=Limits(deaths=3))
    workshop = Workshop(tmp_path, {"it": it}, {"poison": activity(poison)}, options=options)
    await workshop.start()
    instance_id = await workshop.begin("it")
    for death in range(1, 4):
        await workshop.until(lambda n=death: len(starts) == n)  # type: ignore[misc]
        await workshop.crash()
        await workshop.start()
    row = await workshop.end(instance_id)
    await workshop.crash()

    assert len(starts) == 3
    assert "the process ended 3 times while it ran" in str(row.output)


async def test_a_peaceful_stop_is_no_death(tmp_path: Path) -> None:
    """However often the host is restarted in order, the activity is not given up."""
    starts: list[int] = []
    go_on = asyncio.Event()

    async def slow(_value: object) -> str:
        starts.append(1)
        await go_on.wait()
        return "done"

    def it(context: Any) -> Any:
        return (yield context.call_activity("slow"))

    options = Options(limits=Limits(deaths=2))
    workshop = Workshop(tmp_path, {"it": it}, {"slow": activity(slow)}, options=options)
    await workshop.start()
    instance_id = await workshop.begin("it")
    for stop in range(1, 6):
        await workshop.until(lambda n=stop: len(starts) == n)  # type: ignore[misc]
        await workshop.engine.drain(0.01)
        await workshop.hub.close()
        await workshop.start()
    go_on.set()
    await workshop.end(instance_id)

    assert workshop.output(instance_id) == "done"
    await workshop.crash()


async def test_an_orchestrator_that_the_process_keeps_dying_in_is_given_up(
    tmp_path: Path,
) -> None:
    """Deaths during a replay are counted before it runs."""
    stuck = threading.Event()
    replays: list[int] = []

    def deadly(_context: Any) -> Any:
        replays.append(1)
        stuck.wait(10)

    options = Options(limits=Limits(deaths=2))
    workshop = Workshop(tmp_path, {"deadly": deadly}, options=options)
    await workshop.start()
    instance_id = await workshop.begin("deadly")
    for death in range(1, 4):
        await workshop.until(lambda n=death: len(replays) >= n)  # type: ignore[misc]
        await workshop.crash()
        await workshop.start()
    row = await workshop.end(instance_id)
    stuck.set()
    await workshop.crash()

    assert row.status is Status.FAILED
    assert "the process ended 2 times while it ran; it is not run again" in str(row.output)


async def test_draining_lets_running_activities_end_and_starts_no_others(tmp_path: Path) -> None:
    """What ends in time is stored; the next turn is the next process's."""
    begun, ended = asyncio.Event(), []

    async def slow(number: int) -> int:
        begun.set()
        await asyncio.sleep(0.05)
        ended.append(number)
        return number

    def it(context: Any) -> Any:
        for number in range(3):
            yield context.call_activity("slow", number)

    workshop = Workshop(tmp_path, {"it": it}, {"slow": activity(slow)})
    await workshop.start()
    await workshop.begin("it")
    await begun.wait()
    await workshop.engine.drain(5)

    assert ended == [0]
    assert (workshop.count("tasks"), workshop.count("inbox")) == (0, 1)
    await workshop.hub.close()


async def test_draining_does_not_wait_for_an_orchestrator_that_blocks(tmp_path: Path) -> None:
    """Its turn is taken again by the next process."""
    entered, stuck = threading.Event(), threading.Event()

    def blocks(_context: Any) -> Any:
        entered.set()
        stuck.wait(30)

    workshop = Workshop(tmp_path, {"blocks": blocks})
    await workshop.start()
    await workshop.begin("blocks")
    await workshop.until(entered.is_set)
    begun = time.monotonic()
    await workshop.engine.drain(5)
    seconds = time.monotonic() - begun
    stuck.set()
    await workshop.hub.close()

    assert seconds < 5


# -- limits ----------------------------------------------------------------------------


async def test_an_orchestrator_that_blocks_is_failed_and_the_others_go_on(tmp_path: Path) -> None:
    """time.sleep in an orchestrator costs its own instance, not the host."""
    stuck = threading.Event()

    def blocks(_context: Any) -> Any:
        stuck.wait(30)

    options = Options(limits=Limits(replay_seconds=0.2))
    orchestrators = {"blocks": blocks, "chain": chain}
    async with Workshop(tmp_path, orchestrators, ACTIVITIES, options=options) as workshop:
        bad = await workshop.begin("blocks")
        good = await workshop.begin("chain")

        assert (await workshop.end(good)).output == "5"
        row = await workshop.end(bad)
        stuck.set()

    assert row.status is Status.FAILED
    assert "ran longer than 0.2 s" in str(row.output)


async def test_a_history_that_grows_without_end_is_stopped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning first, once; then failure instead of ever slower replays."""

    def endless(context: Any) -> Any:
        while True:
            yield context.call_activity("inc", 1)

    options = Options(limits=Limits(warn_events=30, max_events=100))
    async with Workshop(tmp_path, {"endless": endless}, ACTIVITIES, options=options) as workshop:
        row = await workshop.run("endless")

    assert row.status is Status.FAILED
    assert "its history has more than 100 events; use continue_as_new" in str(row.output)
    assert sum("use continue_as_new" in record.message for record in caplog.records) == 1


async def test_a_missing_activity_fails_its_task(tmp_path: Path) -> None:
    """A task row whose function was removed from the app meanwhile."""

    def it(context: Any) -> Any:
        try:
            yield context.call_activity("inc", 1)
        except Exception as error:
            return str(error)

    first = Workshop(tmp_path, {"it": it}, {"inc": never})
    await first.start()
    instance_id = await first.begin("it")
    await first.until(lambda: first.count("tasks") == 1)
    await first.crash()

    second = Workshop(tmp_path, {"it": it}, {"inc": activity(inc)})
    second._activities.clear()
    async with second:
        row = await second.end(instance_id)

    assert "Activity function 'inc' does not exist." in str(row.output)


async def never(_task: Task) -> str:
    """Do not end."""
    await asyncio.Event().wait()
    return ""


async def test_system_exit_in_user_code_is_a_failure_not_the_end(tmp_path: Path) -> None:
    """sys.exit() in an activity or an orchestrator fails that, and the host goes on."""

    async def leave(_value: object) -> None:
        raise SystemExit(3)

    def it(context: Any) -> Any:
        try:
            yield context.call_activity("leave")
        except Exception as error:
            return str(error)

    def leaves(_context: Any) -> Any:
        raise SystemExit(4)

    orchestrators = {"it": it, "leaves": leaves}
    async with Workshop(tmp_path, orchestrators, {"leave": activity(leave)}) as workshop:
        assert "SystemExit: 3" in str((await workshop.run("it")).output)
        row = await workshop.run("leaves")

    assert (row.status, row.output) == (
        Status.FAILED,
        "Orchestrator function 'leaves' failed: SystemExit: 4",
    )


# -- the hub in trouble ----------------------------------------------------------------


class Fickle(Hub):
    """A hub whose disk is full from time to time."""

    full = 0

    async def commit(self, episode: Episode) -> Aftermath:
        """Refuse while full."""
        if Fickle.full > 0:
            Fickle.full -= 1
            raise HubUnavailable("full")
        return await super().commit(episode)

    async def finish_task(self, task: Task, outcome: dict[str, Any]) -> bool:
        """Refuse while full."""
        if Fickle.full > 0:
            Fickle.full -= 1
            raise HubUnavailable("full")
        return await super().finish_task(task, outcome)


async def test_turns_and_results_wait_for_room_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that fails is tried again; nothing is lost, nothing runs twice."""
    monkeypatch.setattr("localhost.durable.engine._TRY_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr("localhost.durable.activities._WRITE_AGAIN_SECONDS", 0.01)
    starts: list[int] = []

    async def counted(number: int) -> int:
        starts.append(number)
        Fickle.full = 2
        return number + 1

    Fickle.full = 2
    activities = {"inc": activity(counted)}
    # On a clock that stands still the sweep does not help out.
    async with Workshop(
        tmp_path, ORCHESTRATORS, activities, make_hub=Fickle, clock=ManualClock()
    ) as workshop:
        row = await workshop.run("chain")
        Fickle.full = 0

    assert row.output == "5"
    assert starts == [0, 1, 2, 3, 4]


async def test_a_result_and_the_turn_it_leads_to_share_a_commit(workshop: Workshop) -> None:
    """Six turns and five results are six commits, and one for the start."""
    before = workshop.hub.writer.commits
    await workshop.run("chain")

    assert workshop.hub.writer.commits - before == 7


async def test_a_result_that_was_stored_already_is_not_stored_by_a_turn(tmp_path: Path) -> None:
    """Whoever comes second, by whichever way, changes nothing."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_value: object) -> str:
        begun.set()
        await go_on.wait()
        return "second"

    def it(context: Any) -> Any:
        first = yield context.call_activity("slow")
        return first, (yield context.wait_for_external_event("E"))

    async with Workshop(tmp_path, {"it": it}, {"slow": activity(slow)}) as workshop:
        instance_id = await workshop.begin("it")
        await begun.wait()
        (task,) = workshop.hub.unfinished(0).tasks
        first = task_completed(workshop.clock.now(), task.task_id, '"first"')
        assert await workshop.hub.finish_task(task, first)
        go_on.set()
        await workshop.until(lambda: workshop.count("inbox") == 0)
        await workshop.hears(instance_id, "E", "heard")
        await workshop.end(instance_id)

        assert workshop.output(instance_id) == ["first", "heard"]
        assert "second" not in str(workshop.hub.history(instance_id).events)


async def test_under_load_results_are_stored_before_their_turn(tmp_path: Path) -> None:
    """What would have to wait in memory, where a crash takes it, goes to disk first."""
    stored: list[str] = []

    class Listening(Hub):
        async def finish_task(self, task: Task, outcome: dict[str, Any]) -> bool:
            stored.append(task.instance_id)
            return await super().finish_task(task, outcome)

    async with Workshop(tmp_path, ORCHESTRATORS, ACTIVITIES, make_hub=Listening) as workshop:
        ids = await asyncio.gather(*(workshop.begin("chain") for _ in range(60)))
        await asyncio.gather(*(workshop.end(instance_id) for instance_id in ids))

    assert stored


async def test_a_lost_wake_up_is_made_up_for_by_the_sweep(tmp_path: Path) -> None:
    """Even a message nobody was woken for is read within seconds."""
    clock = ManualClock()
    async with Workshop(tmp_path, ORCHESTRATORS, clock=clock) as workshop:
        instance_id = await workshop.begin("listener")
        await workshop.until(lambda: workshop.row(instance_id).status is Status.RUNNING)
        await workshop.hub.post(instance_id, event(EventType.EVENT_RAISED, clock.now(), Name="E"))
        clock.advance(timedelta(seconds=6))

        assert (await workshop.end(instance_id)).status is Status.COMPLETED


async def test_results_delivered_twice_count_once(workshop: Workshop) -> None:
    """A second TaskCompleted of the same task is not taken for another's."""
    instance_id = await workshop.begin("chain")
    for number in range(5):
        execution_id = workshop.row(instance_id).execution_id
        late = task_completed(workshop.clock.now(), number, "99")
        await workshop.until(lambda n=number: ended(workshop, instance_id) > n)  # type: ignore[misc]
        await workshop.hub.post(instance_id, late, execution_id=execution_id)

    assert (await workshop.end(instance_id)).output == "5"


def ended(workshop: Workshop, instance_id: str) -> int:
    """Return how many different activities have ended, or many when the instance has."""
    if workshop.row(instance_id).completed_us is not None:
        return 99
    events = workshop.hub.history(instance_id).events
    return len(
        {one["TaskScheduledId"] for one in events if one["EventType"] == EventType.TASK_COMPLETED}
    )


async def test_waking_is_cheap_and_never_lost(workshop: Workshop) -> None:
    """Storms of wake-ups change nothing and lose nothing."""
    instance_id = await workshop.begin("chain")
    deadline = time.monotonic() + 10
    while workshop.row(instance_id).completed_us is None and time.monotonic() < deadline:
        for _ in range(50):
            workshop.engine.wake(instance_id)
            workshop.engine.wake("nobody")
        await asyncio.sleep(0)

    assert (await workshop.end(instance_id)).output == "5"


async def test_waiting_for_nobody_returns_at_once(workshop: Workshop) -> None:
    """An unknown id is no reason to hang."""
    assert await asyncio.wait_for(workshop.engine.finished("nobody"), 5) is None
