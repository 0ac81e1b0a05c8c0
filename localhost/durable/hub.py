"""The task hub: instances, history, messages, timers and activities in one SQLite file.

Every change is one savepoint of the writer (:mod:`localhost.durable.writer`); its
caller is told after COMMIT, and only then wakes anyone. Reading uses connections of
its own and sees committed data only. What is durable is the whole truth: after a
crash the engine starts from :meth:`Hub.unfinished` and nothing else.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from localhost.clock import Clock, to_us
from localhost.durable import schema, tables
from localhost.durable.events import (
    FINISHED,
    Event,
    EventType,
    Status,
    child_failed,
    event,
    event_raised,
    timer_fired,
)
from localhost.durable.history import History, to_text
from localhost.durable.readers import Readers
from localhost.durable.records import (
    Aftermath,
    EntityChange,
    Episode,
    Instance,
    Message,
    NewInstance,
    Parent,
    Task,
)
from localhost.durable.rewind import rewound
from localhost.durable.tables import Query
from localhost.durable.writer import Writer

log = logging.getLogger(__name__)

T = TypeVar("T")


class AlreadyExists(Exception):
    """An unfinished instance has this id."""

    def __init__(self, status: Status) -> None:
        super().__init__(f"An Orchestration instance with the status {status} already exists.")
        self.status = status


class Superseded(Exception):
    """The instance was purged or replaced while its episode was computed."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What an episode starts from; everything is empty when there is no message.

    ``history`` is None when it was not asked for.
    """

    instance: Instance | None
    messages: list[Message]
    history: History | None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What a new process has to take up again."""

    due: list[str]
    alarms: list[tuple[int, str]]
    tasks: list[Task]


