"""One line of callers per ticket: those who wait share the next commit.

A thousand alerts about one ticket would otherwise race for its document, and all but one of
them lose each time. Rivals in other processes are met by compare-and-set.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

_Asked = TypeVar("_Asked")
_Result = TypeVar("_Result")


@dataclass(slots=True)
class Job(Generic[_Asked, _Result]):
    """What one caller wants, and where the result goes."""

    asked: _Asked
    done: "asyncio.Future[_Result]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def succeed(self, result: _Result) -> None:
        """Answer the caller, unless it has given up."""
        if not self.done.done():
            self.done.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Raise ``error`` in the caller, unless it has given up."""
        if not self.done.done():
            self.done.set_exception(error)


class Lines(Generic[_Asked, _Result]):
    """Callers by what they wait for; the work on one key is done one after the other.

    Args:
        work: Serves the first ones of a line and returns how many; it answers each of them.
    """

    def __init__(self, work: Callable[[str, list[Job[_Asked, _Result]]], Awaitable[int]]) -> None:
        self._work = work
        self._lines: dict[str, deque[Job[_Asked, _Result]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def stand(self, key: str, asked: _Asked) -> _Result:
        """Wait for one's turn and return the result."""
        job: Job[_Asked, _Result] = Job(asked)
        if key in self._lines:
            self._lines[key].append(job)
        else:
            self._lines[key] = deque([job])
            task = asyncio.create_task(self._serve(key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await job.done

    async def close(self) -> None:
        """Finish what is asked for."""
        await asyncio.gather(*self._tasks)

    async def _serve(self, key: str) -> None:
        line = self._lines[key]
        while line:
            # Whoever has given up meanwhile gets nothing done any more.
            jobs = [job for job in line if not job.done.done()]
            served = 0
            try:
                served = await self._work(key, jobs) if jobs else 0
            except BaseException as error:  # noqa: BLE001 - handed to whoever asked
                served = len(jobs)
                for job in jobs:
                    job.fail(error)
            over = {id(job) for job in jobs[:served]}
            # What was asked for meanwhile stands behind them.
            line = deque(job for job in line if id(job) not in over and not job.done.done())
            self._lines[key] = line
        del self._lines[key]
