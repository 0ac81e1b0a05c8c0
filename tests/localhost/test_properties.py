"""Any program, killed anywhere: the result is that of plain Python.

The engine dies in the middle of writing: before a commit (nothing of it happened) or
right after it (all of it happened, and nobody was told). Results come in any order, and
some twice. The next engine finds only what is on disk.
"""

import asyncio
import json
import random
import tempfile
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localhost.clock import Clock, ManualClock
from localhost.durable.events import Event, EventType, event_raised
from localhost.durable.hub import Hub
from localhost.durable.records import Task
from localhost.durable.writer import Writer
from tests.localhost.grammar import Program, beginning, expected, interpreter, programs, tally
from tests.localhost.workshop import PATIENCE_SECONDS, Workshop, activity

_ANSWERS = (EventType.TASK_COMPLETED, EventType.TASK_FAILED)


class Fate:
    """Decides when the process dies, and what comes twice. Everything from one seed."""

    def __init__(self, seed: int, kills: int) -> None:
        self.random = random.Random(seed)
        self._kills_left = kills
        self._commits = 0
        self._dies_at = 0
        self.begin_life()

    def begin_life(self) -> None:
        """Draw the next death."""
        self._commits = 0
        self._dies_at = self.random.randint(1, 10) if self._kills_left > 0 else 0
        self._kills_left -= 1

    def dies_now(self) -> bool:
        """Count a commit; return whether the process dies around it."""
        self._commits += 1
        return self._commits == self._dies_at


class MortalWriter(Writer):
    """A writer that stops for ever at one commit, as a killed process does."""

    fate: Fate
    died: Callable[[], None]
    dead = False

    def _write(self, batch: Any) -> Any:
        if self.dead:
            return []
        if self.fate.dies_now():
            self.dead = True
            if self.fate.random.random() < 0.5:
                super()._write(batch)
            batch[0].loop.call_soon_threadsafe(self.died)
            return []
        return super()._write(batch)


class MortalHub(Hub):
    """A hub that dies with its writer and delivers some results twice."""

    def __init__(self, path: Path, clock: Clock, *_more: object, fate: Fate) -> None:
        super().__init__(path, clock)
        self.died = asyncio.Event()
        self._fate = fate
        # The thread does nothing before the first operation, so it can still be changed.
        self.writer.__class__ = MortalWriter
        writer: Any = self.writer
        writer.fate, writer.died = fate, self.died.set

    async def finish_task(self, task: Task, outcome: Event) -> bool:
        """Store the result, and now and then a copy of its message."""
        stored = await super().finish_task(task, outcome)
        if stored and self._fate.random.random() < 0.2:
            await self.post(task.instance_id, outcome, execution_id=task.execution_id)
        return stored


class World:
    """What is outside the engine and survives its deaths."""

    def __init__(self, fate: Fate) -> None:
        self._random = fate.random
        self._attempts: dict[str, list[tuple[str, int]]] = defaultdict(list)

    async def inc(self, number: int) -> int:
        """Return the next number, after a while."""
        await self._dawdle()
        return number + 1

    async def boom(self, _number: int) -> None:
        """Fail, after a while."""
        await self._dawdle()
        raise ValueError("boom")

    async def flaky(self, task: Task) -> str:
        """Fail for the first tasks of a key; running one again changes nothing."""
        await self._dawdle()
        asked = json.loads(task.input_text or "")
        attempts = self._attempts[asked["key"]]
        if (task.execution_id, task.task_id) not in attempts:
            attempts.append((task.execution_id, task.task_id))
        number = attempts.index((task.execution_id, task.task_id))
        if number < asked["failures"]:
            raise RuntimeError("not yet")
        return json.dumps(f"after {number}")

    async def _dawdle(self) -> None:
        for _ in range(self._random.randint(0, 5)):
            await asyncio.sleep(0)


def workshop_in(folder: Path, clock: ManualClock, world: World, fate: Fate) -> Workshop:
    """Return a workshop for programs, whose hub is mortal."""

    def make_hub(path: Path, clock: Clock, *more: object) -> Hub:
        return MortalHub(path, clock, *more, fate=fate)

    return Workshop(
        folder,
        {"interpreter": interpreter},
        {"inc": activity(world.inc), "boom": activity(world.boom), "flaky": world.flaky},
        entities={"counter": tally},
        clock=clock,
        make_hub=make_hub,
    )


