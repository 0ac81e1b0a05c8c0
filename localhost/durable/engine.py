"""Decides who runs when: one turn at a time per instance, many instances at once.

    wake(id) -> ready queue -> load and replay (one thread) -> commit -> wake others

The result of an activity is handed to the turn that waits for it, and both are stored in
one commit, while there is little to do; under load it is stored as a message first.

Waking is cheap and may happen too often; a turn without messages changes nothing.
What was woken before its commit was on disk would be lost by a crash, so everything
is woken after. :meth:`Engine.start` wakes all that the hub says is unfinished, and a
sweep every few seconds picks up whatever a bug might have left lying.
"""

import asyncio
import contextlib
import logging
import sqlite3
import uuid
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from localhost.clock import Clock, to_us
from localhost.durable import episode as episodes
from localhost.durable.activities import Activities, Activity
from localhost.durable.alarms import Alarms
from localhost.durable.entities import Entities, EntityFunction
from localhost.durable.episode import Limits, Turn
from localhost.durable.events import FINISHED, Event, Status
from localhost.durable.history import History
from localhost.durable.hub import Hub, Superseded
from localhost.durable.protocol import WorkerProtocol
from localhost.durable.records import Aftermath, Episode, Message, NewInstance, Task
from localhost.durable.replays import Replays, TooSlow
from localhost.durable.writer import HubBroken, HubUnavailable

log = logging.getLogger(__name__)

_SWEEP = timedelta(seconds=5)
_TRY_AGAIN_SECONDS = 1.0

# With more turns than this in flight, a result would wait too long in memory, where a crash
# takes it; and commits are shared by then, so that storing it first costs little.
_FEW_TURNS = 8

# Turns take milliseconds; one that takes longer is stuck in user code.
_LAST_TURNS_SECONDS = 1.0


