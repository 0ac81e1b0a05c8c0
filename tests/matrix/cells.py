"""Plays one scenario again and again, each time in a world of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from shared.domain.alert import Alert
from shared.domain.ticket import Ticket
from simulators.client import LedgerEntry
from tests.matrix.peril import Peril
from tests.matrix.scenarios import Scenario
from tests.matrix.world import SharedClock, Simulators, World, arranged


class Cells:
    """Plays one scenario again and again, each time in a fresh world."""

    def __init__(
        self,
        scenario: Scenario,
        simulators: Simulators,
        clock: SharedClock,
        folder: Path,
        patch: pytest.MonkeyPatch,
    ) -> None:
        self.scenario = scenario
        self._simulators = simulators
        self._clock = clock
        self._folder = folder
        self._patch = patch
        self._played = 0
        self.longest_history = 0

    async def play(
        self,
        dies_at: int | None = None,
        *,
        deliveries: int = 1,
        copies_at: int | None = None,
        trouble: Callable[[Simulators], None] = lambda _: None,
        timeout_seconds: float = 30,
        watch_minutes: int = 120,
        meanwhile: Callable[[], Awaitable[None]] | None = None,
    ) -> tuple[Ticket, Peril]:
        """Play it to its end and return what came of it.

        Args:
            dies_at: Number of the place where the process is killed, once.
            copies_at: Number of the place where a backup is made. It is restored in the end, and
                all is played again from there.
            deliveries: How often each activity is delivered, at the same time.
            trouble: Orders faults.
            timeout_seconds: Of the connectors, in real time.
            meanwhile: What somebody else does all the time.
            watch_minutes: How long Mend waits for a run, in virtual time.
        """
        self._played += 1
        peril = Peril(dies_at, copies_at)
        folder = self._folder / str(self._played)

        def plant() -> Alert:
            self._simulators.reset()
            alert = self.scenario.plant(self._simulators)
            trouble(self._simulators)
            return alert

        alert = await asyncio.to_thread(plant)
        with arranged(
            self._patch,
            self._simulators,
            self._clock,
            lambda: peril,
            self.scenario.suggestion,
            folder,
            timeout_seconds,
            watch_minutes,
        ):
            async with World(folder, self._simulators, self._clock, peril) as world:
                world.deliveries = deliveries
                world.meanwhile = meanwhile or world.meanwhile
                peril.copy = world.back_up
                ticket = await world.end(await world.report(alert))
                if copies_at is not None:
                    peril.lurks = False
                    await world.restore()
                    ticket = await world.end(ticket.id)
                self.longest_history = world.longest_history
        return ticket, peril

    async def effects(self) -> dict[tuple[str, str], int]:
        """Return how often each call took effect, judged by the ledgers."""
        return await asyncio.to_thread(self._count, lambda entry: entry.effect is not None)

    async def calls_of_adf(self, action: str) -> list[LedgerEntry]:
        """Return every call of ``action`` that reached the factory, oldest first."""
        return await asyncio.to_thread(self._simulators.adf.ledger, action)

    async def requests(self) -> dict[tuple[str, str], int]:
        """Return how often each call that may change something was made."""
        changing = self.scenario.effects
        found = await asyncio.to_thread(self._count, lambda _: True)
        return {call: found.get(call, 0) for call in changing}

    def _count(self, wanted: Callable[[LedgerEntry], bool]) -> dict[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        for name in ("adf", "databricks", "logic_app"):
            for entry in getattr(self._simulators, name).ledger():
                if wanted(entry):
                    found[name, entry.action] = found.get((name, entry.action), 0) + 1
        return found
