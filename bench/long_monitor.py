"""What one monitor of 240 looks costs: an activity and a timer per look, no waiting.

Every look replays the history since the last ``continue_as_new``, so the cost grows with
the square of the generation's length.
"""

import asyncio
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from bench.child import Child
from bench.engines.timing import Timing
from bench.figure import Figure
from bench.inputs import encode
from bench.serve import Answer, serve_async
from bench.setting import APP, Setting
from localhost.durable.events import Status
from localhost.host import Host

_POLLS = 240
_GENERATION = 20


def run(setting: Setting) -> Iterator[Figure]:
    """Measure with and without ``continue_as_new``."""
    folder = setting.make_folder("host")
    with Child(sys.executable, "bench.long_monitor", [folder / "data"], folder) as child:
        child.ask("poll", {"polls": _GENERATION, "generation": _GENERATION})
        spent: dict[int, list[dict[str, float]]] = {_GENERATION: [], _POLLS: []}
        for generation, repetitions in (
            (_GENERATION, setting.either(2, 5)),
            (_POLLS, setting.either(0, 2)),
        ):
            for _ in range(repetitions):
                answer = child.ask("poll", {"polls": _POLLS, "generation": generation})
                spent[generation].append(answer)
                setting.say(f"{generation} looks per generation: {answer['seconds']:.2f} s")
    for generation, runs in spent.items():
        if runs:
            yield from _figures(generation, runs)


def _figures(generation: int, runs: list[dict[str, float]]) -> Iterator[Figure]:
    fresh = f"continue_as_new every {generation}" if generation < _POLLS else "one history"
    for key, name in (("seconds", "wall"), ("cpu_seconds", "cpu")):
        yield Figure(
            name=f"long_monitor.{name}.every_{generation}",
            unit="s",
            runs=[one[key] for one in runs],
            about=f"{_POLLS} looks, {fresh}, timers due at once",
        )


async def _serve(data_dir: str) -> None:
    logging.disable(logging.WARNING)
    async with Host(app_dir=APP, data_dir=data_dir) as host:

        async def poll(polls: int, generation: int) -> Answer:
            due = datetime.now(UTC).isoformat()
            order = {"due": due, "seconds": 0, "polls": polls, "generation": generation}
            with Timing() as timing:
                instance_id = await host.engine.create("monitor", input_text=encode(order))
                status = await host.engine.finished(instance_id)
            if status is not Status.COMPLETED:
                raise RuntimeError(f"the monitor ended as {status}")
            return timing.answer()

        await serve_async({"poll": poll})


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
