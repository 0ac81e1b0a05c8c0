"""What fails again and again is left alone; one call finds out when that is over."""

import asyncio

import pytest

from shared.connectors.breaker import FAILURES, PAUSE, Breaker, guarded
from shared.domain.alert import Resource
from shared.domain.errors import ConnectorError, OutcomeUnknown, Refused, Transient
from tests.support.builders import StoppedClock, a_resource


class Asked:
    """A system that does as it is told, and counts."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.times = 0

    async def __call__(self) -> str:
        """Answer, or fail."""
        self.times += 1
        if self.error is not None:
            raise self.error
        return "well"

    async def run(self, _: Resource, run_id: str) -> str:
        """Answer as a connector."""
        return f"{run_id} is {await self()}"


UNWELL: list[ConnectorError] = [
    Transient("adf", "no connection"),
    Transient("adf", "gateway", status=503),
    OutcomeUnknown("adf", "no answer"),
]
WELL: list[ConnectorError] = [
    Refused("adf", "no such run", status=404),
    Transient("adf", "too many", status=429),
]


async def fail(breaker: Breaker, asked: Asked, times: int) -> list[str]:
    """Ask so many times; return what was said."""
    said = []
    for _ in range(times):
        with pytest.raises(ConnectorError) as error:
            await breaker.call(asked)
        said.append(str(error.value))
    return said


@pytest.mark.parametrize("error", UNWELL)
async def test_after_five_failures_nothing_is_asked_for_half_a_minute(
    error: ConnectorError,
) -> None:
    """Then one call goes; if that fails too, the pause begins anew."""
    clock, asked = StoppedClock(), Asked(error)
    breaker = Breaker("adf", "here", clock)
    said = await fail(breaker, asked, FAILURES + 3)
    assert asked.times == FAILURES
    assert "left alone for 30 s" in said[-1]
    clock.advance(seconds=PAUSE.total_seconds() - 1)
    await fail(breaker, asked, 1)
    assert asked.times == FAILURES
    clock.advance(seconds=1)
    await fail(breaker, asked, 3)
    assert asked.times == FAILURES + 1
    clock.advance(seconds=PAUSE.total_seconds())
    asked.error = None
    assert [await breaker.call(asked) for _ in range(3)] == ["well"] * 3


@pytest.mark.parametrize("error", WELL)
async def test_who_is_refused_or_throttled_was_heard(error: ConnectorError) -> None:
    """That is no reason to keep away, and ends one."""
    clock, asked = StoppedClock(), Asked(error)
    await fail(Breaker("adf", "here", clock), asked, 3 * FAILURES)
    assert asked.times == 3 * FAILURES


async def test_failures_far_apart_are_no_series() -> None:
    """Nor are those with a success in between."""
    clock, asked = StoppedClock(), Asked(UNWELL[0])
    breaker = Breaker("adf", "here", clock)
    for _ in range(3 * FAILURES):
        await fail(breaker, asked, 1)
        clock.advance(seconds=16)
    clock.advance(minutes=2)
    for _ in range(3):
        asked.error = UNWELL[0]
        await fail(breaker, asked, FAILURES - 1)
        asked.error = None
        await breaker.call(asked)
    assert asked.times == 3 * FAILURES + 3 * FAILURES


async def test_one_call_finds_out_and_the_others_wait() -> None:
    """Also when it is given up: then the next one finds out."""
    clock, asked = StoppedClock(), Asked(UNWELL[0])
    breaker = Breaker("adf", "here", clock)
    await fail(breaker, asked, FAILURES)
    clock.advance(seconds=PAUSE.total_seconds())
    hangs = asyncio.create_task(breaker.call(asyncio.Event().wait))
    await asyncio.sleep(0)
    await fail(breaker, asked, 2)
    assert asked.times == FAILURES
    hangs.cancel()
    await asyncio.gather(hangs, return_exceptions=True)
    asked.error = None
    assert await breaker.call(asked) == "well"


async def test_each_place_has_its_own() -> None:
    """What happens in one factory says nothing about another."""
    clock, asked = StoppedClock(), Asked(UNWELL[0])
    connector = guarded(asked, "adf", clock)
    here, there = a_resource(), a_resource().model_copy(update={"scope": "there"})
    for _ in range(FAILURES):
        with pytest.raises(Transient):
            await connector.run(here, "1")
    asked.error = None
    with pytest.raises(Transient, match="left alone"):
        await connector.run(here.model_copy(update={"scope": here.scope.upper()}), "1")
    assert await connector.run(there, "1") == "1 is well"
