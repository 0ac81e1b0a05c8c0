"""Strict mode: each known trap is an error that says what to do instead."""

# Orchestrators are written here as users write them.
# ruff: noqa: BLE001, SIM105

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from localhost.durable import strict
from localhost.durable.events import Status
from localhost.durable.protocol import WorkerProtocol
from localhost.durable.strict import Strict
from tests.localhost.story import Story
from tests.localhost.workshop import Workshop, activity


@pytest.fixture(autouse=True)
def checked_timers() -> Iterator[None]:
    """Timers as strict mode has them."""
    with strict.checked_timers():
        yield


def strictly(orchestrator: Callable[..., Any], max_events: int = 1_000) -> Story:
    """Return a story whose later turns are strict; the first one is taken again."""
    story = Story(orchestrator)
    story.protocol = Strict(story.protocol, max_events)
    return story


def retry_in_any(context: Any) -> Any:
    """Race a retry against a timer."""
    timer = context.create_timer(context.current_utc_datetime + timedelta(minutes=5))
    yield context.task_any(
        [context.call_activity_with_retry("a", df.RetryOptions(1_000, 3)), timer]
    )


def failing_all(context: Any) -> Any:
    """Catch a failure while a sibling may retry."""
    try:
        yield context.task_all(
            [
                context.call_activity("a"),
                context.call_activity_with_retry("b", df.RetryOptions(1_000, 3)),
            ]
        )
    except Exception:
        pass
    yield context.call_activity("c")


def long_cancelled(context: Any) -> Any:
    """Cancel a timer of two weeks."""
    timer = context.create_timer(context.current_utc_datetime + timedelta(days=14))
    yield context.task_any([context.wait_for_external_event("go"), timer])
    timer.cancel()


def naive(context: Any) -> Any:
    """Wait for a time without a zone."""
    yield context.wait_for_external_event("go")
    yield context.create_timer(datetime(2026, 1, 2))  # noqa: DTZ001


def elsewhere(context: Any) -> Any:
    """Wait for a time in another zone."""
    yield context.wait_for_external_event("go")
    yield context.create_timer(datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2))))


def big_status(context: Any) -> Any:
    """Set a status that is too big."""
    yield context.wait_for_external_event("go")
    context.set_custom_status("x" * 20_000)


def early_events(context: Any) -> Any:
    """Wait too late for two events of one name."""
    yield context.call_activity("a")
    yield context.wait_for_external_event("go")


def endless(context: Any) -> Any:
    """Never end."""
    while True:
        yield context.wait_for_external_event("go")


@pytest.mark.parametrize(
    ("orchestrator", "happens", "words"),
    [
        pytest.param(retry_in_any, lambda s: s.fails(0), "inside task_any", id="retry in any"),
        pytest.param(failing_all, lambda s: s.fails(0), "of task_all failed", id="failing all"),
        pytest.param(long_cancelled, lambda s: s.hears("go"), "over 6 days", id="long timer"),
        pytest.param(naive, lambda s: s.hears("go"), "has no time zone", id="naive datetime"),
        pytest.param(elsewhere, lambda s: s.hears("go"), "is not in UTC", id="other zone"),
        pytest.param(big_status, lambda s: s.hears("go"), "must not exceed 16 KB", id="status"),
        pytest.param(
            early_events, lambda s: s.hears("go").hears("go"), "two events named", id="events"
        ),
    ],
)
def test_each_trap_is_named(
    orchestrator: Callable[..., Any], happens: Callable[[Story], Story], words: str
) -> None:
    """The instance fails in the turn that walks into the trap, and says which it is."""
    story = happens(strictly(orchestrator))

    assert story.status is Status.FAILED
    assert words in str(story.output)


def test_long_histories_are_refused() -> None:
    """More events than a healthy orchestration needs."""
    story = strictly(endless, max_events=30)
    for _ in range(10):
        story.hears("go")

    assert story.status is Status.FAILED
    assert "use continue_as_new" in str(story.output)


def test_two_replays_must_agree() -> None:
    """Something that differs from call to call is found without waiting for production."""
    ticks = itertools.count()

    def it(context: Any) -> Any:
        yield context.wait_for_external_event("go")
        yield context.call_activity("a", next(ticks))

    story = strictly(it).hears("go")

    assert story.status is Status.FAILED
    assert "asked for different things" in str(story.output)
    assert '"input": "0"' in str(story.output)
    assert '"input": "1"' in str(story.output)


def test_the_orchestrators_own_error_wins_over_a_trap() -> None:
    """A failure that nobody caught is shown as it is."""

    def it(context: Any) -> Any:
        yield context.task_all(
            [
                context.call_activity("a"),
                context.call_activity_with_retry("b", df.RetryOptions(1_000, 3)),
            ]
        )

    story = strictly(it).fails(0, "the cause").completes(1)

    assert "the cause" in str(story.output)


def test_short_timers_are_cancelled_as_usual() -> None:
    """Only what the SDK gets wrong is refused."""

    def it(context: Any) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(days=5))
        yield context.task_any([context.wait_for_external_event("go"), timer])
        timer.cancel()
        yield context.create_timer(datetime(2026, 1, 1, tzinfo=UTC))
        return "done"

    assert strictly(it).hears("go").fires(1).output == "done"


async def test_good_orchestrators_run_as_before(tmp_path: Path) -> None:
    """Strict mode changes nothing for them."""

    async def inc(number: int) -> int:
        return number + 1

    def it(context: Any) -> Any:
        results = yield context.task_all([context.call_activity("inc", n) for n in range(5)])
        return [*results, context.new_uuid() == context.new_uuid()]

    def wrap(protocol: WorkerProtocol) -> WorkerProtocol:
        return Strict(protocol, 1_000)

    async with Workshop(tmp_path, {"it": it}, {"inc": activity(inc)}, wrap=wrap) as workshop:
        row = await workshop.run("it")

        assert workshop.output(row.instance_id) == [1, 2, 3, 4, 5, False]
