"""Runs activities: at least once each, and exactly one result per task.

A task row is deleted and its result message inserted in one commit, so a result is
delivered once however often the activity ran. A row that is still there after a crash
is run again; one that the process keeps dying in is failed instead.
"""

import asyncio
import contextlib
import json
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping

from localhost.clock import Clock
from localhost.durable.episode import Limits
from localhost.durable.events import Event, task_completed, task_failed
from localhost.durable.hub import Hub
from localhost.durable.records import Task
from localhost.durable.writer import HubBroken, HubUnavailable

log = logging.getLogger(__name__)

# From the JSON text of the input to the JSON text of the result; raises what user code raises.
Activity = Callable[[Task], Awaitable[str | None]]

_MAX_TRACE_CHARACTERS = 4_000
_WRITE_AGAIN_SECONDS = 1.0


class Activities:
    """Starts activities as they come, at most ``concurrency`` at a time.

    Args:
        functions: By lower-case name.
        handed_over: Offered every result first; True when it is on disk.
        finished: Called with the instance id after a result is on disk as a message.
    """

    def __init__(  # noqa: PLR0913  the rest by name
        self,
        hub: Hub,
        clock: Clock,
        functions: Mapping[str, Activity],
        *,
        handed_over: Callable[[Task, Event], Awaitable[bool]],
        finished: Callable[[str], None],
        limits: Limits,
        concurrency: int,
    ) -> None:
        self._hub = hub
        self._clock = clock
        self._functions = functions
        self._handed_over = handed_over
        self._finished = finished
        self._limits = limits
        self._free = asyncio.Semaphore(concurrency)
        self._jobs: dict[asyncio.Task[None], Task] = {}
        self._running: set[int] = set()
        self._stopping = False

    def start(self, task: Task, *, recovered: bool = False) -> None:
        """Run ``task`` when there is room. ``recovered``: a process died before it ended."""
        if self._stopping:
            return
        job = asyncio.create_task(self._run(task, recovered=recovered))
        self._jobs[job] = task
        job.add_done_callback(lambda done: self._jobs.pop(done, None))

    async def drain(self, timeout_seconds: float) -> None:
        """Start nothing more, wait for what runs, and leave the rest to the next process."""
        self._stopping = True
        running = [job for job, task in self._jobs.items() if task.seq in self._running]
        for job in set(self._jobs).difference(running):
            job.cancel()
        if running:
            await asyncio.wait(running, timeout=timeout_seconds)
        left = sorted(self._running)
        self.halt()
        if left:
            log.warning("%d activities did not end in time and will run again", len(left))
            try:
                await self._hub.release_tasks(left)
            except (HubUnavailable, HubBroken):
                log.warning("their starts stay counted: the hub cannot be written")

    def halt(self) -> None:
        """Drop everything at once, as a crash would."""
        self._stopping = True
        for job in list(self._jobs):
            job.cancel()

    async def _run(self, task: Task, *, recovered: bool) -> None:
        async with self._free:
            if self._stopping:
                return
            self._running.add(task.seq)
            try:
                outcome = await self._outcome(task, recovered=recovered)
                if await self._handed_over(task, outcome):
                    return
                if await self._store(task, outcome):
                    self._finished(task.instance_id)
            except HubBroken:
                log.debug("the result of %r is lost with the hub", task.name)
            except Exception:
                # Its row is still there: the next process runs it again.
                log.exception("activity %r of %s could not be ended", task.name, task.instance_id)
            finally:
                self._running.discard(task.seq)

    async def _outcome(self, task: Task, *, recovered: bool) -> Event:
        # Its first start is not counted: that would cost every activity a commit.
        deaths = task.starts + 1 if recovered else 0
        if deaths >= self._limits.deaths:
            reason = (
                f"Activity function '{task.name}' failed: the process ended {deaths} times "
                "while it ran; it is not started again."
            )
            log.error("%s (instance %s)", reason, task.instance_id)
            return task_failed(self._clock.now(), task.task_id, reason, None)
        if recovered:
            # It may be what killed the process: the count must be on disk before it runs.
            with contextlib.suppress(HubUnavailable):
                await self._hub.begin_task(task.seq)
        function = self._functions.get(task.name.lower())
        if function is None:
            reason = (
                f"Activity function '{task.name}' failed: Activity function '{task.name}' "
                "does not exist."
            )
            return task_failed(self._clock.now(), task.task_id, reason, None)
        try:
            result = await function(task)
        except (Exception, SystemExit) as error:  # noqa: BLE001  user code
            log.info("activity %r of %s failed: %r", task.name, task.instance_id, error)
            reason = f"Activity function '{task.name}' failed: {type(error).__name__}: {error}"
            return task_failed(self._clock.now(), task.task_id, reason, details_of(error))
        return task_completed(self._clock.now(), task.task_id, result)

    async def _store(self, task: Task, outcome: Event) -> bool:
        while True:
            try:
                return await self._hub.finish_task(task, outcome)
            except HubUnavailable:
                await asyncio.sleep(_WRITE_AGAIN_SECONDS)


def details_of(error: BaseException) -> str:
    """Return ``error`` as the extension serialises a .NET exception: JSON with a trace."""
    trace = "".join(traceback.format_exception(error))
    return json.dumps(
        {
            "$type": "System.Exception, System.Private.CoreLib",
            "ClassName": "System.Exception",
            "Message": f"{type(error).__name__}: {error}",
            "Data": None,
            "InnerException": None,
            "StackTraceString": trace[-_MAX_TRACE_CHARACTERS:],
            "HResult": -2146233088,
        }
    )
