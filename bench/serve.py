"""The child's side of a measurement: commands come in as JSON lines, answers go out.

Needs the standard library only: rivals run it in an environment of their own.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping

Answer = Mapping[str, object]


def serve(commands: Mapping[str, Callable[..., Answer]]) -> None:
    """Answer commands one after another until stdin ends.

    A line is ``{"do": NAME, ...arguments}``. Whatever libraries print goes to stderr.
    """
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        for line in sys.stdin:
            order = json.loads(line)
            answer = commands[order.pop("do")](**order)
            print(json.dumps(answer), file=answers, flush=True)


async def serve_async(commands: Mapping[str, Callable[..., Awaitable[Answer]]]) -> None:
    """Answer commands with coroutines of this event loop."""
    loop = asyncio.get_running_loop()

    def on_loop(command: Callable[..., Awaitable[Answer]]) -> Callable[..., Answer]:
        async def run(arguments: dict[str, object]) -> Answer:
            return await command(**arguments)

        return lambda **arguments: asyncio.run_coroutine_threadsafe(run(arguments), loop).result()

    await asyncio.to_thread(serve, {name: on_loop(one) for name, one in commands.items()})


async def settled(reached: Callable[[], bool]) -> None:
    """Return once ``reached()``; for what other tasks of this loop do without telling."""
    while not reached():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
