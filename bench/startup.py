"""From the start of the process to the first 200, with many unfinished instances on disk.

They wait for a timer and an event; a tenth of the timers became due while nothing ran.
The host that made them is killed, and each repetition starts on a copy of its folder.
"""

import asyncio
import logging
import shutil
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from bench.child import Child
from bench.clocks import ShiftedClock
from bench.figure import Figure, Goal
from bench.host_process import HostProcess
from bench.inputs import encode
from bench.serve import Answer, serve_async, settled
from bench.setting import APP, Setting
from bench.usage import resident_mb
from localhost.host import Host

_COUNT = 10_000
_DUE_SHARE = 10
_AT_ONCE = 200
_PAST = timedelta(hours=2)
_CATCH_UP_SECONDS = 120.0


def run(setting: Setting) -> Iterator[Figure]:
    """Measure an empty folder and a full one, turn by turn."""
    count = setting.either(1_000, _COUNT)
    full = setting.make_folder("full") / "data"
    with Child(sys.executable, "bench.startup", [full], full.parent) as child:
        setting.say(f"making {count} unfinished instances")
        child.ask("prepare", {"count": count})
        child.kill()
    seconds: dict[str, list[float]] = {"empty": [], "full": [], "caught_up": []}
    resident: list[float] = []
    for repetition in range(setting.either(1, 3)):
        with HostProcess(APP, setting.make_folder(f"empty-{repetition}") / "data") as host:
            seconds["empty"].append(host.start_seconds)
        data = setting.make_folder(f"full-{repetition}") / "data"
        shutil.copytree(full, data)
        with HostProcess(APP, data) as host:
            seconds["full"].append(host.start_seconds)
            seconds["caught_up"].append(_catch_up(host.url, count // _DUE_SHARE))
            resident.append(resident_mb(host.pid))
        setting.say(f"{repetition + 1}: {seconds['full'][-1]:.2f} s")
    facts = {"instances": count, "database_mb": round(_size(full) / 1e6, 1)}
    about = f"{count} unfinished instances on disk, killed before"
    goal = Goal(at_most=5.0) if count == _COUNT else None
    yield Figure("startup.unfinished", "s", seconds["full"], about, goal, facts)
    yield Figure("startup.empty", "s", seconds["empty"], "an empty data folder")
    yield Figure(
        "startup.caught_up",
        "s",
        seconds["caught_up"],
        f"from then until {count // _DUE_SHARE} instances with overdue timers had ended",
    )
    yield Figure("startup.resident", "MB", resident, "memory after that")


def _catch_up(url: str, due: int) -> float:
    """Return the seconds until ``due`` instances have completed."""
    begun = time.perf_counter()
    question = "/runtime/webhooks/durabletask/instances"
    query = {"runtimeStatus": "Completed", "showInput": "false", "top": str(due)}
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        while time.perf_counter() - begun < _CATCH_UP_SECONDS:
            if len(client.get(question, params=query).json()) >= due:
                return time.perf_counter() - begun
            time.sleep(0.1)
    raise RuntimeError(f"{due} overdue instances did not end in {_CATCH_UP_SECONDS:g} s")


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _looked(app: Any, times: int) -> bool:
    return bool(app.looks.total >= times)


async def _serve(data_dir: str) -> None:
    logging.disable(logging.WARNING)
    clock = ShiftedClock(-_PAST)
    async with Host(app_dir=APP, data_dir=data_dir, clock=clock) as host:
        app: Any = sys.modules["function_app"]

        async def prepare(count: int) -> Answer:
            soon, late = clock.now() + _PAST / 2, clock.now() + timedelta(days=3)
            for begin in range(0, count, _AT_ONCE):
                end = min(count, begin + _AT_ONCE)
                until = [late if number % _DUE_SHARE else soon for number in range(begin, end)]
                orders = [encode(when.isoformat()) for when in until]
                await asyncio.gather(
                    *(host.engine.create("sleeper", input_text=order) for order in orders)
                )
                await settled(partial(_looked, app, end))
            await asyncio.sleep(1.0)  # the last ones still have to take their second turn
            return {"instances": count}

        await serve_async({"prepare": prepare})


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
