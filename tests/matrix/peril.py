"""Places where a process may die, counted as they are passed; it dies at one of them.

To die is never to go on: the call that reaches the place does not return, so that nothing
after it happens, until the engine it runs on is thrown away.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from shared.domain.limits import Limit, LimitReached, Send
from shared.domain.ticket import Change, Ticket
from shared.ports.tickets import Decide
from shared.stores.sqlite import SqliteStore

CHANGES = frozenset(
    {
        "rerun",
        "rerun_trigger_run",
        "start_trigger",
        "repair",
        "run_now",
        "restart_cluster",
        "resize_cluster",
        "resize_job_cluster",
        "uninstall",
        "install",
        "start",
    }
)
"""Calls of connectors that change something outside."""


class Killed(Exception):
    """Leaves a transaction the way a dying process does: nothing of it stays."""


class Peril:
    """Counts places; ``dies_at`` is the number of the one that is not survived.

    It counts while it ``lurks``, and once it was ``outlived`` no more. At number
    ``copies_at`` it goes on, after ``copy`` was called.
    """

    def __init__(self, dies_at: int | None = None, copies_at: int | None = None) -> None:
        self.dies_at = dies_at
        self.copies_at = copies_at
        self.copy: Callable[[], None] = lambda: None
        self.places: list[str] = []
        self.died = asyncio.Event()
        self.outlived = False
        self.lurks = False
        self._open: list[Any] = []
        self._loop = asyncio.get_running_loop()

    @property
    def where(self) -> str:
        """Where it died."""
        number = self.copies_at if self.dies_at is None else self.dies_at
        return "nowhere" if number is None else self.places[number]

    def strikes(self, place: str) -> bool:
        """Pass ``place``; tell whether it is the last one."""
        if self.outlived or not self.lurks:
            return False
        self.places.append(place)
        if self.copies_at == len(self.places) - 1:
            self.copy()
        return self.dies_at == len(self.places) - 1

    def keeps(self, connector: Any) -> None:
        """Remember a connector, to be closed in the end."""
        self._open.append(connector)

    async def close(self) -> None:
        """Release what the connectors of the dead process would have left to the system."""
        while self._open:
            close = getattr(self._open.pop(), "close", None)
            if close is not None:
                await close()

    async def at(self, place: str) -> None:
        """Pass ``place``, or never return."""
        if self.strikes(place):
            await self.die()

    async def die(self) -> None:
        """Never return."""
        self.died.set()
        await asyncio.Event().wait()


elsewhere: ContextVar[bool] = ContextVar("elsewhere", default=False)
"""What is done meanwhile is done by a process of its own: that one lives on."""


class PerilousStore(SqliteStore):
    """A store whose process may die right before or after each commit."""

    def __init__(self, path: Path, peril: Peril) -> None:
        super().__init__(path)
        self._peril = peril

    async def update(self, ticket_id: str, decide: Decide) -> Ticket:
        """See the protocol."""
        if elsewhere.get():
            return await super().update(ticket_id, decide)
        said = ""

        def noted(ticket: Ticket) -> Change | None:
            nonlocal said
            change = decide(ticket)
            if change is not None and change.events:
                said = change.events[-1].type
                if self._peril.strikes(f"before {said} is stored"):
                    raise Killed
            return change

        try:
            ticket = await super().update(ticket_id, noted)
        except Killed:
            await self._peril.die()
            raise
        if said:
            await self._peril.at(f"after {said} is stored")
        return ticket

    async def update_counted(
        self, ticket_id: str, decide: Decide, send: Send, limits: Sequence[Limit]
    ) -> tuple[Ticket, LimitReached | None]:
        """See the protocol."""
        await self._peril.at("before sending is stored")
        done = await super().update_counted(ticket_id, decide, send, limits)
        await self._peril.at("after sending is stored")
        return done

    async def claim(
        self, kind: str, key: str, holder: str, *, instead_of: str | None = None
    ) -> str:
        """See the protocol."""
        await self._peril.at(f"before the {kind} is claimed")
        done = await super().claim(kind, key, holder, instead_of=instead_of)
        await self._peril.at(f"after the {kind} is claimed")
        return done


class Perilous:
    """Any connector; its process may die right before a request leaves or after it was answered."""

    def __init__(self, connector: Any, peril: Peril) -> None:
        self._connector = connector
        self._peril = peril
        peril.keeps(connector)

    def __getattr__(self, name: str) -> Any:
        """Return the connector's own, or the perilous way to it."""
        call = getattr(self._connector, name)
        if name not in CHANGES:
            return call

        async def perilous(*args: Any, **kwargs: Any) -> Any:
            await self._peril.at(f"before {name} leaves")
            answer = await call(*args, **kwargs)
            await self._peril.at(f"after {name} was answered")
            return answer

        return perilous
