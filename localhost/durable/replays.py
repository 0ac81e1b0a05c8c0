"""The thread that orchestrator code runs on, and a limit on how long it may take.

Replays are bound by the interpreter, so a second thread would not make them faster;
a thread of their own keeps the event loop free for requests and activities. There are
several per orchestration step, so a result takes the short way back: one call into the
loop for all that are ready, and one timer for all that might be too slow.
"""

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class TooSlow(Exception):
    """An orchestrator function did not return in time."""


@dataclass(slots=True, eq=False)
class _Replay:
    """One call. ``begun`` is a monotonic time, 0 while it waits."""

    call: Callable[[], Any]
    future: "asyncio.Future[Any]"
    begun: float = 0.0


_Ended = tuple[_Replay, object, BaseException | None]


class Replays:
    """Runs functions one after another on one thread. Use it on one event loop.

    Args:
        limit_seconds: Time from the start of one until it is given up. Its thread cannot
            be stopped; it is left behind and another takes its place.
    """

    def __init__(self, limit_seconds: float) -> None:
        self._limit = limit_seconds
        self._waiting: queue.SimpleQueue[_Replay | None] = queue.SimpleQueue()
        self._ended: deque[_Ended] = deque()
        self._announced = False
        self._lock = threading.Lock()
        self._current: _Replay | None = None  # guarded by the lock, as is taking over
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watch: asyncio.TimerHandle | None = None

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what ``function`` returns.

        Raises:
            TooSlow: it took longer than the limit.
        """
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._begin_thread()
            self._look()
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.put(_Replay(lambda: function(*args, **kwargs), future))
        return await future

    def close(self) -> None:
        """Let the thread end when it is idle."""
        if self._watch is not None:
            self._watch.cancel()
        self._waiting.put(None)

    def _begin_thread(self) -> None:
        threading.Thread(target=self._work, name="replay", daemon=True).start()

    def _look(self) -> None:
        """Give up the replay that runs too long, and look again in a while."""
        if self._loop is None:
            return
        with self._lock:
            slow = self._current
            if slow is not None and time.monotonic() - slow.begun <= self._limit:
                slow = None
            if slow is not None:
                self._current = None
        if slow is not None:
            self._begin_thread()
            self._give_up(slow)
        self._watch = self._loop.call_later(self._limit / 4, self._look)

    def _give_up(self, slow: _Replay) -> None:
        if not slow.future.done():
            slow.future.set_exception(
                TooSlow(
                    f"an orchestrator function ran longer than {self._limit:g} s without a yield; "
                    "it must not sleep or wait for anything itself"
                )
            )

    # -- on the thread -----------------------------------------------------------------

    def _work(self) -> None:
        while (replay := self._waiting.get()) is not None:
            if replay.future.cancelled():
                continue
            replay.begun = time.monotonic()
            self._current = replay
            result, error = None, None
            try:
                result = replay.call()
            except BaseException as raised:  # noqa: BLE001  SystemExit of user code too
                error = raised
            with self._lock:
                if self._current is not replay:
                    return  # given up: another thread has taken over
                self._current = None
            self._tell((replay, result, error))

    def _tell(self, ended: _Ended) -> None:
        self._ended.append(ended)
        if self._announced or self._loop is None:
            return
        self._announced = True
        try:
            self._loop.call_soon_threadsafe(self._settle)
        except RuntimeError:
            self._ended.clear()  # the loop is closed, its callers are gone

    # -- on the loop -------------------------------------------------------------------

    def _settle(self) -> None:
        # First this, then the rest: whatever is added meanwhile announces itself again.
        self._announced = False
        while self._ended:
            replay, result, error = self._ended.popleft()
            if replay.future.done():
                continue
            if error is not None:
                replay.future.set_exception(error)
            else:
                replay.future.set_result(result)
