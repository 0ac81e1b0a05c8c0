"""The chain on this project's own host: ``python -m bench.engines.local_host DATA_FOLDER``.

Engine and client share a process, as those of the rivals do. A chain is started in one
of two ways: ``direct`` calls the engine, ``client`` goes through the durable client of
the SDK, over loopback HTTP, as an app does it.
"""

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable

import azure.durable_functions as df

from bench.engines import payload
from bench.engines.timing import Timing
from bench.inputs import encode
from bench.serve import Answer, serve_async
from bench.setting import APP
from localhost.durable.binding import Links
from localhost.host import Host

_DURABILITY = "SQLite, WAL, synchronous=FULL: on disk before every answer"


async def main(data_dir: str) -> None:
    """Serve until the parent is done."""
    logging.disable(logging.INFO)
    async with Host(app_dir=APP, data_dir=data_dir) as host:
        links = Links(host.url, host.settings.hub_name)
        chains = _Chains(host, df.DurableOrchestrationClient(links.client_binding()))
        await serve_async(
            {
                "about": chains.about,
                "one_at_a_time": chains.one_at_a_time,
                "all_at_once": chains.all_at_once,
            }
        )


class _Chains:
    def __init__(self, host: Host, client: df.DurableOrchestrationClient) -> None:
        self._host = host
        self._client = client
        self._starts: dict[str, Callable[[], Awaitable[str]]] = {
            "direct": self._start_directly,
            "client": self._start_by_client,
        }

    async def about(self) -> Answer:
        return {"durability": _DURABILITY}

    async def one_at_a_time(self, count: int, start: str) -> Answer:
        with Timing() as timing:
            for _ in range(count):
                await self._run(start)
        return timing.answer()

    async def all_at_once(self, count: int, start: str) -> Answer:
        commits = self._host.hub.writer.commits
        with Timing() as timing:
            await asyncio.gather(*(self._run(start) for _ in range(count)))
        return {**timing.answer(), "commits": self._host.hub.writer.commits - commits}

    async def _run(self, start: str) -> None:
        instance_id = await self._starts[start]()
        await self._host.engine.finished(instance_id)
        instance = self._host.hub.instance(instance_id)
        payload.check(json.loads(instance.output or "null") if instance else None)

    async def _start_directly(self) -> str:
        return await self._host.engine.create("chain", input_text=encode(payload.first()))

    async def _start_by_client(self) -> str:
        return str(await self._client.start_new("chain", None, payload.first()))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