class Hub:
    """The hub in ``path``; one process at a time (the host holds a lock on the folder).

    Args:
        path: The database file; its folder exists.
        clock: Stamps everything that is stored.
        on_broken: Called on the event loop when writing has become impossible for good.

    Raises:
        UnusableHub: the file is damaged or too new.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        on_broken: Callable[[BaseException], None] = lambda _error: None,
    ) -> None:
        self._clock = clock
        self._connection = schema.open_hub(path)
        self._last_arrival_us: int = self._connection.execute(
            "SELECT COALESCE(MAX(arrived_us), 0) FROM inbox"
        ).fetchone()[0]
        self._readers = Readers(path)
        self.writer = Writer(self._connection, on_broken)

    @property
    def available(self) -> bool:
        """Whether the last write succeeded."""
        return self.writer.available

    async def close(self) -> None:
        """Write what is queued, fold the log into the file, and close."""
        await self.writer.close()
        self._readers.close()
        try:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            # The log stays beside the file, and the next start reads it.
            log.warning("the hub's log could not be folded into its file: %s", error)
        finally:
            self._connection.close()

    # -- reading (any thread; blocks for microseconds) ---------------------------------

    def read(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Answer ``question`` on this thread's own read-only connection."""
        return self._readers.ask(question)

    def load(
        self,
        instance_id: str,
        now_us: int,
        *,
        with_history: bool,
        fresh: Iterable[Message] = (),
    ) -> Loaded:
        """Return the instance, its messages due by ``now_us`` in order, and its history.

        ``fresh`` are messages that are not on disk; they come last.

        Not one snapshot, and it need not be: only turns of the instance itself change its
        history, and what a purge or rewind does in between is noticed by :meth:`commit`.
        """

        def question(connection: sqlite3.Connection) -> Loaded:
            messages = [*tables.due_messages(connection, instance_id, now_us), *fresh]
            if not messages:
                return Loaded(None, [], None)
            instance = tables.find_instance(connection, instance_id)
            history = tables.read_history(connection, instance_id) if with_history else None
            return Loaded(instance, messages, history)

        return self.read(question)

    def instance(self, instance_id: str) -> Instance | None:
        """Return one row, or None."""
        return self.read(lambda connection: tables.find_instance(connection, instance_id))

    def history(self, instance_id: str) -> History:
        """Return the stored history; empty when there is none."""
        return self.read(lambda connection: tables.read_history(connection, instance_id))

    def instances(self, query: Query) -> list[Instance]:
        """Return matching instances by id."""
        where, values = tables.where(query)
        limit = "" if query.limit is None else f" LIMIT {int(query.limit)}"
        statement = f"{tables.INSTANCE}{where} ORDER BY id{limit}"
        return self.read(
            lambda connection: [
                tables.to_instance(row) for row in connection.execute(statement, values)
            ]
        )

    def entity_state(self, entity_id: str) -> str | None:
        """Return the entity's state as JSON text, or None when it does not exist."""
        row = self.read(
            lambda connection: connection.execute(
                "SELECT state FROM entities WHERE id = ?", (entity_id,)
            ).fetchone()
        )
        return None if row is None else row[0]

    def entities(self, name: str) -> list[tuple[str, str | None, int]]:
        """Return ``(id, state, updated_us)`` of all entities of ``name``; of all when empty."""
        prefix = f"@{name.lower()}@" if name else "@"
        return self.read(
            lambda connection: connection.execute(
                "SELECT id, state, updated_us FROM entities WHERE substr(id, 1, ?) = ? ORDER BY id",
                (len(prefix), prefix),
            ).fetchall()
        )

    def unfinished(self, now_us: int) -> Unfinished:
        """Return everything durable that waits for a process."""

        def question(connection: sqlite3.Connection) -> Unfinished:
            due = connection.execute(
                "SELECT DISTINCT instance_id FROM inbox WHERE due_us <= ?", (now_us,)
            ).fetchall()
            alarms = connection.execute(
                "SELECT DISTINCT due_us, instance_id FROM inbox WHERE due_us > ?", (now_us,)
            ).fetchall()
            tasks = connection.execute(
                "SELECT seq, instance_id, execution_id, task_id, name, input, starts"
                " FROM tasks ORDER BY seq"
            ).fetchall()
            return Unfinished([row[0] for row in due], alarms, [Task(*row) for row in tasks])

        return self.read(question)

    def due(self, now_us: int) -> list[str]:
        """Return ids that have messages due by ``now_us``."""
        rows = self.read(
            lambda connection: connection.execute(
                "SELECT DISTINCT instance_id FROM inbox WHERE due_us <= ?", (now_us,)
            ).fetchall()
        )
        return [row[0] for row in rows]

    def timer(self, name: str) -> tuple[str, int | None, int] | None:
        """Return ``(schedule, last_us, next_us)`` of a timer function, or None."""
        row = self.read(
            lambda connection: connection.execute(
                "SELECT schedule, last_us, next_us FROM timers WHERE name = ?", (name,)
            ).fetchone()
        )
        return None if row is None else (row[0], row[1], row[2])

    # -- writing (on the event loop; returns after COMMIT) -----------------------------

    async def create(self, new: NewInstance) -> None:
        """Make an instance with its start message. A finished one of this id is replaced.

        Raises:
            AlreadyExists: an unfinished one has this id.
        """
        await self.writer.submit(lambda connection: self._create(connection, new))

    async def post(
        self, instance_id: str, message: Event, *, execution_id: str | None = None
    ) -> Status | None:
        """Send ``message`` to an unfinished instance.

        Returns:
            The status it had: when finished nothing was sent. None: there is no such one.
        """

        def operation(connection: sqlite3.Connection) -> Status | None:
            row = connection.execute(
                "SELECT status FROM instances WHERE id = ?", (instance_id,)
            ).fetchone()
            if row is None:
                return None
            if row[0] not in FINISHED:
                self._post(connection, instance_id, message, execution_id)
            return Status(row[0])

        return await self.writer.submit(operation)

    async def signal(self, entity_id: str, message: Event, due_us: int = 0) -> None:
        """Send ``message`` to an entity, which need not exist."""
        await self.writer.submit(
            lambda connection: self._post(connection, entity_id, message, None, due_us)
        )

    async def commit(self, episode: Episode) -> Aftermath:
        """Store an episode.

        Raises:
            Superseded: the instance is not the one the episode was computed from.
        """
        return await self.writer.submit(lambda connection: self._commit(connection, episode))

    async def drop(self, messages: list[int]) -> None:
        """Delete messages nobody can read any more."""
        await self.writer.submit(lambda connection: tables.delete_messages(connection, messages))

    async def begin_task(self, seq: int) -> None:
        """Count that an activity is begun again, so that one that kills the process is noticed."""
        await self.writer.submit(
            lambda connection: connection.execute(
                "UPDATE tasks SET starts = starts + 1 WHERE seq = ?", (seq,)
            )
        )

    async def release_tasks(self, seqs: Iterable[int]) -> None:
        """Take back one start of each: the process ends in peace and will run them again."""
        rows = [(seq,) for seq in seqs]
        await self.writer.submit(
            lambda connection: connection.executemany(
                "UPDATE tasks SET starts = MAX(0, starts - 1) WHERE seq = ?", rows
            )
        )

    async def finish_task(self, task: Task, outcome: Event) -> bool:
        """Replace the task by its result message; return False if it had ended already."""

        def operation(connection: sqlite3.Connection) -> bool:
            gone = connection.execute("DELETE FROM tasks WHERE seq = ?", (task.seq,))
            if gone.rowcount != 1:
                return False
            self._post(connection, task.instance_id, outcome, task.execution_id)
            return True

        return await self.writer.submit(operation)

    async def count_death(self, instance_id: str) -> None:
        """Note that an episode is about to run after a crash; a commit clears it."""
        await self.writer.submit(
            lambda connection: connection.execute(
                "UPDATE instances SET deaths = deaths + 1 WHERE id = ?", (instance_id,)
            )
        )

    async def purge(self, instance_ids: list[str]) -> int:
        """Delete instances with everything that belongs to them; return how many existed."""

        def operation(connection: sqlite3.Connection) -> int:
            return sum(tables.purge(connection, instance_id) for instance_id in instance_ids)

        return await self.writer.submit(operation)

    async def commit_entity(self, change: EntityChange) -> None:
        """Store what a batch of entity operations changed."""

        def operation(connection: sqlite3.Connection) -> None:
            tables.delete_messages(connection, change.consumed)
            if change.exists:
                connection.execute(
                    "INSERT INTO entities (id, state, updated_us) VALUES (?, ?, ?)"
                    " ON CONFLICT (id) DO UPDATE SET state = excluded.state,"
                    " updated_us = excluded.updated_us",
                    (change.entity_id, change.state, to_us(self._clock.now())),
                )
            else:
                connection.execute("DELETE FROM entities WHERE id = ?", (change.entity_id,))
            for one in change.outgoing:
                self._post(connection, one.target, one.message, one.execution_id)

        await self.writer.submit(operation)

    async def rewind(
        self, instance_id: str, reason: str | None, new_id: Callable[[], str]
    ) -> tuple[Status | None, list[str]]:
        """Let a failed instance, and its failed sub-orchestrations, try again.

        Returns:
            The status it had (only a failed one is touched; None: there is no such one),
            and who has to be woken.
        """

        def operation(connection: sqlite3.Connection) -> tuple[Status | None, list[str]]:
            instance = tables.find_instance(connection, instance_id)
            if instance is None or instance.status is not Status.FAILED:
                return (None if instance is None else instance.status), []
            wake: list[str] = []
            self._rewind(connection, instance, reason, new_id, wake)
            return instance.status, wake

        return await self.writer.submit(operation)

    async def probe(self) -> None:
        """Write something, to find out whether writing works.

        Raises:
            HubUnavailable: it does not.
        """
        await self.writer.submit(
            lambda connection: connection.execute(
                "INSERT INTO meta (name, value) VALUES ('probe', ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (str(to_us(self._clock.now())),),
            )
        )

    async def save_timer(self, name: str, schedule: str, last: int | None, due: int) -> None:
        """Remember when a timer function ran last and is due next (microseconds)."""
        await self.writer.submit(
            lambda connection: connection.execute(
                "INSERT INTO timers (name, schedule, last_us, next_us) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET schedule = excluded.schedule,"
                " last_us = excluded.last_us, next_us = excluded.next_us",
                (name, schedule, last, due),
            )
        )

    # -- operations (on the writer's thread) -------------------------------------------

    def _create(self, connection: sqlite3.Connection, new: NewInstance) -> None:
        row = connection.execute(
            "SELECT status FROM instances WHERE id = ?", (new.instance_id,)
        ).fetchone()
        if row is not None:
            if row[0] not in FINISHED:
                raise AlreadyExists(Status(row[0]))
            tables.purge(connection, new.instance_id)
        now = self._clock.now()
        parent = new.parent
        connection.execute(
            "INSERT INTO instances (id, execution_id, name, version, status, input, created_us,"
            " updated_us, parent_id, parent_execution_id, parent_task_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                new.instance_id,
                new.execution_id,
                new.name,
                new.version,
                Status.PENDING,
                new.input_text,
                to_us(now),
                to_us(now),
                parent.instance_id if parent else None,
                parent.execution_id if parent else None,
                parent.task_id if parent else None,
            ),
        )
        self._post(connection, new.instance_id, new.started(now), new.execution_id)

    def _rewind(
        self,
        connection: sqlite3.Connection,
        instance: Instance,
        reason: str | None,
        new_id: Callable[[], str],
        wake: list[str],
    ) -> None:
        """Rewind ``instance`` and, below it, every sub-orchestration that failed it."""
        execution_id = new_id()
        instance_id = instance.instance_id
        past = rewound(tables.read_history(connection, instance_id).events)
        waits_for_child = False
        for number, child_id in past.children:
            child = tables.find_instance(connection, child_id)
            if child is None or child.status is not Status.FAILED:
                past.without_child(number)
                continue
            connection.execute(
                "UPDATE instances SET parent_execution_id = ? WHERE id = ?",
                (execution_id, child_id),
            )
            self._rewind(connection, child, reason, new_id, wake)
            waits_for_child = True
        history = past.history(execution_id)
        now = self._clock.now()
        connection.execute("DELETE FROM history WHERE instance_id = ?", (instance_id,))
        tables.append_history(connection, instance_id, history, 0)
        connection.execute(
            "UPDATE instances SET execution_id = ?, status = ?, output = NULL, updated_us = ?,"
            " completed_us = NULL WHERE id = ?",
            (execution_id, Status.RUNNING, to_us(now), instance_id),
        )
        if not waits_for_child:
            nudge = event(EventType.EXECUTION_REWOUND, now, Reason=reason)
            self._post(connection, instance_id, nudge, execution_id)
            wake.append(instance_id)

    def _post(
        self,
        connection: sqlite3.Connection,
        instance_id: str,
        message: Event,
        execution_id: str | None,
        due_us: int = 0,
    ) -> None:
        # Arrivals never go backwards, even when the wall clock is set back.
        self._last_arrival_us = max(self._last_arrival_us, to_us(self._clock.now()))
        connection.execute(
            "INSERT INTO inbox (instance_id, execution_id, event, due_us, arrived_us)"
            " VALUES (?, ?, ?, ?, ?)",
            (
                instance_id,
                execution_id,
                to_text(message),
                due_us,
                self._last_arrival_us,
            ),
        )

    def _commit(self, connection: sqlite3.Connection, episode: Episode) -> Aftermath:
        before, aftermath = episode.before, Aftermath()
        finished = episode.status in FINISHED
        now_us = to_us(self._clock.now())
        changed = connection.execute(
            "UPDATE instances SET execution_id = ?, status = ?, input = ?, output = ?,"
            " custom_status = ?, updated_us = ?, completed_us = ?, deaths = 0"
            " WHERE id = ? AND execution_id = ?",
            (
                episode.execution_id,
                episode.status,
                episode.input_text,
                episode.output,
                episode.custom_status,
                now_us,
                now_us if finished else None,
                before.instance_id,
                before.execution_id,
            ),
        )
        if changed.rowcount != 1:
            raise Superseded(before.instance_id)
        tables.delete_messages(connection, episode.consumed)
        for seq in episode.ended:
            if connection.execute("DELETE FROM tasks WHERE seq = ?", (seq,)).rowcount != 1:
                raise Superseded(before.instance_id)
        self._store_history(connection, episode)
        if finished:
            connection.execute("DELETE FROM inbox WHERE instance_id = ?", (before.instance_id,))
        else:
            self._schedule(connection, episode, aftermath)
        for send in episode.sends:
            due_us = 0 if send.due is None else to_us(send.due)
            raised = event_raised(self._clock.now(), send.name, send.input_text)
            self._post(connection, send.target, raised, None, due_us)
            if due_us:
                aftermath.alarms.append((due_us, send.target))
            else:
                aftermath.wake.append(send.target)
        if episode.to_parent is not None and before.parent is not None:
            parent = before.parent
            self._post(connection, parent.instance_id, episode.to_parent, parent.execution_id)
            aftermath.wake.append(parent.instance_id)
        return aftermath

    def _store_history(self, connection: sqlite3.Connection, episode: Episode) -> None:
        instance_id = episode.before.instance_id
        if episode.stored == 0:
            connection.execute("DELETE FROM history WHERE instance_id = ?", (instance_id,))
        tables.append_history(connection, instance_id, episode.history, episode.stored)
        if episode.execution_id != episode.before.execution_id:
            # Timers of the generation before would only be read to be thrown away.
            connection.execute(
                "DELETE FROM inbox WHERE instance_id = ? AND execution_id = ?",
                (instance_id, episode.before.execution_id),
            )

    def _schedule(
        self, connection: sqlite3.Connection, episode: Episode, aftermath: Aftermath
    ) -> None:
        instance_id, execution_id = episode.before.instance_id, episode.execution_id
        for activity in episode.tasks:
            cursor = connection.execute(
                "INSERT INTO tasks (instance_id, execution_id, task_id, name, input)"
                " VALUES (?, ?, ?, ?, ?)",
                (instance_id, execution_id, activity.number, activity.name, activity.input_text),
            )
            aftermath.tasks.append(
                Task(
                    seq=cursor.lastrowid or 0,
                    instance_id=instance_id,
                    execution_id=execution_id,
                    task_id=activity.number,
                    name=activity.name,
                    input_text=activity.input_text,
                )
            )
        for timer in episode.timers:
            due_us = to_us(timer.fire_at)
            fired = timer_fired(timer.fire_at, timer.number)
            self._post(connection, instance_id, fired, execution_id, due_us)
            aftermath.alarms.append((due_us, instance_id))
        for child, child_execution in episode.children:
            parent = Parent(instance_id, execution_id, child.number)
            new = NewInstance(
                child.instance_id,
                child_execution,
                child.name,
                child.input_text,
                child.version,
                parent,
            )
            try:
                self._create(connection, new)
                aftermath.wake.append(child.instance_id)
            except AlreadyExists as error:
                failure = child_failed(self._clock.now(), child.number, str(error), None)
                self._post(connection, instance_id, failure, execution_id)
                aftermath.wake.append(instance_id)
