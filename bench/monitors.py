"""1,000 monitors that look every 30 seconds: share of a core and memory while they run.

Each look is an activity and a timer, with ``continue_as_new`` every 20 looks. The ten
minutes until generations of every age are there pass at once, by a clock that is moved
on; then the clock runs in real time, looks spread evenly, and a window is measured.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from bench.child import Child
from bench.clocks import ShiftedClock
from bench.figure import Figure
from bench.inputs import encode
from bench.serve import Answer, serve_async, settled
from bench.setting import APP, Setting
from bench.usage import resident_mb
from localhost.host import Host

_GENERATION = 20
_PAUSE = timedelta(seconds=30)
_ENDLESS = 1_000_000
_PREPARE_SECONDS = 240.0


def run(setting: Setting) -> Iterator[Figure]:
    """Measure whole windows of real time."""
    count, windows = setting.either(100, 1_000), setting.either(1, 2)
    window = setting.either(6, 30)
    folder = setting.make_folder("host")
    with Child(sys.executable, "bench.monitors", [folder / "data"], folder) as child:
        child.ask("warm_up")
        empty_mb = resident_mb(child.pid)
        setting.say(f"letting {count} monitors grow to every age")
        child.ask("prepare", {"count": count}, seconds=_PREPARE_SECONDS)
        measured = []
        for _ in range(windows):
            measured.append({**child.ask("watch", {"seconds": window})})
            setting.say("cpu {cpu_percent:.1f} % of a core, {looks} looks".format(**measured[-1]))
        full_mb = resident_mb(child.pid)
    facts = {
        "monitors": count,
        "window_seconds": window,
        "looks": [one["looks"] for one in measured],
        "looks_expected": round(count * window / _PAUSE.total_seconds()),
    }
    about = f"{count} monitors looking every {_PAUSE.total_seconds():g} s, fresh every 20"
    yield Figure(
        "monitors.cpu", "% of a core", [one["cpu_percent"] for one in measured], about, facts=facts
    )
    yield Figure("monitors.resident", "MB", [full_mb], about, facts={"monitors": count})
    yield Figure(
        "monitors.resident_per_monitor",
        "kB",
        [1_000 * (full_mb - empty_mb) / count],
        "what they add to the same host without them",
        facts={"host_mb": round(empty_mb, 1)},
    )


async def _serve(data_dir: str) -> None:
    logging.disable(logging.WARNING)
    clock = ShiftedClock()
    async with Host(app_dir=APP, data_dir=data_dir, clock=clock) as host:
        monitors = _Monitors(host, clock)
        await serve_async(
            {"warm_up": monitors.warm_up, "prepare": monitors.prepare, "watch": monitors.watch}
        )


class _Monitors:
    def __init__(self, host: Host, clock: ShiftedClock) -> None:
        self._host = host
        self._clock = clock
        # The app as the host imported it, from its folder.
        app: Any = sys.modules["function_app"]
        self._looks = app.looks

    async def warm_up(self) -> Answer:
        """Run one short-lived monitor, so that what every host needs once is there already."""
        order = {"due": self._clock.now().isoformat(), "seconds": 0, "polls": 50, "generation": 20}
        instance_id = await self._host.engine.create("monitor", input_text=encode(order))
        await self._host.engine.finished(instance_id)
        return {}

    async def prepare(self, count: int) -> Answer:
        """Start one twentieth of them every 30 seconds of the moved clock."""
        started = 0
        for wave in range(_GENERATION):
            before, size = self._looks.total, count // _GENERATION
            for number in range(size):
                await self._start(_PAUSE * ((wave + number * _GENERATION) / count))
            # The old ones look once per pause, the new ones at once.
            await self._until_looks(before + size)
            if wave + 1 < _GENERATION:
                started += size
                self._clock.jump(_PAUSE)
                await self._until_looks(before + size + started)
        await self._until_idle()
        return {"looks": self._looks.total}

    async def watch(self, seconds: float) -> Answer:
        looks, cpu, begun = self._looks.total, time.process_time(), time.perf_counter()
        await asyncio.sleep(seconds)
        spent = time.process_time() - cpu
        return {
            "cpu_percent": 100 * spent / (time.perf_counter() - begun),
            "looks": self._looks.total - looks,
        }

    async def _start(self, after: timedelta) -> None:
        # Due times are ``after`` plus whole pauses: looks stay spread over the pause.
        order = {
            "due": (self._clock.now() + after - _PAUSE).isoformat(),
            "seconds": _PAUSE.total_seconds(),
            "polls": _ENDLESS,
            "generation": _GENERATION,
        }
        await self._host.engine.create("monitor", input_text=encode(order))

    async def _until_looks(self, total: int) -> None:
        await settled(lambda: self._looks.total >= total)

    async def _until_idle(self) -> None:
        """Return once the process has had next to nothing to do for a moment."""
        while True:
            cpu = time.process_time()
            await asyncio.sleep(0.2)
            if time.process_time() - cpu < 0.1:
                return


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
