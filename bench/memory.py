"""Memory of the host over many short orchestrations that are purged as they end.

A straight line through the second half of the measurements: while the first half runs,
caches fill and the allocator finds its size.
"""

import asyncio
import logging
import statistics
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import azure.durable_functions as df

from bench.child import Child
from bench.engines import payload
from bench.figure import Figure, Goal
from bench.inputs import encode
from bench.serve import Answer, serve_async
from bench.setting import APP, Setting
from bench.usage import resident_mb
from localhost.durable.binding import Links
from localhost.host import Host

_BATCH = 1_000
_AT_ONCE = 100
_ENDED = [df.OrchestrationRuntimeStatus.Completed]


def run(setting: Setting) -> Iterator[Figure]:
    """Run them by the thousand and look at the process after each."""
    batches = setting.either(3, 20)
    folder = setting.make_folder("host")
    with Child(sys.executable, "bench.memory", [folder / "data"], folder) as child:
        resident: list[float] = []
        seconds: list[float] = []
        for batch in range(batches):
            answer = child.ask("run", {"count": _BATCH})
            seconds.append(answer["seconds"])
            resident.append(resident_mb(child.pid))
            if batch % 5 == 4:
                setting.say(f"{(batch + 1) * _BATCH}: {resident[-1]:.1f} MB")
        database = (folder / "data" / "hub" / "hub.db").stat().st_size / 1e6
    settled = resident[len(resident) // 2 :]
    facts = {
        "orchestrations": batches * _BATCH,
        "megabytes": [round(one, 1) for one in resident],
        "database_mb": round(database, 2),
    }
    yield Figure(
        "memory.growth",
        "kB/1000",
        [1_000 * slope(settled)],
        "growth per 1,000 short orchestrations with purge, over the second half",
        None if setting.quick else Goal(at_most=200),
        facts,
    )
    yield Figure("memory.resident", "MB", [resident[-1]], "after the last of them")
    yield Figure(
        "memory.orchestrations",
        "1/s",
        [_BATCH / one for one in seconds],
        "one activity each, 100 at once, with starting and purging",
    )


def slope(values: Sequence[float]) -> float:
    """Return how much ``values`` grow per place, by least squares."""
    return statistics.linear_regression(range(len(values)), values).slope


async def _serve(data_dir: str) -> None:
    logging.disable(logging.WARNING)
    async with Host(app_dir=APP, data_dir=data_dir) as host:
        links = Links(host.url, host.settings.hub_name)
        client = df.DurableOrchestrationClient(links.client_binding())
        begun = datetime.now(UTC)

        async def one() -> None:
            text = encode(payload.first())
            await host.engine.finished(await host.engine.create("short", input_text=text))

        async def run_batch(count: int) -> Answer:
            loop = asyncio.get_running_loop()
            start, purged = loop.time(), 0
            for _ in range(count // _AT_ONCE):
                await asyncio.gather(*(one() for _ in range(_AT_ONCE)))
                gone = await client.purge_instance_history_by(begun, None, _ENDED)
                purged += gone.instances_deleted
            if purged != count:
                raise RuntimeError(f"{purged} of {count} were purged")
            return {"seconds": loop.time() - start}

        await serve_async({"run": run_batch})


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
