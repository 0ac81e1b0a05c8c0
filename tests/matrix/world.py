"""Mend's own code on the local host's engine, beside simulated systems, in virtual time.

All in one process and on one clock: hub, store, policy and simulators agree on the time, and
where nothing is going on it passes at once. A cell of a matrix costs a fraction of a second,
also one in which Mend looks for a lost request for four minutes.
"""

import asyncio
import contextlib
import functools
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

import shared.connectors.adf as adf_connector
import shared.connectors.databricks as databricks_connector
import shared.connectors.logic_app as logic_app_connector
import shared.settings as settings_module
import shared.usecases.analyse as analysing
from activities import approval as asking
from activities import closing, diagnosis, remediation
from localhost.clock import ManualClock
from localhost.durable.events import Status as InstanceStatus
from orchestrators import approval, monitor
from orchestrators import remediation as story
from shared import container
from shared.domain.alert import Alert
from shared.domain.analysis import Action, Analysis, Category, Classification, RerunSafety, Risk
from shared.domain.ticket import Ticket
from shared.policy.settings import PolicySettings
from shared.usecases.accept_alert import accept_alert
from shared.usecases.operator_settings import change_policy_settings
from simulators.client import AdfSimulator, DatabricksSimulator, LogicAppSimulator
from simulators.kit.serving import Surroundings, address, bind, serve
from simulators.registry import SIMULATORS
from tests.localhost.workshop import Workshop, activity
from tests.matrix.peril import Peril, Perilous, PerilousStore, elsewhere
from tests.support.mend import brisk, workspace

POLL_SECONDS = 5
_TICK_SECONDS = 0.001
_IDLE_TICKS = 4
_LONGEST_JUMP = timedelta(seconds=20)
_PATIENCE_TICKS = 40_000

ACTIVITIES = {
    name: function
    for module in (closing, diagnosis, asking, remediation)
    for name, function in vars(module).items()
    if type(function).__name__ == "FunctionBuilder"
}


class SharedClock(ManualClock):
    """One time for the hub, the store and the simulators."""

    mode = "manual"


