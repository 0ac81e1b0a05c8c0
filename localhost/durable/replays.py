"""The thread that orchestrator code runs on, and a limit on how long it may take.

Replays are bound by the interpreter, so a second thread would not make them faster;
a thread of their own keeps the event loop free for requests and activities.
"""

import asyncio
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from localhost.threads import DaemonPool

P = ParamSpec("P")
T = TypeVar("T")


class TooSlow(Exception):
    """An orchestrator function did not return in time."""


class Replays:
    """Runs functions one after another on one thread.

    Args:
        limit_seconds: Time from the start of one until it is given up. Its thread cannot
            be stopped; it is left behind and another takes its place.
    """

    def __init__(self, limit_seconds: float) -> None:
        self._limit = limit_seconds
        self._pool = DaemonPool(1, "replay")

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what ``function`` returns.

        Raises:
            TooSlow: it took longer than the limit.
        """
        begun: list[float] = []

        def call() -> T:
            begun.append(time.monotonic())
            return function(*args, **kwargs)

        future = asyncio.get_running_loop().run_in_executor(self._pool, call)
        wait = self._limit
        try:
            while True:
                done, _ = await asyncio.wait((future,), timeout=wait)
                if done:
                    return future.result()
                if begun and (wait := begun[0] + self._limit - time.monotonic()) <= 0:
                    self._pool.grow()
                    raise TooSlow(
                        f"an orchestrator function ran longer than {self._limit:g} s without a "
                        "yield; it must not sleep or wait for anything itself"
                    )
        finally:
            # When nobody waits any more, nobody cares how it ends.
            future.cancel()

    def close(self) -> None:
        """Let the thread end when it is idle."""
        self._pool.shutdown()
