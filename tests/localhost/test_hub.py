"""The hub: what is stored together, found again, and in which order."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from localhost.clock import ManualClock, to_us
from localhost.durable.decisions import CreateTimer, ScheduleActivity, SendEvent, StartChild
from localhost.durable.events import EventType, Status, event, event_raised, task_completed
from localhost.durable.history import History
from localhost.durable.hub import AlreadyExists, Hub, Superseded
from localhost.durable.records import Episode, Instance, NewInstance
from localhost.durable.tables import Query


@pytest.fixture
def clock() -> ManualClock:
    """Time that a test moves."""
    return ManualClock()


@pytest.fixture
async def hub(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Hub]:
    """An empty hub."""
    hub = Hub(tmp_path / "hub.db", clock)
    yield hub
    await hub.close()


def row(hub: Hub, instance_id: str = "i") -> Instance:
    """Return a row that exists."""
    found = hub.instance(instance_id)
    assert found is not None
    return found


async def made(hub: Hub, instance_id: str = "i", execution_id: str = "x") -> Instance:
    """Make an instance."""
    await hub.create(NewInstance(instance_id, execution_id, "it", '"in"'))
    return row(hub, instance_id)


def episode(before: Instance, status: Status = Status.RUNNING, **more: object) -> Episode:
    """Return what a turn might change."""
    history = History()
    history.append(event(EventType.ORCHESTRATOR_STARTED, ManualClock().now()))
    values: dict[str, object] = {
        "before": before,
        "consumed": [],
        "execution_id": before.execution_id,
        "status": status,
        "input_text": before.input_text,
        "output": None,
        "custom_status": None,
        "history": history,
        "stored": 0,
    }
    return Episode(**{**values, **more})  # type: ignore[arg-type]


def kinds(hub: Hub, clock: ManualClock, instance_id: str = "i") -> list[int]:
    """Return the kinds of the messages that are due, in order."""
    loaded = hub.load(instance_id, to_us(clock.now()), with_history=False)
    return [message.event["EventType"] for message in loaded.messages]


async def test_a_new_instance_has_its_start_message(hub: Hub, clock: ManualClock) -> None:
    """Row and message come in one commit."""
    instance = await made(hub)

    assert (instance.status, instance.input_text) == (Status.PENDING, '"in"')
    assert kinds(hub, clock) == [EventType.EXECUTION_STARTED]


async def test_an_unfinished_id_cannot_be_used_again(hub: Hub) -> None:
    """Two starts of one id: the second one hears why."""
    await made(hub)

    with pytest.raises(AlreadyExists, match="with the status Pending already exists"):
        await made(hub, execution_id="y")
    assert row(hub).execution_id == "x"


async def test_of_many_concurrent_starts_exactly_one_wins(hub: Hub) -> None:
    """The database decides, not a look before."""
    news = [NewInstance("i", f"x{n}", "it", None) for n in range(50)]
    results = await asyncio.gather(*(hub.create(new) for new in news), return_exceptions=True)

    assert sum(result is None for result in results) == 1
    assert sum(isinstance(result, AlreadyExists) for result in results) == 49


async def test_a_finished_id_is_replaced_with_everything_of_it(
    hub: Hub, clock: ManualClock
) -> None:
    """The default of the real extension for finished instances."""
    await hub.commit(episode(await made(hub), Status.COMPLETED, output="1"))

    again = await made(hub, execution_id="y")

    assert (again.status, again.output, again.execution_id) == (Status.PENDING, None, "y")
    assert len(hub.history("i")) == 0
    assert kinds(hub, clock) == [EventType.EXECUTION_STARTED]


async def test_an_episode_is_stored_as_one(hub: Hub, clock: ManualClock) -> None:
    """Consumed messages, history, row, tasks, timers, children and messages together."""
    instance = await made(hub)
    seqs = [m.seq for m in hub.load("i", to_us(clock.now()), with_history=False).messages]
    due = clock.now() + timedelta(days=1)

    aftermath = await hub.commit(
        episode(
            instance,
            consumed=seqs,
            custom_status='"busy"',
            tasks=[ScheduleActivity(0, "a", "1")],
            timers=[CreateTimer(1, due)],
            children=[(StartChild(2, "child", "kid", None), "kid-x")],
            sends=[SendEvent(3, "op", "@counter@k", "{}")],
        )
    )

    assert kinds(hub, clock) == []
    assert row(hub).custom_status == '"busy"'
    assert [(task.task_id, task.name) for task in aftermath.tasks] == [(0, "a")]
    assert aftermath.alarms == [(to_us(due), "i")]
    assert sorted(aftermath.wake) == ["@counter@k", "kid"]
    parent = row(hub, "kid").parent
    assert parent is not None
    assert (parent.instance_id, parent.execution_id, parent.task_id) == ("i", "x", 2)
    clock.advance(timedelta(days=1))
    assert kinds(hub, clock) == [EventType.TIMER_FIRED]


async def test_an_episode_of_a_replaced_instance_changes_nothing(
    hub: Hub, clock: ManualClock
) -> None:
    """Purged and started again while its turn was computed: the turn is thrown away."""
    stale = await made(hub)
    assert await hub.purge(["i"]) == 1
    await made(hub, execution_id="y")

    with pytest.raises(Superseded):
        await hub.commit(episode(stale, consumed=[1, 2, 3], tasks=[ScheduleActivity(0, "a", None)]))

    assert kinds(hub, clock) == [EventType.EXECUTION_STARTED]
    assert hub.unfinished(0).tasks == []
    assert len(hub.history("i")) == 0


async def test_a_child_id_in_use_fails_the_sub_orchestration(hub: Hub, clock: ManualClock) -> None:
    """The parent hears of it instead of waiting for somebody else's instance."""
    await made(hub, "kid", "other")
    instance = await made(hub)

    aftermath = await hub.commit(
        episode(instance, children=[(StartChild(0, "child", "kid", None), "kid-x")])
    )

    assert aftermath.wake == ["i"]
    assert kinds(hub, clock)[-1] == EventType.SUB_ORCHESTRATION_FAILED
    assert row(hub, "kid").execution_id == "other"