class Simulators:
    """All three simulators in this process; use it with ``async with``."""

    def __init__(self, clock: SharedClock) -> None:
        self._clock = clock
        self._until = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Serve them."""
        listeners = [bind("127.0.0.1", 0) for _ in SIMULATORS]
        surroundings = Surroundings(self._clock)
        ready: asyncio.Queue[str] = asyncio.Queue()
        self._serving = asyncio.create_task(
            serve(
                [
                    (create(surroundings), listener)
                    for create, listener in zip(SIMULATORS.values(), listeners, strict=True)
                ],
                lambda _, url: ready.put_nowait(url),
                until=self._until,
            )
        )
        urls = dict(zip(SIMULATORS, map(address, listeners), strict=True))
        for _ in SIMULATORS:
            await ready.get()
        self.adf = AdfSimulator.attach(urls["adf"])
        self.databricks = DatabricksSimulator.attach(urls["databricks"])
        self.logic_app = LogicAppSimulator.attach(urls["logic-app"])
        await asyncio.to_thread(self.logic_app.connect, self.adf, self.databricks)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop them."""
        for simulator in (self.adf, self.databricks, self.logic_app):
            simulator.stop()
        self._until.set()
        await self._serving

    def reset(self) -> None:
        """Empty all of them. Blocks; call it in a thread."""
        for simulator in (self.adf, self.databricks, self.logic_app):
            simulator.reset()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the diagnosis is made to say, so that every action can be had."""

    action: Action
    by_logic_app: bool = False

    def diagnose(self, _: object) -> Analysis:
        """Return the cause, whatever the facts."""
        return Analysis(
            classification=Classification.TRUE_POSITIVE,
            confidence=0.95,
            category=Category.TRANSIENT_NETWORK,
            signature="planted",
            root_cause="planted",
            auto_remediable=True,
            action=self.action,
            risk=Risk.LOW,
            method="signature",
        )


class World:
    """One ticket's world: an engine, a store and what they talk to. Use ``async with``."""

    def __init__(
        self, folder: Path, simulators: Simulators, clock: SharedClock, peril: Peril
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._in_flight = 0
        self.peril = peril
        self.simulators = simulators
        self.deliveries = 1
        self.meanwhile: Callable[[], Awaitable[None]] = _nothing
        self.longest_history = 0

    async def __aenter__(self) -> Self:
        """Start the engine."""
        self._folder.mkdir(parents=True, exist_ok=True)
        await self._start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        await self._stop()

    async def report(self, alert: Alert) -> str:
        """Let ``alert`` open a ticket and start its remediation; return the ticket."""
        using = container.services()
        safe = PolicySettings(rerun_safety={alert.resource.name: RerunSafety.IDEMPOTENT})
        await change_policy_settings(using.store, lambda _: safe)
        accepted = await accept_alert(
            alert, using.store, self._clock, new_ticket_id=using.new_ticket_id, sla_minutes=60
        )
        assert accepted.ticket_id is not None
        (errand,) = await using.store.errands()
        self._instance = str(errand.item.payload["instance_id"])
        given = {"ticket_id": accepted.ticket_id}
        self.peril.lurks = True
        await self._workshop.begin("remediate", given, self._instance)
        return accepted.ticket_id

    async def end(self, ticket_id: str) -> Ticket:
        """Let time pass until the story is over; a process that dies is started again."""
        idle = 0
        for _ in range(_PATIENCE_TICKS):
            if self.peril.died.is_set() and not self.peril.outlived:
                self.peril.outlived = True
                await self.restart()
            if self._is_over():
                return await container.services().store.get(ticket_id)
            await asyncio.sleep(_TICK_SECONDS)
            here = elsewhere.set(True)
            await self.meanwhile()
            elsewhere.reset(here)
            self.longest_history = max(self.longest_history, self._history_now())
            idle = 0 if self._in_flight else idle + 1
            if idle >= _IDLE_TICKS:
                self._jump()
                idle = 0
        told = "\n".join(e.message for e in await container.services().store.events(ticket_id))
        raise AssertionError(f"no end after dying {self.peril.where}:\n{told}")

    async def restart(self) -> None:
        """Be killed, and start again on the same folder."""
        await self._stop()
        await self._start()

    def back_up(self) -> None:
        """Copy both databases as they are now."""
        for path in self._databases():
            with (
                contextlib.closing(sqlite3.connect(path)) as now,
                contextlib.closing(sqlite3.connect(f"{path}.copy")) as copy,
            ):
                now.backup(copy)

    async def restore(self) -> None:
        """Start again from the copies; what happened since is forgotten here, and only here."""
        await self._stop()
        self._put_back()
        await self._start()

    def _put_back(self) -> None:
        for path in self._databases():
            for left in ("-wal", "-shm"):
                Path(f"{path}{left}").unlink(missing_ok=True)
            shutil.copyfile(f"{path}.copy", path)

    def _databases(self) -> list[Path]:
        return [self._folder / "hub.db", self._folder / "mend.db"]

    async def _start(self) -> None:
        self._in_flight = 0
        self._workshop = Workshop(
            self._folder,
            {
                "remediate": _plain(story.remediate).orchestrator_function,
                "watch_run": _plain(monitor.watch_run).orchestrator_function,
                "await_approval": _plain(approval.await_approval).orchestrator_function,
            },
            {name: activity(self._delivered(name)) for name in ACTIVITIES},
            clock=self._clock,
        )
        await self._workshop.start()

    async def _stop(self) -> None:
        await self._workshop.crash()
        using = container.services()
        container.services.cache_clear()
        await using.store.close()
        await self.peril.close()

    def _is_over(self) -> bool:
        row = self._workshop.hub.instance(self._instance)
        return row is not None and row.status in {InstanceStatus.COMPLETED, InstanceStatus.FAILED}

    def _history_now(self) -> int:
        """Return how many events the longest history has."""
        lengths = "SELECT COUNT(*) AS length FROM history GROUP BY instance_id"
        asked = f"SELECT COALESCE(MAX(length), 0) FROM ({lengths})"
        return int(self._workshop.hub.read(lambda db: db.execute(asked).fetchone()[0]))

    def _jump(self) -> None:
        wake = self._clock.next_wake()
        if wake is not None:
            self._clock.advance(min(max(wake - self._clock.now(), timedelta(0)), _LONGEST_JUMP))

    def _delivered(self, name: str) -> Callable[[Any], Awaitable[Any]]:
        """Return the activity as the host delivers it: perhaps more than once, perhaps in vain."""
        function = _plain(ACTIVITIES[name])

        async def deliver(payload: Any) -> Any:
            self._in_flight += 1
            try:
                answers = await asyncio.gather(*(function(payload) for _ in range(self.deliveries)))
                await self.peril.at(f"after {name} was carried out")
                return answers[-1]
            finally:
                self._in_flight -= 1

        return deliver


async def _nothing() -> None:
    """Stand for nobody who does anything meanwhile."""


def _plain(builder: Any) -> Any:
    return builder.build().get_user_function()


@contextlib.contextmanager
def arranged(
    patch: pytest.MonkeyPatch,
    simulators: Simulators,
    clock: SharedClock,
    peril: Callable[[], Peril],
    suggestion: Suggestion,
    data_dir: Path,
    timeout_seconds: float,
    watch_minutes: int,
) -> Iterator[None]:
    """Let the container build Mend from perilous parts, on one clock, for ``simulators``."""
    chosen: Mapping[str, str] = {
        **brisk(simulators.adf.url, **workspace(simulators.databricks.url)),
        "MEND_POLL_SECONDS": str(POLL_SECONDS),
        "MEND_MONITOR_TIMEOUT_MINUTES": str(watch_minutes),
        "LOCAL_DATA_DIR": str(data_dir),
    }
    if suggestion.by_logic_app:
        chosen = {**chosen, "MEND_LOGIC_APP_URL": simulators.logic_app.trigger_url}
    with patch.context() as patched:
        for name, value in chosen.items():
            patched.setenv(name, value)
        patched.setattr(container, "SystemClock", lambda: clock)
        patched.setattr(container, "SqliteStore", lambda path: PerilousStore(path, peril()))
        for module, name in (
            (adf_connector, "DataFactory"),
            (databricks_connector, "Databricks"),
            (logic_app_connector, "LogicAppTrigger"),
        ):
            made = functools.partial(getattr(module, name), timeout_seconds=timeout_seconds)
            patched.setattr(module, name, _perilous(made, peril))
        patched.setattr(container, "LogicAppTrigger", logic_app_connector.LogicAppTrigger)
        patched.setattr(analysing, "diagnose", suggestion.diagnose)
        _forget()
        try:
            yield
        finally:
            _forget()


def _perilous(kind: Callable[..., Any], peril: Callable[[], Peril]) -> Callable[..., Any]:
    return lambda *args, **kwargs: Perilous(kind(*args, **kwargs), peril())


def _forget() -> None:
    container.services.cache_clear()
    settings_module.settings.cache_clear()
