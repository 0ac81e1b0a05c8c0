"""The clock that lets hours pass at once."""

import asyncio
from datetime import UTC, datetime, timedelta

from bench.clocks import ShiftedClock


async def test_a_jump_ends_every_sleep_it_passes() -> None:
    """Whoever sleeps for an hour is awake after a jump of an hour."""
    clock = ShiftedClock()
    hour = timedelta(hours=1)
    sleeps = [asyncio.create_task(clock.sleep_until(clock.now() + hour * n)) for n in (1, 3)]
    await asyncio.sleep(0)

    clock.jump(hour * 2)
    async with asyncio.timeout(1):
        await sleeps[0]

    assert not sleeps[1].done()
    sleeps[1].cancel()


def test_it_may_start_in_the_past() -> None:
    """What it makes overdue is overdue for the real clock."""
    clock = ShiftedClock(timedelta(hours=-1))

    assert datetime.now(UTC) - clock.now() >= timedelta(minutes=59)