async def test_a_finished_instance_leaves_no_messages(hub: Hub, clock: ManualClock) -> None:
    """Timers and events that nobody will read go with it."""
    instance = await made(hub)
    await hub.commit(episode(instance, timers=[CreateTimer(0, clock.now() + timedelta(days=9))]))
    await hub.post("i", event_raised(clock.now(), "E", None))

    await hub.commit(episode(row(hub), Status.COMPLETED))

    clock.advance(timedelta(days=10))
    assert kinds(hub, clock) == []
    assert await hub.post("i", event_raised(clock.now(), "E", None)) is Status.COMPLETED
    assert kinds(hub, clock) == []


async def test_posting_to_nobody_says_so(hub: Hub, clock: ManualClock) -> None:
    """404 is decided where the message would be written."""
    assert await hub.post("nobody", event_raised(clock.now(), "E", None)) is None


async def test_a_task_has_one_result(hub: Hub, clock: ManualClock) -> None:
    """Of two results only the first becomes a message."""
    aftermath = await hub.commit(episode(await made(hub), tasks=[ScheduleActivity(0, "a", None)]))
    task = aftermath.tasks[0]
    done = task_completed(clock.now(), 0, "1")

    results = await asyncio.gather(*(hub.finish_task(task, done) for _ in range(5)))

    assert results == [True, False, False, False, False]
    assert kinds(hub, clock).count(EventType.TASK_COMPLETED) == 1