async def run(folder: Path, program: Program, seed: int, kills: int) -> Any:
    """Run ``program`` through ``kills`` deaths and return its result."""
    fate, clock = Fate(seed, kills), ManualClock()
    workshop = workshop_in(folder, clock, World(fate), fate)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            await workshop.start()
            if await one_life(workshop, clock, program):
                break
            await workshop.crash()
            fate.begin_life()
    await settle(workshop)
    result = workshop.output("main")
    leftovers = {table: workshop.count(table) for table in ("inbox", "tasks")}
    healthy = workshop.hub.read(lambda c: c.execute("PRAGMA integrity_check").fetchone()[0])
    await workshop.crash()
    assert leftovers == {"inbox": 0, "tasks": 0}
    assert healthy == "ok"
    return result


async def one_life(workshop: Workshop, clock: ManualClock, program: Program) -> bool:
    """Run until the program ends (True) or the process dies (False)."""
    hub = workshop.hub
    assert isinstance(hub, MortalHub)
    died = asyncio.create_task(hub.died.wait())
    working = asyncio.create_task(work(workshop, clock, program))
    await asyncio.wait([died, working], return_when=asyncio.FIRST_COMPLETED)
    ended = working.done() and not hub.died.is_set()
    if ended:
        working.result()
    died.cancel()
    working.cancel()
    return ended


async def work(workshop: Workshop, clock: ManualClock, program: Program) -> None:
    """Start the program, or find it; raise what it waits for, and let time pass."""
    if workshop.hub.instance("main") is None:
        await workshop.begin("interpreter", beginning(program, "main"), "main")
    told: set[tuple[str, str]] = set()
    while workshop.row("main").completed_us is None:
        for instance_id, name in awaited(workshop):
            if (instance_id, name) not in told:
                told.add((instance_id, name))
                raised = event_raised(clock.now(), name, "null")
                await workshop.post(instance_id, raised)
        await asyncio.sleep(0.001)
        clock.advance(timedelta(seconds=1))


def awaited(workshop: Workshop) -> list[tuple[str, str]]:
    """Return events that were not raised yet: of every instance, the next ``hear`` step."""
    found = []
    for row in workshop.hub.read(
        lambda c: c.execute("SELECT id, input FROM instances WHERE completed_us IS NULL").fetchall()
    ):
        state = json.loads(json.loads(row[1]))
        names = [
            f"{state['key']}.{state['round']}.{place}"
            for place, (verb, _) in enumerate(state["program"])
            if verb == "hear"
        ]
        raised = {
            one["Name"]
            for one in workshop.hub.history(row[0]).events
            if one["EventType"] == EventType.EVENT_RAISED
        }
        found += [(row[0], name) for name in names if name not in raised]
    return found


async def settle(workshop: Workshop) -> None:
    """Let late answers to finished instances be read and thrown away."""
    await workshop.until(lambda: workshop.count("inbox") + workshop.count("tasks") == 0)


def check(program: Program, seed: int, kills: int) -> None:
    """Run in a folder of its own and compare with plain Python."""
    with tempfile.TemporaryDirectory() as folder:
        assert asyncio.run(run(Path(folder), program, seed, kills)) == expected(program)


@settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(program=programs(), seed=st.integers(0, 2**32), kills=st.integers(0, 12))
def test_any_program_killed_anywhere_gives_the_result_of_plain_python(
    program: Program, seed: int, kills: int
) -> None:
    """Random programs, kills, orders and duplicates."""
    check(program, seed, kills)


@pytest.mark.long
@settings(
    max_examples=2_000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(program=programs(), seed=st.integers(0, 2**32), kills=st.integers(0, 20))
def test_many_programs_killed_anywhere(program: Program, seed: int, kills: int) -> None:
    """The same, for minutes, with new programs each time."""
    check(program, seed, kills)


EVERY_STEP: Program = [
    ["call", 1],
    ["fail", 1],
    ["sleep", 3],
    ["hear", 0],
    ["all", [1, 2, 3]],
    ["any", [4, 5]],
    ["retry", 2],
    ["retry", 3],
    ["race", 6],
    ["count", 2],
    ["status", 7],
    ["child", [["call", 1], ["sleep", 2]]],
    ["children", [[["call", 1]], [["hear", 0], ["count", 1]]]],
    ["again", 1],
]


@pytest.mark.parametrize("seed", range(6))
def test_every_kind_of_step_killed_again_and_again(seed: int) -> None:
    """One program with everything in it, through many deaths."""
    check(EVERY_STEP, seed, 30)