def new_id() -> str:
    """Return an id as the extension makes them: 32 hexadecimal digits."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Options:
    """How much at once.

    Attributes:
        episodes: Turns in flight; replays themselves run one at a time.
        activities: Activities in flight.
        cached_instances: Histories kept in memory between turns.
        cached_bytes: Their size, all together.
    """

    limits: Limits = field(default_factory=Limits)
    episodes: int = 64
    activities: int = 64
    cached_instances: int = 1_000
    cached_bytes: int = 64 * 1024 * 1024


class Engine:
    """Runs orchestrations of one hub. Use it on one event loop.

    Args:
        activities: By lower-case name.
        entities: By lower-case name.
        ids: Source of execution ids.
    """

    def __init__(  # noqa: PLR0913  the rest by name
        self,
        hub: Hub,
        clock: Clock,
        protocol: WorkerProtocol,
        activities: Mapping[str, Activity],
        *,
        entities: Mapping[str, EntityFunction] | None = None,
        options: Options | None = None,
        ids: Callable[[], str] = new_id,
    ) -> None:
        self.hub = hub
        self._clock = clock
        self._protocol = protocol
        self._options = options or Options()
        self._ids = ids
        self._alarms = Alarms(clock, self.wake)
        self._activities = Activities(
            hub,
            clock,
            activities,
            handed_over=self._hand_over,
            finished=self.wake,
            limits=self._options.limits,
            concurrency=self._options.activities,
        )
        self._entities = Entities(hub, clock, entities or {})
        self._replays = Replays(self._options.limits.replay_seconds)
        self._cache = _Cache(self._options.cached_instances, self._options.cached_bytes)
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._queued: set[str] = set()
        self._running: set[str] = set()
        self._again: set[str] = set()
        self._suspects: set[str] = set()
        self._warned: set[str] = set()
        self._jobs: set[asyncio.Task[None]] = set()
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        self._in_hand: dict[str, list[_Result]] = {}
        self._stopping = False
        self._idle = asyncio.Event()
        self._idle.set()

    # -- life --------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up everything that is unfinished, then run."""
        now_us = to_us(self._clock.now())
        unfinished = await asyncio.to_thread(self.hub.unfinished, now_us)
        self._suspects.update(unfinished.due)
        self._alarms.add(unfinished.alarms)
        for task in unfinished.tasks:
            self._activities.start(task, recovered=True)
        for instance_id in unfinished.due:
            self.wake(instance_id)
        self._go(self._alarms.run())
        self._go(self._sweep())
        for _ in range(self._options.episodes):
            self._go(self._work())
        if unfinished.due or unfinished.tasks or unfinished.alarms:
            log.info(
                "recovered %d instances with messages, %d activities, %d timers",
                len(unfinished.due),
                len(unfinished.tasks),
                len(unfinished.alarms),
            )

    async def drain(self, timeout_seconds: float) -> None:
        """Stop taking turns, let running activities end, and leave the rest on disk."""
        self._stopping = True
        await self._activities.drain(timeout_seconds)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_TURNS_SECONDS):
                await self._idle.wait()
        self.halt()

    def halt(self) -> None:
        """Drop everything at once, as a crash would."""
        self._stopping = True
        self._activities.halt()
        for job in list(self._jobs):
            job.cancel()
        self._replays.close()

    # -- for the API -------------------------------------------------------------------

    def wake(self, instance_id: str) -> None:
        """See to it that ``instance_id`` takes a turn after this call."""
        if instance_id in self._running:
            self._again.add(instance_id)
        elif instance_id not in self._queued:
            self._queued.add(instance_id)
            self._ready.put_nowait(instance_id)

    async def create(
        self,
        name: str,
        instance_id: str | None = None,
        input_text: str | None = None,
        version: str | None = None,
    ) -> str:
        """Start an orchestration and return its id.

        Raises:
            AlreadyExists: an unfinished instance has this id.
            HubUnavailable: nothing was started.
        """
        new = NewInstance(instance_id or self._ids(), self._ids(), name, input_text, version)
        await self.hub.create(new)
        self.wake(new.instance_id)
        return new.instance_id

    async def signal(self, entity_id: str, message: Event) -> None:
        """Send an operation to an entity.

        Raises:
            HubUnavailable: nothing was sent.
        """
        await self.hub.signal(entity_id, message)
        self.wake(entity_id)

    async def rewind(self, instance_id: str, reason: str | None) -> Status | None:
        """Let a failed instance try again; return the status it had, None if unknown."""
        status, wake = await self.hub.rewind(instance_id, reason, self._ids)
        for other in wake:
            self.wake(other)
        return status

    async def finished(self, instance_id: str) -> Status | None:
        """Wait until ``instance_id`` has finished; None at once when it does not exist."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(instance_id, []).append(future)
        try:
            instance = self.hub.instance(instance_id)
            if instance is not None and instance.status not in FINISHED:
                await future
                instance = self.hub.instance(instance_id)
            return None if instance is None else instance.status
        finally:
            waiting = self._waiting.get(instance_id, [])
            if future in waiting:
                waiting.remove(future)
            if not waiting:
                self._waiting.pop(instance_id, None)

    def forget(self, instance_id: str) -> None:
        """Drop what memory holds of an instance that was purged."""
        self._cache.drop(instance_id)
        self._tell(instance_id)

    # -- turns -------------------------------------------------------------------------

    def _go(self, work: Coroutine[object, object, None]) -> None:
        job = asyncio.create_task(work)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    async def _work(self) -> None:
        while True:
            instance_id = await self._ready.get()
            self._queued.discard(instance_id)
            in_hand = self._in_hand.pop(instance_id, [])
            if self._stopping:
                _settle(in_hand, stored=False)
                continue
            self._running.add(instance_id)
            self._idle.clear()
            try:
                _settle(in_hand, stored=await self._turn(instance_id, in_hand))
            except HubBroken:
                return
            except HubUnavailable:
                self._later(instance_id)
            except Exception:
                # One broken turn must not take the others with it.
                log.exception("a turn of %r failed and will be tried again", instance_id)
                self._later(instance_id)
            finally:
                _settle(in_hand, stored=False)
                self._running.discard(instance_id)
                if not self._running:
                    self._idle.set()
                if instance_id in self._again:
                    self._again.discard(instance_id)
                    self.wake(instance_id)

    def _later(self, instance_id: str) -> None:
        asyncio.get_running_loop().call_later(_TRY_AGAIN_SECONDS, self.wake, instance_id)

    async def _hand_over(self, task: Task, outcome: Event) -> bool:
        """Let the next turn of the instance store the result; False when it did not."""
        instance_id = task.instance_id
        busy = self._stopping or len(self._running) > _FEW_TURNS
        if busy or instance_id in self._running:
            return False
        result = _Result(
            Message(0, task.execution_id, outcome, task_seq=task.seq),
            asyncio.get_running_loop().create_future(),
        )
        self._in_hand.setdefault(instance_id, []).append(result)
        self.wake(instance_id)
        return await result.stored

    async def _turn(self, instance_id: str, in_hand: "list[_Result]") -> bool:
        """Take one turn; tell whether what was ``in_hand`` is on disk."""
        if instance_id.startswith("@"):
            for other in await self._entities.turn(instance_id):
                self.wake(other)
            return False
        if instance_id in self._suspects:
            await self.hub.count_death(instance_id)
        outcome = await self._compute(instance_id, [result.message for result in in_hand])
        stored = False
        if isinstance(outcome, Episode):
            stored = await self._commit(outcome)
        elif outcome:
            await self.hub.drop(outcome)
        self._suspects.discard(instance_id)
        return stored

    async def _compute(self, instance_id: str, fresh: list[Message]) -> Episode | list[int]:
        cached, run = self._cache.get(instance_id), self._replays.run
        try:
            return await run(self._replay, instance_id, cached, fresh)
        except TooSlow as error:
            log.error("%s (instance %s)", error, instance_id)  # noqa: TRY400  no trace to show
            return await run(self._replay, instance_id, None, fresh, str(error))

    def _replay(
        self,
        instance_id: str,
        cached: "_Cached | None",
        fresh: list[Message],
        doomed: str | None = None,
    ) -> Episode | list[int]:
        """Load and compute one turn (on the replay thread).

        Returns:
            What to commit, or the messages that nobody hears.
        """
        now = self._clock.now()
        loaded = self.hub.load(instance_id, to_us(now), with_history=cached is None, fresh=fresh)
        consumed = [message.seq for message in loaded.messages if message.task_seq is None]
        instance = loaded.instance
        if instance is None or not loaded.messages:
            return consumed
        history = loaded.history
        if cached is not None and cached.execution_id == instance.execution_id:
            history = cached.history
        if history is None:
            history = self.hub.history(instance_id)
        limits = self._options.limits
        turn = Turn(self._protocol, now, limits, self._ids)
        if instance.deaths > limits.deaths:
            doomed = (
                f"Orchestrator function '{instance.name}' failed: the process ended "
                f"{instance.deaths - 1} times while it ran; it is not run again."
            )
        if doomed is not None:
            result = episodes.give_up(turn, instance, history, loaded.messages, doomed)
        else:
            result = episodes.take(turn, instance, history, loaded.messages)
        return consumed if result is None else result

    async def _commit(self, episode: Episode) -> bool:
        instance_id = episode.before.instance_id
        try:
            aftermath = await self.hub.commit(episode)
        except Superseded:
            self._cache.drop(instance_id)
            self.wake(instance_id)
            return False
        if episode.status in FINISHED:
            self._cache.drop(instance_id)
            self._warned.discard(instance_id)
            self._tell(instance_id)
        else:
            self._cache.put(instance_id, _Cached(episode.execution_id, episode.history))
            self._warn(instance_id, len(episode.history))
        self._begin(aftermath)
        return True

    def _begin(self, aftermath: Aftermath) -> None:
        for instance_id in aftermath.wake:
            self.wake(instance_id)
        for task in aftermath.tasks:
            self._activities.start(task)
        self._alarms.add(aftermath.alarms)

    def _warn(self, instance_id: str, length: int) -> None:
        if length > self._options.limits.warn_events and instance_id not in self._warned:
            self._warned.add(instance_id)
            log.warning(
                "instance %r has %d events in its history, and every replay reads them all; "
                "use continue_as_new",
                instance_id,
                length,
            )

    def _tell(self, instance_id: str) -> None:
        for future in self._waiting.pop(instance_id, []):
            if not future.done():
                future.set_result(None)

    async def _sweep(self) -> None:
        while True:
            await self._clock.sleep_until(self._clock.now() + _SWEEP)
            try:
                due = await asyncio.to_thread(self.hub.due, to_us(self._clock.now()))
            except (sqlite3.Error, HubBroken):
                log.exception("the sweep could not read the hub")
                continue
            for instance_id in due:
                self.wake(instance_id)


@dataclass(frozen=True, slots=True)
class _Result:
    """A result that waits to be stored by a turn; ``stored`` tells how that went."""

    message: Message
    stored: "asyncio.Future[bool]"


def _settle(results: list[_Result], *, stored: bool) -> None:
    for result in results:
        if not result.stored.done():
            result.stored.set_result(stored)


@dataclass(frozen=True, slots=True)
class _Cached:
    execution_id: str
    history: History


class _Cache:
    """Histories between turns, the least recently used dropped first."""

    def __init__(self, max_instances: int, max_bytes: int) -> None:
        self._max_instances = max_instances
        self._max_bytes = max_bytes
        self._entries: OrderedDict[str, _Cached] = OrderedDict()
        self._bytes = 0

    def get(self, instance_id: str) -> _Cached | None:
        return self._entries.get(instance_id)

    def put(self, instance_id: str, entry: _Cached) -> None:
        self.drop(instance_id)
        self._entries[instance_id] = entry
        self._bytes += entry.history.size_bytes
        while self._entries and (
            len(self._entries) > self._max_instances or self._bytes > self._max_bytes
        ):
            self.drop(next(iter(self._entries)))

    def drop(self, instance_id: str) -> None:
        entry = self._entries.pop(instance_id, None)
        if entry is not None:
            self._bytes -= entry.history.size_bytes