async def test_messages_come_in_the_order_they_became_readable(
    hub: Hub, clock: ManualClock
) -> None:
    """A timer set first but due later comes after what arrived in between."""
    await hub.commit(
        episode(
            await made(hub), consumed=[1], timers=[CreateTimer(0, clock.now() + timedelta(hours=1))]
        )
    )
    clock.advance(timedelta(minutes=30))
    await hub.post("i", event_raised(clock.now(), "before", None))
    clock.advance(timedelta(hours=1))
    await hub.post("i", event_raised(clock.now(), "after", None))

    loaded = hub.load("i", to_us(clock.now()), with_history=False)

    names = [m.event.get("Name") or m.event["EventType"] for m in loaded.messages]
    assert names == ["before", EventType.TIMER_FIRED, "after"]


async def test_a_clock_set_back_neither_hides_nor_reorders_messages(
    hub: Hub, clock: ManualClock
) -> None:
    """Arrivals are counted on a clock that never goes back."""
    await made(hub)
    await hub.post("i", event_raised(clock.now(), "first", None))
    clock.advance(timedelta(days=-1))
    await hub.post("i", event_raised(clock.now(), "second", None))

    loaded = hub.load("i", to_us(clock.now()), with_history=False)

    assert [m.event["Name"] for m in loaded.messages] == ["it", "first", "second"]


async def test_a_new_process_finds_everything_unfinished(
    tmp_path: Path, clock: ManualClock
) -> None:
    """Due messages, timers to come, tasks with their count of starts."""
    hub = Hub(tmp_path / "hub.db", clock)
    due = clock.now() + timedelta(days=1)
    aftermath = await hub.commit(
        episode(
            await made(hub),
            consumed=[1],
            tasks=[ScheduleActivity(0, "a", "1")],
            timers=[CreateTimer(1, due)],
        )
    )
    await hub.begin_task(aftermath.tasks[0].seq)
    await made(hub, "other", "o")
    await hub.close()

    hub = Hub(tmp_path / "hub.db", clock)
    unfinished = hub.unfinished(to_us(clock.now()))

    assert unfinished.due == ["other"]
    assert unfinished.alarms == [(to_us(due), "i")]
    assert [(t.name, t.input_text, t.starts) for t in unfinished.tasks] == [("a", "1", 1)]
    await hub.release_tasks([unfinished.tasks[0].seq])
    assert hub.unfinished(0).tasks[0].starts == 0
    await hub.close()


async def test_purge_removes_all_rows(hub: Hub, clock: ManualClock) -> None:
    """Instance, history, messages and tasks; what was never there does not count."""
    await hub.commit(episode(await made(hub), tasks=[ScheduleActivity(0, "a", None)]))

    assert await hub.purge(["i", "nobody"]) == 1

    assert hub.instance("i") is None
    assert kinds(hub, clock) == []
    assert hub.unfinished(to_us(clock.now())).tasks == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param(Query(), ["a1", "a2", "b_1", "b%1"], id="all"),
        pytest.param(Query(id_prefix="a"), ["a1", "a2"], id="prefix"),
        pytest.param(Query(id_prefix="b_"), ["b_1"], id="prefix is no pattern"),
        pytest.param(Query(statuses=frozenset({Status.COMPLETED})), ["a2"], id="status"),
        pytest.param(Query(after_id="a1", limit=1), ["a2"], id="next page"),
        pytest.param(Query(created_from_us=0, created_to_us=1), [], id="time"),
    ],
)
async def test_queries(hub: Hub, query: Query, expected: list[str]) -> None:
    """Filters combine; results come by id."""
    for instance_id in ("a1", "a2", "b_1", "b%1"):
        await made(hub, instance_id, f"x-{instance_id}")
    await hub.commit(episode(row(hub, "a2"), Status.COMPLETED))

    assert [one.instance_id for one in hub.instances(query)] == sorted(expected)


async def test_timer_rows_are_replaced(hub: Hub) -> None:
    """One row per timer function."""
    assert hub.timer("nightly") is None
    await hub.save_timer("nightly", "0 0 0 * * *", None, 5)
    await hub.save_timer("nightly", "0 0 1 * * *", 5, 9)

    assert hub.timer("nightly") == ("0 0 1 * * *", 5, 9)
