"""An engine over a hub in a folder, without HTTP and without an app to import.

A test gives plain orchestrator functions and async activities, and may throw the engine
away (``crash``) and build another one on the same folder, as a new process would.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from azure.durable_functions.entity import Entity
from azure.durable_functions.orchestrator import Orchestrator

from localhost.clock import Clock, SystemClock
from localhost.durable.activities import Activity
from localhost.durable.engine import Engine, Options
from localhost.durable.entities import EntityFunction
from localhost.durable.events import Event, Status, event_raised
from localhost.durable.hub import Hub
from localhost.durable.performer import Known
from localhost.durable.protocol import JsonV1, WorkerProtocol
from localhost.durable.records import Instance, Task

# Real time after which something that should happen at once is taken as not happening.
PATIENCE_SECONDS = 20.0

Plain = Callable[[Any], Awaitable[Any]]


def activity(function: Plain) -> Activity:
    """Return a function of the parsed input as an activity."""

    async def run(task: Task) -> str:
        return json.dumps(await function(json.loads(task.input_text or "null")))

    return run


class Workshop:
    """A hub and an engine; use it with ``async with``.

    Args:
        folder: Where ``hub.db`` is, or will be.
        orchestrators: Generator functions by name.
        activities: By name; see :func:`activity`.
        make_hub: Another class of hub, for tests that break it.
        wrap: Puts another protocol around the usual one.
    """

    def __init__(
        self,
        folder: Path,
        orchestrators: Mapping[str, Callable[..., Any]],
        activities: Mapping[str, Activity] | None = None,
        *,
        entities: Mapping[str, Callable[..., Any]] | None = None,
        clock: Clock | None = None,
        options: Options | None = None,
        make_hub: Callable[..., Hub] = Hub,
        wrap: Callable[[WorkerProtocol], WorkerProtocol] = lambda protocol: protocol,
    ) -> None:
        self.folder = folder
        self.clock: Clock = clock or SystemClock()
        self.broken: list[BaseException] = []
        self._activities = dict(activities or {})
        self._entities = {name: _entity(one) for name, one in (entities or {}).items()}
        known = Known(
            frozenset(self._activities), frozenset(orchestrators), frozenset(self._entities)
        )
        plain = JsonV1(
            {name: Orchestrator.create(one) for name, one in orchestrators.items()}, known
        )
        self._protocol = wrap(plain)
        self._options = options
        self._make_hub = make_hub

    async def __aenter__(self) -> Self:
        """Open the hub and start the engine."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop in order."""
        await self.engine.drain(1)
        await self.hub.close()

    async def start(self) -> None:
        """Open the hub and start an engine on it."""
        self.hub = self._make_hub(self.folder / "hub.db", self.clock, self.broken.append)
        self.engine = Engine(
            self.hub,
            self.clock,
            self._protocol,
            self._activities,
            entities=self._entities,
            options=self._options,
        )
        await self.engine.start()

    async def crash(self) -> None:
        """Drop the engine as a killed process would, and close what a process would close."""
        self.engine.halt()
        await asyncio.sleep(0)
        await self.hub.close()

    async def run(
        self, name: str, input_: object = None, instance_id: str | None = None
    ) -> Instance:
        """Start an orchestration and wait for its end."""
        return await self.end(await self.begin(name, input_, instance_id))

    async def begin(self, name: str, input_: object = None, instance_id: str | None = None) -> str:
        """Start an orchestration as the client does; return its id."""
        text = None if input_ is None else json.dumps(json.dumps(input_))
        return await self.engine.create(name, instance_id, text)

    async def end(self, instance_id: str) -> Instance:
        """Wait for the end of an instance."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.engine.finished(instance_id)
        return self.row(instance_id)

    async def hears(self, instance_id: str, name: str, payload: object = None) -> None:
        """Raise an event."""
        await self.post(instance_id, event_raised(self.clock.now(), name, json.dumps(payload)))

    async def post(self, instance_id: str, message: Event) -> Status | None:
        """Send any message to an instance."""
        status = await self.hub.post(instance_id, message)
        self.engine.wake(instance_id)
        return status

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until ``condition`` holds."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():  # noqa: ASYNC110  nobody signals it
                await asyncio.sleep(0.002)

    def row(self, instance_id: str) -> Instance:
        """Return the stored row of an instance that exists."""
        found = self.hub.instance(instance_id)
        assert found is not None
        return found

    def output(self, instance_id: str) -> Any:
        """Return the parsed output of a completed instance."""
        row = self.row(instance_id)
        assert row.status is Status.COMPLETED, (row.status, row.output)
        return json.loads(row.output or "null")

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        return int(
            self.hub.read(lambda c: c.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])
        )


def _entity(function: Callable[..., Any]) -> EntityFunction:
    handle = Entity.create(function)

    async def run(context: str) -> str:
        return str(handle(context))

    return run
